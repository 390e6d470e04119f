"""Swaps in which replicas keep their noise: the map, its determinant, its way back, one unit.

That they leave the measure as it is, is tested with the other swaps (test_langevin_exchange.py).
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from quasipotential import langevin
from quasipotential.couplings import elliptic
from quasipotential.langevin import rescaling
from quasipotential.langevin.landscape import Landscape, State
from quasipotential.langevin.rescaling import Place, Rescaling
from quasipotential.specs import CouplingsSpec, LangevinSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function


def network(N, g, transfer="tanh", seed=0, eta=0.0):
    J = g * elliptic(N, 0.0, np.random.default_rng(seed))
    return Landscape(J, transfer_function(transfer), eta)


def one_unit(J=2.4, eta=0.0):
    """For J > 1 r = x - J tanh(x) has a maximum and a minimum: three branches between them."""
    return Landscape(np.array([[J]]), transfer_function("tanh"), eta)


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.0, 1.5])
@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_image_has_the_residual_that_is_asked_for(scale, strength):
    rng = np.random.default_rng(1)
    of = network(40, 0.7)
    field = strength * rng.choice([-1.0, 1.0], 40)
    map_ = Rescaling(of, field)
    start = map_.place(0.5 * rng.standard_normal(40))
    y = map_.image(start, scale)
    r = y - of.J @ np.tanh(y) - field
    np.testing.assert_allclose(r, scale * start.residual, atol=1e-8)
    assert map_.returns(start, map_.place(y), scale)


def test_determinants_are_those_of_the_map():
    # dy/dx by differences: s^N |det A(x)|/|det A(y)|.
    rng = np.random.default_rng(2)
    N, scale, h = 6, 0.7, 1e-5
    map_ = Rescaling(network(N, 1.1))
    x = 0.4 * rng.standard_normal(N)
    start = map_.place(x)
    end = map_.place(map_.image(start, scale))
    columns = [
        map_.image(map_.place(x + h * e), scale) - map_.image(map_.place(x - h * e), scale)
        for e in np.eye(N)
    ]
    found = np.linalg.slogdet(np.transpose(columns) / (2 * h))[1]
    expected = N * np.log(scale) + start.log_determinant - end.log_determinant
    assert found == pytest.approx(expected, abs=1e-5)
    A = np.eye(N) - map_.landscape.J / np.cosh(x) ** 2
    assert start.log_determinant == pytest.approx(np.linalg.slogdet(A)[1], abs=1e-12)
    b = rng.standard_normal(N)
    np.testing.assert_allclose(start.solve(b), np.linalg.solve(A, b), atol=1e-12)


def test_a_state_without_noise_stays():
    map_ = Rescaling(network(10, 1.5))
    start = map_.place(np.zeros(10))
    np.testing.assert_array_equal(map_.image(start, 0.5), 0.0)
    assert map_.returns(start, start, 0.5)


def test_what_does_not_come_back_is_refused():
    # r at the maximum, x = -1, is 0.83 for J = 2.4: beyond it there is only the branch at x > 2,
    # from which the way back stays on that branch.
    map_ = Rescaling(one_unit())
    start = map_.place(np.array([-1.2]))
    y = map_.image(start, 2.0)
    assert y is not None and y[0] > 2.0
    assert not map_.returns(start, map_.place(y), 2.0)
    harmless = (np.array([2.2]), np.array([2.3]))
    temperatures = np.array([0.1, 0.4])
    assert map_.swapped(harmless, temperatures, 0.0) is not None
    assert map_.swapped((start.x, harmless[1]), temperatures, 0.0) is None


def test_linear_networks_always_swap_whatever_their_size():
    # Three rungs: the pair (0, 1), then (1, 2).  A chain has a field of its own.
    N, chains, T = 200, 3, np.array([0.01, 1.0, 4.0])
    of = network(N, 0.5, "linear")
    rng = np.random.default_rng(3)
    fields = np.repeat(rng.choice([-0.3, 0.3], (N, chains)), 3, axis=1)
    state = State(of, rng.standard_normal((N, 3 * chains)), fields)
    columns = np.arange(3 * chains).reshape(chains, 3)

    def residuals():
        return state.x - of.J @ state.x - fields

    before = residuals()
    first = rescaling.swap(state, columns, T, 0, rng)
    np.testing.assert_array_equal(first, [1.0, np.nan])
    second = rescaling.swap(state, columns, T, 1, rng)
    np.testing.assert_array_equal(second, [np.nan, 1.0])
    np.testing.assert_array_equal(columns[1], [4, 5, 3])
    # From the rungs 0, 1, 2 to 2, 0, 1.
    factors = np.tile(np.sqrt(T[[2, 0, 1]] / T), chains)
    np.testing.assert_allclose(residuals(), factors * before, atol=1e-8)
    np.testing.assert_allclose(state.energy, 0.5 * (residuals() ** 2).sum(axis=0), rtol=1e-12)


def weight(of, x, T):
    """Boltzmann weight of one unit, x (K,)."""
    return np.exp(-of.energy(x[None]) / T)


def least_p_value(of, temperatures, chains):
    """Of one unit after one swap from exact draws, against fresh draws; the swap rate."""
    rng = np.random.default_rng(4)
    line = np.linspace(-8.0, 8.0, 200_001)
    draws = []
    for T in temperatures:
        distribution = np.cumsum(weight(of, line, T))
        draws.append(np.interp(rng.random(2 * chains) * distribution[-1], distribution, line))
    states, fresh = np.array(draws)[:, :chains], np.array(draws)[:, chains:]
    state = State(of, states.T.reshape(1, -1))
    columns = np.arange(2 * chains).reshape(chains, 2)
    (rate,) = rescaling.swap(state, columns, temperatures, 0, rng)
    p = [
        stats.ks_2samp(function(x), function(reference)).pvalue
        for x, reference in zip(state.x[0, columns.T], fresh, strict=True)
        for function in (lambda x: x, np.abs, lambda x: of.energy(x[None]))
    ]
    return min(p), rate


@pytest.mark.parametrize("eta", [0.0, 0.1])
@pytest.mark.parametrize("J", [0.9, 2.4])
def test_one_swap_leaves_the_measure_as_it_is(J, eta):
    p, rate = least_p_value(one_unit(J, eta), np.array([0.05, 0.3]), 1500)
    assert 0.1 < rate < 0.95
    assert p > 1e-4


@pytest.mark.parametrize(
    ("wrong", "J", "temperatures"),
    [
        ((Place, "log_determinant", property(lambda self: 0.0)), 0.9, [0.02, 0.5]),
        ((Rescaling, "energy", lambda *_: 0.0), 2.4, [0.05, 0.3]),
        ((Rescaling, "returns", lambda *_: True), 2.4, [0.3, 2.0]),
    ],
    ids=["no determinants", "no energy", "no way back"],
)
def test_a_wrong_rule_would_be_found(monkeypatch, wrong, J, temperatures):
    of = one_unit(J, 0.1)
    assert least_p_value(of, np.array(temperatures), 3000)[0] > 1e-4
    monkeypatch.setattr(*wrong)
    assert least_p_value(of, np.array(temperatures), 3000)[0] < 1e-6


def test_ladders_have_few_rungs_whatever_the_size():
    base = {
        "g": 0.8,
        "temperatures": (1e-4,),
        "algorithm": "hmc",
        "exchange": True,
        "step": 0.3,
        "path_length": 2.0,
        "hottest": 0.1,
        "chains": 4,
        "warmup": 60,
        "draws": 20,
        "seed": 1,
    }
    rungs = {}
    for N in (20, 80):
        for rescale in (False, True):
            spec = LangevinSpec(
                couplings=CouplingsSpec(N=N, gamma=0.0, seed=5), rescale=rescale, **base
            )
            J = elliptic(N, 0.0, np.random.default_rng(5))
            dataset = langevin.run(spec, J)
            rungs[N, rescale] = dataset.sizes["rung"]
            assert spec.columns() > 0.7 * spec.chains * rungs[N, rescale]  # memory is asked for
    # sqrt(N) rungs against a few for any N.
    assert rungs[80, False] > 1.6 * rungs[20, False]
    assert rungs[80, True] <= rungs[20, True] + 1 < rungs[80, False] / 4


def test_both_kinds_of_swaps_give_the_same_averages():
    # Two routes to one measure with several valleys; the rescaled ladder has half of the rungs.
    J = elliptic(20, 0.0, np.random.default_rng(13))
    runs = {}
    for rescale in (False, True):
        spec = LangevinSpec(
            couplings=CouplingsSpec(N=20, gamma=0.0, seed=13),
            g=1.5,
            temperatures=(1e-3, 1e-2),
            algorithm="hmc",
            exchange=True,
            rescale=rescale,
            step=0.3,
            path_length=10.0,
            hottest=0.3,
            chains=8,
            warmup=150,
            draws=600 if rescale else 2500,
            rhat_limit=1.03,  # short runs
            seed=2,
        )
        runs[rescale] = langevin.run(spec, J)
        assert np.all(runs[rescale]["status"] == Status.CONVERGED.code)
    plain, rescaled = runs[False], runs[True]
    assert rescaled.sizes["rung"] < 0.6 * plain.sizes["rung"]
    for name in ("q", "energy", "mean_square_x", "overlap_absolute"):
        difference = rescaled[f"{name}_mean"] - plain[f"{name}_mean"]
        error = np.hypot(rescaled[f"{name}_mcse"], plain[f"{name}_mcse"])
        assert np.all(np.abs(difference) < 4.5 * error), name
        assert np.all(error < 0.1 * plain[f"{name}_mean"]), name


def test_rescale_needs_exchange():
    with pytest.raises(ValueError, match="rescale is a kind of exchange"):
        LangevinSpec(
            couplings=CouplingsSpec(N=5, gamma=0.0, seed=5),
            g=0.5,
            temperatures=(0.1,),
            algorithm="hmc",
            rescale=True,
            step=0.3,
            path_length=2.0,
            hottest=0.1,
            chains=4,
            warmup=60,
            draws=20,
            seed=1,
        )
