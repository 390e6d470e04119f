"""Jobs that write a table: the reproduction ledger and the table of claims."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from . import claims, figure_job, ledger, store
from .figures import tables
from .specs import FigureSpec, parse


def to_dataset(table: pd.DataFrame, descriptions: dict[str, str], texts: tuple) -> xr.Dataset:
    """A table over the dimension ``row``.

    Parameters
    ----------
    table : DataFrame
        With a column for each description.
    descriptions : dict
        Column -> long name.
    texts : tuple of str
        Columns that hold texts.
    """
    variables = {}
    for name, long_name in descriptions.items():
        values = table[name].to_numpy(object if name in texts else float)
        variables[name] = ("row", values, {"long_name": long_name, "units": "1"})
    row = ("row", np.arange(len(table)), {"long_name": "number of the row", "units": "1"})
    return xr.Dataset(variables, coords={"row": row})


def _write(snakemake, spec: FigureSpec, table: pd.DataFrame, dataset: xr.Dataset, start) -> None:
    """Write the CSV and the NetCDF file of a table."""
    store.write_atomically(
        snakemake.output.table, lambda name: table.to_csv(name, index=False, float_format="%.8g")
    )
    seconds = time.perf_counter() - start
    described = store.describe(dataset, spec, snakemake.params.code, seconds)
    store.save(described, snakemake.output.dataset)


def write_ledger(snakemake) -> None:
    """Write the ledger and its summary."""
    start = time.perf_counter()
    spec = parse(snakemake.params.spec)
    sources = dict(figure_job.inputs(snakemake, spec))
    figures = {path.stem.split("-")[0]: tables.read(path) for path in map(Path, sources["tables"])}
    # Fig. 3 shows the curves of Fig. 7: each published value stands once.
    figures = {name: t for name, t in figures.items() if name not in tables.DIGITISED_ELSEWHERE}
    second = [store.load(path) for path in sources["second"]]
    evidence = [store.load(path) for path in sources["evidence"]]
    table = ledger.entries(figures, ledger.second_routes(second), evidence)
    summary = ledger.summary(table)
    store.write_atomically(snakemake.output.summary, lambda name: summary.to_csv(name, index=False))
    dataset = to_dataset(table, ledger.DESCRIPTIONS, ledger.TEXTS)
    _write(snakemake, spec, table[list(ledger.DESCRIPTIONS)], dataset, start)


def write_claims(snakemake) -> None:
    """Write the table of claims."""
    start = time.perf_counter()
    spec = parse(snakemake.params.spec)
    sources = {
        role: list(map(store.load, paths)) for role, paths in figure_job.inputs(snakemake, spec)
    }
    table = claims.table(sources, json.loads(spec.settings))
    _write(snakemake, spec, table, to_dataset(table, claims.DESCRIPTIONS, claims.TEXTS), start)
