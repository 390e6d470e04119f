"""Single-site averages: two quadratures of one integral, and the variational structure of Phi."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quasipotential.replica.single_site import (
    DomainError,
    Model,
    OrderParameters,
    Quadrature,
    centred_averages,
    free_energy,
    site_averages,
)
from quasipotential.replica.stability import multiplier, stability_matrix
from quasipotential.transfer import transfer_function

GENERIC = OrderParameters(q=0.2, Q=0.07, qhat=0.3, Qhat=0.8, G=0.7, Rp=0.1)
RULE = Quadrature()


def model(gamma=-0.5, g=1.2, temperature=0.3, transfer="tanh", eta=0.0):
    return Model(gamma, g, temperature, transfer_function(transfer).phi, eta)


@settings(max_examples=30, deadline=None)
@given(
    gamma=st.floats(-1, 1),
    g=st.floats(0, 2),
    temperature=st.floats(1e-3, 5),
    q=st.floats(0.01, 0.9),
    scaled=st.floats(-0.5, 0.3),
    G=st.floats(0.1, 1.2),
    eta=st.sampled_from([0.0, 0.3]),
)
def test_both_quadratures_agree_without_fields(gamma, g, temperature, q, scaled, G, eta):
    """Uniform x and x = c sinh(t) are independent rules; both are exact to 1e-10 here."""
    here = model(gamma, g, temperature, eta=eta)
    batch = replace(here, g=np.array([g]), temperature=np.array([temperature]))
    rule = RULE.refined()
    graded = centred_averages(batch, np.array([q]), np.array([scaled / q]), np.array([G]), rule)
    uniform = site_averages(here, OrderParameters(q, 0.0, scaled / q, 0.0, G, 0.0), rule)
    assert graded.order.array()[:, 0] == pytest.approx(uniform.order.array(), rel=1e-8, abs=1e-9)
    assert graded.log_weight[0] == pytest.approx(uniform.log_weight, abs=1e-9)
    assert graded.mean_square_x[0] == pytest.approx(uniform.mean_square_x, rel=1e-8)
    assert graded.connected[0] == pytest.approx(uniform.connected, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("transfer", ["tanh", "erf"])
def test_free_energy_is_stationary_where_the_equations_hold(transfer):
    """Six derivatives of Phi at a generic point against the residuals.

    Central differences with a step of 1e-4 leave an error of order 1e-8.
    """
    here = model(transfer=transfer)
    averages = site_averages(here, GENERIC, RULE)
    F, p = averages.order, GENERIC
    response = here.g**2 * here.gamma

    def derivative(**direction):
        def phi(step):
            moved = replace(p, **{k: getattr(p, k) + s * step for k, s in direction.items()})
            return free_energy(here, moved, site_averages(here, moved, RULE))

        return (phi(1e-4) - phi(-1e-4)) / 2e-4

    tolerance = 1e-7
    assert derivative(q=1) == pytest.approx(F.qhat - p.qhat, abs=tolerance)
    assert derivative(Q=1) == pytest.approx(-(F.Qhat - p.Qhat) / 2, abs=tolerance)
    assert derivative(qhat=1) == pytest.approx(F.q - p.q, abs=tolerance)
    assert derivative(Qhat=1) == pytest.approx(-(F.Q - p.Q) / 2, abs=tolerance)
    diagonal = F.G + F.Rp - p.G - p.Rp
    assert derivative(G=1) == pytest.approx(response * diagonal, abs=tolerance)
    # At fixed G + R' the connected response G falls as R' rises.
    assert derivative(Rp=1, G=-1) == pytest.approx(-response * (F.Rp - p.Rp), abs=tolerance)


def test_refinement_shows_the_error():
    """A coarse rule errs visibly; the default one is at rounding level."""
    exact = site_averages(model(), GENERIC, RULE.refined().refined()).order
    coarse = replace(RULE, x_step=2.5, field_step=1.6)
    assert exact.distance(site_averages(model(), GENERIC, coarse).order) > 1e-4
    assert exact.distance(site_averages(model(), GENERIC, RULE).order) < 1e-12


def test_linear_site_without_fields_is_gaussian():
    """phi = x: w = (1 - rho) x has variance s2, to quadrature accuracy."""
    g, gamma, T, q, G = 0.6, 0.4, 0.5, 0.8, 1.1
    here = Model(gamma, np.array([g]), np.array([T]), transfer_function("linear").phi)
    averages = centred_averages(here, np.array([q]), np.zeros(1), np.array([G]), RULE)
    s2, slope = T + g**2 * q, 1 - g**2 * gamma * G
    assert averages.order.q == pytest.approx(s2 / slope**2, rel=1e-11)
    assert averages.order.G == pytest.approx(1 / slope, rel=1e-11)
    assert averages.order.qhat == pytest.approx(0, abs=1e-11)
    assert averages.log_weight == pytest.approx(-np.log(slope), abs=1e-11)


@pytest.mark.parametrize(
    "changes", [{"Q": 0.6}, {"Q": -0.01}, {"Qhat": 1e-4}, {"Qhat": -1.0}, {"Qhat": 1e6}]
)
def test_outside_the_domain_is_refused(changes):
    with pytest.raises(DomainError):
        site_averages(model(), replace(GENERIC, **changes), RULE)


def test_multiplier_is_the_spectral_abscissa_in_any_unit_of_q():
    """(A, G, q) -> (A c, G, q/c) is a similarity of M; at gamma = 0 M has the root g^2 G^2."""
    moments = np.array([2.0, 0.8, 0.1])
    for c in (1.0, 1e-3):
        scaled = moments * np.array([c, 1.0, 1 / c])
        products = np.outer(scaled, scaled)
        expected = np.linalg.eigvals(stability_matrix(products, 1.3, -0.4)).real.max()
        assert multiplier(products, 1.3, -0.4) == pytest.approx(expected, rel=1e-9)
    products = np.outer([0.0, 0.8, 0.1], [0.0, 0.8, 0.1])  # q^ = 0 there
    assert multiplier(products, 1.3, 0.0) == pytest.approx((1.3 * 0.8) ** 2, rel=1e-7)
