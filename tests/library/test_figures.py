"""Tables of the figures: averages over networks, the comparison, and what is drawn from them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex

from quasipotential import figure_job, replica
from quasipotential.figures import fig8, fig9, style, tables
from quasipotential.specs import ProtocolSpec, ReplicaSpec
from quasipotential.status import STATUS_ATTRIBUTES, Status

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "workflow" / "report"
PUBLISHED = ROOT / "workflow" / "data" / "published.csv"


def sampled(q: list[float], codes: list[int], N: int = 100, algorithm: str = "hmc") -> xr.Dataset:
    """What one network's sampling leaves, at T = 0.1 and 0.01."""
    spec = {"algorithm": algorithm, "g": 1.2, "couplings": {"gamma": 0.0, "N": N}}
    return xr.Dataset(
        {
            "q_mean": ("temperature", q),
            "q_mcse": ("temperature", [0.01, 0.01]),
            "status": ("temperature", np.array(codes, np.int8), STATUS_ATTRIBUTES),
        },
        coords={"temperature": [0.1, 0.01]},
        attrs={"spec": json.dumps(spec)},
    )


def test_networks_of_a_kind_are_averaged_and_the_worst_status_counts():
    bad = Status.NOT_EQUILIBRATED.code
    rows = tables.sampling_rows(
        [sampled([0.1, 0.3], [0, 0]), sampled([0.2, 0.5], [0, bad]), sampled([9, 9], [0, 0], N=50)],
        "q",
        "q",
        "beta",
    )
    of_100 = rows[rows["N"] == 100].sort_values("beta")
    assert len(rows) == 4
    np.testing.assert_allclose(of_100["beta"], [10, 100])
    np.testing.assert_allclose(of_100["y"], [0.15, 0.4])
    np.testing.assert_allclose(of_100["error"], [0.05, 0.1])  # spread / sqrt(2)
    assert of_100["status"].tolist() == ["converged", "not_equilibrated"]
    assert rows[rows["N"] == 50]["error"].isna().all()  # one network has no spread


def test_rows_repeat_scalars_and_have_one_length():
    rows = tables.rows(quantity="q", x=[1, 2], y=np.array([3.0, np.nan]), N=100)
    assert rows["quantity"].tolist() == ["q", "q"]
    assert rows["N"].tolist() == [100.0, 100.0]
    assert rows["status"].tolist() == ["converged"] * 2
    assert rows["beta"].isna().all() and rows["sampler"].tolist() == ["", ""]
    with pytest.raises(ValueError):
        tables.rows(quantity=["q", "Q"], x=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError):
        tables.rows(quantity="q", x=1.0)


def test_powers_of_ten_are_set_as_such():
    assert style.in_powers(0.0123) == "0.012"
    assert style.in_powers(9.4e-5) == r"9.4\times10^{-5}"
    assert style.in_powers(8.2e-6, 1) == r"8\times10^{-6}"


def published_at(values: dict[float, float]) -> pd.DataFrame:
    """A published curve of Fig. 8 at g = 1."""
    return pd.DataFrame(
        {
            "figure": "8",
            "panel": "q",
            "quantity": "q",
            "gamma": 0.0,
            "beta": list(values),
            "g": 1.0,
            "value": list(values.values()),
            "reading_error": 0.01,
        }
    )


def theory(temperatures: list[float], q: list[float]) -> xr.Dataset:
    """A replica solution at g = 1."""
    return xr.Dataset(
        {
            "q": (("g", "temperature"), [q]),
            "quadrature_error": (("g", "temperature"), [[1e-9] * len(q)]),
            "status": (("g", "temperature"), np.zeros((1, len(q)), np.int8), STATUS_ATTRIBUTES),
        },
        coords={"g": [1.0], "temperature": temperatures},
    )


@pytest.fixture
def table() -> pd.DataFrame:
    # 1/beta does not survive the way there and back to the last bit: keys carry five digits.
    beta = np.geomspace(100, 10000, 10)
    return fig8.tabulate(
        {"replica": [theory(sorted(1 / beta), list(np.linspace(0.1, 1, 10)))], "sampling": []},
        published_at({100.0: 1.02, 1291.5497: 0.5, 777.0: 0.3}),
        {"gamma": 0.0, "g": [1.0]},
    )


def test_published_values_meet_the_theory_at_their_own_parameters(table):
    comparison = tables.compare(table).set_index("x")
    assert comparison.loc[100.0, "ours"] == pytest.approx(1.0)
    assert comparison.loc[100.0, "deviation"] == pytest.approx(2.0)
    assert comparison.loc[1291.5497, "ours"] == pytest.approx(0.5)
    assert np.isnan(comparison.loc[777.0, "ours"])


def test_table_survives_its_file(table, tmp_path):
    table.to_csv(tmp_path / "table.csv", index=False, float_format="%.12g")
    again = tables.read(tmp_path / "table.csv")
    pd.testing.assert_frame_equal(again, table, rtol=1e-11, check_dtype=False)


def test_caption_counts_what_differs(table):
    comparison = tables.compare(table)
    settings = {"gamma": 0.0}
    text = figure_job.caption(REPORT / "fig8.rst", comparison, table, settings)
    assert "agree within three reading errors at all 2 points" in text
    comparison.loc[comparison["x"] == 100.0, "deviation"] = -7.0
    text = figure_job.caption(REPORT / "fig8.rst", comparison, table, settings)
    assert "differ by more than three reading errors at 1 of 2 points, 1 of them" in text
    table.loc[0, "status"] = "not_converged"
    assert "1 point did not converge" in figure_job.caption(
        REPORT / "fig8.rst", comparison, table, settings
    )


def test_figure_draws_the_numbers_of_its_table(table):
    (axis,) = fig8.draw(table, {"gamma": 0.0, "g": [1.0]}).axes
    drawn = next(line for line in axis.lines if len(line.get_xdata()) == 10)
    rows = table[table["source"] == "theory"].sort_values("x")
    np.testing.assert_array_equal(drawn.get_xdata(), rows["x"])
    np.testing.assert_array_equal(drawn.get_ydata(), rows["y"])


def test_unconverged_points_are_marked(table):
    theory_rows = table["source"] == "theory"
    table.loc[theory_rows, "status"] = "inaccurate"
    table.loc[theory_rows & (table["x"] > 1000), ["y", "status"]] = [np.nan, "not_converged"]
    (axis,) = fig8.draw(table, {"gamma": 0.0, "g": [1.0]}).axes
    crosses = [line for line in axis.lines if line.get_marker() == "x"]
    marked = sorted(x for line in crosses for x in line.get_xdata())
    np.testing.assert_array_equal(marked, np.sort(table.loc[theory_rows, "x"]))
    # Points without a value stand at the foot of the axis.
    assert all(np.isfinite(line.get_ydata()).all() for line in crosses)


def test_values_drawn_together_have_colours_of_their_own():
    for colour, values in (
        (style.colour_of_g, (0.8, 0.9, 0.98, 1.0, 1.02, 1.1, 1.2)),
        (style.colour_of_g, (2.0, 3.0)),
        (style.colour_of_gamma, np.linspace(-0.2, 1.0, 13)),
    ):
        assert len({to_hex(colour(value)) for value in values}) == len(values)


def test_every_published_value_belongs_to_a_figure():
    published = pd.read_csv(PUBLISHED, dtype={"figure": str})
    found = sum(
        len(figure_job.read_published(PUBLISHED, f"fig{number}"))
        for number in (1, 2, 4, 5, 6, 7, 8, 9)
    )
    assert found == len(published)
    assert len(figure_job.read_published(PUBLISHED, "fig3")) == (published["figure"] == "7").sum()


def test_published_procedure_is_averaged_over_its_samples():
    """Three frozen samples: the mean is drawn, with its standard error and the worst status."""
    spec = ProtocolSpec(
        gamma=0.0,
        g=(0.8,),
        temperatures=(0.01,),
        sweep="g",
        outer=50,
        inner=20,
        samples=3,
        iterations=120,
        attempts=1,
        seed=0,
    )
    dataset = replica.run(spec)
    table = fig8.tabulate(
        {"replica": [dataset], "sampling": []},
        published_at({100.0: 0.02}),
        {"gamma": 0.0, "g": [0.8]},
    )
    (row,) = table[table["source"] == "theory"].itertuples()
    q = dataset["q"].values.ravel()
    assert row.y == pytest.approx(q.mean())
    assert row.error == pytest.approx(q.std(ddof=1) / np.sqrt(3))
    worst = int(dataset["status"].max())
    assert row.status == tables.STATUS_NAMES[worst]


def test_fig9_draws_the_path_of_the_published_procedure():
    settings = {"gamma": 0.0, "g": [0.9], "beta": 100.0, "iterations": 20}
    common = dict(gamma=0.0, g=(0.9,), q=1e-6, Q=1e-7, iterations=20)
    sampled = replica.run(
        ProtocolSpec(
            temperatures=(0.01,),
            sweep="beta",
            outer=20,
            inner=20,
            samples=2,
            attempts=1,
            stopping=False,
            seed=0,
            **common,
        )
    )
    solution = replica.run(ReplicaSpec(gamma=0.0, g=(0.9,), temperatures=(0.01,)))
    nothing = pd.DataFrame(columns=["figure", "panel", "quantity", "gamma", "beta", "g"])
    table = fig9.tabulate({"iteration": [sampled], "replica": [solution]}, nothing, settings)
    path = table[(table["quantity"] == "q") & (table["panel"] != "limit")].sort_values("x")
    mean = sampled["q_path"].mean("sample").values.ravel()
    np.testing.assert_allclose(path["y"], mean, rtol=1e-6)
    assert fig9.draw(table, settings).axes
