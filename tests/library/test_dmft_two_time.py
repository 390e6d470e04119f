"""Two-time DMFT: linear results to rounding, networks of finite size, the stationary limit."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from quasipotential import dmft
from quasipotential.dmft import stationary, two_time
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


@pytest.mark.parametrize(("gamma", "noise"), [(0.0, 0.1), (0.0, 0.0), (0.7, 0.3), (-0.7, 0.0)])
def test_linear_correlation(gamma: float, noise: float) -> None:
    """x = p x0 + P eta is linear, so C = p p^T <x0^2> + P (g^2 C + sigma^2/dt) P^T row by row."""
    g, dt = 0.9, 0.1
    solution = population(LINEAR, g=g, gamma=gamma, noise=noise, interval=dt)
    times = solution.time.size
    p, P = np.zeros(times), np.zeros((times, times))
    p[0] = 1.0
    C = np.zeros((times, times))
    C[0, 0] = solution.C_phi[0, 0]
    for t in range(times - 1):
        memory = g**2 * gamma * solution.R[t]
        p[t + 1] = (1 - dt) * p[t] + dt * memory @ p
        P[t + 1] = (1 - dt) * P[t] + dt * memory @ P
        P[t + 1, t] += dt
        drive = g**2 * C + noise**2 / dt * np.eye(times)
        row = p[t + 1] * p * C[0, 0] + P[t + 1] @ drive @ P.T
        C[t + 1, : t + 2] = row[: t + 2]
        C[: t + 2, t + 1] = row[: t + 2]
    # The noise is orthonormal over the population, so there is no sampling error at all.
    np.testing.assert_allclose(solution.C_phi, C, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(solution.C_x_equal, np.diag(C), rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(solution.mean_x, p * solution.mean_x[0], rtol=0.0, atol=1e-12)


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
    # Gram-Schmidt twice is orthogonal to rounding, also for the singular matrix without noise.
    assert solution.factor_error < 1e-12
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
