"""Laws q ~ T^a at g (1 + gamma) = 1: fitted against predicted, and their second routes."""

import numpy as np
import pytest
from scipy import optimize

from quasipotential.replica import scaling
from quasipotential.replica.scaling import fit_power_law, prediction
from quasipotential.specs import ScalingSpec
from quasipotential.status import Status


def law(gamma, temperatures, **options):
    return scaling.run(ScalingSpec(gamma=gamma, temperatures=tuple(temperatures), **options))


def mean_square_rate(variance):
    """E tanh^2(sqrt(v) z) by the trapezoid rule, at small v without cancellation."""
    z = np.linspace(-9, 9, 1201)
    weight = np.exp(-(z**2) / 2)
    return np.sum(weight * np.tanh(np.sqrt(variance) * z) ** 2) / np.sum(weight)


def test_closed_equation_at_gamma_zero():
    """gamma = 0: q = E tanh^2(sqrt(T + q) z) by bisection; local exponent by differentiating it.

    Rounding 1e-16 in this equation moves q by 1e-16/(4 q), relative 1e-16/q^2 = 2e-10 at 1e-6.
    """
    curve = law(0.0, 10.0 ** np.arange(-6, 0))
    assert (curve.status == Status.CONVERGED.code).all()
    for T, q, local in zip(curve.temperature, curve.q, curve.local_exponent, strict=True):
        T, q = float(T), float(q)
        root = optimize.brentq(lambda s, T=T: mean_square_rate(T + s) - s, 1e-6, 1, xtol=1e-16)
        assert q == pytest.approx(root, rel=1e-8)
        h = 1e-4 * (T + q)
        slope = (mean_square_rate(T + q + h) - mean_square_rate(T + q - h)) / (2 * h)
        # Both difference quotients err by the square of their step, some 1e-4 of a curvature < 0.1.
        assert float(local) == pytest.approx(T * slope / (q * (1 - slope)), abs=2e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.05, 0.2, 0.5, 0.8, 1.0])
def test_fitted_law_is_the_predicted_one(gamma):
    """Within two errors; these are below 1e-2, far less than the distance between the laws."""
    curve = law(gamma, 10.0 ** np.arange(-8, -1))
    assert (curve.status == Status.CONVERGED.code).all()
    assert float(curve.exponent_error) < 1e-2
    for name in ("exponent", "amplitude"):
        distance = float(curve[name] - curve[f"predicted_{name}"])
        assert abs(distance) < 2 * float(curve[f"{name}_error"]), name
    assert (curve.Q == 0).all()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
def test_fitted_law_of_another_function(gamma):
    """erf(sqrt(pi) x/2) = x - (pi/12) x^3 + ...: kappa = pi/4, another amplitude by 6 to 13 %."""
    curve = law(gamma, 10.0 ** np.arange(-8, -1), transfer="erf")
    assert (curve.status == Status.CONVERGED.code).all()
    for name in ("exponent", "amplitude"):
        distance = float(curve[name] - curve[f"predicted_{name}"])
        assert abs(distance) < 2 * float(curve[f"{name}_error"]), name
    assert float(curve.predicted_exponent) == prediction(gamma).exponent
    ratio = float(curve.predicted_amplitude) / prediction(gamma).amplitude
    assert ratio == pytest.approx((np.pi / 4) ** (prediction(gamma).exponent - 1), rel=1e-6)
    assert abs(ratio - 1) > 2 * float(curve.amplitude_error / curve.amplitude)


def test_without_a_cubic_term_no_law_is_known():
    for cubic in (np.nan, 0.0):
        assert np.isnan([prediction(0.5, cubic).exponent, prediction(0.5, cubic).amplitude]).all()


def test_fitted_law_below_gamma_zero():
    """-1 < gamma < 0: q ~ T^(1/3) with Q -> q; the distance q - Q ~ T^(2/3).

    Corrections are relative O(T^(1/3)): 2 % at T = 1e-5, gamma = -0.05, and 0.05 % at 1e-9.
    """
    gamma = -0.05
    curve = law(gamma, np.geomspace(1e-9, 1e-5, 6))
    assert (curve.status == Status.CONVERGED.code).all()
    assert float(curve.exponent_error) < 1e-3
    for name in ("exponent", "amplitude"):
        distance = float(curve[name] - curve[f"predicted_{name}"])
        assert abs(distance) < 2 * float(curve[f"{name}_error"]), name
    b = (1 - gamma) * (1 + gamma) ** 3
    T = curve.temperature.values
    ratio = (curve.q - curve.Q).values / ((b / -gamma) ** (1 / 3) * T ** (2 / 3))
    assert ratio == pytest.approx(1 + 0 * T, abs=3 * T[-1] ** (1 / 3))
    assert ratio[0] == pytest.approx(1, abs=3 * T[0] ** (1 / 3))


@pytest.mark.parametrize("gamma", [-0.5, -0.05, 0.3, 1.0])
def test_predicted_law_is_stationary(gamma):
    """The expanded Phi of the module docstring has its stationary point there; steps err as h^2."""
    T, h = 1e-6, 1e-4
    b = (1 - gamma) * (1 + gamma) ** 3

    def phi(q, d):
        if gamma == 1:
            return -(8 / 3) * T**3 / q**3 - q
        if gamma > 0:
            return -b * T**2 / (4 * q**2) - gamma * q
        return b * T**2 * q / (2 * d**3) - (gamma + (1 + gamma) ** 2 * T * q / d**2) * q

    predicted = prediction(gamma)
    q = predicted.amplitude * T**predicted.exponent
    d = (b / abs(gamma)) ** (1 / 3) * T ** (2 / 3)
    scale = abs(gamma) * q
    assert phi(q * (1 + h), d) - phi(q * (1 - h), d) == pytest.approx(0, abs=10 * h**3 * scale)
    assert phi(q, d * (1 + h)) - phi(q, d * (1 - h)) == pytest.approx(0, abs=99 * h**3 * scale)
    assert abs(phi(1.1 * q * (1 + h), d) - phi(1.1 * q * (1 - h), d)) > 0.01 * h * scale


def test_fit_recovers_a_law_with_corrections():
    """Exact with the two corrections that are fitted; within the errors with other ones."""
    T = 10.0 ** np.arange(-9, -2)
    exact = np.zeros_like(T)
    one = fit_power_law(T, 1.7 * T**0.4 * np.exp(2.0 * T**0.3 - T**0.6), exact)
    assert one.exponent == pytest.approx(0.4, abs=1e-6)
    assert one.amplitude == pytest.approx(1.7, rel=1e-5)
    two = fit_power_law(T, 1.7 * T**0.4 * (1 + 2.0 * T**0.3 + 5.0 * T**0.5), exact)
    assert abs(two.exponent - 0.4) < two.exponent_error < 1e-2
    assert abs(two.amplitude - 1.7) < two.amplitude_error


def test_fit_carries_the_errors_of_the_data():
    """Shifts of q by 1e-6 move the result by no more than a few errors, which grow with them."""
    T = 10.0 ** np.arange(-9, -2)
    q = 1.7 * T**0.4 * np.exp(2.0 * T**0.3)
    noise = 1e-6 * np.random.default_rng(7).standard_normal((20, T.size))
    fits = [fit_power_law(T, q * np.exp(shift), np.full_like(T, 1e-6)) for shift in noise]
    pulls = np.array([(fit.exponent - 0.4) / fit.exponent_error for fit in fits])
    assert np.sqrt(np.mean(pulls**2)) < 1.5
    assert min(fit.exponent_error for fit in fits) > 1e-7


def test_no_fit_from_solutions_that_are_not_good():
    curve = law(0.5, 10.0 ** np.arange(-6, 0), quadrature_tolerance=1e-30)
    assert (curve.status == Status.INACCURATE.code).any()
    assert np.isnan(curve.exponent) and np.isnan(curve.amplitude_error)
    assert np.isfinite(curve.predicted_exponent)


def test_dataset_describes_itself():
    curve = law(0.2, 10.0 ** np.arange(-6, 0))
    assert set(curve.dims) == {"temperature"} and curve.status.dtype == np.int8
    for name, variable in curve.variables.items():
        assert variable.attrs["units"] == "1" and variable.attrs["long_name"], name
