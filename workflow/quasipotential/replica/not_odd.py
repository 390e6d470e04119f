"""Following solutions for a phi that is not odd through gain and gamma, at one temperature T > 0.

The average over the couplings leaves Gaussian fields of mean 0, so that the equations of module
`single_site` hold for any phi.  Oddness only adds the solution Q = 0.  Without it E<phi>^2 > 0 at
every T, and there is one kind of solution, with Q > 0.

At g = 0 it is known: x ~ N(0, T) (a narrower one if eta > 0) and q^ = Q^ = R' = 0.  From there it
is followed upward in g.

ReLU.  At gamma = 0 the solution with q^ = Q^ = R'
= 0 has x ~ N(0, v), v = T + g^2 q, and q = v/2, so that v = T/(1 - g^2/2) diverges at g = sqrt(2);
q - Q diverges less, as the power 1/3 of v, and Q/q -> 1.  Beyond sqrt(2) the solution has Q^ > 0
and R' < 0, and comes back from infinity.  At gamma != 0 one curve leads past: q/T is finite at all
points computed, for gamma > 0 with a maximum near g (1 + gamma) = sqrt(2).  Hence points that
cannot be reached at their own gamma are reached around the singularity, by way of ``DETOUR``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .overlap import ROUGH, ROUGH_TOLERANCE
from .saddle_point import FullSolution, full_unknowns, solve_full
from .single_site import DomainError, Model, OrderParameters, site_averages

LARGEST_STEP = 0.25  # of g; a longer one might end on another solution
MAX_HALVINGS = 3  # of a step that fails
DETOUR = 0.5  # |gamma| at which a singularity at gamma = 0 is passed


def at_zero_gain(model: Model) -> FullSolution | None:
    """Solution at g = 0, where the equations give it without one being put in, or None."""
    model = replace(model, g=0.0)
    nothing = OrderParameters(1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    try:
        order = site_averages(model, nothing, ROUGH).order
    except DomainError:
        return None
    return solve_full(model, full_unknowns(model, order), ROUGH, ROUGH_TOLERANCE)


def advance(
    here: Model, solution: FullSolution, there: Model, halvings: int = MAX_HALVINGS
) -> FullSolution | None:
    """Carry a solution from one model to another of the same temperature, or None.

    A step that fails is divided into two, evenly in g and gamma, at most ``halvings`` times.
    """
    found = None
    if there.g - here.g <= LARGEST_STEP:
        found = solve_full(there, solution.unknowns, ROUGH, ROUGH_TOLERANCE, solution.jacobian)
    else:
        halvings += 1
    if found is not None or halvings == 0:
        return found
    middle = replace(here, g=(here.g + there.g) / 2, gamma=(here.gamma + there.gamma) / 2)
    halfway = advance(here, solution, middle, halvings - 1)
    return None if halfway is None else advance(middle, halfway, there, halvings - 1)


def follow(model: Model, temperature: float) -> dict[int, FullSolution]:
    """Rough solutions at one temperature by the index of the gain.

    Parameters
    ----------
    model : Model
        With ``g`` of shape (points,), rising.
    temperature : float
        T > 0.
    """
    points = [replace(model, g=float(g), temperature=temperature) for g in np.asarray(model.g)]
    here = replace(model, g=0.0, temperature=temperature)
    current = at_zero_gain(here)
    solutions: dict[int, FullSolution] = {}
    detour = abs(model.gamma) < DETOUR
    for i, there in enumerate(points):
        if current is not None:
            current = advance(here, current, there, 0 if detour else MAX_HALVINGS)
        if current is None:
            break
        solutions[i], here = current, there
    if detour and len(solutions) < len(points):
        aside = replace(model, gamma=DETOUR if model.gamma >= 0 else -DETOUR)
        for i, solution in follow(aside, temperature).items():
            if i not in solutions:
                beside = replace(points[i], gamma=aside.gamma)
                found = advance(beside, solution, points[i])
                if found is not None:
                    solutions[i] = found
    return solutions
