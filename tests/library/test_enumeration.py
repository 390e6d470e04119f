"""All fixed points of small networks, and the cold measure made of them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import optimize

from quasipotential import couplings, langevin
from quasipotential.couplings import elliptic
from quasipotential.dmft import weighting
from quasipotential.enumeration import enumerate_networks
from quasipotential.langevin.fixed_points import polish
from quasipotential.langevin.landscape import Landscape
from quasipotential.replica import cold_networks, complexity
from quasipotential.specs import ColdNetworksSpec, CouplingsSpec, LangevinSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")


def enumerated(J, curves=4, rounds=60, seed=0):
    """Fixed points of one network."""
    (found,) = enumerate_networks(J[None], TANH, curves, rounds, np.random.default_rng(seed))
    return found


@pytest.mark.parametrize("weight", [-3.0, 0.5, 1.01, 4.0])
def test_one_unit(weight):
    """x = w tanh x has a root besides 0 for w > 1 only."""
    found = enumerated(np.array([[weight]]))
    assert found.status is Status.CONVERGED
    assert len(found.x) == (2 if weight > 1 else 1)
    if weight > 1:
        root = optimize.brentq(lambda x: x - weight * np.tanh(x), 1e-3, weight, xtol=1e-14)
        assert abs(found.x[1, 0]) == pytest.approx(root, rel=1e-9)
        slope = 1 - weight / np.cosh(root) ** 2
        assert found.log_det[1] == pytest.approx(np.log(slope), rel=1e-6)
    assert found.sign.tolist() == ([-1, 1] if weight > 1 else [1])


def test_two_units():
    """J = [[a, b], [b, a]]: x = y and x = -y are one-unit problems with a + b and a - b.

    With a = 3, b = 0.2 there are points with |x| unlike |y| too: nine in all, as for two units
    without b, whose roots are the products of theirs.
    """
    found = enumerated(np.array([[3.0, 0.2], [0.2, 3.0]]))
    assert found.multiplicity.sum() == 9 and len(found.x) == 5
    for effective, sign in ((3.2, 1), (2.8, -1)):
        root = optimize.brentq(lambda x, w=effective: x - w * np.tanh(x), 0.1, 4, xtol=1e-14)
        distance = np.abs(np.abs(found.x @ [0.5, 0.5 * sign]) - root)
        here = np.abs(found.x @ [0.5, -0.5 * sign]) < 1e-9
        assert distance[here].min() < 1e-9
    # Rotated by a quarter turn: J = [[0, w], [-w, 0]] maps back to -x; only the origin.
    assert len(enumerated(np.array([[0.0, 3.0], [-3.0, 0.0]])).x) == 1


@pytest.mark.parametrize(("gamma", "g"), [(-0.5, 9.0), (0.0, 5.0), (0.5, 2.0), (1.0, 1.3)])
def test_newton_from_random_starts_finds_nothing_else(gamma, g):
    """An independent search, in three networks each; and the signs add up to 1."""
    rng = np.random.default_rng(5)
    J = g * np.stack([elliptic(10, gamma, rng) for _ in range(3)])
    known = 0
    for matrix, found in zip(J, enumerate_networks(J, TANH, 6, 60, rng), strict=True):
        starts = rng.standard_normal((10, 120)) * rng.uniform(0, 2.5, 120)
        other = polish(starts, Landscape(matrix, TANH)).x.T
        for x in other:
            mirrored = np.minimum(np.abs(found.x - x).max(axis=1), np.abs(found.x + x).max(axis=1))
            assert mirrored.min() < 1e-6
        assert found.status is Status.CONVERGED
        assert found.sign @ found.multiplicity == 1
        assert found.residual < 1e-11
        known += len(found.x)
        # Each is there once.
        distances = np.abs(found.x[:, None] - found.x).max(axis=2) + np.eye(len(found.x))
        assert distances.min() > 1e-6
    assert known > 3 + 3


def test_relabelled_units_have_the_same_points():
    J = 5.0 * elliptic(12, 0.0, np.random.default_rng(3))
    order = np.random.default_rng(1).permutation(12)
    first, second = enumerated(J), enumerated(J[np.ix_(order, order)], seed=1)
    np.testing.assert_allclose(np.sort(first.q), np.sort(second.q), atol=1e-10)
    assert len(first.x) > 3


def test_a_search_that_is_cut_short_says_so():
    J = 5.0 * elliptic(16, 0.0, np.random.default_rng(2))
    assert enumerated(J, curves=1, rounds=1).status is Status.NOT_CONVERGED
    assert enumerated(J).status is Status.CONVERGED


def test_mean_number_of_fixed_points():
    """Against the integral of Kac and Rice at N = 10 (4 standard errors), which finds none.

    Both are means of q over the points, which leaves the origin out.
    """
    rng = np.random.default_rng(7)
    J = 3.0 * np.stack([elliptic(10, 0.0, rng) for _ in range(80)])
    found = enumerate_networks(J, TANH, 4, 60, rng)
    by_count = weighting.average(np.array([weighting.sums(network) for network in found]))
    integral = weighting.integrate(10, 3.0, 0.0, TANH, 20_000, rng)
    for index in (1, 2):  # signed, uniform
        error = np.hypot(by_count.total_error[index], integral.total_error[index])
        assert abs(by_count.total[index] - integral.total[index]) < 4 * error
    assert integral.total_error[2] < 0.1 * integral.total[2]
    assert all(network.status is Status.CONVERGED for network in found)


def test_number_of_fixed_points_grows_as_the_complexity_says():
    """ln of the mean number from N = 8 to 16 by Sigma; 4 standard errors of the two means.

    The prefactor of e^{N Sigma} changes with N by a power at most, 2^(1/2) at 1/2.
    """
    rng = np.random.default_rng(11)
    logs, errors = [], []
    for N, number in ((8, 80), (16, 40)):
        J = 5.0 * np.stack([elliptic(N, 0.0, rng) for _ in range(number)])
        found = enumerate_networks(J, TANH, 4, 60, rng)
        points = np.array([network.multiplicity.sum() for network in found])
        logs.append(np.log(points.mean()))
        errors.append(points.std(ddof=1) / points.mean() / np.sqrt(number))
    growth = 8 * complexity.solve(5.0, TANH).complexity
    assert abs(logs[1] - logs[0] - growth) < 4 * np.hypot(*errors) + 0.5 * np.log(2)
    assert logs[1] - logs[0] > 4 * np.hypot(*errors)


# --- The cold measure -----------------------------------------------------------------------------


def spec(**changes):
    fields = {"g": 5.0, "N": 10, "networks": 3, "curves": 4, "rounds": 40, "seed": 0}
    return ColdNetworksSpec(**(fields | changes))


def test_parts_of_the_overlap():
    dataset = cold_networks.run(spec())
    assert (dataset["status"] == 0).all() and (dataset["sign_sum"] == 1).all()
    assert (dataset["overlap_same_pair"] <= dataset["overlap_absolute"] + 1e-12).all()
    assert (dataset["overlap_absolute"] <= dataset["q"] + 1e-12).all()  # by Cauchy and Schwarz
    # The participation by entropy is at least that by the sum of squares.
    assert (dataset["effective_pairs"] >= 1 / dataset["same_pair"] - 1e-9).all()
    assert (dataset["effective_pairs"] <= (dataset["points"] + 1) / 2 + 1e-9).all()
    for variable in dataset.variables.values():
        assert variable.attrs["long_name"] and variable.attrs["units"] == "1"
    xr.testing.assert_identical(dataset, cold_networks.run(spec()))


def test_one_pair_has_the_whole_measure():
    """Two units without couplings between them: 1/|det| of the origin and of one pair by hand."""
    (found,) = enumerate_networks(
        np.array([[[4.0, 0.0], [0.0, 0.5]]]), TANH, 4, 20, np.random.default_rng(0)
    )
    measure = cold_networks.cold_measure(found, TANH)
    root = optimize.brentq(lambda x: x - 4 * np.tanh(x), 1, 4.5, xtol=1e-14)
    pair, origin = 2 / (0.5 * (1 - 4 / np.cosh(root) ** 2)), 1 / (0.5 * 3)
    p = pair / (pair + origin)
    assert measure.same_pair == pytest.approx(p**2 + (1 - p) ** 2, rel=1e-9)
    assert measure.q == pytest.approx(p * np.tanh(root) ** 2 / 2, rel=1e-9)
    assert measure.overlap_absolute == pytest.approx(p**2 * np.tanh(root) ** 2 / 2, rel=1e-9)
    assert measure.log_partition == pytest.approx(np.log(pair + origin), rel=1e-9)


def test_sampling_at_low_temperature():
    """Replica exchange on one network with several pairs; deviations fall in proportion to T.

    Twice the deviation at half the temperature: 5 standard errors of the extrapolated means.
    """
    N, g, seed = 8, 5.0, 3
    measure = cold_networks.run(spec(N=N, g=g, networks=2, seed=seed)).isel(network=0)
    assert measure["effective_pairs"] > 1.5
    run = LangevinSpec(
        couplings=CouplingsSpec(N=N, gamma=0.0, seed=seed),
        g=g,
        temperatures=(0.002, 0.004),
        algorithm="hmc",
        step=0.3,
        path_length=3.0,
        hottest=6.0,
        exchange=True,
        chains=4,
        warmup=300,
        draws=5000,
        seed=1,
    )
    sampled = langevin.run(run, couplings.run(run.couplings)["couplings"].values)
    for name in ("q", "overlap_absolute"):
        mean, error = (sampled[f"{name}_{part}"].values for part in ("mean", "mcse"))
        limit, spread = 2 * mean[0] - mean[1], np.hypot(2 * error[0], error[1])
        assert abs(limit - float(measure[name])) < 5 * spread
        assert spread < 0.1 * float(measure[name])
