"""Fig. S16: static DMFT: its solution and its stability for all gamma, and the choice of a root."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import style, tables

CURVES = {
    "C": "$C$",
    "R_int": r"$R_{\mathrm{int}}$",
    "mean_square_x": r"$\langle x^2\rangle$",
    "overlap_slope": "overlap slope $S$",
    "growth_rate": r"growth rate $\lambda$",
}
PLANE = ("rho", "overlap_slope", "growth_rate", "growth_frequency")
ERRORS = {"C": "C_error", "R_int": "R_int_error", "mean_square_x": "mean_square_x_error"}
#: Convention -> colour, line, label.
CONVENTIONS = {
    "signed": ("0.35", ":", "all roots, signed"),
    "maxwell": ("#0072b2", "-", "Maxwell, largest $|x|$"),
    "history": ("#009e73", "-.", "spinodal, half from either side"),
    "spinodal": ("#e69f00", "--", "spinodal, smallest stable $|x|$"),
    "middle": ("#cc79a7", (0, (5, 1, 1, 1, 1, 1)), "smallest $|x|$"),
}
ROOTS = {"aligned": "-", "opposite": "--", "middle": ":"}
MARKS = "os^DvP"  # on the curves, by gamma
FREQUENCY = 1e-3  # above it the rightmost point is not real


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: curves and measures of stability over the plane; conventions; roots against h."""
    (plane,), (roots,) = sources["plane"], sources["roots"]
    parts = []
    for gamma in plane["gamma"].values:
        quantities = [*CURVES] if gamma in settings["curves"] else []
        curve = plane.sel(gamma=gamma)
        parts += [
            _rows(curve, "plane", name, float(gamma), curve["gc"].values)
            for name in [*quantities, *(name for name in PLANE if name not in quantities)]
        ]
    gamma = settings["many_valued"]["gamma"]
    for convention in CONVENTIONS:
        curve = roots.sel(convention=convention)
        parts += [
            _rows(curve, convention, name, gamma, curve["g"].values)
            for name in ("C", "R_int", "R_regular")
        ]
    largest = roots.sel(convention="maxwell").isel(g=-1)
    parts += [
        tables.rows(
            panel="roots",
            quantity=root,
            source="theory",
            gamma=gamma,
            g=float(largest["g"]),
            x=roots["field"].values,
            y=roots["x"].sel(root=root).values,
        )
        for root in ROOTS
    ]
    parts.append(
        tables.rows(
            panel="roots",
            quantity=["field_spinodal"],
            source="theory",
            gamma=gamma,
            g=float(largest["g"]),
            x=float(largest["field_spinodal"]),
        )
    )
    return tables.join(parts)


def _rows(curve: xr.Dataset, panel: str, quantity: str, gamma: float, x) -> pd.DataFrame:
    return tables.rows(
        panel=panel,
        quantity=quantity,
        source="theory",
        gamma=gamma,
        g=curve["g"].values,
        x=x,
        y=curve[quantity].values,
        error=curve[ERRORS[quantity]].values if quantity in ERRORS else np.nan,
        status=curve["status"].to_series().map(tables.STATUS_NAMES).to_numpy(object),
    )


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels: five curves against g (1 + gamma); the plane; roots; C and R by convention."""
    figure, axes = style.new_figure(style.PAGE, 7.4, nrows=3, ncols=3)
    panels = axes.ravel()
    plane = table[table["panel"] == "plane"]
    for axis, (quantity, label) in zip(panels, CURVES.items(), strict=False):
        _draw_curves(axis, plane, quantity, settings)
        axis.set(xlabel=r"$g(1+\gamma)$", ylabel=label)
    for axis, threshold in ((panels[3], 1.0), (panels[4], 0.0)):
        axis.axhline(threshold, color="k", lw=0.7, zorder=0)
    panels[2].set_ylim(0.0, 8.0)
    panels[3].set_ylim(0.0, 4.0)
    panels[4].set_ylim(-1.0, 1.2)
    regions = _draw_plane(panels[5], plane)
    _draw_roots(panels[6], table[table["panel"] == "roots"])
    conventions = _draw_conventions(panels[7], panels[8], table, settings["many_valued"]["gamma"])
    handles = [
        Line2D([], [], label=rf"$\gamma={gamma:g}$", **_mark(gamma, mark) | {"ls": "-"})
        for gamma, mark in zip(settings["curves"], cycle(MARKS), strict=False)
    ]
    handles += [
        Line2D([], [], color="k", ls="-", label="stable"),
        Line2D([], [], color="k", ls="--", label="unstable, $S>1$"),
        Line2D([], [], color="k", ls=":", label=r"unphysical, $\rho>1$"),
    ]
    handles += regions
    figure.legend(handles=handles, loc="outside upper center", ncols=5)
    figure.legend(handles=conventions, loc="outside lower center", ncols=4)
    for axis in panels:
        axis.locator_params(nbins=4)
    style.label_panels(axes)
    return figure


def _draw_curves(axis: Axes, plane: pd.DataFrame, quantity: str, settings: dict) -> None:
    """One line for each gamma, in pieces that say how stable the solution is."""
    for place, (gamma, mark) in enumerate(zip(settings["curves"], cycle(MARKS), strict=False)):
        here = plane[plane["gamma"] == gamma]
        rows = here[here["quantity"] == quantity].sort_values("x")
        slope = here[here["quantity"] == "overlap_slope"].sort_values("x")["y"].to_numpy()
        kind = np.where(rows["status"] == "unphysical", 2, np.where(slope > 1.0, 1, 0))
        for number, line in enumerate(("-", "--", ":")):
            # each piece starts where the one before ends
            shown = kind == number
            shown[:-1] |= (kind[1:] == number) & (kind[:-1] < number)
            y = np.where(shown & np.isfinite(rows["y"]), rows["y"], np.nan)
            axis.plot(rows["x"], y, ls=line, color=style.colour_of_gamma(gamma), lw=1.2)
        axis.plot(rows["x"], rows["y"], markevery=(place, len(MARKS)), **_mark(gamma, mark))
        style.mark_failures(axis, rows[rows["status"] != "unphysical"])


def _mark(gamma: float, mark: str) -> dict:
    """Look of the marks that tell the curves apart without their colours."""
    return {
        "marker": mark, "ls": "", "color": style.colour_of_gamma(gamma), "ms": 3, "mfc": "white",
        "mew": 0.8,
    }  # fmt: skip


def _draw_plane(axis: Axes, plane: pd.DataFrame) -> list:
    """Regions of stability; returns their legend entries."""

    def grid(quantity: str) -> pd.DataFrame:
        rows = plane[plane["quantity"] == quantity]
        return rows.pivot(index="x", columns="gamma", values="y")

    def line(values: np.ndarray, level: float, colour: str) -> None:
        if values.min() < level < values.max():
            axis.contour(x, gamma, values, levels=[level], colors=colour, linewidths=1.2)

    rho = grid("rho")
    x, gamma = rho.index.to_numpy(), rho.columns.to_numpy()
    rate, frequency = grid("growth_rate").T, grid("growth_frequency")
    axis.contourf(x, gamma, rho.T, levels=[1.0, np.inf], colors=["0.75"])
    line(rho.T.to_numpy(), 1.0, "k")
    ordered = (x <= 1.0)[None, :]
    other = (gamma - 1.0 / grid("overlap_slope").clip(lower=1e-12)).T
    line(np.ma.masked_where(ordered | (rho.T > 1.0), other), 0.0, style.ACCENT)
    line(np.ma.masked_where(ordered | rate.isna(), rate), 0.0, "#0072b2")
    here, there = np.nonzero(frequency.to_numpy() > FREQUENCY)
    axis.plot(x[here], gamma[there], ".", color="#009e73", ms=2)
    axis.axvline(1.0, color="k", ls="--", lw=1.0)
    axis.set(xlabel=r"$g(1+\gamma)$", ylabel=r"$\gamma$", ylim=(-1.0, 1.0), xlim=(0.5, x.max()))
    for place, text in (
        ((0.75, 0.0), "stable"),
        ((2.0, 0.0), r"$S>1$"),
        ((2.8, 0.91), r"$\rho>1$"),
    ):
        turn = 90 if text == "stable" else 0
        axis.text(*place, text, ha="center", va="center", fontsize=8, rotation=turn)
    return [
        Line2D([], [], color="#0072b2", label=r"$\lambda=0$"),
        Line2D([], [], color=style.ACCENT, label=r"$\gamma S=1$"),
        Line2D([], [], color="#009e73", marker=".", ls="", label="oscillating"),
        Patch(color="0.75", label="three roots"),
    ]


def _draw_roots(axis: Axes, rows: pd.DataFrame) -> None:
    """x against h: all roots, and the fields between which there are three."""
    by_kind = {name: group.sort_values("x") for name, group in rows.groupby("quantity")}
    (end,) = by_kind["field_spinodal"]["x"]
    axis.axvspan(-end, end, color="0.75", lw=0)
    for root, line in ROOTS.items():
        group = by_kind[root]
        for side in (-1, 1):  # the aligned root jumps at h = 0
            part = group[np.sign(group["x"]) == side] if root != "middle" else group
            axis.plot(part["x"], part["y"], ls=line, color="k", lw=1.2)
    turn = by_kind["middle"]["y"].min()
    for root, height in (("middle", 0.4), ("opposite", 1.7)):
        axis.text(1.1 * end, height * turn, root, va="center", fontsize=8)
    outer = by_kind["aligned"]
    height = np.interp(1.5 * end, outer["x"], outer["y"])
    axis.text(1.6 * end, height, "aligned", va="top", fontsize=8)
    g, gamma = rows["g"].iloc[0], rows["gamma"].iloc[0]
    axis.set(xlabel="field $h$", ylabel="$x$", xlim=(rows["x"].min(), rows["x"].max()))
    axis.set_title(rf"$\gamma={gamma:g}$, $g={g:g}$", loc="right", fontsize=8)


def _draw_conventions(left: Axes, right: Axes, table: pd.DataFrame, gamma: float) -> list:
    """C, and R with and without its jumps, against g; returns the legend entries."""
    handles = []
    for convention, (colour, line, label) in CONVENTIONS.items():
        rows = table[table["panel"] == convention]
        drawn = [(left, "C", 1.4), (right, "R_int", 1.4), (right, "R_regular", 0.7)]
        if convention == "signed":  # no jumps
            drawn.pop()
        for axis, quantity, width in drawn:
            curve = rows[rows["quantity"] == quantity].sort_values("x")
            axis.plot(curve["x"], curve["y"], color=colour, ls=line, lw=width)
            style.mark_failures(axis, curve[curve["status"] != "unphysical"])
        handles.append(Line2D([], [], color=colour, ls=line, label=label))
    left.axhline(1.0, color="k", lw=0.7, zorder=0)
    right.axhline(0.0, color="k", lw=0.7, zorder=0)
    left.set(xlabel="$g$", ylabel="$C$")
    right.set(xlabel="$g$", ylabel=r"$R_{\mathrm{int}}$; thin: without jumps")
    for axis in (left, right):
        axis.set_title(rf"$\gamma={gamma:g}$", loc="right", fontsize=8)
    return handles
