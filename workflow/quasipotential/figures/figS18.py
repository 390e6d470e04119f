"""Fig. S18: how the overlap of two states vanishes with N, beside what the theory says it does.

Where Q = 0 is stable, phi.phi'/N of two states of one large network is Gaussian with the variance
v/N (module `replica.stability`), so that its mean absolute value is the law sqrt(2 v/(pi N)).
"""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import judgement, style, tables

#: Panel -> (label, largest law/q drawn).
PANELS = {
    "overlap": (r"$\langle|\phi^a\cdot\phi^b|\rangle/Nq$", np.inf),
    "ratio": (r"$\langle|\phi^a\cdot\phi^b|\rangle/N$ over the law", judgement.LARGEST_OVERLAP),
}
LAW = r"law at $Q=0$, $\sqrt{2v/\pi N}/q$"
MARKS = ("o", "s", "^", "D", "v", "P", "X")  # by gamma


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows where the theory selects a solution with Q = 0, which is stable; x: the law over q.

    - panel ``overlap``: samples over q of the theory;
    - panel ``ratio``: samples over the law.
    """
    parts = []
    for beta in settings["beta"]:
        for point in settings["points"]:
            where = (point["g"], point["gamma"], beta)
            for branch in judgement.branches(sources["replica"], *where):
                if branch.selected and branch.of_overlap == "fluctuation":
                    datasets = judgement.at_point(sources["sampling"], *where)
                    parts += _beside_the_law(datasets, branch, beta)
    return tables.join(parts)


def _beside_the_law(
    datasets: list[xr.Dataset], branch: judgement.Branch, beta: float
) -> list[pd.DataFrame]:
    sizes = judgement.means(datasets, "fluctuation", beta)
    limit, root = branch.values["fluctuation"], np.sqrt(sizes["N"])
    q = branch.values["q"]
    return [
        sizes.assign(
            panel=panel, x=limit / (q * root), y=sizes["y"] / scale, error=sizes["error"] / scale
        )
        for panel, scale in (("overlap", q * root), ("ratio", limit))
    ]


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Overlap in units of q on logarithmic axes; and over the law, where that is small."""
    figure, axes = style.new_figure(style.PAGE, 3.1, ncols=len(PANELS))
    colours = style.colours_of_temperatures(settings["beta"])
    gammas = sorted({point["gamma"] for point in settings["points"]})
    marks = dict(zip(gammas, cycle(MARKS)))
    for axis, (panel, (label, largest)) in zip(axes.flat, PANELS.items(), strict=True):
        rows = table[(table["panel"] == panel) & (table["x"] <= largest)]
        for beta, colour in colours.items():
            for gamma, mark in marks.items():
                here = np.isclose(rows["beta"], beta) & np.isclose(rows["gamma"], gamma)
                style.draw_samples(axis, rows[here], colour, mark)
        axis.set(xlabel=LAW, ylabel=label)
    _draw_law(*axes.flat, table)
    handles = [
        Line2D([], [], marker="o", ls="", color=colour, label=f"$T={1 / beta:.3g}$")
        for beta, colour in colours.items()
    ]
    handles += [
        Line2D([], [], marker=mark, ls="", color="k", mfc="white", label=rf"$\gamma={gamma:g}$")
        for gamma, mark in marks.items()
        if np.isclose(table["gamma"], gamma).any()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=5)
    style.label_panels(axes)
    return figure


def _draw_law(overlap: Axes, ratio: Axes, table: pd.DataFrame) -> None:
    """The law, and the overlap of two states at one pair of fixed points, which is q."""
    x = table.loc[table["panel"] == "overlap", "x"]
    ends = np.array([0.8 * x.min(), 1.25 * x.max()]) if len(x) else np.array([0.1, 1.0])
    overlap.loglog(ends, ends, color="0.3", lw=0.9, zorder=1, label="law")
    overlap.axhline(1, color="0.3", lw=0.9, ls="--", zorder=1, label="one pair")
    overlap.set(xlim=ends, ylim=(ends[0], 2))
    overlap.legend(loc="lower right")
    ratio.axhline(1, color="0.3", lw=0.9, zorder=1)
    ratio.set(xlim=(0, 1.05 * judgement.LARGEST_OVERLAP))
