r"""The quasi-potential of a network and the fixed points of its dynamics.

The network dx/dt = -x + J phi(x) stands still where the residual vanishes:

    r(x) = x - J phi(x),                       dx/dt = -r,
    E(x) = |r|^2 / 2 + eta |x|^2,
    grad E = r - phi'(x) * (J^T r) + 2 eta x.

All functions take one state x of shape (N,) or a batch of K states as columns, shape (N, K), which
share the matrix products.  Everything is dimensionless.

References
----------
J. Qiu and H. Huang, arXiv:2401.10009, section II; docs/theory.md, section 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from .transfer import TransferFunction

FIXED_POINT_TOLERANCE = 1e-10  # largest |r_i| of an accepted fixed point
FIXED_POINT_DISTANCE = 1e-6  # largest |x_i - y_i| of two points that count as one


@dataclass(frozen=True)
class FixedPoints:
    """Distinct fixed points of the dynamics, ordered by their distance from the origin.

    Attributes
    ----------
    points : ndarray, shape (F, N)
    residual : ndarray, shape (F,)
        max_i |r_i|.
    growth_rate : ndarray, shape (F,)
        Largest real part of the eigenvalues of -1 + J phi'; negative for an attractor.
    failures : int
        Number of starts from which the root finder did not arrive.
    """

    points: np.ndarray
    residual: np.ndarray
    growth_rate: np.ndarray
    failures: int


def residual(x: np.ndarray, J: np.ndarray, transfer: TransferFunction) -> np.ndarray:
    """Residual r = x - J phi(x), the shape of x: (N,) or (N, K)."""
    return x - J @ transfer.phi(x)


def energy(
    x: np.ndarray, J: np.ndarray, transfer: TransferFunction, eta: float = 0.0
) -> np.ndarray:
    """Quasi-potential E of the whole network, shape () for x (N,) or (K,) for x (N, K)."""
    return 0.5 * np.square(residual(x, J, transfer)).sum(axis=0) + eta * np.square(x).sum(axis=0)


def gradient(
    x: np.ndarray, J: np.ndarray, transfer: TransferFunction, eta: float = 0.0
) -> np.ndarray:
    """Gradient of E, the shape of x: (N,) or (N, K)."""
    r = residual(x, J, transfer)
    result = J.T @ r
    result *= transfer.derivative(x)
    np.subtract(r, result, out=result)
    if eta:
        result += 2.0 * eta * x
    return result


def fixed_points(J: np.ndarray, transfer: TransferFunction, starts: np.ndarray) -> FixedPoints:
    """Distinct fixed points that Powell's hybrid method reaches from the starts.

    Parameters
    ----------
    J : ndarray, shape (N, N)
    transfer : TransferFunction
    starts : ndarray, shape (S, N)
    """

    def equations(x: np.ndarray) -> np.ndarray:
        return residual(x, J, transfer)

    def jacobian(x: np.ndarray) -> np.ndarray:
        return np.eye(len(x)) - J * transfer.derivative(x)

    points: list[np.ndarray] = []
    failures = 0
    for start in starts:
        x = optimize.root(equations, start, jac=jacobian, tol=1e-14).x
        if np.abs(equations(x)).max() > FIXED_POINT_TOLERANCE:
            failures += 1
        elif all(np.abs(x - known).max() > FIXED_POINT_DISTANCE for known in points):
            points.append(x)
    points.sort(key=lambda x: (round(float(np.linalg.norm(x)), 6), *x))
    found = np.array(points).reshape(len(points), J.shape[0])
    return FixedPoints(
        points=found,
        residual=np.array([np.abs(equations(x)).max() for x in found]),
        growth_rate=np.array([-np.linalg.eigvals(jacobian(x)).real.min() for x in found]),
        failures=failures,
    )
