"""Following solutions with Q > 0 through temperature and gain, for gamma < 0.

Where the multiplier (module `stability`) on the downward walk along Q = 0 exceeds 1, a branch Q > 0
splits off along the unstable direction.  It is followed downward in temperature, to T = 0 if asked.
At one temperature solutions are also carried from gain to gain into points that have none, where
Q = 0 may be stable, until they disappear: this finds a branch that coexists with a stable Q = 0
beyond a discontinuous transition.

On the way a rough quadrature and tolerance suffice; `refine` makes a solution exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .branches import Walk
from .saddle_point import FullSolution, full_unknowns, solve_full
from .single_site import FIELD_REACH, Model, OrderParameters, Quadrature
from .stability import multiplier, unstable_direction

Array = np.ndarray

ROUGH = Quadrature(x_step=0.5, field_step=FIELD_REACH / 16, reach=8.5)
ROUGH_TOLERANCE = 1e-5
# Rules of the refinement.  The step in x needs little: its error falls as exp(-const/step^2).
RULES = tuple(
    Quadrature(
        x_step=0.45 / 1.1**level,
        field_step=FIELD_REACH / np.ceil(24 * 1.4**level),
        reach=9.0 + 0.5 * level,
    )
    for level in range(6)
)
LARGEST_RATIO = 2.3  # of successive temperatures
MAX_HALVINGS = 3  # of a step that fails
SEED_OVERLAPS = (0.05, 0.2, 0.5, 0.01)  # Q/q along the unstable direction
SEED_MULTIPLIER = 1.5  # far above 1 the branch is not near the unstable direction any more


@dataclass(frozen=True)
class RefinedFull:
    """A solution with Q > 0 at the finer of two quadratures.

    ``quadrature_error`` is its distance from the coarser, or what rounding leaves open if larger.
    """

    solution: FullSolution
    quadrature_error: float


def refine(
    model: Model, rough: FullSolution, tolerance: float, quadrature_tolerance: float
) -> RefinedFull | None:
    """Solve with finer and finer quadrature until two successive solutions agree.

    Parameters
    ----------
    model : Model
        With plain numbers ``g`` and ``temperature``.
    rough : FullSolution
        Start and Jacobian.
    tolerance, quadrature_tolerance : float
        On the residual, and on the distance between successive solutions.

    Returns
    -------
    RefinedFull or None
        None if the solution is lost.
    """
    coarse = solve_full(model, rough.unknowns, RULES[0], tolerance, rough.jacobian)
    if coarse is None:
        return None
    for rule in RULES[1:]:
        fine = solve_full(model, coarse.unknowns, rule, tolerance, coarse.jacobian)
        if fine is None:
            return None
        error = max(float(fine.order.distance(coarse.order)), fine.remaining)
        if error <= quadrature_tolerance:
            break
        coarse = fine
    return RefinedFull(fine, error)


def split_off(model: Model, centred: OrderParameters, connected: Array) -> FullSolution | None:
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
        solution = solve_full(model, full_unknowns(model, start), ROUGH, ROUGH_TOLERANCE)
        if solution is not None:
            return solution
    return None


def advance(
    here: Model, solution: FullSolution, there: Model, halvings: int = MAX_HALVINGS
) -> FullSolution | None:
    """Carry a solution from one model to another of the same gamma, or None.

    A step that fails is divided into two, evenly in ln T and g, at most ``halvings`` times.
    """
    found = solve_full(there, solution.unknowns, ROUGH, ROUGH_TOLERANCE, solution.jacobian)
    if found is not None or halvings == 0 or there.temperature == 0:
        return found
    middle = replace(
        here,
        g=(here.g + there.g) / 2,
        temperature=float(np.sqrt(here.temperature * there.temperature)),
    )
    halfway = advance(here, solution, middle, halvings - 1)
    return None if halfway is None else advance(middle, halfway, there, halvings - 1)


def _seed(model: Model, centred: Walk, rung: int, point: int) -> FullSolution | None:
    """Split Q > 0 off one solution of a walk on Q = 0, if that is unstable."""
    connected = centred.connected[rung, point]
    if not centred.found[rung, point]:
        return None
    if not 1 < multiplier(connected, model.g, model.gamma) < SEED_MULTIPLIER:
        return None
    log_q, scaled_qhat, G = map(float, centred.unknowns[rung, point])
    q = float(np.exp(log_q))
    return split_off(model, OrderParameters(q, 0.0, scaled_qhat / q, 0.0, G, 0.0), connected)


def follow(
    model: Model, centred: Walk, point: int, wanted: list[float]
) -> dict[float, FullSolution]:
    """Follow the branch Q > 0 downward at one gain; rough solutions by temperature.

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
    """
    solutions: dict[float, FullSolution] = {}
    temperatures = [float(T) for T in centred.temperatures if min(wanted) <= T] + [0.0]
    if min(wanted) > 0:
        temperatures.pop()
    before, current = None, None
    for rung, temperature in enumerate(temperatures):
        here = replace(model, g=float(model.g[point]), temperature=temperature)
        if current is None:
            current = _seed(here, centred, rung, point) if temperature > 0 else None
        elif temperature in wanted or before.temperature > LARGEST_RATIO * temperatures[rung + 1]:
            current = advance(before, current, here)
        else:
            continue
        before = here
        if current is not None and temperature in wanted:
            solutions[temperature] = current
    return solutions


def spread(
    model: Model, solutions: dict[tuple[int, float], FullSolution]
) -> dict[tuple[int, float], FullSolution]:
    """Carry solutions with Q > 0 from gain to gain into points without, until they disappear.

    Parameters
    ----------
    model : Model
        With ``g`` of shape (points,).
    solutions : dict
        Rough solutions by index of the gain and temperature.

    Returns
    -------
    dict
        All solutions, those given included.
    """
    found = dict(solutions)
    order = range(model.g.size)
    for temperature in {temperature for _, temperature in solutions}:
        for indices in (order, reversed(order)):
            before, current = None, None
            for i in indices:
                here = replace(model, g=float(model.g[i]), temperature=temperature)
                if (i, temperature) in found:
                    current = found[i, temperature]
                elif current is not None:
                    current = advance(before, current, here, halvings=0) if here.g > 0 else None
                    if current is not None:
                        found[i, temperature] = current
                before = here
    return found
