"""Fig. S9: is Q = 0?  The potential of two replicas, and the size of replica-symmetry breaking."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables

SMALLEST = 1e-6  # of |V| on the logarithmic parts of its axis
SMALLEST_SHIFT = 1e-3  # per cent; it vanishes at T_c
DASHES = ("-", "--", "-.", ":")


def _rows(
    dataset: xr.Dataset, frame: pd.DataFrame, panel: str, quantity: str, x, error
) -> pd.DataFrame:
    """Rows of one quantity of a dataset, from its frame over g and temperature."""
    return tables.rows(
        panel=panel,
        quantity=quantity,
        source="theory",
        gamma=tables.spec_of(dataset)["gamma"],
        g=frame["g"],
        beta=1 / frame["temperature"],
        x=x,
        y=frame[quantity],
        error=error,
        status=frame["status"].map(tables.STATUS_NAMES),
    )


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: V against Q/q (panel ``potential``); shift of q against T (panel ``breaking``)."""
    parts = []
    for dataset in sources["two_replica"]:
        frame = dataset[["V", "quadrature_error", "status"]].to_dataframe().reset_index()
        error = np.abs(frame["V"]) * frame["quadrature_error"]
        parts.append(_rows(dataset, frame, "potential", "V", frame["fraction"], error))
    for dataset in sources["one_step"]:
        names = ["relative_shift", "quadrature_error", "status", "breaking"]
        frame = dataset[names].to_dataframe().reset_index()
        frame = frame[frame["breaking"] != 0]
        error = frame["quadrature_error"]
        parts.append(
            _rows(dataset, frame, "breaking", "relative_shift", frame["temperature"], error)
        )
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels: V against Q/q; relative change of q by one step of breaking against T."""
    figure, axes = style.new_figure(style.PAGE, 3.8, ncols=2)
    left, right = axes.flat
    potentials = table[table["panel"] == "potential"]
    for (gamma, g), curve in potentials.groupby(["gamma", "g"]):
        label = rf"(a) $\gamma={gamma:g}$, $g={g:.3g}$"
        style.draw_theory(left, curve, style.colour_of_gamma(gamma), label=label)
    left.axhline(0, color="0.5", lw=0.7)
    left.set_yscale("symlog", linthresh=SMALLEST)
    T = 1 / potentials["beta"].iloc[0]
    left.set(xlabel="$Q/q$", ylabel="$V(Q)$", title=f"$T={T:g}$")
    handles = []
    breaking = table[table["panel"] == "breaking"]
    for gamma, curves in breaking.groupby("gamma"):
        for dashes, (g, curve) in zip(DASHES, curves.groupby("g"), strict=False):
            colour = style.colour_of_gamma(gamma)
            style.draw_theory(right, curve.assign(y=100 * np.abs(curve["y"])), colour, ls=dashes)
            label = rf"(b) $\gamma={gamma:g}$, $g(1+\gamma)={g * (1 + gamma):.3g}$"
            handles.append(Line2D([], [], color=colour, ls=dashes, label=label))
    right.set(xscale="log", yscale="log", xlabel="$T$", ylabel="change of $q$ by breaking, %")
    right.set_ylim(bottom=SMALLEST_SHIFT)
    figure.legend(
        handles=[*left.get_legend_handles_labels()[0], *handles],
        loc="outside lower center",
        ncols=4,
        fontsize=7,
    )
    style.label_panels(axes)
    return figure
