"""Following solutions with Q = 0 through temperature.

The branch Q = 0 is followed downward from a temperature at which it is unique and, for
g (1 + gamma) < 1, upward from the linear limit T -> 0.  For gamma < 0 the two walks can end on
different solutions at one temperature; both are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from .saddle_point import CentredSolution, solve_centred
from .single_site import Model, Quadrature
from .zero_temperature import linear_response

Array = np.ndarray

HOTTEST = 20.0  # start of the downward walk, in units of 1 + g^2
COLDEST = 1e-9  # start of the upward walk, in the linear limit
RUNGS_PER_DECADE = 6
WALK_TOLERANCE = 1e-6
REFINEMENTS = 4


@dataclass(frozen=True)
class Refined:
    """Solutions at two quadratures: the finer one and its distance from the coarser one."""

    solution: CentredSolution
    quadrature_error: Array


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
