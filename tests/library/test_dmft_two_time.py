"""Two-time DMFT: linear results to rounding, networks of finite size, the stationary limit."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from math import comb

import numpy as np
import pytest
from scipy import special

from quasipotential import dmft
from quasipotential.dmft import static, stationary, two_time
from quasipotential.dmft.time_step import time_step
from quasipotential.specs import Interval, TwoTimeDmftSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")
LINEAR = transfer_function("linear")


def population(transfer=TANH, seed: int = 0, **changes) -> two_time.TwoTimeSolution:
    settings = {
        "g": 0.8,
        "gamma": 0.5,
        "noise": 0.1,
        "start": (0.0, 1.0),
        "duration": 3.0,
        "interval": 0.1,
        "trajectories": 300,
        "tangents": 20,
    } | changes
    return two_time.solve(transfer=transfer, generator=np.random.default_rng(seed), **settings)


def default_spec(**changes) -> TwoTimeDmftSpec:
    settings = {
        "g": 0.8,
        "gamma": 0.5,
        "noise": 0.1,
        "start": Interval(low=0.0, high=1.0),
        "duration": 3.0,
        "interval": 0.1,
        "trajectories": 200,
        "tangents": 20,
        "batches": 3,
        "seed": 1,
    }
    return TwoTimeDmftSpec(**(settings | changes))


SCHEMES = ["euler", "adams-bashforth"]


@pytest.mark.parametrize("gamma", [-1.0, -0.5, 0.0, 0.5, 1.0])
def test_linear_response_is_the_resolvent_of_the_elliptic_law(gamma: float) -> None:
    """R_ts = dt sum_j binom(k, j) (1-dt)^(k-j) dt^j tr J^j/N with Catalan moments, k = t-1-s."""
    g, dt = 0.9, 0.1
    R = population(LINEAR, g=g, gamma=gamma, interval=dt).R
    times = R.shape[0]

    def moment(j: int) -> float:
        return 0.0 if j % 2 else comb(j, j // 2) / (j // 2 + 1) * (g**2 * gamma) ** (j // 2)

    def kernel(k: int) -> float:
        return dt * sum(comb(k, j) * (1 - dt) ** (k - j) * dt**j * moment(j) for j in range(k + 1))

    exact = np.zeros_like(R)
    for t in range(times):
        for s in range(t):
            exact[t, s] = kernel(t - 1 - s)
    # every trajectory has the same tangent: only rounding is left
    np.testing.assert_allclose(R, exact, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("gamma", "noise"), [(0.0, 0.1), (0.0, 0.0), (0.7, 0.3), (-0.7, 0.0)])
def test_linear_correlation(scheme: str, gamma: float, noise: float) -> None:
    """x = p x0 + P f is linear, so C = p p^T <x0^2> + P F P^T, row by row."""
    g, dt = 0.9, 0.1
    solution = population(LINEAR, g=g, gamma=gamma, noise=noise, interval=dt, scheme=scheme)
    step, times = time_step(scheme, dt), solution.time.size
    b = np.zeros((times, times))  # b_ts of the input h_s in step t
    for t in range(times - 1):
        b[t, t], b[t, t - 1] = step.weights(t) if t else (step.first, 0.0)
    p, P = np.zeros(times), np.zeros((times, times))
    p[0] = 1.0
    C = np.zeros((times, times))
    C[0, 0] = solution.C_phi[0, 0]
    for t in range(times - 1):
        memory = g**2 * gamma * b[t] @ solution.R
        p[t + 1] = step.decay * p[t] + memory @ p
        P[t + 1] = step.decay * P[t] + memory @ P
        P[t + 1, t] += 1.0
        drive = g**2 * b @ C @ b.T + (noise * step.spread) ** 2 * np.eye(times)
        row = p[t + 1] * p * C[0, 0] + P[t + 1] @ drive @ P.T
        C[t + 1, : t + 2] = row[: t + 2]
        C[: t + 2, t + 1] = row[: t + 2]
    # The noise is orthonormal over the population, so there is no sampling error at all, but for
    # the 1e-12 that is added to the pivots.
    np.testing.assert_allclose(solution.C_phi, C, rtol=0.0, atol=1e-11)
    np.testing.assert_allclose(solution.C_x_equal, np.diag(C), rtol=0.0, atol=1e-11)
    np.testing.assert_allclose(solution.mean_x, p * solution.mean_x[0], rtol=0.0, atol=1e-12)


def elliptic_correlation(t: float, s: float, g: float, gamma: float) -> float:
    """tr exp(Mt) exp(Ms)^T/N, M = -1 + J, for N -> infinity: sum_n g^2n R_n(t) R_n(s).

    R_n is the (n+1)-fold convolution of R(t) = exp(-t) I_1(2 k t)/(k t), k = g sqrt(gamma), thus
    (n+1) exp(-t) I_{n+1}(2 k t)/(k^(n+1) t), with J in place of I where gamma < 0.
    """
    k, n = g * np.sqrt(abs(gamma)), np.arange(1, 40)
    bessel = special.iv if gamma > 0 else special.jv

    def convolution(t: float) -> np.ndarray:
        return n * np.exp(-t) * bessel(n, 2 * k * t) / (k**n * t)

    return float(np.sum(g ** (2 * n - 2) * convolution(t) * convolution(s)))


@pytest.mark.parametrize(("gamma", "noise"), [(0.6, 0.0), (-0.8, 0.0), (0.6, 0.7), (-0.8, 0.7)])
@pytest.mark.parametrize(("scheme", "order"), [("euler", 1.0), ("adams-bashforth", 2.0)])
def test_order_in_the_time_step(scheme: str, order: float, gamma: float, noise: float) -> None:
    """Against continuous time with a linear transfer function, which has no sampling error."""
    g = 0.9
    u, weights = np.polynomial.legendre.leggauss(30)

    def correlation(t: float, s: float, square: float) -> float:
        driven = [elliptic_correlation(t - v, s - v, g, gamma) for v in 0.5 * s * (u + 1.0)]
        start = square * elliptic_correlation(t, s, g, gamma)
        return start + noise**2 * 0.5 * s * (weights @ driven)

    def response(lag: float) -> float:
        k = g * np.sqrt(abs(gamma))
        bessel = special.iv if gamma > 0 else special.jv
        return np.exp(-lag) * bessel(1, 2 * k * lag) / (k * lag)

    pairs = [(3.0, 3.0), (3.0, 1.5), (2.0, 1.0), (1.0, 1.0), (1.5, 0.5)]
    errors = []
    for per_unit in (10, 20, 40):
        here = population(
            LINEAR, g=g, gamma=gamma, noise=noise, interval=1.0 / per_unit, scheme=scheme,
            tangents=2,
        )  # fmt: skip
        where = tuple(np.rint(np.array(pairs).T * per_unit).astype(int))
        C = [correlation(t, s, here.C_phi[0, 0]) for t, s in pairs]
        R = [response(t - s) if t > s else 0.0 for t, s in pairs]
        errors.append(
            [np.max(np.abs(here.C_phi[where] - C)), np.max(np.abs(here.R[where] * per_unit - R))]
        )
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    # observed at the finer step: within 0.08 of the order
    assert np.all(np.abs(orders[-1] - order) < 0.15), orders
    assert errors[-1][0] < (0.02 if scheme == "euler" else 2e-3)


def test_noise_only() -> None:
    """g = 0: an Ornstein-Uhlenbeck process in Euler-Maruyama steps."""
    sigma, dt = 0.4, 0.1
    solution = population(g=0.0, gamma=0.5, noise=sigma, interval=dt)
    steps = np.arange(solution.time.size)
    decay = (1 - dt) ** steps
    stationary_variance = sigma**2 * dt / (1 - (1 - dt) ** 2)
    np.testing.assert_allclose(solution.mean_x, decay * solution.mean_x[0], atol=1e-13)
    np.testing.assert_allclose(
        solution.C_x_equal,
        decay**2 * solution.C_x_equal[0] + stationary_variance * (1 - decay**2),
        atol=1e-13,
    )


def test_silence() -> None:
    """No coupling and no noise: every trajectory decays by itself, with a vanishing covariance."""
    solution = population(g=0.0, noise=0.0)
    assert solution.status is Status.CONVERGED
    decay = 0.9 ** np.arange(solution.time.size)
    np.testing.assert_allclose(solution.mean_x, decay * solution.mean_x[0], atol=1e-14)


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_structure(noise: float) -> None:
    solution = population(noise=noise, duration=10.0)
    assert solution.status is Status.CONVERGED
    # 1e-12 of its variance is added to each pivot, also for the singular matrix without noise.
    assert solution.factor_error < 1.1e-12
    assert not np.triu(solution.R).any()
    np.testing.assert_array_equal(solution.C_phi, solution.C_phi.T)
    assert np.linalg.eigvalsh(solution.C_phi).min() > -1e-13 * np.trace(solution.C_phi)
    # The response after one step is dt <phi'>, with phi' = 1 - phi^2 over the whole population.
    np.testing.assert_allclose(
        np.diag(solution.R, -1), 0.1 * (1.0 - np.diag(solution.C_phi)[1:]), rtol=1e-12
    )


def network(g: float, gamma: float, noise: float, steps: int, dt: float, N: int, generator):
    """One Euler-Maruyama run of the network: m, <x^2>, C and R for fields at the steps 0 and 15."""
    symmetric, antisymmetric = (generator.standard_normal((N, N)) for _ in range(2))
    symmetric = (symmetric + symmetric.T) / np.sqrt(2.0)
    antisymmetric = (antisymmetric - antisymmetric.T) / np.sqrt(2.0)
    J = symmetric * np.sqrt((1 + gamma) / 2) + antisymmetric * np.sqrt((1 - gamma) / 2)
    J *= g / np.sqrt(N)
    x = generator.random(N)
    phi = np.empty((steps + 1, N))
    mean, square = np.empty(steps + 1), np.empty(steps + 1)
    R = {s: np.zeros(steps + 1) for s in (0, 15)}
    tangent = {s: np.zeros((N, N)) for s in R}
    for t in range(steps + 1):
        phi[t] = np.tanh(x)
        mean[t], square[t] = x.mean(), np.mean(x**2)
        slope = 1.0 - phi[t] ** 2
        for s in R:
            R[s][t] = np.mean(slope * np.diag(tangent[s]))
            if t > s:
                tangent[s] += dt * (J @ (slope[:, None] * tangent[s]) - tangent[s])
            elif t == s:
                tangent[s] = dt * np.eye(N)
        x = (1 - dt) * x + dt * J @ phi[t] + noise * np.sqrt(dt) * generator.standard_normal(N)
    return [mean, square, phi @ phi.T / N, R[0], R[15]]


@pytest.mark.parametrize("gamma", [0.5, -0.8])
def test_network_of_finite_size(gamma: float) -> None:
    g, noise, steps, dt, N, realisations = 1.1, 0.2, 40, 0.1, 300, 16
    generator = np.random.default_rng(7)
    runs = [network(g, gamma, noise, steps, dt, N, generator) for _ in range(realisations)]
    dataset = dmft.run(
        default_spec(
            g=g, gamma=gamma, noise=noise, duration=steps * dt, trajectories=1000, tangents=200
        )
    )
    theory = [
        (dataset.mean_x, dataset.mean_x_se),
        (dataset.C_x_equal, dataset.C_x_equal_se),
        (dataset.C_phi, dataset.C_phi_se),
        (dataset.R[:, 0], dataset.R_se[:, 0]),
        (dataset.R[:, 15], dataset.R_se[:, 15]),
    ]
    for (expected, expected_error), samples in zip(theory, zip(*runs, strict=True), strict=True):
        mean = np.mean(samples, axis=0)
        variance = np.var(samples, axis=0, ddof=1) / realisations + expected_error.values**2
        # 5 standard errors, and 0.3/N for the finite size; 0.6 of the sum at most over eight seeds
        difference = np.abs(mean - expected.values)
        assert (difference < 5.0 * np.sqrt(variance) + 0.3 / N).all(), expected.name
        # without the echo the theory would fail: the test has the power to see it
    without = dmft.run(default_spec(g=g, gamma=0.0, noise=noise, duration=steps * dt))
    gap = np.abs(without.C_x_equal.values - np.mean([run[1] for run in runs], axis=0)).max()
    assert gap > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("gamma", [0.5, -0.8])
def test_large_networks_agree_within_three_standard_errors(gamma: float) -> None:
    """N = 4000: m, <x^2>, C and, by random probes, R at some times."""
    g, noise, steps, dt, N, realisations, probes = 1.1, 0.2, 30, 0.1, 4000, 12, 8
    samples = []
    for seed in np.random.SeedSequence(11).spawn(realisations):
        generator = np.random.default_rng(seed)
        J = np.empty((N, N), dtype=np.float32)
        upper, lower = (generator.standard_normal((N, N), dtype=np.float32) for _ in range(2))
        J[:] = (upper + upper.T) * np.float32(np.sqrt((1 + gamma) / 4))
        J += (lower - lower.T) * np.float32(np.sqrt((1 - gamma) / 4))
        J *= np.float32(g / np.sqrt(N))
        x = generator.random(N)
        signs = generator.choice([-1.0, 1.0], (N, probes))
        tangent = np.zeros((N, probes))
        phi, mean, square, R = [], [], [], []
        for t in range(steps + 1):
            phi.append(np.tanh(x))
            slope = 1.0 - phi[t] ** 2
            mean.append(x.mean())
            square.append(np.mean(x**2))
            R.append(np.mean(signs * slope[:, None] * tangent))
            inputs = np.column_stack([phi[t], slope[:, None] * tangent]).astype(np.float32)
            inputs = J @ inputs
            x = (1 - dt) * x + dt * inputs[:, 0]
            x += noise * np.sqrt(dt) * generator.standard_normal(N)
            tangent = (1 - dt) * tangent + dt * (inputs[:, 1:] if t else signs)
        C = np.array(phi) @ np.array(phi).T / N
        samples.append(
            [
                mean[15],
                mean[30],
                square[15],
                square[30],
                C[30, 15],
                C[30, 0],
                C[30, 30],
                R[15],
                R[30],
            ]
        )
    theory = dmft.run(
        default_spec(
            g=g, gamma=gamma, noise=noise, duration=steps * dt, trajectories=4000, tangents=400,
            batches=6,
        )
    )  # fmt: skip

    def at(suffix: str) -> np.ndarray:
        m, square, C, R = (
            theory[name + suffix].values for name in ("mean_x", "C_x_equal", "C_phi", "R")
        )
        return np.array(
            [
                m[15],
                m[30],
                square[15],
                square[30],
                C[30, 15],
                C[30, 0],
                C[30, 30],
                R[15, 0],
                R[30, 0],
            ]
        )

    error = np.hypot(np.std(samples, axis=0, ddof=1) / np.sqrt(realisations), at("_se"))
    difference = np.abs(np.mean(samples, axis=0) - at(""))
    assert np.all(difference < 3.0 * error), difference / error
    # Three standard errors are a narrow band: <x^2> and C are known to 3 % of the largest.
    assert np.max(error[2:7]) < 0.03 * np.max(at("")[2:7])


def test_late_times_reach_the_stationary_state() -> None:
    """gamma = 0, sigma = 0, g = 2: <x^2> tends to C0 of the stationary theory."""
    dataset = dmft.run(
        default_spec(
            g=2.0, gamma=0.0, noise=0.0, duration=40.0, interval=0.1, trajectories=800, batches=4
        )
    )
    late = dataset.C_x_equal.sel(time=slice(20.0, None)).mean().item()
    C0 = stationary.solve(2.0, TANH, 1.0, 1.0).C0
    # Observed over seeds: below 1 %, bias of the step and scatter together.
    assert late == pytest.approx(C0, rel=0.03)


def test_same_spec_same_bits_and_other_seed_other_bits() -> None:
    first, again, other = (dmft.run(default_spec(seed=seed)) for seed in (1, 1, 2))
    assert first.identical(again)
    assert (first.C_phi.values[1:, 1:] != other.C_phi.values[1:, 1:]).all()


def test_dataset() -> None:
    dataset = dmft.run(default_spec())
    assert dataset.C_phi.dims == ("time", "time2")
    assert dataset.status.dims == ("batch",)
    assert dataset.status.values.tolist() == [0, 0, 0]
    for name in ("mean_x", "mean_phi", "C_x_equal", "C_phi", "R"):
        assert dataset[name].dims == dataset[f"{name}_se"].dims
        assert (dataset[f"{name}_se"] >= 0.0).all()
    for name, variable in dataset.variables.items():
        assert {"long_name", "units"} <= set(variable.attrs), name


def test_too_few_trajectories_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1002 trajectories"):
        population(duration=100.0)


@pytest.mark.parametrize("gamma", [0.5, -0.5])
def test_below_the_transition_activity_dies_with_the_static_response(gamma: float) -> None:
    """g (1 + gamma) < 1: C -> 0, and R summed over a long time is the static R."""
    g = 0.5
    here = population(
        g=g, gamma=gamma, noise=0.0, start=(-0.2, 0.2), duration=25.0, scheme="adams-bashforth"
    )
    fixed_points = static.solve(g, gamma, TANH)
    assert fixed_points.C == 0.0
    # The slowest mode decays with the rate 1 - g (1 + gamma) >= 0.25.
    assert here.C_phi[-1, -1] < np.exp(-0.25 * 25.0) * here.C_phi[0, 0]
    # Late rows no longer know the nonlinear start: observed 3e-4, of order dt^2.
    assert here.R[-1].sum() == pytest.approx(fixed_points.R, rel=2e-3)


def test_tangents_on_part_of_the_population_and_blocks_of_steps() -> None:
    """R by backward sweeps in blocks against the forward tangent equation, step by step."""
    g, gamma, dt = 1.1, 0.6, 0.1
    here = population(g=g, gamma=gamma, duration=4.5, tangents=300)
    times, step = here.time.size, time_step("euler", dt)
    # The same population again: its trajectories follow from R and the fields of the solver.
    slopes = []

    def derivative(x: np.ndarray) -> np.ndarray:
        slopes.append(TANH.derivative(x))
        return slopes[-1]

    spied = replace(TANH, derivative=derivative)
    again = population(spied, g=g, gamma=gamma, duration=4.5, tangents=300)
    np.testing.assert_array_equal(again.R, here.R)
    chi = np.zeros((times, times, 300))
    for t in range(times - 1):
        memory = np.einsum("u,uk,usk->sk", here.R[t], np.array(slopes[:times]), chi)
        chi[t + 1] = step.decay * chi[t] + dt * g**2 * gamma * memory
        chi[t + 1, t] += dt
    R = np.array([(slopes[t] * chi[t]).mean(axis=1) for t in range(times)])
    # the same sums in another order: rounding only
    np.testing.assert_allclose(here.R, R, rtol=0.0, atol=1e-14)


def test_covariance_that_is_not_positive_is_seen() -> None:
    """The factor of an indefinite matrix differs from it: nothing is set to zero unseen."""
    F = np.array([[1.0, 1.2], [1.2, 1.0]])
    factor = np.zeros((2, 2))
    for t in range(2):
        two_time._new_row(factor, F, t)
    assert np.max(np.abs(factor @ factor.T - F)) == pytest.approx(0.44)  # = 1.2^2 - 1


def test_memory_has_no_history_of_tangents() -> None:
    """Peak below what the spec reserves; a history would take steps^2 tangents numbers."""
    steps, trajectories, tangents = 100, 200, 200
    tracemalloc.start()
    population(duration=10.0, trajectories=trajectories, tangents=tangents)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * steps * (10 * steps + 10 * trajectories + 20 * tangents)
    assert peak < 0.5 * 8 * steps**2 * tangents
