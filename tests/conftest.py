"""Checkouts of the workflow in which Snakemake can run without touching this one."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

# A machine under load is slow: time is no property of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parents[1]
SOURCES = ("Snakefile", "config.yaml", "config", "envs", "profiles", "workflow")


@dataclass(frozen=True)
class Checkout:
    """A copy of the workflow."""

    path: Path

    def snakemake(self, *arguments: str, check: bool = True) -> str:
        """Run Snakemake with the test config; its output, standard error included."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.path,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        if check and done.returncode:
            raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{done.stdout}")
        return done.stdout

    def command(self, *arguments: str) -> list[str]:
        """Command line of Snakemake; ``--configfile`` stands before the arguments."""
        return [sys.executable, "-m", "snakemake", "--configfile", "config/test.yaml", *arguments]

    @staticmethod
    def environment() -> dict[str, str]:
        """Environment without what pytest-xdist and coverage tools leave."""
        return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def jobs(self, *arguments: str) -> dict[str, int]:
        """Jobs that a run would do, by rule: the table of a dry run, without the target ``all``."""
        output = self.snakemake("--dry-run", *arguments)
        if "Nothing to be done" in output:
            return {}
        table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", output, re.M | re.S)
        counts = {name: int(n) for name, n in re.findall(r"^(\S+) +(\d+)$", table[1], re.M)}
        counts.pop("all", None)
        return counts

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands in a file."""
        path = self.path / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def _copy(source: Path, target: Path) -> Checkout:
    """Copy of the sources, without results."""
    target.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in SOURCES:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, ignore=ignore)
        else:
            shutil.copy(source / name, target / name)
    return Checkout(target)


@pytest.fixture(scope="session")
def new_checkout(tmp_path_factory) -> Callable[[Path], Checkout]:
    """Copy the workflow as it was when the tests began: ``new_checkout(path)``."""
    sources = _copy(ROOT, tmp_path_factory.mktemp("sources") / "checkout")
    return lambda target: _copy(sources.path, target)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, new_checkout) -> Checkout:
    """A checkout after a whole run of the test config; tests must leave it as it is.

    Processes of one test run share it: the first makes it, the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    path = base / "finished"
    with open(base / "finished.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            made = new_checkout(tmp_path_factory.mktemp("unfinished") / "checkout")
            made.snakemake("--cores", "2")
            made.path.rename(path)
    return Checkout(path)


@pytest.fixture
def fresh(tmp_path, new_checkout) -> Checkout:
    """A checkout before its first run."""
    return new_checkout(tmp_path / "checkout")


@pytest.fixture
def copied(finished, tmp_path) -> Checkout:
    """A copy of the finished checkout, with all times, to change at will."""
    shutil.copytree(finished.path, tmp_path / "checkout", symlinks=True)
    return Checkout(tmp_path / "checkout")
