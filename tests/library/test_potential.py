"""Quasi-potential: gradient against differences, batches, fixed points."""

import numpy as np
import pytest
from scipy import optimize

from quasipotential import couplings, potential
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")


def network(N=12, gamma=0.4, g=1.5, seed=0):
    return g * couplings.elliptic(N, gamma, np.random.default_rng(seed))


@pytest.mark.parametrize("name", ["tanh", "erf", "linear"])
@pytest.mark.parametrize("eta", [0.0, 0.3])
def test_gradient_is_the_derivative_of_the_energy(name, eta):
    J, transfer = network(), transfer_function(name)
    x = np.random.default_rng(1).standard_normal(len(J))
    h = 1e-5
    steps = h * np.eye(len(x))
    difference = (
        potential.energy(x[:, None] + steps, J, transfer, eta)
        - potential.energy(x[:, None] - steps, J, transfer, eta)
    ) / (2 * h)
    # Truncation h^2 and rounding 1e-16 E/h, with E about 10: 1e-9 observed.
    assert potential.gradient(x, J, transfer, eta) == pytest.approx(difference, abs=1e-8)


def test_batch_equals_single_states():
    J = network()
    x = np.random.default_rng(2).standard_normal((len(J), 5))
    for function in (potential.residual, potential.gradient, potential.energy):
        single = np.stack([function(column, J, TANH) for column in x.T], axis=-1)
        # The sums of a matrix product may be ordered differently in a batch: rounding only.
        assert function(x, J, TANH) == pytest.approx(single, rel=1e-13, abs=1e-13)


def test_symmetry_and_origin():
    J = network()
    x = np.random.default_rng(3).standard_normal(len(J))
    assert potential.energy(-x, J, TANH, 0.1) == potential.energy(x, J, TANH, 0.1)
    assert np.array_equal(potential.gradient(-x, J, TANH), -potential.gradient(x, J, TANH))
    assert potential.energy(0 * x, J, TANH) == 0.0


def test_linear_energy_is_a_quadratic_form():
    J = network(g=0.7)
    x = np.random.default_rng(4).standard_normal(len(J))
    A = np.eye(len(J)) - J
    energy = potential.energy(x, J, transfer_function("linear"), 0.2)
    assert energy == pytest.approx(0.5 * x @ A.T @ A @ x + 0.2 * x @ x, rel=1e-13)


def test_fixed_points_of_two_uncoupled_units():
    # x = 2 tanh(x) has the roots 0 and +-a: nine fixed points, four of them attractors.
    a = optimize.brentq(lambda x: x - 2 * np.tanh(x), 1.0, 3.0, xtol=1e-14)
    line = np.linspace(-2.5, 2.5, 11)
    starts = np.array([(x, y) for x in line for y in line])
    found = potential.fixed_points(2.0 * np.eye(2), TANH, starts)
    expected = {(round(x, 8), round(y, 8)) for x in (-a, 0, a) for y in (-a, 0, a)}
    assert {tuple(np.round(point, 8) + 0.0) for point in found.points} == expected
    assert len(found.points) == 9
    assert found.residual.max() <= potential.FIXED_POINT_TOLERANCE
    assert np.abs(found.points[0]).max() <= potential.FIXED_POINT_TOLERANCE
    assert found.growth_rate[0] == pytest.approx(1.0, abs=1e-9)  # -1 + J phi'(0)
    attractors = found.points[found.growth_rate < 0]
    assert np.abs(attractors) == pytest.approx(np.full((4, 2), a), abs=1e-9)


def test_starts_that_lead_nowhere_are_counted():
    # Far above the transition Powell's method often stops at a minimum of |r| that is no root.
    J = network(N=30, gamma=0.0, g=5.0)
    starts = np.random.default_rng(0).standard_normal((10, 30))
    found = potential.fixed_points(J, TANH, starts)
    assert 1 <= found.failures <= 10
    assert len(found.points) + found.failures <= 10
    assert found.points.shape == (len(found.residual), 30)
