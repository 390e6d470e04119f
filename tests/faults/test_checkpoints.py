"""Long sampling jobs that are killed go on, bit for bit; checkpoints of others are refused."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest

from quasipotential import store


@pytest.fixture
def long(small):
    """Two sampling jobs of a few seconds each, with a checkpoint ten times a second."""
    small.checkout.edit(
        "workflow/quasipotential/langevin/checkpoint.py", "INTERVAL = 60.0", "INTERVAL = 0.1"
    )
    content = small.path / "config" / "test.yaml"
    text = content.read_text(encoding="utf-8")
    assert "warmup: 20" in text
    text = text.replace("warmup: 20", "warmup: 1000").replace("draws: 30", "draws: 12000")
    content.write_text(text, encoding="utf-8")
    return small


def killed(checkout, least: int):
    """Kill everything once each job has made some draws; the checkpoints and their counts."""
    run = checkout.start("langevin")
    folder = checkout.path / "results" / "langevin"
    counts = {}
    while len(counts) < 2 or min(counts.values()) < least:
        assert run.process.poll() is None
        time.sleep(0.05)
        for file in folder.glob("[!.]*.checkpoint"):
            with np.load(file) as arrays:
                counts[file] = int(arrays["count"])
    os.killpg(run.process.pid, signal.SIGKILL)
    run.process.wait()
    checkout.snakemake("--unlock")
    assert all(file.exists() for file in counts), "a job had ended"
    return counts


@pytest.mark.slow
def test_killed_sampling_goes_on_bit_for_bit_and_takes_no_checkpoint_of_others(long, same):
    undisturbed = long.path / "undisturbed"
    long.snakemake("--cores", "2", "langevin")
    expected = {file.name: store.load(file) for file in long.files("langevin")}
    assert not list(long.path.rglob("*.checkpoint"))
    (long.path / "results").rename(undisturbed)

    counts = killed(long, least=6000)
    long.snakemake("--cores", "2", "langevin")
    found = {file.name: store.load(file) for file in long.files("langevin")}
    same(found, expected)
    assert not list(long.path.rglob("*.checkpoint"))
    for name, dataset in found.items():
        # Half of the draws and all of the warm-up were not made again.
        assert dataset.attrs["wall_seconds"] < 0.8 * expected[name].attrs["wall_seconds"], counts

    # Each job finds the other's checkpoint under its name.
    (long.path / "results").rename(long.path / "second")
    first, second = killed(long, least=400)
    aside = first.with_suffix(".aside")
    first.rename(aside)
    second.rename(first)
    aside.rename(second)
    long.snakemake("--cores", "2", "langevin")
    same({file.name: store.load(file) for file in long.files("langevin")}, expected)
    assert not list(long.path.rglob("*.checkpoint"))
