"""Fig. S5: the plane of g and T at several gamma."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: q and Q over the planes; the temperatures where Q = 0 gains or loses stability."""
    parts = []
    for dataset in sources["planes"]:
        gamma = tables.spec_of(dataset)["gamma"]
        parts += [
            tables.theory_rows(dataset, name, dataset[name], "g", gamma) for name in ("q", "Q")
        ]
    for dataset in sources["edges"]:
        gamma = tables.spec_of(dataset)["gamma"]
        g = dataset["g"].values
        status = dataset["status"].to_series().map(tables.STATUS_NAMES).to_numpy(object)
        parts += [
            tables.rows(
                quantity=name,
                source="theory",
                gamma=gamma,
                g=g,
                x=g,
                y=dataset[name].values,
                error=dataset[f"{name}_error"].values,
                status=status,
            )
            for name in ("T_upper", "T_lower")
        ]
        opening = float(dataset["opening_g"])
        parts.append(
            tables.rows(
                quantity=["opening"],
                source="theory",
                gamma=gamma,
                g=opening,
                x=opening,
                y=float(dataset["opening_temperature"]),
            )
        )
    return tables.join(parts)


def _edge(rows: pd.DataFrame) -> pd.DataFrame:
    """The edge of the phase with Q > 0 in one piece: lower part, opening, upper part."""
    rows = rows.dropna(subset=["y"])
    lower, opening, upper = (
        rows[rows["quantity"] == name].sort_values("x")
        for name in ("T_lower", "opening", "T_upper")
    )
    return pd.concat([lower[::-1], opening, upper])


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """One panel for each gamma, T logarithmic, q as colour."""
    gammas = settings["gamma"]
    figure, axes = style.new_figure(style.PAGE, 5.0, nrows=2, ncols=3, sharey=True)
    plane = table[table["quantity"] == "q"]
    norm = LogNorm(max(plane["y"].min(), 1e-3), 1)
    for axis, gamma in zip(axes.flat, gammas, strict=False):
        here = plane[plane["gamma"] == gamma].assign(T=lambda rows: 1 / rows["beta"])
        grid = here.pivot(index="T", columns="g", values="y")
        g, T = grid.columns.to_numpy(float), grid.index.to_numpy(float)
        mesh = axis.pcolormesh(
            g,
            T,
            np.ma.masked_invalid(grid.to_numpy(float)),
            norm=norm,
            cmap=style.sequential_map(),
            shading="nearest",
            rasterized=True,
        )
        failed = here[here["status"] != "converged"]
        axis.plot(failed["g"], failed["T"], "x", color="red", ms=2.5)
        for g_line, ls in ((1 / (1 + gamma), "--"), (1 / np.sqrt(1 + gamma), "-")):
            if g.min() < g_line < g.max() and (ls == "--" or gamma > 0):
                axis.axvline(g_line, color="k", ls=ls, lw=1)
        edge = _edge(table[table["gamma"] == gamma])
        axis.plot(edge["x"], edge["y"], color=style.ACCENT, lw=1.6)
        axis.set(yscale="log", xlabel="$g$", xlim=(g.min(), g.max()), ylim=(T.min(), T.max()))
        axis.set_title(rf"$\gamma={gamma:g}$")
        axis.xaxis.set_major_formatter("{x:.4g}")
    for axis in axes[:, 0]:
        axis.set_ylabel("$T$")
    for axis in axes.flat[len(gammas) :]:
        axis.set_axis_off()
    figure.colorbar(mesh, ax=axes, label="$q$", pad=0.01, fraction=0.03)
    handles = [
        Line2D([], [], color=style.ACCENT, lw=1.6, label=r"$T_c$: $Q=0$ unstable, $Q>0$ below"),
        Line2D([], [], color="k", ls="--", lw=1, label=r"$g(1+\gamma)=1$"),
        Line2D([], [], color="k", lw=1, label=r"$g\sqrt{1+\gamma}=1$"),
    ]
    if (plane["status"] != "converged").any():
        handles.append(Line2D([], [], marker="x", ls="", color="red", label="no solution found"))
    axes.flat[-1].legend(handles=handles, loc="center")
    style.label_panels(axes.flat[: len(gammas)])
    return figure
