"""A checkout with a run so small that it can be stopped and repeated many times."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import xarray as xr
import yaml

from quasipotential import store
from quasipotential.config.figures import Figures

STAGES = ("couplings", "trajectories", "langevin", "dmft", "replica")
TARGETS = (*STAGES, "fig4")
SMALL = {
    "sampling": {
        "below": {
            "beta": [100.0, 1000.0],
            "N": 40,
            "networks": 2,
            "networks_per_job": 1,
            "chains": 4,
            "warmup": 20,
            "draws": 30,
            "most_draws": 30,
        }
    },
    "figures": {name: None for name in Figures.model_fields}
    | {
        "fig1": {
            "activity": {"N": 100, "points": [{"g": 0.8, "gamma": 0.5}]},
            "small_networks": [
                {"matrix": [[0.5]], "starts": [[1.0]], "duration": 5.0, "interval": 0.1}
            ],
        },
        "fig2": {"beta": [100.0, 1000.0], "g": [0.8], "sampling": ["below"]},
        "fig4": {"gamma": [0.5], "g": [0.5, 0.8]},
    },
    "ledger": {"annealed": None, "ansatz": None, "minimum_search": None},
    "claims": None,
}


@dataclass
class Run:
    """Snakemake at work in a checkout, in a process group of its own."""

    process: subprocess.Popen
    folder: Path

    def workers(self) -> list[int]:
        """Processes of the scripts of the rules."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                scripts = any(b"/.snakemake/scripts/" in word for word in words)
                if scripts and os.getpgid(int(entry.name)) == self.process.pid:
                    # Snakemake starts a script through a shell.
                    found += [int(entry.name)] if b"python" in words[0] else []
            except (OSError, ValueError):
                continue
        return found

    def kill(self, what: str) -> None:
        """``kill -9`` of Snakemake, of everything, or of one worker, waiting until there is one."""
        if what == "worker":
            while not (workers := self.workers()):
                assert self.process.poll() is None, "the run ended before a worker could be killed"
                time.sleep(0.01)
            os.kill(workers[0], signal.SIGKILL)
        elif what == "snakemake":
            os.kill(self.process.pid, signal.SIGKILL)
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=120)


@dataclass
class Small:
    """A checkout with the small config."""

    path: Path
    checkout: object
    runs: list[Run] = field(default_factory=list)
    targets: tuple[str, ...] = TARGETS

    def start(self, *arguments: str) -> Run:
        """Start Snakemake and come back at once."""
        with open(self.path / "output.txt", "a", encoding="utf-8") as output:
            process = subprocess.Popen(
                self.checkout.command("--cores", "2", *arguments),
                cwd=self.path,
                env=self.checkout.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.runs.append(Run(process, self.path))
        return self.runs[-1]

    def stop(self) -> None:
        """End what may still be running."""
        for run in self.runs:
            try:
                os.killpg(run.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            run.process.wait()

    def snakemake(self, *arguments: str, check: bool = True) -> str:
        """Run Snakemake to its end; what it says."""
        return self.checkout.snakemake(*arguments, check=check)

    def jobs(self, *arguments: str) -> dict[str, int]:
        """Jobs that a run would do, by rule."""
        return self.checkout.jobs(*arguments)

    def configure(self, content: dict) -> None:
        """Replace the small config."""
        file = self.path / "config" / "test.yaml"
        file.write_text(yaml.safe_dump(content), encoding="utf-8")

    def files(self, *stages: str) -> list[Path]:
        """Results, figures with their table only."""
        results = self.path / "results"
        found = [file for stage in stages or STAGES for file in results.glob(f"{stage}/[!.]*.nc")]
        tables = [] if stages else results.glob("figures/fig*-*.csv")
        return sorted([*found, *tables])

    def finished(self) -> dict[Path, int]:
        """Files whose jobs are done, as Snakemake knows, with the times they were written at."""
        folder = self.path / ".snakemake" / "incomplete"
        marks = [file.relative_to(folder) for file in folder.rglob("*") if file.is_file()]
        names = ("".join(part.removeprefix("@") for part in mark.parts) for mark in marks)
        unfinished = {self.path / urlsafe_b64decode(name).decode() for name in names}
        return {f: f.stat().st_mtime_ns for f in self.files() if f not in unfinished}

    def arrays(self) -> dict[str, xr.Dataset | str]:
        """Everything computed, by path: arrays, and tables of figures as text."""
        return {
            str(file.relative_to(self.path)): store.load(file)
            if file.suffix == ".nc"
            else file.read_text(encoding="utf-8")
            for file in self.files()
        }


def assert_same(found: dict, expected: dict) -> None:
    """Bit for bit the same arrays and tables."""
    assert found.keys() == expected.keys()
    for name, content in expected.items():
        if isinstance(content, str):
            assert found[name] == content, name
        else:
            xr.testing.assert_equal(found[name], content)


@pytest.fixture
def same():
    """The comparison of two sets of results."""
    return assert_same


@pytest.fixture
def small(fresh) -> Iterator[Small]:
    """A checkout before its first run."""
    checkout = Small(fresh.path, fresh)
    checkout.configure(SMALL)
    yield checkout
    checkout.stop()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, new_checkout) -> Small:
    """A checkout after a run that nothing disturbed; tests must leave it as it is."""
    copy = new_checkout(tmp_path_factory.mktemp("undisturbed") / "checkout")
    checkout = Small(copy.path, copy)
    checkout.configure(SMALL)
    checkout.snakemake("--cores", "2", *TARGETS)
    return checkout


@pytest.fixture
def done(undisturbed, new_checkout, tmp_path) -> Small:
    """A copy of the undisturbed checkout, with all times, to change at will."""
    shutil.copytree(undisturbed.path, tmp_path / "checkout", symlinks=True)
    return Small(tmp_path / "checkout", type(undisturbed.checkout)(tmp_path / "checkout"))


@contextmanager
def _mounted(folder: Path, *options: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting needs rights that this user has not: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def tiny_disk():
    """A file system of some kB over a folder: ``with tiny_disk(folder, 100): ...``."""

    def make(folder: Path, kilobytes: int):
        return _mounted(folder, "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs")

    return make


@pytest.fixture
def read_only():
    """A folder made read-only, for root too: ``with read_only(folder): ...``."""
    return lambda folder: _mounted(folder, "--bind", "-o", "ro", str(folder))
