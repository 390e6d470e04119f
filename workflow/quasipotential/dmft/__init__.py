"""Dynamical mean-field theory: the network's N -> infinity limit as one self-consistent unit.

``static``      fixed points of dx/dt = -x + J phi(x), any gamma;
``stationary``  the chaotic state at gamma = 0;
``two_time``    transients, noise and any gamma, as a population of trajectories.

Each module solves one problem with plain numbers (``solve``) and one spec (``run``).  C is
<phi phi>, R the response <d phi/d j> to a field j added to the input, J_ij has variance g^2/N and
<J_ij J_ji> = g^2 gamma/N.  Everything is dimensionless; the time unit is the neurons' time
constant.
"""

from __future__ import annotations

import xarray as xr

from ..specs import StaticDmftSpec, StationaryDmftSpec, TwoTimeDmftSpec
from . import static, stationary, two_time

_RUN = {
    StaticDmftSpec: static.run,
    StationaryDmftSpec: stationary.run,
    TwoTimeDmftSpec: two_time.run,
}


def run(spec: StaticDmftSpec | StationaryDmftSpec | TwoTimeDmftSpec) -> xr.Dataset:
    """Result of a spec of the stage ``dmft``.

    Raises
    ------
    TypeError
        If the spec belongs to another stage.
    """
    try:
        solver = _RUN[type(spec)]
    except KeyError:
        known = ", ".join(kind.__name__ for kind in _RUN)
        raise TypeError(f"no DMFT for {type(spec).__name__}; known: {known}") from None
    return solver(spec)
