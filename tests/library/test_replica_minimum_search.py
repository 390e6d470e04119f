"""The published search for minima at zero temperature: where it brings the iteration to rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quasipotential.replica import ansatz, minimum_search
from quasipotential.replica.minimum_search import golden_section, minima
from quasipotential.specs import MinimumSearchSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

PUBLISHED = Path(__file__).parents[2] / "workflow" / "data" / "published.csv"
POINTS = {(0.0, 0.8): 1.047, (0.2, 0.7): 1.181, (0.5, 0.56): 1.342, (0.5, 0.6): 1.363}


def exact_response(gamma: float, g: float) -> float:
    """G = 1/(1 - rho), rho = g^2 gamma G, of the origin."""
    if gamma == 0:
        return 1.0
    return (1 - np.sqrt(1 - 4 * gamma * g**2)) / (2 * gamma * g**2)


def searched(gamma: float, g: float, **settings):
    return minimum_search.run(MinimumSearchSpec(gamma=gamma, g=(g,), **settings)).isel(g=0)


def test_search_finds_minima_to_its_tolerance():
    """Parabolas within the range; the float64 energy resolves their minima to 1e-8 only."""
    places = np.array([-3.0, -1e-3, 0.2, 7.0])
    found = minima(lambda x: (x - places) ** 2, 4, 1e-12)
    np.testing.assert_allclose(found, places, atol=3e-8)
    lower = golden_section(lambda x: (x - 0.3) ** 2, 0.0, 1.0, 1, 1e-2)
    assert 1e-5 < abs(lower.item() - 0.3) < 2e-2


def test_search_does_not_resolve_minima_below_its_tolerance():
    places = np.array([-3e-14, 1e-14])
    found = np.abs(minima(lambda x: (x - places) ** 2, 2, 1e-12))
    assert (found > 3 * np.abs(places)).all()
    assert (found < 2e-12).all()  # a bracket whose middle moves by 1e-12 is 4e-12 wide


@pytest.mark.parametrize(("gamma", "g"), POINTS, ids=str)
def test_published_points_are_where_the_search_comes_to_rest(gamma, g):
    """Fig. 6 far below the transition: published -xi are 4 to 8 % above the exact response, and
    within two reading errors of the rest (observed: 1.5, 0.8, 0.2, 0.9)."""
    point = searched(gamma, g)
    published = pd.read_csv(PUBLISHED, dtype={"figure": str})
    here = (published["quantity"] == "minus_xi") & (published["figure"] == "6")
    here &= np.isclose(published["gamma"], gamma) & np.isclose(published["g"], g)
    (row,) = published[here].itertuples()
    assert row.value == POINTS[gamma, g]
    assert row.value - exact_response(gamma, g) > 4 * row.reading_error
    assert abs(point["G"].item() - row.value) < 2 * row.reading_error
    assert point["status"].item() == Status.CONVERGED.code
    # q is of the order of the squared tolerance, and no smaller.
    assert 1e-24 < point["q"].item() < 1e-23


@pytest.mark.parametrize(("gamma", "g"), [(0.0, 0.8), (0.5, 0.56)])
def test_without_the_rest_the_response_is_exact(gamma, g):
    """While |x*| is large against the tolerance: a start at q = 1e-4, 25 and 15 steps. The rest is
    what remains of the start."""
    steps = 25 if gamma == 0 else 15
    point = searched(gamma, g, q=1e-4, iterations=steps)
    assert point["G"].item() == pytest.approx(exact_response(gamma, g), abs=2e-3)
    assert point["q"].item() > 1e-14
    assert point["status"].item() == Status.NOT_CONVERGED.code
    network = ansatz.Network(g, gamma, transfer_function("tanh"))
    path = ansatz.drift(network, ansatz.published_start(network), 0.2, 60, ansatz.Rule())
    assert -path[5, -1] == pytest.approx(exact_response(gamma, g), rel=1e-6)


def test_rest_scales_with_the_tolerance():
    """In the linear range the tolerance is the only length: q goes with its square, G stays.
    Brackets shrink by 0.618 at a time, so that the search ends somewhere within that factor."""
    fine, wide = (
        searched(0.0, 0.8, search_tolerance=tolerance, q=1e4 * tolerance**2, nodes=16)
        for tolerance in (1e-12, 1e-10)
    )
    assert 1e4 / 4 < wide["q"].item() / fine["q"].item() < 1e4 * 4
    # Where the search ends within the factor changes G: by 0.02 with 16 nodes, of 0.06 above exact.
    assert fine["G"].item() == pytest.approx(wide["G"].item(), abs=0.03)
    assert min(fine["G"].item(), wide["G"].item()) > 1.03


def test_iteration_on_its_way_is_not_converged():
    """Above the transition q grows from the start."""
    point = searched(0.5, 1.0, nodes=6, iterations=60)
    assert point["status"].item() == Status.NOT_CONVERGED.code
    assert point["q"].item() > 0.1


def test_q_that_underflows_is_unphysical():
    """With no tolerance to hold it, and from the smallest numbers."""
    point = searched(0.0, 0.3, nodes=6, iterations=60, q=1e-300, search_tolerance=1e-200)
    assert point["status"].item() == Status.UNPHYSICAL.code
    assert np.isnan(point["G"].item())
