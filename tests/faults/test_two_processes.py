"""Two Snakemakes on one results folder."""

from __future__ import annotations

import csv
import signal

from quasipotential import couplings, store
from quasipotential.specs import parse


def test_second_process_on_the_same_results_is_told_of_the_lock(small):
    """Snakemake locks what it reads and writes: other results can be computed meanwhile."""
    first = small.start(*small.targets)
    while not first.workers():
        assert first.process.poll() is None
    # It waits, so that its results are not done before the second one looks.
    first.process.send_signal(signal.SIGSTOP)
    try:
        output = small.snakemake("--cores", "1", "langevin", check=False)
    finally:
        first.process.send_signal(signal.SIGCONT)
    assert "Error: Directory cannot be locked" in output
    assert "Traceback" not in output
    assert first.process.wait(timeout=300) == 0
    assert len(small.files("couplings")) == 3


def test_two_processes_with_separate_specs_and_nolock_do_not_disturb_each_other(
    small, undisturbed, same
):
    stages = ("couplings", "langevin")
    runs = [
        small.start(*stages, "--nolock"),
        small.start(*stages, "--nolock", "--config", "seed=7001"),
    ]
    assert [run.process.wait(timeout=300) for run in runs] == [0, 0]
    expected = {file.name: store.load(file) for file in undisturbed.files(*stages)}
    found = {file.name: store.load(file) for file in small.files(*stages)}
    same({name: found[name] for name in expected}, expected)
    # The other seed has as many results, whole and with the right bits.
    others = {name: dataset for name, dataset in found.items() if name not in expected}
    assert len(others) == len(expected)
    for dataset in others.values():
        spec = parse(dataset.attrs["spec"])
        if spec.stage == "couplings":
            assert couplings.run(spec)["couplings"].equals(dataset["couplings"])
    for arguments in ((), ("--config", "seed=7001")):
        assert "Nothing to be done" in small.snakemake("--cores", "1", *stages, *arguments)
    with open(small.path / "results" / "index.csv", newline="", encoding="utf-8") as file:
        assert {row["file"] for row in csv.DictReader(file)} >= {
            f"results/{parse(dataset.attrs['spec']).stage}/{name}"
            for name, dataset in found.items()
        }
