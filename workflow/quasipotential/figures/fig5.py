"""Fig. 5: covariance of x and phi above the transition, against q - Q and r - R."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from . import style, tables

#: Panel -> (abscissa, ordinate).
PANELS = {
    "covariance against q - Q": ("q_minus_Q", "covariance_x_phi"),
    "covariance against r - R": ("r_minus_R", "covariance_x_phi"),
    "response against q - Q": ("q_minus_Q", "r_minus_R"),
}
SYMBOLS = {
    "q_minus_Q": "$q-Q$",
    "r_minus_R": "$r-R$",
    "covariance_x_phi": r"$\sigma_{x\phi}$",
}


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: for each gamma the points of the curve with g (1 + gamma) > 1."""
    parts = [tables.published_rows(published, "g")]
    for dataset in sources["replica"]:
        gamma = tables.spec_of(dataset)["gamma"]
        above = dataset.sel(g=dataset["g"] * (1 + gamma) > 1)
        values = above.assign(q_minus_Q=above["q"] - above["Q"])
        for panel, (abscissa, ordinate) in PANELS.items():
            part = tables.theory_rows(values, ordinate, values[ordinate], "g", gamma, panel=panel)
            part["x"] = values[abscissa].values.ravel()
            parts.append(part)
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Three panels; along each curve g grows from the transition to its largest value."""
    figure, axes = style.new_figure(style.PAGE, 2.5, ncols=3)
    for axis, (panel, (abscissa, ordinate)) in zip(axes.flat, PANELS.items(), strict=True):
        rows = table[table["panel"] == panel]
        for number, (gamma, curve) in enumerate(rows.groupby("gamma")):
            curve = curve.sort_values("g")
            colour, width = style.colour_of_gamma(gamma), style.layered_width(number)
            label = f"$\\gamma={gamma:g}$"
            axis.plot(curve["x"], curve["y"], color=colour, lw=width, label=label)
            axis.plot(curve["x"].iloc[0], curve["y"].iloc[0], "o", color=colour, ms=3)
            style.mark_failures(axis, curve)
        axis.set(xlabel=SYMBOLS[abscissa], ylabel=SYMBOLS[ordinate])
        style.plain_ticks(axis)
    axes.flat[0].legend(loc="upper left")
    style.label_panels(axes)
    return figure
