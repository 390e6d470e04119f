"""The theory at gamma = 0 in closed form, by adaptive quadrature: a second route.

    q = E_z phi^2(sqrt(T + g^2 q) z),    Q = q^ = R' = Phi = 0,    G = E_z phi',
    <x^2> = T + g^2 q,    E/N = T/2,

z standard normal (docs/theory.md, section 3; exact by section 4).  The root is bracketed and the
averages are adaptive, so that nothing is shared with the saddle-point solver but the equation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import integrate, optimize

from ..specs import ClosedFormSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function

Array = np.ndarray

REACH = 12.0  # standard deviations
LONG_NAMES = {
    "q": "self-overlap E<phi^2>",
    "G": "response E<phi'>",
    "mean_square_x": "mean square activity <x^2>",
    "energy": "quasi-potential per unit E/N",
    "residual": "relative residual of the equation for q",
    "quadrature_error": "relative error of the averages, as estimated by the adaptive rule",
}


@dataclass(frozen=True)
class ClosedForm:
    """Solution at one point; ``q`` is 0 where it vanishes with T."""

    q: float
    G: float
    mean_square_x: float
    energy: float
    residual: float
    quadrature_error: float
    status: Status


def normal_average(function: Callable[[float], float], deviation: float) -> tuple[float, float]:
    """Average of an even function over N(0, deviation^2), and its relative error."""
    if deviation == 0:
        return float(function(0.0)), 0.0
    value, error = integrate.quad(
        lambda z: np.exp(-(z**2) / 2) * function(deviation * z),
        0,
        REACH,
        epsabs=0,
        epsrel=1e-12,
        limit=200,
        points=(0.5 / (1 + deviation), 2 / (1 + deviation), 2.0),
    )
    scale = np.sqrt(2 / np.pi)
    return float(scale * value), float(error / abs(value)) if value else 0.0


def solve(g: float, temperature: float, transfer: TransferFunction, tolerance: float) -> ClosedForm:
    """Solve at one gain and temperature; T = 0 gives the limit.

    Parameters
    ----------
    g, temperature : float
        g >= 0 and T >= 0.
    transfer : TransferFunction
        Saturating at 1.
    tolerance : float
        On the residual and on the error of the averages.
    """

    def excess(log_q: float) -> float:
        q = np.exp(log_q)
        mean, _ = normal_average(lambda x: transfer.phi(x) ** 2, np.sqrt(temperature + g**2 * q))
        return mean / q - 1

    if temperature == 0 and g <= 1:
        return ClosedForm(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, Status.CONVERGED)
    # Above the transition at T = 0 the root q = 0 is excluded by the lower end.
    root = optimize.brentq(excess, -60.0, 0.0, xtol=1e-13, rtol=1e-14)
    q = float(np.exp(root))
    variance = temperature + g**2 * q
    _, error_q = normal_average(lambda x: transfer.phi(x) ** 2, np.sqrt(variance))
    G, error_G = normal_average(transfer.derivative, np.sqrt(variance))
    residual, error = abs(excess(root)), max(error_q, error_G)
    status = Status.CONVERGED
    if not residual <= tolerance:
        status = Status.NOT_CONVERGED
    elif not error <= tolerance:
        status = Status.INACCURATE
    return ClosedForm(q, G, variance, temperature / 2, residual, error, status)


def run(spec: ClosedFormSpec) -> xr.Dataset:
    """Solve on the grid of a spec.

    Returns
    -------
    xarray.Dataset
        Over (g, temperature), all dimensionless.
    """
    transfer = transfer_function(spec.transfer)
    points = [[solve(g, T, transfer, spec.tolerance) for T in spec.temperatures] for g in spec.g]
    dims = ("g", "temperature")

    def column(name: str) -> Array:
        return np.array([[getattr(point, name) for point in row] for row in points])

    variables = {
        name: (dims, column(name), {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    status = np.array([[point.status.code for point in row] for row in points], dtype=np.int8)
    variables["status"] = (dims, status, STATUS_ATTRIBUTES)
    coordinates = {
        "g": ("g", np.array(spec.g), {"long_name": "gain g", "units": "1"}),
        "temperature": (
            "temperature",
            np.array(spec.temperatures),
            {"long_name": "temperature T = 1/beta", "units": "1"},
        ),
    }
    return xr.Dataset(variables, coords=coordinates)
