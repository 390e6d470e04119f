"""Configs and results are data: nothing in the project can run what stands in them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    ROOT / "Snakefile",
    *(
        path
        for folder in ("workflow", "tests", "docs", "profiles", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".smk")
    ),
]
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yte"}
CALLS = {"eval", "exec", "compile", "__import__", "read_pickle", "to_pickle", "unsafe_load"}


def faults(text: str) -> list[str]:
    """What in a Python source could run data."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module] if node.module.split(".")[0] in MODULES else []
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            options = {option.arg: ast.unparse(option.value) for option in node.keywords}
            is_ours = isinstance(node.func, ast.Attribute) and name == "compile"  # as re.compile
            if name in CALLS and not is_ours:
                found.append(name)
            if options.get("allow_pickle", "False") != "False":
                found.append("allow_pickle")
            if options.get("shell", "False") != "False":
                found.append("shell")
            if ast.unparse(node.func) in ("yaml.load", "yaml.load_all") and (
                options.get("Loader") not in ("LOADER", "yaml.SafeLoader", "yaml.CSafeLoader")
            ):
                found.append("yaml.load")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_runs_data(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        assert faults(text) == []
    else:  # Snakemake's language: by words
        words = ("eval(", "exec(", "pickle", "yaml.load", "__import__", "run:")
        assert [word for word in words if word in text] == []


@pytest.mark.parametrize(
    "text",
    [
        "eval('1')",
        "import pickle",
        "from pickle import loads",
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.FullLoader)",
        "np.load(file, allow_pickle=True)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(text):
    assert faults(text)
