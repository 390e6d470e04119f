"""Fixed points of low-temperature states: known ones, pairs, weights, and what is given up."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from quasipotential import couplings, langevin, potential
from quasipotential.langevin.fixed_points import TOLERANCE, descend, jacobian, polish
from quasipotential.specs import CouplingsSpec, LangevinSpec
from quasipotential.transfer import transfer_function

ROOT = Path(__file__).parents[2]
TANH = transfer_function("tanh")


@pytest.fixture(scope="module")
def three_units():
    """The network of Fig. 1c with two fixed points apart from the origin."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    matrix = np.array(raw["figures"]["fig1"]["small_networks"][1]["matrix"])
    return langevin.Landscape(matrix, TANH)


def elliptic(g, N=40, gamma=0.0, seed=1):
    J = couplings.run(CouplingsSpec(N=N, gamma=gamma, seed=seed))["couplings"].values
    return langevin.Landscape(g * J, TANH)


def test_known_fixed_points_of_three_units(three_units):
    J = three_units.J
    states = 3.0 * np.random.default_rng(0).standard_normal((3, 60))
    # A second route: Powell's method. It tells the two of a pair apart.
    known = potential.fixed_points(J, TANH, states.T).points
    assert len(known) == 3
    assert known[0] == pytest.approx(0, abs=1e-10) and known[1] == pytest.approx(-known[2])
    found = polish(states, three_units)
    assert found.x.shape == (3, 2)
    origin = int(np.abs(found.x).max(axis=0).argmin())
    np.testing.assert_allclose(found.x[:, origin], 0, atol=1e-10)
    pair = found.x[:, 1 - origin]
    assert min(np.abs(pair - known[1]).max(), np.abs(pair - known[2]).max()) < 1e-10
    assert set(found.index) == {0, 1} | ({-1} if (found.index < 0).any() else set())
    assert np.all(found.energy[found.index >= 0] < 1e-24)
    assert np.all(potential.energy(found.x, J, TANH) < 1e-24)
    np.testing.assert_allclose(found.q, np.square(np.tanh(found.x)).mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.mean_square_x, np.square(found.x).mean(axis=0), rtol=1e-14)
    for x, log_weight in zip(found.x.T, found.log_weight, strict=True):
        A = np.eye(3) - J / np.cosh(x) ** 2
        assert log_weight == pytest.approx(-np.log(abs(np.linalg.det(A))) / 3, rel=1e-9)


def test_pairs_count_once(three_units):
    x = np.array([1.7, 3.6, -0.9])
    found = polish(np.array([x, -x, 1.01 * x]).T, three_units)
    assert found.index.tolist() == [0, 0, 0]
    assert found.x.shape == (3, 1)


def test_jacobian_against_differences():
    landscape = elliptic(1.5)
    x = np.random.default_rng(1).standard_normal(40)
    h = 1e-5
    ends = (x[:, None] + sign * h * np.eye(40) for sign in (1, -1))
    above, below = (potential.residual(end, landscape.J, TANH) for end in ends)
    # Error h^2 phi'''/6 of the differences, and rounding.
    np.testing.assert_allclose(jacobian(x, landscape), (above - below) / (2 * h), atol=1e-9)


def test_states_near_a_fixed_point_return_to_it():
    landscape = elliptic(2.0)
    rng = np.random.default_rng(2)
    first = polish(rng.standard_normal((40, 40)), landscape)
    assert first.q.size >= 3
    near = np.repeat(first.x, 3, axis=1) * rng.choice([-1, 1], 3 * first.q.size)
    again = polish(near + 1e-3 * rng.standard_normal(near.shape), landscape)
    assert again.index.tolist() == np.repeat(np.arange(first.q.size), 3).tolist()
    np.testing.assert_allclose(again.log_weight, first.log_weight, rtol=1e-6)


def test_what_is_given_up_is_a_minimum_with_a_singular_jacobian():
    landscape = elliptic(2.0)
    states = np.random.default_rng(2).standard_normal((40, 40))
    found = polish(states, landscape)
    lost = found.index < 0
    assert 0 < lost.sum() < 40
    assert np.all(found.energy[~lost] < TOLERANCE) and np.all(found.energy[lost] > 1e-8)
    for state in states.T[lost]:
        x = descend(state, landscape).x
        A, r = jacobian(x, landscape), potential.residual(x, landscape.J, TANH)
        assert np.linalg.norm(A.T @ r) < 1e-4 * np.linalg.norm(r)
        assert np.linalg.svd(A, compute_uv=False)[-1] < 1e-4


def run(**changes):
    values = {
        "couplings": CouplingsSpec(N=20, gamma=0.3, seed=0),
        "g": 2.0,
        "temperatures": (1e-6, 1e-5, 1.0),
        "algorithm": "hmc",
        "step": 0.3,
        "path_length": 4.0,
        "hottest": 1.0,
        "chains": 4,
        "warmup": 300,
        "draws": 20,
        "seed": 0,
        "polish_below": 1e-5,
    }
    s = LangevinSpec(**values | changes)
    return langevin.run(s, couplings.run(s.couplings)["couplings"].values)


def test_last_states_of_a_run():
    dataset = run()
    index = dataset["fixed_point_index"].values
    assert np.all(index[2] == -2) and np.all(np.isnan(dataset["fixed_point_energy"][2]))
    cold = dataset.isel(temperature=slice(0, 2))
    index, energy = cold["fixed_point_index"].values, cold["fixed_point_energy"].values
    np.testing.assert_array_equal(index >= 0, energy < 1e-24)
    assert set(index[index >= 0]) == set(dataset["fixed_point"].values)
    # Above its minimum 2 E/T is near chi^2 with N = 20 degrees of freedom: 1 within 0.3 (errors).
    last = cold.isel(draw=-1)
    T = cold["temperature"].values[:, None]
    above = 2 * (20 * last["energy"].values - energy) / (20 * T)
    assert np.all((above > 0.1) & (above < 3))
    # q of a state is off by a few sqrt(T) along soft directions.
    difference = (dataset["fixed_point_q"].values[index] - last["q"].values)[index >= 0]
    assert np.abs(difference).max() < 10 * np.sqrt(1e-5)
    assert dataset["fixed_point_q"].max() > 0.1
    for variable in dataset.variables.values():
        assert variable.attrs["long_name"] and variable.attrs["units"] == "1"


def test_polishing_changes_nothing_else_and_is_off_by_default():
    polished, plain = run(), run(polish_below=None)
    assert "fixed_point" not in plain.dims
    added = {name for name in polished.variables if name.startswith("fixed_point")}
    assert added and polished.drop_vars(added).identical(plain)


def test_with_one_fixed_point_all_states_belong_to_the_origin():
    dataset = run(g=0.5, exchange=True, hottest=2.0, temperatures=(1e-2, 0.1), polish_below=0.1)
    assert np.all(dataset["fixed_point_index"] == 0)
    assert dataset["fixed_point_q"].values == pytest.approx([0.0], abs=1e-20)
