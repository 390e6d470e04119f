"""Replica theory of the Boltzmann measure exp(-beta E), replica-symmetric.

- `single_site`: averages over one site and their quadrature
- `saddle_point`: Newton's method for the order parameters
- `stability`: the matrix that decides whether a solution is stable
- `zero_temperature`: closed forms of the limit T -> 0 where q vanishes
- `branches`: following solutions through temperature
- `solutions`: a grid of gains and temperatures as a dataset
- `iteration`: the damped iteration of Fig. 9
"""

from __future__ import annotations

import xarray as xr

from ..specs import IterationSpec, ReplicaSpec
from . import iteration, solutions

__all__ = ["run"]


def run(spec: ReplicaSpec | IterationSpec) -> xr.Dataset:
    """Solutions on a grid (`ReplicaSpec`) or paths of the damped iteration (`IterationSpec`)."""
    if isinstance(spec, IterationSpec):
        return iteration.run(spec)
    return solutions.run(spec)
