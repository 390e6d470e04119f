"""Replica theory for a phi that is not odd: closed forms, scaling, and sampled networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, optimize
from scipy.stats import norm

from quasipotential import couplings, langevin, replica
from quasipotential.disorder import disorder_average
from quasipotential.replica.single_site import (
    DomainError,
    Model,
    OrderParameters,
    Quadrature,
    free_energy,
    site_averages,
)
from quasipotential.specs import CouplingsSpec, LangevinSpec, ReplicaSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

OWN = """
import numpy as np

def shifted(x):
    return np.tanh(x + 0.5) - np.tanh(0.5)

def shifted_prime(x):
    return 1.0 / np.cosh(x + 0.5) ** 2

def kink(x):
    return np.maximum(x - 0.3, 0.0)

def kink_prime(x):
    return np.heaviside(x - 0.3, 0.0)
"""
GENERIC = OrderParameters(q=0.2, Q=0.07, qhat=0.3, Qhat=0.8, G=0.7, Rp=0.1)


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")


def solved(gamma, g, temperatures, transfer="relu", **settings):
    spec = ReplicaSpec(gamma=gamma, g=g, temperatures=temperatures, transfer=transfer, **settings)
    result = replica.run(spec)
    assert (result["status"] == 0).all()
    assert (result["branch"] == 1).all()
    return result


def test_both_rules_agree_for_an_odd_function():
    """The whole line in v and panels in x, against half of it and a uniform grid."""
    for gamma, Rp in ((-0.5, 0.1), (0.8, -0.2)):
        here = Model(gamma, 1.2, 0.3, np.tanh)
        order = replace(GENERIC, Rp=Rp)
        uniform = site_averages(here, order, Quadrature())
        panels = site_averages(replace(here, odd=False), order, Quadrature())
        # Rounding: both rules are exact here.
        assert panels.order.array() == pytest.approx(uniform.order.array(), rel=1e-11, abs=1e-12)
        assert panels.log_weight == pytest.approx(uniform.log_weight, abs=1e-12)
        assert panels.connected == pytest.approx(uniform.connected, rel=1e-11, abs=1e-12)
        assert panels.mean_square_x == pytest.approx(uniform.mean_square_x, rel=1e-11)


def test_free_energy_is_stationary_where_the_equations_hold():
    """For ReLU; central differences with a step of 1e-4 leave an error of order 1e-8."""
    here = Model(-0.5, 1.2, 0.3, transfer_function("relu").phi, odd=False)
    order = replace(GENERIC, qhat=0.1)
    image = site_averages(here, order, Quadrature()).order

    def derivative(**direction):
        def phi(step):
            moved = replace(
                order, **{k: getattr(order, k) + s * step for k, s in direction.items()}
            )
            return free_energy(here, moved, site_averages(here, moved, Quadrature()))

        return (phi(1e-4) - phi(-1e-4)) / 2e-4

    response = here.g**2 * here.gamma
    assert derivative(qhat=1) == pytest.approx(image.q - order.q, abs=1e-7)
    assert derivative(Qhat=1) == pytest.approx(-(image.Q - order.Q) / 2, abs=1e-7)
    assert derivative(q=1) == pytest.approx(image.qhat - order.qhat, abs=1e-7)
    assert derivative(Q=1) == pytest.approx(-(image.Qhat - order.Qhat) / 2, abs=1e-7)
    both = image.G + image.Rp - order.G - order.Rp
    assert derivative(G=1) == pytest.approx(response * both, abs=1e-7)


def test_weight_that_cannot_be_normalised_is_refused():
    """(q^ - Q^/2) x^2 outweighs (1 - rho)^2 x^2/(2 s2) where q^ is large."""
    here = Model(0.0, 1.2, 0.3, transfer_function("relu").phi, odd=False)
    s2 = 0.3 + 1.44 * (GENERIC.q - GENERIC.Q)
    limit = GENERIC.Qhat / 2 + 0.5 / s2
    site_averages(here, replace(GENERIC, qhat=0.9 * limit), Quadrature())
    with pytest.raises(DomainError, match="does not fall off"):
        site_averages(here, replace(GENERIC, qhat=1.1 * limit), Quadrature())


def test_relu_without_symmetry_is_gaussian_below_root_two():
    """gamma = 0: v = T/(1 - g^2/2), and Q by the arc-cosine kernel of Cho & Saul (2009)."""
    g = np.array([0.0, 0.5, 1.0, 1.3, 1.4])
    T = 0.7
    result = solved(0.0, tuple(g), (T,)).isel(temperature=0)
    v = T / (1 - g**2 / 2)

    def kernel(rho):
        return (np.sqrt(1 - rho**2) + (np.pi - np.arccos(rho)) * rho) / (2 * np.pi)

    # To rounding; at g = 1.4 it is amplified by 1/(1 - g^2/2) = 50.
    assert result["mean_square_x"].values == pytest.approx(v, rel=1e-9)
    assert result["q"].values == pytest.approx(v / 2, rel=1e-9)
    assert result["G"].values == pytest.approx(0.5, abs=1e-10)
    for i, gain in enumerate(g):
        gap = (lambda rho, gain=gain: gain**2 * kernel(rho) - rho) if gain else kernel
        rho = optimize.brentq(gap, 0.0, 1.0 - 1e-6, xtol=1e-15) if gain else 0.0
        assert result["Q"].values[i] == pytest.approx(v[i] * kernel(rho), rel=1e-9)
    assert result["Qhat"].values == pytest.approx(0.0, abs=1e-10)
    assert result["Rp"].values == pytest.approx(0.0, abs=1e-10)


def test_relu_above_root_two_has_conjugate_fields():
    """gamma = 0, g > sqrt(2): finite q, Q^ > 0 and R' < 0; the limit of small gamma."""
    at_zero, beside = (solved(gamma, (2.0,), (1.0,)) for gamma in (0.0, 1e-3))
    assert (at_zero["Qhat"] * at_zero["q"]).item() > 0.1
    assert at_zero["Rp"].item() < -0.05
    assert at_zero["multiplier"].item() < 1
    # d ln q/d gamma is of order 1.
    assert beside["q"].item() == pytest.approx(at_zero["q"].item(), rel=5e-3)


@pytest.mark.parametrize("gamma", [0.3, -0.3])
def test_relu_has_no_scale(gamma):
    """phi(a x) = a phi(x): q/T, Q/T and G do not depend on T, and E/N = T/2."""
    result = solved(gamma, (0.5, 0.9), (0.01, 1.0, 30.0))
    T = result["temperature"]
    for name, scale in (("q", T), ("Q", T), ("mean_square_x", T), ("G", 1.0), ("Rp", 1.0)):
        scaled = result[name] / scale
        # quadrature_tolerance is 1e-8; at 1e-10 the panels are far better than that.
        assert (np.abs(scaled - scaled.isel(temperature=1)) < 1e-8 * (1 + np.abs(scaled))).all()
    assert (result["energy"] / T).values == pytest.approx(0.5, abs=1e-9)


def test_a_function_of_ones_own_at_gamma_zero(own):
    """q and Q are averages over two Gaussians, by adaptive quadrature."""
    g, T, name = 0.9, 0.2, "own.py:shifted"
    result = solved(0.0, (g,), (T,), name)
    q, Q = result["q"].item(), result["Q"].item()
    phi = transfer_function(name).phi
    v, shared = T + g**2 * q, g * np.sqrt(Q)

    def mean(function, width, shift=0.0):
        def integrand(z):
            return function(np.array(shift + width * z)) * norm.pdf(z)

        return integrate.quad(integrand, -12.0, 12.0, epsrel=1e-11)[0]

    assert q == pytest.approx(mean(lambda x: phi(x) ** 2, np.sqrt(v)), rel=1e-7)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)  # smooth after the first mean
    inner = [mean(phi, np.sqrt(v - shared**2), shared * z) ** 2 for z in nodes]
    assert Q == pytest.approx(float(weights @ inner) / np.sqrt(2 * np.pi), rel=1e-7)


def test_kink_away_from_the_origin_is_seen_by_the_error_estimate(own):
    """phi = max(x - 0.3, 0) at gamma = 0: q errs by what the result says, to a factor."""
    g, T = 0.9, 0.2
    spec = ReplicaSpec(gamma=0.0, g=(g,), temperatures=(T,), transfer="own.py:kink")
    result = replica.run(spec).squeeze()
    q = result["q"].item()
    v = T + g**2 * q
    a = 0.3 / np.sqrt(v)
    exact = v * ((1 + a**2) * norm.sf(a) - a * norm.pdf(a))
    assert result["status"].item() == Status.INACCURATE.code
    assert abs(q / exact - 1) < 10 * result["quadrature_error"].item() < 1e-2


def test_without_coupling():
    """g -> 0: x ~ N(0, T), and narrower with eta."""
    T, eta, small = 0.4, 0.3, 1e-4
    result = solved(0.5, (0.0, small), (T,), "relu", eta=eta).isel(temperature=0)
    width2 = T / (1 + 2 * eta)
    assert result["mean_square_x"].values == pytest.approx(width2, rel=1e-7)
    assert result["Q"].values == pytest.approx(width2 / (2 * np.pi), rel=1e-7)


def test_temperature_zero_is_refused_before_any_job():
    with pytest.raises(
        ValueError, match=r"T = 0 was asked for with transfer relu.*temperatures > 0"
    ):
        ReplicaSpec(gamma=0.0, g=(1.0,), temperatures=(0.0, 1.0), transfer="relu")


@pytest.mark.parametrize(
    ("transfer", "gamma", "g", "T"), [("relu", 0.5, 0.5, 1.0), ("own.py:shifted", 0.5, 1.0, 0.5)]
)
def test_sampling_agrees(own, transfer, gamma, g, T):
    """Averages over networks within four standard errors and 2/N, relative."""
    N = 200
    theory = solved(gamma, (g,), (T,), transfer).squeeze()
    found: dict[str, list] = {}
    for seed in range(4):
        network = CouplingsSpec(N=N, gamma=gamma, seed=seed)
        spec = LangevinSpec(
            couplings=network, g=g, transfer=transfer, temperatures=(T,), algorithm="hmc",
            step=0.2, path_length=3.0, hottest=T, chains=4, warmup=50, draws=80, seed=1,
        )  # fmt: skip
        sample = langevin.run(spec, couplings.run(network)["couplings"].values)
        for name in ("q", "overlap", "mean_square_x", "response"):
            pair = (sample[f"{name}_mean"].item(), sample[f"{name}_mcse"].item())
            found.setdefault(name, []).append(pair)
    names = {"q": "q", "overlap": "Q", "mean_square_x": "mean_square_x", "response": "G"}
    for name, values in found.items():
        average = disorder_average(*np.array(values).T)
        expected = theory[names[name]].item()
        tolerance = 4 * average.error + 2 / N * expected
        assert abs(average.mean - expected) < tolerance, name
        assert tolerance < 0.3 * expected, name
