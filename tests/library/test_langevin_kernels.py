"""Kernels: each leaves its measure as it is, and is reversible; the order of errors in the step.

All tests move many independent columns, so that standard errors are those of independent draws.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from quasipotential import potential
from quasipotential.couplings import elliptic
from quasipotential.langevin.kernels import EulerMaruyama, HamiltonianPath, Hmc, Mala, mass
from quasipotential.langevin.landscape import Landscape, State, row_blocks
from quasipotential.transfer import transfer_function

T = 0.3
BOX = 8.0  # beyond it the weight of the two-unit measure is below 1e-9
SIGMAS = 4.5  # of the standard errors, in all comparisons of means


def landscape(N=2, g=1.5, seed=3, transfer="tanh", eta=0.0):
    J = g * elliptic(N, 0.3, np.random.default_rng(seed))
    return Landscape(J, transfer_function(transfer), eta)


def kernel(name, of):
    M = mass(of, slope=0.7, floor=0.1)
    return {"euler-maruyama": EulerMaruyama(), "mala": Mala(M), "hmc": Hmc(M)}[name]


def exact_draws(of, K, rng):
    """Independent draws of a measure of few units, shape (N, K), by rejection."""
    N, found = len(of.J), []
    while sum(map(np.size, found)) < K * N:
        x = rng.uniform(-BOX, BOX, (N, 400_000))
        found.append(x[:, rng.random(x.shape[1]) < np.exp(-of.energy(x) / T)])
    return np.concatenate(found, axis=1)[:, :K]


def move(x, of, name, step, length, rng, times=1):
    state = State(of, x)
    K = x.shape[1]
    transition = kernel(name, of)
    for _ in range(times):
        acceptance = transition(state, np.full(K, T), np.full(K, step), length, rng)
    return state, acceptance


def moments(of, x):
    """Functions of the state whose means are compared, shape (6, K)."""
    E, phi = of.energy(x), of.transfer.phi(x)
    products = (x * x).sum(0), (x * phi).sum(0), (phi * phi).sum(0), phi[0] * phi[-1]
    return np.stack([E, E * E, *products])


@pytest.mark.parametrize("eta", [0.0, 0.2])
def test_state_against_the_potential(eta):
    of = landscape(N=7, eta=eta)
    x = np.random.default_rng(0).standard_normal((7, 5))
    state = State(of, np.zeros_like(x))
    state.x[:] = x
    state.update()
    assert state.energy == pytest.approx(potential.energy(x, of.J, of.transfer, eta), rel=1e-13)
    exact = potential.gradient(x, of.J, of.transfer, eta)
    np.testing.assert_allclose(state.gradient, exact, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size, columns, blocks", [(330, 3, 2), (650, 20, 9), (330, 25, 1)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_state_in_blocks_of_rows(size, columns, blocks, order):
    rng = np.random.default_rng(2)
    J = np.array(1.3 * elliptic(size, 0.0, rng), order=order)
    x, field = rng.standard_normal((2, size, columns))
    rows = row_blocks(size, columns)
    assert len(rows) == blocks
    np.testing.assert_array_equal(np.concatenate([np.arange(size)[r] for r in rows]), range(size))
    state = State(Landscape(J, transfer_function("tanh"), 0.1), x, field)
    r = x - J @ np.tanh(x) - field
    exact = r - (J.T @ r) / np.cosh(x) ** 2 + 0.2 * x
    np.testing.assert_allclose(state.gradient, exact, rtol=1e-11, atol=1e-12)
    energy = 0.5 * (r * r).sum(axis=0) + 0.1 * (x * x).sum(axis=0)
    assert state.energy == pytest.approx(energy, rel=1e-13)


def test_field_of_a_state_is_a_field_on_the_residual():
    of = landscape(N=4, eta=0.1)
    rng = np.random.default_rng(1)
    x, field = rng.standard_normal((2, 4, 3))
    state = State(of, x, field)
    r = x - of.J @ np.tanh(x) - field
    expected = 0.5 * (r * r).sum(axis=0) + 0.1 * (x * x).sum(axis=0)
    assert state.energy == pytest.approx(expected, rel=1e-13)
    e = 1e-5 * np.eye(4)[:, [2]]
    difference = (State(of, x + e, field).energy - State(of, x - e, field).energy) / 2e-5
    # Central differences: an error of 1e-10 from the step, 1e-11 from rounding.
    assert state.gradient[2] == pytest.approx(difference, abs=1e-8)


def test_adopted_and_chosen_columns():
    of = landscape()
    one, other = (State(of, np.random.default_rng(i).standard_normal((2, 4))) for i in (0, 1))
    expected = one.columns(np.array([0, 2])).x
    one.adopt(other, np.array([False, True, False, True]))
    np.testing.assert_array_equal(one.x[:, 1::2], other.x[:, 1::2])
    np.testing.assert_array_equal(one.x[:, ::2], expected)
    fresh = State(of, one.x)
    np.testing.assert_allclose(one.gradient, fresh.gradient, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(one.energy, fresh.energy, rtol=1e-12)


@pytest.mark.parametrize("name", ["mala", "hmc"])
def test_exact_draws_of_two_units_stay_exact(name):
    rng = np.random.default_rng(4)
    of = landscape()
    x, other = np.split(exact_draws(of, 40_000, rng), 2, axis=1)
    state, acceptance = move(x, of, name, step=0.6, length=3.0, rng=rng, times=6)
    assert 0.5 < acceptance.mean() < 0.95  # so that the decision matters
    for before, after in zip(moments(of, other), moments(of, state.x), strict=True):
        assert stats.ks_2samp(before, after).pvalue > 1e-4
    assert stats.ks_2samp(other[0], state.x[0]).pvalue > 1e-4


def test_the_test_above_finds_a_biased_kernel():
    rng = np.random.default_rng(4)
    of = landscape()
    x, other = np.split(exact_draws(of, 40_000, rng), 2, axis=1)
    state, _ = move(x, of, "euler-maruyama", step=0.1, length=3.0, rng=rng)
    found = [
        stats.ks_2samp(before, after).pvalue
        for before, after in zip(moments(of, other), moments(of, state.x), strict=True)
    ]
    assert min(found) < 1e-10


@pytest.mark.parametrize("name", ["mala", "hmc"])
def test_a_transition_is_reversible(name):
    # Detailed balance: from exact draws, (x, x') and (x', x) have the same distribution.
    rng = np.random.default_rng(5)
    of = landscape()
    x = exact_draws(of, 40_000, rng)
    state, acceptance = move(x, of, name, step=0.6, length=3.0, rng=rng)
    assert 0.5 < acceptance.mean() < 0.95
    before, after = (np.concatenate([moments(of, y), y]) for y in (x, state.x))
    for i in range(len(before)):
        for j in range(i):
            difference = before[i] * after[j] - before[j] * after[i]
            error = difference.std() / np.sqrt(difference.size)
            assert abs(difference.mean()) < SIGMAS * error, (i, j)


@pytest.mark.parametrize("name", ["mala", "hmc"])
@pytest.mark.parametrize("N", [1, 2])
def test_few_units_against_numerical_integration(name, N):
    of = Landscape(np.array([[1.6]]), transfer_function("tanh")) if N == 1 else landscape()
    line = np.linspace(-BOX, BOX, 401)  # the trapezoid rule converges exponentially
    grid = np.stack(np.meshgrid(*[line] * N, indexing="ij")).reshape(N, -1)
    weight = np.exp(-of.energy(grid) / T)
    exact = moments(of, grid) @ weight / weight.sum()
    rng = np.random.default_rng(6)
    start = np.linspace(0, 1, 4000) * rng.standard_normal((N, 4000))
    state, _ = move(start, of, name, step=0.5, length=3.0, rng=rng, times=40)
    found = moments(of, state.x)
    error = found.std(axis=1) / np.sqrt(found.shape[1])
    assert np.all(np.abs(found.mean(axis=1) - exact) < SIGMAS * error)


def test_trapezoid_rule_of_the_test_above_against_adaptive_quadrature():
    of = landscape()
    line = np.linspace(-BOX, BOX, 401)
    grid = np.stack(np.meshgrid(line, line, indexing="ij")).reshape(2, -1)
    trapezoid = np.exp(-of.energy(grid) / T).sum() * (line[1] - line[0]) ** 2
    adaptive, _ = integrate.dblquad(
        lambda y, x: float(np.exp(-of.energy(np.array([x, y])) / T)),
        *(-BOX, BOX, -BOX, BOX),
        epsabs=1e-6,
        epsrel=1e-6,
    )
    assert trapezoid == pytest.approx(adaptive, rel=1e-6)


def hessian(of):
    """That of E for a linear transfer function."""
    A = np.eye(len(of.J)) - of.J
    return A.T @ A + 2 * of.eta * np.eye(len(of.J))


def gaussian_draws(of, K, rng):
    return np.sqrt(T) * np.linalg.solve(
        np.linalg.cholesky(hessian(of)).T, rng.standard_normal((len(of.J), K))
    )


def assert_covariance(x, exact, errors=SIGMAS + 0.5):
    """Sample covariance, in units in which the exact one is 1; 5 errors, for 36 entries."""
    N, K = x.shape
    white = np.linalg.solve(np.linalg.cholesky(exact), x)
    deviation = white @ white.T / K - np.eye(N)
    assert np.all(np.abs(deviation) < errors * np.sqrt((1 + np.eye(N)) / K))


@pytest.mark.parametrize("eta", [0.0, 0.1])
@pytest.mark.parametrize("name", ["euler-maruyama", "mala", "hmc"])
def test_covariance_of_a_linear_network(name, eta):
    # E = x.H x/2: x ~ N(0, T H^-1), which is the start.  The chain of Euler-Maruyama is Gaussian
    # too, with covariance T H^-1 (1 - h H/2)^-1.  After the time t a mode of eigenvalue a lacks the
    # share (h a/2) exp(-2 a t) < h/(4 e t) = 0.004 of it, a tenth of what is tolerated.
    of = landscape(N=8, g=0.5, transfer="linear", eta=eta)
    rng = np.random.default_rng(7)
    H = hessian(of)
    exact = T * np.linalg.inv(H)
    if name == "euler-maruyama":
        step, length = 0.3, 8.0
        exact = exact @ np.linalg.inv(np.eye(8) - step * H / 2)
    else:
        step, length = 0.9, 9.0
    state, acceptance = move(gaussian_draws(of, 20_000, rng), of, name, step, length, rng)
    assert name == "euler-maruyama" or 0.5 < acceptance.mean() < 0.95
    assert_covariance(state.x, 0.5 * (exact + exact.T))


def test_bias_of_euler_maruyama_is_of_first_order():
    # Exact draws of the linear network are the start, so that the bias is all that the moves make.
    of = landscape(N=4, g=0.4, transfer="linear")
    rng = np.random.default_rng(8)
    K, bias, exact = 80_000, [], []
    eigenvalues = np.linalg.eigvalsh(hessian(of))
    for h in (0.2, 0.1):
        state, _ = move(gaussian_draws(of, K, rng), of, "euler-maruyama", h, 6.0, rng)
        bias.append(2 * state.energy.mean() / (4 * T) - 1)
        exact.append(np.mean(1 / (1 - h * eigenvalues / 2)) - 1)
    error = np.sqrt(2 / (4 * K))  # relative, of a mean energy
    np.testing.assert_allclose(bias, exact, atol=SIGMAS * error)
    # The exact ratio is 2 plus terms of second order.
    assert exact[0] / exact[1] == pytest.approx(2, abs=0.2)
    ratio_error = 2 * error * np.hypot(1 / bias[0], 1 / bias[1])
    assert bias[0] / bias[1] == pytest.approx(2, abs=0.2 + SIGMAS * ratio_error)
    assert SIGMAS * ratio_error < 0.5


def test_leapfrog_is_of_second_order():
    of = landscape(N=20, g=1.2)
    path = HamiltonianPath(mass(of, slope=0.8, floor=0.03))
    x = np.random.default_rng(1).standard_normal((20, 400))
    gain = []
    for steps in (40, 80):
        # The same momenta and length: the energy gained, where it is, falls as h^2.
        acceptance = path(
            State(of, x), np.ones(400), np.full(400, 2 / steps), steps, np.random.default_rng(2)
        )
        gain.append(-np.log(acceptance).sum())
    # The order approaches 2 from above: 2.01 observed.
    assert np.log2(gain[0] / gain[1]) == pytest.approx(2, abs=0.03)


def test_mass_matrix_and_its_factors():
    of = landscape(N=5, eta=0.1)
    M = mass(of, slope=0.6, floor=0.05)
    A = np.eye(5) - 0.6 * of.J
    np.testing.assert_allclose(M.factor @ M.factor.T, A.T @ A + 0.25 * np.eye(5), atol=1e-14)
    np.testing.assert_allclose(M.factor @ M.factor.T @ M.inverse, np.eye(5), atol=1e-12)
