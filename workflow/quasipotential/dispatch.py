"""From a spec to the module of its kind, for stages with several kinds of result."""

from __future__ import annotations

from importlib import import_module

import xarray as xr

from .specs import Spec


def run(stage: str, spec: Spec) -> xr.Dataset:
    """Result of a spec of a stage.

    Raises
    ------
    TypeError
        If the spec belongs to another stage.
    """
    if spec.stage != stage:
        raise TypeError(f"{type(spec).__name__} belongs to {spec.stage!r}, not to {stage!r}")
    return import_module(f".{stage}.{spec.module}", __package__).run(spec)
