r"""Couplings J/g: the elliptic Gaussian ensemble.

The couplings J_ij (from j to i) are Gaussian with mean 0 and

    <J_ij J_kl> = (g^2 / N) (delta_ik delta_jl + gamma delta_il delta_jk),   -1 <= gamma <= 1,

so <J_ij^2> = g^2/N and <J_ij J_ji> = gamma g^2/N for i != j, and <J_ii^2> = (1 + gamma) g^2/N.
With S symmetric and A antisymmetric, independent and of off-diagonal variance 1/N,

    J/g = sqrt((1 + gamma)/2) S + sqrt((1 - gamma)/2) A.

The eigenvalues of J fill an ellipse with semi-axes g (1 + gamma) and g (1 - gamma).  Planted
couplings, weighted by exp(-E/T) and drawn together with a state, come from module `planted`.
Everything is dimensionless.

References
----------
H. J. Sommers, A. Crisanti, H. Sompolinsky and Y. Stein, Phys. Rev. Lett. 60, 1895 (1988).
J. Qiu and H. Huang, arXiv:2401.10009, section II; docs/theory.md, section 1.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from .specs import AnnealedSpec, CouplingsSpec
from .status import STATUS_ATTRIBUTES

#: Size of the annealed run behind a planted pair: with it 36 pairs at 9 points, T from 1e-4 to 0.1,
#: had at least 2000 effective draws and R-hat below 1.006, where 400 and 1.01 are asked for.
ANNEALED_RUN = {"chains": 8, "warmup": 300, "draws": 1000}
LONG_NAMES = {
    "post": "index of the receiving unit i",
    "pre": "index of the sending unit j",
    "couplings": "couplings over their strength, J_ij/g",
    "neuron": "index of the unit",
    "state": "activities x in equilibrium at these couplings, at the planted g and T",
    "annealed_ess": "least bulk effective sample size of the annealed run behind the state",
    "annealed_rhat": "largest rank-normalised split R-hat of the annealed run behind the state",
}


def elliptic(N: int, gamma: float, rng: np.random.Generator) -> np.ndarray:
    """One realisation of J/g, shape (post, pre) = (N, N), float64, dimensionless.

    At gamma = 1 it is exactly symmetric, at gamma = -1 exactly antisymmetric.

    Raises
    ------
    ValueError
        If gamma lies outside [-1, 1].
    """
    if not -1.0 <= gamma <= 1.0:
        raise ValueError(f"gamma must lie in [-1, 1], got {gamma}")
    W = rng.standard_normal((N, N)) / np.sqrt(N)
    # W + W^T = sqrt(2) S and W - W^T = sqrt(2) A are independent.
    return 0.5 * (np.sqrt(1.0 + gamma) * (W + W.T) + np.sqrt(1.0 - gamma) * (W - W.T))


def as_matrix(couplings: np.ndarray, N: int) -> np.ndarray:
    """Couplings of N units that were given, as an array (N, N).

    Raises
    ------
    ValueError
        If they have another shape, or are the whole dataset of a network.
    """
    if isinstance(couplings, xr.Dataset):
        raise ValueError('a dataset was given for couplings: give its ["couplings"].values')
    matrix = np.asarray(couplings, dtype=float)
    if matrix.shape != (N, N):
        raise ValueError(f"couplings have the shape {matrix.shape}, the spec asks for ({N}, {N})")
    return matrix


def run(spec: CouplingsSpec) -> xr.Dataset:
    """Couplings of a spec: variable ``couplings`` with dims (post, pre).

    With planted ones come ``state``, dim neuron, and ``status``, ``annealed_ess`` and
    ``annealed_rhat`` of the run that the state is from.
    """
    units = np.arange(spec.N)
    dataset = xr.Dataset(coords={"post": units, "pre": units})
    if spec.planted is None:
        rng = np.random.default_rng(np.random.SeedSequence(spec.entropy))
        dataset["couplings"] = (("post", "pre"), elliptic(spec.N, spec.gamma, rng))
    else:
        _add_planted(dataset, spec)
    for name in set(dataset.variables) - {"status"}:
        dataset.variables[name].attrs.update(long_name=LONG_NAMES[name], units="1")
    return dataset


def _add_planted(dataset: xr.Dataset, spec: CouplingsSpec) -> None:
    from .planted import planted_pair  # which needs this module

    pair = planted_pair(
        AnnealedSpec(
            gamma=spec.gamma,
            g=(spec.planted.g,),
            temperatures=(spec.planted.temperature,),
            N=spec.N,
            transfer=spec.planted.transfer,
            seed=spec.seed,
            **ANNEALED_RUN,
        )
    )
    summaries = pair.summaries.values()
    dataset.coords["neuron"] = np.arange(spec.N)
    dataset["couplings"] = (("post", "pre"), pair.couplings)
    dataset["state"] = ("neuron", pair.x)
    dataset["annealed_ess"] = np.min([summary.ess for summary in summaries])
    dataset["annealed_rhat"] = np.max([summary.rhat for summary in summaries])
    dataset["status"] = ((), np.int8(pair.status.code), STATUS_ATTRIBUTES)
