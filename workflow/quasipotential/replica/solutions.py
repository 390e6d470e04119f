"""Replica-symmetric solutions at one gamma on a grid of gains and temperatures, as a dataset.

At T > 0 and, above the onset of the order parameter, at T = 0 the saddle-point equations are solved
as they stand (module `branches`); at T = 0 below it the limit is known in closed form (module
`zero_temperature`). The paper's symbols r - R, R and r stand beside G and R'.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..specs import ReplicaSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import transfer_function
from .branches import Walk, downward, follow_full, refine, refine_full, upward
from .single_site import (
    Model,
    OrderParameters,
    SiteAverages,
    covariance_x_phi,
    energy,
    free_energy,
)
from .stability import multiplier
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
    "residual": "largest residual of the saddle-point equations, in natural units",
    "quadrature_error": "distance between solutions at two quadratures, in natural units",
    "iterations": "Newton steps (Q = 0) or evaluations (Q > 0) of the last solution",
    "multiplier_annealed": "spectral abscissa of the stability matrix of the solution with Q = 0",
    "r_minus_R": "the paper's r - R = G sqrt(T)",
    "R": "the paper's R = Rp sqrt(T)",
    "r": "the paper's r = (G + Rp) sqrt(T)",
}
SOLUTION = tuple(LONG_NAMES)[:14]  # what is known of one solution


def run(spec: ReplicaSpec) -> xr.Dataset:
    """Solve the grid of a spec.

    Returns
    -------
    xarray.Dataset
        Variables over (g, temperature), all dimensionless; NaN where no solution was found (status
        ``NOT_CONVERGED``, branch -1) and for q^ at T = 0 where it diverges.

    Raises
    ------
    ValueError
        For T = 0 together with eta > 0, where the measure concentrates on minima of the energy and
        the equations have no regular limit.
    """
    if spec.eta > 0 and 0 in spec.temperatures:
        raise ValueError(
            f"T = 0 was asked for with eta = {spec.eta}; the limit is regular for eta = 0 only: "
            "use positive temperatures"
        )
    g, temperatures = np.array(spec.g), np.array(spec.temperatures)
    model = Model(spec.gamma, g, np.zeros_like(g), transfer_function(spec.transfer).phi, spec.eta)
    limit = vanishing_limit(g, spec.gamma, spec.transfer)
    vanishes = np.isfinite(limit.G)

    positive = [float(T) for T in temperatures if T > 0]
    stops = positive.copy()
    if 0 in temperatures and not vanishes.all():
        stops.append(min([LIMIT_POSITIVE_GAMMA if spec.gamma > 0 else LIMIT, *positive]))
    candidates = []
    down = downward(model, stops) if stops else None
    if down is not None:
        candidates.append(_solutions(spec, model, down, np.arange(g.size), ~vanishes))
    linear = np.flatnonzero(g * (1 + spec.gamma) < 1)
    if positive and linear.size:
        up = upward(model.take(linear), positive)
        candidates.append(_solutions(spec, model, up, linear, np.zeros_like(vanishes)))
    if 0 in temperatures:
        candidates.append(_limits(spec, limit))
    fields = _select(candidates, spec.tolerance)

    found = np.isfinite(fields["q"])
    fields["multiplier_annealed"] = fields["multiplier"].copy()
    unstable = found & ~(fields["multiplier"] <= MARGINAL)
    for name in SOLUTION:
        fields[name][unstable] = np.nan
    branch = np.where(found & ~unstable, 0, -1)
    for i in np.flatnonzero(unstable.any(axis=1)):
        _fill_full(spec, model, down, i, unstable[i], fields, branch)

    root = np.sqrt(temperatures)
    fields["r_minus_R"] = fields["G"] * root
    fields["R"] = fields["Rp"] * root
    fields["r"] = (fields["G"] + fields["Rp"]) * root
    accurate = fields["quadrature_error"] <= spec.quadrature_tolerance
    status = np.where(
        branch < 0,
        Status.NOT_CONVERGED.code,
        np.where(accurate, Status.CONVERGED.code, Status.INACCURATE.code),
    )
    return _dataset(g, temperatures, fields, branch, status)


def _observables(
    model: Model, order: OrderParameters, averages: SiteAverages
) -> dict[str, Array | float]:
    return vars(order) | {
        "energy": energy(model, averages),
        "mean_square_x": averages.mean_square_x,
        "covariance_x_phi": covariance_x_phi(model, order),
        "free_energy": free_energy(model, order, averages),
        "multiplier": multiplier(averages.connected, model.g, model.gamma),
    }


def _empty(spec: ReplicaSpec) -> dict[str, Array]:
    shape = (len(spec.g), len(spec.temperatures))
    return {name: np.full(shape, np.nan) for name in SOLUTION}


def _solutions(
    spec: ReplicaSpec, model: Model, path: Walk, points: Array, at_zero: Array
) -> dict[str, Array]:
    """Refine the solutions with Q = 0 of one walk at the temperatures of the spec.

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
    return fields


def _select(candidates: list[dict[str, Array]], tolerance: float) -> dict[str, Array]:
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


def _fill_full(
    spec: ReplicaSpec,
    model: Model,
    down: Walk,
    i: int,
    unstable: Array,
    fields: dict[str, Array],
    branch: Array,
) -> None:
    """Put the solutions with Q > 0 at one gain into the fields, where Q = 0 is unstable."""
    wanted = [T for T, wants in zip(spec.temperatures, unstable, strict=True) if wants]
    for temperature, start in follow_full(model, down, i, wanted, spec.tolerance).items():
        here = Model(model.gamma, float(model.g[i]), temperature, model.phi, model.eta)
        refined = refine_full(here, start.order, spec.tolerance, spec.quadrature_tolerance)
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
        branch[index] = 1


def _dataset(
    g: Array, temperatures: Array, fields: dict[str, Array], branch: Array, status: Array
) -> xr.Dataset:
    dims = ("g", "temperature")
    fields["iterations"] = np.nan_to_num(fields["iterations"]).astype(np.int32)
    variables = {
        name: (dims, fields[name], {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
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
            "g": ("g", g, {"long_name": "gain g", "units": "1"}),
            "temperature": (
                "temperature",
                temperatures,
                {"long_name": "temperature T = 1/beta", "units": "1"},
            ),
        },
    )
