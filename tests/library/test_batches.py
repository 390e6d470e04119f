"""Batches: for each network the bits of a job of its own, however often the job is stopped."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from pydantic import ValidationError

from quasipotential import batches, config, couplings, langevin, plan
from quasipotential.figures import judgement, tables
from quasipotential.specs import (
    LEAST_WORK,
    BatchSpec,
    CouplingsSpec,
    LangevinSpec,
    Planted,
    parse,
)

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def spec(networks=3, gamma=0.3, planted=None, **changes) -> BatchSpec:
    values = {
        "g": 1.2,
        "temperatures": (0.05, 0.5),
        "algorithm": "hmc",
        "step": 0.3,
        "path_length": 4.0,
        "hottest": 1.0,
        "chains": 4,
        "warmup": 24,
        "draws": 20,
        "seed": 0,
    }
    network = CouplingsSpec(N=20, gamma=gamma, seed=5, planted=planted)
    return BatchSpec(first=LangevinSpec(couplings=network, **(values | changes)), networks=networks)


def alone(member: LangevinSpec) -> xr.Dataset:
    """Result of a job of one network, with its spec."""
    dataset = langevin.run(member, couplings.run(member.couplings)["couplings"].values)
    return dataset.assign_attrs(spec=member.canonical())


def run(spec: BatchSpec, folder: Path, code: str = "code", interval: float = -1.0) -> xr.Dataset:
    """Batch that writes down each network that is finished."""
    return batches.run(spec, folder / f"{spec.key}.nc", code, interval)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"algorithm": "euler-maruyama", "step": 0.1},
        # Ladders and numbers of fixed points differ between networks.
        {"exchange": True, "polish_below": 0.1, "field": 0.1, "thin": 2},
        {"exchange": True, "rescale": True, "field": 0.1},
    ],
)
def test_each_network_has_the_bits_of_a_job_of_its_own(options, tmp_path):
    s = spec(networks=4, **options)
    batch = run(s, tmp_path)
    assert batch["network"].values.tolist() == [5, 6, 7, 8]
    lengths = set()
    for i, member in enumerate(s.members()):
        expected = alone(member).drop_dims("draw").drop_attrs(deep=False)
        lengths.add(tuple(expected.sizes.items()))
        network = batch.isel(network=i, drop=True)
        assert network.isel({dim: slice(n) for dim, n in expected.sizes.items()}).identical(
            expected
        )
        for name, variable in network.data_vars.items():
            beyond = variable.size - expected[name].size
            assert variable.isnull().sum() - expected[name].isnull().sum() == beyond
    assert (len(lengths) > 1) == ("exchange" in options)
    for variable in batch.variables.values():
        assert variable.attrs["long_name"] and variable.attrs["units"] == "1"


@pytest.mark.parametrize("interval", [-1.0, 60.0])
def test_a_stopped_batch_goes_on_to_the_same_bits(interval, tmp_path, monkeypatch):
    s = spec()
    undisturbed = run(s, tmp_path / "undisturbed")
    started, draws = [], iter(range(20 + 20 + 7))
    sample, draw = langevin.run, langevin.sampler.draw

    def started_run(member, network, checkpoint, **options):
        started.append(member.couplings.seed)
        checkpoint.interval = -1.0
        return sample(member, network, checkpoint, **options)

    def draw_until_stopped(*arguments):
        """The third network is stopped in the middle of its draws."""
        if next(draws, None) is None:
            raise KeyboardInterrupt
        draw(*arguments)

    monkeypatch.setattr(langevin, "run", started_run)
    monkeypatch.setattr(langevin.sampler, "draw", draw_until_stopped)
    with pytest.raises(KeyboardInterrupt):
        run(s, tmp_path, interval=interval)
    assert started == [5, 6, 7]
    (checkpoint,) = tmp_path.glob("*.checkpoint")
    assert checkpoint.stem == s.members()[2].key

    monkeypatch.setattr(langevin.sampler, "draw", draw)
    started.clear()
    assert run(s, tmp_path, interval=interval).identical(undisturbed)
    # What was written down is not sampled again; the last minute is.
    assert started == ([7] if interval < 0 else [5, 6, 7])
    assert not list(tmp_path.glob("*.checkpoint"))


def test_what_other_code_had_finished_is_not_continued(tmp_path, monkeypatch):
    s = spec(networks=2)
    batch = run(s, tmp_path)
    monkeypatch.setattr(langevin, "run", None)
    assert run(s, tmp_path).identical(batch)  # all of it is in the file
    with pytest.raises(TypeError):
        run(s, tmp_path, code="other code")


def test_planted_networks_are_not_batched():
    planted = Planted(g=1.2, temperature=0.05)
    with pytest.raises(ValidationError, match="networks_per_job is 1"):
        spec(planted=planted)


def planned(**changes) -> plan.Plan:
    raw = copy.deepcopy(DEFAULT)
    for experiment in raw["sampling"].values():
        experiment.pop("networks_per_job", None)
    raw["sampling"]["below"] |= changes
    return plan.build(config.load(raw))


def test_spec_survives_its_own_canonical_json():
    s = spec()
    assert parse(s.canonical()) == s
    assert [member.couplings.seed for member in s.members()] == [5, 6, 7]
    assert len({member.key for member in s.members()}) == 3


def test_batches_replace_the_jobs_of_their_networks():
    single, batched = planned(networks=6), planned(networks=6, networks_per_job=3)
    (first, second) = batched.stages["batches"].values()
    members = {member.key for batch in (first, second) for member in batch.members()}
    gone = set(single.stages["langevin"]) - set(batched.stages["langevin"])
    assert members == gone
    assert len(gone) == 6
    # More networks are more batches; the others stay.
    more = planned(networks=9, networks_per_job=3).stages["batches"]
    assert set(batched.stages["batches"]) < set(more)
    assert len(more) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"networks": 4, "networks_per_job": 3}, "multiple of networks_per_job, got 4 and 3"),
        ({"networks_per_job": 2, "planted": True}, "planted networks"),
    ],
)
def test_batches_that_cannot_be(changes, words):
    with pytest.raises(config.ConfigError, match=words):
        planned(**changes)


@pytest.mark.parametrize(
    ("networks", "per_job", "sizes"), [(5, 2, [2, 2, None]), (2, 8, [2]), (2, 1, [None, None])]
)
def test_networks_of_a_simulation_share_jobs(networks, per_job, sizes):
    raw = copy.deepcopy(DEFAULT)
    raw["figures"]["figS13"]["simulation"] |= {"networks": networks, "networks_per_job": per_job}
    jobs = [
        s
        for s in plan.build(config.load(raw)).stages["trajectories"].values()
        if s.kind == "trajectories" and s.method == "dop853" and (s.g, s.size) == (1.0, 1000)
    ]
    assert [job.networks for job in jobs] == sizes
    seeds = [member.couplings.seed for job in jobs for member in job.members()]
    assert seeds == [raw["seed"] + k for k in range(networks)]


def test_figures_read_batches_as_single_networks(tmp_path):
    limits = {"rhat_limit": 1e3, "ess_limit": 1e-3}
    runs = [spec(networks=4, **limits), spec(networks=4, g=0.6, **limits)]
    batched = [run(s, tmp_path).assign_attrs(spec=s.canonical()) for s in runs]
    single = [alone(member) for s in runs for member in s.members()]
    for x in ("g", "beta"):
        pd.testing.assert_frame_equal(
            tables.sampling_rows(batched, "q", "q", x), tables.sampling_rows(single, "q", "q", x)
        )
    # A batch beside single networks of the same kind: one average.
    mixed = tables.sampling_rows([batched[0], *single[:2]], "q", "q", "g")
    assert len(mixed) == 2
    networks = [
        judgement._networks([*datasets], "q", [20], 20.0)[0]
        for datasets in (batched[:1], single[:4])
    ]
    assert networks[0].N == networks[1].N == 20
    np.testing.assert_array_equal(networks[0].values, networks[1].values)
    np.testing.assert_array_equal(networks[0].errors, networks[1].errors)


def test_work_decides_where_a_job_runs():
    """A batch is as much work as its networks; enough of it is a cluster job of its own."""
    few, many = spec(networks=2), spec(networks=2000)
    assert many.seconds() == pytest.approx(1000 * few.seconds())
    assert few.seconds() < LEAST_WORK < many.seconds()
    assert (few.group(), many.group()) == ("short", None)
    assert many.runtime() >= 5 * many.seconds() / 60  # minutes
