"""Trajectories: exact linear solution, order of convergence, stationary statistics."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from scipy import linalg

from quasipotential import couplings, potential, trajectories
from quasipotential.figures.tables import each_network
from quasipotential.specs import CouplingsSpec, Interval, Planted, TrajectoriesSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")
MATRIX = ((0.0, 1.5), (1.0, 0.3))


def spec(**changes):
    values = {
        "couplings": CouplingsSpec(N=20, gamma=0.2, seed=1),
        "g": 1.3,
        "start": Interval(low=-1.0, high=1.0),
        "duration": 4.0,
        "interval": 0.1,
        "method": "dop853",
        "neurons": 3,
        "seed": 0,
    }
    return TrajectoriesSpec(**(values | changes))


def run(spec):
    J = None if not spec.inputs() else couplings.run(spec.couplings)["couplings"].values
    return trajectories.run(spec, J)


def small(**changes):
    values = {"couplings": None, "matrix": MATRIX, "neurons": 2}
    return spec(**(values | {"start": ((0.5, -0.2), (-0.4, 0.9))} | changes))


def test_linear_network_against_the_matrix_exponential():
    dataset = run(small(transfer="linear", g=0.5))
    A = 0.5 * np.array(MATRIX) - np.eye(2)
    for index, start in enumerate(((0.5, -0.2), (-0.4, 0.9))):
        exact = np.array([linalg.expm(A * t) @ start for t in dataset["time"].values]).T
        # rtol = 1e-8, atol = 1e-10 per step: 1e-8 observed.
        assert dataset["x"][index].values == pytest.approx(exact, abs=1e-7)


def test_euler_converges_with_order_one_to_dop853():
    exact = run(small(rtol=1e-11, atol=1e-12))["x"][:, :, -1].values
    errors = [
        np.abs(run(small(method="euler", interval=h))["x"][:, :, -1].values - exact).max()
        for h in (0.04, 0.02, 0.01)
    ]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    # Corrections to the order are O(h): observed 1.02 and 1.01.
    assert orders == pytest.approx([1, 1], abs=0.06)


def test_noise_of_independent_linear_units():
    # g = 0: x is an Ornstein-Uhlenbeck process; Euler with step h is an AR(1) series with
    # variance sigma^2 / (2 - h) and autocorrelation (1 - h)^k.
    sigma, h, N = 0.5, 0.1, 400
    dataset = run(
        spec(
            couplings=CouplingsSpec(N=N, gamma=0.0, seed=0),
            g=0.0,
            noise=sigma,
            method="euler",
            interval=h,
            discard=10.0,
            duration=80.0,
        )
    )
    k = np.arange(20)
    exact = sigma**2 / (2 - h) * (1 - h) ** k
    # Autocorrelation time of x^2 is about 10 h, so N * 80 independent samples: 5 errors.
    tolerance = 5 * exact[0] * np.sqrt(2 / (N * 80))
    assert dataset["autocorrelation_x"][0, :20].values == pytest.approx(exact, abs=tolerance)


def test_energy_and_means_are_those_of_the_states():
    dataset = run(spec(neurons=20, duration=1.0))
    J = 1.3 * couplings.run(CouplingsSpec(N=20, gamma=0.2, seed=1))["couplings"].values
    x = dataset["x"][0].values
    assert dataset["energy"][0].values == pytest.approx(
        potential.energy(x, J, TANH) / 20, rel=1e-12
    )
    assert dataset["mean_x"][0].values == pytest.approx(x.mean(axis=0), rel=1e-12)
    assert dataset["mean_square_x"][0].values == pytest.approx((x**2).mean(axis=0), rel=1e-12)
    assert dataset["mean_phi"][0].values == pytest.approx(np.tanh(x).mean(axis=0), rel=1e-12)
    square = dataset["mean_square_phi"][0].values
    assert square == pytest.approx((np.tanh(x) ** 2).mean(axis=0), rel=1e-12)
    correlation = dataset["correlation_phi"][0].values
    assert np.diag(correlation) == pytest.approx(square, rel=1e-12)
    assert correlation == pytest.approx(np.tanh(x).T @ np.tanh(x) / 20, rel=1e-12)


def test_autocorrelation_against_the_sum():
    series = np.random.default_rng(0).standard_normal((3, 11))
    exact = [np.mean(series[:, : 11 - k] * series[:, k:]) for k in range(6)]
    assert trajectories.autocorrelation(series, 6) == pytest.approx(exact, abs=1e-14)


def test_autocorrelation_of_a_rotation():
    # x = (cos t, sin t): the autocorrelation is cos(lag)/2 for every record.
    time = np.linspace(0, 10, 101)
    series = np.array([np.cos(time), np.sin(time)])
    lags = trajectories.autocorrelation(series, 51)
    assert lags == pytest.approx(0.5 * np.cos(time[:51]), abs=1e-13)


def test_discard_shifts_the_record():
    for method in ("euler", "dop853"):
        whole = run(small(method=method, duration=3.0))
        late = run(small(method=method, duration=1.0, discard=2.0))
        assert np.array_equal(late["time"], whole["time"][20:])
        # The interpolation of dop853 is the same in both.
        assert late["x"].values == pytest.approx(whole["x"].values[..., 20:], abs=1e-14)


def test_only_the_asked_neurons_and_short_two_time_correlations_are_kept():
    dataset = run(spec(duration=41.0))
    assert dataset.sizes["neuron"] == 3 and dataset.sizes["trajectory"] == 1
    assert dataset.sizes["time"] == 411 and dataset.sizes["lag"] == 206
    assert "correlation_phi" not in dataset and "fixed_points" not in dataset
    assert "correlation_phi" in run(spec(duration=40.0))


def test_fixed_points_of_an_explicit_matrix():
    dataset = run(small(duration=60.0, interval=0.5))
    J = 1.3 * np.array(MATRIX)
    points = dataset["fixed_points"].values
    residual = points.T - J @ np.tanh(points.T)
    assert np.abs(residual).max() <= potential.FIXED_POINT_TOLERANCE
    stable = points[dataset["fixed_point_growth_rate"].values < 0]
    assert len(stable) == 2 and len(points) == 3  # +-x and the origin
    ends = dataset["x"][:, :, -1].values
    # Both trajectories end in an attractor; the tolerances of the integrator remain.
    for end in ends:
        assert np.abs(stable - end).max(axis=1).min() < 1e-7
    assert dataset["energy"][:, -1].max() < 1e-14


def test_failure_is_stored(monkeypatch):
    states = np.full((2, 41), np.nan)
    states[:, :10] = 0.1
    monkeypatch.setattr(trajectories, "integrate_dop853", lambda *_: states)
    dataset = run(small())
    assert np.all(dataset["status"] == Status.NOT_CONVERGED.code)
    assert np.isfinite(dataset["energy"][0]).sum() == 10


@pytest.mark.parametrize("changes", [{}, {"method": "euler", "noise": 0.2}])
def test_run_is_reproducible_and_described(changes):
    dataset = run(spec(**changes))
    assert dataset.identical(run(spec(**changes)))
    assert not np.array_equal(dataset["x"], run(spec(seed=9, **changes))["x"])
    assert np.all(dataset["status"] == Status.CONVERGED.code)
    for variable in dataset.variables.values():
        assert variable.attrs["long_name"] and variable.attrs["units"] == "1"


@pytest.mark.parametrize("changes", [{}, {"method": "euler", "noise": 0.3}])
def test_several_networks_have_the_bits_of_jobs_of_their_own(changes):
    several = spec(networks=3, **changes)
    assert several.inputs() == ()
    together = run(several)
    members = several.members()
    assert together["network"].values.tolist() == [1, 2, 3]
    assert members == [
        spec(couplings=CouplingsSpec(N=20, gamma=0.2, seed=seed), **changes) for seed in (1, 2, 3)
    ]
    for split, member in zip(each_network([together]), members, strict=True):
        alone = run(member)
        xr.testing.assert_identical(split.drop_vars("network"), alone)
    assert not np.array_equal(together["x"][0], together["x"][1])


def test_each_network_leaves_single_networks_as_they_are():
    alone, together = run(spec()), run(spec(networks=2))
    datasets = each_network([alone, together])
    assert len(datasets) == 3 and datasets[0] is alone


def test_what_several_networks_cannot_have():
    with pytest.raises(ValidationError, match="networks needs couplings"):
        small(networks=2)
    planted = CouplingsSpec(N=20, gamma=0.2, seed=1, planted=Planted(g=1.3, temperature=0.1))
    with pytest.raises(ValidationError, match="planted networks"):
        spec(networks=2, couplings=planted)
    with pytest.raises(ValueError, match="draws the couplings of its networks"):
        trajectories.run(spec(networks=2), np.eye(20))
    last = CouplingsSpec(N=20, gamma=0.2, seed=2**63 - 1)
    with pytest.raises(ValidationError, match="seed"):
        spec(networks=2, couplings=last).members()
