"""Planted couplings as inputs of a sampling run: keys, starts, and agreement of the starts."""

import copy
from pathlib import Path

import numpy as np
import pytest
import yaml

from quasipotential import config, couplings, langevin, plan, potential
from quasipotential.diagnostics import summarise
from quasipotential.langevin import sampler
from quasipotential.planted import planted_pair
from quasipotential.progress import Progress
from quasipotential.specs import AnnealedSpec, CouplingsSpec, LangevinSpec, Planted, parse
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

ROOT = Path(__file__).parents[2]
POINT = Planted(g=1.2, temperature=0.1)
NETWORK = CouplingsSpec(N=40, gamma=0.5, seed=1, planted=POINT)


def spec(**changes):
    values = {
        "couplings": NETWORK,
        "g": 1.2,
        "temperatures": (0.1, 0.3),
        "algorithm": "hmc",
        "step": 0.3,
        "path_length": 4.0,
        "hottest": 1.0,
        "chains": 8,
        "warmup": 24,
        "draws": 20,
        "rhat_limit": 1.05,  # short runs
        "ess_limit": 100.0,
        "seed": 0,
    }
    return LangevinSpec(**values | changes)


@pytest.fixture(scope="module")
def network():
    return couplings.run(NETWORK)


def run(network, spec, checkpoint=None):
    return langevin.run(spec, network["couplings"].values, checkpoint, network["state"])


def landscape(network):
    return langevin.Landscape(1.2 * network["couplings"].values, transfer_function("tanh"))


def test_keys_of_specs_without_the_new_fields_are_as_they_were():
    # Keys and entropies of the code before planted and polish_below; that of the samples with the
    # version of today.
    plain = CouplingsSpec(N=10, gamma=0.5, seed=1)
    assert plain.key == "gamma0.5-N10-seed1-e70781a6"
    assert plain.entropy == 307090642717298153812204592364741155471
    assert plain.canonical() == ('{"N":10,"gamma":0.5,"kind":"couplings","seed":1,"version":1}')
    run = spec(couplings=plain, g=0.8, temperatures=(0.1,), chains=4, warmup=10, draws=20, seed=1)
    assert run.key == "hmc-g0.8-gamma0.5-N10-seed1-85e81033"
    assert run.entropy == 107830302594341478239858924088626068670


def test_new_fields_are_part_of_the_key_and_survive_the_json():
    plain = CouplingsSpec(N=40, gamma=0.5, seed=1)
    others = [
        NETWORK.model_copy(update={"planted": POINT.model_copy(update=change)})
        for change in ({}, {"g": 1.3}, {"temperature": 0.2}, {"transfer": "erf"})
    ]
    assert len({plain.key, *(other.key for other in others)}) == 5
    for s in (NETWORK, spec(polish_below=0.2)):
        assert parse(s.canonical()) == s
    # Polishing comes after the draws: it must not change them.
    assert spec(polish_below=0.2).key != spec().key
    assert spec(polish_below=0.2).entropy == spec().entropy


@pytest.mark.parametrize(
    "change", [{"g": 1.3}, {"transfer": "erf"}, {"temperatures": (0.2,)}, {"eta": 0.1}]
)
def test_run_has_to_sample_what_was_planted(change):
    with pytest.raises(ValueError, match="planted couplings need"):
        spec(**change)


def test_couplings_come_with_their_state(network):
    pair = planted_pair(
        AnnealedSpec(
            gamma=0.5, g=(1.2,), temperatures=(0.1,), N=40, seed=1, **couplings.ANNEALED_RUN
        )
    )
    np.testing.assert_array_equal(network["couplings"], pair.couplings)
    np.testing.assert_array_equal(network["state"], pair.x)
    assert network["state"].dims == ("neuron",)
    assert network["status"].item() == Status.CONVERGED.code
    assert network["annealed_ess"] >= 400 and network["annealed_rhat"] <= 1.01
    for variable in network.variables.values():
        assert variable.attrs["long_name"] and variable.attrs["units"] == "1"
    # 2 E/T is about chi^2 with N degrees of freedom: 5 standard deviations.
    energy = landscape(network).energy(network["state"].values)
    assert 2 * energy / (40 * 0.1) == pytest.approx(1, abs=5 * np.sqrt(2 / 40))


def test_state_and_planted_couplings_go_together(network):
    J = network["couplings"].values
    with pytest.raises(ValueError, match="come with their state"):
        langevin.run(spec(), J)
    plain = spec(couplings=CouplingsSpec(N=40, gamma=0.5, seed=1))
    with pytest.raises(ValueError, match="come with their state"):
        langevin.run(plain, J, state=network["state"])


@pytest.mark.parametrize("exchange", [False, True])
def test_planted_replicas_start_at_the_state_and_are_never_heated(network, exchange):
    s = spec(exchange=exchange)
    state = network["state"].values
    ensemble = sampler.begin(s, landscape(network), state)
    rungs = ensemble.temperatures.size
    chain = np.arange(8 * rungs) // rungs
    assert np.all(ensemble.state.x[:, chain < 4] == state[:, None])
    assert not np.any(ensemble.state.x[:, chain >= 4] == state[:, None])
    seen = []
    kernel = ensemble.kernel

    def watched(state, temperature, step, length, rng):
        seen.append(temperature[ensemble.columns])
        return kernel(state, temperature, step, length, rng)

    watched.tuned = True
    ensemble.kernel = watched
    sampler.warm_up(s, ensemble, Progress("warm-up", "transitions", s.warmup))
    cooling = np.array(seen[:12])  # half of the warm-up
    assert np.all(cooling[:, :4] == cooling[-1, 0])
    assert np.all(cooling[0, 4:] == pytest.approx(1.0))
    assert np.all(np.diff(cooling[:, 4:, 0], axis=0) < 0)
    for temperatures in seen[12:]:
        assert np.all(temperatures == temperatures[0])


def test_run_is_reproducible_and_goes_on_from_a_checkpoint(network, tmp_path, monkeypatch):
    s = spec(exchange=True, draws=30)
    undisturbed = run(network, s)
    assert undisturbed["start"].values.tolist() == [2] * 4 + [1] * 4
    assert undisturbed.identical(run(network, s))
    checkpoint = langevin.Checkpoint(tmp_path / "run.checkpoint", "code", interval=0.0)
    draw = sampler.draw

    def draw_or_stop(spec, ensemble, record):
        if record.count == 17:
            raise KeyboardInterrupt
        draw(spec, ensemble, record)

    monkeypatch.setattr(sampler, "draw", draw_or_stop)
    with pytest.raises(KeyboardInterrupt):
        run(network, s, checkpoint)
    monkeypatch.setattr(sampler, "draw", draw)
    monkeypatch.setattr(sampler, "warm_up", None)  # not needed again
    assert run(network, s, checkpoint).identical(undisturbed)


def test_planted_and_cooled_chains_agree(network):
    dataset = run(network, spec(path_length=8.0, warmup=60, draws=400))
    cold = dataset.sel(temperature=0.1)
    assert cold["status"] == Status.CONVERGED.code
    for name in ("q", "energy", "mean_square_x", "response_diagonal"):
        assert cold[f"{name}_rhat"] < 1.02  # 1.002 to 1.01 was seen
        planted, cooled = (summarise(half) for half in np.split(cold[name].values, 2))
        error = np.hypot(planted.mcse, cooled.mcse)
        assert abs(planted.mean - cooled.mean) < 4.5 * error
        assert error < 0.05 * cold[f"{name}_mean"]


def test_chains_that_do_not_leave_their_starts_disagree(network):
    # Paths far too short: the planted chains stay where they are, the others where they cooled to.
    dataset = run(network, spec(path_length=0.1, step=0.05, warmup=10, temperatures=(0.1,)))
    assert dataset["q_rhat"] > 1.2
    assert dataset["status"] == Status.NOT_EQUILIBRATED.code


def test_config_plants_at_each_g_and_the_lowest_temperature():
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    del raw["sampling"]["critical"]["networks_per_job"]  # planted networks have a job each
    before = plan.build(config.load(raw)).stages["langevin"]
    raw = copy.deepcopy(raw)
    raw["sampling"]["critical"] |= {"planted": True, "polish_below": 2e-3}
    after = plan.build(config.load(raw))
    new = [s for key, s in after.stages["langevin"].items() if key not in before]
    assert len(new) == 2 * raw["sampling"]["critical"]["networks"]
    for s in new:
        assert s.couplings.planted == Planted(g=s.g, temperature=1e-4)
        assert s.couplings.key in after.stages["couplings"]
        assert s.polish_below == 2e-3
    raw["transfer"] = "linear"
    with pytest.raises(config.ConfigError, match="transfer: got 'linear'; this theory needs"):
        plan.build(config.load(raw))


def test_state_belongs_to_its_couplings(network):
    # At others of the same kind its energy is of another order: g^2 q/T = 5 or so, per unit.
    other = couplings.run(CouplingsSpec(N=40, gamma=0.5, seed=1))["couplings"].values
    tanh = transfer_function("tanh")
    state = network["state"].values
    assert potential.energy(state, 1.2 * other, tanh) > 2 * landscape(network).energy(state)
