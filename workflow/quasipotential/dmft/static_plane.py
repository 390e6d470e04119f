"""Static DMFT over gamma and g (1 + gamma): one curve of module `static` for each gamma.

The onset of C > 0 is at g (1 + gamma) = 1 for every gamma.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..specs import StaticDmftSpec, StaticPlaneSpec
from . import static


def run(spec: StaticPlaneSpec) -> xr.Dataset:
    """Solve on the whole plane.

    Returns
    -------
    xarray.Dataset
        The variables of :func:`static.run` over ``gamma`` and ``gc``, which is g (1 + gamma), and
        ``g``.
    """
    curves = []
    for gamma in spec.gamma:
        curve = static.run(
            StaticDmftSpec(
                gamma=gamma,
                g=tuple(gc / (1.0 + gamma) for gc in spec.gc),
                transfer=spec.transfer,
                tolerance=spec.tolerance,
            )
        )
        g = ("gc", curve["g"].values, curve["g"].attrs)
        gc = ("gc", np.array(spec.gc), {"long_name": "g (1 + gamma)", "units": "1"})
        curves.append(curve.rename_dims(g="gc").drop_vars("g").assign(g=g).assign_coords(gc=gc))
    plane = xr.concat(curves, dim="gamma", combine_attrs="override")
    about = {"long_name": "asymmetry of the couplings", "units": "1"}
    return plane.assign_coords(gamma=("gamma", np.array(spec.gamma), about))
