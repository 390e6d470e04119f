"""Following the replica-symmetric branches through temperature, and choosing among them.

The branch Q = 0 is followed downward from a temperature at which it is unique and, for
g (1 + gamma) < 1, upward from the linear limit T -> 0.  For gamma < 0 the two walks can end on
different solutions at one temperature; both are kept.  Where the multiplier (module `stability`) on
the downward walk exceeds 1, a branch Q > 0 splits off along the unstable direction and is followed
downward in its turn.

Choice among solutions: a stable one with Q = 0; if there are two, the one with the larger Phi; if
there is none, the solution with Q > 0. The largest Phi alone is no criterion: Q = 0 is an upper
bound of Phi also where it is unstable. A point where Q = 0 is unstable and no solution with Q > 0
was found has no solution here, never the unstable one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from .saddle_point import CentredSolution, FullSolution, solve_centred, solve_full
from .single_site import Model, OrderParameters, Quadrature
from .stability import multiplier, unstable_direction
from .zero_temperature import linear_response

Array = np.ndarray

HOTTEST = 20.0  # start of the downward walk, in units of 1 + g^2
COLDEST = 1e-9  # start of the upward walk, in the linear limit
RUNGS_PER_DECADE = 6
WALK_TOLERANCE = 1e-6
REFINEMENTS = 4
MAX_HALVINGS = 3  # of a step in ln T on the branch Q > 0
SEED_OVERLAPS = (0.05, 0.2, 0.5, 0.01)  # Q/q along the unstable direction


@dataclass(frozen=True)
class Refined:
    """Solutions at two quadratures: the finer one and its distance from the coarser one."""

    solution: CentredSolution
    quadrature_error: Array


@dataclass(frozen=True)
class RefinedFull:
    """A solution with Q > 0 at the finer of two quadratures, and its distance from the coarser."""

    solution: FullSolution
    quadrature_error: float


@dataclass(frozen=True)
class Walk:
    """The branch Q = 0 along a sequence of temperatures.

    Attributes
    ----------
    temperatures : array, shape (rungs,)
        In the order of the walk.
    unknowns : array, shape (rungs, points, 3)
        ln q, q^ q, G; the last ones found where a rung has no solution.
    found : array of bool, shape (rungs, points)
        Whether the rung has a solution.
    connected : array, shape (rungs, points, 3, 3)
        Products of single-site moments, for the stability matrix.
    """

    temperatures: Array
    unknowns: Array
    found: Array
    connected: Array


def ladder(first: float, stops: list[float]) -> Array:
    """Geometric sequence of temperatures from ``first`` through all stops, all of them included."""
    rungs = [first]
    for start, end in pairwise([first, *(stop for stop in stops if stop != first)]):
        count = max(1, int(np.ceil(RUNGS_PER_DECADE * abs(np.log10(end / start)))))
        rungs += [*np.geomspace(start, end, count + 1)[1:-1], end]
    return np.array(rungs)


def walk(model: Model, start: Array, temperatures: Array) -> Walk:
    """Follow Q = 0 from rung to rung, for all gains at once.

    Parameters
    ----------
    model : Model
        ``g`` of shape (points,); its temperature is not used.
    start : array, shape (points, 3)
        Start at the first rung.
    temperatures : array, shape (rungs,)
        The rungs.
    """
    unknowns, found, connected = [], [], []
    current = start
    for temperature in temperatures:
        here = replace(model, temperature=np.full_like(model.g, temperature))
        solution = solve_centred(here, current, Quadrature(), WALK_TOLERANCE)
        converged = solution.residual <= WALK_TOLERANCE
        current = np.where(converged[:, None], solution.unknowns, current)
        unknowns.append(current)
        found.append(converged)
        connected.append(solution.averages.connected)
    return Walk(temperatures, np.array(unknowns), np.array(found), np.array(connected))


def downward(model: Model, stops: list[float]) -> Walk:
    """Walk down from high temperature through the positive temperatures ``stops``."""
    hot = max(HOTTEST * (1 + np.max(model.g) ** 2), *stops)
    # Without couplings, as a start: x ~ N(0, T), whose q and G the first Newton steps correct.
    q = np.full_like(model.g, 0.8)
    start = np.stack([np.log(q), np.zeros_like(q), np.full_like(q, 1 / np.sqrt(hot))], axis=1)
    return walk(model, start, ladder(hot, sorted(set(stops), reverse=True)))


def upward(model: Model, stops: list[float]) -> Walk:
    """Walk up from the linear limit through ``stops``; all points have g (1 + gamma) < 1."""
    cold = min(COLDEST, min(stops) / 10)
    G = linear_response(model.g, model.gamma)
    q = cold * G**2 / (1 - (model.g * G) ** 2)
    start = np.stack([np.log(q), np.zeros_like(q), G], axis=1)
    return walk(model, start, ladder(cold, sorted(set(stops))))


def refine(model: Model, start: Array, tolerance: float, quadrature_tolerance: float) -> Refined:
    """Solve with finer and finer quadrature until two successive solutions agree.

    Parameters
    ----------
    model : Model
        With ``g`` and ``temperature`` of shape (points,).
    start : array, shape (points, 3)
        Starts, close to the solutions.
    tolerance, quadrature_tolerance : float
        On the residual, and on the distance between successive solutions.
    """
    quadrature = Quadrature()
    coarse = solve_centred(model, start, quadrature, 0.01 * tolerance)
    for _ in range(REFINEMENTS):
        quadrature = quadrature.refined()
        fine = solve_centred(model, coarse.unknowns, quadrature, 0.01 * tolerance)
        error = fine.order.distance(coarse.order)
        if np.all((error <= quadrature_tolerance) | ~(fine.residual <= tolerance)):
            break
        coarse = fine
    return Refined(replace(fine, iterations=coarse.iterations + fine.iterations), error)


def refine_full(
    model: Model, start: OrderParameters, tolerance: float, quadrature_tolerance: float
) -> RefinedFull | None:
    """As `refine`, on the branch Q > 0; None if a solution is lost."""
    quadrature = Quadrature()
    coarse = solve_full(model, start, quadrature, tolerance)
    for _ in range(REFINEMENTS):
        if coarse is None:
            return None
        quadrature = quadrature.refined()
        fine = solve_full(model, coarse.order, quadrature, tolerance)
        if fine is None:
            return None
        error = float(fine.order.distance(coarse.order))
        if error <= quadrature_tolerance:
            break
        coarse = fine
    return RefinedFull(fine, error)


def split_off(
    model: Model, centred: OrderParameters, connected: Array, tolerance: float
) -> FullSolution | None:
    """Find Q > 0 at one point from an unstable solution with Q = 0, or None."""
    direction = unstable_direction(connected, model.g, model.gamma)
    for overlap in SEED_OVERLAPS:
        Q = overlap * centred.q
        _, Qhat, twice_Rp = Q * direction
        bound = np.sqrt(Q * abs(Qhat)) / model.g
        start = replace(
            centred,
            Q=Q,
            Qhat=abs(Qhat),
            Rp=float(np.clip(twice_Rp / 2, -0.99 * bound, 0.99 * bound)),
        )
        solution = solve_full(model, start, Quadrature(), tolerance)
        if solution is not None:
            return solution
    return None


def advance(
    model: Model,
    solution: FullSolution,
    temperature: float,
    tolerance: float,
    halvings: int = MAX_HALVINGS,
) -> FullSolution | None:
    """Carry a solution with Q > 0 from the model's temperature to another, or None.

    A step that fails is divided into two, evenly in ln T, at most ``halvings`` times.
    """
    there = replace(model, temperature=temperature)
    found = solve_full(there, solution.order, Quadrature(), tolerance)
    if found is not None or halvings == 0 or temperature == 0:
        return found
    middle = float(np.sqrt(model.temperature * temperature))
    halfway = advance(model, solution, middle, tolerance, halvings - 1)
    if halfway is None:
        return None
    return advance(
        replace(model, temperature=middle), halfway, temperature, tolerance, halvings - 1
    )


def follow_full(
    model: Model, centred: Walk, point: int, wanted: list[float], tolerance: float
) -> dict[float, FullSolution]:
    """Follow the branch Q > 0 downward at one gain; solutions by temperature, those wanted only.

    Parameters
    ----------
    model : Model
        With ``g`` of shape (points,).
    centred : Walk
        The downward walk on Q = 0.
    point : int
        Index of the gain.
    wanted : list of float
        Temperatures: rungs of the walk, or 0.
    tolerance : float
        On the residual.
    """
    solutions: dict[float, FullSolution] = {}
    current: FullSolution | None = None
    for rung, temperature in enumerate([*centred.temperatures, 0.0]):
        if temperature < min(wanted):
            break
        here = replace(model, g=float(model.g[point]), temperature=float(temperature))
        if current is not None:
            before = replace(here, temperature=float(centred.temperatures[rung - 1]))
            current = advance(before, current, here.temperature, tolerance)
        if current is None and temperature > 0 and centred.found[rung, point]:
            connected = centred.connected[rung, point]
            if multiplier(connected, here.g, here.gamma) > 1:
                log_q, scaled_qhat, G = centred.unknowns[rung, point]
                q = float(np.exp(log_q))
                order = OrderParameters(q, 0.0, scaled_qhat / q, 0.0, G, 0.0)
                current = split_off(here, order, connected, tolerance)
        if current is not None and temperature in wanted:
            solutions[float(temperature)] = current
    return solutions
