"""Environment of the workflow and of its jobs."""

from __future__ import annotations

import os
import re
import tomllib
from importlib import metadata
from pathlib import Path

#: Bytes; settings of glibc, which no other C library reads. One without the other does harm.
KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": 2**25, "MALLOC_TRIM_THRESHOLD_": 2**27}


class EnvironmentFaultError(RuntimeError):
    """The workflow cannot run here; the message says why, and what to do."""


def check(checkout: Path) -> None:
    """Check that the packages that pyproject.toml asks for are there, before any job starts.

    Raises
    ------
    EnvironmentFaultError
        It names what is missing.
    """
    declaration = checkout / "pyproject.toml"
    if not declaration.is_file():  # as a module of another workflow, which has its own
        return
    wanted = tomllib.loads(declaration.read_text(encoding="utf-8"))["project"]["dependencies"]
    missing = [name for name in map(_name, wanted) if not _is_installed(name)]
    if missing:
        raise EnvironmentFaultError(
            f"this Python has no {', '.join(missing)}. Run `make figures`, which brings an "
            f"environment of its own, or `pip install -e .` in {checkout}"
        )


def check_folder(folder: Path) -> None:
    """Check that Snakemake can keep its records in a folder.

    Raises
    ------
    EnvironmentFaultError
        It names what is read-only.
    """
    records = folder / ".snakemake"
    place = records if records.is_dir() else folder
    if not os.access(place, os.W_OK | os.X_OK):
        raise EnvironmentFaultError(
            f"{place} is read-only, and Snakemake keeps its records there: make it writable, or "
            "copy the checkout into a folder of your own and run there"
        )


def _name(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0]


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def prepare_jobs(library: Path) -> None:
    """Set what every process started from here inherits.

    It imports the package from ``library``, installed or not.  And its C library keeps the memory
    of freed arrays: given back to the system, it is cleared page by page when it is asked for anew,
    which takes longer than what is done with 10^4 to 10^6 numbers (benchmarks/memory.py).
    """
    paths = [str(library), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    if not KEPT_MEMORY.keys() & os.environ.keys():  # else the user's stand
        os.environ.update({name: str(size) for name, size in KEPT_MEMORY.items()})
