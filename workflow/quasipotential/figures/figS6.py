"""Fig. S6: q and G across the two lines of the phase diagram at several temperatures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables

QUANTITIES = ("q", "G")


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: q and G against g for each temperature, T = 0 among them."""
    (dataset,) = sources["replica"]
    return tables.join(
        tables.theory_rows(dataset, name, dataset[name], "g", settings["gamma"])
        for name in QUANTITIES
    )


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels q and G; one curve for each temperature."""
    figure, axes = style.new_figure(style.PAGE, 3.4, ncols=2)
    gamma = settings["gamma"]
    betas = sorted(table["beta"].unique())
    for axis, quantity in zip(axes.flat, QUANTITIES, strict=True):
        for number, beta in enumerate(betas):
            rows = table[(table["quantity"] == quantity) & (table["beta"] == beta)]
            cold = np.isinf(beta)
            style.draw_theory(
                axis,
                rows,
                "k" if cold else style.sequential_map()(0.9 - 0.8 * number / (len(betas) - 1)),
                label="$T\\to 0$" if cold else f"$T=10^{{{-np.log10(beta):.3g}}}$",
            )
        axis.axvline(1 / (1 + gamma), color="0.3", ls="--", lw=0.9, zorder=0)
        axis.axvline(1 / np.sqrt(1 + gamma), color="0.3", lw=0.9, zorder=0)
        axis.set(xlabel="$g$", ylabel=style.SYMBOLS[quantity])
        axis.set_xlim(min(settings["g"]), max(settings["g"]))
    handles, _ = axes.flat[0].get_legend_handles_labels()
    handles += [
        Line2D([], [], color="0.3", ls="--", lw=0.9, label=r"$g(1+\gamma)=1$"),
        Line2D([], [], color="0.3", lw=0.9, label=r"$g\sqrt{1+\gamma}=1$"),
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.4,
        handlelength=1.6, title=rf"$\gamma={gamma:g}$",
    )  # fmt: skip
    style.label_panels(axes)
    return figure
