"""Extrapolation to N -> infinity on data whose limit is known, and the figure that shows it.

Statistical tests are seeded.  Limits on frequencies are four binomial standard deviations; what
they grant beyond that says why.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from quasipotential import finite_size, replica
from quasipotential.disorder import disorder_average
from quasipotential.figures import figS10, figS11, figS18, judgement, style, tables
from quasipotential.finite_size import Networks
from quasipotential.specs import ReplicaSpec
from quasipotential.status import STATUS_ATTRIBUTES, Status

SIZES = (50, 100, 200)
LIMIT, SLOPE = 1.0, 20.0
TRIALS = 800


def networks(
    rng: np.random.Generator,
    sizes=SIZES,
    number: int = 16,
    curvature: float = 0.0,
    noise: float = 0.5,
    power: float = 1.0,
) -> list[Networks]:
    """y = 1 + 20/N^p + c/N^2p, with a spread of ``noise``/sqrt(N) and Monte Carlo errors."""
    sample = []
    for N in sizes:
        mean = LIMIT + SLOPE * N**-power + curvature * N ** (-2 * power)
        spread, error = noise / np.sqrt(N), 0.4 * noise / np.sqrt(N)
        values = mean + np.hypot(spread, error) * rng.standard_normal(number)
        sample.append(Networks(N, values, np.full(number, error)))
    return sample


def extrapolate(rng, replicates: int = 400, **options) -> finite_size.Extrapolation:
    power = options.get("power", 1.0)
    return finite_size.extrapolate(networks(rng, **options), power, rng, replicates)


def four_sigma(probability: float) -> float:
    return 4 * np.sqrt(probability * (1 - probability) / TRIALS)


@pytest.fixture(scope="module")
def under_the_truth() -> list[tuple[finite_size.Extrapolation, finite_size.Comparison]]:
    rng = np.random.default_rng(1)
    found = [extrapolate(rng) for _ in range(TRIALS)]
    return [(one, finite_size.compare(one, LIMIT)) for one in found]


@pytest.mark.parametrize("sizes", [(100, 200), SIZES, (100, 200, 400, 800)])
@pytest.mark.parametrize("power", [1.0, 0.5])
def test_limit_and_slope_of_exact_data(sizes, power):
    sample = networks(np.random.default_rng(0), sizes, power=power)
    exact = [
        Networks(one.N, one.values - one.values.mean() + LIMIT + SLOPE * one.N**-power, one.errors)
        for one in sample
    ]
    found = finite_size.extrapolate(exact, power, np.random.default_rng(0))
    # Rounding, amplified by the extrapolation.
    assert found.limit == pytest.approx(LIMIT, abs=1e-11)
    assert found.slope == pytest.approx(SLOPE, rel=1e-10)
    assert found.fit.dof == len(sizes) - 2
    assert found.fit.chi2 < 1e-15
    if len(sizes) > 2:
        assert found.alternative.coefficients[0] == pytest.approx(LIMIT, abs=1e-11)
    line = finite_size.line(found, np.array([0.0, 0.1]))
    np.testing.assert_allclose(line.y, [LIMIT, LIMIT + 0.1 * SLOPE], rtol=1e-10)


def test_quadratic_fit_is_the_alternative_from_four_sizes_on():
    # Spread and noise of 1e-9 against a curvature that moves the limit by 1e-2.
    rng = np.random.default_rng(0)
    found = extrapolate(rng, sizes=(50, 100, 200, 400), curvature=300.0, noise=1e-9)
    assert found.alternative.dof == 1
    np.testing.assert_allclose(found.alternative.coefficients, [LIMIT, SLOPE, 300.0], rtol=1e-5)
    assert found.systematic == pytest.approx(abs(found.limit - LIMIT), rel=1e-4)
    assert found.fit.chi2 > 1e6
    three = extrapolate(rng, curvature=300.0, noise=1e-9)
    assert three.alternative.sizes.tolist() == [100, 200]
    two = extrapolate(rng, sizes=(100, 200), noise=1e-9)
    assert two.alternative.coefficients == pytest.approx([two.means[1]])
    assert two.systematic == pytest.approx(SLOPE / 200, rel=1e-5)


def test_bootstrap_has_the_error_of_the_disorder_average():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(6)
    for errors in (np.full(6, 0.1), np.full(6, 3.0)):  # the spread counts; the Monte Carlo error
        drawn = finite_size.bootstrap(Networks(10, values, errors), 20_000, rng)
        average = disorder_average(values, errors)
        # Four standard errors of a standard deviation of 20000 draws.
        assert drawn.std() == pytest.approx(float(average.error), rel=4 / np.sqrt(2 * 20_000))
        assert drawn.mean() == pytest.approx(
            float(average.mean), abs=4 * average.error / np.sqrt(2e4)
        )
    same = finite_size.bootstrap(Networks(10, np.ones(6), np.full(6, 0.6)), 20_000, rng)
    assert same.std() == pytest.approx(0.6 / np.sqrt(6), rel=4 / np.sqrt(2 * 20_000))


def test_error_bars_cover_the_truth(under_the_truth):
    inside = np.mean([abs(one.limit - LIMIT) < one.statistical for one, _ in under_the_truth])
    # 68.27 % for a known spread; that of 16 networks lowers it by 1 to 2 %.
    assert -0.02 - four_sigma(0.68) < inside - 0.6827 < four_sigma(0.68)
    interval = np.mean([one.low < LIMIT < one.high for one, _ in under_the_truth])
    assert -0.02 - four_sigma(0.68) < interval - 0.6827 < four_sigma(0.68)
    chi2 = np.mean([one.fit.chi2 for one, _ in under_the_truth])
    # Mean 1 with variance 2 for one degree of freedom; t with 15 of them has variance 15/13.
    assert abs(chi2 - 15 / 13) < 4 * np.sqrt(3 / TRIALS) + 0.1


def test_p_values_are_uniform_under_the_truth(under_the_truth):
    p = np.sort([comparison.p_statistical for _, comparison in under_the_truth])
    distance = np.max(np.abs(p - (np.arange(TRIALS) + 0.5) / TRIALS))
    # Kolmogorov-Smirnov: 1.95/sqrt(trials) is exceeded with probability 1e-3.
    assert distance < 1.95 / np.sqrt(TRIALS)


def test_whole_error_is_conservative(under_the_truth):
    for alpha in (0.01, 0.05, 0.3):
        found = np.mean([comparison.p_value < alpha for _, comparison in under_the_truth])
        assert found < alpha


def test_eight_networks_of_two_kinds():
    # A quarter of the networks differ, as where some have their measure at the origin: eight often
    # hold none of them, so that their spread is too small.  The whole error bears it.
    rng = np.random.default_rng(6)

    def sample(N: int) -> Networks:
        kinds = np.where(rng.random(8) < 0.25, 3.0, -1.0) / np.sqrt(3)  # mean 0, variance 1
        spread = 0.5 / np.sqrt(N)
        return Networks(N, LIMIT + SLOPE / N + spread * kinds, np.full(8, 0.1 * spread))

    compared = [
        finite_size.compare(
            finite_size.extrapolate([sample(N) for N in (100, 200, 400, 800)], 1.0, rng, 400), LIMIT
        )
        for _ in range(TRIALS // 2)
    ]
    assert np.mean([comparison.p_statistical < 0.01 for comparison in compared]) > 0.04
    assert np.mean([comparison.p_value < 0.05 for comparison in compared]) < 0.05


def test_curvature_beyond_the_fit_is_covered():
    # A limit displaced by four statistical errors: the change between the fits must bear it, up to
    # its own noise (measured: 8 to 12 % for displacements of 1.6 to 4 errors).
    rng = np.random.default_rng(2)
    compared = [
        finite_size.compare(extrapolate(rng, sizes=(50, 100, 200, 400), curvature=500.0), LIMIT)
        for _ in range(TRIALS // 2)
    ]
    assert np.mean([comparison.p_statistical < 0.05 for comparison in compared]) > 0.9
    assert np.mean([comparison.p_value < 0.05 for comparison in compared]) < 0.15


def test_wrong_branch_is_rejected_and_the_right_one_is_not():
    rng = np.random.default_rng(3)
    found = {name: extrapolate(rng, sizes=(100, 200, 400, 800)) for name in ("q", "energy")}
    right = finite_size.judge(found, {"q": LIMIT, "energy": LIMIT})
    assert right.p_value > 0.05
    # One observable off by 12 errors is enough.
    wrong = finite_size.judge(found, {"q": LIMIT, "energy": LIMIT + 12 * found["energy"].error})
    assert wrong.p_value < 1e-4
    assert wrong.comparisons["energy"].z > 9
    assert wrong.comparisons["q"] == right.comparisons["q"]
    smallest = min(one.p_value for one in wrong.comparisons.values())
    assert wrong.p_value == pytest.approx(2 * smallest)
    with pytest.raises(KeyError, match="energy"):
        finite_size.judge(found, {"q": LIMIT})


def test_combined_p_value_does_not_exceed_one():
    found = {name: extrapolate(np.random.default_rng(0)) for name in "abc"}
    at_the_limit = {name: one.limit for name, one in found.items()}
    assert finite_size.judge(found, at_the_limit).p_value == 1.0


def test_bootstrap_is_reproducible_and_order_does_not_matter():
    sample = networks(np.random.default_rng(0))
    one, same, other = (
        finite_size.extrapolate(order, 1.0, np.random.default_rng(seed))
        for order, seed in ((sample, 5), (sample[::-1], 5), (sample, 6))
    )
    assert (one.limit, one.low, one.high) == (same.limit, same.low, same.high)
    np.testing.assert_array_equal(one.covariance, same.covariance)
    assert one.limit == other.limit
    assert one.low != other.low
    # Percentiles of 4000 draws scatter by 1.7 % of the error, two of them.
    assert one.statistical == pytest.approx(other.statistical, rel=0.1)


def test_absolute_overlap_of_unrelated_states_vanishes_like_the_root_of_n():
    rng = np.random.default_rng(0)
    sample = []
    for N in (100, 200, 400, 800):
        states = rng.standard_normal((16, 50, N)), rng.standard_normal((16, 50, N))
        overlaps = np.abs(np.einsum("kdi,kdi->kd", *states)) / N
        errors = overlaps.std(axis=1, ddof=1) / np.sqrt(50)
        sample.append(Networks(N, overlaps.mean(axis=1), errors))
    root = finite_size.extrapolate(sample, 0.5, rng)
    assert abs(root.limit) < 3 * root.statistical
    # sqrt(2/pi) by the central limit theorem.
    assert root.slope == pytest.approx(np.sqrt(2 / np.pi), abs=3 * root.covariance[1, 1] ** 0.5)
    wrong = finite_size.extrapolate(sample, 1.0, rng)
    assert wrong.limit > 10 * wrong.statistical


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ([Networks(50, np.ones(2), np.ones(2))], "two different sizes"),
        ([Networks(50, np.ones(2), np.ones(2))] * 2, "two different sizes"),
        ([Networks(N, np.ones(1), np.ones(1)) for N in SIZES], "two networks of each"),
        ([Networks(N, np.ones(2), np.full(2, np.nan)) for N in SIZES], "not equilibrated"),
        ([Networks(N, np.ones(2), np.zeros(2)) for N in SIZES], "positive errors"),
    ],
)
def test_what_cannot_be_extrapolated_is_refused(sample, message):
    with pytest.raises(ValueError, match=message):
        finite_size.extrapolate(sample, 1.0, np.random.default_rng(0))


POINT = {"g": 1.375, "gamma": -0.2}  # Q > 0 at T = 0.01
SETTINGS = {"points": [POINT], "beta": 100.0, "sampling": ["sizes"]}
DRAWN = (*figS10.DRAWN, "overlap")  # where the selected solution has Q > 0


def theory() -> xr.Dataset:
    spec = ReplicaSpec(gamma=POINT["gamma"], g=(POINT["g"],), temperatures=(0.01, 0.1))
    return replica.run(spec).assign_attrs(spec=spec.canonical())


@pytest.fixture(scope="module")
def solution() -> xr.Dataset:
    return theory()


def sampled(solution: xr.Dataset, N: int, code: int = 0, shift: float = 0.0, **spec) -> xr.Dataset:
    """One network whose means scatter about the solution with Q > 0 plus 1/N."""
    rng = np.random.default_rng([N, spec.pop("seed", 0)])
    here = solution.sel(candidate="full").isel(g=0)
    values = {
        "q": here["candidate_q"] + 1 / N,
        "energy": here["candidate_energy"] + 0.01 / N,
        "overlap_absolute": here["candidate_Q"] + 0.1 / np.sqrt(N),
        "response_diagonal": here["candidate_G"] + here["candidate_Rp"] + 1 / N,
    }
    variables = {}
    for name, value in values.items():
        error = 0.02 * np.abs(value.values) / np.sqrt(N)
        variables[f"{name}_mean"] = (
            "temperature",
            value.values + error * rng.standard_normal(2) + shift,
        )
        variables[f"{name}_mcse"] = ("temperature", error / 3)
    variables["status"] = ("temperature", np.full(2, code, np.int8), STATUS_ATTRIBUTES)
    couplings = {"gamma": POINT["gamma"], "N": N} | spec.pop("couplings", {})
    spec = {"algorithm": "hmc", "g": POINT["g"], "couplings": couplings} | spec
    return xr.Dataset(
        variables, coords={"temperature": [0.01, 0.1]}, attrs={"spec": json.dumps(spec)}
    )


def tabulated(datasets: list[xr.Dataset], solution: xr.Dataset) -> pd.DataFrame:
    sources = {"sampling": datasets, "replica": [solution]}
    return figS10.tabulate(sources, pd.DataFrame(), SETTINGS)


def of_sizes(solution: xr.Dataset, sizes=SIZES, **options) -> list[xr.Dataset]:
    return [sampled(solution, N, seed=seed, **options) for N in sizes for seed in range(6)]


def test_table_holds_the_judgement_of_each_branch(solution):
    table = tabulated(of_sizes(solution), solution)
    p = table[table["quantity"] == "p_value"].pivot(index="sampler", columns="panel", values="y")
    assert p.loc["full", "all"] > 0.05
    assert p.loc["descending", "all"] < 1e-4
    assert p.loc["full", "all"] == pytest.approx(min(1, 4 * p.loc["full"].drop("all").min()))
    branches = table[table["panel"] == "branch"].pivot(
        index="sampler", columns="quantity", values="y"
    )
    assert branches["selected"].to_dict() == {"descending": 0.0, "full": 1.0}
    here = solution.isel(g=0).sel(temperature=0.01)
    assert branches.loc["full", "overlap"] == pytest.approx(float(here["Q"]))
    assert branches.loc["full", "G_d"] == pytest.approx(float(here["G"] + here["Rp"]))
    assert branches.loc["full", "scaled_energy"] == pytest.approx(200 * float(here["energy"]))
    limit = table[(table["panel"] == "limit") & (table["quantity"] == "q")]
    assert abs(limit["y"].item() - float(here["q"])) < 3 * limit["error"].item()


def test_sizes_that_did_not_equilibrate_are_not_fitted(solution):
    good = of_sizes(solution)
    bad = of_sizes(solution, (400,), shift=5.0)
    bad[0]["status"][:] = Status.NOT_EQUILIBRATED.code  # one network of six
    table = tabulated([*good, *bad], solution)
    without = tabulated(good, solution)
    for panel in ("fit", "limit", "statistics"):
        pd.testing.assert_frame_equal(
            *(frame[frame["panel"] == panel].reset_index(drop=True) for frame in (table, without))
        )
    left_out = table[(table["panel"] == "sizes") & (table["N"] == 400)]
    assert set(left_out["status"]) == {"not_equilibrated"}
    crossed = [
        line
        for axis in figS10.draw(table, SETTINGS).axes
        for line in axis.lines
        if line.get_marker() == "x" and len(line.get_xdata())
    ]
    assert [line.get_ydata().tolist() for line in crossed] == [
        left_out.loc[left_out["quantity"] == name, "y"].tolist() for name in DRAWN
    ]


def test_one_size_gives_marks_and_branches_but_no_limit(solution):
    table = tabulated(of_sizes(solution, (100,)), solution)
    assert set(table["panel"]) == {"sizes", "branch"}
    figure = figS10.draw(table, SETTINGS)
    assert "no limit" in figure.axes[2].get_title(loc="right")


def test_averages_that_differ_at_finite_n_are_not_mixed(solution):
    one = of_sizes(solution)
    for other in ({"algorithm": "euler-maruyama"}, {"couplings": {"planted": {"g": 1.375}}}):
        with pytest.raises(ValueError, match="takes one of them"):
            tabulated([*one, sampled(solution, 400, **other)], solution)


def test_figure_draws_what_its_table_holds(solution, tmp_path):
    table = tabulated(of_sizes(solution, (*SIZES, 400)), solution)
    table.to_csv(tmp_path / "table.csv", index=False, float_format="%.12g")
    table = tables.read(tmp_path / "table.csv")
    with style.paper_style():
        figure = figS10.draw(table, SETTINGS)
        figure.draw_without_rendering()
    assert len(figure.axes) == len(DRAWN)
    for axis, name in zip(figure.axes, DRAWN, strict=True):
        rows = table[table["quantity"] == name]
        drawn = [np.column_stack(line.get_data()) for line in axis.lines]
        for panel in ("sizes", "fit", "limit"):
            expected = rows.loc[rows["panel"] == panel, ["x", "y"]].to_numpy()
            assert any(
                one.shape == expected.shape and np.allclose(one, expected) for one in drawn
            ), panel
        levels = {
            line.get_ydata()[0]: line.get_linestyle()
            for line in axis.lines
            if list(line.get_xdata()) == [0, 1]
        }
        branches = rows[rows["panel"] == "branch"].set_index("sampler")["y"]
        assert levels[branches["full"]] == "-"
        assert levels[branches["descending"]] == "--"
        texts = [text.get_text() for text in axis.get_legend().get_texts()]
        p = table[(table["quantity"] == "p_value") & (table["panel"] == name)]
        for branch, value in zip(p["sampler"], p["y"], strict=True):
            assert f"{figS10.BRANCHES[branch][0]}: $p={style.in_powers(value)}$" in texts


def test_judgement_at_several_temperatures(solution):
    settings = SETTINGS | {"beta": [10.0, 100.0]}
    sources = {"sampling": of_sizes(solution), "replica": [solution]}
    table = figS11.tabulate(sources, pd.DataFrame(), settings)
    # At each temperature it is the table of Fig. S10, less the lines.
    one = tabulated(sources["sampling"], solution)
    of_one = table[np.isclose(table["beta"], 100.0)].reset_index(drop=True)
    pd.testing.assert_frame_equal(of_one, one[one["panel"] != "fit"].reset_index(drop=True))
    with style.paper_style():
        figure = figS11.draw(table, settings)
        figure.draw_without_rendering()
    # The samples scatter about Q > 0, which is selected; the other solution is far off.
    z = table[(table["quantity"] == "p_value") & (table["panel"] != "all")]
    assert len(figure.axes) == len(figS11.QUANTITIES)
    for axis, quantity in zip(figure.axes, figS11.QUANTITIES, strict=True):
        here = z[z["panel"] == quantity]
        for selected, sampler in ((True, "full"), (False, "descending")):
            mark, _ = figS11.MARKS[selected]
            marks = [line for line in axis.lines if line.get_marker() == mark]
            assert all((line.get_markerfacecolor() == "none") != selected for line in marks)
            expected = here.loc[here["sampler"] == sampler].sort_values("beta")["x"]
            drawn = sorted((line.get_xdata()[0], line.get_ydata()[0]) for line in marks)
            # One place for each temperature, and no distance outside of the axis.
            assert len({round(place, 9) for place, _ in drawn}) == len(expected)
            assert [distance for _, distance in drawn] == pytest.approx(list(expected))
            low, high = axis.get_ylim()
            assert all(low < distance < high for _, distance in drawn)
    assert z.loc[z["sampler"] == "full", "x"].abs().max() < 4
    # At T = 0.1, Q = 0.002: it would take 38000 units to tell it from 0.
    of_overlap = z[(z["sampler"] == "full") & (z["panel"] == "overlap")]
    assert of_overlap["beta"].tolist() == [pytest.approx(100.0)]
    assert z.loc[z["sampler"] == "descending", "x"].abs().max() > 10


def test_judgement_without_a_limit_says_so(solution):
    settings = SETTINGS | {"beta": [100.0]}
    sources = {"sampling": of_sizes(solution, (100,)), "replica": [solution]}
    figure = figS11.draw(figS11.tabulate(sources, pd.DataFrame(), settings), settings)
    assert "no limit" in figure.axes[0].get_title(loc="right")


ORDERED = {"g": 1.2, "gamma": 0.5}  # Q = 0 at every temperature
OF_ORDERED = {"points": [ORDERED], "beta": [10.0, 1000.0], "sampling": ["sizes"]}


@pytest.fixture(scope="module")
def centred() -> xr.Dataset:
    spec = ReplicaSpec(gamma=0.5, g=(1.2,), temperatures=(0.001, 0.1))
    return replica.run(spec).assign_attrs(spec=spec.canonical())


def fluctuating(centred: xr.Dataset, sizes, factor: float = 1.0) -> list[xr.Dataset]:
    """Networks whose overlap is the law at Q = 0 times a factor, less a relative 10/N."""
    rng = np.random.default_rng(3)
    here = centred.isel(g=0)
    parts = []
    for N in sizes:
        law = np.sqrt(2 / np.pi * here["overlap_variance"].values / N) * (factor - 10 / N)
        values = {
            "q": here["q"].values,
            "energy": here["energy"].values,
            "overlap_absolute": law,
            "response_diagonal": here["G"].values,
        }
        for _ in range(6):
            variables = {"status": ("temperature", np.zeros(2, np.int8), STATUS_ATTRIBUTES)}
            for name, value in values.items():
                error = 0.02 * np.abs(value)
                noise = error * rng.standard_normal(2)
                variables[f"{name}_mean"] = ("temperature", value + noise)
                variables[f"{name}_mcse"] = ("temperature", error / 3)
            spec = {"algorithm": "hmc", "g": 1.2, "couplings": {"gamma": 0.5, "N": N}}
            coords = {"temperature": here["temperature"].values}
            parts.append(xr.Dataset(variables, coords, {"spec": json.dumps(spec)}))
    return parts


def judged(centred: xr.Dataset, datasets: list[xr.Dataset], beta: float) -> pd.DataFrame:
    return judgement.tabulate({"sampling": datasets, "replica": [centred]}, ORDERED, beta)


def value(table: pd.DataFrame, panel: str, quantity: str, column: str = "y") -> float:
    return table[(table["panel"] == panel) & (table["quantity"] == quantity)][column].item()


def test_overlap_is_judged_by_its_law_where_zero_overlap_is_stable(centred):
    table = judged(centred, fluctuating(centred, (100, 200, 400)), 10.0)
    here = centred.isel(g=0).sel(temperature=0.1)
    law = np.sqrt(2 / np.pi * here["overlap_variance"].item())
    assert value(table, "branch", "fluctuation") == pytest.approx(law, rel=1e-9)
    # Half of q is reached at N = (law / (q / 2))^2.
    least = (2 * law / here["q"].item()) ** 2
    assert value(table, "branch", "least_N") == pytest.approx(least, rel=1e-9)
    assert value(table, "limit", "fluctuation") == pytest.approx(law, rel=0.1)
    assert value(table, "fluctuation", "p_value") > 0.05
    assert not (table["panel"] == "overlap").any()  # it has no p-value of its own
    combined = table[(table["quantity"] == "p_value") & (table["panel"] != "all")]["y"]
    assert len(combined) == 4
    assert value(table, "all", "p_value") == pytest.approx(min(1, 4 * combined.min()))
    halved = judged(centred, fluctuating(centred, (100, 200, 400), 0.5), 10.0)
    assert value(halved, "fluctuation", "p_value") < 1e-4
    assert value(halved, "all", "p_value") < 1e-3


def with_another(centred: xr.Dataset, factor: float) -> xr.Dataset:
    """A second stable solution with Q = 0, not selected: q and its fluctuations times a factor."""
    other = centred.copy(deep=True)
    for name in ("q", "Q", "G", "Rp", "energy", "overlap_variance"):
        values = centred[f"candidate_{name}"].sel(candidate="descending").values
        scale = {"q": factor, "overlap_variance": factor**4}.get(name, 1.0)
        other[f"candidate_{name}"].loc[{"candidate": "ascending"}] = scale * values
    return other


def test_each_solution_is_judged_on_sizes_that_its_own_law_asks_for(centred):
    """The other solution's law sets in at an N that is twice as large."""
    both = with_another(centred, np.sqrt(2))
    least = value(judged(centred, fluctuating(centred, (100,)), 1000.0), "branch", "least_N")
    sizes = [round(factor * least) for factor in (1.2, 1.6, 4)]
    table = judged(both, fluctuating(centred, sizes), 1000.0)
    own = table[(table["panel"] == "branch") & (table["quantity"] == "least_N")]
    expected = {"descending": least, "ascending": 2 * least}
    assert own.set_index("sampler")["y"].to_dict() == pytest.approx(expected)
    p = table[(table["panel"] == "fluctuation") & (table["quantity"] == "p_value")]
    assert p["sampler"].tolist() == ["descending"]  # one size is left for the other
    # The limit is that of the selected one.
    alone = judged(centred, fluctuating(centred, sizes), 1000.0)
    assert value(table, "limit", "fluctuation") == value(alone, "limit", "fluctuation")
    settings = OF_ORDERED | {"beta": [1000.0]}
    sources = {"sampling": fluctuating(centred, sizes), "replica": [both]}
    assert len(figS18.tabulate(sources, pd.DataFrame(), settings)) == 2 * len(sizes)


def test_where_zero_overlap_is_unstable_it_has_no_law(solution):
    table = tabulated(of_sizes(solution), solution)
    p = table[(table["quantity"] == "p_value") & (table["sampler"] == "descending")]
    assert sorted(p["panel"]) == ["G_d", "all", "q", "scaled_energy"]
    least = table[(table["quantity"] == "least_N") & (table["sampler"] == "descending")]
    assert np.isinf(least["y"].item())


def test_networks_too_small_for_the_law_do_not_judge_the_overlap(centred):
    """T = 0.1 asks for N >= 19, T = 0.001 for N >= 55: one size is not enough."""
    datasets = fluctuating(centred, (25, 50, 200))
    for beta, quantities in ((10.0, 4), (1000.0, 3)):
        table = judged(centred, datasets, beta)
        p = table[(table["quantity"] == "p_value") & (table["panel"] != "all")]
        assert len(p) == quantities
        sizes = table[(table["panel"] == "sizes") & (table["quantity"] == "fluctuation")]
        assert sizes["N"].tolist() == [25, 50, 200]  # they are shown
        least = value(table, "branch", "least_N")
        assert (sizes["N"] >= least).sum() == (3 if quantities == 4 else 1)


def test_overlap_beside_its_law(centred, solution):
    datasets = [*fluctuating(centred, (100, 400)), *of_sizes(solution)]
    settings = OF_ORDERED | {"points": [ORDERED, POINT], "beta": [10.0, 100.0, 1000.0]}
    sources = {"sampling": datasets, "replica": [centred, solution]}
    table = figS18.tabulate(sources, pd.DataFrame(), settings)
    # Not at gamma = -0.2, where the selected solution has Q > 0.
    assert set(table["gamma"]) == {0.5}
    assert set(table["beta"].round(9)) == {10.0, 1000.0}
    for (beta, N), rows in table.groupby(["beta", "N"]):
        here = centred.isel(g=0).sel(temperature=1 / beta, method="nearest")
        law = np.sqrt(2 / np.pi * here["overlap_variance"].item() / N)
        mean = np.mean(
            [
                ds["overlap_absolute_mean"].sel(temperature=1 / beta, method="nearest").item()
                for ds in datasets
                if tables.sampled_spec(ds)["couplings"] == {"gamma": 0.5, "N": N}
            ]
        )
        assert value(rows, "overlap", "fluctuation", "x") == pytest.approx(law / here["q"].item())
        assert value(rows, "overlap", "fluctuation") == pytest.approx(mean / here["q"].item())
        assert value(rows, "ratio", "fluctuation") == pytest.approx(mean / law)
    with style.paper_style():
        figure = figS18.draw(table, settings)
        figure.draw_without_rendering()
    overlap, ratio = figure.axes
    for axis, panel in ((overlap, "overlap"), (ratio, "ratio")):
        rows = table[table["panel"] == panel]
        rows = rows[rows["x"] <= figS18.PANELS[panel][1]]
        drawn = sorted(
            (x, y)
            for line in axis.lines
            if line.get_marker() in figS18.MARKS
            for x, y in zip(*line.get_data(), strict=True)
        )
        expected = sorted(zip(rows["x"], rows["y"], strict=True))
        np.testing.assert_allclose(drawn, expected, rtol=1e-12)
        low, high = axis.get_xlim()
        assert all(low <= x <= high for x, _ in drawn)
    law = next(line for line in overlap.lines if line.get_label() == "law")
    np.testing.assert_array_equal(*law.get_data())


def test_without_a_stable_zero_overlap_the_figure_is_empty(solution):
    settings = {"points": [POINT], "beta": [100.0], "sampling": ["sizes"]}
    sources = {"sampling": of_sizes(solution), "replica": [solution]}
    table = figS18.tabulate(sources, pd.DataFrame(), settings)
    assert table.empty
    figS18.draw(table, settings)
