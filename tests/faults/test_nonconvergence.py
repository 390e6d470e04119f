"""A solver that does not converge fails its job, or is drawn as what it is if that is allowed."""

from __future__ import annotations

import importlib
import json

import pandas as pd
import pytest
import yaml
from matplotlib.colors import to_hex
from snakemake.utils import update_config

from quasipotential import config, plan
from quasipotential.figures import style, tables
from quasipotential.status import Status


def test_solver_that_cannot_converge_fails_its_job_or_is_stored_and_marked(small):
    """No solver gets its residual below 1e-300."""
    forced = ("--config", "dmft={tolerance: 1e-300}")
    output = small.snakemake("--cores", "1", "fig4", *forced, check=False)
    assert f"({Status.NOT_CONVERGED.sentence})" in output
    assert "points ended with status not_converged, at g = " in output
    assert "add not_converged to allow.static in the config" in output
    assert not small.files("dmft")
    assert not list((small.path / "results" / "figures").glob("fig4*"))
    assert list((small.path / "results" / "dmft" / "failed").glob("static-*.nc"))

    small.snakemake("--cores", "1", "fig4", *forced, "on_nonconvergence=store")
    table = pd.read_csv(small.path / "results" / "figures" / "fig4.csv")
    theory = table[table["source"] == "theory"]
    assert "not_converged" in set(theory["status"])
    caption = (small.path / "results" / "figures" / "fig4.rst").read_text(encoding="utf-8")
    assert "not converge" in caption


@pytest.fixture(scope="module")
def drawn(finished):
    """Tables and settings of all figures of a run, by name."""
    raw = yaml.safe_load((finished.path / "config.yaml").read_text(encoding="utf-8"))
    text = (finished.path / "config" / "test.yaml").read_text(encoding="utf-8")
    update_config(raw, yaml.safe_load(text))
    folder = finished.path / "results" / "figures"
    return {
        name: (tables.read(folder / f"{name}.csv"), json.loads(spec.settings))
        for name, spec in plan.build(config.load(raw)).figures.items()
    }


def marks(name: str, table: pd.DataFrame, settings: dict) -> int:
    """Number of crosses in a figure."""
    module = importlib.import_module(f"quasipotential.figures.{name}")
    with style.paper_style():
        figure = module.draw(table, settings)
    return sum(
        len(line.get_xdata())
        for axis in figure.axes
        for line in axis.lines
        if line.get_marker() == "x" or to_hex(line.get_color()) == "#ff0000"
    )


def test_every_figure_marks_points_that_did_not_converge(drawn):
    silent = []
    for name, (table, settings) in drawn.items():
        ours = table["source"].isin(["theory", "sampling"])
        if name == "fig1" or not ours.any():  # the line of Fig. 1 is a formula
            continue
        good, bad = table.copy(), table.copy()
        good.loc[ours, "status"] = "converged"
        bad.loc[ours, "status"] = "not_converged"
        if marks(name, bad, settings) <= marks(name, good, settings):
            silent.append(name)
    assert silent == []
