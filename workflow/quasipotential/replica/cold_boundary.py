"""The asymmetry at which the branch Q = 0 becomes unstable in the limit T -> 0.

For g (1 + gamma) > 1 and gamma <= 0 the branch Q = 0 has a regular limit T -> 0 with q > 0, in
which s2 = g^2 q. At gamma = 0 it is known in closed form, q = E tanh^2(g sqrt(q) z), and stable.
With falling gamma its multiplier (module `stability`) rises and passes 1 at gamma_c(g). Between
gamma_c and 0 the branch is stable at T = 0.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from ..specs import ColdBoundarySpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import transfer_function
from .boundary import Marginal, marginal
from .branches import WALK_TOLERANCE, downward
from .saddle_point import solve_centred
from .single_site import Model, Quadrature
from .stability import multiplier

Array = np.ndarray

COLDEST = 1e-8  # from which solutions are carried to T = 0
SMALLEST = 1e-3  # first step of gamma, in units of (1 - 1/g)^2
RUNGS_PER_DECADE = 8

LONG_NAMES = {
    "gamma": "asymmetry below which Q = 0 is unstable in the limit T -> 0",
    "gamma_error": "error of gamma, from two quadratures and the residual",
    "q": "self-overlap at the boundary",
    "residual": "largest residual of the saddle-point equations and of multiplier = 1",
}


def marginal_asymmetry(model: Model, start: Array, tolerance: float) -> Marginal | None:
    """Marginal solution at T = 0 with gamma free, at one gain; None if it is not found.

    Parameters
    ----------
    model : Model
        With ``gamma`` = 0, ``g`` > 1 of shape (1,) and ``temperature`` 0.
    start : array, shape (3,)
        ln q, q^ q, G close to the solution at gamma = 0.
    tolerance : float
        On the relative change of gamma.
    """
    margin = 1 - 1 / model.g[0]  # gamma = -margin is g (1 + gamma) = 1
    first = SMALLEST * margin**2
    count = int(np.ceil(RUNGS_PER_DECADE * np.log10(margin / first))) + 1
    below = replace(model, gamma=-first)
    for strength in np.geomspace(first, margin, count):
        here = replace(model, gamma=-float(strength))
        solution = solve_centred(here, start[None], Quadrature(), WALK_TOLERANCE)
        if not solution.residual[0] <= WALK_TOLERANCE:
            return None
        if multiplier(solution.averages.connected, here.g, here.gamma)[0] > 1:
            return marginal(below, "gamma", start, tolerance)
        below, start = here, solution.unknowns[0]
    return None


def run(spec: ColdBoundarySpec) -> xr.Dataset:
    """Boundary along a curve in g > 1.

    Returns
    -------
    xarray.Dataset
        Over g: ``gamma``, its absolute error, q there, residual and status. NaN where no boundary
        was found (status ``NOT_CONVERGED``). All dimensionless.
    """
    g = np.array(spec.g)
    model = Model(0.0, g, np.zeros_like(g), transfer_function(spec.transfer).phi)
    starts = downward(model, [COLDEST]).unknowns[-1]
    data = {name: np.full(g.size, np.nan) for name in LONG_NAMES}
    status = np.full(g.size, Status.NOT_CONVERGED.code, dtype=np.int8)
    for i in range(g.size):
        found = marginal_asymmetry(model.take(np.array([i])), starts[i], 0.1 * spec.tolerance)
        if found is None:
            continue
        data["gamma"][i] = found.value
        data["gamma_error"][i] = found.error * abs(found.value)
        data["q"][i] = np.exp(found.unknowns[0])
        data["residual"][i] = found.residual
        accurate = data["gamma_error"][i] <= spec.tolerance
        status[i] = Status.CONVERGED.code if accurate else Status.INACCURATE.code
    variables = {
        name: ("g", data[name], {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    variables["status"] = ("g", status, STATUS_ATTRIBUTES)
    return xr.Dataset(variables, coords={"g": ("g", g, {"long_name": "gain g", "units": "1"})})
