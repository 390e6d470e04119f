"""Fig. S4: the plane of g and gamma in the limit T -> 0."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables

SMALLEST = 1e-3  # q below it is left white


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: q and Q at T = 0 over the plane; gamma where Q = 0 becomes unstable (x = g)."""
    (plane,) = sources["plane"]
    (edge,) = sources["edge"]
    parts = []
    for gamma in plane["gamma"].values:
        curve = plane.sel(gamma=gamma)
        parts += [
            tables.theory_rows(curve, name, curve[name], "g", float(gamma)) for name in ("q", "Q")
        ]
    parts.append(
        tables.rows(
            quantity="gamma_c",
            source="theory",
            g=edge["g"].values,
            beta=np.inf,
            x=edge["g"].values,
            y=edge["gamma"].values,
            error=edge["gamma_error"].values,
            status=edge["status"].to_series().map(tables.STATUS_NAMES).to_numpy(object),
        )
    )
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """One panel: q as colour, the two lines, the edge of the phase with Q > 0."""
    figure, axes = style.new_figure(style.PAGE * 0.72, 3.6)
    (axis,) = axes.flat
    plane = table[table["quantity"] == "q"].pivot(index="gamma", columns="g", values="y")
    g, gamma = plane.columns.to_numpy(float), plane.index.to_numpy(float)
    values = np.ma.masked_less(plane.to_numpy(float), SMALLEST)
    mesh = axis.pcolormesh(
        g,
        gamma,
        values,
        vmin=0,
        cmap=style.sequential_map(),
        shading="nearest",
        rasterized=True,
    )
    figure.colorbar(mesh, ax=axis, label=r"$q(T\to 0)$", pad=0.02)
    handles = []
    failed = table[(table["quantity"] == "q") & (table["status"] != "converged")]
    if len(failed):
        axis.plot(failed["g"], failed["gamma"], "x", color="red", ms=3)
        handles.append(Line2D([], [], marker="x", ls="", color="red", label="not solved"))
    for style_of_line, label, power, lowest in (
        ("--", r"$g(1+\gamma)=1$", 1.0, 1 / g.max() - 1),
        ("-", r"$g\sqrt{1+\gamma}=1$", 0.5, 0.0),
    ):
        height = np.linspace(lowest, gamma.max(), 400)
        axis.plot((1 + height) ** -power, height, style_of_line, color="k", lw=1.2)
        handles.append(Line2D([], [], ls=style_of_line, color="k", lw=1.2, label=label))
    edge = table[table["quantity"] == "gamma_c"].sort_values("x")
    axis.plot(edge["x"], edge["y"], color=style.ACCENT, lw=1.4)
    handles.append(
        Line2D(
            [], [], color=style.ACCENT, lw=1.4, label=r"$Q>0$ between this line and the dashed one"
        )
    )
    axis.set(xlabel="$g$", ylabel=r"$\gamma$")
    axis.set_xlim(g.min(), g.max())
    axis.set_ylim(gamma.min(), gamma.max())
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure
