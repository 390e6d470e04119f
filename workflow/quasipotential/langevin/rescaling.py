r"""Swaps of temperatures in which replicas keep their noise.

In a harmonic valley the residual r = x - J phi(x), less a field if there is one, of a state at
temperature T is sqrt(T) times white noise.  A replica that goes from T to T' with its state as it
is must by chance have the energy of T', N T'/2 within sqrt(N/2) T', which needs of the order of
sqrt(N) rungs a decade.  Here it takes its noise along instead: x becomes the y with

    r(y) = s r(x),    s = sqrt(T'/T),    |det dy/dx| = s^N |det A(x)|/|det A(y)|,
    A_ij = delta_ij - J_ij phi'(x_j).

A pair of replicas, x from T to T' and x' from T' to T, is swapped with probability min(1, exp W),

    W = E(x)/T - E(y)/T' + ln|det A(x)| - ln|det A(y)| + the same of x' and y',

in which the powers of s cancel, and for eta = 0 the energies too: E(y)/T' = E(x)/T.  What is left
are the determinants, that is how the curvature of the valleys changes with the noise.

y is the solution that Broyden's method finds from x, with A(x) for a first Jacobian.  There may be
none, where two valleys have merged, or several.  The swap is exact because y counts only if the
same method takes it back to x: then both pairs are each other's images, and the map is smooth
about them.  Otherwise the swap is refused.

Everything is dimensionless.

References
----------
C. G. Broyden, Math. Comp. 19, 577 (1965).
C. T. Kelley, Iterative Methods for Linear and Nonlinear Equations (SIAM, 1995), section 7.3.
C. Jarzynski, Phys. Rev. E 65, 046122 (2002) (maps between two measures).
E. Zappa, M. Holmes-Cerfon and J. Goodman, Comm. Pure Appl. Math. 71, 2609 (2018) (way back).
docs/theory.md, section 14.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dgetrf, dgetrs

from .landscape import Landscape, State

Array = np.ndarray

ITERATIONS = 30
#: In units of the root mean square of r: accuracy of y, distance that counts as x again, and
#: distance from the solution, as seen from x, that is given up.
ACCURACY, SAME, LOST = 1e-9, 1e-4, 1e4


@dataclass(frozen=True)
class Place:
    """A state and what it takes to go elsewhere from it.

    Attributes
    ----------
    x, residual : ndarray, shape (N,)
    factors, pivots : ndarray, shapes (N, N) and (N,)
        LAPACK's LU factors of A(x).
    """

    x: Array
    residual: Array
    factors: Array
    pivots: Array

    @property
    def log_determinant(self) -> float:
        """ln|det A(x)|."""
        return float(np.log(np.abs(self.factors.diagonal())).sum())

    def solve(self, b: Array) -> Array:
        """A(x)^-1 b, shape (N,)."""
        return dgetrs(self.factors, self.pivots, b)[0]


@dataclass(frozen=True)
class Rescaling:
    """The map x -> y of one network with a field (N,), or 0.0."""

    landscape: Landscape
    field: Array | float = 0.0

    def residual(self, x: Array) -> Array:
        """r = x - J phi(x) - field of one state, shape (N,)."""
        return x - self.landscape.J @ self.landscape.transfer.phi(x) - self.field

    def place(self, x: Array) -> Place:
        """A state (N,) with the factors of its Jacobian."""
        A = self.landscape.J * -self.landscape.transfer.derivative(x)
        A.ravel()[:: len(A) + 1] += 1.0
        factors, pivots, _ = dgetrf(A)
        return Place(x, self.residual(x), factors, pivots)

    def energy(self, place: Place) -> float:
        """Quasi-potential E of the whole network."""
        x, r = place.x, place.residual
        return float(0.5 * (r @ r) + self.landscape.eta * (x @ x))

    def image(self, start: Place, scale: float) -> Array | None:
        """y (N,) with r(y) = scale r(x), or None if the iteration does not get there."""
        target = scale * start.residual
        size = np.sqrt(np.mean(np.square(start.residual)))
        y, steps = start.x, []
        for _ in range(ITERATIONS):
            step = start.solve(target - self.residual(y))
            distance = np.abs(step).max()
            if distance <= ACCURACY * size:
                return y
            if not distance <= LOST * size:
                return None
            # The inverse of Broyden's Jacobian, from the steps alone (Kelley, section 7.3).
            for (old, square), (new, _) in itertools.pairwise(steps):
                step += (old @ step / square) * new
            if steps:
                old, square = steps[-1]
                step /= 1.0 - old @ step / square
            steps.append((step, step @ step))
            y = y + step
        return None

    def returns(self, start: Place, end: Place, scale: float) -> bool:
        """Whether the map by 1/scale takes the end back to the start."""
        back = self.image(end, 1.0 / scale)
        size = np.sqrt(np.mean(np.square(start.residual)))
        return back is not None and bool(np.abs(back - start.x).max() <= SAME * size)

    def swapped(
        self, states: tuple[Array, Array], temperatures: Array, threshold: float
    ) -> tuple[Array, Array] | None:
        """The states of two replicas after their temperatures were swapped, if they are.

        Parameters
        ----------
        states : two ndarrays, shape (N,)
        temperatures : ndarray, shape (2,)
            Theirs before the swap.
        threshold : float
            The swap is made if its probability exceeds this number in [0, 1).
        """
        scales = np.sqrt(temperatures[::-1] / temperatures)
        starts, ends, weight = [], [], 0.0
        for x, scale, old, new in zip(
            states, scales, temperatures, temperatures[::-1], strict=True
        ):
            start = self.place(x)
            y = self.image(start, scale)
            if y is None:
                return None
            end = self.place(y)
            weight += self.energy(start) / old - self.energy(end) / new
            weight += start.log_determinant - end.log_determinant
            starts.append(start)
            ends.append(end)
        if not np.exp(min(0.0, weight)) > threshold:
            return None
        if not all(map(self.returns, starts, ends, scales)):
            return None
        return ends[0].x, ends[1].x


def swap(
    state: State, columns: Array, temperatures: Array, parity: int, rng: np.random.Generator
) -> Array:
    """Offer a swap to every second pair of neighbours; state and columns are changed in place.

    Parameters
    ----------
    state : State
        Of K columns.
    columns : ndarray of int, shape (chain, rung)
        Column of the replica that is on a rung.
    temperatures : ndarray, shape (rung,)
    parity : int
        0 for the pairs (0, 1), (2, 3), ...; 1 for (1, 2), (3, 4), ...
    rng : Generator

    Returns
    -------
    ndarray, shape (rung - 1,)
        Share of the chains that swapped, NaN for pairs that had no offer.
    """
    low = np.arange(parity, temperatures.size - 1, 2)
    thresholds = rng.random((len(columns), low.size))
    made = np.zeros(thresholds.shape, dtype=bool)
    for (chain, index), threshold in np.ndenumerate(thresholds):
        rungs = slice(low[index], low[index] + 2)
        pair = columns[chain, rungs].copy()
        field = 0.0 if state.field is None else state.field[:, pair[0]]
        after = Rescaling(state.landscape, field).swapped(
            (state.x[:, pair[0]], state.x[:, pair[1]]), temperatures[rungs], threshold
        )
        if after is not None:
            state.x[:, pair] = np.transpose(after)
            columns[chain, rungs] = pair[::-1]
            made[chain, index] = True
    if made.any():
        state.update()
    rates = np.full(temperatures.size - 1, np.nan)
    rates[low] = made.mean(axis=0)
    return rates
