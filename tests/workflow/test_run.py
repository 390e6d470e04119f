"""A whole run: what it leaves, that it is whole, and that it is the same however it is run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

NUMBERS = (*range(1, 10), *(f"S{n}" for n in (*range(1, 10), *range(12, 18))))
FIGURES = [f"fig{number}" for number in NUMBERS]  # of the test config
#: Part of the name of a result -> the variable that tells how far it is from a solution.
ERRORS = {"two-time-g": "factor_error", "weighting": "q_integrated_error", "": "residual"}
NETWORKS = ("couplings", "trajectories", "langevin", "batches")
STAGES = (*NETWORKS, "dmft", "replica")


def datasets(folder: Path) -> dict[str, xr.Dataset]:
    """All datasets of a checkout, by path."""
    found = {}
    for stage in STAGES:
        for path in sorted((folder / "results" / stage).glob("*.nc")):
            with xr.open_dataset(path) as dataset:
                found[f"{stage}/{path.name}"] = dataset.load()
    return found


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_stands_in_three_formats_beside_its_numbers(finished, name):
    folder = finished.path / "results" / "figures"
    heads = {"pdf": b"%PDF", "png": b"\x89PNG", "svg": b"<?xml"}
    for suffix, head in heads.items():
        assert (folder / f"{name}.{suffix}").read_bytes().startswith(head)
    table = pd.read_csv(folder / f"{name}.csv")
    assert len(table) >= 4
    assert table["x"].notna().all()
    caption = (folder / f"{name}.rst").read_text(encoding="utf-8")
    assert len(caption.split()) > 10
    assert "{" not in caption


def test_every_dataset_describes_itself(finished):
    found = datasets(finished.path)
    assert {key.split("/")[0] for key in found} == set(STAGES)
    for key, dataset in found.items():
        assert dataset.attrs["key"] == Path(key).stem
        assert json.loads(dataset.attrs["spec"])["version"] >= 1
        for attribute in ("commit", "libraries", "source_digest", "wall_seconds", "created"):
            assert attribute in dataset.attrs, key
        for name, variable in dataset.variables.items():
            assert variable.attrs["units"] == "1", (key, name)
            assert variable.attrs["long_name"], (key, name)
        if key.startswith(("dmft", "replica")):
            measure = next(name for kind, name in ERRORS.items() if kind in key)
            assert measure in dataset, key


def test_index_lists_every_result(finished):
    with open(finished.path / "results" / "index.csv", newline="", encoding="utf-8") as file:
        rows = {row["key"]: row for row in csv.DictReader(file)}
    for key in datasets(finished.path):
        row = rows[Path(key).stem]
        assert row["file"] == f"results/{key}"
        assert "kind" in json.loads(row["spec"])
    assert {name for name in FIGURES if any(key.startswith(f"{name}-") for key in rows)} == (
        set(FIGURES)
    )


def test_ledger_holds_every_published_value(finished):
    folder = finished.path / "results" / "figures"
    rows = pd.read_csv(folder / "ledger.csv")
    published = pd.read_csv(
        finished.path / "workflow" / "data" / "published.csv", dtype={"figure": str}
    )
    for number, group in published.groupby("figure"):
        assert (rows["figure"] == f"fig{number}").sum() == len(group)
    both = rows[np.isfinite(rows["ours"])]
    assert len(both) > 10
    np.testing.assert_allclose(both["difference"], both["published"] - both["ours"], atol=1e-5)
    # The same rows as NetCDF, and a count of them.
    with xr.open_dataset(folder / "ledger.nc") as dataset:
        assert dataset["verdict"].values.tolist() == rows["verdict"].tolist()
        assert json.loads(dataset.attrs["spec"])["name"] == "ledger"
    summary = pd.read_csv(folder / "ledger.summary.csv")
    assert summary["points"].sum() == len(rows)


def test_claims_have_verdicts(finished):
    rows = pd.read_csv(finished.path / "results" / "figures" / "claims.csv")
    assert len(rows) > 10
    assert set(rows["verdict"]) <= {"shown", "refuted", "open"}
    assert (rows["verdict"] == "shown").sum() > 10


def test_second_run_does_nothing_and_says_so(copied):
    assert "Nothing to be done" in copied.snakemake("--cores", "2")


def test_arrays_do_not_depend_on_the_number_of_cores(finished, fresh):
    """The stages with networks; each solver of the theories is a process of one thread anyhow."""
    fresh.snakemake("--cores", "1", *NETWORKS)
    first, second = datasets(finished.path), datasets(fresh.path)
    assert second
    for key, dataset in second.items():
        xr.testing.assert_equal(first[key], dataset)
