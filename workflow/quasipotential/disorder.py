"""Realisations of the disorder in one dataset, and averages over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

NETWORK = {"long_name": "seed of the network", "units": "1"}


def on_network(dataset: xr.Dataset, seed: int) -> xr.Dataset:
    """Dataset of one network with a first dimension ``network``, the seed."""
    return dataset.assign_coords(network=((), seed, NETWORK)).expand_dims("network")


def join_networks(parts: list[xr.Dataset]) -> xr.Dataset:
    """Datasets with the dimension ``network`` as one.

    Where they differ in the length of a dimension it is that of the longest, and the rest is NaN.
    """
    return xr.concat(
        parts,
        dim="network",
        data_vars="all",
        coords="minimal",
        compat="override",
        join="outer",
        combine_attrs="override",
    )


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
