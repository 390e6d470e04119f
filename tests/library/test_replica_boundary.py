"""Edges of the instability of Q = 0 at T > 0 and at T = 0: check values, second routes, limits."""

from functools import cache

import numpy as np
import pytest
from pydantic import ValidationError

from quasipotential.replica import boundary, cold_boundary, solutions
from quasipotential.replica.branches import downward, upward
from quasipotential.replica.saddle_point import solve_centred
from quasipotential.replica.single_site import Model, Quadrature
from quasipotential.replica.stability import multiplier
from quasipotential.specs import BoundarySpec, ColdBoundarySpec, ReplicaSpec
from quasipotential.status import Status


@cache
def edges(gamma, gc, coldest=1e-5, **options):
    g = tuple(np.atleast_1d(gc) / (1 + gamma))
    return boundary.run(BoundarySpec(gamma=gamma, g=g, coldest=coldest, **options))


def all_converged(dataset):
    return bool((dataset["status"] == Status.CONVERGED.code).all())


def two_replica_eigenvalue(model, order):
    """Largest eigenvalue of K -> C K C for one pair of replicas at Q = 0, without M.

    docs/theory.md, section 4: K = [[g^2 dQ, g^2 gamma dG], [g^2 gamma dG, dQ^]] gives the new
    [[dQ^/g^2, dG], [dG, dQ]] = C K C with C = [[A, G], [G, q]] and A = 2 q^/g^2; Q in units of q.
    """
    g2 = model.g[0] ** 2
    A, G = 2 * (order.qhat * order.q)[0] / g2, order.G[0]
    C = np.array([[A, G], [G, 1]])

    def new(dQ, dQhat, dG):
        K = np.array([[g2 * dQ, g2 * model.gamma * dG], [g2 * model.gamma * dG, dQhat]])
        image = C @ K @ C
        return image[1, 1], g2 * image[0, 0], image[0, 1]

    return np.linalg.eigvals(np.array([new(*unit) for unit in np.eye(3)]).T).real.max()


@pytest.mark.parametrize(
    ("gamma", "expected"),
    [(-0.5, (0.5657, 0.9772, 1.9506)), (-0.2, (0.05374, 0.15115, 0.34231))],
)
def test_upper_edge(gamma, expected):
    """Check values of docs/theory.md, section 5, to half a unit of their last digit."""
    curve = edges(gamma, (1.0, 1.2, 1.6))
    assert all_converged(curve)
    assert curve.T_upper.values == pytest.approx(expected, abs=5e-5 if gamma == -0.5 else 5e-6)
    assert np.isnan(curve.T_lower).all() and (curve.edges == 1).all()
    assert (curve.T_upper_error <= 1e-8 * curve.T_upper).all()
    assert (curve.residual < 1e-9).all()


@pytest.mark.parametrize(("gamma", "gc"), [(-0.5, 0.9), (-0.2, 0.95), (-0.2, 1.3)])
def test_edges_are_marginal_by_a_second_route(gamma, gc):
    """The pair of replicas without the matrix M is marginal at a solution for the given T.

    This solution is good to 1e-12 in T, which close to the fold the multiplier multiplies by 5;
    the two default rules differ by less than 1e-10.
    """
    curve = edges(gamma, gc)
    for name, path in (("T_upper", downward), ("T_lower", upward))[: 2 if gc < 1 else 1]:
        model = Model(gamma, curve.g.values, curve[name].values, np.tanh)
        start = path(model, [float(curve[name][0])]).unknowns[-1]
        order = solve_centred(model, start, Quadrature(), 1e-13).order
        assert two_replica_eigenvalue(model, order) == pytest.approx(1, abs=1e-9), name


def test_selected_solution_changes_at_the_edges():
    """gamma = -0.5, gc = 0.9: the module `solutions` changes from Q = 0 to Q > 0 and back."""
    curve = edges(-0.5, 0.9)
    upper, lower = float(curve.T_upper[0]), float(curve.T_lower[0])
    assert lower == pytest.approx(7.1e-4, abs=5e-6) and upper == pytest.approx(0.377, abs=5e-4)
    at = [0.999 * lower, 1.001 * lower, 0.999 * upper, 1.001 * upper]
    grid = solutions.run(ReplicaSpec(gamma=-0.5, g=(1.8,), temperatures=tuple(at)))
    assert ((grid.multiplier_annealed.values[0] > 1) == [False, True, True, False]).all()
    assert (grid.branch.values[0, [0, 3]] == 0).all() and (grid.branch.values[0, 1:3] != 0).all()


def test_lower_edge_is_loss_of_stability_before_the_fold():
    """The linear-limit solution goes on to exist 0.3 % above T_lower, unstable; not 1 % above."""
    lower = float(edges(-0.5, 0.9).T_lower[0])
    model = Model(-0.5, np.array([1.8]), np.zeros(1), np.tanh)
    path = upward(model, [0.99 * lower, *np.linspace(1, 1.003, 4) * lower, 1.01 * lower])
    *_, below, edge, _, _, above, far = range(len(path.temperatures))
    assert path.found[[below, edge, above], 0].all()
    stable = multiplier(path.connected[:, 0], 1.8, -0.5)
    assert stable[below] < 1 < stable[above] < 1.01
    assert stable[edge] == pytest.approx(1, abs=1e-4)  # of the walk, tolerance 1e-6
    q = np.exp(path.unknowns[:, 0, 0])
    assert not path.found[far, 0] or q[far] > 10 * q[above]


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_no_edge_without_frustration(gamma):
    curve = edges(gamma, (0.5, 0.99, 1.0, 1.3, 3.0), coldest=1e-6)
    assert all_converged(curve) and (curve.edges == 0).all()
    assert np.isnan(curve.T_upper).all() and np.isnan(curve.opening_g)


@pytest.mark.parametrize(("gamma", "opening"), [(-0.5, 1.495845), (-0.2, 1.150711)])
def test_the_window_opens_like_a_square_root(gamma, opening):
    """At the opening both edges meet; ln(T_upper/T_lower) ~ sqrt(g - g_open), from smooth lines."""
    where = edges(gamma, 1.0)
    g0 = float(where.opening_g)
    assert g0 == pytest.approx(opening, abs=5e-7)  # regression, 6 decimals
    assert float(where.opening_error) < 1e-10
    steps = np.array([-1e-4, 1e-4, 4e-4])
    curve = edges(gamma, tuple((g0 + steps) * (1 + gamma)))
    assert all_converged(curve)
    assert curve.edges.values.tolist() == [0, 2, 2]
    width = np.log(curve.T_upper / curve.T_lower).values
    # The next order is relative O(width^2), below 0.01 here.
    assert width[2] / width[1] == pytest.approx(2, rel=1e-2)
    middle = np.sqrt(curve.T_upper * curve.T_lower).values[1]
    assert middle == pytest.approx(float(where.opening_temperature), rel=1e-2)


def test_opening_for_weak_asymmetry():
    """gamma -> 0-: q, 1 - gc ~ |gamma| and T ~ gamma^2 at the opening, up to O(gamma)."""
    weak, weaker = (boundary.opening(gamma, "tanh") for gamma in (-0.004, -0.002))
    gap = [1 - weak.g * (1 - 0.004), 1 - weaker.g * (1 - 0.002)]
    assert gap[0] / gap[1] == pytest.approx(2, rel=1e-2)
    assert weak.temperature / weaker.temperature == pytest.approx(4, rel=2e-2)
    assert np.exp(weak.unknowns[0] - weaker.unknowns[0]) == pytest.approx(2, rel=2e-2)


def test_error_estimates_are_honest():
    """A much finer rule moves the edges by less than their errors."""
    curve = edges(-0.5, (0.8, 1.2))
    finest = Quadrature().refined().refined().refined().refined()
    for name, i in (("T_upper", 0), ("T_lower", 0), ("T_upper", 1)):
        T, g = curve[name].values[i : i + 1], curve.g.values[i : i + 1]
        model = Model(-0.5, g, T, np.tanh)
        at = upward(model, [T[0]]) if name == "T_lower" else downward(model, [T[0]])
        exact = boundary.solve_marginal(model, "temperature", at.unknowns[-1, 0], finest)
        assert abs(exact.value - T[0]) <= curve[f"{name}_error"].values[i]
        crude = boundary.solve_marginal(model, "temperature", exact.unknowns, Quadrature(step=1.2))
        assert abs(crude.value - T[0]) > 1e-6 * T[0]  # an error that could be seen


def test_slope_is_the_derivative_of_the_edge():
    """d ln T / d multiplier against solutions at two temperatures; difference quotient O(1e-6)."""
    model = Model(-0.5, np.array([2.4]), np.array([1.0]), np.tanh)
    start = downward(model, [1.0]).unknowns[-1, 0]
    edge = boundary.marginal(model, "temperature", start, 1e-10)
    h, values = 1e-3, []
    for sign in (1, -1):
        here = Model(-0.5, model.g, np.array([edge.value * np.exp(sign * h)]), np.tanh)
        solution = solve_centred(here, edge.unknowns[None], Quadrature(), 1e-13)
        values.append(multiplier(solution.averages.connected, here.g, -0.5)[0])
    assert 2 * h / (values[0] - values[1]) == pytest.approx(edge.slope, rel=1e-4)


def test_an_impossible_point_is_marked():
    curve = edges(-0.5, (0.8, 1.2), coldest=0.1, transfer="linear")
    assert curve.status.values.tolist() == [Status.CONVERGED.code, Status.NOT_CONVERGED.code]
    assert np.isnan(curve.T_upper).all()


def test_cold_boundary():
    """Check values of docs/theory.md, section 4, and a multiplier of 1 at T = 0 in `solutions`."""
    g = (1.3, 2.0, 3.0)
    curve = cold_boundary.run(ColdBoundarySpec(g=g))
    assert all_converged(curve)
    assert curve.gamma.values == pytest.approx([-0.013, -0.057, -0.104], abs=5e-4)
    assert (curve.gamma_error <= 1e-8).all() and (curve.residual < 1e-9).all()
    gamma, q = float(curve.gamma[1]), float(curve.q[1])
    for shift in (1e-6, -1e-6):
        grid = solutions.run(ReplicaSpec(gamma=gamma + shift, g=(2.0,), temperatures=(0.0,)))
        value = float(grid.multiplier_annealed.squeeze())
        assert (value < 1) == (shift > 0)
        assert value == pytest.approx(1, abs=1e-5)  # it changes by some 2 per unit of gamma
        if shift > 0:
            assert float(grid.q.squeeze()) == pytest.approx(q, abs=1e-5)


def test_cold_boundary_near_the_transition():
    """gamma_c = -(g - 1)^2/3 for g -> 1.

    To leading order in e = g - 1 and |gamma| the multiplier at gamma = 0 is (g E phi')^2 =
    1 - (2/3) e^2, and (g G)^2 and 2 q^ q rise by |gamma| each.  One Richardson step removes the
    next order, relative O(e); 5e-3 is what O(e^2) leaves.
    """
    e = np.array([0.01, 0.02])
    curve = cold_boundary.run(ColdBoundarySpec(g=tuple(1 + e)))
    assert all_converged(curve)
    ratio = -curve.gamma.values / e**2
    assert 2 * ratio[0] - ratio[1] == pytest.approx(1 / 3, rel=5e-3)


def test_cold_boundary_joins_the_upper_edge():
    """T_upper -> 0 at the cold boundary: linearly in g, so that halving the distance halves it."""
    gamma = float(cold_boundary.run(ColdBoundarySpec(g=(2.0,))).gamma[0])
    steps = np.array([2e-3, 1e-3])
    g = tuple(np.sort(2.0 - steps))
    curve = boundary.run(BoundarySpec(gamma=gamma, g=(*g, 2.001), coldest=1e-7))
    assert curve.edges.values.tolist() == [1, 1, 0]
    assert curve.T_upper.values[0] / curve.T_upper.values[1] == pytest.approx(2, rel=0.02)


def test_cold_boundary_needs_a_gain_above_one():
    with pytest.raises(ValidationError, match="needs g > 1"):
        ColdBoundarySpec(g=(0.9, 1.5))


def test_datasets_describe_themselves():
    warm, cold = edges(-0.5, (0.9, 1.2)), cold_boundary.run(ColdBoundarySpec(g=(2.0,)))
    for dataset in (warm, cold):
        assert set(dataset.dims) == {"g"} and dataset.status.dtype == np.int8
        for name, variable in dataset.variables.items():
            assert variable.attrs["units"] == "1" and variable.attrs["long_name"], name
