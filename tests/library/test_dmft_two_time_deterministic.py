"""Two-time DMFT at gamma = 0 without trajectories: closed forms, order in dt, stationary limit."""

from __future__ import annotations

import doctest
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from numpy.polynomial import hermite_e, legendre
from pydantic import ValidationError

from quasipotential import config, couplings, dmft, plan, trajectories
from quasipotential.dmft import stationary, two_time, two_time_deterministic
from quasipotential.figures import figS13
from quasipotential.specs import Interval, TwoTimeDeterministicDmftSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH, ERF, LINEAR = map(transfer_function, ("tanh", "erf", "linear"))
ROOT = Path(__file__).parents[2]
SCHEMES = ["euler", "adams-bashforth"]


def solution(transfer=TANH, **changes) -> two_time_deterministic.DeterministicSolution:
    settings = {
        "g": 1.5,
        "noise": 0.3,
        "start": (-0.5, 1.0),
        "duration": 4.0,
        "interval": 0.1,
        "scheme": "euler",
    } | changes
    return two_time_deterministic.solve(transfer=transfer, **settings)


def observed_orders(results: list[np.ndarray]) -> np.ndarray:
    """Orders from results with the step halved again and again, at the times they share."""
    changes = [np.max(np.abs(a - b)) for a, b in pairwise(results)]
    return np.log2(np.array(changes[:-1]) / changes[1:])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_correlation_against_quadrature_in_two_dimensions(scheme: str, noise: float) -> None:
    """Second route for E phi phi: Gauss-Hermite in two dimensions at the solution's own D."""
    here = solution(scheme=scheme, noise=noise)
    u, weights = legendre.leggauss(20)
    x0 = 0.25 + 0.75 * u
    z, dz = hermite_e.hermegauss(60)
    density = dz / dz.sum()
    decay = here.mean_x / here.mean_x[0]
    D = here.C_x - here.C_x[0, 0] * np.outer(decay, decay)
    for t, s in [(40, 40), (40, 39), (40, 20), (30, 5), (17, 0), (1, 0)]:
        first, second = np.sqrt(D[t, t]), np.sqrt(D[s, s])
        r = D[t, s] / (first * second) if s else 0.0
        x = decay[t] * x0[:, None] + first * z
        phi_s = TANH.phi(
            decay[s] * x0[:, None, None]
            + second * (r * z[:, None] + np.sqrt(max(1.0 - r**2, 0.0)) * z)
        )
        conditional = TANH.phi(x) * (phi_s @ density)
        expected = 0.5 * weights @ (conditional @ density)
        # 60 Gauss-Hermite nodes are the less accurate route: 1e-9 at these variances
        assert here.C_phi[t, s] == pytest.approx(expected, abs=3e-9)
        assert here.C_phi[s, t] == here.C_phi[t, s]
    assert here.quadrature_error <= 1e-10


@pytest.mark.parametrize("scheme", SCHEMES)
def test_erf_has_the_closed_form_of_an_arcsine(scheme: str) -> None:
    """At x_0 = 0 (narrow start): E erf erf = (2/pi) arcsin(c D_ts/sqrt((1+c D_tt)(1+c D_ss)))."""
    here = solution(ERF, scheme=scheme, start=(-1e-9, 1e-9), noise=0.5)
    c = np.pi / 2
    scale = 1.0 + c * np.diag(here.C_x)
    expected = 2 / np.pi * np.arcsin(c * here.C_x / np.sqrt(np.outer(scale, scale)))
    np.testing.assert_allclose(here.C_phi, expected, rtol=0.0, atol=1e-10)
    # <phi'> = (1 + c D)^(-1/2)
    slopes = np.diag(here.R, -1) / np.diag(solution(LINEAR, scheme=scheme, noise=0.5).R, -1)
    np.testing.assert_allclose(slopes, scale[1:] ** -0.5, rtol=1e-10)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_population_agrees_within_its_standard_error(scheme: str, noise: float) -> None:
    exact = solution(g=1.2, start=(0.0, 1.0), noise=noise, scheme=scheme, duration=3.0)
    populations = [
        two_time.solve(
            1.2, 0.0, TANH, noise, (0.0, 1.0), 3.0, 0.1, 500, 10, generator, scheme
        )
        for generator in map(np.random.default_rng, range(24))
    ]  # fmt: skip
    for name in ("mean_x", "mean_phi", "C_x_equal", "C_phi", "R"):
        values = np.array([getattr(population, name) for population in populations])
        error = values.std(axis=0, ddof=1) / np.sqrt(len(populations))
        difference = np.abs(values.mean(axis=0) - getattr(exact, name))
        # 4.5 standard errors (24 populations, hundreds of points that go together), and the bias,
        # of order 1/M: 0.3/M of values of order 1
        assert (difference <= 4.5 * error + 0.3 / 500 * np.abs(values).max()).all(), name
    # The noise is orthogonal to 1 and x_0, so that <x> has no sampling error.
    np.testing.assert_allclose(
        populations[0].mean_x, 0.5 * exact.mean_x / exact.mean_x[0], rtol=3e-3
    )


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize(("scheme", "order"), [("euler", 1.0), ("adams-bashforth", 2.0)])
def test_order_in_the_time_step(scheme: str, order: float, noise: float) -> None:
    refined = [
        (solution(interval=0.4 / k, scheme=scheme, noise=noise, tolerance=1e-8), k)
        for k in (4, 8, 16, 32)
    ]
    for name in ("C_phi", "C_x"):
        orders = observed_orders([getattr(here, name)[::k, ::k] for here, k in refined])
        # observed: 1.02 to 1.06, and 2.01 to 2.07, coming down with the step
        assert np.all(np.abs(orders - order) < 0.12), name
    responses = [here.R[::k, ::k] / here.time[1] for here, k in refined]
    # Not s = 0 and t = s + 1: there R holds another weight than dt.
    orders = observed_orders([np.tril(R[:, 1:], -2) for R in responses])
    assert np.all(np.abs(orders - order) < 0.12)


def test_late_times_reach_the_stationary_state() -> None:
    """Second route to Delta(tau): forward in time, to where nothing changes any more."""
    g = 2.0
    theory = stationary.solve(g, TANH, 8.0, 0.4)
    coarse, fine = (
        solution(
            g=g,
            noise=0.0,
            start=(-1.0, 1.0),
            duration=100.0,
            interval=0.4 / k,
            scheme="adams-bashforth",
            tolerance=1e-6,
        ).C_x[-1, ::-k][:21]
        for k in (1, 2)
    )
    # Without the term in dt^2 0.0035 at most is left (dt^4), of 0.022 at the finer step.
    np.testing.assert_allclose((4.0 * fine - coarse) / 3.0, theory.Delta, atol=0.005)
    assert np.max(np.abs(fine - theory.Delta)) > 0.015


def test_ornstein_uhlenbeck_is_exact_at_any_step_of_the_second_scheme() -> None:
    here = solution(g=0.0, noise=0.4, interval=0.5, scheme="adams-bashforth")
    time = here.time
    variance = 0.5 * 0.4**2 * -np.expm1(-2.0 * time)
    np.testing.assert_allclose(
        here.C_x_equal, variance + 0.25 * np.exp(-2.0 * time), rtol=0.0, atol=1e-14
    )


@pytest.mark.parametrize(("start", "least"), [((0.0, 1.0), 4), ((-6.0, 8.0), 64)])
def test_nodes_of_the_start_follow_its_width(start: tuple[float, float], least: int) -> None:
    here = solution(start=start, duration=0.1)
    low, high = start
    # <phi^2> of a uniform start in closed form
    expected = 1.0 - (np.tanh(high) - np.tanh(low)) / (high - low)
    assert here.C_phi[0, 0] == pytest.approx(expected, abs=1e-10)
    assert here.start_nodes >= least
    assert here.status is Status.CONVERGED


def test_too_strict_a_tolerance_is_inaccurate() -> None:
    assert solution(duration=0.5, tolerance=1e-18).status is Status.INACCURATE


def test_dataset() -> None:
    spec = TwoTimeDeterministicDmftSpec(
        g=0.8, noise=0.1, start=Interval(low=0.0, high=1.0), duration=2.0, interval=0.1
    )
    dataset = dmft.run(spec)
    assert dataset.C_phi.dims == ("time", "time2")
    assert int(dataset.status) == 0
    for name, variable in dataset.variables.items():
        assert {"long_name", "units"} <= set(variable.attrs), name


def test_figure_of_aging_shows_what_was_computed() -> None:
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    settings = raw["figures"]["figS13"] | {
        "duration": 3.0,
        "waiting": [0.4, 1.0],
        "trajectories": 100,
        "tangents": 10,
        "batches": 2,
        "simulation": {"N": 20, "networks": 2},
    }
    raw["figures"] = dict.fromkeys(raw["figures"]) | {"figS13": settings}
    sources = plan.figures.SOURCES["figS13"](config.load(raw), config.load(raw).figures.figS13)
    data = {role: [dmft.run(spec) for spec in sources[role]] for role in list(sources)[:3]}
    data["simulation"] = [
        trajectories.run(spec, couplings.run(spec.couplings)["couplings"].values)
        for spec in sources["simulation"]
    ]
    table = figS13.tabulate(data, pd.DataFrame(), settings)
    curve = table[(table["quantity"] == "C, t_w = 1") & (table["panel"] == "gamma")]
    theory, networks = (curve[curve["source"] == name] for name in ("theory", "simulation"))
    assert theory["x"].tolist() == networks["x"].tolist() == pytest.approx(np.arange(1, 11) * 0.2)
    np.testing.assert_array_equal(theory["y"], data["dmft"][0].C_phi.values[6:, 5])
    np.testing.assert_array_equal(theory["error"], data["dmft"][0].C_phi_se.values[6:, 5])
    first, second = (ds.correlation_phi.values[0, 6:, 5] for ds in data["simulation"])
    np.testing.assert_allclose(networks["y"], 0.5 * (first + second))
    figure = figS13.draw(table, settings)
    drawn = [line.get_ydata().tolist() for line in figure.axes[1].lines]
    assert theory["y"].tolist() in drawn


@pytest.mark.parametrize(
    ("change", "fault"),
    [({"waiting": [2.0, 80.0]}, "end before duration"), ({"interval": 0.1}, "801 records")],
)
def test_impossible_figures_of_aging_are_refused(change: dict, fault: str) -> None:
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    with pytest.raises(ValidationError, match=fault):
        config.figures.FigS13.model_validate(raw["figures"]["figS13"] | change)


def test_networks_keep_as_many_records_as_the_config_allows() -> None:
    assert config.figures.MOST_RECORDS == trajectories.LARGEST_CORRELATION


@pytest.mark.parametrize("module", [two_time, two_time_deterministic])
def test_examples(module) -> None:
    assert doctest.testmod(module).failed == 0
