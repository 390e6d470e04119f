"""What the finite-size study says: figures of config/sampling.yaml -> docs/study, docs/theory.md.

python docs/study.py                                         # after the run of config/sampling.yaml

Pictures and tables of numbers are copied to docs/study, and section 14 gets its table. The head of
figS11.csv there holds a digest of all samples behind it, so that a test finds a copy that is out of
date without a run.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import gallery
import pandas as pd
import yaml
from ledger_table import placed
from snakemake.utils import update_config

from quasipotential import config, plan

ROOT = Path(__file__).parents[1]
CONFIGS = (ROOT / "config.yaml", ROOT / "config" / "sampling.yaml")
COPIES = ROOT / "docs" / "study"
THEORY = ROOT / "docs" / "theory.md"
FIGURES = ("figS10", "figS11", "figS12", "figS17", "figS18")
JUDGED = "figS11"
BEGIN, END = "<!-- table of the finite-size study: docs/study.py -->", "<!-- end of the table -->"
POINT = ["gamma", "g"]
ACCEPTED = 0.05  # p-value


def samples() -> str:
    """Digest of the keys of all samples that the study judges the theory by."""
    raw: dict = {}
    for path in CONFIGS:
        update_config(raw, yaml.safe_load(path.read_text("utf-8")))
    sources = dict(plan.build(config.load(raw)).figures[JUDGED].sources)
    return hashlib.sha256("\n".join(sorted(sources["sampling"])).encode()).hexdigest()[:16]


def read() -> tuple[str, pd.DataFrame]:
    """Digest of the samples and table of the copy in docs."""
    path = COPIES / f"{JUDGED}.csv"
    with path.open(encoding="utf-8") as lines:
        digest = next(lines).removeprefix("# samples: ").strip()
    return digest, pd.read_csv(path, comment="#")


def rendered(table: pd.DataFrame) -> str:
    """Section 14's table, what it counts, and where chains do not agree, in Markdown.

    Parameters
    ----------
    table : DataFrame
        Of Fig. S11, read from a file.
    """
    chosen = table[(table["panel"] == "branch") & (table["quantity"] == "selected")]
    chosen = chosen[chosen["y"] == 1][[*POINT, "beta", "sampler"]]
    p = table[table["quantity"] == "p_value"].merge(chosen, on=list(chosen))
    overlap = p[p["panel"].isin(["fluctuation", "overlap"])].set_index([*POINT, "beta"]).index
    p = p[p["panel"] == "all"]
    sizes = table[(table["panel"] == "sizes") & (table["quantity"] == "q")]
    agree = sizes["status"] == "converged"
    largest = sizes[agree].groupby([*POINT, "beta"])["N"].agg(["min", "max"]).astype(int)
    p = p.set_index([*POINT, "beta"])["y"]
    temperatures = sorted(table["beta"].dropna().unique())
    head = ["$\\gamma$, $g$", *(f"$T = {1 / beta:.3g}$" for beta in temperatures)]
    lines = [head, ["---"] * len(head)]
    for gamma, g in table[POINT].drop_duplicates().itertuples(index=False):
        cells = [
            _cell(p[at], largest.loc[at], at in overlap) if at in p.index else "-"
            for at in ((gamma, g, beta) for beta in temperatures)
        ]
        lines.append([f"{gamma:g}, {g:.4g}", *cells])
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    accepts, whole = p >= ACCEPTED, p.index.isin(overlap)
    text += "\n\nWhere the overlap is judged too, "
    text += f"{accepts[whole].sum()} of {whole.sum()} temperatures accept the selected solution "
    text += f"($p \\ge {ACCEPTED}$); by $q$, $2E/NT$ and $G_d$ alone (†: fewer than two sizes are "
    text += "large enough for the law of the overlap, so that it is not judged) "
    text += f"{accepts[~whole].sum()} of {(~whole).sum()}."
    apart = sizes[~agree].groupby([*POINT, "beta"], sort=False)["N"]
    if len(apart):
        places = (
            f"$\\gamma = {gamma:g}$, $g = {g:.4g}$, $T = {1 / beta:.3g}$: "
            + ", ".join(str(int(N)) for N in sorted(group))
            for (gamma, g, beta), group in apart
        )
        text += " Sizes at which chains do not agree on every network, left out of the limits: "
        text += "; ".join(places) + "."
    return text


def _cell(p: float, sizes: pd.Series, with_overlap: bool) -> str:
    """p-value, bold where it does not accept, and the smallest and largest N.

    A dagger: no two sizes are large enough for the overlap to be judged.
    """
    number = f"{p:.2g}" if p >= 0.001 else f"{p:.0e}".replace("e-0", "e-")
    number = number if p >= ACCEPTED else f"**{number}**"
    return f"{number}{'' if with_overlap else '†'} ({sizes['min']}-{sizes['max']})"


def main() -> None:
    """Copy pictures and tables, and put the table of section 14 into its page."""
    for name in FIGURES:
        if not (gallery.FIGURES / f"{name}.csv").is_file():
            sys.exit(f"{name} is not there: run snakemake with config/sampling.yaml first.")
    gallery.copy_small(FIGURES, COPIES)
    for name in FIGURES:
        table = pd.read_csv(gallery.FIGURES / f"{name}.csv")
        head = f"# samples: {samples()}\n" if name == JUDGED else ""
        text = head + table.to_csv(index=False, float_format="%.6g")
        (COPIES / f"{name}.csv").write_text(text, encoding="utf-8")
    page = THEORY.read_text("utf-8")
    THEORY.write_text(placed(page, rendered(read()[1]), BEGIN, END), encoding="utf-8")


if __name__ == "__main__":
    main()
