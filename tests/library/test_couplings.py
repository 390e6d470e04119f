"""Couplings: exact symmetry and the covariance of the elliptic ensemble."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quasipotential import couplings
from quasipotential.specs import CouplingsSpec


def spec(**changes):
    return CouplingsSpec(**({"N": 40, "gamma": 0.3, "seed": 1} | changes))


@pytest.mark.parametrize("sign", [1, -1])
@given(seed=st.integers(0, 2**32), N=st.integers(2, 30))
def test_symmetry_is_exact(sign, seed, N):
    J = couplings.elliptic(N, sign, np.random.default_rng(seed))
    assert np.array_equal(J, sign * J.T)


@pytest.mark.parametrize("gamma", [-1.0, -0.6, 0.0, 0.3, 1.0])
def test_covariance(gamma):
    N, realisations = 60, 60
    rng = np.random.default_rng(12)
    J = np.array([couplings.elliptic(N, gamma, rng) for _ in range(realisations)]) * np.sqrt(N)
    upper = np.triu_indices(N, 1)
    a, b = J[:, upper[0], upper[1]].ravel(), J[:, upper[1], upper[0]].ravel()
    diagonal = np.diagonal(J, axis1=1, axis2=2).ravel()
    # The fourth moments of Gaussians give the standard errors; 4.5 of them.
    assert abs(a.mean()) < 4.5 / np.sqrt(a.size)
    assert abs(np.mean(a**2) - 1) < 4.5 * np.sqrt(2 / a.size)
    assert abs(np.mean(b**2) - 1) < 4.5 * np.sqrt(2 / a.size)
    assert abs(np.mean(a * b) - gamma) < 4.5 * np.sqrt((1 + gamma**2) / a.size)
    tolerance = 4.5 * (1 + gamma) * np.sqrt(2 / diagonal.size)
    assert abs(np.mean(diagonal**2) - (1 + gamma)) <= tolerance
    # Entries of different pairs are independent.
    assert abs(np.mean(J[:, 0, 1:-1] * J[:, 0, 2:])) < 4.5 / np.sqrt(realisations * (N - 2))


def test_spectrum_fills_the_ellipse():
    gamma = 0.5
    values = np.linalg.eigvals(couplings.elliptic(400, gamma, np.random.default_rng(3)))
    # The edge fluctuates by a few per cent at N = 400.
    assert np.abs(values.real).max() == pytest.approx(1 + gamma, rel=0.06)
    assert np.abs(values.imag).max() == pytest.approx(1 - gamma, rel=0.06)


def test_asymmetry_out_of_range():
    with pytest.raises(ValueError, match="gamma"):
        couplings.elliptic(4, 1.1, np.random.default_rng(0))


def test_run_is_reproducible_and_described():
    dataset = couplings.run(spec())
    assert dataset["couplings"].dims == ("post", "pre")
    assert dataset["couplings"].dtype == np.float64
    assert dataset.identical(couplings.run(spec()))
    assert not np.array_equal(dataset["couplings"], couplings.run(spec(seed=2))["couplings"])
    for variable in dataset.variables.values():
        assert variable.attrs["long_name"] and variable.attrs["units"] == "1"
