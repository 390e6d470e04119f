"""Stationary DMFT: check values, other quadratures, erf in closed form, noise, second route."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy import linalg, optimize

from quasipotential import dmft
from quasipotential.dmft import stationary, two_time_deterministic
from quasipotential.specs import StationaryDmftSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")
ERF = transfer_function("erf")
LINEAR = transfer_function("linear")
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(90)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def bivariate_mean(function, C0: float, C: float) -> float:
    """E f(x) f(x') of Gaussian x, x' with variance C0 and covariance C, by Gauss-Hermite."""
    r = C / C0
    common = np.sqrt(C0 * r) * NODES[:, None]
    own = np.sqrt(C0 * (1.0 - r)) * NODES
    return float(WEIGHTS @ (function(common + own) @ WEIGHTS) ** 2)


@pytest.mark.parametrize(
    ("g", "C0", "energy", "lambda_1"),
    [
        (1.2, "0.242629", "9.47634e-4", "0.0119196"),
        (1.5, "0.747686", "0.0110120", "0.0467462"),
        (2.0, "1.924805", "0.0639534", "0.1124581"),
        (3.0, "5.446326", "0.3394446", "0.2354610"),
    ],
)
def test_check_values(g: float, C0: str, energy: str, lambda_1: str) -> None:
    solution = stationary.solve(g, TANH, duration=1.0, interval=1.0)
    assert solution.status is Status.CONVERGED
    for value, printed in (
        (solution.C0, C0),
        (solution.energy_per_neuron, energy),
        (solution.lambda_1, lambda_1),
    ):
        mantissa, _, exponent = printed.partition("e")
        digits = len(mantissa.partition(".")[2]) - int(exponent or 0)
        assert value == pytest.approx(float(printed), abs=0.51 * 10.0**-digits)
    # C'(tau) is an exact zero mode; the motion errs by 1e-12, 1e-11 observed.
    assert abs(solution.zero_mode) < 1e-10
    assert solution.path_length_slope**2 == pytest.approx(2.0 * solution.energy_per_neuron)


@pytest.mark.parametrize(("g", "noise"), [(1.2, 0.0), (2.0, 0.0), (2.0, 1.0), (0.5, 0.7)])
def test_equation_of_motion(g: float, noise: float) -> None:
    """C'' = C - g^2 E phi phi' with a fourth-order difference and two-dimensional quadrature."""
    interval = 0.05
    solution = stationary.solve(g, TANH, 10.0, interval, noise=noise)
    Delta = solution.Delta
    acceleration = (
        -Delta[:-4] + 16 * Delta[1:-3] - 30 * Delta[2:-2] + 16 * Delta[3:-1] - Delta[4:]
    ) / (12.0 * interval**2)
    for i in range(2, Delta.size - 2, 20):
        C_phi = bivariate_mean(np.tanh, solution.C0, Delta[i])
        # Gauss-Hermite with 90 points: 2e-8 at g = 2
        assert solution.C_phi[i] == pytest.approx(C_phi, abs=1e-7)
        # the difference's own error, h^4 C''''''/90, is below 1e-7
        assert acceleration[i - 2] == pytest.approx(Delta[i] - g**2 * C_phi, abs=1e-6)
    assert solution.energy_per_neuron == pytest.approx(
        0.5 * (g**2 * solution.C_phi[0] - solution.C0 + noise**2), rel=1e-9
    )
    # the kick: a one-sided difference of fourth order, whose error is h^4 C^(5)/5 < 1e-5
    slope = Delta[:5] @ np.array([-25.0, 48.0, -36.0, 16.0, -3.0]) / (12.0 * interval)
    assert slope == pytest.approx(-0.5 * noise**2, abs=1e-5)
    # the last lags decay with kappa up to the next term, of relative size (C/C0)^2
    rate = np.log(Delta[-2] / Delta[-1]) / interval
    assert rate == pytest.approx(solution.decay_rate, rel=2.0 * (Delta[-2] / Delta[0]) ** 2 + 1e-9)


@pytest.mark.parametrize("noise", [0.0, 0.6])
def test_energy_conservation_with_the_potential_of_log_cosh(noise: float) -> None:
    """(C')^2/2 + V(C) = 0 at every lag, V from E lncosh lncosh."""
    g, interval = 1.5, 0.05
    solution = stationary.solve(g, TANH, 10.0, interval, noise=noise)

    def log_cosh(x):
        return np.logaddexp(x, -x) - np.log(2.0)

    def potential(C: float) -> float:
        unconnected = bivariate_mean(log_cosh, solution.C0, 0.0)
        return -0.5 * C**2 + g**2 * (bivariate_mean(log_cosh, solution.C0, C) - unconnected)

    D = solution.Delta
    velocity = (D[:-4] - 8.0 * D[1:-3] + 8.0 * D[3:-1] - D[4:]) / (12.0 * interval)
    assert solution.residual <= 1e-10
    assert potential(solution.C0) == pytest.approx(-(noise**4) / 8.0, abs=1e-8)
    for i in range(0, velocity.size, 20):
        # quadrature 1e-9, difference h^4 C'''''/30 < 1e-7
        assert 0.5 * velocity[i] ** 2 + potential(D[i + 2]) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("g", [1.1, 2.0, 4.0])
def test_erf_in_closed_form(g: float) -> None:
    """E erf erf = (2/pi) arcsin(a C/(1 + a C0)), a = pi/2."""
    solution = stationary.solve(g, ERF, 20.0, 0.5)
    a = np.pi / 2.0
    exact = 2.0 / np.pi * np.arcsin(a * solution.Delta / (1.0 + a * solution.C0))
    # the lag 0 sums the whole Mehler series; 1e-10 is the tolerance of the solver
    np.testing.assert_allclose(solution.C_phi, exact, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("noise", [0.0, 0.4, 1.5])
def test_lyapunov_exponent_by_finite_differences(noise: float) -> None:
    """Second route: W in closed form for erf, second-order differences, Richardson."""
    g = 1.5
    a = np.pi / 2.0

    def exponent(interval: float) -> float:
        solution = stationary.solve(g, ERF, 60.0, interval, noise=noise)
        argument = a * solution.Delta / (1.0 + a * solution.C0)
        slope = 2.0 / np.pi * a / (1.0 + a * solution.C0) / np.sqrt(1.0 - argument**2)
        diagonal = 1.0 - g**2 * slope + 2.0 / interval**2
        outer = np.full(solution.lag.size - 1, -1.0 / interval**2)
        outer[0] *= np.sqrt(2.0)  # even mode on the half line
        ground = linalg.eigh_tridiagonal(
            diagonal, outer, eigvals_only=True, select="i", select_range=(0, 0)
        )[0]
        return np.sqrt(1.0 - ground) - 1.0

    coarse, fine = exponent(0.1), exponent(0.05)
    expected = stationary.solve(g, ERF, 1.0, 1.0, noise=noise).lambda_1
    # second order; then fourth after Richardson, third where noise makes a kink in W
    assert (coarse - expected) / (fine - expected) == pytest.approx(4.0, rel=0.05)
    assert (4.0 * fine - coarse) / 3.0 == pytest.approx(expected, abs=1e-5 if noise else 1e-6)


@pytest.mark.parametrize(("g", "noise"), [(0.5, 0.3), (0.9, 1.0), (0.99, 2.0)])
def test_linear_units_with_noise(g: float, noise: float) -> None:
    """C = sigma^2 exp(-k tau)/(2k), k = (1 - g^2)^(1/2): closed."""
    solution = stationary.solve(g, LINEAR, 5.0, 0.5, noise=noise)
    rate = np.sqrt(1.0 - g**2)
    assert solution.status is Status.CONVERGED
    # rounding, and 1e-12 of the integrator
    exact = noise**2 / (2.0 * rate) * np.exp(-rate * solution.lag)
    np.testing.assert_allclose(solution.Delta, exact, rtol=1e-11)
    assert solution.decay_rate == pytest.approx(rate, rel=1e-12)
    assert solution.lambda_1 == pytest.approx(g - 1.0, abs=1e-12)
    assert np.isnan(solution.path_length_slope)


def test_noise_alone() -> None:
    """g -> 0: an Ornstein-Uhlenbeck process, C = sigma^2 exp(-tau)/2, E/N = sigma^2/4."""
    solution = stationary.solve(1e-6, TANH, 3.0, 0.5, noise=1.3)
    # corrections are of order g^2 = 1e-12
    np.testing.assert_allclose(solution.Delta, 0.845 * np.exp(-solution.lag), rtol=1e-11)
    assert solution.energy_per_neuron == pytest.approx(0.4225, rel=1e-11)
    assert solution.lambda_1 == pytest.approx(-1.0, abs=2e-6)


@pytest.mark.parametrize("g", [1.001, 1.5])
def test_weak_noise_is_the_limit(g: float) -> None:
    without, weak = (stationary.solve(g, TANH, 30.0, 3.0, noise=s) for s in (0.0, 1e-5))
    # C0 changes by sigma^4, lambda_1 by sigma^2 over s: 1e-7 relative to s^2 at g = 1.001
    assert weak.C0 == pytest.approx(without.C0, rel=1e-10)
    # the kick: ln C changes by tau sigma^2/(2 C0) at most, 1.5e-6 at g = 1.001
    np.testing.assert_allclose(weak.Delta, without.Delta, rtol=1.01 * 15e-10 / without.C0)
    assert weak.lambda_1 == pytest.approx(without.lambda_1, rel=1e-3)


@pytest.mark.parametrize("noise", [1e-3, 0.2, 1.0])
def test_transition_with_noise(noise: float) -> None:
    """lambda_1 = 0 where C''(0+) = 0, the variance of the input being that of the activity."""
    g = optimize.brentq(
        lambda g: stationary.solve(g, TANH, 1.0, 1.0, noise=noise).lambda_1,
        1.0 + 0.8 * noise,
        1.0 + 1.1 * noise,
        xtol=1e-14,
    )
    solution = stationary.solve(g, TANH, 1.0, 1.0, noise=noise)
    # quadrature 1e-12
    assert g**2 * solution.C_phi[0] == pytest.approx(solution.C0, rel=1e-10)
    # Weak noise: g - 1 = (3/4)^(1/4) sigma; the next order is 0.14 sigma^2, observed.
    shift = (g - 1.0) / noise
    assert shift == pytest.approx(0.75**0.25, abs=0.15 * noise)
    assert shift > 0.75**0.25


@pytest.mark.parametrize(
    ("g", "noise", "start", "duration"), [(2.0, 0.0, 2.4, 120.0), (1.5, 1.0, 1.0, 40.0)]
)
def test_second_route_two_times_until_stationary(
    g: float, noise: float, start: float, duration: float
) -> None:
    """The two-time equations reach Delta and C_phi, with the second order of their scheme."""
    lags = np.array([0.0, 1.2, 4.0, 8.0])
    expected = stationary.solve(g, TANH, 8.0, 0.4, noise=noise)
    places = np.round(lags / 0.4).astype(int)
    expected = np.array([expected.Delta[places], expected.C_phi[places]])

    def deviation(interval: float) -> np.ndarray:
        late = two_time_deterministic.solve(
            g, TANH, noise, (-start, start), duration, interval, "adams-bashforth", 1e-4
        )
        last = late.time.size - 1
        earlier = last - np.round(lags / interval).astype(int)
        return np.array([late.C_x[last, earlier], late.C_phi[last, earlier]]) - expected

    coarse, fine = deviation(0.2), deviation(0.1)
    # 3.7 to 4.2 observed: the third order, and what is left of the transient
    np.testing.assert_allclose(coarse / fine, 4.0, rtol=0.12)
    # Left after Richardson: the third order of the step; 2.6e-4 and 1.0e-4 observed.
    bound = 5e-4 if noise == 0.0 else 2e-4
    assert np.abs((4.0 * fine - coarse) / 3.0).max() < bound
    assert np.abs(fine).max() > 3.0 * bound


def test_example_of_the_documentation() -> None:
    assert doctest.testmod(stationary) == (0, 8)


def test_at_and_below_the_transition() -> None:
    for g in (0.3, 1.0):
        solution = stationary.solve(g, TANH, 5.0, 0.5)
        assert solution.status is Status.CONVERGED
        assert not solution.Delta.any()
        assert not solution.C_phi.any()
        assert (solution.C0, solution.energy_per_neuron) == (0.0, 0.0)
        assert solution.lambda_1 == pytest.approx(g - 1.0, abs=1e-15)
        # the limit of weak noise
        weak = stationary.solve(g, TANH, 1.0, 1.0, noise=1e-6)
        assert weak.decay_rate == pytest.approx(solution.decay_rate, abs=1e-9 if g < 1 else 1e-3)


def test_long_lags_do_not_overflow() -> None:
    Delta = stationary.solve(2.0, TANH, 5000.0, 1000.0).Delta
    assert Delta[0] > 0.0
    assert Delta[-1] == 0.0


def test_dataset() -> None:
    spec = StationaryDmftSpec(g=(0.5, 1.2, 10.0), duration=20.0, interval=0.5)
    dataset = dmft.run(spec)
    assert dataset.Delta.dims == ("g", "lag")
    assert dataset.lag.values[[0, -1]].tolist() == [0.0, 20.0]
    np.testing.assert_allclose(dataset.Delta[:, 0], dataset.C0, rtol=1e-14)
    # The modes at g = 10 vary too fast for the largest grid; the file says so.
    assert [Status.CONVERGED.code] * 2 + [Status.INACCURATE.code] == dataset.status.values.tolist()
    assert dataset.quadrature_error[-1] > spec.tolerance
    for name, variable in dataset.variables.items():
        assert {"long_name", "units"} <= set(variable.attrs), name


def test_linear_has_no_stationary_state_beyond_the_transition() -> None:
    spec = StationaryDmftSpec(g=(0.5, 1.5), duration=2.0, interval=0.5, transfer="linear")
    dataset = dmft.run(spec)
    assert dataset.status.values.tolist() == [Status.CONVERGED.code, Status.NOT_CONVERGED.code]
    assert np.isnan(dataset.Delta[1]).all()
    assert np.isnan(dataset.lambda_1[1])
