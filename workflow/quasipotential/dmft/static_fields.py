"""Static DMFT by another route, over the fields; and with the response factorised.

A unit in the field h = g sqrt(C) z, z standard normal, sits at x(z) = h + rho phi(x),
rho = g^2 gamma R, here found by Newton's method on a grid of z.  Then C = E_z phi^2, and the
response needs no derivative of phi: for a Gaussian field Stein's lemma gives

    R = E dphi/dh = E_z[z phi] / (g sqrt(C)).

Nothing is shared with module `static`, which integrates over x, but the equations themselves.

With dphi/dh = phi' (1 + rho dphi/dh) the exact response is R = E[phi'] + rho E[phi' dphi/dh].
The *factorised* closure replaces the average of the last product by the product of the averages,

    R = E[phi'] (1 + rho R).

It meets the published values of Fig. 4 at gamma > 0 (docs/theory.md, section 6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import optimize

from ..specs import StaticFieldsSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function

Array = np.ndarray

REACH = 9.0  # standard deviations of z
NODES = 400  # for |z| <= REACH; doubled for the error estimate
NEWTON_STEPS = 80
LONG_NAMES = {
    "C": "mean square rate of a fixed point",
    "R_int": "integrated response, by Stein's lemma",
    "residual": "relative residual of the equations",
    "quadrature_error": "relative change of C and R when the nodes are doubled",
    "C_factorised": "C with the response factorised",
    "R_factorised": "response with R = E[phi'] (1 + rho R)",
}


@dataclass(frozen=True)
class FieldSolution:
    """C and R of one closure, with residual and quadrature error; NaN where there is none."""

    C: float
    R: float
    residual: float
    quadrature_error: float


def activity(field: Array, rho: float, transfer: TransferFunction) -> Array:
    """Root x of x = field + rho phi(x), for rho < 1."""
    x = field.copy()
    for _ in range(NEWTON_STEPS):
        step = (x - field - rho * transfer.phi(x)) / (1 - rho * transfer.derivative(x))
        x -= step
        if np.abs(step).max() <= 1e-14 * (1 + np.abs(x).max()):
            break
    return x


def _root(
    g: float,
    gamma: float,
    transfer: TransferFunction,
    factorised: bool,
    nodes: int,
    start: tuple[float, float],
) -> tuple[float, float, float]:
    """C, R and the relative residual at one number of nodes."""
    z = np.linspace(-REACH, REACH, nodes + 1)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()

    def residual(unknowns: Array) -> Array:
        C, R = np.exp(unknowns)
        rho = g**2 * gamma * R
        if rho >= 1:
            return np.full(2, 1e3)
        x = activity(g * np.sqrt(C) * z, rho, transfer)
        phi = transfer.phi(x)
        if factorised:
            response = (weight @ transfer.derivative(x)) * (1 + rho * R)
        else:
            response = weight @ (z * phi) / (g * np.sqrt(C))
        return np.array([weight @ phi**2 / C, response / R]) - 1

    found = optimize.root(residual, np.log(start), method="hybr", options={"xtol": 1e-13})
    C, R = np.exp(found.x)
    return float(C), float(R), float(np.abs(found.fun).max())


def solve(
    g: float,
    gamma: float,
    transfer: TransferFunction,
    factorised: bool,
    start: tuple[float, float] = (0.2, 1.0),
) -> FieldSolution:
    """Solve at one (g, gamma); up to the transition, g (1 + gamma) <= 1, C = 0 in closed form.

    Parameters
    ----------
    g, gamma : float
        Gain and asymmetry.
    transfer : TransferFunction
        Saturating.
    factorised : bool
        Which closure.
    start : (float, float)
        C and R to start from.
    """
    if g * (1 + gamma) <= 1:
        R = 2 / (1 + np.sqrt(max(0.0, 1 - 4 * gamma * g**2)))
        return FieldSolution(0.0, float(R), 0.0, 0.0)
    coarse = _root(g, gamma, transfer, factorised, NODES, start)
    C, R, residual = _root(g, gamma, transfer, factorised, 2 * NODES, coarse[:2])
    error = max(abs(coarse[0] / C - 1), abs(coarse[1] / R - 1))
    return FieldSolution(C, R, residual, error)


def run(spec: StaticFieldsSpec) -> xr.Dataset:
    """Solve both closures along the curve of a spec.

    Returns
    -------
    xarray.Dataset
        Over ``g``; residual, error and status are the worse of the two closures.
    """
    transfer = transfer_function(spec.transfer)
    columns: dict[str, list[float]] = {name: [] for name in LONG_NAMES}
    statuses = []
    # Downward in g: each solution starts from the one before, the first well above the onset.
    starts = {False: (0.2, 1.0), True: (0.2, 1.0)}
    for g in reversed(spec.g):
        pair = {
            closure: solve(g, spec.gamma, transfer, closure, starts[closure]) for closure in starts
        }
        for closure, solution in pair.items():
            if solution.C > 0:
                starts[closure] = (solution.C, solution.R)
        exact, factorised = pair[False], pair[True]
        residual = max(exact.residual, factorised.residual)
        error = max(exact.quadrature_error, factorised.quadrature_error)
        row = (exact.C, exact.R, residual, error, factorised.C, factorised.R)
        for name, value in zip(LONG_NAMES, row, strict=True):
            columns[name].append(value)
        if not residual <= spec.tolerance:
            statuses.append(Status.NOT_CONVERGED)
        elif not error <= spec.tolerance:
            statuses.append(Status.INACCURATE)
        else:
            statuses.append(Status.CONVERGED)
    variables = {
        name: ("g", np.array(columns[name][::-1]), {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    codes = np.array([status.code for status in statuses[::-1]], dtype=np.int8)
    variables["status"] = ("g", codes, STATUS_ATTRIBUTES)
    g = ("g", np.array(spec.g), {"long_name": "coupling strength", "units": "1"})
    return xr.Dataset(variables, coords={"g": g})
