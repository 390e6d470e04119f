"""Replica exchange: marginals stay exact, swap rates and round trips are those expected."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from quasipotential.couplings import elliptic
from quasipotential.langevin import exchange
from quasipotential.langevin.ensemble import Ensemble
from quasipotential.langevin.kernels import Hmc, mass
from quasipotential.langevin.landscape import Landscape, State
from quasipotential.transfer import transfer_function

BOX = 8.0  # beyond it the weight of the two-unit measure is below 1e-7
TEMPERATURES = np.array([0.03, 0.15, 0.75])


def bimodal():
    """Two units with a barrier of 7 T around the origin at the lowest temperature."""
    return Landscape(np.array([[2.4, 0.3], [0.2, 1.2]]), transfer_function("tanh"))


def linear(N, seed=0):
    J = 0.5 * elliptic(N, 0.0, np.random.default_rng(seed))
    return Landscape(J, transfer_function("linear"))


def exact_draws(of, T, K, rng):
    """Independent draws of a measure of two units, shape (2, K), by rejection."""
    found, count = [], 0
    while count < K:
        x = rng.uniform(-BOX, BOX, (2, 400_000))
        found.append(x[:, rng.random(x.shape[1]) < np.exp(-of.energy(x) / T)])
        count += found[-1].shape[1]
    return np.concatenate(found, axis=1)[:, :K]


def ensemble(of, x, temperatures, chains, seed=1, length=1.5, step=0.4, rescale=False):
    """Replicas at x (N, chain * rung)."""
    return Ensemble(
        state=State(of, x),
        temperatures=temperatures,
        step=np.full(temperatures.size, step),
        columns=np.arange(chains * temperatures.size).reshape(chains, -1),
        kernel=Hmc(mass(of, slope=0.6, floor=0.1)),
        length=length,
        swaps=True,
        rescale=rescale,
        rng=np.random.default_rng(seed),
    )


def thermal(N, temperatures, chains, rng, of):
    """Exact draws of a linear network, one after another chain by chain."""
    A = np.eye(N) - of.J
    spread = np.tile(np.sqrt(temperatures), chains)
    return np.linalg.solve(A, spread * rng.standard_normal((N, spread.size)))


def harmonic_rate(N, ratio):
    """Swap rate of a harmonic valley of N units: twice the chance that the colder is higher in E.

    The energies over their temperatures are Gamma variables of shape N/2, and the smaller of the
    two weights of a pair of states and of the swapped pair is taken where E_cold > E_hot.
    """
    return 2 * special.betainc(N / 2, N / 2, 1 / (1 + ratio))


def least_p_value(of, chains, rescale, transitions):
    """Of the marginals after moves and swaps from exact draws, against fresh ones; swap rates."""
    rng = np.random.default_rng(0)
    draws = [exact_draws(of, T, 2 * chains, rng) for T in TEMPERATURES]
    start = np.stack([x[:, :chains] for x in draws], axis=2).reshape(2, -1)
    replicas = ensemble(of, start, TEMPERATURES, chains, rescale=rescale)
    rates = np.zeros(TEMPERATURES.size - 1)
    for _ in range(transitions):
        replicas.move(TEMPERATURES)
        rates += np.nan_to_num(replicas.swap()) / (transitions / 2)
    p = [
        stats.ks_2samp(function(x), function(fresh[:, chains:])).pvalue
        for rung, fresh in enumerate(draws)
        for x in [replicas.state.x[:, replicas.at(np.array([rung]))]]
        for function in (lambda x: x[0], lambda x: x[1], of.energy, lambda x: x[0] * x[1])
    ]
    return min(p), rates


@pytest.mark.parametrize(("rescale", "chains", "transitions"), [(False, 4000, 10), (True, 1500, 2)])
def test_exchange_leaves_every_marginal_as_it_is(rescale, chains, transitions):
    p, rates = least_p_value(bimodal(), chains, rescale, transitions)
    assert rates.min() > 0.15  # swaps take part: an error of theirs would show
    assert p > 1e-4


def test_exchange_carries_chains_over_a_barrier():
    of, chains = bimodal(), 500
    rng = np.random.default_rng(2)
    start = np.stack([exact_draws(of, T, chains, rng) for T in TEMPERATURES], axis=2)
    start *= np.sign(start[0])  # all in one valley
    share = {}
    for swaps in (False, True):
        replicas = ensemble(of, start.reshape(2, -1), TEMPERATURES, chains)
        for _ in range(60):
            replicas.move(TEMPERATURES)
            if swaps:
                replicas.swap()
        share[swaps] = np.mean(replicas.state.x[0, replicas.at(np.array([0]))] > 0)
    assert share[False] > 0.7
    assert share[True] == pytest.approx(0.5, abs=4.5 * 0.5 / np.sqrt(chains))


def test_swaps_of_a_wrong_rule_would_be_found(monkeypatch):
    def always(energy, columns, *rest):
        return exchange_swap(np.zeros_like(energy), columns, *rest)

    exchange_swap = exchange.swap
    monkeypatch.setattr(exchange, "swap", always)
    p, rates = least_p_value(bimodal(), 4000, False, 1)
    assert rates.max() > 0
    assert p < 1e-10


@pytest.mark.parametrize("N", [2, 20, 200])
def test_swap_rate_of_a_harmonic_valley(N):
    of, chains = linear(N), 4000
    temperatures = np.array([0.1, 0.1 * np.exp(1.6 / np.sqrt(N / 2))])
    rng = np.random.default_rng(4)
    energy = State(of, thermal(N, temperatures, chains, rng, of)).energy
    columns = np.arange(2 * chains).reshape(chains, 2)
    before = columns.copy()
    (rate,) = exchange.swap(energy, columns, temperatures, 0, rng)
    exact = harmonic_rate(N, temperatures[1] / temperatures[0])
    # A probability in [0, 1] has a standard deviation below 1/2.
    assert rate == pytest.approx(exact, abs=4.5 * 0.5 / np.sqrt(chains))
    swapped = np.mean(columns[:, 0] != before[:, 0])
    assert swapped == pytest.approx(exact, abs=4.5 * 0.5 / np.sqrt(chains))
    # The law that spaces the ladder: erfc of half the distance in units of the fluctuations.
    law = special.erfc(0.5 * np.sqrt(N / 2) * np.log(temperatures[1] / temperatures[0]))
    assert law == pytest.approx(exact, rel=1 / N)


def test_pairs_that_are_offered_a_swap():
    temperatures = np.geomspace(0.1, 1.0, 5)
    columns = np.arange(10).reshape(2, 5)
    even, odd = (
        exchange.swap(np.ones(10), columns, temperatures, parity, np.random.default_rng(0))
        for parity in (0, 1)
    )
    # Equal energies are always swapped.
    np.testing.assert_array_equal(even, [1, np.nan, 1, np.nan])
    np.testing.assert_array_equal(odd, [np.nan, 1, np.nan, 1])
    np.testing.assert_array_equal(columns[0], [1, 3, 0, 4, 2])
    np.testing.assert_array_equal(np.sort(columns, axis=1), np.arange(10).reshape(2, 5))


@pytest.mark.parametrize("rungs", [4, 5])
def test_replicas_that_always_swap_go_round_in_two_passes(rungs):
    columns = np.arange(rungs)[None]
    crossings = exchange.Crossings(rungs)
    rng = np.random.default_rng(0)
    for index in range(12 * rungs):  # six rounds of 2 R transitions
        exchange.swap(np.zeros(rungs), columns, np.geomspace(1, 2, rungs), index % 2, rng)
        crossings.update(columns)
    # A replica crosses twice in a round, and not before it has seen an end.
    assert np.all((crossings.count >= 10) & (crossings.count <= 12))
    assert 5 * rungs <= crossings.round_trips(columns)[0] <= 6 * rungs


def test_a_round_trip_is_that_of_one_replica():
    crossings = exchange.Crossings(4)
    crossings.count[:] = [1, 1, 2, 3]
    np.testing.assert_array_equal(crossings.round_trips(np.array([[0, 1], [2, 3]])), [0, 2])


def test_rate_of_round_trips():
    # Even and odd swaps in turn, states refreshed in between: per ladder and transition there are
    # 1/(2 + 2 sum r/(1 - r)) round trips, r = 1 - swap rate (Syed et al. 2022, theorem 1).
    N, chains, rungs, transitions = 20, 400, 6, 400
    rng = np.random.default_rng(5)
    temperatures = np.exp(0.4 * np.arange(rungs))
    columns = np.arange(chains * rungs).reshape(chains, rungs)
    crossings = exchange.Crossings(columns.size)
    for index in range(transitions):
        if index == 100:
            crossings.count[:] = 0
        energy = np.empty(columns.size)
        energy[columns] = temperatures * rng.gamma(N / 2, size=columns.shape)
        exchange.swap(energy, columns, temperatures, index % 2, rng)
        crossings.update(columns)
    rate = 0.5 * crossings.count.sum() / (chains * (transitions - 100))
    a = harmonic_rate(N, np.exp(0.4))
    assert rate == pytest.approx(1 / (2 + 2 * (rungs - 1) * (1 - a) / a), rel=0.05)


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_first_ladder_has_the_rate_asked_for_in_a_harmonic_valley(rate):
    N, anchors = 400, np.array([1e-3, 1e-2, 0.02, 0.3])
    ladder = exchange.first_ladder(anchors, N, rate)
    assert np.isin(anchors, ladder).all() and np.all(np.diff(ladder) > 0)
    rates = harmonic_rate(N, ladder[1:] / ladder[:-1])
    # A stretch between anchors holds a whole number of rungs: 7 at the least here.
    assert np.all(np.abs(rates - rate) < 0.06)
    assert rates.min() > exchange.LEAST_RATE - 0.01


def test_measured_rates_space_the_ladder():
    # A system with heat capacity 2 N/2 below T = 0.03, measured with noise on a harmonic ladder.
    N, anchors = 200, np.array([1e-3, 0.5])
    rng = np.random.default_rng(6)

    def distance(T):
        return (
            0.5
            * np.sqrt(N / 2)
            * np.where(T < 0.03, np.sqrt(2) * np.log(T / 0.03), np.log(T / 0.03))
        )

    def rates(ladder):
        return special.erfc(np.diff(distance(ladder)))

    ladder = exchange.first_ladder(anchors, N, 0.25)
    assert rates(ladder).min() < 0.12
    for _ in range(3):
        measured = rates(ladder) + 0.02 * rng.standard_normal(ladder.size - 1)
        ladder = exchange.refined_ladder(anchors, ladder, measured, 0.25)
    assert ladder[[0, -1]].tolist() == anchors.tolist()
    # 0.2 to 0.3 but for the noise and the stretches across the kink.
    assert np.mean((rates(ladder) > 0.2) & (rates(ladder) < 0.3)) > 0.9
    assert np.all((rates(ladder) > 0.15) & (rates(ladder) < 0.4))


def test_rates_that_cannot_be_told_from_0_and_1():
    anchors = np.array([0.1, 1.0])
    wide = exchange.refined_ladder(anchors, anchors, np.array([0.0]), 0.25)
    assert wide.size == 4  # erfcinv(0.001)/erfcinv(0.25) = 2.9 stretches
    assert exchange.refined_ladder(anchors, wide, np.ones(3), 0.25).tolist() == [0.1, 1.0]


def test_change_of_ladder_keeps_states_near_their_temperature():
    of = linear(3)
    temperatures = np.array([0.1, 0.4, 1.6])
    x = np.arange(18.0).reshape(3, 6)
    replicas = ensemble(of, x, temperatures, chains=2)
    replicas.columns = np.array([[2, 1, 0], [3, 5, 4]])
    replicas.step = np.array([0.1, 0.2, 0.4])
    replicas.place_on(np.array([0.1, 0.11, 0.8 * np.sqrt(0.5), 1.6]))
    np.testing.assert_array_equal(replicas.state.x[0].reshape(2, 4), [[2, 2, 1, 0], [3, 3, 5, 4]])
    np.testing.assert_array_equal(replicas.columns, np.arange(8).reshape(2, 4))
    assert replicas.step[[0, -1]] == pytest.approx([0.1, 0.4])
    assert 0.1 < replicas.step[1] < 0.2 < replicas.step[2] < 0.4
