r"""Couplings J/g: the elliptic Gaussian ensemble.

The couplings J_ij (from j to i) are Gaussian with mean 0 and

    <J_ij J_kl> = (g^2 / N) (delta_ik delta_jl + gamma delta_il delta_jk),   -1 <= gamma <= 1,

so <J_ij^2> = g^2/N and <J_ij J_ji> = gamma g^2/N for i != j, and <J_ii^2> = (1 + gamma) g^2/N.
With S symmetric and A antisymmetric, independent and of off-diagonal variance 1/N,

    J/g = sqrt((1 + gamma)/2) S + sqrt((1 - gamma)/2) A.

The eigenvalues of J fill an ellipse with semi-axes g (1 + gamma) and g (1 - gamma).  Everything is
dimensionless.

References
----------
H. J. Sommers, A. Crisanti, H. Sompolinsky and Y. Stein, Phys. Rev. Lett. 60, 1895 (1988).
J. Qiu and H. Huang, arXiv:2401.10009, section II; docs/theory.md, section 1.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from .specs import CouplingsSpec

LONG_NAMES = {
    "post": "index of the receiving unit i",
    "pre": "index of the sending unit j",
    "couplings": "couplings over their strength, J_ij/g",
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


def run(spec: CouplingsSpec) -> xr.Dataset:
    """Couplings of a spec: variable ``couplings`` with dims (post, pre)."""
    rng = np.random.default_rng(np.random.SeedSequence(spec.entropy))
    units = np.arange(spec.N)
    dataset = xr.Dataset(
        {"couplings": (("post", "pre"), elliptic(spec.N, spec.gamma, rng))},
        coords={"post": units, "pre": units},
    )
    for name, variable in dataset.variables.items():
        variable.attrs.update(long_name=LONG_NAMES[name], units="1")
    return dataset
