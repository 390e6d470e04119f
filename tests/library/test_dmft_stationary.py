"""Stationary DMFT: check values, the equation of motion by other quadrature, erf in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from quasipotential import dmft
from quasipotential.dmft import stationary
from quasipotential.specs import StationaryDmftSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")
ERF = transfer_function("erf")
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
    # C'(tau) is an exact zero mode; the grid is refined until the ground state moves by < 1e-10.
    assert abs(solution.zero_mode) < 1e-9


@pytest.mark.parametrize("g", [1.2, 2.0])
def test_equation_of_motion(g: float) -> None:
    """C'' = C - g^2 E phi phi' with a fourth-order difference and two-dimensional quadrature."""
    interval = 0.05
    solution = stationary.solve(g, TANH, 10.0, interval)
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
        0.5 * (g**2 * solution.C_phi[0] - solution.C0), rel=1e-9
    )


def test_energy_conservation_with_the_potential_of_log_cosh() -> None:
    """(C')^2/2 + V(C) = 0 at every lag, V from E lncosh lncosh."""
    g, interval = 1.5, 0.05
    solution = stationary.solve(g, TANH, 10.0, interval)

    def log_cosh(x):
        return np.logaddexp(x, -x) - np.log(2.0)

    def potential(C: float) -> float:
        unconnected = bivariate_mean(log_cosh, solution.C0, 0.0)
        return -0.5 * C**2 + g**2 * (bivariate_mean(log_cosh, solution.C0, C) - unconnected)

    D = solution.Delta
    velocity = (D[:-4] - 8.0 * D[1:-3] + 8.0 * D[3:-1] - D[4:]) / (12.0 * interval)
    assert solution.residual <= 1e-10
    assert potential(solution.C0) == pytest.approx(0.0, abs=1e-8)
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


def test_lyapunov_exponent_by_finite_differences() -> None:
    """Second route: W in closed form for erf, second-order differences, Richardson."""
    g = 1.5
    a = np.pi / 2.0

    def exponent(interval: float) -> float:
        solution = stationary.solve(g, ERF, 60.0, interval)
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
    expected = stationary.solve(g, ERF, 1.0, 1.0).lambda_1
    # second order, then fourth after Richardson: 4e-8 observed for the fine grid's h^4
    assert (coarse - expected) / (fine - expected) == pytest.approx(4.0, rel=0.01)
    assert (4.0 * fine - coarse) / 3.0 == pytest.approx(expected, abs=1e-6)


def test_onset() -> None:
    """e = g - 1: C0 = e + (7/6) e^2, E/N = e^3/6, lambda_1 = e^2/2, C = e sech(e tau/sqrt 3)."""
    errors = []
    for e in (2e-3, 1e-3):
        solution = stationary.solve(1.0 + e, TANH, 2.0 / e, 0.5 / e)
        sech = 1.0 / np.cosh(e * solution.lag / np.sqrt(3.0))
        errors.append(
            [
                (solution.C0 / e - 1.0 - 7.0 / 6.0 * e) / e,
                solution.energy_per_neuron / (e**3 / 6.0) - 1.0,
                solution.lambda_1 / (0.5 * e**2) - 1.0,
                np.max(np.abs(solution.Delta / (e * sech) - 1.0)),
            ]
        )
    coarse, fine = np.abs(errors)
    assert (fine < 5e-3).all()
    # each correction is of first order in e, up to terms of relative size e
    np.testing.assert_allclose(coarse / fine, 2.0, rtol=0.02)


def test_at_and_below_the_transition() -> None:
    for g in (0.3, 1.0):
        solution = stationary.solve(g, TANH, 5.0, 0.5)
        assert solution.status is Status.CONVERGED
        assert not solution.Delta.any()
        assert not solution.C_phi.any()
        assert (solution.C0, solution.energy_per_neuron) == (0.0, 0.0)
        assert solution.lambda_1 == pytest.approx(g - 1.0, abs=1e-15)


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
