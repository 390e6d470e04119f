"""``kill -9`` at random moments: nothing is lost, nothing is done twice, every bit is the same."""

from __future__ import annotations

import random
import time

import pytest

VICTIMS = ("everything", "snakemake", "worker")
#: Three kills each, thirty-three over the suite; the first three in its quick part.
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 11))]


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_run_ends_as_an_undisturbed_one_and_repeats_nothing(small, undisturbed, same, seed):
    moments = random.Random(seed)
    # Workers of a killed Snakemake go on. Half of the runs wait for their end, half do not: then
    # two processes write the same file, and times say nothing of what was done twice.
    patient = seed % 2 == 0
    total = len(undisturbed.finished())
    done = {}
    for victim in moments.sample(VICTIMS, len(VICTIMS)):
        more, delay = moments.randint(0, 3), moments.uniform(0.0, 2.5)
        run = small.start(*small.targets)
        while len(small.finished()) < min(len(done) + more, total // 2):
            assert run.process.poll() is None, "the run ended by itself"
            time.sleep(0.02)
        time.sleep(delay)
        assert run.process.poll() is None, "the run was over before it could be killed"
        run.kill(victim)
        while patient and victim == "snakemake" and run.workers():
            time.sleep(0.1)
        finished = small.finished()
        print(f"seed {seed}: killed {victim}, {len(finished)} of {total} jobs finished")
        if patient:
            assert {file: finished.get(file) for file in done} == done
        done = finished
        if victim != "worker":
            small.snakemake("--unlock")
    if patient:
        jobs = small.jobs(*small.targets)
        computing = {rule: n for rule, n in jobs.items() if rule not in small.targets}
        # fig4 is a target and a rule of its own.
        figures = 0 if any("fig4" in file.name for file in done) else 1
        assert sum(computing.values()) + figures == total - len(done)
    small.snakemake("--cores", "2", *small.targets)
    after = small.finished()
    if patient:
        assert {file: after[file] for file in done} == done
    same(small.arrays(), undisturbed.arrays())
    assert "Nothing to be done" in small.snakemake("--cores", "2", *small.targets) or not patient
