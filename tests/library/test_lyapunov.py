"""Lyapunov exponents: linear networks, the mean divergence, orders of the step, DMFT."""

from __future__ import annotations

import numpy as np
import pytest

from quasipotential import couplings, lyapunov
from quasipotential.dmft import stationary
from quasipotential.specs import CouplingsSpec, LyapunovSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")
LINEAR = transfer_function("linear")


def spec(**changes) -> LyapunovSpec:
    values = {
        "N": 20,
        "gamma": 0.0,
        "networks": 2,
        "g": 1.5,
        "copies": 2,
        "start": {"low": -1.0, "high": 1.0},
        "discard": 5.0,
        "duration": 10.0,
        "interval": 0.1,
        "seed": 3,
    }
    return LyapunovSpec.model_validate(values | changes)


def matrix(N: int, gamma: float, seed: int) -> np.ndarray:
    return couplings.run(CouplingsSpec(N=N, gamma=gamma, seed=seed))["couplings"].values


def rates(
    J: np.ndarray, step: float, k: int, duration: float = 60.0, transfer=LINEAR, **options
) -> np.ndarray:
    """Exponents along one trajectory."""
    rng = np.random.default_rng(0)
    start = rng.uniform(-1.0, 1.0, (len(J), 1))
    tangents = rng.standard_normal((1, len(J), k))
    growth = lyapunov.growth(J, transfer, start, tangents, step, 40.0, duration, **options)
    return growth.exponents[0]


def test_linear_network_has_the_eigenvalues() -> None:
    """Symmetric couplings with known eigenvalues: the growth of a step is that of Runge-Kutta."""
    exact = np.array([-0.2, -0.8, -1.5, -2.2])
    rng = np.random.default_rng(4)
    basis = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    J = basis * (1.0 + exact) @ basis.T
    for k in (1, 4):
        for step in (0.4, 0.2):
            y = step * exact[:k]
            growth = np.log(1.0 + y + y**2 / 2.0 + y**3 / 6.0 + y**4 / 24.0)
            # rounding, and exp(-2 gap discard) from the start
            np.testing.assert_allclose(rates(J, step, k), growth / step, rtol=1e-9)


def test_sum_of_all_exponents_is_the_mean_divergence() -> None:
    """Sum of lambda = -N + <sum_i J_ii phi'(x_i)>, = -N exactly without self-couplings."""
    N = 15
    J = 2.5 * matrix(N, 0.0, 1)
    np.fill_diagonal(J, 0.0)
    sums = [rates(J, step, N, 40.0, TANH).sum() + N for step in (0.2, 0.1)]
    # The determinant of a step errs by h^5 for each unit: order 4.
    assert sums[0] / sums[1] == pytest.approx(16.0, rel=0.25)
    assert abs(sums[1]) < 1e-3 * N


def test_noise_is_split_symmetrically_and_shared_by_both_steps() -> None:
    """Units without couplings: x -> e^-h (x + kick) + kick has <x^2> = sigma^2 h coth(h)/2."""
    N, noise = 300, 0.7
    start, tangents = np.zeros((N, 2)), np.ones((2, N, 1))

    def square(step: float, draws: int) -> float:
        rng = np.random.default_rng(5)
        run = lyapunov.growth(
            np.zeros((N, N)), LINEAR, start, tangents, step, 10.0, 60.0, noise, draws, rng
        )
        return run.mean_square_x

    fine, coarse = square(0.25, 1), square(0.5, 2)
    expected = [0.5 * noise**2 * h / np.tanh(h) for h in (0.25, 0.5)]
    # about 36000 independent values: 0.75 % each
    assert fine == pytest.approx(expected[0], rel=0.025)
    # The noise is the same, so that most of this cancels: 0.06 % observed.
    assert coarse / fine == pytest.approx(expected[1] / expected[0], rel=3e-3)


def test_linear_network_with_noise_keeps_its_exponents() -> None:
    """Additive noise does not act on the tangents of a linear network."""
    J = 0.5 * matrix(10, 1.0, 2)
    with_noise = rates(J, 0.1, 2, noise=1.0, rng=np.random.default_rng(1))
    # equal up to rounding of states that differ
    np.testing.assert_allclose(with_noise, rates(J, 0.1, 2), atol=1e-12)


def test_run_extrapolates_in_the_step() -> None:
    dataset = lyapunov.run(spec(gamma=1.0, g=0.4, transfer="linear", duration=80.0, interval=0.4))
    for index in range(2):
        exact = np.linalg.eigvalsh(0.4 * matrix(20, 1.0, 3 + index)).max() - 1.0
        found = dataset.isel(network=index, exponent=0)
        error = abs(float(found["lyapunov_exponent"]) - exact)
        # What is left is of order h^5, and the memory of the start, exp(-gap * discard)/duration.
        assert error < 0.3 * float(found["step_error"]) + 1e-3
        fine, coarse = found["fine"].values, found["coarse"].values
        extrapolated = fine + (fine - coarse) / 15.0
        assert float(found["lyapunov_exponent"]) == pytest.approx(extrapolated.mean(), abs=1e-14)
        assert float(found["step_error"]) == pytest.approx(
            abs((fine - coarse).mean()) / 15.0, abs=1e-14
        )


@pytest.mark.parametrize(("g", "noise"), [(1.0, 1.0), (2.0, 2.0)])
def test_driven_networks_against_the_stationary_dmft(g: float, noise: float) -> None:
    """With strong noise finite-size effects are small: three standard errors, N = 200."""
    dataset = lyapunov.run(
        spec(N=200, networks=3, g=g, noise=noise, discard=10.0, duration=30.0, interval=0.2)
    )
    theory = stationary.solve(g, TANH, 1.0, 1.0, noise=noise)
    exponents = dataset["lyapunov_exponent"].values[:, 0]
    error = exponents.std(ddof=1) / np.sqrt(3)
    # besides, effects of order 1/N: 0.01 to 0.02 at N = 200, observed
    assert exponents.mean() == pytest.approx(theory.lambda_1, abs=3.0 * error + 0.02)
    assert dataset["mean_square_x"].values.mean() == pytest.approx(theory.C0, rel=0.05)
    energy = dataset["energy"].values.mean()
    assert energy == pytest.approx(theory.energy_per_neuron, rel=0.05)


def test_chaotic_networks_approach_the_stationary_dmft() -> None:
    """g = 3: the exponent, C0 and E/N of N = 400, on the way to the limit."""
    dataset = lyapunov.run(
        spec(N=400, networks=2, g=3.0, discard=20.0, duration=30.0, interval=0.2, seed=2401)
    )
    theory = stationary.solve(3.0, TANH, 1.0, 1.0)
    # N = 400 stands 0.02 (10 %) below the limit, with a spread of 0.02 between networks
    exponents = dataset["lyapunov_exponent"].values[:, 0]
    assert exponents.mean() == pytest.approx(theory.lambda_1 - 0.02, abs=0.05)
    assert dataset["mean_square_x"].values.mean() == pytest.approx(theory.C0, rel=0.1)
    assert dataset["energy"].values.mean() == pytest.approx(theory.energy_per_neuron, rel=0.25)


def test_run_is_reproducible_and_described() -> None:
    dataset = lyapunov.run(spec(exponents=3))
    assert dataset.identical(lyapunov.run(spec(exponents=3)))
    assert not dataset.identical(lyapunov.run(spec(exponents=3, seed=4)))
    assert dataset["lyapunov_exponent"].dims == ("network", "exponent")
    assert dataset["fine"].dims == ("network", "copy", "exponent")
    assert (dataset["status"] == Status.CONVERGED.code).all()
    assert (np.diff(dataset["lyapunov_exponent"]) < 0).all()
    for name, variable in dataset.variables.items():
        assert {"long_name", "units"} <= set(variable.attrs), name


def test_more_exponents_than_units_are_refused() -> None:
    with pytest.raises(ValueError, match="20 units"):
        spec(exponents=21)
