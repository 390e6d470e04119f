"""The declared, the pinned and the installed environment agree."""

from __future__ import annotations

import ast
import os
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import quasipotential
from quasipotential import environment

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "envs" / "requirements.lock").read_text()
CONDA = yaml.safe_load((ROOT / "envs" / "environment.yaml").read_text())
CONDA_NAMES = {"matplotlib": "matplotlib-base"}  # where conda-forge's name is not PyPI's


def requirements(texts: list[str]) -> dict[str, Requirement]:
    """Requirements by normalised name."""
    return {canonicalize_name(r.name): r for r in map(Requirement, texts)}


RUNTIME = requirements(PROJECT["project"]["dependencies"])
EXTRAS = {
    name: requirements(texts) for name, texts in PROJECT["project"]["optional-dependencies"].items()
}
BUILD = requirements(PROJECT["build-system"]["requires"])
DIRECT = [
    pytest.param(requirement, id=f"{group}-{name}")
    for group, members in {"runtime": RUNTIME, "build": BUILD, **EXTRAS}.items()
    for name, requirement in members.items()
]


def locked_requirements() -> list[tuple[Requirement, list[str]]]:
    """Each entry of the lock: what is required, and its options."""
    entries = []
    for line in re.sub(r"\\\n", " ", LOCK).splitlines():
        text = line.split("#")[0].strip()
        if text and not text.startswith("-"):
            requirement, *options = re.split(r"\s+(?=--)", text)
            entries.append((Requirement(requirement), options))
    return entries


LOCKED = locked_requirements()
PINS = {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r, _ in LOCKED}


def imported_modules(path: Path) -> set[str]:
    """Top-level modules that a Python file or a Snakefile imports."""
    text = path.read_text()
    if path.suffix != ".py":
        statement = r"^\s*(?:import\s+(\w+)|from\s+(\w+)\S*\s+import\b)"
        return {first or second for first, second in re.findall(statement, text, re.MULTILINE)}
    modules = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(node.module.split(".")[0])
    return modules


def test_lock_names_versions_and_hashes_only():
    assert len(PINS) == len(LOCKED), "a package is locked twice"
    for requirement, options in LOCKED:
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert requirement.url is None, requirement
        assert options, f"{requirement} has no hash"
        for option in options:
            assert re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", option), (requirement, option)


def test_lock_names_no_registry():
    words = re.sub(r"#.*", "", LOCK).split()
    assert "://" not in LOCK
    assert {word.split("=")[0] for word in words if word.startswith("-")} == {"--hash"}


@pytest.mark.parametrize("requirement", DIRECT)
def test_lock_satisfies_pyproject(requirement):
    pin = PINS[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(pin), f"locked at {pin}"


def test_conda_pins_are_those_of_the_lock():
    expected = {CONDA_NAMES.get(name, name): PINS[name] for name in RUNTIME if name != "snakemake"}
    assert dict(package.split(" =") for package in CONDA["dependencies"][1:]) == expected


def test_python_version_is_the_same_everywhere():
    version = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert CONDA["dependencies"][0] == f"python ={version}"
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{version.replace('.', '')}"
    assert f"--python-version {version} " in (ROOT / "Makefile").read_text()


def test_imports_are_declared():
    workflow = ROOT / "workflow"
    sources = [ROOT / "Snakefile", *workflow.glob("rules/*.smk"), *workflow.rglob("*.py")]
    distributions = metadata.packages_distributions()
    undeclared = {
        (str(source.relative_to(ROOT)), module)
        for source in sources
        for module in imported_modules(source) - sys.stdlib_module_names - {"quasipotential"}
        if not {canonicalize_name(name) for name in distributions.get(module, [])} & RUNTIME.keys()
    }
    assert not undeclared


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    released = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "quasipotential.__version__"
    }
    assert citation["version"] == quasipotential.__version__
    assert released.group(1) == quasipotential.__version__


def test_installed_environment_is_the_lock():
    if "QUASIPOTENTIAL_LOCKED" not in os.environ:
        pytest.skip("not started by `make test`: this need not be the environment of the lock")
    installed = {
        canonicalize_name(d.name): d.version
        for d in metadata.distributions()
        if d.name != PROJECT["project"]["name"]
    }
    expected = {
        canonicalize_name(r.name): PINS[canonicalize_name(r.name)]
        for r, _ in LOCKED
        if r.marker is None or r.marker.evaluate()
    }
    assert {name: Version(v) for name, v in installed.items()} == {
        name: Version(v) for name, v in expected.items()
    }


def test_jobs_inherit_the_package_and_keep_their_memory(monkeypatch):
    monkeypatch.setattr(os, "environ", {"PYTHONPATH": "/theirs"})
    environment.prepare_jobs(Path("/ours"))
    assert os.environ["PYTHONPATH"].split(os.pathsep) == ["/ours", "/theirs"]
    assert int(os.environ["MALLOC_MMAP_THRESHOLD_"]) >= 8 * 10**6  # of an array of 10^6 numbers
    assert int(os.environ["MALLOC_TRIM_THRESHOLD_"]) >= 8 * 10**6


def test_a_setting_of_the_user_is_not_mixed_with_ours(monkeypatch):
    monkeypatch.setattr(os, "environ", {"MALLOC_TRIM_THRESHOLD_": "5"})
    environment.prepare_jobs(Path("/ours"))
    kept = {name: value for name, value in os.environ.items() if name.startswith("MALLOC")}
    assert kept == {"MALLOC_TRIM_THRESHOLD_": "5"}
