"""Fig. 4: static dynamical mean-field theory, C and the integrated response, against g."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from . import style, tables

CURVES_OF = "gamma"
QUANTITIES = ("C", "R_int")


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: one curve for each gamma and quantity, and the published values."""
    parts = [tables.published_rows(published, "g")]
    for dataset in sources["dmft"]:
        gamma = tables.spec_of(dataset)["gamma"]
        parts += [
            tables.theory_rows(dataset, quantity, dataset[quantity], "g", gamma)
            for quantity in QUANTITIES
        ]
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """One panel for each quantity."""
    figure, axes = style.new_figure(style.PAGE, 3.2, ncols=2)
    for axis, quantity in zip(axes.flat, QUANTITIES, strict=True):
        style.draw_gamma_curves(axis, table[table["quantity"] == quantity], settings["gamma"])
        style.mark_transitions(axis, settings)
        axis.set(xlabel="$g$", ylabel=style.SYMBOLS[quantity])
    handles = style.gamma_handles(table, settings)
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    style.label_panels(axes)
    return figure
