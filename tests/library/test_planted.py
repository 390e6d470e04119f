"""Planted couplings: the conditional Gaussian, stationarity at given J, and the closed form."""

import numpy as np
import pytest

from quasipotential import potential
from quasipotential.planted import condition, plant, planted_pair
from quasipotential.replica import annealed
from quasipotential.specs import AnnealedSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")
POINT = {"g": 1.3, "temperature": 0.4, "transfer": TANH}
STATE = np.array([0.9, -0.4, 1.7])


def spec(**changes):
    settings = {
        "gamma": 0.0,
        "g": (1.2,),
        "temperatures": (1e-2,),
        "N": 200,
        "chains": 4,
        "warmup": 150,
        "draws": 20,
        "seed": 3,
    }
    return AnnealedSpec(**settings | changes)


def dense(x, gamma):
    """Prior covariance of (J, r), J row by row, and the observation matrix x = H (J, r)."""
    N, g, T = len(x), POINT["g"], POINT["temperature"]
    delta = np.eye(N)
    square = np.einsum("ik,jl->ijkl", delta, delta)
    crossed = np.einsum("il,jk->ijkl", delta, delta)
    prior = np.zeros((N * N + N,) * 2)
    prior[: N * N, : N * N] = g**2 / N * (square + gamma * crossed).reshape(N * N, N * N)
    prior[N * N :, N * N :] = T * delta
    return prior, np.hstack([np.kron(delta, np.tanh(x)), delta])


def posterior(x, gamma):
    """Mean and covariance of J, shapes (N^2,) and (N^2, N^2), given x."""
    prior, H = dense(x, gamma)
    gain = prior @ H.T @ np.linalg.inv(H @ prior @ H.T)
    J = slice(0, len(x) ** 2)
    return (gain @ x)[J], (prior - gain @ H @ prior)[J, J]


@pytest.mark.parametrize("gamma", [-1.0, -0.4, 0.0, 0.7, 1.0])
def test_update_gives_the_conditional_gaussian(gamma):
    """``condition`` is affine in the prior draw: its mean and covariance are exact, to rounding."""
    N, g = len(STATE), POINT["g"]

    def J(draw):
        prior, r = draw[: N * N].reshape(N, N) / g, draw[N * N :]
        return g * condition(prior, r, STATE, gamma, **POINT).ravel()

    mean, covariance = posterior(STATE, gamma)
    shift = J(np.zeros(N * N + N))
    linear = np.array([J(unit) - shift for unit in np.eye(N * N + N)]).T
    np.testing.assert_allclose(shift, mean, atol=1e-14)
    np.testing.assert_allclose(linear @ dense(STATE, gamma)[0] @ linear.T, covariance, atol=1e-14)


@pytest.mark.parametrize("gamma", [-1.0, 0.6, 1.0])
def test_draws_have_the_conditional_moments(gamma):
    """The whole sampler, 20000 draws of J: all means and second moments, 5 standard errors."""
    rng, draws = np.random.default_rng(2), 20_000
    J = POINT["g"] * np.array([plant(STATE, gamma, **POINT, rng=rng).ravel() for _ in range(draws)])
    mean, covariance = posterior(STATE, gamma)
    variance = np.diag(covariance)
    # Exact zeros (antisymmetric J has no diagonal) are met up to rounding.
    error = np.sqrt(np.maximum(variance, 0) / draws)
    assert (np.abs(J.mean(axis=0) - mean) <= 5 * error + 1e-14).all()
    error = np.sqrt(np.maximum(np.outer(variance, variance) + covariance**2, 0) / draws)
    assert (np.abs((J - mean).T @ (J - mean) / draws - covariance) <= 5 * error + 1e-14).all()


@pytest.mark.parametrize("gamma", [-1.0, 1.0])
def test_symmetry_is_exact(gamma):
    rng = np.random.default_rng(4)
    J = plant(rng.standard_normal(50), gamma, 1.1, 1e-3, TANH, rng)
    assert np.array_equal(J, gamma * J.T)


@pytest.mark.parametrize("T", [1e-2, 1e-12])
def test_observation_is_met(T):
    """x = J phi + r with r = r0 + T u: at T -> 0 x is a fixed point of J, up to sqrt(T)."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal(300)
    J = 1.2 * plant(x, 0.5, 1.2, T, TANH, rng)
    # |r|^2/T is about chi^2 with 300 degrees of freedom; 5 standard deviations are 40 %.
    assert 2 * potential.energy(x, J, TANH) / (300 * T) == pytest.approx(1, abs=0.45)


def hmc(x, J, temperature, step, steps, rng):
    """One path of each network: x (K, N), J (K, N, N); plain unit mass, momenta ~ N(0, T)."""
    transpose = J.transpose(0, 2, 1)

    def residual(x):
        return x - (J @ TANH.phi(x)[..., None])[..., 0]

    def gradient(x):
        r = residual(x)
        return r - TANH.derivative(x) * (transpose @ r[..., None])[..., 0]

    p = np.sqrt(temperature) * rng.standard_normal(x.shape)
    before = np.square([residual(x), p]).sum(axis=(0, 2))
    end = x.copy()
    p -= 0.5 * step * gradient(end)
    for _ in range(steps - 1):
        end += step * p
        p -= step * gradient(end)
    end += step * p
    p -= 0.5 * step * gradient(end)
    after = np.square([residual(end), p]).sum(axis=(0, 2))
    log_ratio = 0.5 * (before - after) / temperature
    return np.where((np.log(rng.random(len(x))) < log_ratio)[:, None], end, x)


@pytest.mark.parametrize(("gamma", "g"), [(0.0, 1.2), (0.5, 0.8667)])
def test_pairs_are_stationary(gamma, g):
    """Geweke's joint test: x -> HMC at fixed J, J -> plant, twice, leave the joint law alone.

    Means and second moments of differences along 60 pairs; 5 standard errors. J-only statistics do
    not change on a path. Meanwhile x moves: its overlap with the start falls below 0.85 q.
    """
    rng, T = np.random.default_rng(6), 1e-2
    x = annealed.sample(spec(gamma=gamma, g=(g,), chains=60)).x[0]

    def couplings(x):
        return g * np.array([plant(row, gamma, g, T, TANH, rng) for row in x])

    def statistics(x, J):
        phi = TANH.phi(x)
        r = x - (J @ phi[..., None])[..., 0]
        q = np.square(phi).mean(axis=1)
        values = (
            q,
            q**2,
            np.square(x).mean(axis=1),
            np.square(r).sum(axis=1),  # 2 E
            np.square(r).sum(axis=1) ** 2,
            (r * phi).mean(axis=1),  # T G
            np.einsum("kii->k", J),
            np.einsum("kij,kij->k", J, J),
            np.einsum("kij,kji->k", J, J),
            np.einsum("kij,ki,kj->k", J, phi, phi),
        )
        return np.array(values)

    J, start = couplings(x), x
    before = statistics(x, J)
    for _ in range(2):
        for _ in range(4):
            x = hmc(x, J, T, 0.2, 25, rng)
        changes = [statistics(x, J) - before]
        J = couplings(x)
        changes.append(statistics(x, J) - before)
        for change in changes:
            error = change.std(axis=1) / np.sqrt(len(x))
            assert (np.abs(change.mean(axis=1)) <= 5 * error).all()
    assert (TANH.phi(x) * TANH.phi(start)).mean() < 0.85 * before[0].mean()


@pytest.mark.parametrize(("g", "q"), [(0.8, 2.7735e-4), (1.2, 0.173451)])
def test_pairs_against_the_closed_form(g, q):
    """gamma = 0, T = 1e-4 on both sides of the transition: E/N = T/2, and q of the limit.

    4 standard errors over 24 pairs; the shift of q at finite N is 25/N (g = 0.8) and -17/N (1.2) of
    its value, as seen at N = 200 and 400.
    """
    rng, T, N = np.random.default_rng(7), 1e-4, 600
    states = annealed.sample(spec(g=(g,), temperatures=(T,), N=N, chains=24)).x[0]
    planted = [(g * plant(x, 0.0, g, T, TANH, rng), x) for x in states]
    energies = np.array([potential.energy(x, J, TANH) for J, x in planted])
    # 2 E/T is about chi^2 with N degrees of freedom.
    assert energies.mean() == pytest.approx(N * T / 2, rel=4 * np.sqrt(2 / (N * len(states))))
    overlaps = np.square(TANH.phi(states)).mean(axis=1)
    error = overlaps.std() / np.sqrt(len(states))
    assert overlaps.mean() == pytest.approx(q, abs=4 * error + 25 / N * q)


def test_pair_of_a_spec():
    """x is an end of a chain of the annealed measure; the same spec gives the same bits."""
    small = spec(N=30)
    pair, again = planted_pair(small), planted_pair(small)
    assert np.array_equal(pair.couplings, again.couplings) and np.array_equal(pair.x, again.x)
    sample = annealed.sample(small)
    assert (sample.x[0] == pair.x).all(axis=1).sum() == 1
    q = np.square(np.tanh(sample.x)).mean(axis=2)
    np.testing.assert_allclose(sample.draws["q"][..., -1], q, rtol=1e-14)
    assert not np.array_equal(pair.couplings, planted_pair(spec(N=30, seed=4)).couplings)


def test_status_is_that_of_the_annealed_sample():
    assert planted_pair(spec(N=30)).status is Status.NOT_EQUILIBRATED  # 80 draws are too few
    easy = planted_pair(spec(N=30, g=(0.5,), draws=400, rhat_limit=1.05))
    assert easy.status is Status.CONVERGED
    assert easy.summaries["q"].ess >= 400


def test_what_is_refused():
    rng = np.random.default_rng(8)
    with pytest.raises(ValueError, match="positive"):
        plant(STATE, 0.0, 1.0, 0.0, TANH, rng)
    with pytest.raises(ValueError, match="gamma"):
        plant(STATE, 1.5, 1.0, 0.1, TANH, rng)
    with pytest.raises(ValueError, match="one point"):
        planted_pair(spec(temperatures=(0.1, 0.2)))
