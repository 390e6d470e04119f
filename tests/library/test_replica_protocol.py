"""The published protocol: its averages, its rules, and what it ends on with exact averages."""

from dataclasses import replace

import numpy as np
import pytest

from quasipotential.replica import run as solve
from quasipotential.replica.protocol import (
    NODES,
    REACH,
    FrozenSample,
    Iterate,
    advance,
    clip,
    exact_averages,
    gather,
    run,
    sample_averages,
    stops,
)
from quasipotential.replica.single_site import (
    DomainError,
    Model,
    OrderParameters,
    Quadrature,
    site_averages,
)
from quasipotential.specs import ProtocolSpec, ReplicaSpec
from quasipotential.status import Status

GENERIC = OrderParameters(q=0.2, Q=0.07, qhat=0.3, Qhat=0.8, G=0.7, Rp=0.1)
OBSERVABLES = ("log_weight", "mean_square_x", "excess")


def protocol(**changes):
    settings = dict(gamma=0.0, g=(1.2,), temperatures=(1e-2,), sweep="g", seed=1)
    settings |= dict(outer=200, inner=300, iterations=150)
    return run(ProtocolSpec(**(settings | changes)))


def vector(averages):
    return np.array([*averages.order.array(), *(getattr(averages, name) for name in OBSERVABLES)])


@pytest.mark.parametrize(("gamma", "eta"), [(-0.5, 0.0), (0.3, 0.2)])
def test_averages_agree_with_quadrature(gamma, eta):
    """Within 4.5 standard errors of 20 independent samples; nine numbers for each case.

    The bias of self-normalised sums, of order 1/inner, is below the standard error here.
    """
    model = Model(gamma, 1.2, 0.3, np.tanh, eta)
    draws = np.array(
        [vector(sample_averages(FrozenSample(7, k, 400, 1000), model, GENERIC)) for k in range(20)]
    )
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    exact = vector(site_averages(model, GENERIC, Quadrature()))
    assert np.all(np.abs(draws.mean(axis=0) - exact) < 4.5 * error)
    assert np.all(error < 0.03 * np.abs(exact) + 0.01)


@pytest.mark.parametrize("inner", [5, 100])
def test_few_inner_draws_leave_a_floor_of_Qhat(inner):
    """Without fields the mean of x has variance s2/inner: Q^ = g^2/(s2 inner), where 0 is exact.

    The floor is estimated from 5000 squares, with relative standard error sqrt(2/5000).
    """
    order = OrderParameters(1e-3, 0.0, 0.0, 0.0, 0.0, 0.0)
    s2 = 1e-2 + 1.44 * order.q
    model = Model(0.0, 1.2, 1e-2, np.tanh)
    Qhat = sample_averages(FrozenSample(3, 0, 5000, inner), model, order).order.Qhat
    assert Qhat * s2 * inner / 1.44 == pytest.approx(1, abs=4.5 * np.sqrt(2 / 5000))


def test_the_subtracting_form_turns_the_error_of_x_squared_into_one_of_qhat():
    """Without fields at gamma = 0 and q^ = 0: q^ = (g^2/2) e/s2, e the error of <x^2>/s2."""
    model, q = Model(0.0, 1.2, 1e-4, np.tanh), 1e-5
    averages = sample_averages(
        FrozenSample(2, 0, 100, 50), model, OrderParameters(q, 0.0, 0.0, 0.0, 0.0, 0.0)
    )
    s2 = 1e-4 + 1.44 * q
    error = averages.mean_square_x / s2 - 1
    assert abs(error) > 1e-3  # of order sqrt(2/5000)
    assert averages.order.qhat == pytest.approx(0.72 * error / s2, rel=1e-9)


def test_gathering_keeps_cubic_sums_and_the_averages():
    """Sums of z^k, k <= 3, to rounding; averages far below the error of the sample."""
    z = np.random.default_rng(5).standard_normal((3, 2000))
    nodes, numbers = np.linspace(-REACH, REACH, NODES), gather(z)
    for power in range(4):
        assert numbers @ nodes**power == pytest.approx((z**power).sum(axis=1), rel=1e-11)
    model = Model(-0.5, 1.2, 0.3, np.tanh)
    sample = FrozenSample(7, 0, 500, 2000)
    gathered = vector(sample_averages(sample, model, GENERIC))
    direct = vector(sample_averages(replace(sample, gathered=False), model, GENERIC))
    exact = vector(site_averages(model, GENERIC, Quadrature()))
    assert gathered == pytest.approx(direct, rel=1e-5, abs=1e-5)
    assert np.abs(gathered - direct).max() < 1e-3 * np.abs(direct - exact).max()


@pytest.mark.parametrize("gathered", [True, False])
def test_chunks_do_not_change_the_averages(gathered):
    """The sample is the same; sums of a row may round differently."""
    model, sample = Model(0.3, 1.2, 0.3, np.tanh), FrozenSample(7, 0, 101, 50, gathered)
    whole = vector(sample_averages(replace(sample, chunk=10**7), model, GENERIC))
    parts = vector(sample_averages(replace(sample, chunk=1), model, GENERIC))
    assert parts == pytest.approx(whole, rel=1e-13)


def test_exact_averages_without_fields_are_those_with_fields():
    model, order = Model(0.5, 0.9, 1e-2, np.tanh), OrderParameters(0.12, 0, -0.9, 0, 0.9, 0)
    centred = vector(exact_averages(model, order))
    assert centred == pytest.approx(vector(site_averages(model, order, Quadrature())), abs=1e-9)


@pytest.mark.parametrize("changes", [{"Q": 0.6}, {"Q": -0.01}, {"Qhat": 1e-4}, {"Qhat": -1.0}])
def test_outside_the_domain_is_refused(changes):
    sample = FrozenSample(1, 0, 4, 5)
    with pytest.raises(DomainError):
        sample_averages(sample, Model(-0.5, 1.2, 0.3, np.tanh), replace(GENERIC, **changes))


def test_a_step_is_damped_and_the_weight_lags_behind():
    old = Iterate(GENERIC, G=0.2, Rp=0.05)
    image = OrderParameters(0.3, 0.1, -1.0, 0.5, 0.9, 0.3)
    new = advance(old, image, 0.2)
    assert new.order.array() == pytest.approx(0.2 * GENERIC.array() + 0.8 * image.array())
    assert (new.G, new.Rp) == pytest.approx((0.2 * 0.2 + 0.8 * 0.7, 0.2 * 0.05 + 0.8 * 0.1))
    assert new.weight == replace(new.order, G=new.G, Rp=new.Rp)


def test_clipping_brings_back_into_the_domain():
    inside = Iterate(GENERIC, 0.5, 0.1)
    assert clip(inside, 1.2, -0.5) == (inside, 0)
    outside = Iterate(replace(GENERIC, Q=-0.1, Qhat=-3.0), 0.5, 0.1)
    clipped, count = clip(outside, 1.2, -0.5)
    assert (clipped.order.Q, clipped.order.Qhat, count) == (1e-5, 1e-5, 3)
    assert (1.2 * 0.5 * clipped.Rp) ** 2 == pytest.approx(0.1 * 1e-10)
    assert 1.44 * -0.5 * clipped.Rp > 0  # R^ becomes the positive root
    assert clipped.order.Rp == GENERIC.Rp  # the order parameter itself stays


def test_the_stopping_rule():
    """Absolute or relative, in the paper's r and R; a negative value passes the relative test."""
    old = OrderParameters(1e-3, 1e-4, 5.0, 9.0, 0.5, 0.1)
    assert stops(old, replace(old, q=1.7e-3, qhat=80.0), 0.01, 0.2)
    assert not stops(old, replace(old, q=1.9e-3), 0.01, 0.2)
    assert not stops(old, replace(old, q=1.7e-3), 0.01, 0.8)
    assert not stops(old, replace(old, G=0.6), 0.01, 0.2)  # r by 1e-3
    big = OrderParameters(0.5, 0.3, 5.0, 9.0, 50.0, 10.0)
    assert stops(big, replace(big, q=0.503), 0.01, 0.2)
    assert not stops(big, replace(big, q=0.505), 0.01, 0.2)
    assert stops(big, replace(big, q=0.503, Rp=-10.0, G=70.0), 0.01, 0.2)


@pytest.mark.parametrize(("g", "q"), [(0.8, 2.7735e-4), (1.0, 7.04185e-3), (1.2, 0.173451)])
def test_with_exact_averages_it_ends_on_the_exact_solution(g, q):
    """T = 1e-4 (docs/theory.md, section 3). Without the stopping rule q is exact; Q has decayed."""
    end = protocol(
        g=(g,), temperatures=(1e-4,), averages="quadrature", stopping=False, iterations=1500
    ).squeeze()
    assert float(end.q) == pytest.approx(q, rel=2e-4)
    assert 0 <= float(end.Q) < 2e-3 * q
    assert float(end.exact_residual) < 1e-4
    assert int(end.status) == Status.NOT_CONVERGED.code and int(end.stopped) == 0


def test_without_fields_it_is_the_branch_Q_zero():
    """Exact averages against Newton's method at gamma = 0.5; all that belongs to fields is 0."""
    settings = dict(gamma=0.5, g=(0.8667,), temperatures=(1e-2,))
    end = protocol(**settings, averages="quadrature", fields=False, stopping=False).squeeze()
    solution = solve(ReplicaSpec(**settings)).squeeze()
    names = ("q", "qhat", "G", "energy", "mean_square_x", "covariance_x_phi", "free_energy")
    for name in (*names, "r_minus_R"):
        assert float(end[name]) == pytest.approx(float(solution[name]), rel=1e-5, abs=1e-7), name
    assert all(float(end[name]) == 0 for name in ("Q", "Qhat", "Rp", "R"))


def test_the_stopping_rule_ends_a_run_and_its_absence_does_not():
    stopped = protocol(temperatures=(1.0,)).squeeze()
    assert int(stopped.status) == Status.CONVERGED.code and int(stopped.stopped) == 1
    assert int(stopped.iterations) == 101  # the first time that it may
    free = protocol(temperatures=(1.0,), stopping=False).squeeze()
    assert int(free.status) == Status.NOT_CONVERGED.code and int(free.iterations) == 150
    assert np.isnan(stopped.q_path).sum() == 0 and stopped.sizes["iteration"] == 101
    shared = free.q_path[:101].values  # the same sample: the same path
    assert np.array_equal(stopped.q_path.values, shared)


def test_without_clipping_a_path_that_leaves_the_domain_ends_there():
    """Few draws of the fields: Q^ becomes negative with some of the samples."""
    settings = dict(outer=50, inner=2000, samples=6, q=1e-5, Q=5e-6, iterations=60)
    clipped, free = protocol(**settings), protocol(**settings, clipping=False)
    outside = clipped.clipped.values > 0
    assert 0 < outside.sum() < outside.size
    assert np.array_equal(free.status == Status.UNPHYSICAL.code, outside)
    assert np.array_equal(np.isnan(free.q), outside) and (free.clipped == 0).all()
    assert np.array_equal(free.q.values[~outside], clipped.q.values[~outside])
    assert (free.attempts == 1).all()  # nothing in this start is random


def test_a_random_start_that_fails_is_followed_by_others():
    data = protocol(outer=50, inner=2000, samples=6, iterations=60, clipping=False, attempts=3)
    failed = data.status == Status.UNPHYSICAL.code
    assert failed.any() and (data.attempts.values[failed] == 3).all()


@pytest.mark.parametrize("sweep", ["g", "beta"])
def test_a_sweep_starts_each_point_from_the_one_before(sweep):
    """g rises or T falls; the other axis has sweeps of its own."""
    data = protocol(g=(0.8, 0.9), temperatures=(0.05, 0.1), sweep=sweep, samples=2)
    starts = data.q_path.isel(iteration=0)
    first, second = (
        (dict(g=0), dict(g=1)) if sweep == "g" else ({"temperature": 1}, {"temperature": 0})
    )
    assert (starts.isel(first) == np.float32(1e-5)).all()
    assert np.array_equal(starts.isel(second), data.q.isel(first).astype(np.float32))


def test_samples_are_independent_and_results_repeat_bit_by_bit():
    data = protocol(samples=2)
    assert float(data.q[0, 0, 0]) != float(data.q[0, 0, 1])
    assert data.identical(protocol(samples=2))
    assert data.isel(sample=[0]).identical(protocol(samples=1))
    assert float(protocol(seed=2).q.squeeze()) != float(data.q[0, 0, 0])


def test_at_high_temperature_it_agrees_with_the_solution():
    """T = 1: q of 6 samples within 4.5 standard errors of Newton's method."""
    data = protocol(temperatures=(1.0,), samples=6, stopping=False, iterations=60)
    solution = solve(ReplicaSpec(gamma=0.0, g=(1.2,), temperatures=(1.0,))).squeeze()
    error = float(data.q.std(ddof=1)) / np.sqrt(6)
    assert abs(float(data.q.mean()) - float(solution.q)) < 4.5 * error < 0.05


def test_every_variable_says_what_it_is():
    data = protocol(iterations=3)
    for variable in data.variables.values():
        assert variable.attrs["long_name"] and variable.attrs["units"] == "1"
