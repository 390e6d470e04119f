"""Specs name results; the plan holds each result once, under the only path where it may live."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from quasipotential import config, plan, specs

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def default_plan():
    return plan.build(config.load(DEFAULT))


def test_spec_survives_its_own_canonical_json(default_plan):
    everything = [spec for stage in default_plan.stages.values() for spec in stage.values()]
    assert {spec.kind for spec in everything} == set(specs.KINDS) - {"figure"}
    for spec in [*everything, *default_plan.figures.values()]:
        again = specs.parse(spec.canonical())
        assert again == spec
        assert again.key == spec.key
        assert spec.key.startswith(spec.label())


@given(st.floats(0, 1e6), st.integers(-3, 3))
def test_last_digits_of_a_float_do_not_make_a_new_result(g, ulps):
    """Sums such as 0.1 + 0.2 differ from 0.3 in the last bits only."""
    near = g + ulps * np.spacing(g)
    rounded = specs.fields.canonical_float(g)
    # Twelve digits are kept: values whose twelve digits agree share a key.
    if specs.fields.canonical_float(near) == rounded:
        assert specs.StaticDmftSpec(gamma=0, g=(near,)).key == (
            specs.StaticDmftSpec(gamma=0, g=(g,)).key
        )
    assert abs(rounded - g) <= 1e-11 * g


def test_sum_and_literal_share_a_key():
    assert specs.StaticDmftSpec(gamma=0, g=(0.1 + 0.2,)).key == (
        specs.StaticDmftSpec(gamma=0, g=(0.3,)).key
    )


def test_a_number_is_a_grid_of_one():
    grid = specs.ReplicaSpec(gamma=0.0, g=(0.8,), temperatures=(0.01,))
    for one in (0.8, np.float64(0.8), [0.8]):
        assert specs.ReplicaSpec(gamma=0.0, g=one, temperatures=0.01) == grid
    assert specs.ReplicaSpec(gamma=0.0, g=1, temperatures=0.01).g == (1.0,)
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        specs.ReplicaSpec(gamma=0.0, g=-0.8, temperatures=0.01)


def test_every_field_is_part_of_the_key():
    base = specs.CouplingsSpec(N=10, gamma=0.5, seed=1)
    others = [base.model_copy(update=change) for change in ({"N": 11}, {"gamma": 0.4}, {"seed": 2})]
    assert len({base.key, *(other.key for other in others)}) == 4


def test_version_is_part_of_the_key_and_is_checked(monkeypatch):
    spec = specs.CouplingsSpec(N=10, gamma=0.5, seed=1)
    key, text = spec.key, spec.canonical()
    monkeypatch.setattr(specs.CouplingsSpec, "version", 2)
    assert spec.key != key
    with pytest.raises(ValueError, match="version 1, this code has 2"):
        specs.parse(text)


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown kind of spec 'other'"):
        specs.parse(json.dumps({"kind": "other", "version": 1}))


@pytest.mark.parametrize(
    "change",
    [
        {"matrix": ((0.0,),)},
        {"noise": 0.1, "method": "dop853"},
        {"neurons": 11},
        {"start": ((0.0, 1.0),)},
    ],
)
def test_inconsistent_trajectories_are_refused(change):
    good = {
        "couplings": specs.CouplingsSpec(N=10, gamma=0, seed=0),
        "g": 1.0,
        "start": specs.Interval(low=-1, high=1),
        "duration": 1.0,
        "interval": 0.1,
        "method": "euler",
        "neurons": 1,
        "seed": 0,
    }
    specs.TrajectoriesSpec(**good)
    with pytest.raises(ValidationError):
        specs.TrajectoriesSpec(**(good | change))


def test_plan_holds_what_the_figures_and_their_inputs_need(default_plan):
    paths = {plan.path(s) for stage in default_plan.stages.values() for s in stage.values()}
    drawn = {
        path
        for spec in default_plan.named.values()
        for _, ps in spec.sources
        for path in ps
        if path.endswith(".nc")
    }
    needed = {
        plan.path(inner)
        for stage in default_plan.stages.values()
        for spec in stage.values()
        for inner in spec.inputs()
    }
    assert paths == drawn | needed


def test_figures_share_results(default_plan):
    """Figs. 3, 5 and 7 ask for the same curves: they are computed once."""

    def replica(name):
        return set(dict(default_plan.figures[name].sources)["replica"])

    assert replica("fig7") < replica("fig3")
    assert replica("fig5") < replica("fig3")


def test_one_more_g_changes_one_curve():
    raw = copy.deepcopy(DEFAULT)
    raw["figures"]["fig8"]["g"] = [0.98, 1.0, 1.02]
    before, after = plan.build(config.load(DEFAULT)), plan.build(config.load(raw))
    for stage, known in before.stages.items():
        # The curve, and the ledger's closed form at its points.
        assert len(set(after.stages[stage]) - set(known)) == (2 if stage == "replica" else 0)
    changed = {n for n in before.figures if before.figures[n].key != after.figures[n].key}
    assert changed == {"fig8"}


def test_figure_set_to_null_is_left_out():
    raw = copy.deepcopy(DEFAULT)
    raw["figures"]["figS3"] = None
    raw["figures"]["figS10"] = None
    raw["figures"]["figS11"] = None
    reduced = plan.build(config.load(raw))
    assert not {"figS3", "figS10", "figS11"} & set(reduced.figures)
    assert not any("g0.866667" in key for key in reduced.stages["langevin"])


def test_without_fig6_the_ledger_asks_for_nothing_at_zero_temperature(default_plan):
    raw = copy.deepcopy(DEFAULT)
    raw["figures"]["fig6"] = None
    raw["claims"] = None
    reduced = plan.build(config.load(raw))
    for kind in ("ansatz", "minimum-search"):
        assert any(spec.kind == kind for spec in default_plan.stages["replica"].values())
        assert not any(spec.kind == kind for spec in reduced.stages["replica"].values())


def test_unknown_key_says_where_the_keys_are(default_plan):
    with pytest.raises(KeyError, match=r"results/index\.csv"):
        default_plan.spec("replica", "gamma0-00000000")


def test_published_protocol_draws_the_same_figures():
    """Figs. 2, 3, 5, 7, 8 and 9 take their curves from the published procedure."""
    raw = copy.deepcopy(DEFAULT)
    raw["replica"]["protocol"] = "published"
    published = plan.build(config.load(raw))
    kinds = {spec.kind for spec in published.stages["replica"].values()}
    assert "iteration" not in kinds
    for name in ("fig2", "fig3", "fig5", "fig7", "fig8"):
        paths = dict(published.figures[name].sources)["replica"]
        assert all(Path(path).stem.startswith("protocol-") for path in paths), name
    (path,) = dict(published.figures["fig9"].sources)["iteration"]
    spec = published.spec("replica", Path(path).stem)
    assert (spec.q, spec.Q, spec.iterations) == (1e-6, 1e-7, 1000)
    assert not spec.stopping
