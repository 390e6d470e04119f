"""Planning at scale: 10^4 sampling jobs, and 10^6 networks in 10^4 jobs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import yaml
from snakemake.utils import update_config

from quasipotential import config, plan

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("networks", "stage"),
    [
        ("networks: 10000", "langevin"),
        ("networks: 1000000\n    networks_per_job: 100", "batches"),
    ],
)
def test_dry_run_in_a_minute_and_two_gigabytes(fresh, networks, stage):
    """CPU time, which is that of the clock on an idle machine: 24 s, 450 MB; 20 s, 300 MB."""
    fresh.edit("config/scale.yaml", "networks: 10000", networks)
    raw, scale = (
        yaml.safe_load((fresh.path / name).read_text(encoding="utf-8"))
        for name in ("config.yaml", "config/scale.yaml")
    )
    update_config(raw, scale)
    assert len(plan.build(config.load(raw)).stages[stage]) == 10_000
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "snakemake", "--dry-run", "--quiet"),
            *("--configfile", "config/scale.yaml"),
        ],
        cwd=fresh.path,
        env=fresh.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert used.ru_utime + used.ru_stime < 60
    assert used.ru_maxrss < 2e6  # kB
