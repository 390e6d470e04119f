"""Lines of progress: when they come, what they say, and that nothing else is said."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from quasipotential import batches, couplings, job, langevin, progress
from quasipotential.progress import Progress
from quasipotential.specs import BatchSpec, CouplingsSpec, LangevinSpec

ROOT = Path(__file__).parents[2]


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines(caplog):
    """Lines of the logger so far."""
    caplog.set_level(logging.INFO, logger="quasipotential")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture
def every_time(monkeypatch):
    """A line for each step."""
    monkeypatch.setattr(progress, "INTERVAL", 0.0)


def spec(**changes) -> LangevinSpec:
    settings = {
        "couplings": CouplingsSpec(N=10, gamma=0.0, seed=1),
        "g": 0.5,
        "temperatures": (0.1,),
        "algorithm": "hmc",
        "step": 0.3,
        "path_length": 1.0,
        "hottest": 1.0,
        "chains": 4,
        "warmup": 10,
        "draws": 20,
        "thin": 2,
        "rhat_limit": 100.0,
        "ess_limit": 1.0,
        "seed": 1,
    }
    return LangevinSpec(**settings | changes)


def network(s: LangevinSpec):
    return couplings.run(s.couplings)["couplings"].values


def test_a_line_comes_when_the_last_one_is_old_enough(clock, lines):
    loop = Progress("work", "steps", 1000, clock=clock)
    seen = []
    for _ in loop.over(range(1000)):
        clock.now += 1.0
        if len(lines()) > len(seen):
            seen.append(clock.now)
    # 1000 s: the step of a line has been counted when the next one begins.
    assert len(lines()) == 33
    assert {round(after - before) for before, after in pairwise(seen)} == {30}


def test_percent_rate_and_time_left(clock, lines):
    loop = Progress("work", "steps", 400, clock=clock)
    clock.now += 40.0
    loop.advance(100)
    loop.note = "cooling"
    clock.now += 40.0
    loop.advance(200)
    assert lines() == [
        "work: 25.0%, 2.5 steps/s, 0:02:00 left (100 of 400 steps)",
        "work: 75.0%, 3.75 steps/s, 0:00:27 left (300 of 400 steps, cooling)",
    ]


def test_what_an_earlier_process_did_counts_for_the_percent_only(clock, lines):
    loop = Progress("work", "networks", 100, done=80, clock=clock)
    clock.now += 600.0
    loop.advance(5)
    assert lines() == ["work: 85.0%, 0.5 networks/min, 0:30:00 left (85 of 100 networks)"]


def test_a_growing_total_moves_the_end_away(clock, lines):
    loop = Progress("work", "draws", 100, clock=clock)
    clock.now += 100.0
    loop.advance(100)
    loop.total = 200
    clock.now += 30.0
    loop.advance(30)
    assert "100.0%, 1 draws/s, 0:00:00 left" in lines()[0]
    assert "65.0%, 1 draws/s, 0:01:10 left" in lines()[1]


def test_an_inner_loop_shows_in_the_line_of_the_outer_one(clock, lines):
    outer = Progress("batch", "networks", 4, done=1, clock=clock)
    inner = Progress("network", "draws", 10, done=5, within=outer)  # from a checkpoint
    clock.now += 40.0
    inner.advance(2)
    clock.now += 60.0
    inner.advance(3)
    outer.advance()
    # Half a network in 100 s leaves two for 400 s; three quarters of the whole were to be done.
    assert lines() == [
        "batch: 42.5%, 3 draws/min, 0:07:40 left (1 of 4 networks, 7 of 10 draws)",
        "batch: 50.0%, 3 draws/min, 0:06:40 left (1 of 4 networks, 10 of 10 draws)",
    ]


def test_a_clock_that_stands_still_is_no_fault(clock, lines, every_time):
    loop = Progress("work", "steps", 2, clock=clock)
    loop.reach(0)
    loop.advance()
    assert "unknown time left" in lines()[0]
    assert len(lines()) == 2


def test_a_library_user_sees_nothing_by_default():
    program = """
from quasipotential import progress
progress.INTERVAL = 0.0
for _ in progress.Progress("work", "steps", 3).over(range(3)):
    pass
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == done.stderr == ""


def test_sampling_counts_warm_up_and_draws(lines, every_time):
    s = spec()
    dataset = langevin.run(s, network(s))
    assert re.match(rf"{s.key}: 2.0%, .* left \(1 of 50 transitions, warm-up\)$", lines()[0])
    assert re.match(rf"{s.key}: 24.0%, .* left \(12 of 50 transitions, draws\)$", lines()[10])
    assert " 0:00:00 left (50 of 50 transitions, draws)" in lines()[-1]
    assert len(lines()) == 10 + 20
    assert dataset["draw"].size == 20


def test_sampling_that_doubles_its_draws_says_so(lines, every_time):
    s = spec(ess_limit=1e9, most_draws=70)
    langevin.run(s, network(s))
    doubled = [line for line in lines() if "doubled" in line]
    assert "(52 of 90 transitions, draws, doubled from 20 to 40 of at most 70" in doubled[0]
    assert "(150 of 150 transitions, draws, doubled from 20 to 70 of at most 70" in doubled[-1]


def test_sampling_that_goes_on_counts_its_own_work(tmp_path, lines, every_time, monkeypatch):
    s, draw = spec(), langevin.sampler.draw
    checkpoint = langevin.Checkpoint(tmp_path / "checkpoint", "code", interval=0.0)

    def stop_after_six(spec, ensemble, record):
        if record.count == 6:
            raise KeyboardInterrupt
        draw(spec, ensemble, record)

    monkeypatch.setattr(langevin.sampler, "draw", stop_after_six)
    with pytest.raises(KeyboardInterrupt):
        langevin.run(s, network(s), checkpoint)
    monkeypatch.setattr(langevin.sampler, "draw", draw)
    before, made = len(lines()), []
    monkeypatch.setattr(Progress, "__post_init__", watched(made))
    langevin.run(s, network(s), checkpoint)
    assert "(24 of 50 transitions, draws)" in lines()[before]
    assert len(lines()) - before == 14
    assert made[0].found == 10 + 6 * 2


def watched(made: list[Progress]):
    begin = Progress.__post_init__

    def post_init(self: Progress) -> None:
        begin(self)
        made.append(self)

    return post_init


def test_a_batch_counts_networks(tmp_path, lines, every_time):
    batch = BatchSpec(first=spec(), networks=2)
    batches.run(batch, tmp_path / f"{batch.key}.nc", "code")
    assert lines()[-1].startswith(f"{batch.key}: 100.0%, ")
    assert lines()[-1].endswith("(2 of 2 networks)")
    second = [line for line in lines() if "(1 of 2 networks, 50 of 50 transitions" in line]
    assert [re.match(rf"{batch.key}: (.*?)%", line)[1] for line in second] == ["100.0"]


def test_lines_go_to_the_log_of_a_job(tmp_path, every_time, capsys):
    file = tmp_path / "job.log"
    with job.logged(str(file)):
        Progress("work", "steps", 2).advance()
    Progress("later", "steps", 2).advance()  # the log of the job is closed
    text = file.read_text(encoding="utf-8")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d work: 50.0%, .* left \(.*\)\n", text)
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_a_job_of_the_workflow_logs_its_progress_and_the_terminal_shows_none(fresh):
    fresh.edit("workflow/quasipotential/progress.py", "INTERVAL = 30.0", "INTERVAL = 0.0")
    output = fresh.snakemake("--cores", "1", "langevin")
    logs = (fresh.path / "results" / "logs" / "langevin").glob("*.log")
    texts = [log.read_text(encoding="utf-8") for log in logs]
    assert texts
    for text in texts:
        assert re.search(r"^[\d-]+ [\d:]+ \S+: 100\.0%, .* 0:00:00 left \(", text, re.M)
        assert "\r" not in text
    assert " left (" not in output
