"""Replica theory of the Boltzmann measure exp(-beta E).

What others build on:

- `single_site`: averages over one site and their quadrature
- `saddle_point`: Newton's method for the order parameters
- `stability`: the matrix that decides whether a solution is stable
- `zero_temperature`: closed forms of the limit T -> 0 where q vanishes
- `branches`: following solutions with Q = 0 through temperature
- `overlap`: following solutions with Q > 0 through temperature and gain
- `not_odd`: following solutions for a phi that is not odd through gain and gamma

One module for each kind of result, named like it:

- `solutions`: a grid of gains and temperatures; `plane`: and of gamma
- `boundary`, `cold_boundary`: where Q = 0 loses its stability, at T > 0 and in the limit T -> 0
- `scaling`: exponents at the transition
- `one_step`: one step of replica-symmetry breaking
- `two_replica`: the annealed potential of two replicas
- `ansatz`: the paper's ansatz at zero temperature; `minimum_search`: what a search for minima does
  to its published iteration
- `complexity`: how many fixed points there are at gamma = 0; `cold_networks`: all of small networks
- `closed_form`, `annealed`: gamma = 0, and any gamma at finite N, by routes of their own
- `iteration`: the damped iteration of Fig. 9
- `protocol`: the published procedure
"""

from __future__ import annotations

import xarray as xr

from .. import dispatch
from ..specs import Spec

__all__ = ["run"]


def run(spec: Spec) -> xr.Dataset:
    """Result of a spec of the stage ``replica``, by the module of its kind."""
    return dispatch.run("replica", spec)
