"""Dynamical mean-field theory: the network's N -> infinity limit as one self-consistent unit.

One module for each kind of result, named like it:

- `static`: fixed points of dx/dt = -x + J phi(x), any gamma
- `static_roots`: the same where a unit has several roots, for each choice of root
- `static_plane`: the same over gamma and g
- `static_fields`: the same by another route, and with the response factorised
- `comparison`: static DMFT over gamma and g beside what is known at gamma = 0
- `weighting`: averages over the fixed points of finite networks, with three weights
- `stationary`: the chaotic or driven state at gamma = 0; `onset`: its expansions in g - 1
- `two_time`: transients, noise and any gamma, as a population of trajectories
- `two_time_deterministic`: the same at gamma = 0, without trajectories

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
