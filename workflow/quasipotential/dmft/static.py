r"""Static DMFT: the typical fixed point of dx_i/dt = -x_i + sum_j J_ij phi(x_j).

One unit sees a Gaussian field and its own echo through the couplings (section 8 of
docs/theory.md; Fig. 4 of Qiu & Huang, arXiv 2401.10009, where R is called R_int):

.. math::

    x = g \sqrt{C} z + \rho\,\phi(x), \quad z \sim N(0, 1), \quad \rho = g^2 \gamma R,

    C = E\,\phi^2, \quad R = E\,\frac{\phi'}{1 - \rho \phi'}.

The averages are integrals over x, where z follows from x without a root: with s = g sqrt(C),

.. math::

    E f = \int dx\, (1 - \rho \phi'(x))\, f(x)\,
          \frac{e^{-(x - \rho\phi(x))^2 / 2 s^2}}{\sqrt{2\pi}\, s}.

This is a change of variables only while x(z) is single-valued, rho < 1.  Beyond, the integral
counts each root with the sign of 1 - rho phi', and the solution is reported as unphysical.

Two branches exist.  *Trivial*, g(1+gamma) <= 1: C = 0 and R = 1/(1 - g^2 gamma R), the root that is
1 at g = 0, R = 2/(1 + sqrt(1 - 4 g^2 gamma)).  *Nontrivial*, g(1+gamma) > 1: C > 0, the branch that
starts at C = 0, R = 1/g = 1 + gamma and is followed upwards in g.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import optimize

from ..specs import StaticDmftSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function

_GROWTH = 1.2  # factor between the values of g on the way from the onset
_REACH = 9.5  # standard deviations of the field that the integrals cover: exp(-45)
_ROUNDING = 1e-13  # residual below which Newton would only follow rounding errors


@dataclass(frozen=True)
class StaticSolution:
    """Solution of the static DMFT at one point; NaN where there is none.

    Attributes
    ----------
    C : float
        E phi^2.
    R : float
        E dphi/dj, the integrated response R_int.
    mean_square_x : float
        E x^2.
    rho : float
        g^2 gamma R, strength of the echo; the theory needs rho < 1.
    residual : float
        Largest of the relative residuals of the equations for C and R.
    quadrature_error : float
        Largest relative change of C, R and mean_square_x when the integration step is halved.
    iterations : int
        Evaluations of the equations on the way.
    status : Status
        Outcome.
    """

    C: float
    R: float
    mean_square_x: float
    rho: float
    residual: float
    quadrature_error: float
    iterations: int
    status: Status


def solve(
    g: float, gamma: float, transfer: TransferFunction, tolerance: float = 1e-10
) -> StaticSolution:
    """Solve the static DMFT at one (g, gamma).

    Parameters
    ----------
    g, gamma : float
        Strength (>= 0) and asymmetry (-1 to 1) of the couplings.
    transfer : TransferFunction
        phi.
    tolerance : float
        On the residual and on the quadrature error.

    Returns
    -------
    StaticSolution
        ``UNPHYSICAL`` where rho >= 1; ``NOT_CONVERGED`` for the linear transfer function above the
        transition, where no solution exists.

    References
    ----------
    Section 8 of docs/theory.md.
    """
    if g * (1.0 + gamma) <= 1.0:
        return _trivial(g, gamma)
    if transfer.name == "linear":  # nothing saturates: beyond the transition there is no C
        return StaticSolution(*[np.nan] * 6, 0, Status.NOT_CONVERGED)
    onset = 1.0 / (1.0 + gamma)
    stages = 1 + max(0, int(np.ceil(np.log(g / (1.3 * onset)) / np.log(_GROWTH))))
    path = g * _GROWTH ** -np.arange(stages - 1, -1, -1.0)
    point = _near_onset(path[0], gamma)
    iterations = 0
    for strength in path:
        start = point if iterations == 0 else point * [1.0, 1.0 / _GROWTH]  # g R varies slowly
        point, residual, evaluations = _newton(strength, gamma, transfer, start, refinement=1)
        iterations += evaluations
        if not residual <= tolerance:
            return StaticSolution(*[np.nan] * 4, residual, np.nan, iterations, Status.NOT_CONVERGED)
    fine, residual, evaluations = _newton(g, gamma, transfer, point, refinement=2)
    values = [_observables(g, gamma, transfer, *point, refinement=1)]
    values.append(_observables(g, gamma, transfer, *fine, refinement=2))
    quadrature_error = float(np.max(np.abs(values[1] / values[0] - 1.0)))
    C, R, mean_square_x = map(float, values[1])
    rho = g**2 * gamma * R
    if not residual <= tolerance:
        status = Status.NOT_CONVERGED
    elif rho >= 1.0:
        status = Status.UNPHYSICAL
    elif not quadrature_error <= tolerance:
        status = Status.INACCURATE
    else:
        status = Status.CONVERGED
    return StaticSolution(
        C, R, mean_square_x, rho, residual, quadrature_error, iterations + evaluations, status
    )


def run(spec: StaticDmftSpec) -> xr.Dataset:
    """Static DMFT along the spec's curve in g.

    Returns
    -------
    xarray.Dataset
        ``C``, ``R_int``, ``mean_square_x``, ``rho``, ``residual``, ``quadrature_error``,
        ``iterations`` and ``status`` over the dimension ``g``.
    """
    transfer = transfer_function(spec.transfer)
    solutions = [solve(g, spec.gamma, transfer, spec.tolerance) for g in spec.g]

    def column(field: str, long_name: str) -> tuple[str, np.ndarray, dict[str, str]]:
        values = np.array([getattr(solution, field) for solution in solutions])
        return "g", values, {"long_name": long_name, "units": "1"}

    status = np.array([solution.status.code for solution in solutions], dtype=np.int8)
    return xr.Dataset(
        {
            "C": column("C", "mean square rate of a fixed point"),
            "R_int": column("R", "integrated response of the rate to a constant field"),
            "mean_square_x": column("mean_square_x", "mean square activity of a fixed point"),
            "rho": column("rho", "strength of the echo g^2 gamma R_int, below 1 if physical"),
            "residual": column("residual", "relative residual of the equations"),
            "quadrature_error": column(
                "quadrature_error", "relative change when the step is halved"
            ),
            "iterations": column("iterations", "evaluations of the equations"),
            "status": ("g", status, STATUS_ATTRIBUTES),
        },
        coords={"g": ("g", np.array(spec.g), {"long_name": "coupling strength", "units": "1"})},
    )


def _trivial(g: float, gamma: float) -> StaticSolution:
    """Closed solution x = 0."""
    # g(1+gamma) <= 1 bounds 4 g^2 gamma by 1; only rounding can take it further.
    R = 2.0 / (1.0 + np.sqrt(max(0.0, 1.0 - 4.0 * g**2 * gamma)))
    residual = abs(1.0 / (1.0 - g**2 * gamma * R) / R - 1.0)
    return StaticSolution(
        0.0, float(R), 0.0, g**2 * gamma * float(R), float(residual), 0.0, 0, Status.CONVERGED
    )


def _near_onset(g: float, gamma: float) -> np.ndarray:
    """Lowest-order (C, R) above the onset for phi = x - x^3/3; a start for Newton.

    With a = 1 - rho and y = -g^2 C/a^3: g^2 (1 + 2y) = a^2 and a R = 1 + y.
    """
    root = np.sqrt(max(0.0, 1.0 - gamma * (2.0 + gamma) * g**2))
    a = (1.0 + root) / (2.0 + gamma)
    y = 0.5 * (a**2 / g**2 - 1.0)
    return np.array([-y * a**3 / g**2, (1.0 + y) / a])


def _averages(
    g: float, gamma: float, transfer: TransferFunction, C: float, R: float, refinement: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Nodes x, weights of E, weights of the density of the field, phi' at the nodes.

    The trapezoidal rule converges exponentially for these analytic integrands.
    """
    s = g * np.sqrt(C)
    rho = g**2 * gamma * R
    # |x| <= |field| + |rho phi|, and |phi| <= min(|x|, 1)
    reach = _REACH * s
    if rho > 0.0:
        reach = min(reach + rho, reach / max(1.0 - rho, 1e-300))
    step = min(0.12, 0.35 * s / (1.0 + max(0.0, -rho))) / refinement
    half = int(np.ceil(reach / step))
    x = step * np.arange(-half, half + 1)
    field = x - rho * transfer.phi(x)
    slope = transfer.derivative(x)
    density = step * np.exp(-0.5 * (field / s) ** 2) / (np.sqrt(2.0 * np.pi) * s)
    return x, density * (1.0 - rho * slope), density, slope


def _newton(
    g: float, gamma: float, transfer: TransferFunction, start: np.ndarray, refinement: int
) -> tuple[np.ndarray, float, int]:
    """(C, R) from a start, the residual there, and the evaluations used."""

    def residuals(logarithms: np.ndarray) -> np.ndarray:
        C, R = np.exp(logarithms)
        x, weights, density, slope = _averages(g, gamma, transfer, C, R, refinement)
        # Dividing by C takes the trivial solution out.
        return np.array([weights @ transfer.phi(x) ** 2 / C, density @ slope / R]) - 1.0

    first = float(np.max(np.abs(residuals(np.log(start)))))
    if first <= _ROUNDING:
        return start, first, 1
    result = optimize.root(
        residuals, np.log(start), method="hybr", options={"xtol": 1e-14, "factor": 1.0}
    )
    return np.exp(result.x), float(np.max(np.abs(result.fun))), int(result.nfev) + 1


def _observables(
    g: float, gamma: float, transfer: TransferFunction, C: float, R: float, refinement: int
) -> np.ndarray:
    """C, R and E x^2."""
    x, weights, _, _ = _averages(g, gamma, transfer, C, R, refinement)
    return np.array([C, R, weights @ x**2])
