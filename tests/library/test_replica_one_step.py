"""One step of replica-symmetry breaking: Phi off the saddle, limits in m, solutions."""

from dataclasses import replace

import numpy as np
import pytest

from quasipotential.replica.one_step import RULES, block_slope, release, run
from quasipotential.replica.single_site import (
    Model,
    OrderParameters,
    centred_averages,
    free_energy,
    site_averages,
)
from quasipotential.specs import OneStepSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

GENERIC = OrderParameters(q=0.2, Q=0.07, qhat=0.3, Qhat=0.8, G=0.7, Rp=0.1)
RULE = RULES[1]
CRITICAL = {(-0.5, 1.6): 1.9506, (-0.2, 1.6): 0.34231}  # T_c, docs/theory.md, section 5


def model(m, transfer="tanh"):
    return Model(-0.5, 1.2, 0.3, transfer_function(transfer).phi, m=m)


def solve(gamma, gc, *temperatures, **options):
    g = np.atleast_1d(gc) / (1 + gamma)
    return run(OneStepSpec(gamma=gamma, g=tuple(g), temperatures=temperatures, **options))


def test_two_replicas_are_a_double_integral():
    """m = 2: E zeta^2 is the integral over two sites of docs/theory.md, section 2, without fields.

    The trapezoid rule on 801 x 801 nodes is at rounding level.
    """
    here, p = model(2.0), GENERIC
    x = np.linspace(-14, 14, 801)
    phi = np.tanh(x)
    feedback = here.g**2 * here.gamma
    # y_a = x_a - g^2 gamma sum_b G_ba phi_b has the covariance T delta_ab + g^2 Q_ab.
    diagonal, cross = feedback * (p.G + p.Rp), feedback * p.Rp
    y1 = (x - diagonal * phi)[:, None] - cross * phi
    y2 = y1.T
    variance, covariance = here.temperature + here.g**2 * p.q, here.g**2 * p.Q
    determinant = variance**2 - covariance**2
    square = (variance * (y1**2 + y2**2) - 2 * covariance * y1 * y2) / determinant
    exponent = -square / 2 + p.qhat * (phi[:, None] ** 2 + phi**2) + p.Qhat * np.outer(phi, phi)
    total = np.exp(exponent).sum() * (x[1] - x[0]) ** 2 / (2 * np.pi * np.sqrt(determinant))
    averages = site_averages(here, p, RULE)
    assert 2 * averages.log_weight == pytest.approx(np.log(total), abs=1e-11)


@pytest.mark.parametrize(("m", "transfer"), [(0.4, "tanh"), (0.9, "tanh"), (0.4, "erf")])
def test_free_energy_is_stationary_where_the_equations_hold(m, transfer):
    """Seven derivatives of Phi at a generic point against the residuals.

    Central differences with a step of 1e-4 leave an error of order 1e-8.
    """
    here, p = model(m, transfer), GENERIC
    averages = site_averages(here, p, RULE)
    F, tolerance = averages.order, 1e-7
    response = here.g**2 * here.gamma

    def derivative(m=0, **direction):
        def phi(step):
            there = replace(here, m=here.m + m * step)
            moved = replace(p, **{k: getattr(p, k) + s * step for k, s in direction.items()})
            return free_energy(there, moved, site_averages(there, moved, RULE))

        return (phi(1e-4) - phi(-1e-4)) / 2e-4

    assert derivative(q=1) == pytest.approx(F.qhat - p.qhat, abs=tolerance)
    assert derivative(qhat=1) == pytest.approx(F.q - p.q, abs=tolerance)
    pairs = 1 - m
    assert derivative(Q=1) == pytest.approx(-pairs * (F.Qhat - p.Qhat) / 2, abs=tolerance)
    assert derivative(Qhat=1) == pytest.approx(-pairs * (F.Q - p.Q) / 2, abs=tolerance)
    diagonal = F.G + F.Rp - p.G - p.Rp
    assert derivative(G=1) == pytest.approx(response * diagonal, abs=tolerance)
    # At fixed G + R1 the connected response G falls as R1 rises.
    along = derivative(Rp=1, G=-1)
    assert along == pytest.approx(-pairs * response * (F.Rp - p.Rp), abs=tolerance)
    slope = p.Q * p.Qhat * block_slope(here, p, averages)
    assert derivative(m=1) == pytest.approx(slope, abs=tolerance)
    assert abs(slope) > 1e-3  # the test would hold at a saddle otherwise


def test_vanishing_blocks_are_the_symmetric_theory():
    """m -> 0: all averages tend to those of m = 0 linearly, with the slope that is returned."""
    symmetric = site_averages(model(0.0), GENERIC, RULE)
    for m in (1e-3, 1e-5):
        averages = site_averages(model(m), GENERIC, RULE)
        assert symmetric.order.distance(averages.order) < 2 * m
        rise = (averages.log_weight - symmetric.log_weight) / m
        assert rise == pytest.approx(symmetric.log_weight_slope, rel=m)
        assert averages.log_weight_slope == pytest.approx(symmetric.log_weight_slope, rel=2 * m)


@pytest.mark.parametrize("changes", [{}, {"Q": 0.15, "Qhat": 3.0, "Rp": -0.2}])
def test_blocks_of_one_replica_are_annealed(changes):
    """m = 1: Phi is that of Q = 0, whatever Q1, Q1^ and R1 are; rules exact to 1e-9."""
    here, p = model(1.0), replace(GENERIC, **changes)
    batch = replace(here, g=np.array([here.g]), temperature=np.array([here.temperature]))
    diagonal = np.array([p.G + p.Rp])
    centred = centred_averages(batch, np.array([p.q]), np.array([p.qhat]), diagonal, RULE)
    bound = free_energy(batch, OrderParameters(p.q, 0.0, p.qhat, 0.0, diagonal, 0.0), centred)
    averages = site_averages(here, p, RULE)
    assert free_energy(here, p, averages) == pytest.approx(bound[0], abs=1e-9)
    assert averages.order.q == pytest.approx(centred.order.q[0], abs=1e-9)
    assert averages.order.qhat == pytest.approx(centred.order.qhat[0], abs=1e-8)


@pytest.mark.parametrize(("gamma", "gc"), [(-0.5, 1.1), (-0.5, 1.6), (-0.2, 1.1), (-0.2, 1.6)])
def test_breaking_lowers_phi(gamma, gc):
    """Phi(1RSB) < Phi(RS) < Phi(Q = 0), and m lies where dPhi/dm changes sign from - to +."""
    curve = solve(gamma, gc, 1e-2, 5e-2)
    assert (curve.breaking == 1).all() and (curve.status == Status.CONVERGED.code).all()
    assert curve.residual.max() <= 1e-10 and curve.quadrature_error.max() <= 1e-8
    assert (curve.free_energy < curve.free_energy_symmetric - 1e-7).all()
    assert (curve.free_energy_symmetric < curve.free_energy_annealed - 1e-5).all()
    assert ((0 < curve.m) & (curve.m < 1) & (0 < curve.Q1) & (curve.Q1 < curve.q)).all()
    assert (curve.Q1 > curve.Q_symmetric).all()
    # Breaking brings the multiplier towards 1, not below: further steps would follow.
    assert ((1 < curve.multiplier) & (curve.multiplier < curve.multiplier_symmetric)).all()


@pytest.mark.parametrize(
    ("gamma", "gc", "warm", "cold"),
    [
        (-0.2, 1.1, -0.00165, -0.00358),
        (-0.5, 1.1, -0.00819, -0.00531),
        (-0.2, 1.6, -0.03324, -0.06583),
        (-0.5, 1.6, -0.07650, -0.11528),
    ],
)
def test_shift_of_the_self_overlap(gamma, gc, warm, cold):
    """q/q_symmetric - 1 at T = 1e-2 and 1e-3, to half a unit of the last digit (section 5)."""
    curve = solve(gamma, gc, 1e-3, 1e-2)
    assert curve.relative_shift.values[0] == pytest.approx(np.array([cold, warm]), abs=5e-6)


@pytest.mark.parametrize(("gamma", "gc"), CRITICAL)
def test_breaking_vanishes_at_the_onset(gamma, gc):
    """Below T_c m is proportional to T_c - T; 5 % from higher orders in (T_c - T)/T_c <= 0.02."""
    critical = CRITICAL[gamma, gc]
    curve = solve(gamma, gc, 0.98 * critical, 0.99 * critical, 1.001 * critical).isel(g=0)
    assert curve.breaking.values.tolist() == [1, 1, 0]
    assert np.isnan(curve.m[2]) and curve.Q_symmetric[2] == 0
    assert float(curve.m[0] / curve.m[1]) == pytest.approx(2, rel=0.05)


def test_phi_generates_the_energy():
    """dPhi/dbeta = T/2 - E/N; the difference quotient errs by about 1e-6."""
    T, h = 5e-2, 1e-3
    curve = solve(-0.5, 1.6, T / (1 + h), T, T / (1 - h))
    colder, _, hotter = curve.free_energy.values[0]
    excess = T / 2 - curve.energy.values[0, 1]
    assert (colder - hotter) * T / (2 * h) == pytest.approx(excess, rel=1e-4)
    assert abs(excess) > 1e-3


def test_cold_points_are_accurate():
    """zeta^m moves the weight of the fields outward, 2 sigma here: the rules must follow."""
    curve = solve(-0.2, 1.6, 3e-5)
    assert curve.status.item() == Status.CONVERGED.code


def test_the_solution_does_not_depend_on_the_start():
    """From several m and other order parameters: equal to the tolerance of the residual."""
    point = solve(-0.2, 1.6, 1e-2).squeeze()
    order = OrderParameters(*(float(point[k]) for k in ("q", "Q1", "qhat", "Qhat1", "G", "R1")))
    start = replace(order, Q=0.9 * order.Q, qhat=1.1 * order.qhat, Rp=0.9 * order.Rp)
    for m in (0.1, 0.3, 0.6):
        here = Model(-0.2, float(point.g), 1e-2, np.tanh, m=m)
        solution = release(here, start, RULES[2], 1e-10)
        assert solution.model.m == pytest.approx(float(point.m), rel=1e-8)
        assert solution.order.q == pytest.approx(float(point.q), rel=1e-8)


def test_a_start_that_leads_nowhere_is_reported():
    here = Model(-0.2, 1.5, 0.5, np.tanh, m=0.3)  # above T_c there is no breaking
    assert release(here, replace(GENERIC, Rp=0.02), RULES[0], 1e-10) is None


def test_points_without_breaking():
    """Q = 0 where it is stable (breaking 0); where the symmetric theory has no solution, -1."""
    stable = solve(0.5, (0.9, 1.3), 1e-2, 1.0)
    assert (stable.breaking == 0).all() and (stable.status == Status.CONVERGED.code).all()
    assert np.isnan(stable.q).all() and (stable.Q_symmetric == 0).all()
    assert stable.free_energy_annealed.values == pytest.approx(stable.free_energy_symmetric.values)
    beyond = solve(0.0, 1.1, 0.3, transfer="linear")
    assert beyond.breaking.item() == -1 and beyond.status.item() != Status.CONVERGED.code


def test_dataset_describes_itself():
    curve = solve(-0.5, (0.8, 1.6), 0.5)
    assert curve.breaking.values[:, 0].tolist() == [0, 1]
    for name, variable in curve.variables.items():
        assert variable.attrs["units"] == "1" and variable.attrs["long_name"], name
        expected = ("g", "temperature") if name not in curve.dims else (name,)
        assert variable.dims == expected
    assert curve.status.dtype == curve.breaking.dtype == np.int8
    ratio = curve.q / curve.q_symmetric - 1
    assert curve.relative_shift.values[1] == pytest.approx(ratio.values[1])
