r"""The fixed points that states of low temperature belong to.

At low temperature a state x is a minimum of |r|^2, r = x - J phi(x), and small fluctuations about
it.  Newton's method with damping (Levenberg-Marquardt) takes it there,

    x <- x - (A^T A + d 1)^-1 A^T r,        A_ij = delta_ij - J_ij phi'(x_j),

where the damping d falls by ``RELAX`` when a step succeeds and rises by ``STIFFEN`` when it does
not.  A minimum with r = 0 is a fixed point of the dynamics, and d -> 0 then leaves the steps
A^-1 r.  There are others, with det A = 0, left behind where two fixed points have merged; states
may belong to such a one, and are then given up.  (Without damping, with a line search along A^-1 r,
most states end on the surface det A = 0, at points which are no minima.)

phi is odd, so that x and -x are fixed points together; they count as one.  As T -> 0 the Boltzmann
measure gives a fixed point the weight 1/|det A|.

Everything is dimensionless.

References
----------
J. J. More, The Levenberg-Marquardt algorithm, Lecture Notes in Mathematics 630, 105 (1978).
docs/theory.md, section 1 (the weights).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import potential
from .landscape import Landscape

Array = np.ndarray

TOLERANCE = 1e-24  # on |r|^2/2
ITERATIONS = 300
DAMPING = 1e-2  # at the start
RELAX, STIFFEN = 0.1, 5.0
LEAST_DAMPING = 1e-14  # far below the squared singular values, just above their rounding errors
SUFFICIENT = 1e-4  # part of the promised decrease
STILL = 1e-9  # a promised decrease, relative, that means a minimum


@dataclass(frozen=True)
class FixedPoints:
    """Distinct fixed points, up to x -> -x, in the order in which the states lead to them.

    Attributes
    ----------
    index : ndarray of int, shape (K,)
        Of the fixed point that each state belongs to, -1 where |r|^2/2 stayed above 1e-24.
    energy : ndarray, shape (K,)
        |r|^2/2 of the whole network where each state ended.
    iterations : ndarray of int, shape (K,)
    x : ndarray, shape (N, F)
    q, mean_square_x : ndarray, shape (F,)
        phi.phi/N and x.x/N.
    log_weight : ndarray, shape (F,)
        -ln|det(1 - J phi')|/N.
    """

    index: Array
    energy: Array
    iterations: Array
    x: Array
    q: Array
    mean_square_x: Array
    log_weight: Array


@dataclass(frozen=True)
class Minimum:
    """Where the descent of one state ended: x (N,), |r|^2/2 there, and the number of steps."""

    x: Array
    energy: float
    iterations: int


def jacobian(x: Array, landscape: Landscape) -> Array:
    """A = 1 - J phi'(x) of one state x (N,), shape (N, N)."""
    return np.eye(len(x)) - landscape.J * landscape.transfer.derivative(x)


def descend(x: Array, landscape: Landscape) -> Minimum:
    """Minimum of |r|^2 that one state x (N,) belongs to, by Newton's method with damping."""
    identity, damping, accepted = np.eye(len(x)), DAMPING, True
    r = potential.residual(x, landscape.J, landscape.transfer)
    energy = 0.5 * (r @ r)
    for iteration in range(ITERATIONS):
        if energy < TOLERANCE:
            return Minimum(x, energy, iteration)
        if accepted:
            A = jacobian(x, landscape)
            hessian, slope = A.T @ A, A.T @ r
        step = np.linalg.solve(hessian + damping * identity, slope)
        promised = 0.5 * (step @ slope + damping * (step @ step))
        if promised < STILL * energy:
            return Minimum(x, energy, iteration)
        end = x - step
        r_end = potential.residual(end, landscape.J, landscape.transfer)
        energy_end = 0.5 * (r_end @ r_end)
        accepted = energy - energy_end > SUFFICIENT * promised
        if accepted:
            x, r, energy = end, r_end, energy_end
            damping = max(RELAX * damping, LEAST_DAMPING)
        else:
            damping *= STIFFEN
    return Minimum(x, energy, ITERATIONS)


def _same(x: Array, y: Array) -> bool:
    distance = min(np.abs(x - y).max(), np.abs(x + y).max())
    return distance < potential.FIXED_POINT_DISTANCE


def polish(x: Array, landscape: Landscape) -> FixedPoints:
    """Fixed points that the states of a batch belong to.

    Parameters
    ----------
    x : ndarray, shape (N, K)
    landscape : Landscape
        Its eta plays no part.
    """
    minima = [descend(state, landscape) for state in x.T]
    found: list[Array] = []
    index = np.full(len(minima), -1)
    for k, minimum in enumerate(minima):
        if minimum.energy < TOLERANCE:
            known = [_same(minimum.x, point) for point in found]
            index[k] = known.index(True) if True in known else len(found)
            if index[k] == len(found):
                found.append(minimum.x)
    points = np.array(found).reshape(-1, len(x)).T
    determinants = [np.linalg.slogdet(jacobian(point, landscape)).logabsdet for point in found]
    return FixedPoints(
        index=index,
        energy=np.array([minimum.energy for minimum in minima]),
        iterations=np.array([minimum.iterations for minimum in minima], dtype=int),
        x=points,
        q=np.square(landscape.transfer.phi(points)).mean(axis=0),
        mean_square_x=np.square(points).mean(axis=0),
        log_weight=-np.array(determinants) / len(x),
    )
