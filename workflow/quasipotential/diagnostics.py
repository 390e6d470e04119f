r"""Statistics of samples: over the draws of Markov chains and over realisations of the disorder.

Draws of several chains are judged by the rank-normalised split R-hat, the bulk effective sample
size and the Monte Carlo standard error of the mean, all from arviz-stats.

References
----------
A. Vehtari, A. Gelman, D. Simpson, B. Carpenter and P.-C. Buerkner, Bayesian Analysis 16, 667
(2021).
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


@dataclass(frozen=True)
class DisorderAverage:
    """Average over realisations of the disorder.

    Attributes
    ----------
    mean : ndarray
    error : ndarray
        Standard error of the mean from the spread over realisations, one standard deviation of the
        mean, without the factor of Student's t; at least ``sampling_error``, which a spread over
        few realisations can miss.  NaN for one realisation.
    sampling_error : ndarray
        What the sampling errors of the single realisations account for.
    realisations : int
    """

    mean: np.ndarray
    error: np.ndarray
    sampling_error: np.ndarray
    realisations: int


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


def disorder_average(values: np.ndarray, errors: np.ndarray) -> DisorderAverage:
    """Average over realisations, the first axis of both arrays.

    Parameters
    ----------
    values, errors : ndarray, shape (realisation, ...)
        Mean and standard error of each realisation.
    """
    n = len(values)
    sampling_error = np.sqrt(np.square(errors).sum(axis=0)) / n
    error = np.full(np.shape(values)[1:], np.nan)
    if n > 1:
        error = np.maximum(np.std(values, axis=0, ddof=1) / np.sqrt(n), sampling_error)
    return DisorderAverage(
        mean=np.mean(values, axis=0),
        error=error,
        sampling_error=sampling_error,
        realisations=n,
    )
