"""The digest of the code: logic counts, words do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from quasipotential import provenance

SCRIPT = '''"""Script."""

from quasipotential import alpha

alpha.run()
'''
ALPHA = '''"""Module alpha."""

from .beta import twice


def run():
    """Run it."""
    return twice(2)  # a comment
'''
BETA = '''"""Module beta."""

from . import specs


def twice(x):
    return 2 * x
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules and a script, in place of ours."""
    files = {"alpha.py": ALPHA, "beta.py": BETA, "script.py": SCRIPT}
    files |= {"specs/__init__.py": "from .fields import x\n", "specs/fields.py": "x = 1\n"}
    (tmp_path / "specs").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("alpha.py", "# a comment", "# another comment"),
        ("alpha.py", "Run it.", "Run all of it."),
        ("beta.py", '"""Module beta."""', '"""Another docstring."""'),
        ("alpha.py", "twice(2)", "twice( 2 )"),
        ("script.py", '"""Script."""', '"""A script."""'),
        ("specs/fields.py", "x = 1", "x = 2"),  # a spec shows in its key
    ],
)
def test_words_change_nothing(package, file, old, new):
    before = provenance.source_digest(package / "script.py")
    edit(package / file, old, new)
    assert provenance.source_digest(package / "script.py") == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("alpha.py", "twice(2)", "twice(3)"),
        ("beta.py", "2 * x", "2 + x"),
        ("script.py", "alpha.run()", "alpha.run"),
    ],
)
def test_logic_changes_the_digest(package, file, old, new):
    before = provenance.source_digest(package / "script.py")
    edit(package / file, old, new)
    assert provenance.source_digest(package / "script.py") != before


def test_module_imported_by_name_has_to_exist(package):
    with pytest.raises(ValueError, match="no module 'gamma'"):
        provenance.source_digest(package / "script.py", ["gamma"])


def test_stage_depends_on_its_own_modules_only():
    scripts = provenance.PACKAGE.parent / "scripts"
    modules = set(provenance.source_modules(scripts / "replica.py", ["replica.solutions"]))
    assert {"replica", "replica.saddle_point", "transfer", "status"} <= modules
    assert "replica.iteration" not in modules
    assert not {name for name in modules if name.split(".")[0] in {"dmft", "langevin", "figures"}}


def test_commit_of_a_tree_without_git_is_unknown(tmp_path, monkeypatch):
    assert len(provenance.git_commit()) >= 7
    shutil.copy(provenance.__file__, tmp_path)
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    assert provenance.git_commit() == "unknown"
