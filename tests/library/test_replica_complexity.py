"""Complexities at gamma = 0: conditions, known values, random matrices, the law at the onset."""

import numpy as np
import pytest
from scipy import integrate
from scipy.special import ndtri

from quasipotential.couplings import elliptic
from quasipotential.replica import complexity
from quasipotential.specs import ComplexitySpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")


def functional(g, q, field, u):
    """The expression whose stationary value is Sigma, by adaptive quadrature."""
    deviation = g * np.sqrt(q)

    def density(z):
        phi, slope = np.tanh(deviation * z), 1 / np.cosh(deviation * z) ** 2
        weight = np.exp(-(z**2) / 2 + field * phi**2) / np.sqrt(2 * np.pi)
        return weight * np.sqrt(1 + u * (g * slope) ** 2)

    norm, _ = integrate.quad(density, -12, 12, epsabs=0, epsrel=1e-12, limit=400)
    return -field * q - u / 2 + np.log(norm)


@pytest.mark.parametrize("g", [1.05, 1.5, 3.0])
def test_sigma_is_a_stationary_value(g):
    found = complexity.solve(g, TANH)
    point = np.array([found.q, found.conjugate, found.multiplier])
    assert functional(g, *point) == pytest.approx(found.complexity, abs=1e-12)
    for index in range(3):
        step = np.zeros(3)
        step[index] = 1e-4 * abs(point[index])
        slope = (functional(g, *(point + step)) - functional(g, *(point - step))) / 2e-4
        # Central differences err by the third derivative times 1e-8/6, rounding by 1e-12/1e-4.
        assert abs(slope) < 5e-8
    assert found.status is Status.CONVERGED


@pytest.mark.parametrize(
    ("g", "sigma", "d"),
    [(1.5, 7.14e-3, 2.80e-3), (2.0, 2.483e-2, 1.068e-2), (3.0, 6.138e-2, 2.520e-2)],
)
def test_known_values(g, sigma, d):
    # docs/theory.md, section 11, to half a unit of the last digit.
    found = complexity.solve(g, TANH)
    assert found.complexity == pytest.approx(sigma, abs=6e-6)
    assert found.complexity_boltzmann == pytest.approx(d, abs=6e-6)


def test_law_at_the_onset():
    # Sigma = (16/81) e^3 and q = (2/3) e; the deviations are proportional to e = g - 1.
    steps = np.array([0.005, 0.01])
    found = [complexity.solve(1 + e, TANH) for e in steps]
    ratio = np.array([point.complexity for point in found]) / (16 / 81 * steps**3)
    relative_q = np.array([point.q for point in found]) / (2 / 3 * steps)
    for values in (ratio, relative_q):
        assert 2 * values[0] - values[1] == pytest.approx(1, abs=1e-3)  # Richardson, up to e^2
        assert abs(values[1] - 1) > 1e-3


def log_determinants(g, q, N, number, rng):
    """ln|det(1 - J phi')| of networks whose x have the quantiles of the shell of q."""
    x = g * np.sqrt(q) * ndtri((np.arange(N) + 0.5) / N)
    slopes = TANH.derivative(x)
    matrices = (np.eye(N) - g * elliptic(N, 0.0, rng) * slopes for _ in range(number))
    return np.array([np.linalg.slogdet(A).logabsdet for A in matrices])


@pytest.mark.parametrize("g", [2.0, 3.0])
def test_determinants_against_random_matrices(g):
    # N d less a constant (about 1): the constant falls out between two sizes.
    found = complexity.solve(g, TANH)
    rng = np.random.default_rng(0)
    small, large = (log_determinants(g, found.q_boltzmann, N, 400, rng) for N in (100, 200))
    error = np.hypot(small.std(), large.std()) / np.sqrt(400)
    growth = large.mean() - small.mean()
    assert abs(growth - 100 * found.complexity_boltzmann) < 4 * error
    assert error < 0.15 * growth


@pytest.mark.parametrize("g", [1.5, 5.0])
def test_overlaps_of_different_pairs(g):
    """lambda is the slope of Q -> E phi(x) phi(x') at 0, x and x' of covariance g^2 Q.

    A quotient at Q = 1e-3 q; the next order in Q is the third, 1e-6 relative.
    """
    found = complexity.solve(g, TANH)
    z = np.linspace(-8, 8, 401)
    weights = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    q, Q = found.q_boltzmann, 1e-3 * found.q_boltzmann
    r = Q / q
    x = g * np.sqrt(q) * z
    y = g * np.sqrt(q) * (r * z[:, None] + np.sqrt(1 - r**2) * z)
    product = weights @ (np.tanh(x)[:, None] * np.tanh(y)) @ weights
    assert product / Q == pytest.approx(found.slope_boltzmann, rel=1e-5)
    assert 0 < found.slope_boltzmann < 1


def test_overlap_by_chance_against_the_integral_over_two_states():
    """E|Q_ab| of two states under x = J phi(x), by the exact density of both at N = 1600.

    The second state is drawn with a correlation r to the first, r from a grid that covers Q_ab/q to
    4 standard deviations.  Tolerance: 4 standard errors and the next order, 1/(N (1 - lambda)^2).
    """
    g, N, draws = 5.0, 1600, 400
    found = complexity.solve(g, TANH)
    q, spread = found.q_boltzmann, 1 / (np.sqrt(N) * (1 - found.slope_boltzmann))
    grid = np.linspace(-4 * spread, 4 * spread, 41)
    rng = np.random.default_rng(0)
    logs, overlaps = [], []
    for _ in range(10):
        r = rng.choice(grid, draws)[:, None]
        x, y = g * np.sqrt(q) * rng.standard_normal((2, draws, N))
        y = r * x + np.sqrt(1 - r**2) * y
        xx, yy, xy = (np.einsum("mi,mi->m", *pair) for pair in ((x, x), (y, y), (x, y)))
        phi, psi = np.tanh(x), np.tanh(y)
        a, b, c = (np.mean(u * v, axis=1) for u, v in ((phi, phi), (psi, psi), (phi, psi)))
        det = a * b - c**2
        density = -(b * xx + a * yy - 2 * c * xy) / (2 * g**2 * det) - N / 2 * np.log(det)
        form = (xx + yy)[:, None] - 2 * grid * xy[:, None]
        drawn = -form / (2 * g**2 * q * (1 - grid**2)) - N / 2 * np.log(q**2 * (1 - grid**2))
        logs.append(density - np.logaddexp.reduce(drawn, axis=1))
        overlaps.append(np.abs(c) / q)
    weights = np.exp(np.concatenate(logs) - np.max(logs))
    weights /= weights.sum()
    overlaps = np.concatenate(overlaps)
    mean = weights @ overlaps
    error = np.sqrt(np.square(weights * (overlaps - mean)).sum())
    law = np.sqrt(2 / np.pi) * spread
    assert abs(mean - law) < 4 * error + law * spread**2
    assert error < 0.03 * law


def test_errors_and_bounds_are_reported():
    loose = complexity.solve(1.5, TANH, tolerance=1e-30)
    assert loose.status is Status.NOT_CONVERGED
    dataset = complexity.run(ComplexitySpec(g=(1.2, 2.0), transfer="erf"))
    assert dataset["status"].values.tolist() == [0, 0]
    assert np.all(dataset["residual"] <= 1e-10)
    assert np.all(dataset["complexity"] > dataset["complexity_boltzmann"])
    for variable in dataset.variables.values():
        assert variable.attrs["long_name"] and variable.attrs["units"] == "1"
    with pytest.raises(ValueError, match="greater than 1"):
        ComplexitySpec(g=(1.0,))
