"""Expansions at the onset of chaos: coefficients measured from the exact solution."""

from __future__ import annotations

import doctest
from fractions import Fraction

import numpy as np
import pytest
from numpy.polynomial import polynomial

from quasipotential.dmft import onset, stationary
from quasipotential.transfer import transfer_function

TANH = {
    "C0": ("1", "7/6", "-7/9", "338/135"),
    "energy_per_neuron": ("1/6", "-5/12", "641/360", "-66133/6480"),
    "lambda_1": ("1/2", "-11/6", "3773/450", "-65033/1350"),
}
LEADING = {"C0": 1, "energy_per_neuron": 3, "lambda_1": 2}


@pytest.mark.parametrize("transfer", ["tanh", "erf"])
def test_coefficients_measured_from_the_solution(transfer: str) -> None:
    """Solutions at six g, extrapolated to s = 0 after the lower orders are taken off."""
    s = 2.0 ** -np.arange(5, 11)  # exact in binary, as 1 + s is
    phi = transfer_function(transfer)
    solutions = [stationary.solve(1.0 + distance, phi, 1.0, 1.0) for distance in s]
    expansion = onset.expand(transfer)
    # The extrapolation errs by s^6 and by rounding over s^order: observed 8e-10, 3e-9, 5e-6, 3e-3.
    tolerances = (5e-9, 2e-8, 2e-5, 1e-2)
    for name, lowest in LEADING.items():
        coefficients = np.array(getattr(expansion, name))
        values = np.array([getattr(solution, name) for solution in solutions])
        for order, tolerance in zip(range(lowest, lowest + 4), tolerances, strict=True):
            rest = (values - polynomial.polyval(s, coefficients[:order])) / s**order
            measured = np.linalg.solve(np.vander(s, increasing=True), rest)[0]
            assert measured == pytest.approx(coefficients[order], rel=tolerance), (name, order)


def test_coefficients_of_tanh_are_those_of_the_documentation() -> None:
    expansion = onset.expand("tanh")
    for name, fractions in TANH.items():
        coefficients = getattr(expansion, name)
        known = LEADING[name] + len(fractions)
        exact = [0.0] * LEADING[name] + [float(Fraction(text)) for text in fractions]
        assert coefficients[:known] == tuple(exact)  # one rounding each
        assert np.isnan(coefficients[known:]).all()


def test_derivatives_at_the_origin() -> None:
    """Taylor coefficients by an integral over a circle, exact up to rounding."""
    angle = 2.0 * np.pi * np.arange(64) / 64
    circle = np.exp(1j * angle)  # inside the poles of tanh at +-i pi/2
    # erf has no complex form here: phi' = exp(-pi x^2/4) instead
    slopes = {"tanh": 1.0 / np.cosh(circle) ** 2, "erf": np.exp(-0.25 * np.pi * circle**2)}
    for name, values in slopes.items():
        taylor = np.fft.fft(values).real / 64
        n = np.arange(0, 9, 2)
        factorials = np.array([1.0, 2.0, 24.0, 720.0, 40320.0])
        # the trapezoidal rule adds the coefficient of x^64, (2/pi)^64 = 3e-13 for tanh
        np.testing.assert_allclose(
            factorials * taylor[n], np.array(onset.DERIVATIVES[name], float), rtol=1e-9
        )


def test_shape_near_the_onset() -> None:
    """C = s sech(s tau/sqrt 3), with a correction of first order in s."""
    errors = []
    for s in (2e-3, 1e-3):
        solution = stationary.solve(1.0 + s, transfer_function("tanh"), 2.0 / s, 0.5 / s)
        shape = s / np.cosh(s * solution.lag / np.sqrt(3.0))
        errors.append(np.max(np.abs(solution.Delta / shape - 1.0)))
    assert errors[1] < 5e-3
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.02)


def test_linear_units_have_no_onset() -> None:
    with pytest.raises(ValueError, match="linear"):
        onset.expand("linear")


def test_example_of_the_documentation() -> None:
    assert doctest.testmod(onset) == (0, 4)
