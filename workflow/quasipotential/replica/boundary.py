"""Temperatures at which the branch Q = 0 gains or loses its stability.

The solution with Q = 0 is marginal where the multiplier of module `stability` is 1. The three
saddle-point equations and this one are solved together for (ln q, q^ q, G) and one parameter: the
temperature here, gamma in module `cold_boundary`. In these unknowns the system is regular also
where a branch turns back in temperature (a fold).

Which solution with Q = 0 is meant. By the rule of module `solutions` Q = 0 holds at a temperature
if any solution with Q = 0 is stable there: the one connected to high temperature or, for
g (1 + gamma) < 1, the one connected to the linear limit. A *window* is a range of temperatures
where neither is. Its edges are

    T_upper: above it the solution connected to high temperature is stable,
    T_lower: below it Q = 0 is stable again.

For g (1 + gamma) < 1 the lower edge lies on the solution connected to the linear limit, the stable
one. With rising temperature its multiplier passes 1, and soon after the branch ends in a fold. Both
are close to each other for small q, where the theory is nearly Gaussian and the two conditions
agree. An edge counts only if the multiplier falls below 1 toward the stable side; so a fold that
came before the loss of stability would be reported as not converged, not as an edge.

With falling g the window closes at a gain where both edges meet, the *opening*: the smallest gain
on the line of marginal solutions. It is found on this line, as its minimum over temperature.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy import optimize

from ..progress import Progress
from ..specs import BoundarySpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import transfer_function
from .branches import REFINEMENTS, Walk, downward, upward
from .saddle_point import centred_order
from .single_site import DomainError, Model, Quadrature, centred_averages
from .solutions import MARGINAL
from .stability import multiplier

Array = np.ndarray

LARGEST_RESIDUAL = 1e-9  # of a marginal solution
ROUNDING = 1e-13  # of the equations
LONGEST_WAY = 10.0  # of an unknown from its start
SLOPE_STEP = 1e-7  # in the multiplier; close to g = 1 it is 1 - O(gamma) in all
OPENING_STEP = 0.2  # in ln T, along the line of marginal solutions
OPENING_COLDEST = 1e-14
CRITICAL = 1e-6  # of 1 - g (1 + gamma), below which no linear limit is looked for

LONG_NAMES = {
    "T_upper": "temperature below which Q = 0 is unstable",
    "T_lower": "temperature below which Q = 0 is stable again",
    "T_upper_error": "error of T_upper, from two quadratures and the residual",
    "T_lower_error": "error of T_lower, from two quadratures and the residual",
    "edges": "number of temperatures where the stability of Q = 0 changes",
    "residual": "largest residual of the saddle-point equations and of multiplier = 1",
}
EDGES = ("T_upper", "T_lower")
OPENING_NAMES = {
    "opening_g": "smallest gain with a window of instability",
    "opening_error": "error of that gain, from two quadratures",
    "opening_temperature": "temperature where the window opens",
}


@dataclass(frozen=True)
class Marginal:
    """A solution with Q = 0 at a given multiplier.

    Attributes
    ----------
    value : float
        Of the parameter that was free.
    unknowns : array, shape (3,)
        ln q, q^ q, G.
    residual : float
        Largest one, of the saddle-point equations in natural units and of the multiplier.
    slope : float
        d ln|value| / d multiplier along the branch.
    error : float
        Of the value, relative: distance between two quadratures, and residual (at least rounding)
        times slope.
    """

    value: float
    unknowns: Array
    residual: float
    slope: float = np.nan
    error: float = np.nan


def solve_marginal(
    model: Model, free: str, start: Array, quadrature: Quadrature, target: float = 1.0
) -> Marginal | None:
    """Solve for (ln q, q^ q, G) and one parameter such that the multiplier is ``target``.

    Parameters
    ----------
    model : Model
        With ``g`` and ``temperature`` of shape (1,); the free parameter as a start, not 0. It
        keeps its sign.
    free : str
        ``"temperature"``, ``"g"`` or ``"gamma"``.
    start : array, shape (3,)
        ln q, q^ q, G.
    quadrature : Quadrature
        Step and reach.
    target : float
        The multiplier.

    Returns
    -------
    Marginal or None
        None if the hybrid method does not converge from this start.
    """
    first = np.asarray(getattr(model, free), dtype=float)

    def equations(unknowns: Array) -> Array:
        if not np.all(np.abs(unknowns - origin) < LONGEST_WAY):
            raise DomainError(f"unknowns {unknowns} are far from the start {origin}")
        value = first * np.exp(unknowns[3])
        here = replace(model, **{free: float(value) if free == "gamma" else value})
        order = centred_order(unknowns[None, :3])
        averages = centred_averages(here, order.q, order.qhat, order.G, quadrature)
        image = averages.order
        differences = (
            np.log(image.q / order.q),
            (image.qhat - order.qhat) * order.q,
            image.G - order.G,
            multiplier(averages.connected, here.g, here.gamma) - target,
        )
        return np.concatenate(differences)

    origin = np.array([*start, 0.0])
    try:
        found = optimize.root(equations, origin, options={"xtol": 1e-13, "factor": 0.3})
        residual = float(np.abs(equations(found.x)).max())
    except DomainError:
        return None
    if not residual <= LARGEST_RESIDUAL:
        return None
    return Marginal((first * np.exp(found.x[3])).item(), found.x[:3], residual)


def with_value(model: Model, free: str, value: float) -> Model:
    """Model with one parameter replaced."""
    return replace(model, **{free: value if free == "gamma" else np.array([value])})


def marginal(model: Model, free: str, start: Array, tolerance: float) -> Marginal | None:
    """As `solve_marginal`, with finer and finer quadrature until the parameter settles.

    Parameters
    ----------
    model, free, start
        As for `solve_marginal`.
    tolerance : float
        On the relative change of the parameter.
    """
    quadrature = Quadrature()
    coarse = solve_marginal(model, free, start, quadrature)
    for _ in range(REFINEMENTS):
        if coarse is None:
            return None
        quadrature = quadrature.refined()
        here = with_value(model, free, coarse.value)
        fine = solve_marginal(here, free, coarse.unknowns, quadrature)
        if fine is None:
            return None
        change = abs(np.log(fine.value / coarse.value))
        if change <= tolerance:
            break
        coarse = fine
    here = with_value(model, free, fine.value)
    beside = solve_marginal(here, free, fine.unknowns, quadrature, 1 - SLOPE_STEP)
    if beside is None:
        return None
    slope = np.log(fine.value / beside.value) / SLOPE_STEP
    error = change + abs(slope) * max(fine.residual, ROUNDING)
    return replace(fine, slope=slope, error=float(error))


@dataclass(frozen=True)
class Opening:
    """The smallest gain with a window.

    Attributes
    ----------
    g, error : float
        The gain, and its distance from that of a finer quadrature.
    temperature : float
        Where both edges meet, to some 1e-6 (the position of a flat minimum).
    curvature : float
        d^2 g / d(ln T)^2 of the line of marginal solutions there.
    unknowns : array, shape (3,)
        ln q, q^ q, G.
    """

    g: float
    error: float
    temperature: float
    curvature: float
    unknowns: Array


def _marginal_gain(
    model: Model, log_temperature: float, near: Marginal, quadrature: Quadrature
) -> Marginal:
    """Marginal solution at a temperature, with the gain free."""
    here = replace(model, g=np.array([near.value]), temperature=np.exp([log_temperature]))
    found = solve_marginal(here, "g", near.unknowns, quadrature)
    if found is None:
        raise DomainError(f"the line of marginal solutions is lost at ln T = {log_temperature}")
    return found


def opening(gamma: float, transfer: str) -> Opening | None:
    """Gain at which the window opens; None without a window at g (1 + gamma) < 1.

    Parameters
    ----------
    gamma : float
        Asymmetry.
    transfer : str
        Name of the transfer function.
    """
    if not -1 < gamma < 0:
        return None
    g = 1 / (1 + gamma)
    model = Model(gamma, np.array([g]), np.zeros(1), transfer_function(transfer).phi)
    down = downward(model, [OPENING_COLDEST])
    stable = down.found & (multiplier(down.connected, model.g, gamma) <= MARGINAL)
    if stable.all() or not stable[0, 0]:
        return None
    last = int(np.argmin(stable[:, 0])) - 1
    quadrature = Quadrature()
    try:
        position = float(np.log(down.temperatures[last]))
        start = Marginal(g, down.unknowns[last, 0], 0.0)
        line = [_marginal_gain(model, position, start, quadrature)]
        while len(line) < 2 or line[-1].value < line[-2].value:
            position -= OPENING_STEP
            line.append(_marginal_gain(model, position, line[-1], quadrature))
        middle = line[-2]

        def gain(log_temperature: float) -> float:
            return _marginal_gain(model, log_temperature, middle, quadrature).value

        edges = (position, position + 2 * OPENING_STEP)
        lowest = float(
            optimize.minimize_scalar(
                gain, bounds=edges, method="bounded", options={"xatol": 1e-7}
            ).x
        )
        found = _marginal_gain(model, lowest, middle, quadrature)
        finer = _marginal_gain(model, lowest, found, quadrature.refined())
        sides = gain(lowest - OPENING_STEP) + gain(lowest + OPENING_STEP)
    except DomainError:
        return None
    curvature = (sides - 2 * found.value) / OPENING_STEP**2
    error = abs(finer.value - found.value)
    return Opening(finer.value, error, float(np.exp(lowest)), curvature, finer.unknowns)


@dataclass(frozen=True)
class Ladder:
    """Where Q = 0 holds on a sequence of falling temperatures, and the walks that say so.

    Attributes
    ----------
    temperatures : array, shape (rungs,)
        Falling.
    stable, found : arrays of bool, shape (rungs, points)
        Whether there is a stable solution with Q = 0, and any at all.
    unknowns : array, shape (rungs, points, 3)
        ln q, q^ q, G of the stable solution; of the downward walk where there is none.
    """

    temperatures: Array
    stable: Array
    found: Array
    unknowns: Array

    def changes(self, point: int) -> Array:
        """Rungs after which the stability changes at one gain."""
        return np.flatnonzero(self.stable[1:, point] != self.stable[:-1, point])


def _is_stable(model: Model, path: Walk) -> Array:
    return path.found & (multiplier(path.connected, model.g, model.gamma) <= MARGINAL)


def stability_ladder(model: Model, coldest: float) -> Ladder:
    """Follow the branches with Q = 0 and tell where one is stable.

    Parameters
    ----------
    model : Model
        ``g`` of shape (points,); its temperature is not used.
    coldest : float
        Last temperature.
    """
    down = downward(model, [coldest])
    temperatures, found, unknowns = down.temperatures, down.found.copy(), down.unknowns.copy()
    stable = _is_stable(model, down)
    below_one = model.g * (1 + model.gamma) < 1 - CRITICAL
    linear = np.flatnonzero(below_one & ~stable.all(axis=0))
    if linear.size:
        first = np.flatnonzero(~stable[:, linear].all(axis=1))[0]
        below = model.take(linear)
        up = upward(below, list(temperatures[first:]))
        rows = [int(np.argmin(np.abs(up.temperatures - T))) for T in temperatures[first:]]
        also = _is_stable(below, up)[rows]
        old, new = stable[first:, linear], unknowns[first:, linear]
        unknowns[first:, linear] = np.where((also & ~old)[:, :, None], up.unknowns[rows], new)
        stable[first:, linear] = old | also
        found[first:, linear] |= up.found[rows]
    return Ladder(temperatures, stable, found, unknowns)


def _edge(
    model: Model, start: Array, stable: float, unstable: float, tolerance: float
) -> Marginal | None:
    """Marginal temperature next to a stable one, from a solution there; None if it is not found.

    ``unstable`` is a temperature on the other side; it may be infinite or 0.
    """
    here = replace(model, temperature=np.array([stable]))
    found = marginal(here, "temperature", start, tolerance)
    if found is None or not min(stable, unstable) <= found.value <= max(stable, unstable):
        return None
    # A smaller multiplier must lead to the stable side.
    return found if (found.slope > 0) == (unstable > stable) else None


def window(
    model: Model, ladder: Ladder, point: int, where: Opening | None, tolerance: float
) -> list[Marginal | None]:
    """First two edges of the windows at one gain, the hotter one first.

    Parameters
    ----------
    model : Model
        With ``g`` of shape (points,).
    ladder : Ladder
        Where Q = 0 holds.
    point : int
        Index of the gain.
    where : Opening or None
        Of the window.
    tolerance : float
        On the temperatures, relative.

    Returns
    -------
    list of Marginal or None
        As many as there are edges, at most two; None for an edge that is not found.
    """
    here = model.take(np.array([point]))
    edges = []
    for rung in ladder.changes(point)[:2]:
        inner, outer = (rung, rung + 1) if ladder.stable[rung, point] else (rung + 1, rung)
        stable, unstable = ladder.temperatures[inner], ladder.temperatures[outer]
        edges.append(_edge(here, ladder.unknowns[inner, point], stable, unstable, tolerance))
    g = model.g[point]
    if edges or where is None or not where.g < g < 1 / (1 + model.gamma):
        return edges
    if where.temperature <= ladder.temperatures[-1]:
        return edges
    # A window between two rungs of the ladder, close to its opening.
    half = np.exp(np.sqrt(2 * (g - where.g) / where.curvature))
    hot, cold = where.temperature * half, where.temperature / half
    return [
        marginal(replace(here, temperature=np.array([T])), "temperature", where.unknowns, tolerance)
        for T in (hot, cold)
    ]


def run(spec: BoundarySpec) -> xr.Dataset:
    """Edges of the window along a curve in g.

    Returns
    -------
    xarray.Dataset
        Over g: ``T_upper`` (NaN without a window), ``T_lower`` (NaN if Q = 0 is unstable down to
        the coldest temperature), their absolute errors, the number of edges that were seen (the two
        hottest are given), residual (NaN without an edge) and status. Without dimension: gain and
        temperature of the opening and the error of the gain, NaN if there is none. All
        dimensionless.
    """
    g = np.array(spec.g)
    model = Model(spec.gamma, g, np.zeros_like(g), transfer_function(spec.transfer).phi)
    ladder = stability_ladder(model, spec.coldest)
    where = opening(spec.gamma, spec.transfer)
    data = {name: np.full(g.size, np.nan) for name in LONG_NAMES}
    data["edges"] = np.zeros(g.size, dtype=np.int32)
    status = np.full(g.size, Status.CONVERGED.code, dtype=np.int8)
    for i in Progress(spec.key, "values of g", g.size).over(range(g.size)):
        edges = window(model, ladder, i, where, 0.1 * spec.tolerance)
        found = {n: edge for n, edge in zip(EDGES, edges, strict=False) if edge is not None}
        for name, edge in found.items():
            data[name][i] = edge.value
            data[f"{name}_error"][i] = edge.error * edge.value
        data["edges"][i] = max(len(edges), len(ladder.changes(i)))
        data["residual"][i] = max((edge.residual for edge in found.values()), default=np.nan)
        if len(found) < len(edges) or not (ladder.found[:, i].all() and ladder.stable[0, i]):
            status[i] = Status.NOT_CONVERGED.code
        elif any(edge.error > spec.tolerance for edge in found.values()):
            status[i] = Status.INACCURATE.code

    variables = {
        name: ("g", data[name], {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    for name, long_name in OPENING_NAMES.items():
        value = np.nan if where is None else getattr(where, name.removeprefix("opening_"))
        variables[name] = ((), value, {"long_name": long_name, "units": "1"})
    variables["status"] = ("g", status, STATUS_ATTRIBUTES)
    return xr.Dataset(variables, coords={"g": ("g", g, {"long_name": "gain g", "units": "1"})})
