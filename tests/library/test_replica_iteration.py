"""Damped iteration of the saddle-point equations."""

import numpy as np
import pytest

from quasipotential.replica import run
from quasipotential.replica.iteration import iterate
from quasipotential.replica.single_site import Model, OrderParameters, Quadrature
from quasipotential.specs import IterationSpec, ReplicaSpec
from quasipotential.status import Status


def paths(**changes):
    settings = dict(
        gamma=0.0, g=(0.8, 1.2), temperature=1e-2, damping=0.5, iterations=400, q=1e-5, Q=5e-6
    )
    return run(IterationSpec(**(settings | changes)))


def test_it_starts_where_the_spec_says():
    first = paths(iterations=1).isel(iteration=0)
    assert first.q.values.tolist() == [1e-5, 1e-5]
    assert first.Q.values.tolist() == [5e-6, 5e-6]
    assert all((first[name] == 0).all() for name in ("qhat", "Qhat", "G", "Rp"))


@pytest.mark.parametrize(("gamma", "g"), [(0.0, 0.8), (0.0, 1.2), (0.5, 0.8667), (-0.5, 0.8)])
def test_it_ends_on_the_solution(gamma, g):
    """Where Q = 0 is stable, Q decays; distances follow from the last change, below 1e-8."""
    end = paths(gamma=gamma, g=(g,), iterations=1000).isel(g=0, iteration=-1)
    solution = run(ReplicaSpec(gamma=gamma, g=(g,), temperatures=(1e-2,))).squeeze()
    assert int(end.status) == Status.CONVERGED.code
    assert float(end.quadrature_error) < 1e-8
    for name in ("q", "qhat", "G"):
        assert float(end[name]) == pytest.approx(float(solution[name]), rel=1e-5, abs=1e-6), name
    assert 0 <= float(end.Q) < 1e-5


def test_it_ends_on_positive_Q_where_Q_zero_is_unstable():
    """gamma = -0.2, g = 1.5, T = 0.05, against Newton's method."""
    end = paths(gamma=-0.2, g=(1.5,), temperature=0.05, iterations=1500).isel(g=0, iteration=-1)
    solution = run(ReplicaSpec(gamma=-0.2, g=(1.5,), temperatures=(0.05,))).squeeze()
    assert int(end.status) == Status.CONVERGED.code and int(solution.branch) == 1
    for name in ("q", "Q", "qhat", "Qhat", "G", "Rp"):
        assert float(end[name]) == pytest.approx(float(solution[name]), rel=1e-5), name


def test_an_unfinished_path_is_marked():
    short = paths(iterations=5)
    assert (short.status == Status.NOT_CONVERGED.code).all()
    assert short.residual.isel(iteration=-1).min() > 1e-8


def test_a_path_that_leaves_the_domain_ends():
    """A start with negative variance of the fields: NaN afterwards, and the status says so."""
    start = OrderParameters(q=0.2, Q=0.1, qhat=0.0, Qhat=0.01, G=0.5, Rp=0.9)
    path = iterate(Model(-0.5, 1.2, 0.1, np.tanh), start, 0.5, 3, Quadrature(), 1e-8, 1e-8)
    assert path.status is Status.UNPHYSICAL
    assert np.isnan(path.values[:, 1:]).all() and np.isfinite(path.values[:, 0]).all()


def test_it_repeats_bit_by_bit():
    assert paths(iterations=20).identical(paths(iterations=20))
