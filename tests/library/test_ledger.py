"""The reproduction ledger: verdicts by rule, second routes, causes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from quasipotential import dmft, ledger, replica, table_job
from quasipotential.figures import fig4, fig8, tables
from quasipotential.figures.tables import matching_keys
from quasipotential.specs import (
    AnnealedSpec,
    ClosedFormSpec,
    ReplicaSpec,
    StaticDmftSpec,
    StaticFieldsSpec,
    TwoReplicaSpec,
)

PUBLISHED = Path(__file__).parents[2] / "workflow" / "data" / "published.csv"


def computed(spec) -> xr.Dataset:
    """A result as its file holds it."""
    package = dmft if spec.stage == "dmft" else replica
    return package.run(spec).assign_attrs(spec=spec.canonical())


@pytest.mark.parametrize(
    ("deviation", "second", "caused", "expected"),
    [
        (1.0, np.nan, False, "reproduces"),
        (-2.9, 2.9, False, "reproduces"),
        (4.0, 5.0, False, "differs"),
        (-4.0, -4.0, True, "differs"),
        (4.0, np.nan, True, "differs"),
        (4.0, np.nan, False, "differs, one route"),
        (np.inf, np.nan, False, "differs, one route"),
        (4.0, 1.0, False, "unsettled"),
        (1.0, 4.0, False, "unsettled"),
        (4.0, -4.0, False, "unsettled"),
        (np.nan, 4.0, False, "not comparable"),
    ],
)
def test_verdict_follows_from_the_rule(deviation, second, caused, expected):
    assert ledger.verdict(deviation, second, caused) == expected
    assert expected in ledger.VERDICTS


def published_fig8(values: list[float]) -> pd.DataFrame:
    """Published q at g = 1, beta = 100, 1000 and 2000."""
    return pd.DataFrame(
        {
            "figure": "8",
            "panel": "q",
            "quantity": "q",
            "gamma": 0.0,
            "beta": [100.0, 1000.0, 2000.0],
            "g": 1.0,
            "value": values,
            "reading_error": 1e-3,
        }
    )


@pytest.fixture(scope="module")
def at_the_transition() -> dict[str, xr.Dataset]:
    """gamma = 0, g = 1: the saddle point and the closed form, at beta = 100 and 1000."""
    temperatures = (1e-3, 1e-2)
    return {
        "first": computed(ReplicaSpec(gamma=0.0, g=(1.0,), temperatures=temperatures)),
        "second": computed(ClosedFormSpec(g=(1.0,), temperatures=temperatures)),
    }


def test_both_routes_stand_beside_the_published_value(at_the_transition):
    exact = at_the_transition["second"]["q"].sel(g=1.0).values[::-1]
    table = fig8.tabulate(
        {"replica": [at_the_transition["first"]], "sampling": []},
        published_fig8([exact[0] + 5e-4, exact[1] + 5e-3, 0.1]),
        {"gamma": 0.0, "g": [1.0]},
    )
    second = ledger.second_routes([at_the_transition["second"]])
    rows = ledger.entries({"fig8": table}, second, []).set_index("beta").sort_index()
    assert rows["verdict"].tolist() == ["reproduces", "differs", "not comparable"]
    np.testing.assert_allclose(rows["deviation"].iloc[:2], [0.5, 5.0], rtol=1e-6)
    np.testing.assert_allclose(rows["second"].iloc[:2], exact, rtol=1e-12)
    assert (rows["second_route"].iloc[:2] == "closed form at gamma = 0").all()
    assert np.isnan(rows["ours"].iloc[2])
    assert rows["reason"].tolist() == ["", "not explained", ""]  # there is no evidence


def test_judgement_of_sampling_stands_at_the_points_that_it_has(at_the_transition):
    table = fig8.tabulate(
        {"replica": [at_the_transition["first"]], "sampling": []},
        published_fig8([0.1, 0.1, 0.1]),
        {"gamma": 0.0, "g": [1.0]},
    )

    def rows_of(branch: str, selected: float, p: float) -> pd.DataFrame:
        return tables.rows(
            panel=["branch", "all", "q"],
            quantity=["selected", "p_value", "p_value"],
            source="theory",
            sampler=branch,
            gamma=0.0,
            g=1.0,
            beta=1000.0,
            y=[selected, p, 0.9],
        )

    judgement = tables.join([rows_of("full", 0.0, 0.5), rows_of("descending", 1.0, 0.2)])
    rows = ledger.entries(
        {"fig8": table, "figS10": judgement, "figS11": judgement}, ledger.second_routes([]), []
    )
    p = rows.set_index("beta")["sampling_p"]
    assert len(rows) == 3
    assert p[1000.0] == 0.2  # of the selected solution, all observables together
    assert p.drop(1000.0).isna().all()


def test_value_of_ours_that_did_not_converge_is_not_compared(at_the_transition):
    table = fig8.tabulate(
        {"replica": [at_the_transition["first"]], "sampling": []},
        published_fig8([0.1, 0.1, 0.1]),
        {"gamma": 0.0, "g": [1.0]},
    )
    table.loc[table["source"] == "theory", "status"] = "inaccurate"
    rows = ledger.entries({"fig8": table}, ledger.second_routes([]), [])
    assert (rows["verdict"] == "not comparable").all()


def test_published_response_of_fig4_has_its_cause():
    published = pd.read_csv(PUBLISHED, dtype={"figure": str})
    published = published[(published["figure"] == "4") & (published["gamma"] == 0.5)]
    g = tuple(published["g"].unique())
    table = fig4.tabulate(
        {"dmft": [computed(StaticDmftSpec(gamma=0.5, g=g))]}, published, {"gamma": [0.5]}
    )
    fields = computed(StaticFieldsSpec(gamma=0.5, g=g))
    rows = ledger.entries({"fig4": table}, ledger.second_routes([fields]), [fields])
    differs = rows[rows["verdict"] == "differs"]
    assert len(differs) >= 2
    assert (differs["reason"] == ledger.REASONS["factorised"]).all()
    assert (differs["cause"] - differs["published"]).abs().max() < 0.02
    assert rows.loc[rows["verdict"] == "reproduces", "cause"].isna().all()


def test_annealed_sizes_are_extrapolated():
    """q(N) = 0.2 + 1/N exactly: the extrapolation is exact, and its step counts as an error."""
    sizes = []
    for N in (100, 200):
        spec = AnnealedSpec(
            gamma=0.5, g=(1.0,), temperatures=(0.01,), N=N, chains=4, warmup=10, draws=20, seed=0
        )
        dims = ("g", "temperature")
        names = [f"{name}{end}" for name in ("q", "mean_square_x", "G") for end in ("", "_mcse")]
        values = {name: (dims, [[0.0 if "mcse" in name else 0.2 + 1 / N]]) for name in names}
        dataset = xr.Dataset(values, coords={"g": [1.0], "temperature": [0.01]})
        dataset["status"] = (dims, [[0]])
        sizes.append(dataset.assign_attrs(spec=spec.canonical()))
    rows = ledger.second_routes(sizes).set_index("quantity")
    assert rows.loc["q", "value"] == pytest.approx(0.2, rel=1e-12)
    assert rows.loc["q", "error"] == pytest.approx(1 / 200, rel=1e-12)
    assert rows.loc["r", "value"] == pytest.approx(0.2 * np.sqrt(0.01), rel=1e-12)
    assert rows.loc["q", "route"] == "annealed Monte Carlo, N = 100 and 200"
    sizes[0]["status"][:] = 4
    assert len(ledger.second_routes(sizes)) == 0


def test_falling_potential_of_two_replicas_is_a_route_to_Q_zero():
    spec = dict(g=(1.2,), temperatures=(0.1,), fractions=(0.0, 0.3, 0.6))
    falls = ledger.second_routes([computed(TwoReplicaSpec(gamma=0.5, **spec))])
    assert falls["quantity"].tolist() == ["Q", "R"]
    assert (falls["value"] == 0).all()
    spec["g"] = (2.4,)
    rises = ledger.second_routes([computed(TwoReplicaSpec(gamma=-0.5, **spec))])
    assert len(rises) == 0


def test_limits_at_zero_temperature_have_a_second_route():
    """gamma = 0: chi = 1/(1 - g^2) below the transition, infinite above."""
    rows = ledger.second_routes([computed(ClosedFormSpec(g=(0.8, 1.2), temperatures=(0.0, 1e-8)))])
    chi = rows[(rows["quantity"] == "chi") & np.isinf(rows["beta"])].set_index("g")["value"]
    assert chi[0.8] == pytest.approx(1 / (1 - 0.64), rel=1e-6)
    assert np.isinf(chi[1.2])


def test_summary_counts_every_row():
    rows = pd.DataFrame(
        {
            "figure": "fig8",
            "quantity": ["q", "q", "Q"],
            "deviation": [1.0, -7.0, np.nan],
            "verdict": ["reproduces", "differs", "not comparable"],
            "reason": ["", "because", ""],
        }
    )
    summary = ledger.summary(rows).set_index("quantity")
    assert summary.loc["q", "points"] == 2
    assert summary.loc["q", "largest deviation"] == 7.0
    assert summary.loc["q", "reasons"] == "because"
    assert int(summary[list(ledger.VERDICTS)].to_numpy().sum()) == 3


def test_table_survives_its_dataset(tmp_path, at_the_transition):
    table = fig8.tabulate(
        {"replica": [at_the_transition["first"]], "sampling": []},
        published_fig8([0.1, 0.1, 0.1]),
        {"gamma": 0.0, "g": [1.0]},
    )
    rows = ledger.entries({"fig8": table}, ledger.second_routes([]), [])
    dataset = table_job.to_dataset(rows, ledger.DESCRIPTIONS, ledger.TEXTS)
    dataset.to_netcdf(tmp_path / "ledger.nc")
    with xr.open_dataset(tmp_path / "ledger.nc") as again:
        assert again["verdict"].values.tolist() == rows["verdict"].tolist()
        np.testing.assert_allclose(again["published"], rows["published"])
        assert all(variable.attrs["long_name"] for variable in again.variables.values())


def test_keys_carry_five_digits():
    frame = pd.DataFrame({"g": [1.0, 1.0 + 1e-9, np.inf]})
    keys = matching_keys(frame, ["g"])
    assert keys[0] == keys[1] != keys[2]
    assert json.loads(StaticDmftSpec(gamma=0.0, g=(1.0,)).canonical())["g"] == [1.0]
