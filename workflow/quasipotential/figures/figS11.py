"""Fig. S11: the replica theory judged by sampling at several points and temperatures.

Each point and temperature is extrapolated to N -> infinity as in Fig. S10.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import figS10, style, tables

#: Quantity -> (name in the legend, mark).
MARKS = {
    "q": ("$q$", "o"),
    "scaled_energy": (r"$2\beta E/N$", "s"),
    "overlap": (r"$\langle|\phi^a\cdot\phi^b|\rangle/N$", "^"),
    "G_d": (r"$\beta\langle r\cdot\phi\rangle/N$", "D"),
}
PANELS = {True: "selected solution", False: "other solutions"}
REACH = 12.0  # of the axis; what is beyond is drawn at its end
SPREAD = 0.7  # of the room of a point, over its temperatures


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows of Fig. S10 at each temperature, less the lines of its fits."""
    parts = [
        figS10.tabulate(sources, published, settings | {"beta": beta}) for beta in settings["beta"]
    ]
    table = tables.join(parts)
    return table[table["panel"] != "fit"].reset_index(drop=True)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Distances of each solution from the limits, in units of the error."""
    points, betas = settings["points"], settings["beta"]
    distances = _distances(table)
    panels = {key: title for key, title in PANELS.items() if (distances["selected"] == key).any()}
    if not panels:
        panels = {True: "no limit: too few sizes equilibrated"}
    figure, axes = style.new_figure(
        style.PAGE, 1.0 + 2.1 * len(panels), nrows=len(panels), sharex=True
    )
    colours = _colours(betas)
    for axis, (selected, title) in zip(axes.flat, panels.items(), strict=True):
        axis.axhspan(-2, 2, color="0.92", zorder=0)
        axis.axhline(0, color="0.6", lw=0.7, zorder=1)
        here = distances[distances["selected"] == selected]
        for row in here.itertuples():
            axis.plot(
                _place(row.g, row.gamma, row.beta, points, betas),
                np.clip(row.z, -REACH, REACH),
                marker=MARKS[row.panel][1],
                color=colours[row.beta],
                mfc="white" if abs(row.z) <= REACH else colours[row.beta],
                mew=0.9,
                ls="",
            )
        for edge in range(1, len(points)):
            axis.axvline(edge - 0.5, color="0.85", lw=0.6, zorder=0)
        axis.set(ylim=(-REACH - 1, REACH + 1), ylabel="(theory $-$ limit)/error")
        axis.set_xlim(-0.5, len(points) - 0.5)
        axis.set_title(title, loc="right")
    names = [f"$\\gamma={point['gamma']:g}$\n$g={point['g']:.4g}$" for point in points]
    axes[-1, 0].set_xticks(range(len(points)), names)
    handles = [
        Line2D([], [], marker=mark, ls="", color="k", mfc="white", label=name)
        for name, mark in MARKS.values()
    ]
    handles += [
        Line2D(
            [], [], marker="o", ls="", color=colours[beta], mfc="white", label=f"$T={1 / beta:.3g}$"
        )
        for beta in betas
    ]
    handles.append(Line2D([], [], marker="o", ls="", color="k", label=f"beyond {REACH:g} errors"))
    figure.legend(handles=handles, loc="outside upper center", ncols=5)
    style.label_panels(axes)
    return figure


def _distances(table: pd.DataFrame) -> pd.DataFrame:
    """z of each quantity, solution, point and temperature; whether the solution is selected."""
    keys = ["gamma", "g", "beta", "sampler"]
    z = table[(table["quantity"] == "p_value") & (table["panel"] != "all")]
    chosen = table[(table["panel"] == "branch") & (table["quantity"] == "selected")]
    merged = z[[*keys, "panel", "x"]].merge(chosen[[*keys, "y"]], on=keys)
    return merged.rename(columns={"x": "z"}).assign(selected=merged["y"] == 1.0)


def _colours(betas: list[float]) -> dict[float, tuple[float, ...]]:
    """Dark is cold."""
    shades = style.sequential_map()(np.linspace(0.85, 0.0, len(betas)))
    return dict(zip(betas, map(tuple, shades), strict=True))


def _place(g: float, gamma: float, beta: float, points: list[dict], betas: list[float]) -> float:
    """Abscissa of a point at a temperature."""
    (index,) = (
        i
        for i, point in enumerate(points)
        if np.isclose(point["g"], g) and np.isclose(point["gamma"], gamma)
    )
    return index + SPREAD * (betas.index(beta) / max(1, len(betas) - 1) - 0.5)
