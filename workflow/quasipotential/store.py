"""NetCDF files that say what they are: written whole or not at all."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import xarray as xr

from . import __version__, provenance
from .specs import Spec


class UndescribedVariableError(ValueError):
    """A variable came without ``long_name`` or ``units``."""


def describe(dataset: xr.Dataset, spec: Spec, code: str, seconds: float) -> xr.Dataset:
    """Dataset with the attributes that make the file self-contained.

    Raises
    ------
    UndescribedVariableError
        If a variable lacks ``long_name`` or ``units``.
    """
    for name, variable in dataset.variables.items():
        missing = {"long_name", "units"} - set(variable.attrs)
        if missing:
            raise UndescribedVariableError(f"{spec.key}: variable {name} lacks {sorted(missing)}")
    return dataset.assign_attrs(
        Conventions="CF-1.11",
        title=dataset.attrs.get("title", f"quasipotential: {spec.stage}, {spec.kind}"),
        source=f"quasipotential {__version__}",
        references="Qiu and Huang, Commun. Theor. Phys. 77, 035601 (2025), arXiv:2401.10009",
        spec=spec.canonical(),
        key=spec.key,
        commit=provenance.git_commit(),
        source_digest=code,
        libraries=provenance.versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        wall_seconds=round(seconds, 3),
    )


def write_atomically(path: Path, write) -> None:
    """Call ``write`` with a temporary name in the folder of ``path``, flush, then rename."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(temporary)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save(dataset: xr.Dataset, path: Path) -> None:
    """Write a dataset as NetCDF-4."""
    write_atomically(path, lambda name: dataset.to_netcdf(name, engine="netcdf4", format="NETCDF4"))


def load(path: Path) -> xr.Dataset:
    """Read a dataset into memory.

    Raises
    ------
    ValueError
        If the file holds another result than its name says.
    """
    with xr.open_dataset(path, engine="netcdf4") as dataset:
        dataset.load()
    if dataset.attrs.get("key") != Path(path).stem:
        raise ValueError(
            f"{path} holds the result {dataset.attrs.get('key')!r}: delete the file and run again"
        )
    return dataset
