"""Pictures of all figures from small fixed tables: what the drawing code makes of given numbers.

    python tests/figures/baselines.py             # all anew, after a change that is meant
    python tests/figures/baselines.py fig2 figS4  # these
    python tests/figures/baselines.py --tables    # the tables first, from results/figures of a
                                                  # default run, where the columns have changed

Look at the pictures before you commit them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import yaml
from matplotlib import ft2font
from matplotlib.figure import Figure

from quasipotential import config, figures, plan
from quasipotential.figures import style, tables

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TABLES, PICTURES = HERE / "data", HERE / "baseline"
SETTINGS = TABLES / "settings.json"
DPI = 60
#: What renders text; pictures of others differ in every letter.
RENDERER = f"matplotlib {mpl.__version__}, FreeType {ft2font.__freetype_version__}"
POINTS = 13  # of a curve, at most
NAMES = sorted(
    module.name for module in pkgutil.iter_modules(figures.__path__) if module.name[:3] == "fig"
)


def read_table(name: str) -> pd.DataFrame:
    """The fixed table of a figure."""
    return tables.read(TABLES / f"{name}.csv")


def draw(name: str, table: pd.DataFrame) -> Figure:
    """A figure as its job draws it, with the fixed settings."""
    settings = json.loads(SETTINGS.read_text(encoding="utf-8"))[name]
    return importlib.import_module(f"quasipotential.figures.{name}").draw(table, settings)


def save(figure: Figure, path: Path) -> None:
    """Picture of a figure; call it, as `draw`, within `looks`."""
    figure.savefig(path, dpi=DPI, metadata={"Software": RENDERER})


@contextmanager
def looks() -> Iterator[None]:
    """The style of the figures, without the hints that fit letters to pixels."""
    with style.paper_style(), mpl.rc_context({"text.hinting": "none"}):
        yield


def thinned(table: pd.DataFrame) -> pd.DataFrame:
    """Few values of x and of beta for each curve, the ends among them; four digits."""
    curve = ["panel", "quantity", "source", "sampler", "gamma"]
    published = table["source"] == "published"
    for column in ("x", "beta"):
        kept = table.groupby(curve, dropna=False)[column].transform(_few).astype(bool)
        table = table[kept | published.loc[table.index]]
    for column in ("y", "error"):
        table = table.assign(**{column: table[column].map(lambda value: float(f"{value:.4g}"))})
    return table


def _few(values: pd.Series) -> pd.Series:
    grid = np.unique(values)
    chosen = grid[np.unique(np.linspace(0, grid.size - 1, POINTS).round().astype(int))]
    return values.isin(chosen) | values.isna()


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--tables", action="store_true", help="take new tables from results/figures"
    )
    parser.add_argument("names", nargs="*", default=NAMES, metavar="figure")
    arguments = parser.parse_args()
    if arguments.tables:
        raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
        planned = plan.build(config.load(raw)).figures
        known = json.loads(SETTINGS.read_text(encoding="utf-8")) if SETTINGS.exists() else {}
        for name in arguments.names:
            known[name] = json.loads(planned[name].settings)
            table = thinned(tables.read(ROOT / "results" / "figures" / f"{name}.csv"))
            table.to_csv(TABLES / f"{name}.csv", index=False, float_format="%.9g")
        SETTINGS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for name in arguments.names:
        with looks():
            save(draw(name, read_table(name)), PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
