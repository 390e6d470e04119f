"""Fig. S10: sampling extrapolated to N -> infinity against every branch of the replica theory.

One row of panels for each point: q, the energy and the overlap (module `judgement`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import judgement, style, tables

ABSCISSAE = {1.0: "$1/N$", 0.5: r"$1/\sqrt{N}$"}
DRAWN = ("q", "scaled_energy")  # and the overlap, as the selected branch is judged by it
#: Branch -> (name in the legend, dashes where it is not selected).
BRANCHES = {
    "descending": ("$Q=0$", "--"),
    "ascending": ("$Q=0$, ascending", ":"),
    "vanishing": ("$Q=0$, vanishing", "-."),
    "full": ("$Q>0$", (0, (5, 2, 1, 2))),
}
ROOM = 0.17  # of the height of a panel, for each line of its legend


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows of module `judgement` at all points.

    Raises
    ------
    ValueError
        As `judgement.tabulate`.
    """
    return tables.join(
        [judgement.tabulate(sources, point, settings["beta"]) for point in settings["points"]]
    )


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """One row of panels for each point: q, 2E/(NT) and the mean absolute overlap."""
    points = settings["points"]
    figure, axes = style.new_figure(
        style.PAGE, 0.4 + 2.1 * len(points), nrows=len(points), ncols=len(DRAWN) + 1
    )
    for row, point in zip(axes, points, strict=True):
        g, gamma = point["g"], point["gamma"]
        here = table[np.isclose(table["g"], g) & np.isclose(table["gamma"], gamma)]
        colour = style.colour_of_point(gamma, g)
        for axis, name in zip(row, (*DRAWN, _of_overlap(here)), strict=True):
            _draw_panel(axis, here, name, colour)
        row[0].set_title(rf"$\gamma={gamma:g}$, $g={g:.4g}$", loc="right")
        row[-1].set_title(_verdict(here), loc="right", fontsize=8)
    figure.legend(handles=_handles(table), loc="outside upper center", ncols=3)
    style.label_panels(axes[:, 0])
    return figure


def _of_overlap(rows: pd.DataFrame) -> str:
    """The quantity by which the overlap of the selected branch is judged."""
    branches = _branches(rows)
    if "fluctuation" not in branches:
        return "overlap"
    selected = branches.loc[branches["selected"] == 1, "fluctuation"]
    return "fluctuation" if selected.notna().any() else "overlap"


def _branches(rows: pd.DataFrame) -> pd.DataFrame:
    """Values of each solution at a point, one row for each."""
    return rows[rows["panel"] == "branch"].pivot(index="sampler", columns="quantity", values="y")


def _verdict(rows: pd.DataFrame) -> str:
    """Combined p-values of the branches at a point."""
    combined = rows[(rows["quantity"] == "p_value") & (rows["panel"] == "all")]
    texts = [
        f"{BRANCHES[name][0]}: $p={style.in_powers(p)}$"
        for name, p in zip(combined["sampler"], combined["y"], strict=True)
    ]
    return "all together: " + ", ".join(texts) if texts else "no limit: too few sizes equilibrated"


def _draw_panel(axis: Axes, rows: pd.DataFrame, name: str, colour) -> None:
    label, _, power = judgement.QUANTITIES[name]
    here = rows[rows["quantity"] == name]
    line = here[here["panel"] == "fit"].sort_values("x")
    low, high = line["y"] - line["error"], line["y"] + line["error"]
    axis.fill_between(line["x"], low, high, color=colour, alpha=0.2, lw=0)
    axis.plot(line["x"], line["y"], color=colour, lw=1.0)
    sizes = here[here["panel"] == "sizes"]
    for sampler, group in sizes.groupby("sampler"):
        style.draw_samples(axis, group, colour, style.SAMPLER_MARKS[sampler])
    limit = here[here["panel"] == "limit"]
    axis.errorbar(limit["x"], limit["y"], yerr=limit["error"], fmt="s", color=colour, capsize=2)
    p_values = rows[rows["quantity"] == "p_value"]
    p_values = p_values[p_values["panel"] == name].set_index("sampler")["y"]
    handles = []
    for branch, values in _branches(rows).iterrows():
        if name not in values or pd.isna(values[name]):
            continue
        text, dashes = BRANCHES[branch]
        look = {"color": "k", "lw": 0.9, "ls": "-" if values["selected"] else dashes}
        axis.axhline(values[name], zorder=1, **look)
        if branch in p_values:
            text = f"{text}: $p={style.in_powers(p_values[branch])}$"
        handles.append(Line2D([], [], label=text, **look))
    bottom, top = axis.get_ylim()
    axis.set_ylim(bottom, top + ROOM * len(handles) * (top - bottom))
    axis.legend(handles=handles, loc="upper center", fontsize=7, handlelength=1.8)
    axis.set(xlabel=ABSCISSAE[power], ylabel=label)


def _handles(table: pd.DataFrame) -> list[Line2D]:
    handles = [
        *style.sample_handles(table[table["panel"] == "sizes"]),
        Line2D([], [], marker="s", ls="-", color="k", lw=1.0, label=r"limit $N\to\infty$, fit"),
        Line2D([], [], color="k", lw=0.9, label="replica theory, selected"),
    ]
    selected = table[(table["panel"] == "branch") & (table["quantity"] == "selected")]
    if (selected["y"] == 0).any():
        handles.append(Line2D([], [], color="k", lw=0.9, ls="--", label="replica theory, other"))
    return handles
