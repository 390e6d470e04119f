"""Static DMFT: closed branches, check values and a second route through z instead of x."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from quasipotential import dmft
from quasipotential.dmft import static
from quasipotential.specs import ReplicaSpec, StaticDmftSpec, StaticPlaneSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")


@pytest.mark.parametrize(
    ("g", "C", "R"),
    [
        (1.1, 0.0931817239, 0.9068182761),
        (1.2, 0.1732729446, 0.8267270554),
        (1.5, 0.3526017967, 0.6473982033),
    ],
)
def test_published_digits_at_gamma_0(g: float, C: float, R: float) -> None:
    solution = static.solve(g, 0.0, TANH)
    assert solution.status is Status.CONVERGED
    # half of the last printed digit
    assert solution.C == pytest.approx(C, abs=5.1e-11)
    assert solution.R == pytest.approx(R, abs=5.1e-11)
    # At gamma = 0, C = 1 - R (tanh^2 = 1 - sech^2) and x is Gaussian.
    assert solution.C + solution.R == pytest.approx(1.0, abs=1e-14)
    assert solution.mean_square_x == pytest.approx(g**2 * solution.C, rel=1e-13)


def test_published_digits_at_gamma_half() -> None:
    assert static.solve(1.3 / 1.5, 0.5, TANH).C == pytest.approx(0.2680, abs=5e-5)


@pytest.mark.parametrize("name", ["tanh", "erf"])
@pytest.mark.parametrize(("g", "gamma"), [(12.0, -0.9), (3.0, -0.5), (1.4, 0.2), (0.9, 1.0)])
def test_equations_hold_when_x_is_solved_for_z(name: str, g: float, gamma: float) -> None:
    """Second route: trapezoidal rule in z with x(z) from a bracketed root."""
    transfer = transfer_function(name)
    solution = static.solve(g, gamma, transfer)
    assert solution.status is Status.CONVERGED
    z = np.linspace(-8.0, 8.0, 801)
    weight = 0.02 * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    field = g * np.sqrt(solution.C) * z
    reach = np.abs(field).max() + abs(solution.rho) + 1.0
    x = np.array(
        [
            optimize.brentq(
                lambda x, h=h: x - solution.rho * transfer.phi(x) - h, -reach, reach, xtol=1e-14
            )
            for h in field
        ]
    )
    slope = transfer.derivative(x)
    # The range of z leaves out 1e-14, the step of z adds less than 1e-10.
    assert weight @ transfer.phi(x) ** 2 == pytest.approx(solution.C, abs=1e-9)
    assert weight @ (slope / (1.0 - solution.rho * slope)) == pytest.approx(solution.R, abs=1e-9)
    assert weight @ x**2 == pytest.approx(solution.mean_square_x, rel=1e-9)


@pytest.mark.parametrize("gamma", [-1.0, -0.5, 0.0, 0.5, 1.0])
@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.999])
def test_trivial_branch(gamma: float, fraction: float) -> None:
    g = fraction / max(1.0 + gamma, 0.1)
    solution = static.solve(g, gamma, TANH)
    assert (solution.C, solution.mean_square_x) == (0.0, 0.0)
    assert solution.status is Status.CONVERGED
    assert solution.R * (1.0 - g**2 * gamma * solution.R) == pytest.approx(1.0, abs=1e-13)
    # the branch that starts at R = 1 for g = 0: below the double root 2 at 4 g^2 gamma = 1
    assert solution.R <= 2.0


@pytest.mark.parametrize("gamma", [-0.5, 0.0, 0.5, 1.0])
@pytest.mark.parametrize(("name", "cubic"), [("tanh", 1.0), ("erf", np.pi / 4.0)])
def test_onset(gamma: float, name: str, cubic: float) -> None:
    """C = e/c + O(e^2) with e = g(1+gamma) - 1 and phi = x - c x^3/3; R continuous, 1 + gamma."""
    transfer = transfer_function(name)
    errors = []
    for e in (2e-3, 1e-3):
        solution = static.solve((1.0 + e) / (1.0 + gamma), gamma, transfer)
        errors.append(solution.C * cubic / e - 1.0)
        assert solution.R == pytest.approx(1.0 + gamma, rel=2.0 * e)
    assert abs(errors[1]) < 5e-3
    # first order in e: extrapolation leaves 13 e^2 or less (observed)
    assert 2.0 * errors[1] - errors[0] == pytest.approx(0.0, abs=5e-5)


@pytest.mark.parametrize("excess", [4e-13, 1e-9, 1e-6])
def test_rounding_at_onset_is_harmless(excess: float) -> None:
    solution = static.solve((1.0 + excess) / 1.5, 0.5, TANH)
    assert solution.status is Status.CONVERGED
    # C = e to lowest order; residuals at rounding leave C open by 1e-13
    assert solution.C == pytest.approx(excess, rel=1e-5, abs=1e-13)


def test_many_valued_solution_is_unphysical() -> None:
    solution = static.solve(2.0, 1.0, TANH)
    assert solution.rho > 1.0
    assert solution.status is Status.UNPHYSICAL
    assert np.isfinite([solution.C, solution.R, solution.mean_square_x]).all()


def test_linear_has_no_fixed_points_beyond_the_transition() -> None:
    linear = transfer_function("linear")
    assert static.solve(0.6, 0.5, linear).R == static.solve(0.6, 0.5, TANH).R
    beyond = static.solve(0.7, 0.5, linear)
    assert beyond.status is Status.NOT_CONVERGED
    assert np.isnan([beyond.C, beyond.R, beyond.mean_square_x]).all()


@settings(max_examples=40, deadline=None)
@given(
    gamma=st.floats(-0.95, 1.0),
    distance=st.floats(1.0001, 6.0),
    name=st.sampled_from(["tanh", "erf"]),
)
def test_every_point_ends_well(gamma: float, distance: float, name: str) -> None:
    solution = static.solve(distance / (1.0 + gamma), gamma, transfer_function(name))
    assert solution.residual <= 1e-10
    assert solution.quadrature_error <= 1e-10
    assert solution.status is (Status.CONVERGED if solution.rho < 1.0 else Status.UNPHYSICAL)
    assert solution.C > 0.0
    assert solution.R > 0.0
    if solution.status is Status.CONVERGED:
        assert solution.C < 1.0


def test_dataset() -> None:
    spec = StaticDmftSpec(gamma=0.5, g=(0.0, 0.5, 2.0 / 3.0, 0.9, 3.0))
    dataset = dmft.run(spec)
    assert dataset.C.dims == ("g",)
    assert dataset.status.dtype == np.int8
    assert dataset.status.values.tolist() == [0, 0, 0, 0, 3]
    for name, variable in dataset.variables.items():
        assert {"long_name", "units"} <= set(variable.attrs), name
    # a point does not depend on the grid it is in
    alone = dmft.run(StaticDmftSpec(gamma=0.5, g=(0.9,)))
    assert alone.R_int.values[0] == dataset.R_int.sel(g=0.9)


def test_dataset_holds_failures() -> None:
    dataset = dmft.run(StaticDmftSpec(gamma=0.0, g=(0.5, 1.5), transfer="linear"))
    assert dataset.status.values.tolist() == [0, 1]
    assert np.isnan(dataset.C.values).tolist() == [False, True]


def test_specs_of_other_stages_are_refused() -> None:
    with pytest.raises(TypeError, match="ReplicaSpec belongs to 'replica', not to 'dmft'"):
        dmft.run(ReplicaSpec(gamma=0.0, g=(1.0,), temperatures=(1.0,)))


@pytest.mark.parametrize("name", ["tanh", "erf"])
def test_every_value_is_as_exact_as_it_says(name: str) -> None:
    """Against Gauss-Legendre sums over the fields, 1e-10 for each of C, R and E x^2."""
    transfer = transfer_function(name)
    nodes, gauss = np.polynomial.legendre.leggauss(16)
    # many pieces: where phi saturates, x(h) bends within a small part of the fields
    starts = np.linspace(-1.0, 1.0, 301)[:-1, None]
    nodes, gauss = (starts + (nodes + 1.0) / 300.0).ravel(), np.tile(gauss / 300.0, 300)
    for gamma in (-0.95, -0.5, 0.0, 0.5, 1.0):
        for gc in (1.001, 1.4, 2.2):
            g = gc / (1.0 + gamma)
            solution = static.solve(g, gamma, transfer)
            scale = max(1.0, solution.mean_square_x)
            assert max(solution.C_error, solution.R_error) < 1e-12
            assert solution.mean_square_x_error < 1e-12 * scale
            h = 9.0 * g * np.sqrt(solution.C) * nodes
            weight = 9.0 * gauss * np.exp(-40.5 * nodes**2) / np.sqrt(2.0 * np.pi)
            low, high = h - abs(solution.rho), h + abs(solution.rho)
            for _ in range(60):
                x = 0.5 * (low + high)
                below = x - solution.rho * transfer.phi(x) < h
                low, high = np.where(below, x, low), np.where(below, high, x)
            phi = transfer.phi(x)
            assert weight @ phi**2 == pytest.approx(solution.C, abs=1e-10)
            # R by Stein's lemma, where phi' does not occur
            stein = weight @ (h * phi) / (g**2 * solution.C)
            assert stein == pytest.approx(solution.R, abs=1e-10)
            assert weight @ x**2 == pytest.approx(solution.mean_square_x, abs=1e-10 * scale)


def test_plane_is_made_of_curves() -> None:
    plane = dmft.run(StaticPlaneSpec(gamma=(-0.5, 1.0), gc=(0.5, 1.0, 1.5, 2.5)))
    assert plane.C.dims == ("gamma", "gc")
    assert plane.status.dtype == np.int8
    assert plane.status.values.tolist() == [[0, 0, 0, 0], [0, 0, 0, 3]]
    curve = dmft.run(StaticDmftSpec(gamma=1.0, g=(0.75,)))
    for name in ("C", "R_int", "overlap_slope", "growth_rate"):
        assert plane[name].sel(gamma=1.0, gc=1.5) == curve[name][0]
    assert plane.g.sel(gamma=-0.5, gc=1.5) == 3.0
    for name, variable in plane.variables.items():
        assert {"long_name", "units"} <= set(variable.attrs), name
    with pytest.raises(ValueError, match="gamma above -1"):
        StaticPlaneSpec(gamma=(-1.0, 0.0), gc=(1.5,))
