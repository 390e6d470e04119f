"""Fig. 5: covariance of x and phi, q - Q and r - R against each other, across the transition."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style, tables

CURVES_OF = "gamma"
#: (abscissa, ordinate) of each panel.
PANELS = (
    ("q_minus_Q", "covariance_x_phi"),
    ("r_minus_R", "covariance_x_phi"),
    ("q_minus_Q", "r_minus_R"),
)
TRANSITION = 3.5  # size of the dots there, points
SYMBOLS = {
    "q_minus_Q": "$q-Q$",
    "r_minus_R": "$r-R$",
    "covariance_x_phi": r"$\sigma_{x\phi}$",
}


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: for each gamma the three quantities against g, and where the published curves end."""
    parts = [tables.published_rows(published, "g")]
    for dataset in sources["replica"]:
        gamma = tables.spec_of(dataset)["gamma"]
        values = dataset.assign(q_minus_Q=dataset["q"] - dataset["Q"])
        parts += [
            tables.theory_rows(values, quantity, values[quantity], "g", gamma)
            for quantity in SYMBOLS
        ]
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Three panels; q - Q and the covariance on logarithmic axes."""
    figure, axes = style.new_figure(style.PAGE, 3.2, ncols=3)
    for axis, (abscissa, ordinate) in zip(axes.flat, PANELS, strict=True):
        for number, gamma in enumerate(settings["gamma"]):
            rows = table[table["gamma"] == gamma]
            colour = style.colour_of_gamma(gamma)
            curve = _draw_curve(axis, rows, abscissa, ordinate, number)
            if style.has_transition(settings):
                above = curve[curve["g"] * (1 + gamma) >= 1].iloc[:1]
                axis.plot(above["x"], above["y"], "o", color=colour, ms=TRANSITION)
        axis.set(xlabel=SYMBOLS[abscissa], ylabel=SYMBOLS[ordinate])
        if abscissa == "q_minus_Q":
            axis.set_xscale("log")
        if ordinate == "covariance_x_phi":
            axis.set_yscale("log")
    dot = {"marker": "o", "ls": "", "color": "k", "ms": TRANSITION}
    handles = style.gamma_handles(table, settings, dot)
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    style.label_panels(axes)
    return figure


def _draw_curve(
    axis: Axes, rows: pd.DataFrame, abscissa: str, ordinate: str, number: int
) -> pd.DataFrame:
    """Draw one curve and the end of the published one; the rows of the curve."""
    colour = style.colour_of_gamma(rows["gamma"].iloc[0])
    curve, published = (
        _against(rows[rows["source"] == source], abscissa, ordinate)
        for source in ("theory", "published")
    )
    axis.plot(curve["x"], curve["y"], color=colour, lw=style.layered_width(number))
    style.mark_failures(axis, curve)
    style.draw_published(axis, published, style.published_mark(number))
    return curve


def _against(rows: pd.DataFrame, abscissa: str, ordinate: str) -> pd.DataFrame:
    """Rows of the ordinate, rising in g, with the values of the abscissa as x."""
    x, y = (
        rows[rows["quantity"] == name].sort_values("g").reset_index(drop=True)
        for name in (abscissa, ordinate)
    )
    return y.assign(x=x["y"])
