"""What a newcomer is told: missing packages, too little memory, the wrong Python."""

from __future__ import annotations

import subprocess
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
    with pytest.raises(environment.IncompleteEnvironmentError) as error:
        environment.check(tmp_path)
    assert "no no-such-package, neither. Run `make figures`" in str(error.value)
    assert f"pip install -e .` in {tmp_path}" in str(error.value)


def test_a_workflow_that_is_imported_brings_its_own_environment(tmp_path):
    environment.check(tmp_path)


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
