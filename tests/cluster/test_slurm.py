"""A real Slurm of one node: the profiles submit to it, and the arrays are those of a local run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import xarray as xr

pytestmark = pytest.mark.cluster

SCRIPT = Path(__file__).with_name("slurm.sh")
STAGES = ("langevin", "batches")
#: Status by squeue, since this Slurm has no accounting, and without long waits.
OPTIONS = {
    "slurm-generic": (),
    "slurm": (
        "--slurm-status-command=squeue",
        "--slurm-init-seconds-before-status-checks=2",
        "--seconds-between-status-checks=2",
    ),
}


def do(step: str) -> None:
    """A step of the script; the test is skipped, with what the script says, where it fails."""
    done = subprocess.run([SCRIPT, step], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"slurm.sh {step}: {done.stderr.strip() or f'status {done.returncode}'}")


@pytest.fixture(scope="module")
def slurm():
    """A running Slurm."""
    if not shutil.which("slurmctld", path=f"{os.environ['PATH']}:/usr/sbin"):
        if not os.environ.get("QUASIPOTENTIAL_INSTALL_SLURM"):
            pytest.skip("no slurmctld; with QUASIPOTENTIAL_INSTALL_SLURM=1 apt may install it")
        do("install")
    do("start")
    yield
    subprocess.run([SCRIPT, "stop"], check=True)


@pytest.fixture(scope="module")
def local(new_checkout, tmp_path_factory):
    """Checkout after a run on this machine."""
    checkout = new_checkout(tmp_path_factory.mktemp("local") / "checkout")
    checkout.snakemake("--cores", "2", *STAGES)
    return checkout


def results(checkout) -> dict[str, Path]:
    folder = checkout.path / "results"
    return {str(path.relative_to(folder)): path for path in folder.glob("*/*.nc")}


def submitted() -> list[dict[str, str]]:
    """Jobs that Slurm knows, as it describes them."""
    text = subprocess.run(
        ["scontrol", "--oneliner", "show", "job"], capture_output=True, text=True, check=True
    ).stdout
    return [
        dict(re.findall(r"(\S+?)=(\S*)", line)) for line in text.splitlines() if "JobId" in line
    ]


@pytest.mark.parametrize("profile", OPTIONS)
def test_arrays_are_those_of_a_local_run(slurm, local, new_checkout, tmp_path, profile):
    before = {job["JobId"] for job in submitted()}
    checkout = new_checkout(tmp_path / "checkout")
    checkout.snakemake(
        *("--workflow-profile", f"profiles/{profile}", *OPTIONS[profile]),
        *("--group-components", "short=3", "--", *STAGES),
    )
    jobs = [job for job in submitted() if job["JobId"] not in before]
    found, expected = results(checkout), results(local)
    sampled = [name for name in expected if name.startswith(STAGES)]
    assert len(sampled) > 3
    # All samples came from Slurm, three to a job; the couplings did not.
    assert len(jobs) == -(-len(sampled) // 3)
    for job in jobs:
        assert job["JobState"] == "COMPLETED"
        assert job["CPUs/Task"] == "1"
        assert int(job["MinMemoryNode"].removesuffix("M")) < 1000  # of one job, not of three
    assert found.keys() == expected.keys()
    for name, path in found.items():
        with xr.open_dataset(path) as here, xr.open_dataset(expected[name]) as there:
            xr.testing.assert_equal(here, there)
