"""Fig. S15: what is drawn are the solutions, their expansions and the networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quasipotential import lyapunov
from quasipotential.dmft import stationary
from quasipotential.figures import figS15, style
from quasipotential.specs import LyapunovSpec, StationaryDmftSpec

SETTINGS = {
    "distance": [0.1, 1.0, 2.0],
    "noise": [0.5],
    "simulation": {"g": 3.0, "N": [10, 20], "networks": 3},
}


def described(dataset, spec):
    return dataset.assign_attrs(spec=spec.canonical())


@pytest.fixture(scope="module")
def sources():
    dmft = [
        StationaryDmftSpec(g=(1.1, 2.0, 3.0), duration=1.0, interval=0.5, noise=noise)
        for noise in (0.0, 0.5)
    ]
    networks = [
        LyapunovSpec(
            N=N, gamma=0.0, networks=3, g=3.0, copies=2, start={"low": -1.0, "high": 1.0},
            discard=1.0, duration=2.0, interval=0.2, seed=1,
        )
        for N in (10, 20)
    ]  # fmt: skip
    return {
        "dmft": [described(stationary.run(spec), spec) for spec in dmft],
        "simulation": [described(lyapunov.run(spec), spec) for spec in networks],
    }


@pytest.fixture(scope="module")
def table(sources):
    return figS15.tabulate(sources, pd.DataFrame(), SETTINGS)


def test_rows_of_the_dmft_and_its_expansions(sources, table):
    (without, _) = sources["dmft"]
    rows = table[(table["quantity"] == "C0") & (table["x"].sub(0.1).abs() < 1e-9)]
    values = rows[rows["panel"] != "noise 0.5"].set_index("source")["y"]
    assert values["theory"] == float(without["C0"].sel(g=1.1))
    assert values["leading order"] == pytest.approx(0.1, abs=1e-12)
    assert values["next order"] == pytest.approx(0.1 + 7.0 / 600.0, abs=1e-12)
    energy = table[(table["quantity"] == "energy_per_neuron") & (table["g"] == 1.1)]
    energy = energy[energy["panel"] != "noise 0.5"].set_index("source")["y"]
    assert energy["leading order"] == pytest.approx(1e-3 / 6.0, rel=1e-9)


def test_rows_of_the_networks(sources, table):
    (_, larger) = sources["simulation"]
    exponents = larger["lyapunov_exponent"].values[:, 0]
    of_larger = table[table["N"] == 20]
    single = of_larger[of_larger["quantity"] == "lambda_1 of one network"]
    np.testing.assert_array_equal(single["y"], exponents)
    (mean,) = of_larger[of_larger["quantity"] == "lambda_1"].itertuples()
    assert mean.y == pytest.approx(exponents.mean())
    assert mean.error == pytest.approx(exponents.std(ddof=1) / np.sqrt(3))


def test_every_panel_shows_what_it_says(table):
    with style.paper_style():
        figure = figS15.draw(table, SETTINGS)
    first, _, third, _, fifth, sixth = figure.axes
    curve = first.lines[0]
    theory = table[(table["quantity"] == "C0") & (table["panel"] == "noise 0")].sort_values("x")
    np.testing.assert_array_equal(curve.get_ydata(), theory["y"])
    assert third.get_xscale() == third.get_yscale() == "log"
    assert [label.get_text() for label in fifth.get_xticklabels()] == ["10", "20"]
    limit = table[(table["quantity"] == "lambda_1") & (table["panel"] == "noise 0")]
    limit = limit.set_index("g")["y"].loc[3.0]
    assert any(np.allclose(line.get_ydata(), limit) for line in fifth.lines)
    assert {text.get_text() for text in sixth.get_legend().get_texts()} == {
        r"$\sigma=0$",
        r"$\sigma=0.5$",
    }
