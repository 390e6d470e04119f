"""Stability of a replica-symmetric solution.

To first order a perturbation (dQ, dQ^, G_ab + G_ba) of one pair of replicas is mapped by

    M = [[ g^2<GG>,   <qq>,     gamma g^2 <Gq>        ],
         [ g^4<AA>,   g^2<GG>,  gamma g^4 <AG>        ],
         [ 2g^2<AG>,  2<Gq>,    gamma g^2 (<Aq>+<GG>) ]]

with the single-site connected moments A = (<w^2> - <w>^2)/s2^2 - 1/s2, G = (<w phi> - <w><phi>)/s2,
q = <phi^2> - <phi>^2 and <XY> their product averaged over the fields (docs/theory.md, section 4).
The solution is stable if and only if the spectral abscissa of M, here the *multiplier*, is below 1.
At Q = 0 replicas decouple pairwise, and M decides about the onset of Q > 0 and about
replica-symmetry breaking alike; on a solution with Q > 0 it is the de Almeida-Thouless matrix.

M also says how the overlap of two states fluctuates in a large network, where Q = 0 is stable: a
field h on their overlap, exp(h phi.phi'), is an addition to Q^, so that dQ/dh = [(1 - M)^-1]_{QQ^},
and this derivative is N times the variance of the overlap.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def stability_matrix(connected: Array, g: Array | float, gamma: float) -> Array:
    """Return M, shape (..., 3, 3).

    Parameters
    ----------
    connected : array, shape (..., 3, 3)
        E[X Y] for X, Y among (A, G, q).  Moments (A c, G, q/c) give a similar matrix for any c.
    g : array, shape (...), or float
        Gain.
    gamma : float
        Asymmetry.
    """
    g2 = np.square(np.asarray(g, dtype=float))
    AA, AG, Aq = connected[..., 0, 0], connected[..., 0, 1], connected[..., 0, 2]
    GG, Gq, qq = connected[..., 1, 1], connected[..., 1, 2], connected[..., 2, 2]
    rows = [
        [g2 * GG, qq, gamma * g2 * Gq],
        [g2**2 * AA, g2 * GG, gamma * g2**2 * AG],
        [2 * g2 * AG, 2 * Gq, gamma * g2 * (Aq + GG)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def multiplier(connected: Array, g: Array | float, gamma: float) -> Array:
    """Spectral abscissa of M, shape (...)."""
    matrix = stability_matrix(_balanced(connected), g, gamma)
    return np.linalg.eigvals(matrix).real.max(axis=-1)


def overlap_variance(connected: Array, g: Array | float, gamma: float) -> Array:
    """N times the variance of the overlap of two states at Q = 0, shape (...).

    NaN where Q = 0 is not stable.  Parameters are those of `stability_matrix`.
    """
    size = np.sqrt(connected[..., 2, 2])
    distance = np.eye(3) - stability_matrix(_balanced(connected), g, gamma)
    stable = multiplier(connected, g, gamma) < 1
    # Solvable everywhere: where Q = 0 is not stable the result is not used.
    distance = np.where(stable[..., None, None], distance, np.eye(3))
    response = np.linalg.solve(distance, np.array([0.0, 1.0, 0.0])[:, None])[..., 0, 0]
    return np.where(stable, size**2 * response, np.nan)


def _balanced(connected: Array) -> Array:
    """Moments whose matrix M is similar: entries of order q^2 and 1/q^2 become of order 1."""
    size = np.sqrt(connected[..., 2, 2])[..., None, None]
    power = np.array([1.0, 0.0, -1.0])
    return connected * size ** (power[:, None] + power[None, :])


def unstable_direction(connected: Array, g: float, gamma: float) -> Array:
    """Eigenvector (dQ, dQ^, 2 dR') of the largest real eigenvalue, with dQ = 1; shape (3,)."""
    values, vectors = np.linalg.eig(stability_matrix(connected, g, gamma))
    vector = vectors[:, np.argmax(values.real)].real
    return vector / vector[0]
