"""The table of claims: its verdicts, and that wrong results would be refuted."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from quasipotential import claims, dmft, replica
from quasipotential.specs import (
    BoundarySpec,
    ColdBoundarySpec,
    ReplicaSpec,
    ScalingSpec,
    StaticDmftSpec,
    TwoReplicaSpec,
)


def computed(spec) -> xr.Dataset:
    """A result as its file holds it."""
    package = dmft if spec.stage == "dmft" else replica
    return package.run(spec).assign_attrs(spec=spec.canonical())


def verdicts(rows: list[dict]) -> set[str]:
    assert rows
    return {row["verdict"] for row in rows}


def test_a_value_is_shown_within_its_digits_and_error():
    assert claims.value("c", "w", 1.0, 0.01, 1.009)["verdict"] == "shown"
    assert claims.value("c", "w", 1.0, 0.01, 1.02)["verdict"] == "refuted"
    assert claims.value("c", "w", 1.0, 0.01, 1.02, error=0.011)["verdict"] == "shown"
    assert claims.value("c", "w", 1.0, 0.01, np.nan)["verdict"] == "open"


def test_a_bound_is_open_within_the_error():
    assert claims.below("c", "w", 0.0, -1.0, 0.1)["verdict"] == "shown"
    assert claims.below("c", "w", 0.0, 1.0, 0.1)["verdict"] == "refuted"
    assert claims.below("c", "w", 0.0, -0.05, 0.1)["verdict"] == "open"
    assert claims.above("c", "w", 1.0, 1.5)["verdict"] == "shown"
    assert claims.above("c", "w", 1.0, 0.5)["verdict"] == "refuted"


def test_two_replicas():
    settings = {"gc": [1.2], "beta": [10.0]}
    grid = dict(temperatures=(0.1,), fractions=(0.0, 0.3, 0.6))
    falls = computed(TwoReplicaSpec(gamma=0.5, g=(0.8,), **grid))
    assert verdicts(claims.two_replicas([falls], settings)) == {"shown"}
    rises = computed(TwoReplicaSpec(gamma=-0.5, g=(2.4,), **grid))
    assert verdicts(claims.two_replicas([rises], settings)) == {"refuted"}


def test_onset_cusp_and_the_law_between_the_lines():
    gamma = 0.5
    edge = (1 + gamma) ** -0.5
    g = tuple(edge * (1 + step) for step in (-0.01, 0.001, 0.002, 0.003, 0.004))
    onset = computed(ReplicaSpec(gamma=gamma, g=g, temperatures=(0.0,)))
    assert verdicts(claims.onset([onset], {})) == {"shown"}
    moved = onset.assign_coords(g=onset["g"] * 1.0001)
    assert "refuted" in verdicts(claims.onset([moved], {}))

    gc = (0.99, 1.0, 1.01, (1 + (1 + gamma) ** 0.5) / 2)
    g = tuple(value / (1 + gamma) for value in gc)
    cold = computed(ReplicaSpec(gamma=gamma, g=g, temperatures=(1e-10,)))
    assert verdicts(claims.cusp([cold], {})) == {"shown"}
    assert verdicts(claims.cusp([cold.assign(G=cold["G"] * 1.001)], {})) == {"shown", "refuted"}
    assert verdicts(claims.between([cold], {})) == {"shown"}
    assert verdicts(claims.between([cold.assign(q=cold["q"] * 1.01)], {})) == {"refuted"}
    # At T = 1e-10 the multiplier at the transition is close to 1 and below it.
    assert verdicts(claims.stability([cold], {})) == {"shown"}


def test_scaling_has_errors_that_tell_exponents_apart():
    temperatures = tuple(10.0 ** -np.arange(2.0, 8.1, 0.5))
    dataset = computed(ScalingSpec(gamma=0.5, temperatures=temperatures))
    assert verdicts(claims.scaling([dataset], {})) == {"shown"}
    wrong = dataset.assign(predicted_exponent=dataset["predicted_exponent"] * 0 + 0.66)
    assert "refuted" in verdicts(claims.scaling([wrong], {}))


def test_boundaries():
    point = {"gamma": -0.2, "gc": 1.6, "edge": "T_upper", "value": 0.34231, "within": 5e-6}
    edge = computed(BoundarySpec(gamma=-0.2, g=(2.0,), coldest=1e-3))
    rows = claims.critical_temperatures([edge], {"critical_temperatures": [point]})
    assert verdicts(rows) == {"shown"}
    point["value"] = 0.35
    rows = claims.critical_temperatures([edge], {"critical_temperatures": [point]})
    assert verdicts(rows) == {"refuted"}
    cold = computed(ColdBoundarySpec(g=(2.0,)))
    settings = {"cold_boundary": [{"g": 2.0, "value": -0.057, "within": 5e-4}]}
    assert verdicts(claims.cold_boundary([cold], settings)) == {"shown"}


@pytest.mark.parametrize(("gamma", "g"), [(0.0, 1.2), (0.5, 0.9)])
def test_static_dmft_is_the_replica_limit_at_gamma_zero_only(gamma, g):
    results = [
        computed(StaticDmftSpec(gamma=gamma, g=(g,))),
        computed(ReplicaSpec(gamma=gamma, g=(g,), temperatures=(0.0,))),
    ]
    assert verdicts(claims.static(results, {})) == {"shown"}


def test_table_has_a_row_for_each_claim():
    results = [
        computed(StaticDmftSpec(gamma=0.0, g=(1.2,))),
        computed(ReplicaSpec(gamma=0.0, g=(1.2,), temperatures=(0.0,))),
    ]
    table = claims.table({"static": results}, {})
    assert list(table.columns) == list(claims.COLUMNS) == list(claims.DESCRIPTIONS)
    assert len(table) == 1
