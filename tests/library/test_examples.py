"""The examples of the documentation: each block of Python and each notebook runs as it stands."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

import quasipotential
from quasipotential import replica, shelf, store
from quasipotential.plan import Plan, path
from quasipotential.specs import ClosedFormSpec, FigureSpec, ReplicaSpec

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/library.md", "docs/howto-transfer.md")
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
IMPORT_SECONDS = 0.05  # of CPU; 0.002 were measured, numpy alone takes 0.12


def blocks(page: str) -> list[tuple[str, str]]:
    """Blocks of Python in a page, each named by the heading above it."""
    found, heading = [], page
    text = (ROOT / page).read_text(encoding="utf-8")
    for match in re.finditer(r"^#+ ([^\n]+)$|^```python\n(.*?)^```$", text, re.M | re.S):
        if match[1]:
            heading = match[1]
        else:
            found.append((f"{page}: {heading}", match[2]))
    return found


BLOCKS = [block for page in PAGES for block in blocks(page)]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder with one cached result, and an index in which another kind comes first."""
    spec = ReplicaSpec(gamma=0.0, g=(0.8, 1.2), temperatures=(0.01, 1.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("run"))
        dataset = replica.run(spec)
        store.save(store.describe(dataset, spec, "0", 0.0), Path(path(spec)))
        none = FigureSpec(name="ledger", settings="{}", sources=())
        other = ClosedFormSpec(g=(0.8,), temperatures=(0.1,))
        assert other.key < spec.key
        shelf.write_index(Plan({"replica": {s.key: s for s in (other, spec)}}, {}, none, None))
        return Path.cwd()


@pytest.fixture
def folder(results, monkeypatch):
    """That folder as the one in which an example runs, drawing to no screen."""
    monkeypatch.chdir(results)
    matplotlib.use("agg")
    return results


@pytest.mark.parametrize("name, text", BLOCKS, ids=[name for name, _ in BLOCKS])
def test_block_of_a_page_runs(name, text, folder, capsys):
    named = re.match(r"# (\w+\.py)\n", text)  # a file that a later block of the page uses
    file = folder / (named[1] if named else "block.py")
    file.write_text(text, encoding="utf-8")
    runpy.run_path(str(file))
    assert "nan" not in capsys.readouterr().out


@pytest.mark.parametrize("heading", ["Sample a network", "Integrate it", "Open a cached result"])
def test_the_examples_are_short(heading):
    text = dict(blocks("docs/library.md"))[f"docs/library.md: {heading}"]
    assert len(text.strip().splitlines()) <= 12


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_runs(notebook, folder):
    content = json.loads(notebook.read_text(encoding="utf-8"))
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells), (
        "a notebook is kept without outputs: it makes no number of record"
    )
    file = folder / "notebook.py"
    file.write_text("\n".join("".join(cell["source"]) for cell in cells), encoding="utf-8")
    runpy.run_path(str(file))
    matplotlib.pyplot.close("all")


def test_there_are_two_notebooks():
    assert len(NOTEBOOKS) == 2


@pytest.mark.parametrize("name", quasipotential.__all__)
def test_public_names_resolve(name):
    assert name in dir(quasipotential)
    assert getattr(quasipotential, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'spam'"):
        quasipotential.spam  # noqa: B018


def test_import_is_fast():
    """Importing the package imports none of its libraries."""
    program = (
        "import sys, time; start = time.process_time(); import quasipotential; "
        "print(time.process_time() - start, *({'numpy', 'pydantic', 'xarray'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    seconds, *libraries = done.stdout.split()
    assert libraries == []
    assert float(seconds) < IMPORT_SECONDS


def test_the_most_frequent_job_does_not_load_scipy():
    """It would take a third of the time of a curve of the replica theory."""
    program = (
        "import sys, quasipotential as qp; "
        "spec = qp.ReplicaSpec(gamma=0.5, g=(0.5,), temperatures=(0.01,)); "
        "print(qp.replica.run(spec).sizes['g'], 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["1", "False"], done.stderr
