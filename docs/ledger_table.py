"""The README's table of what reproduces: results/figures/ledger.summary.csv -> docs, README.md.

python docs/ledger_table.py                                  # after the default run

The summary is copied to docs/gallery/ledger.summary.csv. Its head holds digests of what it rests on
(`basis`), so that a test finds a copy that is out of date without a run.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pandas as pd
import yaml

from quasipotential import config, ledger, plan, provenance
from quasipotential.page import SYMBOLS, place_of, short_name

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PUBLISHED = ROOT / "workflow" / "data" / "published.csv"
COPY = ROOT / "docs" / "gallery" / "ledger.summary.csv"
BEGIN, END = "<!-- ledger: written by docs/ledger_table.py -->", "<!-- end of the ledger -->"
HEAD = ["Fig.", "Quantity", "Values", "Reproduce", "Differ", "Largest difference"]
HEAD += ["Reason (values)", "Shown by"]
COUNTS = ["points", "reproduces", "differs"]
ALIGNED = ["---", "---", "--:", "--:", "--:", "--:", "---", "---"]


def default_plan() -> plan.Plan:
    """Plan of the default run."""
    return plan.build(config.load(yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))))


def basis(planned: plan.Plan) -> dict[str, str]:
    """Digests of what the summary rests on.

    ``parameters``: keys of all results that stand beside published values or judge them; samples,
    of which the summary counts none, do not matter. Solvers are in it by the versions of their
    specs. ``published``: the digitised values. ``rules``: the code that gives verdicts and reasons.
    """
    figures = pd.read_csv(PUBLISHED, dtype={"figure": str})["figure"].unique()
    sources = [role for role in planned.ledger.sources if role[0] != "tables"]
    for number in figures:
        sources += planned.figures[f"fig{number}"].sources
    files = {path for role, paths in sources if role != "sampling" for path in paths}
    modules = provenance.source_modules(ROOT / "workflow" / "scripts" / "ledger.py")
    code = modules["ledger"] + modules["figures.tables"]
    return {
        "parameters": hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()[:16],
        "published": provenance.file_digest(PUBLISHED),
        "rules": hashlib.sha256(code.encode()).hexdigest()[:16],
    }


def link(shown_by: str) -> str:
    """Markdown link to a figure of the gallery, or to the file of a test."""
    path, _, name = shown_by.partition("::")
    if name:
        return f'[{Path(path).name}]({path} "{name}")'
    return f"[{short_name(path)}](docs/gallery/{path}.png)"


def rendered(summary: pd.DataFrame) -> str:
    """The summary as a table in Markdown, with its totals in the last row.

    Parameters
    ----------
    summary : DataFrame
        From `ledger.summary`, read from a file.
    """
    lines = [HEAD, ALIGNED]
    summary = summary.sort_values("figure", key=lambda names: names.map(place_of), kind="stable")
    for row in summary.to_dict("records"):
        reasons, links = (
            row[name].split("; ") if isinstance(row[name], str) else []
            for name in ("reasons", "shown_by")
        )
        lines.append(
            [
                row["figure"].removeprefix("fig"),
                SYMBOLS.get(row["quantity"], row["quantity"]),
                *(str(row[name]) for name in COUNTS),
                f"{row['largest deviation']:.1f}".replace("inf", "∞"),
                "<br>".join(reasons),
                "<br>".join(map(link, links)),
            ]
        )
    unexplained = summary["reasons"].str.extract(rf"{ledger.REASONS['unknown']} \((\d+)\)")[0]
    remark = f"{unexplained.dropna().astype(int).sum()} not explained, "
    remark += f"{summary['one route'].sum()} by one route to our value"
    lines.append(["all", "", *(str(summary[name].sum()) for name in COUNTS), "", remark, ""])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def read() -> tuple[dict[str, str], pd.DataFrame]:
    """Head and table of the copy in docs."""
    text = COPY.read_text(encoding="utf-8")
    head = [line[2:].split(": ") for line in text.splitlines() if line.startswith("# ")]
    return dict(head), pd.read_csv(COPY, comment="#")


def placed(text: str, table: str, begin: str = BEGIN, end: str = END) -> str:
    """A page with the table between its marks; ValueError where they are not."""
    if begin not in text or end not in text:
        raise ValueError(f"the marks {begin!r} and {end!r} are not there")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"


def main() -> None:
    """Copy the summary of the default run and put its table into the README."""
    planned = default_plan()
    source = ROOT / plan.figure_file(planned.ledger, "summary.csv")
    if not source.is_file():
        sys.exit(f"{source.relative_to(ROOT)} is not there: run `make figures` first.")
    head = "".join(f"# {name}: {digest}\n" for name, digest in basis(planned).items())
    rows = pd.read_csv(source).to_csv(index=False, float_format="%.4g")
    COPY.write_text(head + rows, encoding="utf-8")
    README.write_text(placed(README.read_text("utf-8"), rendered(read()[1])), encoding="utf-8")


if __name__ == "__main__":
    main()
