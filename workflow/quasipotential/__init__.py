"""Steady states of random recurrent networks: simulation, sampling, mean field and replicas.

>>> import quasipotential as qp

A *spec* says what to compute, with everything that the result depends on; the module of its stage
has a ``run`` that takes it and returns an :class:`xarray.Dataset`:

- ``qp.CouplingsSpec`` to ``qp.couplings.run``: the couplings J/g of one network;
- ``qp.TrajectoriesSpec`` to ``qp.trajectories.run``: its dynamics;
- ``qp.LangevinSpec`` to ``qp.langevin.run``: its Boltzmann measure, sampled;
- ``qp.StaticDmftSpec``, ``qp.StationaryDmftSpec``, ``qp.TwoTimeDmftSpec`` to ``qp.dmft.run``;
- ``qp.ReplicaSpec`` to ``qp.replica.run``.

``qp.path(spec)`` is where the pipeline keeps a result, ``qp.load(path)`` reads it.
``qp.transfer_function(name)`` is phi with its derivative, ``qp.potential`` the energy and its
gradient.  All other kinds of spec are in `quasipotential.specs`.

What a name needs is imported when it is first used.
"""

from importlib import import_module

__version__ = "0.1.0"

_MODULES = ("couplings", "dmft", "langevin", "potential", "replica", "trajectories")
_NAMES = {
    "CouplingsSpec": "specs",
    "Interval": "specs",
    "LangevinSpec": "specs",
    "ReplicaSpec": "specs",
    "StaticDmftSpec": "specs",
    "StationaryDmftSpec": "specs",
    "TrajectoriesSpec": "specs",
    "TwoTimeDmftSpec": "specs",
    "load": "store",
    "path": "plan",
    "transfer_function": "transfer",
}
__all__ = [*_MODULES, *_NAMES]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
