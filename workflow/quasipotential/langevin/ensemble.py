r"""All chains at all temperatures of one network, and how they move together.

A chain is a ladder of R rungs, one replica on each.  The replicas of all chains are the columns of
one batch (N, K), K = chains * R, so that a step costs two matrix products (three with a mass
matrix).  Without exchange the rungs are just the temperatures that were asked for.

Everything is dimensionless.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import exchange, rescaling
from .kernels import Kernel
from .landscape import State

Array = np.ndarray


@dataclass
class Ensemble:
    """Replicas, their places on the ladder and the settings of their moves.

    Attributes
    ----------
    state : State
        One column for each replica.
    temperatures, step : ndarray, shape (rung,)
        Rising.
    columns : ndarray of int, shape (chain, rung)
        Column of the replica that is on a rung.
    kernel : Kernel
    length : float
        Of a transition.
    swaps, rescale : bool
        Whether there are swaps, and whether replicas keep their noise in them.
    rng : Generator
    transitions : int
        Made so far on this ladder; decides which pairs are offered a swap.
    """

    state: State
    temperatures: Array
    step: Array
    columns: Array
    kernel: Kernel
    length: float
    swaps: bool
    rng: np.random.Generator
    rescale: bool = False
    transitions: int = 0

    def move(self, temperatures: Array) -> Array:
        """Move all replicas; acceptance (chain, rung).

        The temperatures are those of the rungs, (rung,), or of each chain too, (chain, rung).
        """
        temperature, step = self._by_column(temperatures), self._by_column(self.step)
        return self.kernel(self.state, temperature, step, self.length, self.rng)[self.columns]

    def swap(self) -> Array:
        """Offer swaps to every second pair of neighbours; rates (rung - 1,), NaN if no offer."""
        parity = self.transitions % 2
        self.transitions += 1
        if self.rescale:
            return rescaling.swap(self.state, self.columns, self.temperatures, parity, self.rng)
        return exchange.swap(self.state.energy, self.columns, self.temperatures, parity, self.rng)

    def at(self, rungs: Array) -> Array:
        """Columns of the replicas on these rungs, rung after rung, shape (len(rungs) * chains,)."""
        return self.columns[:, rungs].T.ravel()

    def place_on(self, temperatures: Array) -> None:
        """Change to another ladder: each new rung copies the state of the nearest old one."""
        distance = np.abs(np.log(temperatures)[:, None] - np.log(self.temperatures))
        chosen = self.columns[:, distance.argmin(axis=1)]
        self.step = np.exp(
            np.interp(np.log(temperatures), np.log(self.temperatures), np.log(self.step))
        )
        self.state = self.state.columns(chosen.ravel())
        self.columns = np.arange(chosen.size).reshape(chosen.shape)
        self.temperatures = temperatures
        self.transitions = 0

    def _by_column(self, values: Array) -> Array:
        """Values of the rungs, shape (rung,) or (chain, rung), for each column, shape (K,)."""
        result = np.empty(self.columns.size)
        result[self.columns] = values
        return result
