r"""Statistics of the draws of Markov chains.

Draws of several chains are judged by the rank-normalised split R-hat, the bulk effective sample
size and the Monte Carlo standard error of the mean, all from arviz-stats.

References
----------
A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Buerkner, Bayesian Analysis 16, 667 (2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats


@dataclass(frozen=True)
class Summary:
    """Mean of an observable over the draws of several chains.

    Attributes
    ----------
    mean : float
    mcse : float
        Monte Carlo standard error of the mean; NaN where no chain moved.
    ess : float
        Bulk effective sample size, 0 where no chain moved.
    rhat : float
        Rank-normalised split R-hat; NaN where no chain moved.
    """

    mean: float
    mcse: float
    ess: float
    rhat: float


def summarise(draws: np.ndarray) -> Summary:
    """Statistics of the draws of one scalar, shape (chain, draw).

    Raises
    ------
    ValueError
        If there are fewer than two chains or four draws.
    """
    if draws.ndim != 2 or draws.shape[0] < 2 or draws.shape[1] < 4:
        raise ValueError(f"expected at least 2 chains of 4 draws, got the shape {draws.shape}")
    mean = float(draws.mean())
    if np.all(draws == draws[:, :1]):
        return Summary(mean=mean, mcse=np.nan, ess=0.0, rhat=np.nan)
    return Summary(
        mean=mean,
        mcse=float(array_stats.mcse(draws, chain_axis=0, draw_axis=1, method="mean")),
        ess=float(array_stats.ess(draws, chain_axis=0, draw_axis=1, method="bulk")),
        rhat=float(array_stats.rhat(draws, chain_axis=0, draw_axis=1, method="rank")),
    )
