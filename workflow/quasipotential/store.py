"""NetCDF files that say what they are: written whole or not at all, checked when they are read.

A file ends with a checksum of all its bytes, behind what NetCDF reads.  Whatever happens to it
later, a bad disk or a wrong name, is an error of the job that reads it and never a number in a
figure.  The bytes are checked before any library interprets them: HDF5 can hang on damaged ones.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import xarray as xr

from . import __version__, provenance
from .specs import STAGES, Spec

HASH = re.compile(r"-[0-9a-f]{8}\b")  # in the names of results
RESULTS = f"Results are results/<stage>/<key>.nc, stages: {', '.join(STAGES)}"


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


class DamagedFileError(ValueError):
    """A file does not hold the result that its name says."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{path} {fault}. Delete the file and run again")


def seal(path: Path) -> None:
    """Append the checksum of a file to it."""
    with open(path, "r+b") as file:
        file.write(hashlib.file_digest(file, "sha256").digest())


def check_seal(path: Path) -> None:
    """Check that a file ends with the checksum of what stands before it.

    Raises
    ------
    DamagedFileError
        If it does not.
    """
    content = path.read_bytes()
    if not content:
        raise DamagedFileError(path, "is empty")
    if hashlib.sha256(content[:-32]).digest() != content[-32:]:
        raise DamagedFileError(path, "is damaged: its content does not fit its checksum")


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write`` with a temporary name in the folder of ``path``, flush, then rename.

    Raises
    ------
    OSError
        If that fails; it says how much space there is.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    # The netCDF library reports a full disk as an error of HDF5, of either type.
    except (OSError, RuntimeError) as error:
        raise OSError(f"cannot write {path}: {error}. {_room(path.parent)}") from error
    finally:
        if temporary.exists():
            temporary.unlink()


def _room(folder: Path) -> str:
    """What stands in the way of writing into a folder, and what to do."""
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return f"{folder.absolute()} is read-only: make it writable and run again"
    free = shutil.disk_usage(folder).free / 1e6
    return f"{folder.absolute()} has {free:.1f} MB free: make room if that is little, and run again"


def save(dataset: xr.Dataset, path: Path) -> None:
    """Write a dataset as NetCDF-4, with the checksum of the file at its end.

    Raises
    ------
    OSError
        As :func:`write_atomically`.
    """

    def write(name: Path) -> None:
        dataset.to_netcdf(name, engine="netcdf4", format="NETCDF4")
        seal(name)

    write_atomically(path, write)


def load(path: Path) -> xr.Dataset:
    """Read a dataset into memory.

    Raises
    ------
    FileNotFoundError
        If it was not computed yet.
    ValueError
        If the file is no result.
    DamagedFileError
        If the file is damaged, or holds another result than its name says.
    """
    path = Path(path)
    if not path.is_file():
        message = f"{path} is not in {Path.cwd()}."
        if path.parent.name in STAGES:
            message += (
                f" If the config plans it: `snakemake --cores 2 {path}`; any spec: "
                f"quasipotential.{path.parent.name}.run(spec)"
            )
        else:
            message += f" {RESULTS}"
        raise FileNotFoundError(message)
    try:
        check_seal(path)
    except DamagedFileError as error:
        if HASH.search(path.name):
            raise
        raise ValueError(f"{path} is no result. {RESULTS}") from error
    with xr.open_dataset(path, engine="netcdf4") as dataset:
        dataset.load()
    if dataset.attrs.get("key") != path.stem:
        raise DamagedFileError(path, f"holds the result {dataset.attrs.get('key')!r}")
    return dataset
