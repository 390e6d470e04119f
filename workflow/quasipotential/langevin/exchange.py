r"""Replica exchange: chains of neighbouring temperatures swap their states.

Rungs i = 0 (cold) to R - 1 (hot) with temperatures T_i make a ladder.  The states of rungs i and
i + 1 are swapped with probability

    min(1, exp[(1/T_i - 1/T_(i+1)) (E_i - E_(i+1))]),

for even i after one transition and for odd i after the next.  What moves is the temperature: a
replica stays in its column of the batch, and ``columns`` (chain, rung) says where a rung is found.

Spacing.  For E near Gaussian, with heat capacity C, the mean swap rate over a short stretch of the
ladder is

    a = erfc(d),    d = (1/2) sqrt(C) ln(T_(i+1)/T_i),    C = N/2 for a harmonic valley,

so that d = erfcinv(a) adds up along the ladder.  Measured rates give d of each stretch, and the
rungs are placed anew at equal distances between those temperatures that were asked for, which stay.
The noise of single rates is averaged over ``SMOOTHING`` stretches.  For rescaled swaps (module
``rescaling``) the law is a rule of thumb.

A crossing is the way of a replica from one end of the ladder to the other; two of them are a round
trip.

Everything is dimensionless.

References
----------
K. Hukushima and K. Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996).
S. Syed, A. Bouchard-Cote, G. Deligiannidis and A. Doucet, J. R. Stat. Soc. B 84, 321 (2022).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import erfcinv

Array = np.ndarray

LEAST_RATE = 0.15  # where a stretch between two anchors is short, rather one rung more than below
SMOOTHING = 5
#: Rates outside are taken for these: a warm-up cannot tell them.
RATE_BOUNDS = (1e-3, 0.999)


def _place(anchors: Array, temperatures: Array, distances: Array, rate: float) -> Array:
    """Rungs at equal distances between the anchors.

    Parameters
    ----------
    anchors : ndarray, shape (A,)
        Temperatures that must stay, rising; some of ``temperatures``.
    temperatures : ndarray, shape (R,)
    distances : ndarray, shape (R - 1,)
        d of each stretch.
    rate : float
        Swap rate aimed at.
    """
    places = np.searchsorted(temperatures, anchors)
    travelled = np.concatenate([[0.0], np.cumsum(distances)])
    marks = travelled[places]
    knots = np.union1d(np.arange(0, temperatures.size, SMOOTHING), places)
    logarithms = np.log(temperatures[knots])
    rungs = [anchors[:1]]
    for low, high, anchor in zip(marks[:-1], marks[1:], anchors[1:], strict=True):
        length = high - low
        number = max(1, round(length / erfcinv(rate)), int(np.ceil(length / erfcinv(LEAST_RATE))))
        inner = low + length * np.arange(1, number) / number
        rungs += [np.exp(np.interp(inner, travelled[knots], logarithms)), [anchor]]
    return np.concatenate(rungs)


def first_ladder(anchors: Array, N: int, rate: float) -> Array:
    """Ladder through the anchors for N units in a harmonic valley."""
    distances = 0.5 * np.sqrt(N / 2) * np.diff(np.log(anchors))
    return _place(anchors, anchors, distances, rate)


def refined_ladder(anchors: Array, temperatures: Array, rates: Array, rate: float) -> Array:
    """Ladder through the anchors from the swap rates (R - 1,) measured on another one (R,)."""
    return _place(anchors, temperatures, erfcinv(np.clip(rates, *RATE_BOUNDS)), rate)


def swap(
    energy: Array, columns: Array, temperatures: Array, parity: int, rng: np.random.Generator
) -> Array:
    """Offer a swap to every second pair of neighbours; ``columns`` is changed in place.

    Parameters
    ----------
    energy : ndarray, shape (K,)
        By column.
    columns : ndarray of int, shape (chain, rung)
    temperatures : ndarray, shape (rung,)
    parity : int
        0 for the pairs (0, 1), (2, 3), ...; 1 for (1, 2), (3, 4), ...
    rng : Generator

    Returns
    -------
    ndarray, shape (rung - 1,)
        Swap probabilities averaged over the chains, NaN for pairs that had no offer.
    """
    low = np.arange(parity, temperatures.size - 1, 2)
    ordered = energy[columns]
    beta = 1.0 / temperatures
    gain = (beta[low] - beta[low + 1]) * (ordered[:, low] - ordered[:, low + 1])
    probability = np.exp(np.minimum(0.0, gain))
    accepted = rng.random(probability.shape) < probability
    cold, hot = columns[:, low], columns[:, low + 1]
    columns[:, low] = np.where(accepted, hot, cold)
    columns[:, low + 1] = np.where(accepted, cold, hot)
    rates = np.full(temperatures.size - 1, np.nan)
    rates[low] = probability.mean(axis=0)
    return rates


@dataclass
class Crossings:
    """How often each replica went from one end of the ladder to the other.

    Attributes
    ----------
    count : ndarray of int, shape (K,)
    last : ndarray of int, shape (K,)
        The end that was visited last: -1 cold, 1 hot, 0 none yet.
    """

    size: int
    count: Array = field(init=False)
    last: Array = field(init=False)

    def __post_init__(self) -> None:
        self.count = np.zeros(self.size, dtype=int)
        self.last = np.zeros(self.size, dtype=int)

    def update(self, columns: Array) -> None:
        """Note which replicas are at the ends; ``columns`` has shape (chain, rung)."""
        for end, here in ((-1, columns[:, 0]), (1, columns[:, -1])):
            self.count[here] += self.last[here] == -end
            self.last[here] = end

    def round_trips(self, columns: Array) -> Array:
        """Whole round trips of single replicas, added up over those of a chain, shape (chain,)."""
        return (self.count[columns] // 2).sum(axis=1)
