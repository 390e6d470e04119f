"""Fig. S11: the replica theory judged by sampling at several points and temperatures.

Each point and temperature is extrapolated to N -> infinity as in Fig. S10.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from . import judgement, style, tables

#: Panel -> its title.
QUANTITIES = {
    "q": "$q$",
    "scaled_energy": r"$2\beta E/N$",
    "overlap": r"$\langle|\phi^a\cdot\phi^b|\rangle/\sqrt{N}$ where $Q=0$ is stable, "
    r"$\langle|\phi^a\cdot\phi^b|\rangle/N$ elsewhere",
    "G_d": r"$\beta\langle r\cdot\phi\rangle/N$",
}
#: Whether the theory selects a solution -> its mark, and what the legend says.
MARKS = {True: ("o", "selected solution"), False: ("D", "other solutions")}
LINEAR = 4.0  # errors; the axis is linear up to here and logarithmic beyond
SPREAD = 0.7  # of the room of a point, over its temperatures


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows of module `judgement` at each temperature and point, less the lines of its fits."""
    parts = [
        judgement.tabulate(sources, point, beta)
        for beta in settings["beta"]
        for point in settings["points"]
    ]
    table = tables.join(parts)
    return table[table["panel"] != "fit"].reset_index(drop=True)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Distances of each solution from the limits, in units of the error."""
    points, betas = settings["points"], settings["beta"]
    distances = _distances(table)
    figure, axes = style.new_figure(
        style.PAGE, 0.9 + 1.25 * len(QUANTITIES), nrows=len(QUANTITIES), sharex=True, sharey=True
    )
    colours = style.colours_of_temperatures(betas)
    for axis, (quantity, title) in zip(axes.flat, QUANTITIES.items(), strict=True):
        axis.axhspan(-2, 2, color="0.92", zorder=0)
        axis.axhline(0, color="0.6", lw=0.7, zorder=1)
        for row in distances[distances["panel"] == quantity].itertuples():
            colour = colours[row.beta]
            axis.plot(
                _place(row.g, row.gamma, row.beta, points, betas),
                row.z,
                marker=MARKS[row.selected][0],
                color=colour,
                mfc=colour if row.selected else "none",
                ms=4 if row.selected else 5.5,
                mew=0.9,
                ls="",
            )
        for edge in range(1, len(points)):
            axis.axvline(edge - 0.5, color="0.85", lw=0.6, zorder=0)
        axis.set_title(title)
    if distances.empty:
        axes[0, 0].set_title("no limit: too few sizes equilibrated", loc="right")
    axes[0, 0].set_xlim(-0.5, len(points) - 0.5)
    _errors_axis(axes[0, 0], distances["z"])
    figure.supylabel("(theory $-$ limit)/error", fontsize=10)
    names = [f"$\\gamma={point['gamma']:g}$\n$g={point['g']:.4g}$" for point in points]
    axes[-1, 0].set_xticks(range(len(points)), names)
    handles = [
        Line2D([], [], marker="o", ls="", color=colours[beta], label=f"$T={1 / beta:.3g}$")
        for beta in betas
    ]
    handles += [
        Line2D([], [], marker=mark, ls="", color="k", mfc="k" if key else "white", label=name)
        for key, (mark, name) in MARKS.items()
        if key or (~distances["selected"]).any()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    style.label_panels(axes)
    return figure


def _errors_axis(axis: Axes, z: pd.Series) -> None:
    """Linear in the errors that are to be expected, logarithmic beyond."""
    reach = 1.5 * max(LINEAR, z.abs().max() if len(z) else 0.0)
    axis.set_yscale("symlog", linthresh=LINEAR, linscale=2.0)
    axis.set_ylim(-reach, reach)
    decades = [ten for ten in (10.0, 100.0, 1000.0) if ten < reach]
    ticks = [2.0, *decades]
    axis.set_yticks([-tick for tick in ticks] + [0.0] + ticks)
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_locator(NullLocator())


def _distances(table: pd.DataFrame) -> pd.DataFrame:
    """z of each panel, solution, point and temperature; whether the solution is selected."""
    keys = ["gamma", "g", "beta", "sampler"]
    z = table[(table["quantity"] == "p_value") & (table["panel"] != "all")]
    chosen = table[(table["panel"] == "branch") & (table["quantity"] == "selected")]
    merged = z[[*keys, "panel", "x"]].merge(chosen[[*keys, "y"]], on=keys)
    return merged.rename(columns={"x": "z"}).assign(
        selected=merged["y"] == 1.0, panel=merged["panel"].replace("fluctuation", "overlap")
    )


def _place(g: float, gamma: float, beta: float, points: list[dict], betas: list[float]) -> float:
    """Abscissa of a point at a temperature."""
    (index,) = (
        i
        for i, point in enumerate(points)
        if np.isclose(point["g"], g) and np.isclose(point["gamma"], gamma)
    )
    return index + SPREAD * (betas.index(beta) / max(1, len(betas) - 1) - 0.5)
