"""Replica-symmetric solutions: check values, limits, thermodynamics, branches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quasipotential.couplings import elliptic
from quasipotential.replica import overlap
from quasipotential.replica.branches import downward, refine
from quasipotential.replica.saddle_point import solve_centred, solve_full
from quasipotential.replica.single_site import Model, Quadrature, free_energy
from quasipotential.replica.solutions import run
from quasipotential.specs import ReplicaSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function


def solve(gamma, g, *temperatures, **options):
    return run(ReplicaSpec(gamma=gamma, g=np.atleast_1d(g), temperatures=temperatures, **options))


def at(dataset, name, temperature):
    """Values of a variable along g."""
    return dataset[name].sel(temperature=temperature, method="nearest").values


def all_converged(dataset):
    return bool((dataset["status"] == Status.CONVERGED.code).all())


def gaussian_average(function, variance):
    """Trapezoid average over N(0, variance): independent of the library's rules."""
    z = np.linspace(-9, 9, 2001)
    weight = np.exp(-(z**2) / 2)
    return np.sum(weight * function(np.sqrt(variance) * z)) / np.sum(weight)


def test_check_values():
    """Values of docs/theory.md, section 3; tolerance half a unit of their last digit."""
    cold, warm = (solve(0.0, (0.8, 1.0, 1.2), T) for T in (1e-4, 1e-2))
    q, x2 = at(cold, "q", 1e-4), at(cold, "mean_square_x", 1e-4)
    assert q[0] == pytest.approx(2.7735e-4, abs=5e-9)
    assert q[1] == pytest.approx(7.04185e-3, abs=5e-9)
    assert q[2] == pytest.approx(0.173451, abs=5e-7)
    assert x2[2] == pytest.approx(0.24987, abs=5e-6)
    assert at(warm, "q", 1e-2)[0] == pytest.approx(0.0243783, abs=5e-8)
    assert at(warm, "q", 1e-2)[2] == pytest.approx(0.189177, abs=5e-7)
    assert at(warm, "mean_square_x", 1e-2)[2] == pytest.approx(0.28241, abs=5e-6)

    point = solve(0.5, 0.866667, 1e-2).squeeze()
    assert float(point.q) == pytest.approx(0.124503, abs=5e-7)
    assert float(point.qhat) == pytest.approx(-0.94365, abs=5e-6)
    assert float(point.G) == pytest.approx(0.93564, abs=5e-6)
    assert float(point.energy) == pytest.approx(0.0048744, abs=5e-8)


@settings(max_examples=15, deadline=None)
@given(g=st.floats(0, 3), exponent=st.floats(-4, 1), transfer=st.sampled_from(["tanh", "erf"]))
def test_at_gamma_zero_the_theory_is_in_closed_form(g, exponent, transfer):
    """gamma = 0: q^ = 0, Phi = 0, E/N = T/2 and x ~ N(0, T + g^2 q); rules exact to 1e-8."""
    point = solve(0.0, g, 10.0**exponent, transfer=transfer)
    assert all_converged(point)
    point = point.squeeze()
    T, g, q = float(point.temperature), float(point.g), float(point.q)
    variance = T + g**2 * q
    phi = transfer_function(transfer).phi
    assert q == pytest.approx(gaussian_average(lambda x: phi(x) ** 2, variance), rel=1e-8)
    assert float(point.qhat) * q == pytest.approx(0, abs=1e-8)
    assert float(point.free_energy) == pytest.approx(0, abs=1e-8)
    assert float(point.energy) == pytest.approx(T / 2, rel=1e-8)
    assert float(point.mean_square_x) == pytest.approx(variance, rel=1e-8)
    assert float(point.multiplier) == pytest.approx((g * float(point.G)) ** 2, abs=1e-6)
    spread = q / (1 - (g * float(point.G)) ** 2)
    assert float(point.overlap_variance) == pytest.approx(spread**2, rel=1e-6)


@pytest.mark.parametrize("gamma", [-1.0, -0.4, 0.0, 0.5, 1.0])
def test_linear_transfer_function(gamma):
    """Closed form of docs/theory.md, section 3, at any T; beyond gc = 1 there is no solution."""
    g = np.array([0.0, 0.2, 0.45])
    T = 0.3
    curve = solve(gamma, g, T, transfer="linear")
    assert all_converged(curve)
    G = 2 / (1 + np.sqrt(1 - 4 * gamma * g**2))
    expected = {
        "G": G,
        "qhat": 0 * g,
        "mean_square_x": T * G**2 / (1 - g**2 * G**2),
        "free_energy": np.log(G) - gamma * g**2 * G**2 / 2,
        "energy": 0 * g + T / 2,
    }
    for name, value in expected.items():
        assert at(curve, name, T) == pytest.approx(value, rel=1e-8, abs=1e-9), name


@pytest.mark.parametrize("gamma", [-0.5, 0.0, 0.5, 1.0])
def test_variance_of_the_overlap_of_gaussian_states(gamma):
    """Linear phi: x has the covariance T (A^T A)^-1, A = 1 - J, so that N <Q_ab^2> is
    T^2 tr (A^T A)^-2 / N: on 20 networks of 300 units, whose mean is off by about 3/N."""
    g, T, N = 0.35, 0.3, 300
    rng = np.random.default_rng(1)
    traces = []
    for _ in range(20):
        J = g * elliptic(N, gamma, rng)
        singular = np.linalg.svd(np.eye(N) - J, compute_uv=False)
        traces.append(np.mean(singular**-4.0))
    curve = solve(gamma, g, T, transfer="linear")
    assert float(curve.overlap_variance.squeeze()) == pytest.approx(
        T**2 * np.mean(traces), rel=0.03
    )


def test_variance_of_the_overlap_is_given_where_zero_overlap_is_stable():
    curve = solve(-0.2, (0.5, 1.375), 0.01, 1.0)
    variance = curve.candidate_overlap_variance.sel(candidate="descending")
    assert np.isfinite(variance.values).tolist() == [[True, True], [False, True]]
    assert np.isnan(curve.candidate_overlap_variance.sel(candidate="full")).all()
    assert np.isnan(curve.overlap_variance.values[1, 0])  # the selected solution has Q > 0
    cold, warm = solve(0.5, 0.9, 0.0), solve(0.5, 0.9, 1e-7)  # q > 0 at T = 0
    assert float(cold.overlap_variance.squeeze()) == pytest.approx(
        float(warm.overlap_variance.squeeze()), rel=1e-3
    )


@pytest.mark.parametrize("gamma", [-0.5, 0.0, 0.5])
def test_a_point_without_solution_is_marked(gamma):
    """Linear phi at gc >= 1: 1 - J has a null vector, and the measure no normalisation."""
    beyond = solve(gamma, np.array([0.9, 1.0, 1.1]) / (1 + gamma), 0.0, 0.3, transfer="linear")
    for temperature in (0.0, 0.3):
        status = at(beyond, "status", temperature).tolist()
        assert status == [Status.CONVERGED.code, Status.NO_SOLUTION.code, Status.NO_SOLUTION.code]
    assert np.isnan(beyond.q.values[1:]).all() and (beyond.branch.values[1:] == -1).all()


@pytest.mark.parametrize(("gamma", "g", "T"), [(0.5, 1.0, 0.05), (-0.2, 1.5, 0.05)])
def test_phi_generates_the_energy(gamma, g, T):
    """dPhi/dbeta = T/2 - E/N on both branches; the difference quotient errs by about 1e-6."""
    h = 1e-3
    curve = solve(gamma, g, T / (1 + h), T, T / (1 - h))
    assert np.unique(curve.branch).tolist() == [1 if gamma < 0 else 0]
    colder, _, hotter = curve.free_energy.values[0]
    slope = (colder - hotter) * T / (2 * h)
    excess = T / 2 - curve.energy.values[0, 1]
    assert slope == pytest.approx(excess, rel=1e-4)
    assert abs(excess) > 1e-5  # the test would hold for E/N = T/2 otherwise


@pytest.mark.parametrize(
    ("gamma", "gc", "critical"),
    [
        (-0.5, 1.0, 0.5657),
        (-0.5, 1.2, 0.9772),
        (-0.5, 1.6, 1.9506),
        (-0.2, 1.0, 0.05374),
        (-0.2, 1.2, 0.15115),
        (-0.2, 1.6, 0.34231),
    ],
)
def test_onset_of_positive_Q(gamma, gc, critical):
    """T_c of docs/theory.md, section 5, bracketed to 2e-4; Q > 0 sets in continuously below it."""
    below, above = critical * (1 - 2e-4), critical * (1 + 2e-4)
    curve = solve(gamma, gc / (1 + gamma), below, 0.95 * critical, above)
    assert at(curve, "multiplier_annealed", below)[0] > 1 > at(curve, "multiplier", above)[0]
    assert at(curve, "branch", above)[0] == 0
    colder = curve.isel(g=0, temperature=0)
    assert int(colder.branch) == 1
    assert 0 < float(colder.Q) < 0.1 * float(colder.q)
    assert float(colder.multiplier) < float(colder.multiplier_annealed)


def test_reentrant_window():
    """gamma = -0.5, gc = 0.9: Q = 0 is unstable for 7.1e-4 < T < 0.377 only (section 5)."""
    curve = solve(-0.5, 1.8, 1e-4, 6.9e-4, 7.4e-4, 0.376, 0.378)
    assert curve.branch.values[0, [0, 1, 4]].tolist() == [0, 0, 0]
    assert (curve.multiplier_annealed.values[0, 2:4] > 1).all()
    assert curve.branch.values[0, 2] in (1, -1)  # never the unstable solution with Q = 0
    # At T = 1e-4 the linear limit is chosen, not the solution connected to high temperature.
    G = 2 / (1 + np.sqrt(1 + 2 * 1.8**2))
    assert curve.q.values[0, 0] == pytest.approx(1e-4 * G**2 / (1 - (1.8 * G) ** 2), rel=0.2)


def test_positive_Q_satisfies_bounds_and_lowers_phi():
    curve = solve(-0.2, (1.3, 1.5), 1e-2)
    assert all_converged(curve)
    for i, g in enumerate(curve.g.values):
        point = curve.isel(g=i, temperature=0)
        assert 0 < float(point.Q) < float(point.q)
        assert (g * float(point.Rp)) ** 2 <= float(point.Q) * float(point.Qhat)
        here = Model(-0.2, np.array([g]), np.array([1e-2]), np.tanh)
        start = np.array([[np.log(point.q), 0.0, point.G]])
        annealed = solve_centred(here, start, Quadrature(), 1e-10)
        bound = free_energy(here, annealed.order, annealed.averages)[0]
        assert annealed.residual[0] < 1e-10
        assert float(point.free_energy) < bound


def test_zero_temperature_is_static_dmft_at_gamma_zero():
    """gamma = 0: fixed points of the dynamics (section 8), to a unit of the last digit given."""
    curve = solve(0.0, (0.9, 1.1, 1.2, 1.5), 0.0)
    assert all_converged(curve)
    assert at(curve, "q", 0)[0] == 0
    expected_q = [0.0931817239, 0.1732729446, 0.3526017967]
    assert at(curve, "q", 0)[1:] == pytest.approx(expected_q, abs=1e-10)
    assert at(curve, "G", 0)[1:] == pytest.approx(1 - np.array(expected_q), abs=1e-10)


@pytest.mark.parametrize("transfer", ["tanh", "erf"])
def test_limit_of_vanishing_temperature(transfer):
    """Closed forms at T = 0 against T = 1e-8: corrections are O(T) and O(sqrt(T)) = 1e-4."""
    gamma = 0.5
    curve = solve(gamma, (0.5, 0.74, 1.0), 0.0, 1e-8, transfer=transfer)
    assert all_converged(curve)
    for name, tolerance in (("G", 1e-3), ("free_energy", 1e-3), ("multiplier", 1e-3)):
        assert at(curve, name, 0) == pytest.approx(at(curve, name, 1e-8), abs=tolerance), name
    q, qhat = at(curve, "q", 1e-8), at(curve, "qhat", 1e-8)
    assert at(curve, "qhat", 0)[0] == pytest.approx(qhat[0], rel=1e-5)
    gc = 0.74 * 1.5
    assert qhat[1] * q[1] == pytest.approx((1 / gc**2 - 1) / 2, abs=1e-3)
    law = np.sqrt(1e-8 * (gc**2 - 1) / (2 * 0.74**2 * (1.5 - gc**2)))
    if transfer == "tanh":
        assert q[1] == pytest.approx(law, rel=1e-2)


@pytest.mark.parametrize("gamma", [-1.0, 0.0, 1.0])
def test_extremes(gamma):
    """g = 0 to 5 and T = 1e-8 to 10 are solved within the tolerances of the spec."""
    curve = solve(gamma, (0.0, 0.3, 0.5, 1.0, 2.0, 5.0), *10.0 ** np.arange(-8, 2))
    assert all_converged(curve)
    assert curve.residual.max() <= 1e-10
    assert curve.quadrature_error.max() <= 1e-8


def solved_or_refused(dataset):
    """Each point is solved within the tolerances of the issue, or refused with a reason."""
    solved = dataset["status"].values == Status.CONVERGED.code
    assert (dataset["residual"].values[solved] <= 1e-10).all()
    assert (dataset["quadrature_error"].values[solved] <= 1e-8).all()
    assert (dataset["branch"].values[solved] >= 0).all()
    refused = dataset["status"].values[~solved]
    reasons = (Status.NO_SOLUTION, Status.UNSTABLE, Status.INACCURATE)
    assert np.isin(refused, [reason.code for reason in reasons]).all()
    return solved


@pytest.mark.parametrize(
    ("gamma", "g", "temperatures", "options"),
    [
        (-0.5, 4.0, (1e-4, 0.3), {}),  # q^ = 7, Q^ = 13: two humps, and a wide spread of fields
        (-0.8, 6.0, (1e-2, 1.0), {}),
        (-1.0, 8.0, (1e-2, 1.0), {}),
        (1.0, 3.0, (1e-8, 1e-3, 10.0), {}),
        (-0.5, 2.5, (1e-3, 0.1), {"transfer": "erf"}),
        (0.7, 1.2, (1e-6, 0.1), {"transfer": "erf"}),
        (-0.4, 2.0, (1e-2, 0.1), {"eta": 0.01}),
        (0.4, 1.2, (1e-3, 0.1), {"eta": 0.01}),
    ],
)
def test_hard_corners_are_solved(gamma, g, temperatures, options):
    assert solved_or_refused(solve(gamma, g, *temperatures, **options)).all()


@pytest.mark.parametrize("gamma", [0.2, 0.5, 1.0])
def test_near_the_onset_at_zero_temperature(gamma):
    """q grows linearly from g = 1/sqrt(1 + gamma); the next order is of the size of the offset.

    The equations are degenerate there, to order q^2.  At an offset of 1e-4 and q about the same
    rounding leaves 1e-8; a point yet closer is refused as inaccurate, not given up.
    """
    offset = np.array([1e-4, 1e-3, 2e-3])
    onset = 1 / np.sqrt(1 + gamma)
    curve = solve(gamma, onset + np.array([3e-6, *offset]), 0.0)
    assert solved_or_refused(curve)[1:].all()
    slope = at(curve, "q", 0)[1:] / offset
    assert slope == pytest.approx(slope[0], rel=10 * offset[-1])
    assert np.isfinite(curve.q.values[0, 0])


@pytest.mark.parametrize(("gamma", "g"), [(-0.1, (1.11, 1.115, 1.14)), (-0.5, (1.99, 2.0, 2.2))])
def test_zero_temperature_above_the_transition_for_negative_gamma(gamma, g):
    """Q/q -> 1 as gc -> 1 from above; a point is solved, or refused because Q = 0 is unstable."""
    curve = solve(gamma, g, 0.0)
    solved = solved_or_refused(curve)
    assert solved[[0, 2], 0].all() and curve.branch.values[[0, 2], 0].tolist() == [0, 1]
    assert (curve.status.values[~solved] == Status.UNSTABLE.code).all()
    assert 0 < curve.q.values[2, 0] < 0.2


@pytest.mark.parametrize(("g", "boundary"), [(2.0, -0.05723), (3.0, -0.10390)])
def test_the_boundary_at_zero_temperature_is_continuous(g, boundary):
    """Q/q -> 0, in proportion to the distance from the boundary (the next order is of 5 %)."""
    ratio = {}
    for distance in (0.04, 0.02, -0.01):
        point = solve(boundary * (1 + distance), g, 0.0).squeeze()
        assert int(point.status) == Status.CONVERGED.code
        ratio[distance] = float(point.Q / point.q)
    assert ratio[-0.01] == 0
    assert ratio[0.04] == pytest.approx(2 * ratio[0.02], rel=0.05)
    assert 0.005 < ratio[0.02] < 0.02


def test_all_solutions_are_kept():
    """Re-entrant window at gamma = -0.5, gc = 0.9: which solutions are there, and which is taken.

    Below it two with Q = 0, the stable one from the linear limit; inside, Q = 0 unstable and Q > 0;
    above it one solution, found twice.
    """
    curve = solve(-0.5, 1.8, 0.0, 1e-4, 1e-2, 1.0).isel(g=0)
    exists = np.isfinite(curve.candidate_q.transpose("temperature", "candidate").values)
    assert curve.candidate.values.tolist() == ["descending", "ascending", "vanishing", "full"]
    assert exists.astype(int).tolist() == [[1, 0, 1, 0], [1, 1, 0, 0], [1, 0, 0, 1], [1, 0, 0, 0]]
    taken = ["vanishing", "ascending", "full", "descending"]
    for i, which in enumerate(taken):
        here = curve.isel(temperature=i)
        for name in ("q", "Q", "G", "Rp", "free_energy", "energy", "multiplier"):
            assert float(here[f"candidate_{name}"].sel(candidate=which)) == float(here[name])
    solved = curve.candidate_residual.values[exists.T]
    assert (solved <= 1e-10).all()
    # The unstable solution has the larger Phi: Q = 0 is an upper bound, not the answer.
    phi = curve.candidate_free_energy
    assert float(phi.sel(candidate="descending")[2]) > float(phi.sel(candidate="full")[2])
    assert (curve.candidate_multiplier.sel(candidate="descending").values[:3] > 1).all()


def test_solutions_are_carried_from_gain_to_gain():
    """Carried to where the walk in temperature leads, and not to where Q = 0 is stable."""
    g, T = np.array([0.7, 1.3, 1.35, 1.4]), 1e-2
    model = Model(-0.2, g, np.zeros_like(g), np.tanh)
    path = downward(model, [T])
    direct = {i: overlap.follow(model, path, i, [T])[T] for i in (1, 2, 3)}
    carried = overlap.spread(model, {(3, T): direct[3]})
    assert {i for i, _ in carried} == {1, 2, 3}
    for i in (1, 2):
        # Both are rough: solved to 1e-5.
        distance = carried[i, T].order.distance(direct[i].order)
        assert distance < 1e-3


def test_a_jacobian_handed_on_changes_the_cost_only():
    T = 1e-2
    model = Model(-0.2, np.array([1.4]), np.zeros(1), np.tanh)
    rough = overlap.follow(model, downward(model, [T]), 0, [T])[T]
    here = Model(-0.2, 1.4, T, np.tanh)
    with_it = solve_full(here, rough.unknowns, Quadrature(), 1e-10, rough.jacobian)
    without = solve_full(here, rough.unknowns, Quadrature(), 1e-10)
    assert with_it.order.distance(without.order) < 1e-8
    assert with_it.iterations <= 8 and with_it.iterations < without.iterations


def test_confinement():
    """eta at g = 0, phi = x: x ~ N(0, T/(1 + 2 eta)), E/N = T/2; T = 0 is refused."""
    point = solve(0.3, 0.0, 0.4, eta=0.7, transfer="linear").squeeze()
    assert float(point.mean_square_x) == pytest.approx(0.4 / 2.4, rel=1e-10)
    assert float(point.energy) == pytest.approx(0.2, rel=1e-10)
    with pytest.raises(ValueError, match="positive temperatures"):
        solve(0.3, 0.5, 0.0, 0.1, eta=0.7)


def test_error_estimate_is_honest():
    """A finer rule moves the solution by less than the estimate and rounding (near criticality)."""
    g = np.linspace(0.4, 1.2, 9)
    here = Model(0.5, g, np.full_like(g, 1e-4), np.tanh)
    curve = solve(0.5, g, 1e-4)
    start = np.stack([np.log(curve.q), curve.qhat * curve.q, curve.G], axis=1)[:, :, 0]
    refined = refine(here, start, 1e-10, 1e-8)
    finest = Quadrature().refined().refined().refined()
    exact = solve_centred(here, refined.solution.unknowns, finest, 1e-14)
    moved = exact.order.distance(refined.solution.order)
    assert (moved <= refined.quadrature_error + 1e-9).all()
    coarse = Quadrature(step=1.2, reach=9.5)
    crude = solve_centred(here, start, coarse, 1e-12)
    assert exact.order.distance(crude.order).max() > 1e-6  # an error that the estimate must see


def test_a_solution_does_not_depend_on_its_grid():
    """One point alone and in a grid: equal to the tolerance of the residual."""
    grid = solve(0.2, (0.7, 0.9, 1.1), 1e-3, 1e-1)
    alone = solve(0.2, 0.9, 1e-3)
    assert float(grid.q[1, 0]) == pytest.approx(float(alone.q[0, 0]), rel=1e-9)


def test_dataset_describes_itself():
    curve = solve(-0.2, (0.5, 1.5), 1e-2)
    assert set(curve.dims) == {"candidate", "g", "temperature"}
    for name, variable in curve.data_vars.items():
        dims = ("g", "temperature")
        assert variable.dims == (("candidate", *dims) if name.startswith("candidate_") else dims)
    for name, variable in curve.variables.items():
        assert variable.attrs["units"] == "1" and variable.attrs["long_name"], name
    T = 1e-2
    assert at(curve, "r_minus_R", T) == pytest.approx(at(curve, "G", T) * 0.1)
    assert at(curve, "r", T) == pytest.approx(at(curve, "r_minus_R", T) + at(curve, "R", T))
    assert curve.status.dtype == np.int8 and curve.branch.values[:, 0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("gamma", "g", "T"), [(-0.2, 1.4, 1e-3), (-0.2, 2.0, 0.1), (-0.5, 2.4, 0.05), (-0.8, 6.0, 0.5)]
)
def test_no_solution_with_positive_overlap_is_stable_to_breaking(gamma, g, T):
    """The theorem of docs/theory.md, section 4: the multiplier of a solution with Q > 0 is >= 1."""
    point = solve(gamma, g, T).squeeze()
    assert int(point.branch) == 1 and float(point.Q) > 0
    # The solution is exact to its quadrature error, below 1e-8.
    assert float(point.multiplier) > 1 - 1e-7
