"""Tables of the figures: averages over networks, the comparison, and what is drawn from them."""

from __future__ import annotations

import importlib
import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex

from quasipotential import figure_job, replica
from quasipotential.figures import fig1, fig8, fig9, style, tables
from quasipotential.specs import ProtocolSpec, ReplicaSpec
from quasipotential.status import STATUS_ATTRIBUTES, Status

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "workflow" / "report"
DRAWN = ROOT / "tests" / "figures"
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


def fig8_caption(table: pd.DataFrame, **known) -> str:
    return figure_job.caption(REPORT / "fig8.rst", table, {"gamma": 0.0, "g": [0.98, 1.0]}, **known)


def test_caption_counts_what_differs(table):
    assert "agree within three reading errors at all 2 points." in fig8_caption(table)
    published = table["source"] == "published"
    both = published & (table["x"] < 2000)
    table.loc[published & (table["x"] == 100.0), "y"] = 0.2
    text = fig8_caption(table)
    assert "reading errors at 1 of 2 points, at or above the transition (q at gamma = 0" in text
    table.loc[both, "y"] = 0.2
    assert "at 2 of 2 points, 2 of them at or above the transition (the largest: q at" in (
        fig8_caption(table)
    )
    table.loc[table.index[-1], "status"] = "not_converged"
    assert (
        "1 point without a solution that can be used (not converged), marked by a red cross."
        in fig8_caption(table)
    )


def test_caption_speaks_of_one_point_and_of_none(table):
    published = table["source"] == "published"
    one = table[~published | (table["x"] == 100.0)]
    assert "agree within three reading errors at the one point compared." in fig8_caption(one)
    other = one.assign(y=one["y"].mask(one["source"] == "published", 0.2))
    assert "at the one point compared, at or above the transition (q at" in fig8_caption(other)
    none = fig8_caption(table[~published])
    assert "ublished" not in none
    assert "Grey marks: published" in fig8_caption(one)


def test_names_in_captions_are_for_readers():
    values = {"gamma": 0.0, "g": 1.2, "x": [1.0], "beta": 1.0, "error": 0.01}
    table = tables.join(
        tables.rows(quantity="mean_square_x", source=source, y=[y], **values)
        for source, y in (("theory", 1.0), ("published", 2.0))
    )
    text = figure_job.caption(REPORT / "fig2.rst", table, {"gamma": 0.0})
    assert "(⟨x²⟩ at gamma = 0, g = 1.2, published 2, ours 1)" in text
    assert "against beta at gamma = 0." in text


@pytest.mark.parametrize("name", ["fig2", "fig3", "fig7", "figS3", "figS17"])
def test_captions_say_how_many_networks_of_which_size(name):
    settings = {"gamma": 0.0, "g": [0.8], "beta": 100.0}
    table = tables.join([tables.rows(y=[1.0])])
    text = figure_job.caption(REPORT / f"{name}.rst", table, settings, {100: 1, 200: 4})
    said = "Sampled at each point: at least 1 network of N = 100 or 4 networks of N = 200."
    assert f". {said}" in text or f"). {said}" in text
    assert "Sampled at" not in figure_job.caption(REPORT / f"{name}.rst", table, settings)


@pytest.mark.parametrize(("eta", "said"), [(0.0, True), (0.05, False)])
def test_the_energy_is_half_of_t_only_without_a_confinement(eta, said):
    spec = ReplicaSpec(gamma=0.0, g=(0.8,), temperatures=(0.1, 1.0), eta=eta)
    solution = replica.run(spec)
    assert np.allclose(solution["energy"] / solution["temperature"], 0.5) == said
    sources = {"replica": [solution.assign_attrs(spec=spec.canonical())]}
    settings = {"gamma": 0.0, "eta": figure_job.confinement(sources)}
    text = figure_job.caption(REPORT / "fig2.rst", tables.join([tables.rows(y=[1.0])]), settings)
    assert ("The energy is T/2 for every g" in text) == said


def test_what_is_not_drawn_is_neither_counted_nor_listed(table):
    """Samples of another g, and published values of other g, beta or gamma."""
    settings = {"gamma": 0.0, "g": [1.0]}
    common = {"quantity": ["q"], "y": 0.3, "error": 0.01, "x": 100.0, "beta": 100.0}
    sample = {"source": "sampling", "sampler": "hmc", "N": 400, "status": "not_equilibrated"}
    parts = [
        tables.rows(gamma=0.0, g=1.0, **sample, **common),
        tables.rows(gamma=0.0, g=0.98, **sample, **common),
        tables.rows(gamma=0.0, g=0.98, source="published", **common),
        tables.rows(gamma=0.5, g=1.0, source="published", **common),
    ]
    whole = tables.join([table, *parts])
    shown = tables.drawn(whole, settings, fig8.CURVES_OF)
    pd.testing.assert_frame_equal(shown, tables.join([table, parts[0]]))
    assert tables.drawn(whole, settings, None) is whole
    assert "1 sampled point did not equilibrate" in fig8_caption(shown)
    at_beta = {"gamma": [0.0, 0.5], "g": [0.9, 1.0], "beta": 100.0}
    assert set(tables.drawn(whole, at_beta, "gamma")["beta"].round(6)) == {100.0}


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("fig2", {"g": 0.8}),
        ("fig3", {}),
        ("fig4", {"gamma": 0.2}),
        ("fig7", {"gamma": 0.5}),
        ("fig8", {"g": 0.98}),
        ("fig9", {}),
    ],
)
def test_legend_lists_published_values_that_are_there(name, gone):
    table = tables.read(DRAWN / "data" / f"{name}.csv")
    settings = json.loads((DRAWN / "data" / "settings.json").read_text(encoding="utf-8"))[name]
    module = importlib.import_module(f"quasipotential.figures.{name}")

    def published(rows: pd.DataFrame) -> set[str]:
        figure = module.draw(rows, settings)
        legends = [axis.get_legend() for axis in figure.axes] + figure.legends
        texts = {text.get_text() for legend in legends if legend for text in legend.get_texts()}
        return {text for text in texts if text.startswith("published")}

    here = table["source"] == "published"
    for column, value in gone.items():
        here &= table[column] == value
    missing = published(table) - published(table[~here])
    assert len(missing) == 1
    assert all(f"={value:g}$" in text for value in gone.values() for text in missing)


def test_networks_are_counted_at_the_points_that_are_drawn():
    def network(seed: int, g: float = 1.0, N: int = 400, networks: int | None = None):
        spec = {"algorithm": "hmc", "g": g, "couplings": {"gamma": 0.0, "N": N, "seed": seed}}
        spec = spec if networks is None else {"first": spec, "networks": networks}
        return xr.Dataset(attrs={"spec": json.dumps(spec)})

    points = [(1.0, 400), (0.98, 400), (1.0, 100)]
    table = tables.join(
        tables.rows(quantity=["q"], source="sampling", g=g, gamma=0.0, N=N, x=1.0, y=0.1)
        for g, N in points
    )
    datasets = [network(1), network(1), network(2, networks=3)]  # one in two experiments
    datasets += [network(7, 0.98), network(8, 0.98), network(1, N=100), network(1, 0.5, N=400)]
    found = tables.count_networks(datasets, table)
    assert found == {100: 1, 400: 2}
    text = fig8_caption(table, networks=found)
    assert "at each point there are 1 network of N = 100 and 2 networks of N = 400." in text
    assert "Networks" not in fig8_caption(table)


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


def as_lab(colour: tuple[float, ...], deuteranope: bool) -> np.ndarray:
    """CIE L*a*b* of a colour (white D65), as seen without the M cones (Machado et al. 2009)."""
    rgb = np.array(colour[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    if deuteranope:
        blind = [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
        linear = np.clip(np.array(blind) @ linear, 0, 1)
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(matrix) @ linear / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("deuteranope", [False, True])
def test_gammas_of_one_figure_can_be_told_apart(deuteranope):
    """Distances in L*a*b*: 2.3 is just noticeable side by side; thin lines need many times that."""
    for gammas in ((0, 0.2, 0.5), (0.2, 0.5, 0.8)):  # Figs. 4 to 7
        colours = [as_lab(style.colour_of_gamma(gamma), deuteranope) for gamma in gammas]
        for one, other in itertools.combinations(colours, 2):
            assert np.linalg.norm(one - other) > 20


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


@pytest.mark.parametrize(("transfer", "expected"), [("tanh", True), ("erf", True), ("relu", False)])
def test_only_a_phi_with_that_transition_has_it_marked(transfer, expected):
    spec = ReplicaSpec(gamma=0.2, g=(0.4, 1.0), temperatures=(0.01,), transfer=transfer)
    dataset = theory([0.01], [0.1]).assign_attrs(spec=spec.canonical())
    assert figure_job.has_transition({"replica": [dataset]}) == expected
    settings = {"gamma": [0.2], "g": [0.4, 1.2], "transition": expected}
    _, axes = style.new_figure(3.0, 3.0)
    style.mark_transitions(axes[0, 0], settings)
    assert len(axes[0, 0].lines) == expected
    labels = [
        handle.get_label() for handle in style.gamma_handles(tables.rows(quantity=[]), settings)
    ]
    assert any("g(1" in label for label in labels) == expected


@pytest.mark.parametrize("transition", [True, False])
def test_the_phase_diagram_of_another_phi_has_no_line(transition):
    activity = xr.Dataset(
        {
            "x": (("trajectory", "neuron", "time"), np.zeros((1, 2, 3))),
            "status": ("trajectory", np.zeros(1, np.int8), STATUS_ATTRIBUTES),
        },
        coords={"neuron": [0, 1], "time": [0.0, 1.0, 2.0]},
        attrs={"spec": json.dumps({"g": 0.6, "couplings": {"gamma": 0.5}})},
    )
    settings = {"activity": {"points": [{"g": 0.6, "gamma": 0.5}]}, "g_max": 4.0}
    settings |= {"transition": transition}
    sources = {"activity": [activity], "small_networks": []}
    table = fig1.tabulate(sources, tables.rows(quantity=[]), settings)
    small = pd.read_csv(DRAWN / "data" / "fig1.csv")
    small = small[small["panel"].str.startswith("small_network")]
    figure = fig1.draw(tables.join([table, small]), settings)
    (diagram,) = (axis for axis in figure.axes if axis.get_ylabel() == r"$\gamma$")
    assert ("chaos" in {text.get_text() for text in diagram.texts}) == transition
    settings["activity"] |= {"neurons": 4, "N": 100}
    text = figure_job.caption(REPORT / "fig1.rst", table, settings)
    assert ("g (1 + gamma) = 1" in text) == ("above the transition" in text) == transition
