"""Replica theory, static DMFT and the attractor: where they agree, where not, and why."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import optimize

from quasipotential import claims, dmft, potential, replica
from quasipotential.couplings import elliptic
from quasipotential.dmft import comparison, static, weighting
from quasipotential.enumeration import enumerate_networks
from quasipotential.figures import figS14, style
from quasipotential.specs import ComparisonSpec, PlaneSpec, ReplicaSpec, WeightingSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")
STEP = 0.005


def computed(spec) -> xr.Dataset:
    """A result as its file holds it."""
    package = dmft if spec.stage == "dmft" else replica
    return package.run(spec).assign_attrs(spec=spec.canonical())


@pytest.fixture(scope="module")
def results() -> dict[str, xr.Dataset]:
    gamma = (-0.05, -STEP, -STEP / 2, 0.0, STEP / 2, STEP, 0.5)
    grid = {"gamma": gamma, "g": (1.2, 1.5)}
    return {
        "replica": computed(PlaneSpec(temperatures=(0.0, 1e-6, 1e-4), **grid)),
        "dmft": computed(ComparisonSpec(**grid)),
    }


@pytest.fixture(scope="module")
def networks() -> xr.Dataset:
    return computed(
        WeightingSpec(
            g=1.5,
            gamma=(0.0, 0.5),
            N=(8, 12),
            largest=8,
            networks=150,
            starts=12,
            rounds=60,
            draws=5000,
            seed=3,
        )
    )


# --- The theories beside each other ---------------------------------------------------------------


def test_replica_theory_and_static_dmft_agree_at_gamma_zero(results):
    """Two solvers with quadratures of their own: rounding remains (observed 2e-16)."""
    q = results["replica"]["q"].sel(gamma=0, temperature=0)
    np.testing.assert_allclose(q, results["dmft"]["C"].sel(gamma=0), rtol=1e-12)
    G = results["replica"]["G"].sel(gamma=0, temperature=0)
    np.testing.assert_allclose(G, results["dmft"]["R_int"].sel(gamma=0), rtol=1e-12)


@pytest.mark.parametrize("g", [1.2, 1.5])
@pytest.mark.parametrize(("curve", "slope"), [("replica", "slope_q"), ("dmft", "slope_C")])
def test_slopes_in_gamma_against_difference_quotients(results, g, curve, slope):
    """One extrapolation leaves the fourth power of the step; observed 1e-8."""
    values = results["dmft"]["C"] if curve == "dmft" else results["replica"]["q"].sel(temperature=0)
    values = values.sel(g=g)
    coarse, fine = (
        float(values.sel(gamma=h) - values.sel(gamma=-h)) / (2 * h) for h in (STEP, STEP / 2)
    )
    assert float(results["dmft"][slope].sel(g=g)) == pytest.approx(
        (4 * fine - coarse) / 3, abs=1e-7
    )


def test_slopes_and_distances_at_the_onset():
    """C = g_c - 1 and q from g = 1/sqrt(1+gamma) on: slopes 1 and 1/2; q - <phi^2> = e^2/6.

    The next order is of relative size e: one extrapolation leaves e^2, times numbers below 30.
    """
    e = np.array([0.005, 0.01])
    found = computed(ComparisonSpec(gamma=(0.0,), g=tuple(1 + e)))
    for name, limit in (("slope_C", 1.0), ("slope_q", 0.5)):
        fine, coarse = found[name].values
        assert 2 * fine - coarse == pytest.approx(limit, abs=30 * e[1] ** 2)
    C = found["C"].values[0]
    for name, limit, power in (("q_attractor", 1 / 6, 2), ("q_uniform", 1 / 3, 1)):
        fine, coarse = (C - found[name].values) / e**power
        assert 2 * fine - coarse == pytest.approx(limit, abs=30 * e[1] ** 2)


@pytest.mark.parametrize(("gamma", "g"), [(0.5, 1.2), (1.0, 1.5)])
def test_replica_limit_from_the_density_of_fixed_points(gamma, g):
    """Second route to q(T -> 0): maximise entropy plus the logarithm of the density of J phi.

    Its covariance g^2 (q 1 + gamma phi phi^T/N) is inverted by hand (docs/theory.md, section 13).
    """
    z = np.linspace(-9.5, 9.5, 1001)

    def averages(unknowns):
        q, m, X = unknowns
        x = 1.6 * g * np.sqrt(q) * z
        phi = np.tanh(x)
        b = gamma * m / ((1 + gamma) * (g * q) ** 2)
        a = X / (2 * (g * q) ** 2) - 1 / (2 * q) - gamma * m**2 / ((1 + gamma) * g**2 * q**3)
        weights = np.exp(-(x**2) / (2 * g**2 * q) + a * phi**2 + b * x * phi)
        weights /= weights.sum()
        return np.array([weights @ phi**2, weights @ (x * phi), weights @ x**2])

    start = np.array([0.4, 0.5, 0.8])
    root = optimize.root(lambda u: averages(u) - u, start, tol=1e-13)
    assert root.success
    q, m, _ = root.x
    found = replica.run(ReplicaSpec(gamma=gamma, g=(g,), temperatures=(0.0,)))
    assert found["q"].item() == pytest.approx(q, rel=1e-8)  # the solver's quadrature tolerance
    # rho = g^2 gamma G and m = E x phi belong together by b = rho/(g^2 q).
    assert found["G"].item() == pytest.approx(m / ((1 + gamma) * g**2 * q), rel=1e-8)


def test_unphysical_points_are_marked():
    found = comparison.run(ComparisonSpec(gamma=(0.5, 1.0), g=(1.5,)))
    assert found["status"].values[:, 0].tolist() == [0, Status.UNPHYSICAL.code]
    assert float(found["rho"].sel(gamma=1.0)[0]) > 1


# --- Weights of fixed points ----------------------------------------------------------------------


def test_boltzmann_average_becomes_the_weight_one_over_det():
    """Two units, the integral over the plane on a grid: what is left falls in proportion to T."""
    rng = np.random.default_rng(8)
    while True:  # a network with points apart from the origin, none of them about to merge
        J = 2.0 * elliptic(2, 0.0, rng)
        (found,) = enumerate_networks(J[None], TANH, 4, 10, rng)
        if len(found.sign) > 1 and found.log_det.min() > -1:
            break
    weights = np.exp(-found.log_det) * found.multiplicity
    expected = weights @ found.q / weights.sum()
    reach = np.abs(J).sum(axis=1).max() + 0.5  # |J phi| is smaller
    axis = np.arange(-reach, reach, 0.006)
    x = np.array(np.meshgrid(axis, axis)).reshape(2, -1)
    energy, q = potential.energy(x, J, TANH), np.square(np.tanh(x)).mean(axis=0)
    rest = []
    for T in (8e-4, 4e-4):
        boltzmann = np.exp(-energy / T)
        rest.append(boltzmann @ q / boltzmann.sum() - expected)
    assert 0 < abs(rest[1]) < 5e-3
    # Of second order in T: the ratio of the two differs from 2 by as much as T is large.
    assert rest[0] / rest[1] == pytest.approx(2, abs=0.1)


def test_two_routes_to_weighted_averages(networks):
    """Enumeration and integration: 4 standard errors, 12 comparisons."""
    assert (networks["incomplete"].sel(N=8) == 0).all()
    here = networks.sel(N=8)
    for name in ("q", "total"):
        error = np.hypot(here[f"{name}_enumerated_error"], here[f"{name}_integrated_error"])
        deviation = np.abs(here[f"{name}_enumerated"] - here[f"{name}_integrated"]) / error
        assert (deviation < 4).all(), deviation.values


@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_static_dmft_is_the_signed_count(networks, gamma):
    """The mean over networks of sum sign(det) q is C; 4 standard errors.

    At gamma = 0.5 the replica theory's q lies far outside.
    """
    signed = networks.sel(gamma=gamma, N=8, weight="signed")
    total, error = float(signed["total_enumerated"]), float(signed["total_enumerated_error"])
    assert abs(total - static.solve(1.5, gamma, TANH).C) < 4 * error
    assert error < 0.05
    if gamma > 0:
        q = replica.run(ReplicaSpec(gamma=gamma, g=(1.5,), temperatures=(0.0,)))["q"].item()
        assert total - q > 4 * error


def test_replica_theory_is_the_boltzmann_weight():
    """The integral at N = 24 and 48, extrapolated in 1/N: 4 standard errors."""
    rng = np.random.default_rng(4)
    for gamma in (0.0, 0.5):
        small, large = (weighting.integrate(N, 1.5, gamma, TANH, 3000, rng) for N in (24, 48))
        limit = 2 * large.q[0] - small.q[0]
        error = np.hypot(2 * large.q_error[0], small.q_error[0])
        q = replica.run(ReplicaSpec(gamma=gamma, g=(1.5,), temperatures=(0.0,)))["q"].item()
        C = static.solve(1.5, gamma, TANH).C
        assert abs(limit - q) < 4 * error
        if gamma > 0:
            assert C - limit > 10 * error


@pytest.mark.parametrize("gamma", [-0.5, 0.5, 1.0])
def test_couplings_under_a_condition(gamma):
    """J phi = x holds, and with x from its own law J has the free covariances again."""
    rng = np.random.default_rng(2)
    M, N, g = 6000, 3, 1.3
    phi = np.tile([0.3, -0.8, 0.5], (M, 1))
    free = g * np.stack([elliptic(N, gamma, rng) for _ in range(M)])
    x = np.einsum("mij,mj->mi", free, phi)
    J = weighting._conditioned(x, phi, g, gamma, rng)
    np.testing.assert_allclose(np.einsum("mij,mj->mi", J, phi), x, atol=1e-12)
    within = 5 * g**2 / N * np.sqrt(2 * 2 / M)  # five standard errors of a product
    covariance = np.einsum("mij,mkl->ijkl", J, J) / M
    one = np.eye(N)
    exact = np.einsum("ik,jl->ijkl", one, one) + gamma * np.einsum("il,jk->ijkl", one, one)
    np.testing.assert_allclose(covariance, g**2 / N * exact, atol=within)


def test_weighting_needs_a_density():
    with pytest.raises(ValueError, match="no density"):
        WeightingSpec(
            g=1.5,
            gamma=(-1.0,),
            N=(4,),
            largest=4,
            networks=2,
            starts=2,
            rounds=1,
            draws=100,
            seed=0,
        )


def test_same_spec_same_numbers_and_unfinished_networks_are_marked():
    spec = WeightingSpec(
        g=2.0, gamma=(0.5,), N=(6, 9), largest=6, networks=4, starts=2, rounds=1, draws=100, seed=0
    )
    first, second = weighting.run(spec), weighting.run(spec)
    xr.testing.assert_identical(first, second)
    assert first["status"].values.tolist() == [[Status.NOT_CONVERGED.code, 0]]
    assert np.isnan(first["q_enumerated"].sel(N=9)).all()
    assert np.isfinite(first["q_integrated"]).all()


# --- The table and the figure ---------------------------------------------------------------------


def test_claims_of_the_comparison_and_that_a_wrong_result_is_refuted(results, networks):
    rows = pd.DataFrame(claims.comparison([*results.values(), networks], {}))
    assert set(rows["verdict"]) == {"shown"}
    wrong = results["dmft"].assign(C=results["dmft"]["C"] * 1.001)
    refuted = pd.DataFrame(claims.comparison([results["replica"], wrong, networks], {}))
    assert (refuted["verdict"] == "refuted").sum() >= 4


def test_figure_holds_what_was_computed(results, networks):
    attractor = xr.Dataset(
        {
            "autocorrelation_phi": (("trajectory", "lag"), [[0.3, 0.1]]),
            "status": ("trajectory", np.zeros(1, np.int8)),
        },
        attrs={"spec": json.dumps({"couplings": {"gamma": 0.5}})},
    )
    settings = {
        "g": [1.2, 1.5],
        "beta": [1e4, 1e6],
        "weighting": {"gamma": [0.0, 0.5]},
        "attractor": {"N": 100, "networks": 2},
    }
    sources = {name: [dataset] for name, dataset in results.items()}
    sources |= {"networks": [networks], "attractor": [attractor, attractor]}
    table = figS14.tabulate(sources, pd.DataFrame(), settings)
    static_rows = table[(table["quantity"] == "C") & (table["g"] == 1.5) & (table["gamma"] == 0.5)]
    assert static_rows["y"].item() == float(results["dmft"]["C"].sel(gamma=0.5, g=1.5))
    simulated = table[(table["panel"] == "attractor") & (table["source"] == "simulation")]
    assert simulated["y"].tolist() == [0.3]
    weights = table[(table["panel"] == "weights") & (table["sampler"] == "enumerated")]
    assert len(weights) == 2 * 3  # sizes that were not enumerated have no row
    with style.paper_style():
        figS14.draw(table, settings).draw_without_rendering()
