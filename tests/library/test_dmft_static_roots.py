"""Choices among several roots: limits, jumps, and a second route over the fields."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest

from quasipotential import dmft
from quasipotential.dmft import static, static_roots
from quasipotential.figures import figS16, style
from quasipotential.specs import StaticPlaneSpec, StaticRootsSpec
from quasipotential.status import Status
from quasipotential.transfer import transfer_function

TANH = transfer_function("tanh")
STABLE = ["maxwell", "spinodal", "history"]


def normal(h: float, s: float) -> float:
    return float(np.exp(-0.5 * (h / s) ** 2) / (np.sqrt(2.0 * np.pi) * s))


def test_examples():
    for module in (static, static_roots):
        result = doctest.testmod(module)
        assert result.attempted >= 4
        assert result.failed == 0


@pytest.mark.parametrize("name", ["tanh", "erf"])
@pytest.mark.parametrize("rho", [-2.0, 0.0, 0.9, 1.0001, 1.5, 6.0])
def test_roots_are_all_roots(name, rho):
    transfer = transfer_function(name)
    h = np.linspace(-4.0, 4.0, 41)
    found = static_roots.roots(h, rho, transfer)
    x = np.linspace(-11.0 - 1e-4 * np.pi, 11.0, 20001)  # no node is a root
    crossings = [int(np.sum(np.diff(np.sign(x - rho * transfer.phi(x) - v)) != 0)) for v in h]
    number = np.sum(np.isfinite(found), axis=1)
    if rho > 1.001:  # the scan in steps of 0.001 does not resolve what is between
        assert number.tolist() == crossings
    aligned, middle, opposite = found.T
    residual = np.nanmax(np.abs(found - rho * transfer.phi(found) - h[:, None]))
    assert residual < 1e-13
    three = np.isfinite(middle) & (np.abs(h) > 1e-9)
    assert np.all(np.abs(middle[three]) < np.abs(opposite[three]))
    assert np.all(np.abs(opposite[three]) < np.abs(aligned[three]))
    assert np.all(rho * transfer.derivative(aligned) < 1.0)
    assert np.all(rho * transfer.derivative(opposite[three]) < 1.0)
    assert np.all(rho * transfer.derivative(middle[three]) > 1.0)


@pytest.mark.parametrize("rho", [1.0001, 1.3, 5.0])
def test_turning_points(rho):
    turn = static_roots.turning_points(rho, TANH)
    # closed for tanh: phi'(x) = 1/rho
    assert turn.spinodal == pytest.approx(np.arccosh(np.sqrt(rho)), rel=1e-11)
    assert 0.0 < turn.spinodal < turn.maxwell < turn.landing
    found = static_roots.roots(np.array([0.999 * turn.field, 1.001 * turn.field]), rho, TANH)
    assert np.isfinite(found).sum(axis=1).tolist() == [3, 1]


@pytest.mark.parametrize("convention", static_roots.CONVENTIONS)
def test_conventions_part_at_rho_1(convention):
    """One theory up to rho = 1; beyond they part as a high power of rho - 1."""
    below = static_roots.solve(1.16, 1.0, TANH, convention)
    alone = static.solve(1.16, 1.0, TANH)
    assert below.rho < 1.0
    assert (below.C, below.R, below.R_regular) == (alone.C, alone.R, alone.R)
    above = static_roots.solve(1.1606, 1.0, TANH, convention)
    signed = static.solve(1.1606, 1.0, TANH)
    assert 0.0 < signed.rho - 1.0 < 1e-4
    # C by (rho - 1)^(5/2): phi^2 ~ rho - 1 on a range of fields of width (rho - 1)^(3/2)
    assert abs(above.C - signed.C) < 6.0 * (signed.rho - 1.0) ** 2.5


@pytest.mark.parametrize("gamma", [0.3, 1.0])
@pytest.mark.parametrize("name", ["tanh", "erf"])
def test_signed_roots_are_the_change_of_variables(name, gamma):
    """Panels with signs against one trapezoidal sum over x."""
    transfer = transfer_function(name)
    for g in (2.0 / gamma, 5.0 / gamma):
        found = static_roots.solve(g, gamma, transfer, "signed")
        other = static.solve(g, gamma, transfer)
        assert found.status is other.status is Status.UNPHYSICAL
        assert found.C == pytest.approx(other.C, rel=1e-13)
        assert found.R == pytest.approx(other.R, rel=1e-13)
        assert found.R_regular == pytest.approx(other.R, rel=1e-12)  # no jumps
        assert found.mean_square_x == pytest.approx(other.mean_square_x, rel=1e-13)


@pytest.mark.parametrize("name", ["tanh", "erf"])
@pytest.mark.parametrize("convention", [*STABLE, "middle"])
def test_equations_hold_over_the_fields(name, convention):
    """Second route: fields on a grid, every root by a bracketed search, then the choice."""
    transfer = transfer_function(name)
    g, gamma = 1.8, 1.0
    found = static_roots.solve(g, gamma, transfer, convention)
    assert found.status is Status.CONVERGED
    s = g * np.sqrt(found.C)
    end = found.field_spinodal
    abscissae, gauss = np.polynomial.legendre.leggauss(60)
    C = R = x2 = norm = 0.0
    for low, high in ((0.0, end), (end, end + s), (end + s, end + 9.0 * s)):
        if high == end:
            # roots meet as the square root of the distance: h = end (1 - v^2)
            v = 0.5 * (1.0 + abscissae)
            h, weights = end * (1.0 - v**2), 0.5 * gauss * end * 2.0 * v
        else:
            h = low + 0.5 * (high - low) * (1.0 + abscissae)
            weights = 0.5 * (high - low) * gauss
        roots = static_roots.roots(h, found.rho, transfer)
        if high > end:
            chosen = [(1.0, roots[:, 0])]
        else:
            potential = 0.5 * roots**2 - h[:, None] * roots
            x = np.linspace(0.0, np.nanmax(np.abs(roots)), 4001)
            area = np.concatenate(
                [[0.0], np.cumsum(0.5 * np.diff(x) * (transfer.phi(x)[1:] + transfer.phi(x)[:-1]))]
            )
            potential -= found.rho * np.interp(np.abs(roots), x, area)
            lowest = np.take_along_axis(roots, np.argmin(potential, axis=1)[:, None], 1)[:, 0]
            size = np.sort(np.abs(roots), axis=1)
            sign = np.sign(lowest)[:, None] * np.array([-1.0, -1.0, 1.0])
            by_size = sign * size
            chosen = {
                "maxwell": [(1.0, lowest)],
                "middle": [(1.0, by_size[:, 0])],
                "spinodal": [(1.0, by_size[:, 1])],
                "history": [(0.5, by_size[:, 1]), (0.5, by_size[:, 2])],
            }[convention]
        density = 2.0 * weights * np.exp(-0.5 * (h / s) ** 2) / (np.sqrt(2.0 * np.pi) * s)
        for share, x in chosen:
            phi = transfer.phi(x)
            norm += share * density.sum()
            C += share * (density @ phi**2)
            R += share * (density @ (h * phi)) / s**2
            x2 += share * (density @ x**2)
    # 60 nodes in the widest piece, 8 standard deviations, leave 1e-10 (observed)
    assert norm == pytest.approx(1.0, abs=1e-9)
    assert found.C == pytest.approx(C, rel=1e-8)
    assert found.R == pytest.approx(R, rel=1e-8)
    assert found.mean_square_x == pytest.approx(x2, rel=1e-8)
    assert max(found.C_error, found.R_error, found.mean_square_x_error) < 1e-10


@pytest.mark.parametrize("name", ["tanh", "erf"])
def test_jumps_are_what_the_regular_response_lacks(name):
    """R - R_regular = sum of the jumps of phi, times the density of the field there."""
    transfer = transfer_function(name)
    for g, gamma in ((1.5, 1.0), (3.0, 0.6)):
        for convention in static_roots.CONVENTIONS:
            found = static_roots.solve(g, gamma, transfer, convention)
            turn = static_roots.turning_points(found.rho, transfer)
            s = g * np.sqrt(found.C)
            at_zero = 2.0 * float(transfer.phi(turn.maxwell)) * normal(0.0, s)
            at_end = 2.0 * normal(turn.field, s)
            at_end *= float(transfer.phi(turn.landing) + transfer.phi(turn.spinodal))
            jumps = {
                "signed": 0.0,
                "maxwell": at_zero,
                "spinodal": at_end - at_zero,
                "history": 0.5 * at_end,
                "middle": at_end,
            }[convention]
            assert found.R - found.R_regular == pytest.approx(jumps, abs=1e-11)


def test_maxwell_limit_of_strong_coupling():
    """phi -> sign h: C = 1, R = sqrt(2/pi)/g, as in a spin glass at zero temperature."""
    found = static_roots.solve(30.0, 1.0, TANH, "maxwell")
    assert found.C == pytest.approx(1.0, abs=1e-10)
    assert found.R * 30.0 == pytest.approx(np.sqrt(2.0 / np.pi), abs=1e-10)
    # x = g z + rho sign z with rho = g sqrt(2/pi), but where tanh is not yet 1
    assert found.mean_square_x == pytest.approx(900.0 * (1.0 + 6.0 / np.pi), rel=1e-9)


def test_order_of_the_conventions():
    """The more of the smaller roots, the smaller C; only the signed one passes 1."""
    C = {name: static_roots.solve(2.0, 1.0, TANH, name).C for name in static_roots.CONVENTIONS}
    assert C["middle"] < C["spinodal"] < C["history"] < C["maxwell"] < 1.0 < C["signed"]


def test_dataset():
    spec = StaticRootsSpec(gamma=1.0, g=(1.0, 1.5, 2.0))
    dataset = dmft.run(spec)
    assert dataset.C.dims == ("convention", "g")
    assert dataset.status.dtype == np.int8
    assert dataset.status.sel(convention="signed").values.tolist() == [0, 3, 3]
    assert (dataset.status.sel(convention=[*STABLE, "middle"]) == 0).all()
    for name, variable in dataset.variables.items():
        assert {"long_name", "units"} <= set(variable.attrs), name
    shown = dataset.sel(convention="maxwell").isel(g=-1)
    inside = np.abs(dataset["field"]) < float(shown.field_spinodal)
    assert np.array_equal(np.isfinite(dataset.x.sel(root="middle")), inside)
    alone = dmft.run(StaticRootsSpec(gamma=1.0, g=(1.5,)))
    assert (alone.C.isel(g=0) == dataset.C.sel(g=1.5)).all()


@pytest.fixture(scope="module")
def drawn():
    """Fig. S16 from a few points: its settings and table."""
    settings = {
        "gamma": [-0.9, 0.5, 1.0],
        "gc": [0.5, 1.5, 2.5],
        "curves": [0.5, 1.0],
        "many_valued": {"gamma": 1.0, "g": [1.1, 2.0]},
    }
    sources = {
        "plane": [dmft.run(StaticPlaneSpec(gamma=settings["gamma"], gc=settings["gc"]))],
        "roots": [dmft.run(StaticRootsSpec(**settings["many_valued"]))],
    }
    return settings, figS16.tabulate(sources, pd.DataFrame(), settings)


def test_table_of_the_figure(drawn):
    settings, table = drawn
    plane = table[table["panel"] == "plane"]
    C = plane[(plane["quantity"] == "C") & (plane["gamma"] == 1.0)].set_index("x")
    assert C["y"][1.5] == static.solve(0.75, 1.0, TANH).C
    assert C["g"][1.5] == 0.75
    assert C["status"].to_dict() == {0.5: "converged", 1.5: "converged", 2.5: "unphysical"}
    assert set(plane.loc[plane["quantity"] == "C", "gamma"]) == {0.5, 1.0}
    assert set(plane.loc[plane["quantity"] == "rho", "gamma"]) == set(settings["gamma"])


def test_figure_says_where_the_solution_is_stable(drawn):
    settings, table = drawn
    with style.paper_style():
        figure = figS16.draw(table, settings)
        figure.draw_without_rendering()
    pieces = {
        line.get_linestyle(): np.isfinite(line.get_ydata()).tolist()
        for line in figure.axes[0].lines
        if line.get_color() == style.colour_of_gamma(1.0) and line.get_linestyle() != "None"
    }
    # stable at 0.5, unstable at 1.5, unphysical at 2.5; a piece starts at the end of the one before
    assert pieces == {
        "-": [True, False, False],
        "--": [True, True, False],
        ":": [False, True, True],
    }
