"""Sampling from start to file: exact measures, exchange, observables, diagnostics, bits."""

import numpy as np
import pytest
from scipy.special import ndtr

from quasipotential import couplings, langevin
from quasipotential.diagnostics import summarise
from quasipotential.disorder import disorder_average
from quasipotential.langevin import sampler
from quasipotential.langevin.observables import (
    ACTIVITY_EDGES,
    OVERLAP_EDGES,
    activity_counts,
    observables,
    overlap_counts,
)
from quasipotential.specs import CouplingsSpec, LangevinSpec
from quasipotential.status import Status
from quasipotential.store import DamagedFileError
from quasipotential.transfer import transfer_function


def spec(N=20, gamma=0.3, network=0, **changes):
    values = {
        "g": 0.5,
        "temperatures": (0.1, 0.5),
        "algorithm": "hmc",
        "step": 0.3,
        "path_length": 4.0,
        "hottest": 1.0,
        "chains": 4,
        "warmup": 60,
        "draws": 100,
        "rhat_limit": 1.05,  # short runs
        "ess_limit": 100.0,
        "seed": 0,
    }
    return LangevinSpec(
        couplings=CouplingsSpec(N=N, gamma=gamma, seed=network), **(values | changes)
    )


def matrix(spec):
    return couplings.run(spec.couplings)["couplings"].values


def run(spec):
    return langevin.run(spec, matrix(spec))


def assert_within_errors(dataset, name, exact, errors=4.5):
    """Every temperature within that many Monte Carlo standard errors of the exact value."""
    deviation = np.abs(dataset[f"{name}_mean"].values - exact)
    assert np.all(deviation < errors * dataset[f"{name}_mcse"].values), name


@pytest.mark.parametrize("eta", [0.0, 0.2])
def test_hmc_samples_the_gaussian_of_a_linear_network(eta):
    # E = x.H x/2 with H = (1 - J)^T (1 - J) + 2 eta: x ~ N(0, T/H).
    dataset = run(s := spec(transfer="linear", eta=eta, chains=8, draws=500))
    A = np.eye(20) - s.g * matrix(s)
    covariance = np.linalg.inv(A.T @ A + 2 * eta * np.eye(20))
    T = np.array(s.temperatures)
    assert_within_errors(dataset, "energy", T / 2)
    for name in ("q", "mean_square_x", "x_phi", "covariance_x_phi"):
        assert_within_errors(dataset, name, T * np.trace(covariance) / 20)
    for name in ("response_diagonal", "response"):
        assert_within_errors(dataset, name, np.trace(A @ covariance) / 20)
    for name in ("overlap", "response_cross"):
        assert_within_errors(dataset, name, 0.0)
    assert np.all(dataset["status"] == Status.CONVERGED.code)
    assert np.all(np.abs(dataset["acceptance"] - 0.8) < 0.15)


@pytest.mark.parametrize("algorithm", ["hmc", "mala"])
@pytest.mark.parametrize("target", [0.6, 0.8])
def test_steps_are_tuned_to_the_target_acceptance(algorithm, target):
    dataset = run(spec(algorithm=algorithm, target_acceptance=target, warmup=200, chains=8))
    # Measured over 100 draws of 8 chains.
    assert np.all(np.abs(dataset["acceptance"].mean("chain") - target) < 0.08)


@pytest.mark.parametrize(
    ("algorithm", "options"),
    [
        ("hmc", {}),
        ("mala", {}),
        ("euler-maruyama", {}),
        ("hmc", {"exchange": True}),
        ("mala", {"exchange": True}),
        ("hmc", {"exchange": True, "rescale": True}),
    ],
)
def test_two_units_against_numerical_integration(algorithm, options):
    # Euler has a bias of 10 % of the energy at h = 0.02, 4 % at 0.01, hence below 2 % here: less
    # than one standard error.
    euler = algorithm == "euler-maruyama"
    T = 0.3
    s = spec(
        N=2,
        g=1.5,
        network=3,
        temperatures=(T,),
        algorithm=algorithm,
        **options,
        step=0.004 if euler else 0.5,
        path_length=1.5,
        thin=2,
        chains=20,
        draws=100 if euler else 400,
        warmup=30 if euler else 60,
    )
    landscape = langevin.Landscape(s.g * matrix(s), transfer_function("tanh"))
    # The trapezoid rule converges exponentially; beyond |x| = 8 the weight is below 1e-9.
    line = np.linspace(-8, 8, 401)
    x = np.stack(np.meshgrid(line, line, indexing="ij")).reshape(2, -1)
    energy = landscape.energy(x)
    weight = np.exp(-energy / T)
    phi = np.tanh(x)
    r = x - landscape.J @ phi

    def average(values):
        return np.sum(weight * values) / np.sum(weight)

    dataset = run(s)
    assert_within_errors(dataset, "energy", average(energy) / 2)
    assert_within_errors(dataset, "q", average((phi**2).mean(axis=0)))
    assert_within_errors(dataset, "x_phi", average((x * phi).mean(axis=0)))
    assert_within_errors(dataset, "response_diagonal", average((r * phi).mean(axis=0)) / T)
    assert_within_errors(dataset, "overlap", 0.0)
    variance = average(energy**2) - average(energy) ** 2
    assert_within_errors(dataset, "specific_heat", variance / (2 * T**2))


def test_response_to_a_field_of_a_linear_network():
    # E = |A x - h s|^2/2: <x> = A^-1 h s, for the signs s that each chain has.
    s = spec(transfer="linear", field=0.3, chains=8, draws=300)
    landscape = langevin.Landscape(s.g * matrix(s), transfer_function("linear"))
    signs = sampler.begin(s, landscape).state.field / s.field
    assert np.all(np.abs(signs) == 1)
    inverse = np.linalg.inv(np.eye(20) - landscape.J)
    of_chain = np.einsum("ik,ij,jk->k", signs, inverse, signs).reshape(8, 2)[:, 0] / 20
    dataset = run(s)
    draws = dataset["response_field"].transpose("temperature", "chain", "draw").values
    # The draws of a chain are nearly independent: paths of a quarter of a period or more.
    error = draws.std(axis=2) / np.sqrt(s.draws / 2)
    assert np.all(np.abs(draws.mean(axis=2) - of_chain) < 4.5 * error)
    assert np.all(error < 0.1 * of_chain.mean())
    # Averaged over signs it is the trace, as by the fluctuations.
    spread = of_chain.std() / np.sqrt(8)
    found = dataset["response_field_mean"]
    assert np.all(np.abs(found - np.trace(inverse) / 20) < 4.5 * np.hypot(spread, error.mean()))


def test_field_and_fluctuations_give_the_same_response():
    # At N = 40, T = 0.1, with 40 fields: second-order terms in h = 0.15 stay below the errors.
    common = {"N": 40, "g": 1.2, "temperatures": (0.1,), "chains": 40, "draws": 150}
    free = run(spec(**common))
    driven = run(spec(field=0.15, **common))
    found, exact = driven["response_field_mean"].item(), free["response_mean"].item()
    scatter = driven["response_field"].mean("draw").values.std() / np.sqrt(40)  # over fields
    error = np.hypot(scatter, free["response_mcse"].item())
    assert abs(found - exact) < 4.5 * error
    assert error < 0.05 * exact


def test_overlaps_of_all_pairs_of_chains():
    s = spec(g=1.2, chains=6, draws=40)
    dataset = run(s)
    for name, width in (("overlap", 0.02), ("overlap_absolute", 0.02)):
        bins = dataset[f"{name}_bin"].values
        assert np.diff(bins) == pytest.approx(width)
        assert dataset[f"{name}_density"].sum(f"{name}_bin").values * width == pytest.approx(1.0)
    folded = (
        dataset["overlap_density"].values[:, 50:] + dataset["overlap_density"].values[:, 49::-1]
    )
    np.testing.assert_allclose(dataset["overlap_absolute_density"], folded, rtol=1e-13)


def test_counts_of_overlaps_against_their_definition():
    phi = np.tanh(np.random.default_rng(0).standard_normal((7, 8)))
    counts = overlap_counts(phi, chains=4)
    for index in range(2):
        of_one = phi[:, 4 * index : 4 * index + 4]
        overlaps = [of_one[:, a] @ of_one[:, b] / 7 for a in range(4) for b in range(a)]
        np.testing.assert_array_equal(counts[index], np.histogram(overlaps, OVERLAP_EDGES)[0])


def test_counts_of_activities_against_their_definition():
    x = 6.0 * np.random.default_rng(0).standard_normal((50, 8))
    assert np.abs(x).max() > ACTIVITY_EDGES[-1]  # some are in no bin
    counts = activity_counts(x, chains=4)
    for index in range(2):
        of_one = x[:, 4 * index : 4 * index + 4]
        np.testing.assert_array_equal(counts[index], np.histogram(of_one, ACTIVITY_EDGES)[0])


def test_distribution_of_activities_of_a_linear_network():
    s = spec(transfer="linear", chains=8, draws=300)
    A = np.eye(20) - s.g * matrix(s)
    variances = s.temperatures[0] * np.diag(np.linalg.inv(A.T @ A))
    edges = ACTIVITY_EDGES / np.sqrt(variances)[:, None]
    exact = np.diff(ndtr(edges), axis=1).mean(axis=0)
    density = run(s)["activity_density"].isel(temperature=0).values
    found = density * np.diff(ACTIVITY_EDGES)
    assert found.sum() == pytest.approx(1.0)  # no unit is beyond the edges
    # 48000 values, at least one in four of them independent: errors of a bin.
    error = np.sqrt(exact / (20 * 8 * 300 / 4))
    likely = exact > 1e-3
    assert np.all(np.abs(found - exact)[likely] < 4.5 * error[likely])
    assert np.all(error[likely] < 0.35 * exact[likely])


def test_a_run_goes_on_until_its_chains_agree(monkeypatch, tmp_path):
    limits = {"rhat_limit": 1.02, "ess_limit": 150.0}
    short = spec(g=1.2, draws=20, **limits)
    first = run(short)
    assert np.any(first["status"] != Status.CONVERGED.code)
    s = spec(g=1.2, draws=20, most_draws=1000, **limits)
    dataset = run(s)
    draws = dataset.sizes["draw"]
    assert np.all(dataset["status"] == Status.CONVERGED.code)
    assert draws in (40, 80, 160, 320, 640)
    # The draws go on from those of the short run, and do not depend on when it was judged.
    np.testing.assert_array_equal(dataset["energy"][..., :20], first["energy"])
    to_the_end = run(spec(g=1.2, draws=20, most_draws=draws, ess_limit=1e9))
    assert dataset.drop_vars("status").identical(to_the_end.drop_vars("status"))
    # At the limit it ends, also where that is no power of 2 times the first draws.
    assert run(spec(g=1.2, draws=20, most_draws=30, ess_limit=1e6)).sizes["draw"] == 30
    with pytest.raises(ValueError, match="most_draws is 25, below draws, 30"):
        spec(draws=30, most_draws=25)

    # A run that was stopped while it went on.
    draw = sampler.draw

    def draw_or_stop(spec, ensemble, record):
        if record.count == 30:
            raise KeyboardInterrupt
        draw(spec, ensemble, record)

    checkpoint = langevin.Checkpoint(tmp_path / "run.checkpoint", "code", interval=0.0)
    monkeypatch.setattr(sampler, "draw", draw_or_stop)
    with pytest.raises(KeyboardInterrupt):
        langevin.run(s, matrix(s), checkpoint)
    monkeypatch.setattr(sampler, "draw", draw)
    assert langevin.run(s, matrix(s), checkpoint).identical(dataset)


def test_exchange_of_a_linear_network():
    s = spec(
        N=50,
        transfer="linear",
        gamma=0.0,
        temperatures=(0.1, 0.2),
        hottest=0.53,
        exchange=True,
        path_length=1.5,
        thin=4,
        chains=8,
        warmup=240,
        draws=200,
    )
    dataset = run(s)
    A = np.eye(50) - s.g * matrix(s)
    covariance = np.linalg.inv(A.T @ A)
    T = np.array(s.temperatures)
    assert_within_errors(dataset, "energy", T / 2)
    assert_within_errors(dataset, "q", T * np.trace(covariance) / 50)
    assert_within_errors(dataset, "specific_heat", 0.5)
    assert np.all(dataset["status"] == Status.CONVERGED.code)
    assert dataset["rung_temperature"].values[[0, -1]] == pytest.approx([0.1, 0.53])
    assert np.isin(T, dataset["rung_temperature"]).all()
    # Measured over 400 offers to each of 8 chains; what is left is that of the tuning.
    rates = dataset["swap_rate"].values
    assert np.all((rates > 0.17) & (rates < 0.33))
    # The states are nearly refreshed between swaps, so that the ideal rate is nearly reached.
    ideal = 1 / (2 + 2 * np.sum((1 - rates) / rates))
    transitions = s.draws * s.thin
    assert 0.4 < dataset["round_trips"].mean() / (ideal * transitions) < 1.1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperatures": (1.0,)}, "hottest above the lowest"),
        ({"warmup": 20}, "warmup of at least 24"),
    ],
)
def test_exchange_that_cannot_work_is_refused(changes, words):
    assert spec(**changes).exchange is False  # fine without exchange
    with pytest.raises(ValueError, match=words):
        spec(exchange=True, **changes)


def test_chains_are_not_cooled_from_below():
    with pytest.raises(ValueError, match=r"hottest is 0.4, .* the highest is 0.5"):
        spec(hottest=0.4)


@pytest.mark.parametrize(
    ("couplings", "words"),
    [
        (np.zeros((12, 12)), r"shape \(12, 12\), the spec asks for \(20, 20\)"),
        (couplings.run(CouplingsSpec(N=20, gamma=0.3, seed=0)), "a dataset was given"),
    ],
)
def test_couplings_of_another_size_are_refused(couplings, words):
    with pytest.raises(ValueError, match=words):
        langevin.run(spec(), couplings)


def test_too_few_round_trips_are_no_equilibrium():
    limits = {"rhat_limit": 10.0, "ess_limit": 1e-3}
    few = run(spec(N=40, exchange=True, hottest=4.0, draws=20, **limits))
    assert np.all(few["round_trips"] < 5)
    assert np.all(few["status"] == Status.NOT_EQUILIBRATED.code)
    none_asked = run(spec(N=40, exchange=True, hottest=4.0, draws=20, round_trip_limit=0, **limits))
    assert np.array_equal(none_asked["q"], few["q"])  # what judges does not change the draws
    assert np.all(none_asked["status"] == Status.CONVERGED.code)


def judged(s, **apart):
    """What independent draws of everything are judged as; but chains of ``apart`` do not agree.

    ``apart`` has the index of the temperature by observable.
    """
    replicas = sampler.begin(s, langevin.Landscape(matrix(s), transfer_function("tanh")))
    record = sampler.Record(s, replicas)
    rng = np.random.default_rng(0)
    for values in record.draws.values():
        values[:] = rng.standard_normal(values.shape)
    for name, index in apart.items():
        record.draws[name][index, 0] += 1.0
    record.crossings.count[:] = 100
    return langevin.equilibrated(s, replicas, record).tolist()


@pytest.mark.parametrize("name", langevin.JUDGED)
def test_all_that_is_drawn_against_the_theory_is_judged(name):
    s = spec(draws=2000)
    assert judged(s) == [True, True]
    assert judged(s, **{name: 0}) == [False, True]
    assert judged(s, **{name: 1}) == [True, False]


def test_chains_must_agree_at_the_top_of_the_ladder():
    s = spec(draws=2000, exchange=True, hottest=1.0)
    assert s.measured == (0.1, 0.5, 1.0)
    assert judged(s) == [True, True]
    assert judged(s, q=0) == [False, True]
    assert judged(s, q=2) == [False, False]
    dataset = run(spec(exchange=True, hottest=1.0))
    assert dataset["temperature"].values.tolist() == [0.1, 0.5]
    assert dataset["hottest_rhat"].sel(judged="q") > 0.9
    # The top is one of those asked for, or there is no ladder.
    assert spec(exchange=True, hottest=0.5).measured == spec().measured == (0.1, 0.5)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_a_path_that_leaves_the_numbers_is_refused():
    s = spec()
    landscape = langevin.Landscape(matrix(s), transfer_function("tanh"))
    replicas = sampler.begin(s, landscape)
    replicas.step[:] = 1e200
    before = replicas.state.x.copy()
    assert np.all(replicas.move(replicas.temperatures) == 0.0)
    assert np.array_equal(replicas.state.x, before)


@pytest.mark.parametrize("floor", [0.003, 3.0])
def test_mass_leaves_the_measure_as_it_is(floor):
    dataset = run(s := spec(transfer="linear", chains=8, draws=300, mass_floor=floor))
    assert_within_errors(dataset, "energy", np.array(s.temperatures) / 2)


def test_chains_that_cannot_agree_are_marked():
    # At T = 1e-4 the valleys of a strongly coupled network of 20 units do not exchange chains.
    dataset = run(spec(g=3.0, temperatures=(1e-4, 5.0), hottest=5.0, draws=200))
    assert dataset["status"].values.tolist()[0] == Status.NOT_EQUILIBRATED.code
    assert dataset["q_rhat"][0] > 1.05
    assert dataset["status"].values.tolist()[1] == Status.CONVERGED.code


@pytest.mark.parametrize(
    "options",
    [
        {"algorithm": "hmc"},
        {"algorithm": "mala"},
        {"algorithm": "euler-maruyama"},
        {"exchange": True, "field": 0.1, "thin": 2},
        {"exchange": True, "rescale": True, "field": 0.1},
    ],
)
def test_run_is_reproducible_and_described(options):
    s = spec(draws=20, warmup=24, step=0.1, **options)
    dataset = run(s)
    assert dataset.identical(run(s))
    assert not np.array_equal(dataset["q"], run(s.model_copy(update={"seed": 1}))["q"])
    assert dataset["q"].dims == ("temperature", "chain", "draw")
    assert dataset["overlap"].dims == ("temperature", "pair", "draw")
    assert dataset["start"].values.tolist() == [0, 0, 1, 1]
    for variable in dataset.variables.values():
        assert variable.attrs["long_name"] and variable.attrs["units"] == "1"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"exchange": True, "field": 0.1, "thin": 2},
        {"exchange": True, "rescale": True},
    ],
)
def test_a_stopped_run_goes_on_to_the_same_bits(options, tmp_path, monkeypatch):
    s = spec(draws=30, warmup=24, **options)
    undisturbed = run(s)
    checkpoint = langevin.Checkpoint(tmp_path / "run.checkpoint", "code", interval=0.0)
    draw = sampler.draw

    def draw_or_stop(spec, ensemble, record):
        if record.count == 17:
            raise KeyboardInterrupt
        draw(spec, ensemble, record)

    monkeypatch.setattr(sampler, "draw", draw_or_stop)
    with pytest.raises(KeyboardInterrupt):
        langevin.run(s, matrix(s), checkpoint)
    monkeypatch.setattr(sampler, "draw", draw)
    monkeypatch.setattr(sampler, "warm_up", None)  # not needed again
    assert langevin.run(s, matrix(s), checkpoint).identical(undisturbed)
    checkpoint.remove()
    assert not list(tmp_path.iterdir())


def test_checkpoint_of_another_spec_or_code_is_not_continued(tmp_path):
    s = spec(draws=20, warmup=10)
    path = tmp_path / "run.checkpoint"
    langevin.run(s, matrix(s), langevin.Checkpoint(path, "code"))
    landscape = langevin.Landscape(s.g * matrix(s), transfer_function(s.transfer), s.eta)
    assert langevin.Checkpoint(path, "code").load(s, landscape) is not None
    assert langevin.Checkpoint(path, "other code").load(s, landscape) is None
    longer = s.model_copy(update={"draws": 21})
    assert langevin.Checkpoint(path, "code").load(longer, landscape) is None
    changed = run(longer)
    continued = langevin.run(longer, matrix(s), langevin.Checkpoint(path, "code"))
    assert continued.identical(changed)


def test_damaged_checkpoint_is_refused_with_its_name(tmp_path):
    s = spec(draws=20, warmup=10)
    path = tmp_path / "run.checkpoint"
    langevin.run(s, matrix(s), langevin.Checkpoint(path, "code"))
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(len(content), size=20):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(DamagedFileError, match=r"run\.checkpoint.*Delete the file"):
            langevin.run(s, matrix(s), langevin.Checkpoint(path, "code"))


def test_observables_against_their_definitions():
    s = spec(g=1.2, eta=0.1, chains=4)
    landscape = langevin.Landscape(s.g * matrix(s), transfer_function("tanh"), s.eta)
    T = np.array(s.temperatures)
    x = np.random.default_rng(5).standard_normal((20, 8))
    found = observables(x, landscape, T, 4)
    phi = np.tanh(x)
    r = x - landscape.J @ phi
    k, a, b = 1, 5, 7  # temperature 1: columns 4..7; pair 1 is made of its chains 1 and 3
    assert found["energy"].ravel() == pytest.approx(landscape.energy(x) / 20, rel=1e-13)
    assert found["overlap"][k, 1] == pytest.approx(phi[:, a] @ phi[:, b] / 20, rel=1e-13)
    cross = (r[:, a] @ phi[:, b] + r[:, b] @ phi[:, a]) / (2 * 20 * T[k])
    own = (r[:, a] @ phi[:, a] + r[:, b] @ phi[:, b]) / (2 * 20 * T[k])
    assert found["response"][k, 1] == pytest.approx(own - cross, rel=1e-12)
    covariance = (x[:, a] - x[:, b]) @ (phi[:, a] - phi[:, b]) / (2 * 20)
    assert found["covariance_x_phi"][k, 1] == pytest.approx(covariance, rel=1e-12)


def test_summary_of_an_autoregressive_series():
    # AR(1) with coefficient a: the effective sample size is n (1 - a)/(1 + a).
    a, chains, n = 0.6, 4, 4000
    noise = np.random.default_rng(0).standard_normal((chains, n))
    draws = np.zeros((chains, n))
    for index in range(1, n):
        draws[:, index] = a * draws[:, index - 1] + noise[:, index]
    summary = summarise(draws)
    # The estimate of the autocorrelation time scatters by 5 % at this length.
    assert summary.ess == pytest.approx(chains * n * (1 - a) / (1 + a), rel=0.2)
    assert summary.mcse == pytest.approx(np.sqrt(1 / (1 - a**2) / summary.ess), rel=0.1)
    assert summary.rhat < 1.01
    assert summarise(draws + np.arange(4)[:, None]).rhat > 1.2


def test_summary_of_constants_and_of_too_little():
    summary = summarise(np.full((4, 20), 0.3))
    assert summary.mean == pytest.approx(0.3, rel=1e-15)
    assert np.isnan(summary.rhat) and np.isnan(summary.mcse) and summary.ess == 0
    with pytest.raises(ValueError, match="at least 2 chains"):
        summarise(np.zeros((1, 20)))


def test_disorder_average():
    values = np.array([[1.0, 4.0], [3.0, 4.0]])
    average = disorder_average(values, np.full((2, 2), 0.2))
    assert np.array_equal(average.mean, [2.0, 4.0])
    # Spread sqrt(2) over sqrt(2); two values that agree by chance leave the sampling errors.
    assert average.error == pytest.approx([1.0, 0.2 / np.sqrt(2)])
    assert average.sampling_error == pytest.approx([0.2 / np.sqrt(2)] * 2)
    single = disorder_average(values[:1], np.full((1, 2), 0.2))
    assert np.isnan(single.error).all() and np.array_equal(single.mean, values[0])
