"""What a newcomer is told: missing packages, no permission, no network, little memory, ..."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quasipotential import environment, job

ROOT = Path(__file__).parents[2]


def test_the_environment_of_the_tests_is_whole():
    environment.check(ROOT)


def test_missing_packages_are_named_with_what_to_do(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["numpy>=2", "no-such-package>=1", "neither[this]"]\n'
    )
    with pytest.raises(environment.EnvironmentFaultError) as error:
        environment.check(tmp_path)
    assert "no no-such-package, neither. Run `make figures`" in str(error.value)
    assert f"pip install -e .` in {tmp_path}" in str(error.value)


def test_a_workflow_that_is_imported_brings_its_own_environment(tmp_path):
    environment.check(tmp_path)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    environment.check_folder(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    # Permissions do not bind root, who may run the tests.
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    environment.check_folder(tmp_path)  # the records can be written to
    (tmp_path / ".snakemake").rmdir()
    with pytest.raises(environment.EnvironmentFaultError, match="copy the checkout into") as error:
        environment.check_folder(tmp_path)
    assert f"{tmp_path} is read-only" in str(error.value)


def test_out_of_memory_in_earnest(tmp_path):
    """A job that may not have the memory of its matrix; the limit is on the address space."""
    log = tmp_path / "job.log"
    program = f"""
import resource
from quasipotential import job
from quasipotential.couplings import elliptic
import numpy as np
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
with job.logged({str(log)!r}):
    elliptic(20_000, 0.5, np.random.default_rng(1))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("MemoryError: Unable to allocate")
    assert "Run fewer jobs at a time" in last
    assert "Unable to allocate" in log.read_text()


def test_out_of_memory_says_what_to_do(tmp_path):
    log = tmp_path / "job.log"
    with pytest.raises(MemoryError, match="Run fewer jobs at a time"), job.logged(str(log)):
        raise MemoryError("Unable to allocate 3.64 TiB")
    assert "Unable to allocate 3.64 TiB" in log.read_text()


def test_make_names_the_python_that_it_needs(tmp_path):
    done = subprocess.run(
        ["make", "-C", str(ROOT), "env", "PYTHON=no-such-python", f"VENV={tmp_path / 'env'}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode
    assert "Python 3.11 is needed, and 'no-such-python' is not one." in done.stderr
    assert not (tmp_path / "env").exists()


def test_make_says_that_packages_need_a_network(tmp_path):
    if sys.version_info[:2] != (3, 11):
        pytest.skip("make asks for Python 3.11")
    dead = "http://127.0.0.1:9/simple"  # nothing answers there
    done = subprocess.run(
        ["make", "-C", str(ROOT), "env", f"PYTHON={sys.executable}", f"VENV={tmp_path / 'env'}"],
        env=os.environ
        | {
            "PIP_INDEX_URL": dead,
            "PIP_EXTRA_INDEX_URL": "",
            "PIP_FIND_LINKS": "",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_RETRIES": "0",
            "PIP_TIMEOUT": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode
    assert "They come from PyPI: is there a\nnetwork" in done.stderr
    assert not (tmp_path / "env" / ".installed").exists()  # the next `make env` starts anew
