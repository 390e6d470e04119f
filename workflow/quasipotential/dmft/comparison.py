r"""Static DMFT over (gamma, g), and what stands beside it at gamma = 0.

Static DMFT (module `static`) and the limit T -> 0 of the replica theory agree at gamma = 0, where
x ~ N(0, v), v = g^2 q, in both, and part at first order in gamma (section 13 of docs/theory.md).
With averages over this Gaussian, G = E phi' and D = 1 - E[x phi phi']/q,

.. math::

    D\,\frac{dC}{d\gamma} = 2 g^2 G\, E[\phi^2 \phi'], \qquad
    D\,\frac{dq}{d\gamma} = a\,\mathrm{Var}(\phi^2) + \frac Gq\,\mathrm{Cov}(x\phi, \phi^2),

    D\,a = \frac{G}{2q^2}\,(E[x\phi] + E[x^2\phi']) - \frac{g^2 G^2}{q}.

Also at gamma = 0: <phi^2> on the chaotic attractor (module `stationary`), and q of the fixed points
counted one by one (module `replica.complexity`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..replica.complexity import solve as count_fixed_points
from ..specs import ComparisonSpec
from ..status import STATUS_ATTRIBUTES
from ..transfer import TransferFunction, transfer_function
from . import static, stationary

_REACH = 9.5  # standard deviations of the Gaussian
_NODES = 200  # of the trapezoidal rule on each side of 0, which converges exponentially

STATIC = {
    "C": ("C", "mean square rate of static DMFT"),
    "R": ("R_int", "integrated response of static DMFT"),
    "rho": ("rho", "strength of the echo g^2 gamma R_int, below 1 if physical"),
    "residual": ("residual", "relative residual of the equations of static DMFT"),
    "quadrature_error": ("quadrature_error", "relative change when the step is halved"),
}
AT_ZERO = {
    "slope_C": "dC/dgamma of static DMFT at gamma = 0",
    "slope_q": "dq/dgamma of the replica theory for T -> 0 at gamma = 0",
    "slope_error": "relative change of the slopes with twice the nodes",
    "q_attractor": "<phi^2> of the chaotic attractor at gamma = 0",
    "q_attractor_error": "its numerical error",
    "q_uniform": "q of the fixed points counted one by one at gamma = 0",
    "q_uniform_error": "its numerical error",
}


@dataclass(frozen=True)
class Slopes:
    """Derivatives with respect to gamma at gamma = 0, and their relative quadrature error."""

    C: float
    q: float
    error: float


def slopes(g: float, q: float, transfer: TransferFunction) -> Slopes:
    """dC/dgamma of static DMFT and dq/dgamma of the replica theory for T -> 0, at gamma = 0.

    Parameters
    ----------
    g : float
        Above 1.
    q : float
        q = C at gamma = 0.
    transfer : TransferFunction

    References
    ----------
    Section 13 of docs/theory.md.
    """
    coarse, fine = (_slopes(g, q, transfer, nodes) for nodes in (_NODES, 2 * _NODES))
    return Slopes(*map(float, fine), float(np.max(np.abs(coarse / fine - 1.0))))


def _slopes(g: float, q: float, transfer: TransferFunction, nodes: int) -> np.ndarray:
    z = np.linspace(-_REACH, _REACH, 2 * nodes + 1)
    weights = np.exp(-0.5 * z**2)
    weights /= weights.sum()
    x = g * np.sqrt(q) * z
    phi, slope = transfer.phi(x), transfer.derivative(x)
    G, along = weights @ slope, weights @ (x * phi)
    D = 1.0 - weights @ (x * phi * slope) / q
    a = (G * (along + weights @ (x**2 * slope)) / (2.0 * q**2) - (g * G) ** 2 / q) / D
    square = phi**2 - weights @ phi**2
    of_q = a * (weights @ square**2) + G / q * (weights @ (x * phi * square))
    return np.array([2.0 * g**2 * G * (weights @ (phi**2 * slope)), of_q]) / D


def run(spec: ComparisonSpec) -> xr.Dataset:
    """Compute a spec.

    Returns
    -------
    xarray.Dataset
        Over (gamma, g): ``C``, ``R_int``, ``rho``, ``residual``, ``quadrature_error``, ``status``
        of static DMFT.  Over g, all at gamma = 0: ``slope_C`` and ``slope_q``, ``q_attractor`` and
        ``q_uniform``, with errors, and ``status_at_zero``, the worst outcome of their solvers.
    """
    transfer = transfer_function(spec.transfer)
    grid = [
        [static.solve(g, gamma, transfer, spec.tolerance) for g in spec.g] for gamma in spec.gamma
    ]
    variables = {
        name: (
            ("gamma", "g"),
            np.array([[getattr(point, field) for point in row] for row in grid]),
            {"long_name": long_name, "units": "1"},
        )
        for field, (name, long_name) in STATIC.items()
    }
    codes = np.array([[point.status.code for point in row] for row in grid], dtype=np.int8)
    variables["status"] = (("gamma", "g"), codes, STATUS_ATTRIBUTES)
    columns, worst = zip(*(_at_zero(g, transfer, spec.tolerance) for g in spec.g), strict=True)
    for name, long_name in AT_ZERO.items():
        values = np.array([column[name] for column in columns])
        variables[name] = ("g", values, {"long_name": long_name, "units": "1"})
    variables["status_at_zero"] = (
        "g",
        np.array(worst, dtype=np.int8),
        STATUS_ATTRIBUTES | {"long_name": "worst outcome of the solvers at gamma = 0"},
    )
    coordinates = {
        "gamma": ("gamma", np.array(spec.gamma), {"long_name": "asymmetry gamma", "units": "1"}),
        "g": ("g", np.array(spec.g), {"long_name": "coupling strength", "units": "1"}),
    }
    return xr.Dataset(variables, coords=coordinates)


def _at_zero(
    g: float, transfer: TransferFunction, tolerance: float
) -> tuple[dict[str, float], int]:
    """The quantities at gamma = 0, and the code of the worst status."""
    fixed = static.solve(g, 0.0, transfer, tolerance)
    chaos = stationary.solve(g, transfer, 1.0, 1.0, tolerance)
    count = count_fixed_points(g, transfer, tolerance)
    slope = slopes(g, fixed.C, transfer)
    values = {
        "slope_C": slope.C,
        "slope_q": slope.q,
        "slope_error": slope.error,
        "q_attractor": float(chaos.C_phi[0]),
        "q_attractor_error": float(chaos.C_phi[0]) * chaos.quadrature_error,
        "q_uniform": count.q,
        "q_uniform_error": count.q * count.quadrature_error,
    }
    return values, max(solution.status.code for solution in (fixed, chaos, count))
