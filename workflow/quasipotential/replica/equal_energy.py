r"""The Boltzmann measure beside the chaotic attractor of the same energy, at gamma = 0.

The attractor (stationary mean-field theory, docs/theory.md, section 9) has the energy E/N, the mean
square activity Delta_0 and the mean square rate C_phi(0).  The measure has E/N = T/2, so that both
have the same energy at T = 2 E/N.  There it has <x^2> = T + g^2 q, while on the attractor

    E/N = (g^2 C_phi(0) - Delta_0)/2,    that is    Delta_0 = g^2 C_phi(0) - 2 E/N.

In both the distribution of one x_i is a Gaussian of mean 0 (with the weight exp(-E/T) because
q^ = 0 at gamma = 0), so that these variances say all about one unit.

Everything is dimensionless.

References
----------
J. Qiu and H. Huang, arXiv:2401.10009, sections III and V; docs/theory.md, sections 3, 4 and 9.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..dmft.stationary import run as stationary_state
from ..specs import EqualEnergySpec, StationaryDmftSpec
from ..status import STATUS_ATTRIBUTES
from ..transfer import transfer_function
from .closed_form import solve

LONG_NAMES = {
    "energy": "E/N of the attractor and of the measure",
    "temperature": "temperature T = 2 E/N of the measure",
    "q_attractor": "mean square rate C_phi(0) of the attractor",
    "q_measure": "mean square rate q of the measure",
    "mean_square_x_attractor": "mean square activity Delta_0 of the attractor",
    "mean_square_x_measure": "mean square activity <x^2> of the measure",
    "residual": "largest residual of the two solvers",
    "quadrature_error": "largest relative error of the averages of the two solvers",
}


def run(spec: EqualEnergySpec) -> xr.Dataset:
    """Attractor and measure along the curve of a spec.

    Returns
    -------
    xarray.Dataset
        Over ``g``, all dimensionless; ``status`` is the worse one of the two solvers.
    """
    transfer = transfer_function(spec.transfer)
    attractor = stationary_state(
        StationaryDmftSpec(
            g=spec.g,
            transfer=spec.transfer,
            duration=1.0,
            interval=1.0,
            tolerance=spec.tolerance,
        )
    )
    energy = attractor["energy_per_neuron"].values
    measure = [
        solve(g, 2 * E, transfer, spec.tolerance) for g, E in zip(spec.g, energy, strict=True)
    ]

    def worst(name: str) -> np.ndarray:
        return np.maximum(attractor[name].values, [getattr(point, name) for point in measure])

    values = {
        "energy": energy,
        "temperature": 2 * energy,
        "q_attractor": attractor["C_phi"].isel(lag=0).values,
        "q_measure": np.array([point.q for point in measure]),
        "mean_square_x_attractor": attractor["C0"].values,
        "mean_square_x_measure": np.array([point.mean_square_x for point in measure]),
        "residual": worst("residual"),
        "quadrature_error": worst("quadrature_error"),
    }
    variables = {
        name: ("g", values[name], {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    codes = [
        max(int(code), point.status.code)
        for code, point in zip(attractor["status"].values, measure, strict=True)
    ]
    variables["status"] = ("g", np.array(codes, dtype=np.int8), STATUS_ATTRIBUTES)
    gain = ("g", np.array(spec.g), {"long_name": "gain g", "units": "1"})
    return xr.Dataset(variables, coords={"g": gain})
