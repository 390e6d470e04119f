"""Monte Carlo of the annealed measure: the closed forms, the sampler, and the saddle point."""

import numpy as np
import pytest
from scipy import stats

from quasipotential.replica import solutions
from quasipotential.replica.annealed import Measure, run, scaling
from quasipotential.specs import AnnealedSpec, ReplicaSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

POINT = {"g": 1.3, "temperature": 0.4}


def measure(gamma, transfer="tanh", **changes):
    values = {name: np.array([value]) for name, value in (POINT | changes).items()}
    return Measure(gamma, values["g"], values["temperature"], transfer_function(transfer))


def covariance(x, gamma, g, temperature):
    """Sigma = T + covariance of J phi, built entry by entry from the ensemble of J."""
    phi = np.tanh(x)
    N = len(x)
    delta = np.eye(N)
    entries = np.einsum("ik,jl->ijkl", delta, delta) + gamma * np.einsum(
        "il,jk->ijkl", delta, delta
    )
    return temperature * delta + g**2 / N * np.einsum("ijkl,j,l->ik", entries, phi, phi)


def spec(**changes):
    settings = {
        "gamma": 0.5,
        "g": (1.0,),
        "temperatures": (0.1,),
        "N": 50,
        "chains": 4,
        "warmup": 20,
        "draws": 20,
        "seed": 3,
    }
    return AnnealedSpec(**settings | changes)


@pytest.mark.parametrize("gamma", [-1.0, -0.4, 0.0, 0.7])
def test_density_is_that_of_a_gaussian_vector(gamma):
    """E_J exp(-E/T) ~ normal density of x with covariance Sigma, to rounding."""
    rng = np.random.default_rng(1)
    pair = rng.standard_normal((2, 7))
    values = measure(gamma).log_density(pair)
    expected = [
        stats.multivariate_normal(np.zeros(7), covariance(x, gamma, *POINT.values())).logpdf(x)
        for x in pair
    ]
    assert values[1] - values[0] == pytest.approx(expected[1] - expected[0], abs=1e-12)


def test_average_over_couplings_by_sampling():
    """The same by direct draws of J at N = 3, diagonal included; 4 standard errors."""
    rng = np.random.default_rng(2)
    gamma, N, draws = 0.6, 3, 200_000
    g, T = POINT.values()
    upper = rng.multivariate_normal([0, 0], [[1, gamma], [gamma, 1]], size=(draws, 3))
    J = np.zeros((draws, N, N))
    rows, columns = np.triu_indices(N, 1)
    J[:, rows, columns], J[:, columns, rows] = upper[..., 0], upper[..., 1]
    J[:, range(N), range(N)] = np.sqrt(1 + gamma) * rng.standard_normal((draws, N))
    J *= g / np.sqrt(N)
    x = np.array([[0.9, -0.4, 0.3], [-0.2, 0.8, 1.1]])
    weights, energies, responses = [], [], []
    for point in x:
        r = point - J @ np.tanh(point)
        energy = 0.5 * (r**2).sum(axis=1)
        weights.append(np.exp(-energy / T))
        energies.append(energy / N)
        responses.append(r @ np.tanh(point) / (N * T))
    weights = np.array(weights)
    error = np.sqrt((weights.std(axis=1) / weights.mean(axis=1)).max() ** 2 * 2 / draws)
    logs = np.log(weights.mean(axis=1))
    site = measure(gamma)
    assert np.diff(site.log_density(x))[0] == pytest.approx(np.diff(logs)[0], abs=4 * error)
    for name, values in (("energy", energies), ("G", responses)):
        for k in range(2):
            share = weights[k] / weights[k].sum()
            mean = share @ values[k]
            error = np.sqrt(np.sum(share**2 * (values[k] - mean) ** 2))
            assert site.observables(x)[name][k] == pytest.approx(mean, abs=4 * error)


@pytest.mark.parametrize("transfer", ["tanh", "erf"])
@pytest.mark.parametrize("gamma", [-0.5, 0.0, 0.8])
def test_gradient(gamma, transfer):
    """Central differences with step 1e-5: truncation and rounding 1e-9."""
    x = np.random.default_rng(3).standard_normal((1, 6))
    site = measure(gamma, transfer)
    expected = [
        (site.log_density(x + h) - site.log_density(x - h))[0] / 2e-5 for h in 1e-5 * np.eye(6)
    ]
    np.testing.assert_allclose(site.gradient(x)[0], expected, atol=1e-8)


@pytest.mark.parametrize("gamma", [-0.5, 0.0, 0.8])
def test_response_and_energy_at_given_activities(gamma):
    """G = phi.Sigma^-1 x/N; E = T^2 d/dT of ln[T^{N/2} p(x)], by differences (error 1e-9)."""
    x = np.random.default_rng(4).standard_normal((1, 6))
    g, T = POINT.values()
    observed = measure(gamma).observables(x)
    expected = np.tanh(x[0]) @ np.linalg.solve(covariance(x[0], gamma, g, T), x[0]) / 6
    assert observed["G"][0] == pytest.approx(expected, rel=1e-12)

    def log_weight(temperature):
        return 3 * np.log(temperature) + measure(gamma, temperature=temperature).log_density(x)[0]

    derivative = (log_weight(T + 1e-5) - log_weight(T - 1e-5)) / 2e-5
    assert observed["energy"][0] == pytest.approx(T**2 * derivative / 6, rel=1e-7)


def test_two_units_against_quadrature():
    """The whole sampler at N = 2 against a double integral of the density; 4 standard errors."""
    dataset = run(spec(N=2, g=(1.3,), temperatures=(0.4,), warmup=150, draws=1500)).squeeze()
    assert int(dataset["status"]) == Status.CONVERGED.code
    axis = np.linspace(-12, 12, 401)
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    site = measure(0.5)
    weight = np.exp(site.log_density(x) - site.log_density(np.zeros((1, 2))))
    for name, values in site.observables(x).items():
        exact = weight @ values / weight.sum()
        assert float(dataset[name]) == pytest.approx(exact, abs=4 * float(dataset[f"{name}_mcse"]))
        assert float(dataset[f"{name}_mcse"]) < 0.05 * exact


def test_scaling_move_leaves_a_known_measure_alone():
    """g = 0: x is normal with variance T. From exact draws, one move changes neither mean nor
    variance of x.x (2000 chains, 4 standard errors), although half of the chains move."""
    rng = np.random.default_rng(6)
    N, chains = 40, 2000
    ones = np.ones(chains)
    free = Measure(0.5, 0 * ones, 0.25 * ones, transfer_function("tanh"))
    x = 0.5 * rng.standard_normal((chains, N))
    moved = scaling(x, free, 0.2 * ones, rng)
    assert 0.3 < moved.acceptance.mean() < 0.7
    scaled = (moved.x**2).sum(axis=1) / 0.25
    assert scaled.mean() == pytest.approx(N, abs=4 * np.sqrt(2 * N / chains))
    assert scaled.var() == pytest.approx(2 * N, rel=4 * np.sqrt((2 + 12 / N) / chains))


@pytest.mark.parametrize(
    ("gamma", "gc", "T"), [(0.0, 0.8, 1e-2), (0.2, 1.428, 1e-4), (1.0, 1.3, 1e-2)]
)
def test_saddle_point_is_the_limit_of_large_networks(gamma, gc, T):
    """Values of the branch Q = 0, from N and 4 N by extrapolation in 1/N; 4 standard errors.

    The shift at N = 2000 is up to 1 % (observed); what is left of it, of order 1/N^2, is below the
    standard errors.
    """
    g = gc / (1 + gamma)
    sampled = [
        run(
            spec(
                gamma=gamma,
                g=(g,),
                temperatures=(T,),
                N=N,
                warmup=150,
                draws=draws,
                rhat_limit=1.05,
                ess_limit=200,
            )
        ).squeeze()
        for N, draws in ((500, 500), (2000, 250))
    ]
    assert all(int(dataset["status"]) == Status.CONVERGED.code for dataset in sampled)
    exact = solutions.run(ReplicaSpec(gamma=gamma, g=(g,), temperatures=(T,))).squeeze()
    for name in ("q", "mean_square_x", "G", "energy"):
        small, large = (float(dataset[name]) for dataset in sampled)
        errors = [float(dataset[f"{name}_mcse"]) for dataset in sampled]
        limit, error = (4 * large - small) / 3, np.hypot(4 * errors[1], errors[0]) / 3
        assert limit == pytest.approx(float(exact[name]), abs=4 * error), name
        assert error < 0.03 * limit


def test_same_spec_same_bits_and_honest_status():
    small = spec()
    first, second = run(small), run(small)
    assert first.identical(second)
    assert (first["status"] == Status.NOT_EQUILIBRATED.code).all()
    assert not first["q"].equals(run(spec(seed=4))["q"])


def test_every_variable_is_described():
    for name, variable in run(spec()).variables.items():
        assert variable.attrs.get("units") == "1" and variable.attrs.get("long_name"), name
