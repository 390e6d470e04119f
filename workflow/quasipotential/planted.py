r"""Planted couplings: exact equilibrium pairs (J, x), at any temperature and without a chain in x.

The planted ensemble is the joint measure of couplings and activities,

    P(J, x) ~ P(J) exp(-E(x; J)/T),        E = |r|^2/2,    r = x - J phi(x).

Its marginal over x is the annealed measure (module `replica.annealed`, without J). Given x it says
that x = J phi + r is observed, with J from the ensemble of module `couplings` and r ~ N(0, T).
All is Gaussian, so that a draw (J0, r0) from the prior becomes one from the posterior by the linear
update that meets the observation (Matheron's rule),

    u = Sigma^-1 (x - J0 phi - r0),        Sigma = s2 1 + g^2 gamma phi phi^T/N,
    J = J0 + (g^2/N) (u phi^T + gamma phi u^T),        r = r0 + T u,

with s2 = T + g^2 q, q = phi.phi/N; the second bracket is the covariance of J and J phi, applied to
u. This costs O(N^2), is exact at every N, T > 0 and gamma, and keeps the symmetry at gamma = +-1.

What it gives. At these couplings x is a draw from the Boltzmann measure, so that chains started
there have nothing to warm up; their means over pairs must stay where they are.

What it does not give. The couplings are weighted by their partition function, P(J) Z(J)/E_J Z.
Means over pairs are those of the annealed measure, at every N. They tend to the quenched ones where
ln Z(J) = ln E_J Z + o(N) (docs/theory.md, section 4: gamma >= 0), but at finite N they differ: at
gamma = 0, g = 1.2, T = 1e-2, N = 200, q is 0.183 over planted couplings and 0.159(4) over 24
unweighted ones. And a chain that stays where it was planted may just be trapped there.

Everything is dimensionless.

References
----------
Y. Hoffman and E. Ribak, Astrophys. J. 380, L5 (1991) (conditioning by an update of a prior draw).
F. Krzakala and L. Zdeborova, Phys. Rev. Lett. 102, 238701 (2009) (planting).
docs/theory.md, sections 1 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .couplings import elliptic
from .diagnostics import Summary, summarise
from .replica.annealed import judge, sample
from .specs import AnnealedSpec
from .status import Status
from .transfer import TransferFunction, transfer_function

Array = np.ndarray


@dataclass(frozen=True)
class PlantedPair:
    """Couplings and a state in equilibrium at them.

    Attributes
    ----------
    couplings : ndarray, shape (N, N)
        J/g, (post, pre).
    x : ndarray, shape (N,)
    summaries : dict
        Of the observables of the annealed measure from which x comes, by name.
    status : Status
        NOT_EQUILIBRATED if that measure was not sampled to the limits of the spec: then neither is
        the pair.
    """

    couplings: Array
    x: Array
    summaries: dict[str, Summary]
    status: Status


def condition(
    couplings: Array,
    r: Array,
    x: Array,
    gamma: float,
    g: float,
    temperature: float,
    transfer: TransferFunction,
) -> Array:
    """Turn a draw (J0/g, r0) from the prior into one of J/g given x.

    Parameters
    ----------
    couplings : ndarray, shape (N, N)
        J0/g.
    r, x : ndarray, shape (N,)
        r0 of variance T, and the state.
    gamma, g, temperature : float
        T > 0.
    transfer : TransferFunction

    Returns
    -------
    ndarray, shape (N, N)
        J/g.
    """
    N = len(x)
    phi = transfer.phi(x)
    spread = g**2 * (phi @ phi) / N
    s2 = temperature + spread
    miss = x - g * (couplings @ phi) - r
    along = g**2 * gamma * (phi @ miss) / (N * (s2 + gamma * spread))
    u = (miss - along * phi) / s2
    gain = np.outer(u, phi)
    return couplings + (g / N) * (gain + gamma * gain.T)


def plant(
    x: Array,
    gamma: float,
    g: float,
    temperature: float,
    transfer: TransferFunction,
    rng: np.random.Generator,
) -> Array:
    """Draw J/g given x, shape (post, pre) = (N, N), from P(J) exp(-E(x; J)/T).

    Raises
    ------
    ValueError
        If T is not positive, or gamma lies outside [-1, 1].
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    prior = elliptic(len(x), gamma, rng)
    r = np.sqrt(temperature) * rng.standard_normal(len(x))
    return condition(prior, r, x, gamma, g, temperature, transfer)


def planted_pair(spec: AnnealedSpec) -> PlantedPair:
    """Draw x from the annealed measure of a spec, then couplings given x.

    x is the last state of one chain, chosen at random; the others judge the sampling. Pairs of
    different seeds are independent.

    Raises
    ------
    ValueError
        If the spec holds more than one point (g, temperature).
    """
    if len(spec.g) * len(spec.temperatures) != 1:
        raise ValueError(f"one point is needed, got g = {spec.g}, T = {spec.temperatures}")
    rng = np.random.default_rng(np.random.SeedSequence(spec.entropy).spawn(3)[2])  # 0, 1: annealed
    result = sample(spec)
    summaries = {name: summarise(draws[0]) for name, draws in result.draws.items()}
    x = result.x[0, rng.integers(spec.chains)]
    transfer = transfer_function(spec.transfer)
    return PlantedPair(
        couplings=plant(x, spec.gamma, spec.g[0], spec.temperatures[0], transfer, rng),
        x=x,
        summaries=summaries,
        status=judge(spec, summaries.values()),
    )
