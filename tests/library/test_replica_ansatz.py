"""The ansatz at zero temperature: its equations, its two classes of solutions, and why none is one.

Second routes: the equations at finite temperature (module `single_site`), brute-force minimisation,
finite differences of the free energy, closed forms for a linear transfer function.
"""

import csv
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from quasipotential.dmft import static
from quasipotential.replica.ansatz import (
    LimitParameters,
    Network,
    Rule,
    drift,
    follow,
    limit_averages,
    merger,
    published_start,
    run,
    small_overlap,
    solve_finite_energy,
    zero_energy,
)
from quasipotential.replica.saddle_point import full_unknowns, solve_full
from quasipotential.replica.single_site import (
    DomainError,
    Model,
    OrderParameters,
    Quadrature,
    site_averages,
)
from quasipotential.specs import AnsatzSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

GENERIC = LimitParameters(q=0.2, Qhat=0.03, chihat=-0.05, r=0.02, G=0.8)
JUMPS = LimitParameters(q=0.2, Qhat=0.3, chihat=-0.3, r=0.02, G=0.8)
PUBLISHED = Path(__file__).parents[2] / "workflow" / "data" / "published.csv"
FIGURE_6 = {(0.0, 1.0): 175, (0.0, 1.1): 145, (0.2, 0.99): 145}  # -> iterations, about


def network(g=1.2, gamma=0.3, transfer="tanh"):
    return Network(g, gamma, transfer_function(transfer))


def at_small_s2(here, limit, s2, response):
    """Order parameters of the finite temperature T = s2 (1 - g^2 chi'), and T."""
    temperature = s2 * (1 - here.g**2 * response)
    Qhat = limit.Qhat / s2**2
    order = OrderParameters(
        limit.q,
        limit.q - s2 * response,
        Qhat / 2 - limit.chihat / s2,
        Qhat,
        limit.G,
        limit.r / s2,
    )
    return order, temperature


@pytest.mark.parametrize("transfer", ["tanh", "erf"])
def test_limit_of_the_equations_at_finite_temperature(transfer):
    """Distances fall in proportion to T, by 1.98 to 2.20 when T is halved, and none is large."""
    here = network(transfer=transfer)
    limit = replace(GENERIC, Qhat=0.003, r=0.005)
    averages = limit_averages(here, limit, Rule())
    distances = []
    for s2 in (2e-3, 1e-3):
        order, temperature = at_small_s2(here, limit, s2, averages.response)
        model = Model(here.gamma, here.g, temperature, here.transfer.phi)
        image = site_averages(model, order, Quadrature()).order
        found = [
            image.q,
            image.Qhat * s2**2,
            (image.Qhat / 2 - image.qhat) * s2,
            image.Rp * s2,
            image.G,
            (image.q - image.Q) / s2,
        ]
        distances.append(np.abs(np.array(found) - [*astuple(averages.order), averages.response]))
    assert distances[1].max() < 5e-3
    visible = distances[1] > 1e-6
    assert visible.sum() >= 5
    assert distances[0][visible] / distances[1][visible] == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("order", [GENERIC, JUMPS])
def test_minima_are_global(order):
    """Against a scan over x at uniform u and v.

    The averages jump: their error is of the order of the step of u times that of the trapezoid in
    v, observed 2e-4.  E min H0 is continuous; the step of x leaves an error of 5e-5.
    """
    here = network()
    rho = here.g**2 * here.gamma * order.G
    along = here.gamma * order.r / order.q
    width = np.sqrt(order.Qhat - (here.g * here.gamma * order.r) ** 2 / order.q)
    v, u, x = np.linspace(0, 8.3, 31), np.linspace(-8.3, 8.3, 1001), np.linspace(-6, 6, 601)
    over_v, over_u = np.exp(-(v**2) / 2), np.exp(-(u**2) / 2)
    over_v[0] /= 2
    phi = np.tanh(x)
    found = np.zeros(4)
    for height, weight in zip(v, over_v / over_v.sum(), strict=True):
        h = here.g * np.sqrt(order.q) * height
        w = x - h - rho * phi
        values = w**2 / 2 + order.chihat * phi**2 - (along * h + width * u)[:, None] * phi
        best = values.argmin(axis=1)
        functions = [phi[best] ** 2, w[best] ** 2, (w * phi)[best], values.min(axis=1)]
        found += weight * np.array(functions) @ (over_u / over_u.sum())
    averages = limit_averages(here, order, Rule())
    image = averages.order
    assert found[:3] == pytest.approx([image.q, image.Qhat / here.g**2, image.r], abs=5e-4)
    assert found[3] == pytest.approx(averages.minimum, abs=1e-4)


@pytest.mark.parametrize(
    ("transfer", "order"), [("tanh", GENERIC), ("erf", GENERIC), ("tanh", JUMPS)]
)
def test_averages_are_derivatives_of_the_mean_minimum(transfer, order):
    """E min H0 by central differences: with respect to c' E phi^2, Q' -chi'/2, r' -g^2 gamma G,
    G -g^2 gamma r', q c'.  Covers the jumps.  Error of the differences and the quadrature 1e-6.
    """
    here = network(transfer=transfer)
    image = limit_averages(here, order, Rule(40, 40))
    strength = here.g**2 * here.gamma
    expected = {
        "chihat": image.order.q,
        "Qhat": -image.response / 2,
        "r": -strength * image.order.G,
        "G": -strength * image.order.r,
        "q": image.order.chihat,
    }
    for name, value in expected.items():
        step = 1e-4
        ends = [
            limit_averages(
                here, replace(order, **{name: getattr(order, name) + sign * step}), Rule(40, 40)
            ).minimum
            for sign in (1, -1)
        ]
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(value, abs=1e-5), name


def test_linear_transfer_function():
    """x = ((1 - rho) h + b')/kappa with kappa = (1 - rho)^2 + 2 c'; exact to rounding."""
    here, order = network(transfer="linear"), replace(GENERIC, chihat=0.2)
    keep = 1 - here.g**2 * here.gamma * order.G
    kappa = keep**2 + 2 * order.chihat
    K = here.g**2 * np.array(
        [[order.q, here.gamma * order.r], [here.gamma * order.r, order.Qhat / here.g**2]]
    )
    x = np.array([keep, 1.0]) / kappa
    w = keep * x - [1.0, 0.0]
    averages = limit_averages(here, order, Rule(40, 40))
    expected = [
        x @ K @ x,
        here.g**2 * (w @ K @ w),
        -(here.g**2) / 2 * w[0],
        w @ K @ x,
        x[0],
        x[1],
    ]
    found = [*astuple(averages.order), averages.response]
    assert found == pytest.approx(expected, abs=1e-11)


def test_domain():
    with pytest.raises(DomainError, match="variance"):
        limit_averages(network(), replace(GENERIC, r=1.0), Rule())
    with pytest.raises(DomainError, match="no minimum"):
        limit_averages(network(transfer="linear"), replace(GENERIC, chihat=-5.0), Rule())


@pytest.mark.parametrize(
    ("gamma", "g"), [(0.0, 1.1), (0.0, 1.5), (0.5, 0.8667), (-0.5, 3.0), (0.2, 0.99)]
)
def test_slope_of_zero_energy_exceeds_one(gamma, g):
    """Convexity; values of docs/theory.md, section 4, to half a unit of their last digit."""
    here = network(g, gamma)
    C = static.solve(g, gamma, here.transfer).C
    solution = zero_energy(here, C)
    assert abs(solution.mismatch) < 1e-9
    slope = 1 - solution.margin(g)
    assert slope > 1
    known = {(0.0, 1.1): 1.0102, (0.0, 1.5): 1.1393, (0.5, 0.8667): 1.117, (-0.5, 3.0): 1.056}
    if (gamma, g) in known:
        assert slope == pytest.approx(known[gamma, g], abs=6e-4)
    assert merger(here, C) > C


@pytest.mark.parametrize(("gamma", "g"), [(0.0, 1.19), (0.5, 0.79), (-0.2, 1.4), (0.2, 2.0)])
def test_finite_energy_near_zero_overlap(gamma, g):
    """Margin -4 q^2/g^2 and mismatch (20/3) q^2/g^2, corrections of relative order q."""
    here, q = network(g, gamma), 1e-3
    solution = solve_finite_energy(here, small_overlap(here, q), Rule())
    assert solution.residual < 1e-12
    assert solution.margin(g) == pytest.approx(-4 * q**2 / g**2, rel=0.02)
    assert solution.mismatch == pytest.approx(20 / 3 * q**2 / g**2, rel=0.02)


@pytest.mark.parametrize(("gamma", "g"), [(0.2, 0.99), (-0.2, 1.4)])
def test_other_starts_find_no_other_class(gamma, g):
    """Starts on both sides of c' = 0 and with Q' a hundredfold apart: the same solution or none."""
    here = network(g, gamma)
    edge = merger(here, static.solve(g, gamma, here.transfer).C)
    reference = follow(here, np.array([0.25, 0.5]) * edge, Rule())[-1]
    q, found = reference.order.q, 0
    for ratio in (1e-3, 0.1):
        for chihat in (-0.05, 0.05):
            order = LimitParameters(q, ratio * q, chihat, 0.1 * np.sqrt(ratio) * q, 0.8)
            solution = solve_finite_energy(here, order, Rule())
            if solution is not None and solution.residual < 1e-8:
                found += 1
                assert solution.distance(reference, g) < 1e-6
    assert found >= 2


def test_the_solution_lives_at_negative_temperature():
    """Second route: the finite-temperature equations have it at T < 0, approached linearly in T."""
    here = network(1.19, 0.0)
    start = replace(small_overlap(here, 0.14), Qhat=0.02, chihat=0.04, r=0.002, G=0.8)
    limit = solve_finite_energy(here, start, Rule(), free=True)
    assert limit.residual < 1e-10 and limit.order.q == pytest.approx(0.14464, abs=1e-5)
    assert limit.margin(1.19) == pytest.approx(-0.010583, abs=1e-6)
    distances = []
    for s2 in (5e-3, 2.5e-3):
        order, temperature = at_small_s2(here, limit.order, s2, limit.averages.response)
        assert temperature < 0
        model = Model(0.0, 1.19, temperature, np.tanh)
        found = solve_full(model, full_unknowns(model, order), Quadrature(), 1e-9)
        distances.append(found.order.q - limit.order.q)
        chi = (found.order.q - found.order.Q) / temperature
        assert chi < 0
    assert distances[0] / distances[1] == pytest.approx(2, rel=0.15)


def test_at_positive_temperature_there_is_none():
    """gamma = 0: starts of the ansatz's form end nowhere or on Q = 0."""
    limit = LimitParameters(0.1, 0.027, 0.09, 0.0017, 0.78)
    for temperature in (1e-3, 1e-4):
        for chi in (5.0, 40.0):
            s = 1 + 1.19**2 * chi
            order, _ = at_small_s2(network(1.19, 0.0), limit, s * temperature, chi / s)
            model = Model(0.0, 1.19, temperature, np.tanh)
            assert solve_full(model, full_unknowns(model, order), Quadrature(), 1e-9) is None


def published():
    points = {}
    with PUBLISHED.open() as file:
        for row in csv.DictReader(file):
            if row["figure"] == "6":
                point = points.setdefault((float(row["gamma"]), float(row["g"])), {})
                point[row["quantity"]] = float(row["value"])
    return points


@pytest.mark.parametrize(("gamma", "g"), FIGURE_6)
def test_published_points_lie_on_the_drift(gamma, g):
    """Where the noise-free iteration passes the published chi, at g = 1 on its way to infinity.

    Tolerances: reading errors of q 0.002 and of xi 0.011, and 1e-3 for the noise of the published
    run; r~ falls as chi^-2, whose reading error of 2.6 is up to 8 %, and has one of 6.2e-7 itself.
    """
    here, point = network(g, gamma), published()[gamma, g]
    path = drift(here, published_start(here), 0.2, 190, Rule())
    k = int(np.argmin(np.abs(path[1] - point["chi"])))
    assert abs(k - FIGURE_6[gamma, g]) <= 15
    assert path[0, k] == pytest.approx(point["q"], abs=0.003)
    assert -path[5, k] == pytest.approx(point["minus_xi"], abs=0.011)
    assert path[4, k] == pytest.approx(point["rtilde"], rel=0.2, abs=6.2e-7)


def test_dataset():
    """No zero of the mismatch where the margin is positive; below the transition chi is finite."""
    spec = AnsatzSpec(gamma=0.0, g=(0.9, 1.19), q=(1e-4, 0.05, 0.1, 0.15, 0.2, 0.3), iterations=10)
    data = run(spec)
    assert (data.other_residual <= spec.tolerance).all()
    assert (data.quadrature_error <= spec.quadrature_tolerance).all()
    physical = data.margin > 0
    assert (data.mismatch.where(physical, -1) < 0).all()
    assert ((data.status == Status.UNPHYSICAL.code) == ~physical).all()
    assert ((data.chi > 0) == physical).all()
    above = data.sel(g=1.19)
    assert (above.margin.values[:4] < 0).all() and (above.branch.values[:4] == 1).all()
    assert (above.mismatch.values[:3] > 0).all() and above.mismatch.values[3] < 0
    assert above.q_finite_energy == pytest.approx(0.14464, abs=1e-5)
    assert above.margin_finite_energy == pytest.approx(-0.010583, abs=1e-6)
    assert above.q_zero_energy < above.q_merger and above.slope_at_zero_energy > 1
    assert 0.03 < above.smallest_mismatch < 0.05  # at the merger
    below = data.sel(g=0.9)
    assert below.chi.values[0] == pytest.approx(1 / (1 - 0.81), rel=1e-3)
    assert np.isnan(below.q_merger) and (below.branch == 0).all()
    assert data.drift_q.sizes == {"g": 2, "iteration": 11}
    assert all({"long_name", "units"} <= set(data[name].attrs) for name in data.variables)
