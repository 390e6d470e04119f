"""Measure and attractor of the same energy at gamma = 0."""

import numpy as np
import pytest

from quasipotential.replica import equal_energy
from quasipotential.specs import EqualEnergySpec
from quasipotential.status import Status


def test_both_states_by_the_equations_of_the_other_theory():
    g = np.array([1.2, 1.5, 2.0])
    found = equal_energy.run(EqualEnergySpec(g=tuple(g)))
    assert np.all(found["status"] == Status.CONVERGED.code)
    # Both distributions of x_i are Gaussian: mean square rates by Gauss-Hermite quadrature.
    z, weights = np.polynomial.hermite_e.hermegauss(200)
    weights /= weights.sum()
    for name in ("attractor", "measure"):
        deviation = np.sqrt(found[f"mean_square_x_{name}"].values)
        rates = np.tanh(deviation[:, None] * z) ** 2 @ weights
        np.testing.assert_allclose(found[f"q_{name}"], rates, rtol=1e-8)
    # E/N = |r|^2/(2N): r is independent of J phi for the measure, -dx/dt on the attractor.
    E = found["energy"].values
    np.testing.assert_allclose(
        found["mean_square_x_measure"], g**2 * found["q_measure"] + 2 * E, rtol=1e-9
    )
    np.testing.assert_allclose(
        found["mean_square_x_attractor"], g**2 * found["q_attractor"] - 2 * E, rtol=1e-9
    )
    # docs/theory.md, section 9.
    np.testing.assert_allclose(E, [9.47634e-4, 0.0110120, 0.0639534], rtol=1e-5)


def test_near_the_onset_they_agree_to_leading_order():
    # E/N is of third order in g - 1 and moves q, of first order, by E/N divided by g - 1: the
    # relative difference vanishes linearly.
    steps = np.array([0.01, 0.02, 0.04])
    found = equal_energy.run(EqualEnergySpec(g=tuple(1 + steps)))
    difference = (found["q_measure"] / found["q_attractor"] - 1).values
    assert np.all(difference > 0)
    order = np.log2(difference[1:] / difference[:-1])
    assert order == pytest.approx(1.0, abs=0.15)
