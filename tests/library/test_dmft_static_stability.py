"""Stability of static DMFT: spectra of matrices, closed limits, and the theorem S > 1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon

from quasipotential.couplings import elliptic
from quasipotential.dmft import static, static_stability
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")


def site(g: float, gamma: float, name: str = "tanh") -> tuple[static.StaticSolution, np.ndarray]:
    """Solution, z, x(z) and the weights of z; nothing of it but C and R from the module."""
    transfer = transfer_function(name)
    solution = static.solve(g, gamma, transfer)
    z = np.linspace(-8.0, 8.0, 1601)
    h = g * np.sqrt(solution.C) * z
    low, high = h - abs(solution.rho), h + abs(solution.rho)
    for _ in range(70):  # bisection
        x = 0.5 * (low + high)
        below = x - solution.rho * transfer.phi(x) < h
        low, high = np.where(below, x, low), np.where(below, high, x)
    weights = np.exp(-0.5 * z**2)
    return solution, z, x, weights / weights.sum()


@pytest.mark.parametrize("gamma", [-0.9, -0.5, 0.0, 0.5, 1.0])
def test_trivial_branch(gamma):
    """S = g^2 R^2 and an ellipse; S = 1 and a marginal spectrum meet at the onset."""
    g = 0.7 / (1.0 + gamma)
    solution = static.solve(g, gamma, TANH)
    stable = static.stability(g, gamma, TANH, solution)
    assert stable.overlap_slope == pytest.approx((g * solution.R) ** 2, rel=1e-15)
    assert stable.overlap_slope < 1.0
    assert stable.growth_rate == pytest.approx(-0.3, abs=1e-15)
    onset = 1.0 / (1.0 + gamma)
    marginal = static.stability(onset, gamma, TANH, static.solve(onset, gamma, TANH))
    assert marginal.overlap_slope == pytest.approx(1.0, abs=1e-7)  # root of rounding at gamma = 1
    assert marginal.growth_rate == pytest.approx(0.0, abs=1e-15)


@settings(max_examples=25, deadline=None)
@given(
    gamma=st.floats(-0.97, 1.0),
    gc=st.floats(1.001, 4.0),
    name=st.sampled_from(["tanh", "erf"]),
)
def test_no_solution_above_the_transition_is_stable(gamma, gc, name):
    """f(c) is convex, f(0) = 0, f(C) = C: its slopes are g^2 R^2 < 1 at 0 and S > 1 at C."""
    g = gc / (1.0 + gamma)
    transfer = transfer_function(name)
    solution = static.solve(g, gamma, transfer)
    stable = static.stability(g, gamma, transfer, solution)
    assert stable.overlap_slope > 1.0
    assert stable.longitudinal_multiplier < 1.0
    if solution.status is Status.CONVERGED:
        assert g * solution.R < 1.0
        # While gamma S < 1, R is the response of the fixed point, and the spectrum reaches 0.
        if gamma * stable.overlap_slope < 1.0:
            assert stable.growth_rate > 0.0


@pytest.mark.parametrize("name", ["tanh", "erf"])
@pytest.mark.parametrize(("g", "gamma"), [(12.0, -0.9), (3.0, -0.5), (1.3, 0.0), (1.4, 0.2)])
def test_overlap_of_two_solutions_moves_away_from_C(g, gamma, name):
    """Second route: f(c) = E phi(h) phi(h') itself, by its Hermite series sum_n a_n^2 (c/C)^n."""
    solution, z, x, weights = site(g, gamma, name)
    transfer = transfer_function(name)
    phi = transfer.phi(x)
    hermite, previous, power = np.ones_like(z), np.zeros_like(z), []
    for n in range(60):
        power.append((weights @ (phi * hermite)) ** 2)
        following = (z * hermite - np.sqrt(n) * previous) / np.sqrt(n + 1.0)
        hermite, previous = following, hermite
    assert sum(power) == pytest.approx(solution.C, rel=2e-3)  # what 60 orders hold of C
    assert power[1] / solution.C == pytest.approx((g * solution.R) ** 2, rel=1e-9)  # f'(0)
    S = static.stability(g, gamma, transfer, solution).overlap_slope
    for e in (0.1, 0.2, 0.4):
        f = sum(a * (1.0 - e) ** n for n, a in enumerate(power))
        # convex: below the chord to f(0) = 0, above the tangent at C
        assert solution.C * (1.0 - S * e) < f < solution.C * (1.0 - e)


@pytest.mark.parametrize("name", ["tanh", "erf"])
@pytest.mark.parametrize(("g", "gamma"), [(12.0, -0.9), (3.0, -0.5), (1.3, 0.0), (1.0, 0.8)])
def test_multipliers_by_finite_differences(g, gamma, name):
    """Second route over the fields: S by quadrature in z, the Jacobian by differences."""
    transfer = transfer_function(name)
    solution, _, x, weights = site(g, gamma, name)
    slope = transfer.derivative(x)
    chi = slope / (1.0 - solution.rho * slope)
    stable = static.stability(g, gamma, transfer, solution)
    assert stable.overlap_slope == pytest.approx(g**2 * (weights @ chi**2), rel=1e-9)
    point = static._point(g, gamma, transfer, np.array([solution.C, solution.R]), 2)
    differences = []
    for shift in np.diag([1e-5 * solution.C, 1e-5 * solution.R]):
        up, down = (
            static._point(g, gamma, transfer, point.unknowns + sign * shift, 2)
            for sign in (1.0, -1.0)
        )
        change = up.ratio * up.unknowns - down.ratio * down.unknowns
        differences.append(change / (2.0 * shift.sum()))
    # central differences: 1e-10 from their order, 1e-11 from rounding, times the curvature
    np.testing.assert_allclose(point.jacobian, np.transpose(differences), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("gamma", [-0.7, -0.2, 0.4, 0.9])
def test_edge_of_equal_slopes_is_the_ellipse(gamma):
    slope, weights = np.array([0.8]), np.array([1.0])
    for direction in np.linspace(0.1, 3.0, 7):
        zeta = static_stability.edge(1.7, gamma, slope, weights, direction) / (0.8 * 1.7)
        radius = (zeta.real / (1.0 + gamma)) ** 2 + (zeta.imag / (1.0 - gamma)) ** 2
        assert radius == pytest.approx(1.0, rel=1e-12)
    right = static_stability.rightmost(1.7, gamma, slope, weights)
    assert right.rate == pytest.approx(1.36 * (1.0 + gamma) - 1.0, rel=1e-9)
    assert right.frequency == 0.0


def test_edge_is_a_circle_at_gamma_0_and_an_interval_at_gamma_1():
    slope, weights = np.array([0.2, 0.9]), np.array([0.5, 0.5])
    near = static_stability.rightmost(1.5, 1e-9, slope, weights).rate
    circle = static_stability.rightmost(1.5, 0.0, slope, weights).rate
    assert circle == pytest.approx(1.5 * np.sqrt(0.5 * (0.04 + 0.81)) - 1.0, rel=1e-15)
    assert near == pytest.approx(circle, abs=1e-8)  # first order in gamma
    assert np.isnan(static_stability.edge(1.5, 1.0, slope, weights, 2.0).real)


@pytest.mark.parametrize(("g", "gamma"), [(2.5, -0.5), (12.0, -0.85), (1.3, 0.0), (1.2, 0.5)])
def test_edge_holds_the_spectrum_of_networks(g, gamma):
    """Eigenvalues of J D, D from the theory: few outside the edge, many close to it."""
    N = 500
    solution, _, x, weights = site(g, gamma)
    rng = np.random.default_rng(7)
    slopes = TANH.derivative(rng.choice(x, N, p=weights))
    values = np.linalg.eigvals(g * elliptic(N, gamma, rng) * slopes)
    uniform = np.full(N, 1.0 / N)
    if gamma == 0.0:
        radius = g * np.sqrt(np.mean(slopes**2))
        outside, shell = np.abs(values) > radius, np.abs(values) > 0.9 * radius
    else:
        directions = np.linspace(0.0, np.pi, 81)[1:-1]
        quarter = [static_stability.edge(g, gamma, slopes, uniform, d) for d in directions]
        quarter = sorted(quarter, key=np.angle)
        border = np.array([*quarter, *(-np.conj(quarter[::-1]))])
        border = np.concatenate([border, -border])
        points = np.column_stack([border.real, border.imag])
        at = np.column_stack([values.real, values.imag])
        outside = ~Polygon(points).contains_points(at)
        shell = ~Polygon(0.9 * points).contains_points(at)
    # The edge is sharp to some spacings of the eigenvalues, which N^(-1/2) of them reach.
    assert outside.mean() < 1.0 / np.sqrt(N)
    assert shell.mean() > 0.05
    stable = static.stability(g, gamma, TANH, solution)
    # the sample's D differs by N^(-1/2); the spectrum's largest real part fluctuates as much
    assert values.real.max() - 1.0 == pytest.approx(stable.growth_rate, abs=4.0 * g / np.sqrt(N))


@pytest.mark.parametrize("gamma", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("gc", [1.2, 2.0, 2.4])
def test_rightmost_point_is_real_for_positive_gamma(gamma, gc):
    g = gc / (1.0 + gamma)
    _, _, x, weights = site(g, gamma)
    slope = TANH.derivative(x)
    right = static_stability.rightmost(g, gamma, slope, weights)
    edge = [
        static_stability.edge(g, gamma, slope, weights, direction).real
        for direction in np.linspace(0.05, np.pi, 40)
    ]
    assert np.nanmax(edge) < 1.0 + right.rate


def test_rightmost_point_leaves_the_real_axis():
    """At gamma = -0.9 the fixed point is lost by an oscillation, although S is close to 1."""
    g = 20.0
    solution = static.solve(g, -0.9, TANH)
    stable = static.stability(g, -0.9, TANH, solution)
    _, _, x, weights = site(g, -0.9)
    slope = TANH.derivative(x)
    on_axis = static_stability.edge(g, -0.9, slope, weights, np.pi).real - 1.0
    scan = [
        static_stability.edge(g, -0.9, slope, weights, direction).real - 1.0
        for direction in np.linspace(0.02, np.pi, 400)
    ]
    assert stable.overlap_slope < 1.03
    assert 0.0 < on_axis < stable.growth_rate - 0.05
    assert stable.growth_frequency > 1.0
    # a scan in steps of 0.008 misses the maximum by their square
    assert stable.growth_rate == pytest.approx(max(scan), abs=1e-4)


def test_response_beyond_gamma_S_1_is_the_other_root():
    """There r = E D/(1 - g^2 gamma r D) has a smaller root, with g^2 gamma E chi^2 < 1."""
    g, gamma = 0.9, 1.0
    solution, _, x, weights = site(g, gamma)
    slope = TANH.derivative(x)
    r = 0.0
    for _ in range(2000):
        r = float(weights @ (slope / (1.0 - g**2 * gamma * r * slope)))
    chi = slope / (1.0 - g**2 * gamma * r * slope)
    stable = static.stability(g, gamma, TANH, solution)
    assert gamma * stable.overlap_slope > 1.0
    assert r < 0.9 * solution.R
    assert gamma * g**2 * (weights @ chi**2) < 1.0
    assert stable.growth_rate < 0.0
