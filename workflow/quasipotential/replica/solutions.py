"""Replica-symmetric solutions at one gamma on a grid of gains and temperatures, as a dataset.

At T > 0 and, above the onset of the order parameter, at T = 0 the saddle-point equations are solved
as they stand; at T = 0 below it the limit is known in closed form. The paper's symbols r - R, R and
r stand beside G and R'.

Every solution found at a point is kept, along the dimension ``candidate``:

- ``descending``: Q = 0, connected to high temperature (module `branches`);
- ``ascending``: Q = 0, connected to the linear limit T -> 0, for g (1 + gamma) < 1;
- ``vanishing``: the closed form of the limit T = 0 with q -> 0 (module `zero_temperature`);
- ``full``: Q > 0 (module `overlap`).

A candidate that equals an earlier one is not repeated (NaN).

A phi that is not odd has one kind of solution, with Q > 0 (module `not_odd`).

Choice among them.  Phi is to be maximal over q, a density of the system itself, but not over Q: the
number of pairs of replicas, n(n-1)/2, is negative for n -> 0, which turns the sign, and Q = 0 is an
upper bound of Phi also where it is unstable.  So Phi ranks solutions with Q = 0 among each other,
and stability decides about Q: of the stable solutions with Q = 0 the one with the largest Phi is
taken; where none is stable, the one with Q > 0.  A point where Q = 0 is unstable and no Q > 0 was
found has no solution, never the unstable one.  If a solution with Q > 0 coexisted with a stable
Q = 0, this theory could not decide between them: at a discontinuous transition the overlap sets in
with broken replica symmetry, in a vanishing fraction of pairs (m = 1 in one-step breaking), while
here all pairs share it (m = 0).  Q = 0 stays selected there, and the other one is to be seen among
the candidates.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from ..progress import Progress
from ..specs import ReplicaSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import transfer_function
from . import not_odd, overlap
from .branches import Walk, downward, refine, upward
from .saddle_point import FullSolution
from .single_site import (
    Model,
    OrderParameters,
    SiteAverages,
    covariance_x_phi,
    energy,
    free_energy,
)
from .stability import multiplier, overlap_variance
from .zero_temperature import VanishingLimit, vanishing_limit

Array = np.ndarray

# Temperature from which solutions are carried to T = 0.  For gamma > 0, close to the onset, q still
# falls by orders of magnitude below 1e-8; for gamma < 0 each decade costs solutions with Q > 0.
LIMIT_POSITIVE_GAMMA = 1e-12
LIMIT = 1e-8
MARGINAL = 1 + 1e-9  # multiplier of a stable solution, up to rounding

LONG_NAMES = {
    "q": "self-overlap E<phi^2>",
    "Q": "overlap of replicas E<phi>^2",
    "qhat": "conjugate of q",
    "Qhat": "conjugate of Q",
    "G": "connected response",
    "Rp": "off-diagonal response",
    "energy": "quasi-potential per unit E/N",
    "mean_square_x": "mean square activity <x^2>",
    "covariance_x_phi": "connected covariance of x and phi",
    "free_energy": "log-partition density Phi = lim ln Z/N (free energy per unit: -T Phi)",
    "multiplier": "spectral abscissa of the stability matrix, stable below 1",
    "overlap_variance": "N times the variance of the overlap of two states, where Q = 0 is stable",
    "residual": "largest residual of the saddle-point equations, in natural units",
    "quadrature_error": "distance between solutions at two quadratures, in natural units",
    "iterations": "Newton steps (Q = 0) or evaluations (Q > 0) of the last solution",
    "multiplier_annealed": "spectral abscissa of the stability matrix of the solution with Q = 0",
    "r_minus_R": "the paper's r - R = G sqrt(T)",
    "R": "the paper's R = Rp sqrt(T)",
    "r": "the paper's r = (G + Rp) sqrt(T)",
}
#: What is known of one solution.
SOLUTION = tuple(LONG_NAMES)[: list(LONG_NAMES).index("multiplier_annealed")]
CANDIDATES = ("descending", "ascending", "vanishing", "full")
CANDIDATE = (
    *("q", "Q", "qhat", "Qhat", "G", "Rp", "energy", "free_energy", "multiplier"),
    *("overlap_variance", "residual", "quadrature_error"),
)
SAME = 1e-6  # relative difference of q, and difference of G, below which two solutions are one


def run(spec: ReplicaSpec) -> xr.Dataset:
    """Solve the grid of a spec.

    Returns
    -------
    xarray.Dataset
        Of the selected solution, variables over (g, temperature), all dimensionless; NaN where
        there is none (branch -1, and a status that says why) and for q^ at T = 0 where it diverges.
        Of all solutions, variables ``candidate_*`` over (candidate, g, temperature).
    """
    g, temperatures = np.array(spec.g), np.array(spec.temperatures)
    transfer = transfer_function(spec.transfer)
    model = Model(spec.gamma, g, np.zeros_like(g), transfer.phi, spec.eta, odd=transfer.is_odd)
    unbounded = spec.transfer == "linear" and spec.eta == 0
    impossible = np.outer(unbounded & (g * (1 + spec.gamma) >= 1), np.full(temperatures.size, True))

    candidates, down = _centred(spec, model) if model.odd else (_no_centred(spec), None)
    # Where the integrals diverge a residual does not show it: q is huge there.
    for candidate in candidates.values():
        for values in candidate.values():
            values[impossible] = np.nan
    fields = _choose(list(candidates.values()), spec.tolerance)
    fields["multiplier_annealed"] = fields["multiplier"].copy()
    stable = fields["multiplier"] <= MARGINAL
    unstable = fields["multiplier"] > MARGINAL
    candidates["full"] = _full(spec, model, down, unstable) if model.odd else _only(spec, model)
    for name in SOLUTION:
        fields[name] = np.where(stable, fields[name], candidates["full"][name])
    branch = np.where(stable, 0, np.where(np.isfinite(fields["q"]), 1, -1))

    root = np.sqrt(temperatures)
    fields["r_minus_R"] = fields["G"] * root
    fields["R"] = fields["Rp"] * root
    fields["r"] = (fields["G"] + fields["Rp"]) * root
    status = np.select(
        [
            (branch >= 0) & (fields["quadrature_error"] <= spec.quadrature_tolerance),
            branch >= 0,
            impossible,
            unstable,
        ],
        [
            Status.CONVERGED.code,
            Status.INACCURATE.code,
            Status.NO_SOLUTION.code,
            Status.UNSTABLE.code,
        ],
        Status.NOT_CONVERGED.code,
    )
    return _dataset(spec, fields, _distinct(candidates, spec.tolerance), branch, status)


def _observables(
    model: Model, order: OrderParameters, averages: SiteAverages
) -> dict[str, Array | float]:
    return vars(order) | {
        "energy": energy(model, averages),
        "mean_square_x": averages.mean_square_x,
        "covariance_x_phi": covariance_x_phi(model, order),
        "free_energy": free_energy(model, order, averages),
        "multiplier": multiplier(averages.connected, model.g, model.gamma),
        "overlap_variance": np.where(
            np.equal(order.Q, 0),
            overlap_variance(averages.connected, model.g, model.gamma),
            np.nan,
        ),
    }


def _empty(spec: ReplicaSpec) -> dict[str, Array]:
    shape = (len(spec.g), len(spec.temperatures))
    return {name: np.full(shape, np.nan) for name in SOLUTION}


def _centred(spec: ReplicaSpec, model: Model) -> tuple[dict[str, dict[str, Array]], Walk | None]:
    """Solutions with Q = 0 by candidate, and the downward walk if there was one."""
    limit = vanishing_limit(model.g, spec.gamma, spec.transfer)
    # For gamma >= 0 it is the descending solution itself that vanishes.
    at_zero = (model.g > 0) & (np.isnan(limit.G) | (spec.gamma < 0))
    candidates = _no_centred(spec)
    positive = [float(T) for T in spec.temperatures if T > 0]
    stops = positive.copy()
    if 0 in spec.temperatures and at_zero.any():
        stops.append(min([LIMIT_POSITIVE_GAMMA if spec.gamma > 0 else LIMIT, *positive]))
    down = downward(model, stops) if stops else None
    if down is not None:
        everywhere = np.arange(model.g.size)
        candidates["descending"] = _solutions(spec, model, down, everywhere, at_zero)
    linear = np.flatnonzero(model.g * (1 + spec.gamma) < 1)
    if positive and linear.size:
        up = upward(model.take(linear), positive)
        candidates["ascending"] = _solutions(spec, model, up, linear, np.zeros_like(at_zero))
    if 0 in spec.temperatures:
        candidates["vanishing"] = _limits(spec, limit)
    return candidates, down


def _solutions(
    spec: ReplicaSpec, model: Model, path: Walk, points: Array, at_zero: Array
) -> dict[str, Array]:
    """Refine the solutions of one walk on Q = 0 at the temperatures of the spec.

    ``points`` are the gains of the walk; ``at_zero`` marks gains to be carried on to T = 0.
    """
    fields = _empty(spec)
    rows, columns, starts = [], [], []
    for column, temperature in enumerate(spec.temperatures):
        rung = np.argmin(np.abs(path.temperatures - temperature))
        use = path.found[rung] & ((temperature > 0) | at_zero[points])
        rows.append(points[use])
        columns.append(np.full(use.sum(), column))
        starts.append(path.unknowns[rung, use])
    index = (np.concatenate(rows), np.concatenate(columns))
    if index[0].size == 0:
        return fields
    here = Model(
        model.gamma,
        model.g[index[0]],
        np.array(spec.temperatures)[index[1]],
        model.phi,
        model.eta,
    )
    refined = refine(here, np.concatenate(starts), spec.tolerance, spec.quadrature_tolerance)
    values = _observables(here, refined.solution.order, refined.solution.averages) | {
        "residual": refined.solution.residual,
        "quadrature_error": refined.quadrature_error,
        "iterations": refined.solution.iterations,
    }
    for name, value in values.items():
        fields[name][index] = value
    return fields


def _limits(spec: ReplicaSpec, limit: VanishingLimit) -> dict[str, Array]:
    """Closed forms at T = 0, as one more candidate."""
    fields = _empty(spec)
    column = spec.temperatures.index(0.0)
    exists = np.isfinite(limit.G)
    for name in SOLUTION:
        fields[name][exists, column] = getattr(limit, name, np.zeros_like(limit.G))[exists]
    fields["overlap_variance"][:, column] = np.nan  # it vanishes, but not by a law that is known
    return fields


def _choose(candidates: list[dict[str, Array]], tolerance: float) -> dict[str, Array]:
    """Choose among solutions with Q = 0: stable ones first, then the larger Phi."""
    stacked = {name: np.stack([fields[name] for fields in candidates]) for name in SOLUTION}
    solved = stacked["residual"] <= tolerance
    stable = solved & (stacked["multiplier"] <= MARGINAL)
    eligible = np.where(stable.any(axis=0), stable, solved)
    best = np.argmax(np.where(eligible, stacked["free_energy"], -np.inf), axis=0)[None]
    return {
        name: np.where(solved.any(axis=0), np.take_along_axis(values, best, axis=0)[0], np.nan)
        for name, values in stacked.items()
    }


def _no_centred(spec: ReplicaSpec) -> dict[str, dict[str, Array]]:
    return {name: _empty(spec) for name in CANDIDATES if name != "full"}


def _only(spec: ReplicaSpec, model: Model) -> dict[str, Array]:
    """Solutions for a phi that is not odd."""
    rough = {}
    progress = Progress(spec.key, "temperatures", len(spec.temperatures))
    for temperature in progress.over(spec.temperatures):
        for i, solution in not_odd.follow(model, temperature).items():
            rough[i, temperature] = solution
    return _refined(spec, model, rough)


def _full(spec: ReplicaSpec, model: Model, down: Walk | None, unstable: Array) -> dict[str, Array]:
    """Solutions with Q > 0: where Q = 0 is unstable, and wherever they reach from there."""
    rough = {}
    if down is None:
        return _empty(spec)
    gains = np.flatnonzero(unstable.any(axis=1))
    for i in Progress(spec.key, "values of g with Q > 0", gains.size).over(gains):
        wanted = [T for T, wants in zip(spec.temperatures, unstable[i], strict=True) if wants]
        for temperature, solution in overlap.follow(model, down, i, wanted).items():
            rough[i, temperature] = solution
    return _refined(spec, model, overlap.spread(model, rough))


def _refined(
    spec: ReplicaSpec, model: Model, rough: dict[tuple[int, float], FullSolution]
) -> dict[str, Array]:
    """Refine solutions with Q > 0, given by index of the gain and temperature."""
    fields = _empty(spec)
    progress = Progress(spec.key, "points with Q > 0", len(rough))
    for (i, temperature), solution in progress.over(rough.items()):
        here = replace(model, g=float(model.g[i]), temperature=temperature)
        refined = overlap.refine(here, solution, spec.tolerance, spec.quadrature_tolerance)
        if refined is None:
            continue
        index = (i, spec.temperatures.index(temperature))
        values = _observables(here, refined.solution.order, refined.solution.averages) | {
            "residual": refined.solution.residual,
            "quadrature_error": refined.quadrature_error,
            "iterations": refined.solution.iterations,
        }
        for name, value in values.items():
            fields[name][index] = value
    return fields


def _distinct(candidates: dict[str, dict[str, Array]], tolerance: float) -> dict[str, Array]:
    """Variables over (candidate, g, temperature): solutions that differ from earlier ones."""
    stacked = {
        name: np.stack([candidates[which][name] for which in CANDIDATES]) for name in CANDIDATE
    }
    keep = stacked["residual"] <= tolerance
    for later in range(1, len(CANDIDATES)):
        for earlier in range(later):
            same = keep[earlier] & np.all(
                [
                    np.abs(stacked[name][later] - stacked[name][earlier]) <= SAME * scale
                    for name, scale in (
                        ("q", stacked["q"][earlier]),
                        ("Q", stacked["q"][earlier]),
                        ("G", 1.0),
                    )
                ],
                axis=0,
            )
            keep[later] &= ~same
    return {name: np.where(keep, values, np.nan) for name, values in stacked.items()}


def _dataset(
    spec: ReplicaSpec,
    fields: dict[str, Array],
    candidates: dict[str, Array],
    branch: Array,
    status: Array,
) -> xr.Dataset:
    dims = ("g", "temperature")
    fields["iterations"] = np.nan_to_num(fields["iterations"]).astype(np.int32)
    variables = {
        name: (dims, fields[name], {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    for name, values in candidates.items():
        attributes = {"long_name": f"{LONG_NAMES[name]}, of each solution found", "units": "1"}
        variables[f"candidate_{name}"] = (("candidate", *dims), values, attributes)
    variables["branch"] = (
        dims,
        branch.astype(np.int8),
        {
            "long_name": "branch of the selected solution",
            "units": "1",
            "flag_values": np.array([-1, 0, 1], dtype=np.int8),
            "flag_meanings": "none annealed_Q_zero full_Q_positive",
        },
    )
    variables["status"] = (dims, status.astype(np.int8), STATUS_ATTRIBUTES)
    return xr.Dataset(
        variables,
        coords={
            "candidate": (
                "candidate",
                list(CANDIDATES),
                {"long_name": "how a solution was found", "units": "1"},
            ),
            "g": ("g", np.array(spec.g), {"long_name": "gain g", "units": "1"}),
            "temperature": (
                "temperature",
                np.array(spec.temperatures),
                {"long_name": "temperature T = 1/beta", "units": "1"},
            ),
        },
    )
