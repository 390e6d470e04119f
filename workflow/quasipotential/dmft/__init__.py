"""Dynamical mean-field theory: the network's N -> infinity limit as one self-consistent unit.

One module for each kind of result, named like it:

- `static`: fixed points of dx/dt = -x + J phi(x), any gamma
- `static_fields`: the same by another route, and with the response factorised
- `stationary`: the chaotic state at gamma = 0
- `two_time`: transients, noise and any gamma, as a population of trajectories

Each solves one problem with plain numbers (``solve``) and one spec (``run``).  C is <phi phi>, R
the response <d phi/d j> to a field j added to the input, J_ij has variance g^2/N and
<J_ij J_ji> = g^2 gamma/N.  Everything is dimensionless; the time unit is the neurons' time
constant.
"""

from __future__ import annotations

import xarray as xr

from .. import dispatch
from ..specs import Spec

__all__ = ["run"]


def run(spec: Spec) -> xr.Dataset:
    """Result of a spec of the stage ``dmft``, by the module of its kind."""
    return dispatch.run("dmft", spec)
