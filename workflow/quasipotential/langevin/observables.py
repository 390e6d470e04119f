r"""What is measured on the chains.

With a and b independent chains at one temperature, one of each kind of start,

    energy = E/N, q = phi.phi/N, mean_square_x = x.x/N, x_phi = x.phi/N,
    response_diagonal = r.phi/(N T)           (G_d, the response of phi to a field on its own r)
    overlap = phi^a.phi^b/N                   (Q; its sign is symmetric, hence overlap_absolute)
    response_cross = r^a.phi^b/(N T)          (Rp, averaged over the two orders)
    response = response_diagonal - response_cross        (G, connected)
    covariance_x_phi = x_phi - x^a.phi^b/N    (connected, averaged over the two orders)

With a field h s, s_i = +-1 at random, of its own for each chain, the same response is

    response_field = s.phi/(N h)              (its mean is <G>; odd in h, so without a term in h^2).

Over all draws, with the mean energy of all chains,

    specific_heat = N (E/N - <E/N>)^2/T^2     (its mean is var(E)/(N T^2)),

and the distributions of the overlap of any two chains, with its sign and without, and of x_i.

Everything is dimensionless.

References
----------
J. Qiu and H. Huang, arXiv:2401.10009, section III; docs/theory.md, sections 3 and 4.
"""

from __future__ import annotations

import numpy as np

from .landscape import Landscape

Array = np.ndarray

CHAIN_OBSERVABLES = {
    "energy": "energy per unit, E/N",
    "q": "self-overlap of the rates, mean of phi^2",
    "mean_square_x": "mean of x^2",
    "x_phi": "mean of x phi",
    "response_diagonal": "response G_d, mean of r phi/T",
}
PAIR_OBSERVABLES = {
    "overlap": "overlap of the rates of two chains, mean of phi^a phi^b",
    "overlap_absolute": "absolute overlap of the rates of two chains",
    "response_cross": "response Rp between two chains, mean of r^a phi^b/T",
    "response": "connected response G = G_d - Rp",
    "covariance_x_phi": "connected covariance of x and phi",
}
FIELD_OBSERVABLES = {"response_field": "response G to a small applied field, mean of s phi/h"}
#: Edges of the bins of the signed overlap; those from 0 on serve the absolute one.
OVERLAP_EDGES = np.linspace(-1.0, 1.0, 101)
#: Edges of the bins of x_i.
ACTIVITY_EDGES = np.linspace(-12.0, 12.0, 241)


def observables(
    x: Array,
    landscape: Landscape,
    temperatures: Array,
    chains: int,
    field: Array | None = None,
) -> dict[str, Array]:
    """Observables of one draw, by name, shapes (temperature, chain) or (temperature, pair).

    Parameters
    ----------
    x : ndarray, shape (N, temperatures * chains)
        Column k = temperature index * chains + chain.
    landscape : Landscape
    temperatures : ndarray, shape (T,)
    chains : int
        Chains per temperature; chain p and chain p + chains/2 make the pair p.
    field : ndarray, shape (N, temperatures * chains), optional
        The field h s on r.
    """
    N = len(x)
    shape = (N, len(temperatures), chains)
    phi = landscape.transfer.phi(x)
    r = x - landscape.J @ phi
    if field is not None:
        r -= field
    x, phi, r = x.reshape(shape), phi.reshape(shape), r.reshape(shape)
    half = chains // 2

    def product(left: Array, right: Array) -> Array:
        return np.einsum("itc,itc->tc", left, right) / N

    def cross(left: Array, right: Array) -> Array:
        one, other = left[..., :half], left[..., half:]
        return 0.5 * (product(one, right[..., half:]) + product(other, right[..., :half]))

    def over_pair(values: Array) -> Array:
        return 0.5 * (values[:, :half] + values[:, half:])

    T = temperatures[:, None]
    mean_square_x = product(x, x)
    x_phi = product(x, phi)
    response_diagonal = product(r, phi) / T
    overlap = cross(phi, phi)
    response_cross = cross(r, phi) / T
    found = {
        "energy": 0.5 * product(r, r) + landscape.eta * mean_square_x,
        "q": product(phi, phi),
        "mean_square_x": mean_square_x,
        "x_phi": x_phi,
        "response_diagonal": response_diagonal,
        "overlap": overlap,
        "overlap_absolute": np.abs(overlap),
        "response_cross": response_cross,
        "response": over_pair(response_diagonal) - response_cross,
        "covariance_x_phi": over_pair(x_phi) - cross(x, phi),
    }
    if field is not None:
        h = field.reshape(shape)
        found["response_field"] = product(h, phi) / product(h, h)
    return found


def overlap_counts(phi: Array, chains: int) -> Array:
    """Pairs of chains in each bin of the overlap, shape (temperature, bin).

    Parameters
    ----------
    phi : ndarray, shape (N, temperatures * chains)
    chains : int

    Notes
    -----
    Overlaps beyond 1, which a linear transfer function allows, are in no bin.
    """
    by_temperature = phi.reshape(len(phi), -1, chains).transpose(1, 2, 0)
    overlaps = by_temperature @ by_temperature.transpose(0, 2, 1) / len(phi)
    a, b = np.triu_indices(chains, 1)
    return np.stack([np.histogram(row, OVERLAP_EDGES)[0] for row in overlaps[:, a, b]])


def activity_counts(x: Array, chains: int) -> Array:
    """Units of all chains in each bin of x_i, shape (temperature, bin).

    Parameters
    ----------
    x : ndarray, shape (N, temperatures * chains)
    chains : int

    Notes
    -----
    Units beyond the edges are in no bin.
    """
    width = ACTIVITY_EDGES[1] - ACTIVITY_EDGES[0]
    bins = ACTIVITY_EDGES.size - 1
    index = np.floor((x - ACTIVITY_EDGES[0]) / width).astype(int)
    temperature = np.arange(x.shape[1]) // chains
    inside = (index >= 0) & (index < bins)
    place = (temperature * bins + index)[inside]
    size = temperature[-1] + 1
    return np.bincount(place, minlength=size * bins).reshape(size, bins)


def specific_heat(energy: Array, temperature: float, N: int) -> Array:
    """Draws whose mean is the specific heat var(E)/(N T^2), from those of E/N, any shape."""
    return N * np.square((energy - energy.mean()) / temperature)
