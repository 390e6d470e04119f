"""Fig. 7: order parameters q, Q, r, R against g at low temperature."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from . import style
from .fig3 import CURVES_OF, QUANTITIES, tabulate

__all__ = ["CURVES_OF", "draw", "tabulate"]


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """One panel for each order parameter."""
    figure, axes = style.new_figure(style.PAGE, 5.2, nrows=2, ncols=2)
    for axis, quantity in zip(axes.flat, QUANTITIES, strict=True):
        style.draw_gamma_curves(axis, table[table["quantity"] == quantity], settings["gamma"])
        style.mark_transitions(axis, settings)
        axis.set(xlabel="$g$", ylabel=style.SYMBOLS[quantity])
        style.plain_ticks(axis)
    axes.flat[0].set_yscale("symlog", linthresh=1e-3)
    largest = table.loc[table["quantity"] == "q", "y"].max()
    axes.flat[0].set_ylim(-5e-4, max(1.0, 2 * largest))  # q < 1 if phi is bounded by 1
    handles = style.gamma_handles(table, settings)
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    style.label_panels(axes)
    return figure
