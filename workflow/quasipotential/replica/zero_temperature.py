"""The limit T -> 0 where the order parameter q vanishes, in closed form.

With gc = g (1 + gamma) the limit has two regimes in which x is Gaussian with a variance that goes
to 0 (docs/theory.md, section 5):

    gc <= 1:                  q ~ T G^2/(1 - g^2 G^2),    G = 2/(1 + sqrt(1 - 4 gamma g^2))
    1 < gc <= sqrt(1+gamma):  q ~ sqrt(T) (gamma > 0),    G = 1/(g^2 (1 + gamma)),
                              q^ q = (1/gc^2 - 1)/2

In the first, by perturbation theory in the cubic term of phi = x - kappa x^3/3 + ..., q^ tends to
-kappa gamma g^4 G^4/(1 - g^2 G^2).  In the second, q^ diverges.  Above both, q > 0 solves the
saddle-point equations at T = 0 as they stand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..transfer import transfer_function
from .stability import multiplier

Array = np.ndarray


@dataclass(frozen=True)
class VanishingLimit:
    """The limit T -> 0 with q -> 0; arrays of shape (points,), NaN where the limit is another.

    Attributes
    ----------
    G, qhat, free_energy, multiplier : arrays
        Response, q^ (NaN where it diverges), log-partition density Phi, spectral abscissa of M.
    """

    G: Array
    qhat: Array
    free_energy: Array
    multiplier: Array


def linear_response(g: Array, gamma: float) -> Array:
    """Response G of the linear theory, gc <= 1."""
    return 2 / (1 + np.sqrt(np.maximum(1 - 4 * gamma * g**2, 0)))


def vanishing_limit(g: Array, gamma: float, transfer: str) -> VanishingLimit:
    """Closed forms of the limit T -> 0 at the points where q -> 0.

    Parameters
    ----------
    g : array, shape (points,)
        Gains.
    gamma : float
        Asymmetry.
    transfer : str
        Name of the transfer function; without a cubic term (module `transfer`) q^ diverges.
    """
    gc = g * (1 + gamma)
    G, qhat, phi, scaled = (np.full_like(g, np.nan) for _ in range(4))

    first = gc < 1 if transfer == "linear" else gc <= 1  # beyond, no linear solution exists
    gain = g[first]
    G[first] = linear_response(gain, gamma)
    gap = 1 - (gain * G[first]) ** 2
    cubic = transfer_function(transfer).cubic * gamma * (gain * G[first]) ** 4
    qhat[first] = np.where(gap > 0, -cubic / np.where(gap > 0, gap, 1), np.nan)
    phi[first] = np.log(G[first]) - 0.5 * gamma * (gain * G[first]) ** 2
    scaled[first] = 0.0

    if transfer != "linear":
        second = (gc > 1) & (g**2 * (1 + gamma) <= 1)
        gain = g[second]
        G[second] = 1 / (gain**2 * (1 + gamma))
        half = (1 / gc[second] ** 2 - 1) / 2
        phi[second] = -half - 0.5 * gamma * (gain * G[second]) ** 2 - np.log(gain)
        scaled[second] = 2 * half / gain**2

    abscissa = np.full_like(g, np.nan)
    exists = np.isfinite(G)
    # Single-site moments A q, G and q/q: M depends on q through a similarity only.
    moments = np.stack([scaled, G, np.ones_like(g)], axis=1)[exists]
    abscissa[exists] = multiplier(moments[:, :, None] * moments[:, None, :], g[exists], gamma)
    return VanishingLimit(G, qhat, phi, abscissa)
