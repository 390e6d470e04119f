"""Tables of the numbers that a figure draws, and their comparison with the published ones.

Columns: ``panel``; ``quantity``; ``source`` (theory, sampling, simulation, published); ``sampler``;
``gamma``, ``g``, ``beta``, ``N`` (the parameters, NaN where there is none); ``x``, ``y``; ``error``
(theory: quadrature error; sampling: standard error over networks; published: reading error);
``status`` (converged, or what went wrong).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from ..disorder import disorder_average
from ..status import Status

COLUMNS = (
    "panel",
    "quantity",
    "source",
    "sampler",
    "gamma",
    "g",
    "beta",
    "N",
    "x",
    "y",
    "error",
    "status",
)
TEXT = ("panel", "quantity", "source", "sampler", "status")
#: What stands in a column that is not given.
EMPTY = dict.fromkeys(COLUMNS, np.nan) | {"panel": "", "sampler": "", "status": "converged"}
#: Names of the paper's quantities in the digitised table -> names here.
PUBLISHED_NAMES = {"l2norm": "mean_square_x", "minus_xi": "G", "rtilde": "r_tilde"}
#: Names of quantities in texts; others stand as they are.
SYMBOLS = {
    "mean_square_x": "⟨x²⟩",
    "energy": "E/N",
    "chi": "χ",
    "r_tilde": "r̃",
    "R_int": "R (integrated)",
    "covariance_x_phi": "σ",
    "q_minus_Q": "q - Q",
    "r_minus_R": "r - R",
}
#: Figures that show curves digitised from another figure -> that figure.
DIGITISED_ELSEWHERE = {"fig3": "fig7"}
#: Statuses of a solver that did not deliver.
WITHOUT_SOLUTION = ("not_converged", "inaccurate", "unphysical", "no_solution", "unstable")
#: Deviation, in combined errors, beyond which a published value counts as different.
DIFFERENT = 3.0
STATUS_NAMES = {status.code: status.name.lower() for status in Status}
MATCH = ["quantity", "gamma", "g", "beta", "x"]


def read(path: Path) -> pd.DataFrame:
    """Table of a figure from its CSV file."""
    return pd.read_csv(path, dtype=dict.fromkeys(TEXT, str)).fillna(dict.fromkeys(TEXT, ""))


def rows(**columns) -> pd.DataFrame:
    """Rows of a table; scalars stand in every row, columns that are not given are empty.

    Raises
    ------
    ValueError
        If the columns do not have one length.
    """
    (length,) = {len(values) for values in columns.values() if np.ndim(values)}
    given = EMPTY | columns
    return pd.DataFrame(
        {
            name: np.broadcast_to(
                np.asarray(given[name], object if name in TEXT else float), length
            )
            for name in COLUMNS
        }
    )


def join(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """One table from several; from none, one without rows."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else rows(quantity=[])


def spec_of(dataset: xr.Dataset) -> dict:
    """Spec that a dataset was computed from."""
    return json.loads(dataset.attrs["spec"])


def sampled_spec(dataset: xr.Dataset) -> dict:
    """Spec of a sampled dataset: of a batch, that of its first network."""
    spec = spec_of(dataset)
    return spec.get("first", spec)


def on_networks(datasets: Iterable[xr.Dataset], variable: str) -> tuple[np.ndarray, np.ndarray]:
    """Means over the draws and their Monte Carlo errors on each network, shapes (network,).

    ``datasets`` are of single networks or of batches, at one temperature.
    """
    datasets = list(datasets)
    mean, error = (
        np.concatenate([ds.variables[f"{variable}_{name}"].values.ravel() for ds in datasets])
        for name in ("mean", "mcse")
    )
    return mean, error


def each_network(datasets: Iterable[xr.Dataset]) -> list[xr.Dataset]:
    """Datasets of single networks, whether they had a job each or one together."""
    return [
        network
        for dataset in datasets
        for network in (
            [dataset.isel(network=k) for k in range(dataset.sizes["network"])]
            if "network" in dataset.dims
            else [dataset]
        )
    ]


def worst_status(datasets: Iterable[xr.Dataset]) -> str:
    """Name of the worst status in some datasets."""
    return STATUS_NAMES[max(int(ds.variables["status"].values.max()) for ds in datasets)]


def theory_rows(
    dataset: xr.Dataset, quantity: str, y: xr.DataArray, x: str, gamma: float, **columns
) -> pd.DataFrame:
    """Rows of a theory result over its grid of g and, where it has one, temperature.

    Parameters
    ----------
    y : DataArray, dims a subset of (g, temperature)
        The quantity.
    x : {"g", "beta"}
        What stands on the abscissa.
    """
    grid = xr.Dataset({"y": y, "status": dataset["status"]})
    if "sample" in y.dims:  # the published procedure: average over its frozen samples
        spread = y.std("sample", ddof=1) if y.sizes["sample"] > 1 else np.nan * y.mean("sample")
        grid = xr.Dataset(
            {
                "y": y.mean("sample"),
                "error": spread / np.sqrt(y.sizes["sample"]),
                "status": dataset["status"].max("sample"),
            }
        )
    elif "quadrature_error" in dataset:
        grid["error"] = np.abs(y.where(np.isfinite(y), 0)) * dataset["quadrature_error"]
    frame = grid.to_dataframe().reset_index()
    beta = np.nan
    if "temperature" in frame:
        temperature = frame["temperature"].to_numpy(float)
        beta = np.divide(
            1.0, temperature, out=np.full_like(temperature, np.inf), where=temperature > 0
        )
    values = {"g": frame["g"].to_numpy(float), "beta": beta}
    return rows(
        quantity=quantity,
        source="theory",
        gamma=gamma,
        x=values[x],
        y=frame["y"].to_numpy(float),
        error=frame["error"].to_numpy(float) if "error" in frame else np.nan,
        status=frame["status"].map(STATUS_NAMES).to_numpy(object),
        **values,
        **columns,
    )


def sampling_rows(datasets: list[xr.Dataset], quantity: str, variable: str, x: str) -> pd.DataFrame:
    """Disorder averages of a sampled observable, networks of the same kind together.

    A temperature counts as equilibrated only if it is so on every network.
    """
    # Selecting costs time for each variable, and a dataset of samples has fifty.
    needed = [f"{variable}_mean", f"{variable}_mcse", "status"]
    groups: dict[tuple, list[xr.Dataset]] = {}
    for dataset in (dataset[needed] for dataset in datasets):
        spec = sampled_spec(dataset)
        couplings = spec["couplings"]
        kind = (spec["algorithm"], spec["g"], couplings["gamma"], couplings["N"])
        groups.setdefault(kind, []).append(dataset)
    parts = []
    for (algorithm, g, gamma, N), members in groups.items():
        # Experiments may share g and N and differ in their temperatures.
        for temperature in sorted({t for ds in members for t in ds["temperature"].values}):
            here = [
                ds.sel(temperature=temperature)
                for ds in members
                if temperature in ds["temperature"].values
            ]
            average = disorder_average(*on_networks(here, variable))
            values = {"g": g, "beta": 1.0 / temperature}
            parts.append(
                rows(
                    quantity=[quantity],
                    source="sampling",
                    sampler=algorithm,
                    gamma=gamma,
                    N=N,
                    x=values[x],
                    y=average.mean,
                    error=average.error,
                    status=worst_status(here),
                    **values,
                )
            )
    return join(parts)


def drawn(table: pd.DataFrame, settings: dict, curves: str | None) -> pd.DataFrame:
    """Rows that a figure draws; its table holds more for the ledger, published values above all.

    Parameters
    ----------
    curves : "g" or "gamma" or None
        The parameter of which the settings list the values that have a curve; where they give one
        value of another parameter, rows of other values are not drawn either.  None: all rows.
    """
    if curves is None:
        return table
    table = table[table[curves].isin(settings[curves])]
    for name in {"g", "gamma", "beta"} & settings.keys():
        if np.ndim(settings[name]) == 0:
            table = table[np.isclose(table[name].astype(float), settings[name])]
    return table


def count_networks(datasets: Iterable[xr.Dataset], table: pd.DataFrame) -> dict[int, int]:
    """Size N of the sampled networks in a table -> how many there are at each of its points.

    Experiments may share a point, and may differ in their number: the smallest counts.
    """
    points = table.loc[table["source"] == "sampling", ["g", "gamma", "N"]]
    wanted = set(points.itertuples(index=False, name=None))
    seeds: dict[tuple, set[int]] = {}
    for dataset in datasets:
        spec, couplings = spec_of(dataset), sampled_spec(dataset)["couplings"]
        point = (sampled_spec(dataset)["g"], couplings["gamma"], couplings["N"])
        if point in wanted:
            first = couplings["seed"]
            seeds.setdefault(point, set()).update(range(first, first + spec.get("networks", 1)))
    fewest: dict[int, int] = {}
    for (_, _, N), found in sorted(seeds.items()):
        fewest[N] = min(len(found), fewest.get(N, len(found)))
    return dict(sorted(fewest.items()))


def count_points(table: pd.DataFrame, statuses: Iterable[str]) -> int:
    """Number of points with one of these statuses, each once however many panels show it."""
    point = ["source", "sampler", "gamma", "g", "beta", "N"]
    return len(table.loc[table["status"].isin(statuses), point].drop_duplicates())


def published_rows(published: pd.DataFrame, x: str) -> pd.DataFrame:
    """Digitised values of one figure; ``x`` is the column on the abscissa."""
    if published.empty:
        return rows(quantity=[])
    return rows(
        quantity=published["quantity"].replace(PUBLISHED_NAMES).to_numpy(object),
        source="published",
        gamma=published["gamma"].to_numpy(float),
        g=published["g"].to_numpy(float),
        beta=published["beta"].to_numpy(float),
        x=published[x].to_numpy(float),
        y=published["value"].to_numpy(float),
        error=published["reading_error"].to_numpy(float),
    )


def matching_keys(frame: pd.DataFrame, columns: Iterable[str] = tuple(MATCH)) -> pd.MultiIndex:
    """Parameters of the rows as texts of five digits: published abscissae carry no more."""
    keys = frame[list(columns)].map(lambda v: f"{v:.5g}" if isinstance(v, float) else v)
    return pd.MultiIndex.from_frame(keys)


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """Published values beside the theory and the samples at the same parameters.

    Returns
    -------
    DataFrame
        Columns ``quantity``, ``gamma``, ``g``, ``beta``, ``x``, ``published``, ``reading_error``,
        ``ours``, ``ours_error``, ``status`` (of ours), ``difference`` (published - ours),
        ``deviation`` (in combined errors), ``sampled`` and ``sampled_error`` (NaN where nothing
        was sampled to equilibrium).  Published points at which no theory was computed have NaN in
        ``ours``.
    """
    published = table[table["source"] == "published"]
    keys = matching_keys(published)

    def at_published(source: pd.DataFrame) -> pd.DataFrame:
        values = source[["y", "error", "status"]].set_axis(matching_keys(source), axis=0)
        return values[~values.index.duplicated()].reindex(keys).set_axis(published.index, axis=0)

    ours = at_published(table[table["source"] == "theory"])
    own = table["source"].isin(["sampling", "simulation"]) & (table["status"] == "converged")
    sampled = at_published(table[own].sort_values("N", ascending=False))
    result = published[MATCH].assign(
        published=published["y"],
        reading_error=published["error"],
        ours=ours["y"],
        ours_error=ours["error"],
        status=ours["status"],
        sampled=sampled["y"],
        sampled_error=sampled["error"],
    )
    combined = np.hypot(result["reading_error"], result["ours_error"].fillna(0.0))
    result["difference"] = result["published"] - result["ours"]
    result["deviation"] = result["difference"] / combined
    return result.reset_index(drop=True)
