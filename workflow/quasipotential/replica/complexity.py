r"""How many fixed points there are, and how many of them the cold measure visits, at gamma = 0.

The mean number of fixed points of the dynamics grows as e^{N Sigma} (Kac and Rice), with

    Sigma = ext over q, q^, u of  -q^ q - u/2 + ln int dx p(x),
    p(x) = e^{-x^2/(2 g^2 q) + q^ phi^2} sqrt(1 + u g^2 phi'^2)/sqrt(2 pi g^2 q),

under the conditions, with <.> over p,

    q = <phi^2>,    2 q^ q = <x^2>/(g^2 q) - 1,    1 = <g^2 phi'^2/(1 + u g^2 phi'^2)>.

The terms with u are the mean of |det(1 - J phi')|.  As T -> 0 the Boltzmann measure gives each
fixed point the weight 1/|det|.  It sits at q = E_z phi^2(g sqrt(q) z), q^ = 0, where there are
e^{N d} of them,

    d = -u/2 + (1/2) E ln(1 + u g^2 phi'^2),    1 = E g^2 phi'^2/(1 + u g^2 phi'^2),

x ~ N(0, g^2 q).  N d therefore tells whether the cold measure of N units is spread over many fixed
points or is one pair x, -x.

Two states a, b of different pairs have overlaps Q_ab = phi^a.phi^b/N about 0.  At a given Q_ab the
inputs x^a, x^b of each unit are Gaussian with covariance g^2 Q_ab, so that phi^a.phi^b/N has the
mean lambda Q_ab to first order and the variance q^2/N,

    lambda = g^2 (E phi')^2 < 1,

and has to be Q_ab again.  To leading order Q_ab therefore is Gaussian, with

    Var Q_ab = q^2/(N (1 - lambda)^2),    E|Q_ab| = q sqrt(2/(pi N))/(1 - lambda).

Averages are taken by the trapezoid rule on a uniform grid, which converges exponentially here;
their error is the change under a finer and wider grid.  Everything is dimensionless.

References
----------
G. Wainrib and J. Touboul, Phys. Rev. Lett. 110, 118101 (2013).
docs/theory.md, sections 3 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import optimize

from ..specs import ComplexitySpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function
from .closed_form import solve as closed_form

Array = np.ndarray

COARSE, FINE = (10.0, 801), (12.0, 2001)  # standard deviations and points of the grids
LONG_NAMES = {
    "complexity": "Sigma: log of the mean number of fixed points, per unit",
    "q": "self-overlap of the rates, fixed points of equal weight",
    "conjugate": "conjugate field q^ of q",
    "multiplier": "u of the determinant, fixed points of equal weight",
    "complexity_boltzmann": "d: log of the number of fixed points that the cold measure visits, "
    "per unit",
    "q_boltzmann": "self-overlap of the rates, fixed points of weight 1/|det|",
    "multiplier_boltzmann": "u of the determinant, fixed points of weight 1/|det|",
    "slope_boltzmann": "lambda = g^2 (E phi')^2: overlaps spread as q/(sqrt(N) (1 - lambda))",
    "residual": "largest residual of the three conditions",
    "quadrature_error": "largest relative change of the complexities and lambda under a finer grid",
}


@dataclass(frozen=True)
class Complexity:
    """Both complexities at one gain, named as in the dataset."""

    complexity: float
    q: float
    conjugate: float
    multiplier: float
    complexity_boltzmann: float
    q_boltzmann: float
    multiplier_boltzmann: float
    slope_boltzmann: float
    residual: float
    quadrature_error: float
    status: Status


def _shell(g: float, q: float, transfer: TransferFunction, grid: tuple[float, int]) -> tuple:
    """phi^2, g^2 phi'^2, z^2 and weights of N(0, 1) on a grid of z = x/(g sqrt(q))."""
    z, step = np.linspace(-grid[0], grid[0], grid[1], retstep=True)
    x = g * np.sqrt(q) * z
    weights = step * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return transfer.phi(x) ** 2, (g * transfer.derivative(x)) ** 2, z**2, weights


def _at(g: float, unknowns: Array, transfer: TransferFunction, grid: tuple[float, int]) -> tuple:
    """Sigma and the residuals of its conditions at (ln q, q^ q, ln u)."""
    q, u = np.exp(unknowns[0]), np.exp(unknowns[2])
    field = unknowns[1] / q
    squares, slopes, z2, weights = _shell(g, q, transfer, grid)
    density = weights * np.exp(field * squares) * np.sqrt(1 + u * slopes)
    norm = density.sum()
    density /= norm
    residuals = np.array(
        [
            density @ squares / q - 1,
            density @ z2 - 1 - 2 * unknowns[1],
            density @ (slopes / (1 + u * slopes)) - 1,
        ]
    )
    return -unknowns[1] - u / 2 + np.log(norm), residuals


def _boltzmann(g: float, q: float, transfer: TransferFunction, grid: tuple[float, int]) -> tuple:
    """d, u and lambda on the shell of the cold measure."""
    _, slopes, _, weights = _shell(g, q, transfer, grid)

    def excess(log_u: float) -> float:
        return weights @ (slopes / (1 + np.exp(log_u) * slopes)) - 1

    u = np.exp(optimize.brentq(excess, -50.0, 10.0, xtol=1e-13, rtol=1e-14))
    return (weights @ np.log1p(u * slopes) - u) / 2, u, (weights @ np.sqrt(slopes)) ** 2


def solve(g: float, transfer: TransferFunction, tolerance: float = 1e-10) -> Complexity:
    """Both complexities at one gain g > 1.

    Parameters
    ----------
    g : float
    transfer : TransferFunction
        Saturating, with phi'(0) = 1.
    tolerance : float
        On the residuals; its root on the relative error of the complexities, which are small
        differences near the onset.
    """
    shell = closed_form(g, 0.0, transfer, tolerance)
    d, u, slope = _boltzmann(g, shell.q, transfer, FINE)
    coarse_d, _, coarse_slope = _boltzmann(g, shell.q, transfer, COARSE)
    near = 2 / 3 * shell.q  # towards the onset q is 2/3 of the other, u the same, q^ = -1/2
    guess = np.array([np.log(near), -0.45 * near, np.log(near)])
    found = optimize.root(lambda unknowns: _at(g, unknowns, transfer, FINE)[1], guess, tol=1e-13).x
    sigma, residuals = _at(g, found, transfer, FINE)
    coarse, _ = _at(g, found, transfer, COARSE)
    residual = float(max(np.abs(residuals).max(), shell.residual))
    error = float(
        max(abs(coarse / sigma - 1), abs(coarse_d / d - 1), abs(coarse_slope / slope - 1))
    )
    status = Status.CONVERGED
    if not residual <= tolerance:
        status = Status.NOT_CONVERGED
    elif not error <= np.sqrt(tolerance):
        status = Status.INACCURATE
    elif not sigma > d > 0:
        status = Status.UNPHYSICAL
    q = float(np.exp(found[0]))
    return Complexity(
        complexity=float(sigma),
        q=q,
        conjugate=float(found[1] / q),
        multiplier=float(np.exp(found[2])),
        complexity_boltzmann=float(d),
        q_boltzmann=shell.q,
        multiplier_boltzmann=float(u),
        slope_boltzmann=float(slope),
        residual=residual,
        quadrature_error=error,
        status=status,
    )


def run(spec: ComplexitySpec) -> xr.Dataset:
    """Solve along the curve of a spec.

    Returns
    -------
    xarray.Dataset
        Over ``g``, all dimensionless.
    """
    transfer = transfer_function(spec.transfer)
    points = [solve(g, transfer, spec.tolerance) for g in spec.g]
    variables = {
        name: (
            "g",
            np.array([getattr(point, name) for point in points]),
            {"long_name": long_name, "units": "1"},
        )
        for name, long_name in LONG_NAMES.items()
    }
    status = np.array([point.status.code for point in points], dtype=np.int8)
    variables["status"] = ("g", status, STATUS_ATTRIBUTES)
    gain = ("g", np.array(spec.g), {"long_name": "gain g", "units": "1"})
    return xr.Dataset(variables, coords={"g": gain})
