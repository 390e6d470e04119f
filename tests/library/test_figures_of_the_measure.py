"""Figs. S12 and S17: overlaps against the complexity; the measure beside the attractor."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from quasipotential.figures import figS12, figS17, style
from quasipotential.replica import closed_form, cold_networks, complexity, equal_energy
from quasipotential.specs import (
    ClosedFormSpec,
    ColdNetworksSpec,
    ComplexitySpec,
    EqualEnergySpec,
)
from quasipotential.status import STATUS_ATTRIBUTES, Status

EDGES = np.linspace(-12, 12, 241)


def sampled(g, N, temperatures, values, codes=None, density=None, gamma=0.0) -> xr.Dataset:
    """One network: means by name, each over the temperatures, with errors of 1 %."""
    codes = codes or [0] * len(temperatures)
    variables = {"status": ("temperature", np.array(codes, np.int8), STATUS_ATTRIBUTES)}
    for name, mean in values.items():
        variables[f"{name}_mean"] = ("temperature", np.array(mean, float))
        variables[f"{name}_mcse"] = ("temperature", 0.01 * np.array(mean, float))
    coords = {"temperature": np.array(temperatures)}
    if "overlap_absolute" in values:
        bins = np.linspace(0.01, 0.99, 50)
        shape = (len(temperatures), bins.size)
        here = (("temperature", "overlap_absolute_bin"), np.ones(shape))
        variables["overlap_absolute_density"] = here
        coords["overlap_absolute_bin"] = bins
    if density is not None:
        variables["activity_density"] = (("temperature", "activity_bin"), density)
        coords["activity_bin"] = (EDGES[1:] + EDGES[:-1]) / 2
    spec = {"algorithm": "hmc", "g": g, "couplings": {"gamma": gamma, "N": N}}
    return xr.Dataset(variables, coords=coords, attrs={"spec": json.dumps(spec)})


def with_spec(dataset: xr.Dataset, spec) -> xr.Dataset:
    return dataset.assign_attrs(spec=spec.canonical())


@pytest.fixture(scope="module")
def numbers() -> xr.Dataset:
    spec = ComplexitySpec(g=(1.5, 2.0))
    return with_spec(complexity.run(spec), spec)


def test_overlap_in_units_of_q_against_the_number_of_fixed_points(numbers):
    values = [{"overlap_absolute": [0.3, 0.1], "q": [0.4, 0.4]}] * 2
    bad = Status.NOT_EQUILIBRATED.code
    datasets = [
        sampled(2.0, 50, [0.001, 0.1], values[0]),
        sampled(2.0, 50, [0.001, 0.1], values[1], codes=[bad, 0]),
        sampled(1.5, 100, [0.01], {"overlap_absolute": [0.3], "q": [0.3]}),
    ]
    settings = {"beta": 100.0}
    table = figS12.tabulate(
        {"complexity": [numbers], "sampling": datasets, "enumerated": []}, pd.DataFrame(), settings
    )
    rows = table[table["quantity"] == "relative_overlap"].set_index("g")
    assert sorted(rows.index) == [1.5, 2.0]  # T = 0.1 is above 1/beta
    d = numbers["complexity_boltzmann"]
    assert rows.loc[2.0, "x"] == pytest.approx(50 * float(d.sel(g=2.0)))
    assert rows.loc[1.5, "x"] == pytest.approx(100 * float(d.sel(g=1.5)))
    assert rows.loc[2.0, "y"] == pytest.approx(0.75)
    # No spread over networks: what is left is the Monte Carlo error of the ratio.
    assert rows.loc[2.0, "error"] == pytest.approx(0.75 * 0.01 * np.sqrt(2) / np.sqrt(2))
    assert rows["status"].to_dict() == {2.0: "not_equilibrated", 1.5: "converged"}
    density = table[table["quantity"] == "density"]  # of the smallest N
    assert set(density["g"]) == {2.0} and set(density["N"]) == {50.0}
    np.testing.assert_allclose(density["y"], 1.0)
    assert set(density["status"]) == {"not_equilibrated"}
    with style.paper_style():
        figure = figS12.draw(table, settings)
        figure.draw_without_rendering()
        agreed = figS12.draw(table.assign(status="converged"), settings)
    lines = [panels.axes[2].lines[0].get_linestyle() for panels in (figure, agreed)]
    assert lines == [":", "-"]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "(c) not equilibrated" in texts
    drawn = [tuple(line.get_xydata()[0]) for line in figure.axes[0].lines if len(line.get_xdata())]
    for g in rows.index:
        assert any(np.allclose(point, rows.loc[g, ["x", "y"]].astype(float)) for point in drawn)


def test_complexity_is_not_used_beyond_gamma_0(numbers):
    other = sampled(2.0, 50, [0.001], {"overlap_absolute": [0.3], "q": [0.4]}, gamma=0.5)
    with pytest.raises(ValueError, match="gamma = 0 only"):
        figS12.tabulate(
            {"complexity": [numbers], "sampling": [other], "enumerated": []},
            pd.DataFrame(),
            {"beta": 1.0},
        )


def test_overlap_from_all_fixed_points_beside_the_sampled_one(numbers):
    spec = ColdNetworksSpec(g=2.0, N=12, networks=4, curves=3, rounds=30, seed=1)
    cold = with_spec(cold_networks.run(spec), spec)
    given_up = cold.assign(status=cold["status"] + np.int8(Status.NOT_CONVERGED.code))
    given_up = given_up.assign_attrs(spec=spec.model_copy(update={"N": 13}).canonical())
    warm = sampled(2.0, 50, [0.001], {"overlap_absolute": [0.3], "q": [0.4]})
    sources = {"complexity": [numbers], "sampling": [warm], "enumerated": [cold, given_up]}
    table = figS12.tabulate(sources, pd.DataFrame(), {"beta": 100.0})
    d = float(numbers["complexity_boltzmann"].sel(g=2.0))
    exact = table[(table["source"] == "simulation") & (table["N"] == 12)].set_index("quantity")
    assert exact["x"].to_numpy() == pytest.approx(12 * d)
    ratio = float(cold["overlap_absolute"].sum() / cold["q"].sum())
    assert exact.loc["relative_overlap", "y"] == pytest.approx(ratio)
    assert 0 < exact.loc["same_pair_overlap", "y"] <= ratio
    assert exact.loc["points", "y"] == pytest.approx(float(cold["points"].mean()))
    marked = table[(table["source"] == "simulation") & (table["N"] == 13)]
    assert set(marked["status"]) == {"not_converged"}
    law = table[table["quantity"] == "law"]
    slope = float(numbers["slope_boltzmann"].sel(g=2.0))
    expected = np.sqrt(2 / (np.pi * law["N"])) / (1 - slope)
    np.testing.assert_allclose(law["y"], expected, rtol=1e-12)
    assert law["y"].max() == pytest.approx(0.8)
    with style.paper_style():
        figS12.draw(table, {"beta": 100.0}).draw_without_rendering()


def test_measure_and_attractor():
    equal_spec = EqualEnergySpec(g=(1.5, 2.0))
    equal = with_spec(equal_energy.run(equal_spec), equal_spec)
    curve = ClosedFormSpec(g=(2.0,), temperatures=(0.01, 0.1, 1.0))
    measure = with_spec(closed_form.run(curve), curve)
    here = equal.sel(g=2.0)
    T = float(here["temperature"])
    variance = float(here["mean_square_x_measure"])
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    gaussian = np.exp(-(centres**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    values = {
        "energy": [T / 2, 0.5],
        "q": [float(here["q_measure"]), 0.6],
        "mean_square_x": [variance, 3.0],
    }
    networks = [
        sampled(2.0, 100, [T, 1.0], values, density=np.stack([gaussian, gaussian]))
        for _ in range(2)
    ]
    sources = {"equal_energy": [equal], "measure": [measure], "sampling": networks}
    table = figS17.tabulate(sources, pd.DataFrame(), {})
    energies = table[table["panel"] == "energies"]
    assert len(energies[energies["source"] == "sampling"]) == 2  # both temperatures
    theory = energies[(energies["source"] == "theory") & (energies["quantity"] == "q_measure")]
    np.testing.assert_allclose(theory["x"], [0.005, 0.05, 0.5])
    attractor = energies[energies["quantity"] == "q_attractor"]
    assert attractor["x"].item() == pytest.approx(T / 2)
    assert attractor["y"].item() == pytest.approx(float(here["q_attractor"]))
    # Ratios and densities at equal energy only; a sample on the theory lies on its curve.
    ratio = table[table["panel"] == "ratio"]
    for name in ("q", "mean_square_x"):
        at = ratio[(ratio["quantity"] == name) & (ratio["g"] == 2.0)].set_index("source")["y"]
        assert at["sampling"] == pytest.approx(at["theory"])
        assert at["theory"] > 1.05
    density = table[(table["panel"] == "density") & (table["quantity"] == "measure")]
    both = density.pivot(index="x", columns="source", values="y")
    np.testing.assert_allclose(both["sampling"], both["theory"], rtol=1e-9)
    with style.paper_style():
        figure = figS17.draw(table, {})
        figure.draw_without_rendering()
    assert len(figure.axes) == 3


def test_measure_beside_the_attractor_takes_each_temperature_as_it_comes():
    """Experiments at one g and N with other temperatures."""
    spec = EqualEnergySpec(g=(1.5, 2.0))
    equal = with_spec(equal_energy.run(spec), spec)
    curve = ClosedFormSpec(g=(2.0,), temperatures=(0.01, 0.1, 1.0))
    values = {"energy": [0.05, 0.5], "q": [0.4, 0.6], "mean_square_x": [1.0, 3.0]}
    alone = {name: mean[:1] for name, mean in values.items()}
    networks = [sampled(2.0, 100, [0.1, 1.0], values) for _ in range(2)]
    networks += [sampled(2.0, 100, [0.3], alone) for _ in range(3)]
    sources = {"equal_energy": [equal], "measure": [with_spec(closed_form.run(curve), curve)]}
    table = figS17.tabulate(sources | {"sampling": networks}, pd.DataFrame(), {})
    rows = table[table["source"] == "sampling"]
    assert sorted(1 / rows["beta"]) == pytest.approx([0.1, 0.3, 1.0])
