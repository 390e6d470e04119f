"""Names that stay: the index of all keys, and the links from a figure's name to its file.

Files live under their keys; these names only point at them, so that changing a parameter and
changing it back computes nothing.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

from .plan import Plan, figure_file, path
from .specs import Spec

FORMATS = ("pdf", "png", "svg", "csv", "rst", "nc", "summary.csv")
RESULTS = Path("results")  # in the folder of the run, or of a module with a prefix
INDEX = RESULTS / "index.csv"
COLUMNS = ("key", "stage", "file", "spec")


def _row(spec: Spec, file: str) -> dict[str, str]:
    return {"key": spec.key, "stage": spec.stage, "file": file, "spec": spec.canonical()}


def _write_if_new(target: Path, text: str) -> None:
    if target.is_file() and target.read_text(encoding="utf-8") == text:
        return
    temporary = target.with_name(f".{os.getpid()}-{target.name}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, target)
    finally:
        if temporary.exists():
            temporary.unlink()


def write_index(plan: Plan, root: Path = Path()) -> None:
    """Add the plan's keys to ``results/index.csv``; what stood there stays if its file does."""
    rows = {}
    if (root / INDEX).is_file():
        with open(root / INDEX, newline="", encoding="utf-8") as file:
            known = csv.DictReader(file)
            rows = {row["key"]: row for row in known if (root / row["file"]).exists()}
    for specs in plan.stages.values():
        rows |= {key: _row(spec, path(spec)) for key, spec in specs.items()}
    rows |= {spec.key: _row(spec, figure_file(spec, "pdf")) for spec in plan.figures.values()}
    lines = [COLUMNS, *(tuple(rows[key][name] for name in COLUMNS) for key in sorted(rows))]
    quoted = (",".join('"' + field.replace('"', '""') + '"' for field in line) for line in lines)
    _write_if_new(root / INDEX, "\n".join(quoted) + "\n")


def link_figures(plan: Plan, root: Path = Path()) -> None:
    """Let ``results/figures/fig3.pdf`` point at the figure of this config, if it is there."""
    for name, spec in plan.named.items():
        for suffix in FORMATS:
            file = root / figure_file(spec, suffix)
            link = file.with_name(f"{name}.{suffix}")
            if link.is_symlink() and os.readlink(link) == file.name and file.is_file():
                continue
            if not file.is_file():
                if link.is_symlink():
                    link.unlink()  # rather no figure than one of another config
                continue
            temporary = link.with_name(f".{os.getpid()}-{link.name}")
            temporary.symlink_to(file.name)
            os.replace(temporary, link)


def read_only() -> str | None:
    """What is wrong if results cannot be written."""
    for folder in (RESULTS, *RESULTS.glob("*/")):
        if folder.exists() and not os.access(folder, os.W_OK):
            return f"{folder.absolute()} is read-only: make it writable and run again"
    return None


def publish(plan: Plan, root: Path = Path()) -> str | None:
    """Bring the index and the links up to date; nothing happens before the first result.

    Returns
    -------
    str or None
        What is wrong where they cannot be written: a full disk, a folder that is read-only.
    """
    if (root / RESULTS).is_dir():
        try:
            write_index(plan, root)
            link_figures(plan, root)
        except OSError as error:
            names = f"the names in {root / RESULTS}/figures"
            return f"{root / INDEX} and {names} are not up to date: {error}"
    return None
