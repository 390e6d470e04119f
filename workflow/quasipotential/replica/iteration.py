"""Damped iteration of the replica-symmetric equations (Fig. 9) with deterministic quadrature.

    new = damping * old + (1 - damping) * F(old),

F the right-hand sides of the saddle-point equations (module `single_site`), from a given q and Q
and q^ = Q^ = G = R' = 0. Nothing is clipped. A path that leaves the domain of the equations (q <= Q
far enough that s2 <= 0, or a covariance of the fields that is not positive semi-definite) ends
there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import xarray as xr

from ..specs import IterationSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import transfer_function
from .single_site import DomainError, Model, OrderParameters, Quadrature, site_averages

Array = np.ndarray

LONG_NAMES = {
    "q": "self-overlap",
    "Q": "overlap of replicas",
    "qhat": "conjugate of q",
    "Qhat": "conjugate of Q",
    "G": "connected response",
    "Rp": "off-diagonal response",
    "residual": "change by the iteration, in natural units",
    "quadrature_error": "error of the right-hand sides at the last iterate, in natural units",
}


@dataclass(frozen=True)
class Path:
    """Iterates at one gain.

    Attributes
    ----------
    values : array, shape (6, iterations + 1)
        Order parameters, NaN after the path has left the domain.
    change : array, shape (iterations + 1,)
        Distance from the iterate before, NaN at the start.
    quadrature_error : float
        Distance between the right-hand sides at the last iterate with two quadratures.
    status : Status
        ``CONVERGED`` if the last change and the quadrature error are below their tolerances.
    """

    values: Array
    change: Array
    quadrature_error: float
    status: Status


def iterate(
    model: Model,
    start: OrderParameters,
    damping: float,
    iterations: int,
    quadrature: Quadrature,
    tolerance: float,
    quadrature_tolerance: float,
) -> Path:
    """Iterate at one point.

    Parameters
    ----------
    model : Model
        With plain numbers ``g`` and ``temperature``.
    start : OrderParameters
        Plain numbers.
    damping : float
        Weight of the old value, 0 <= damping < 1.
    iterations : int
        How many.
    quadrature : Quadrature
        Steps and reach.
    tolerance, quadrature_tolerance : float
        On the last change and on the quadrature error, both in natural units.
    """
    values = np.full((6, iterations + 1), np.nan)
    change = np.full(iterations + 1, np.nan)
    values[:, 0] = start.array()
    order = start
    try:
        for n in range(1, iterations + 1):
            image = site_averages(model, order, quadrature).order
            values[:, n] = damping * order.array() + (1 - damping) * image.array()
            new = OrderParameters(*map(float, values[:, n]))
            change[n] = order.distance(new)
            order = new
        image = site_averages(model, order, quadrature).order
        finer = site_averages(model, order, quadrature.refined()).order
    except DomainError:
        return Path(values, change, np.nan, Status.UNPHYSICAL)
    error = float(image.distance(finer))
    if not change[-1] <= tolerance:
        status = Status.NOT_CONVERGED
    elif not error <= quadrature_tolerance:
        status = Status.INACCURATE
    else:
        status = Status.CONVERGED
    return Path(values, change, error, status)


def run(spec: IterationSpec) -> xr.Dataset:
    """Iterate at each gain of a spec.

    Returns
    -------
    xarray.Dataset
        Order parameters and the change over (g, iteration), iteration 0 the start; quadrature error
        and status over g.  All dimensionless.
    """
    start = OrderParameters(spec.q, spec.Q, 0.0, 0.0, 0.0, 0.0)
    phi = transfer_function(spec.transfer).phi
    paths = [
        iterate(
            Model(spec.gamma, g, spec.temperature, phi),
            start,
            spec.damping,
            spec.iterations,
            Quadrature(),
            spec.tolerance,
            spec.quadrature_tolerance,
        )
        for g in spec.g
    ]
    values = np.stack([path.values for path in paths])
    data = {field.name: values[:, k] for k, field in enumerate(fields(OrderParameters))}
    data["residual"] = np.stack([path.change for path in paths])
    data["quadrature_error"] = np.array([path.quadrature_error for path in paths])
    dims = ("g", "iteration")
    variables = {
        name: (dims[: data[name].ndim], data[name], {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    status = np.array([path.status.code for path in paths], dtype=np.int8)
    variables["status"] = ("g", status, STATUS_ATTRIBUTES)
    return xr.Dataset(
        variables,
        coords={
            "g": ("g", np.array(spec.g), {"long_name": "gain g", "units": "1"}),
            "iteration": (
                "iteration",
                np.arange(spec.iterations + 1),
                {"long_name": "iteration, 0 the start", "units": "1"},
            ),
        },
    )
