"""Replica-symmetric solutions over (gamma, g, T): the selected ones of module `solutions`.

The saddle-point equations at different gamma have nothing to do with each other here; this puts
their solutions into one dataset, without the other candidates.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..specs import PlaneSpec, ReplicaSpec
from . import solutions


def run(spec: PlaneSpec) -> xr.Dataset:
    """Solve the grid of a spec.

    Returns
    -------
    xarray.Dataset
        The variables of `solutions.run` over (gamma, g, temperature), without ``candidate_*``.
    """
    planes = [
        solutions.run(
            ReplicaSpec(
                gamma=gamma,
                g=spec.g,
                temperatures=spec.temperatures,
                transfer=spec.transfer,
                tolerance=spec.tolerance,
                quadrature_tolerance=spec.quadrature_tolerance,
            )
        ).drop_dims("candidate")
        for gamma in spec.gamma
    ]
    attributes = {"long_name": "asymmetry gamma", "units": "1"}
    gamma = xr.DataArray(np.array(spec.gamma), dims="gamma", name="gamma", attrs=attributes)
    return xr.concat(planes, dim=gamma)
