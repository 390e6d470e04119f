"""The config: what is refused, with which words, and that the shipped configs are valid."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import update_config

from quasipotential import config, plan

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def with_value(path: str, value) -> dict:
    """The default config with one value replaced."""
    raw = copy.deepcopy(DEFAULT)
    *parents, last = path.split(".")
    place = raw
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[last] = value
    return raw


@pytest.mark.parametrize("name", ["test", "paper"])
def test_shipped_configs_are_valid_on_top_of_the_default(name):
    raw = copy.deepcopy(DEFAULT)
    update_config(
        raw, yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
    )
    assert config.load(raw) != config.load(DEFAULT)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("figures.fig3.gamma", [0.0, 1.4], ["figures.fig3.gamma.1", "1.4", "equal to 1"]),
        ("figures.fig3.gamma", [-1.01], ["figures.fig3.gamma.0", "-1.01", "equal to -1"]),
        ("figures.fig7.g", [-0.1, 0.3], ["figures.fig7.g.0", "-0.1", "equal to 0"]),
        ("figures.fig7.beta", 0, ["figures.fig7.beta", "0", "greater than 0"]),
        ("figures.fig2.beta", [100, -1], ["figures.fig2.beta.1", "-1", "greater than 0"]),
        ("figures.fig2.beta", [], ["figures.fig2.beta", "must not be empty"]),
        ("figures.fig2.g", [0.8, 0.8], ["figures.fig2.g", "0.8 stands twice"]),
        ("figures.fig2.g", {"start": 0, "stop": 1}, ["figures.fig2.g", "start, stop, number"]),
        ("figures.fig2.g", {"start": 0, "stop": 1, "number": 10**7}, ["number: got 10000000"]),
        ("figures.fig2.g", {"start": None, "stop": 1, "number": 3}, ["start: got None"]),
        ("figures.fig2.g", {"start": 0, "stop": 1, "number": 2.7}, ["number: got 2.7"]),
        ("figures.fig2.sampling", ["below", "below"], ["figures.fig2.sampling", "both sample"]),
        ("eta", 0.1, ["eta is 0.1", "fig6, fig9", "set these figures to null"]),
        ("figures.fig2.sampling", ["no such"], ["figures.fig2.sampling", "no such", "below"]),
        ("sampling.below.N", 1, ["sampling.below.N", "1", "equal to 2"]),
        ("sampling.below.chains", 5, ["sampling.below.chains", "5", "multiple of 2"]),
        ("sampling.below.algorithm", "nuts", ["sampling.below.algorithm", "nuts", "hmc"]),
        ("sampling.below.exchange", 3, ["sampling.below.exchange", "3", "valid boolean"]),
        ("sampling.below.step", float("nan"), ["sampling.below.step", "nan", "finite"]),
        ("transfer", "step", ["transfer", "step"]),
        ("allow.solutions", ["anything"], ["allow.solutions.0", "anything", "not_converged"]),
        ("seed", True, ["seed", "True", "never yes or no"]),
        ("figures.fig4", 3, ["figures.fig4", "got 3", "a mapping"]),
        ("figures.fig4.gama", [0.0], ["figures.fig4.gama", "unknown key"]),
        ("figures.figS1.start", {"low": 1, "high": 0}, ["figures.figS1.start", "below high"]),
    ],
)
def test_bad_value_gives_path_value_and_what_is_allowed(path, value, words):
    with pytest.raises(config.ConfigError) as error:
        config.load(with_value(path, value))
    message = str(error.value)
    assert message.startswith("the config is not valid")
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("figures.fig9.Q", 0.1, ["figures.fig9", "Q < q"]),
        ("figures.fig1.activity.neurons", 2000, ["figures.fig1", "neurons is 2000"]),
        ("figures.figS1.tangents", 3000, ["figures.figS1", "tangents must not exceed"]),
        ("figures.fig1.small_networks.0.matrix", [[1, 2], [3]], ["figures.fig1", "square"]),
    ],
)
def test_values_that_do_not_go_together_are_refused_with_their_figure(path, value, words):
    with pytest.raises(config.ConfigError) as error:
        plan.build(config.load(with_value(path, value)))
    for word in words:
        assert word in str(error.value)


def study(figure: str) -> dict:
    """The config of the finite-size study, with one figure alone."""
    raw = copy.deepcopy(DEFAULT)
    update_config(raw, yaml.safe_load((ROOT / "config" / "sampling.yaml").read_text("utf-8")))
    raw["figures"] |= {name: None for name in raw["figures"] if name != figure}
    return raw | {"ledger": None, "claims": None}


@pytest.mark.parametrize(
    ("figure", "experiment", "changes", "words"),
    [
        ("figS10", "ordered_100", {"field": 0.3}, ["figS10", "ordered_100", "field of 0.3"]),
        ("figS11", "ordered_100", {"networks": 1}, ["figS11", "ordered_100", "one network"]),
        ("figS11", "ordered_100", {"algorithm": "mala"}, ["mala on unweighted", "takes one"]),
        ("figS11", "ordered_100", {"planted": True}, ["hmc on planted", "takes one"]),
        ("figS12", "cold_25", {"planted": True}, ["figS12", "cold_25", "planted networks"]),
        ("figS12", "cold_25", {"gamma": [0.5]}, ["figS12", "gamma [0.5]", "at gamma = 0"]),
        ("figS17", "equal_15", {"gamma": [0.5]}, ["figS17", "gamma [0.5]", "at gamma = 0"]),
        ("figS11", "cold_100", {"beta": [99.9998, 1000.0]}, ["figS11", "both sample"]),
    ],
)
def test_samples_that_a_figure_cannot_compare_are_refused(figure, experiment, changes, words):
    raw = study(figure)
    config.load(raw)
    raw["sampling"][experiment] = raw["sampling"][experiment] | changes
    with pytest.raises(config.ConfigError) as error:
        config.load(raw)
    for word in words:
        assert word in str(error.value)


def test_theories_without_a_confinement_are_not_drawn_for_one():
    """All of them are named at once; what is left has eta in every theory of the measure."""
    raw = with_value("eta", 0.1)
    with pytest.raises(config.ConfigError, match=r"eta is 0.1, but the theory of fig6, ") as error:
        config.load(raw)
    named = re.findall(r"figS?\d+", str(error.value))
    assert set(named) >= {"fig6", "fig9", "figS4", "figS6", "figS12", "figS17"}
    raw["figures"] |= dict.fromkeys(named)
    planned = plan.build(config.load(raw))
    assert planned.claims is None
    for spec in planned.stages["replica"].values():
        assert spec.eta == 0.1, spec.key
    assert all(spec.eta == 0.1 for spec in planned.stages["langevin"].values())


@pytest.mark.parametrize(
    ("figure", "key", "value"),
    [("fig2", "gamma", [0.5]), ("fig2", "g", [1.5]), ("fig3", "beta", [100.0])],
)
def test_an_experiment_without_a_point_of_the_figure_is_refused(figure, key, value):
    raw = with_value("sampling.mine", DEFAULT["sampling"]["below"] | {key: value})
    raw["figures"][figure]["sampling"] = ["mine"]
    with pytest.raises(config.ConfigError, match=f"{figure}.sampling: 'mine' has no point"):
        config.load(raw)


def test_a_fault_of_an_experiment_is_told_with_its_name():
    raw = with_value("sampling.mine", DEFAULT["sampling"]["below"] | {"rescale": True})
    plan.build(config.load(raw))  # not in a figure
    raw["figures"]["fig2"]["sampling"] = ["mine"]
    with pytest.raises(config.ConfigError) as error:
        plan.build(config.load(raw))
    message = "not valid, sampling.mine, figures.fig2:\n  rescale is a kind of exchange"
    assert message in str(error.value)


def test_seeds_of_a_batch_do_not_overflow():
    raw = with_value("seed", 2**63 - 2)
    with pytest.raises(config.ConfigError, match="seed of the last network"):
        plan.build(config.load(raw))


def test_replica_exchange_can_be_switched_on():
    raw = with_value("sampling.below.exchange", True)
    raw["sampling"]["below"]["networks_per_job"] = 1
    assert config.load(raw).sampling["below"].exchange
    specs = plan.build(config.load(raw)).stages["langevin"].values()
    switched = [spec for spec in specs if spec.exchange and spec.g == 0.8]
    assert len(switched) == DEFAULT["sampling"]["below"]["networks"]
    raw["sampling"]["below"]["hottest"] = 1e-3
    with pytest.raises(config.ConfigError, match="must not be below"):
        plan.build(config.load(raw))


def test_swaps_can_be_told_to_rescale():
    raw = with_value("sampling.below.rescale", True)
    with pytest.raises(config.ConfigError, match="rescale is a kind of exchange"):
        plan.build(config.load(raw))
    raw["sampling"]["below"]["exchange"] = True
    raw["sampling"]["below"]["networks_per_job"] = 1
    specs = plan.build(config.load(raw)).stages["langevin"].values()
    rescaled = {spec.key for spec in specs if spec.rescale and spec.g == 0.8}
    assert len(rescaled) == DEFAULT["sampling"]["below"]["networks"]
    plain = plan.build(config.load(DEFAULT)).stages["langevin"].values()
    assert rescaled.isdisjoint({spec.key for spec in plain})
    assert all(("rescale" in spec.canonical()) == spec.rescale for spec in plain)


def test_missing_key_is_named():
    raw = copy.deepcopy(DEFAULT)
    del raw["figures"]["fig9"]["damping"]
    with pytest.raises(config.ConfigError, match=r"figures\.fig9\.damping: missing"):
        config.load(raw)


def test_all_faults_are_listed_at_once():
    raw = with_value("transfer", "step")
    raw["seed"] = -1
    with pytest.raises(config.ConfigError) as error:
        config.load(raw)
    assert "transfer" in str(error.value)
    assert "seed" in str(error.value)


@given(start=st.floats(1e-3, 10), span=st.floats(1e-2, 10), number=st.integers(2, 200))
def test_grid_has_its_ends_and_is_even(start, span, number):
    stop = start + span
    for scale, ratio in (("linear", None), ("log", stop / start)):
        raw = with_value(
            "figures.fig2.beta", {"start": start, "stop": stop, "number": number, "scale": scale}
        )
        grid = config.load(raw).figures.fig2.beta
        # Values are rounded to 12 digits, and before that to 14 of the largest.
        near = {"rel": 1e-11, "abs": 1e-13 * stop}
        assert grid[0] == pytest.approx(start, **near)
        assert grid[-1] == pytest.approx(stop, **near)
        assert len(grid) == number
        middle = (
            start + span / (number - 1) if ratio is None else start * ratio ** (1 / (number - 1))
        )
        assert grid[1] == pytest.approx(middle, **near)


def test_texts_from_the_command_line_count_as_what_they_say():
    raw = with_value("figures.fig4.gamma", ["0.1", "0.3"])
    raw["figures"]["fig6"] = "null"
    figures = config.load(raw).figures
    assert figures.fig4.gamma == (0.1, 0.3)
    assert figures.fig6 is None


def test_symmetric_grid_holds_zero_and_not_its_rounding_error():
    raw = with_value("figures.fig3.gamma", {"start": -0.2, "stop": 1.0, "number": 13})
    assert 0.0 in config.load(raw).figures.fig3.gamma


@pytest.mark.parametrize("null", [None, "null"])  # the latter is what --config hands on
def test_ledger_and_figures_can_be_left_out(null):
    raw = with_value("ledger", null)
    raw["claims"] = null
    raw["figures"]["fig9"] = null
    loaded = config.load(raw)
    assert loaded.ledger == config.tables.Ledger(annealed=None, ansatz=None, minimum_search=None)
    assert loaded.claims is None
    assert loaded.figures.fig9 is None
