"""Fig. 3: order parameters q, Q, r, R over g and gamma at low temperature."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import style, tables

CURVES_OF = "gamma"
#: Quantity -> variable of the replica solutions.
QUANTITIES = {"q": "q", "Q": "Q", "r": "r", "R": "R"}


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: a theory curve for each gamma, and sampling and published values at this beta."""
    parts = [tables.published_rows(published, "g")]
    for dataset in sources["replica"]:
        gamma = tables.spec_of(dataset)["gamma"]
        parts += [
            tables.theory_rows(dataset, quantity, dataset[variable], "g", gamma)
            for quantity, variable in QUANTITIES.items()
        ]
    for quantity, variable in SAMPLED.items():
        sampled = tables.sampling_rows(sources["sampling"], quantity, variable, "g")
        parts.append(sampled[np.isclose(sampled["beta"].astype(float), settings["beta"])])
    table = tables.join(parts)
    # The samples carry the response in units of beta <r phi>; the paper's r has 1/sqrt(beta).
    scaled = (table["source"] == "sampling") & table["quantity"].isin(["r", "R"])
    table.loc[scaled, ["y", "error"]] /= np.sqrt(settings["beta"])
    return table


SAMPLED = {"q": "q", "Q": "overlap", "r": "response_diagonal", "R": "response_cross"}


def critical_curve(rows: pd.DataFrame) -> pd.DataFrame:
    """For each gamma the drawn point closest to g (1 + gamma) = 1, where the grid reaches it."""
    points = []
    for gamma, curve in rows.groupby("gamma"):
        g = curve["g"].to_numpy(float)
        if gamma > -1 and g.min() <= 1 / (1 + gamma) <= g.max():
            points.append(curve.iloc[np.argmin(np.abs(g - 1 / (1 + gamma)))])
    return pd.DataFrame(points, columns=rows.columns)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Four panels of curves over g, side by side along gamma, with the critical line."""
    figure = Figure(figsize=(style.PAGE, 6.2))
    for number, quantity in enumerate(QUANTITIES):
        axis = figure.add_subplot(2, 2, number + 1, projection="3d")
        rows = table[table["quantity"] == quantity]
        theory = rows[rows["source"] == "theory"]
        for gamma, curve in theory.groupby("gamma", sort=False):
            curve = curve.sort_values("g")
            axis.plot(
                curve["g"], curve["gamma"], curve["y"], color=style.colour_of_gamma(gamma), lw=1.2
            )
            failed = curve[curve["status"] != "converged"]
            axis.plot(failed["g"], failed["gamma"], failed["y"], "x", color="red", ms=3)
        if style.has_transition(settings):
            place = (critical_curve(theory)[name] for name in ("g", "gamma", "y"))
            axis.plot(*place, "k--", lw=1, label=r"$g(1+\gamma)=1$")
        published = rows[rows["source"] == "published"]
        if len(published):
            axis.plot(
                published["g"],
                published["gamma"],
                published["y"],
                "s",
                color=style.GREY,
                ms=2,
                mew=0,
                label="published (read off Fig. 7)",
            )
        sampled = rows[rows["source"] == "sampling"]
        if len(sampled):
            _draw_samples(axis, sampled)
        axis.set(xlabel="$g$", ylabel=r"$\gamma$")
        axis.set_title(style.SYMBOLS[quantity])
        axis.locator_params(nbins=5)
        axis.tick_params(pad=-2, labelsize=7)
        axis.zaxis.set_tick_params(pad=0)
        axis.set_box_aspect(None, zoom=1.1)
        axis.zaxis.set_major_formatter("{x:.4g}")
        axis.xaxis.labelpad = axis.yaxis.labelpad = -5
        for side in (axis.xaxis, axis.yaxis, axis.zaxis):
            side.pane.set_facecolor("white")
            side.set_rotate_label(False)
        axis.view_init(24, -115 if quantity in ("q", "Q") else -60)
        if number == 0:
            handles, _ = axis.get_legend_handles_labels()
            figure.legend(handles=handles, loc="outside upper center", ncols=4)
    style.label_panels(figure.axes)
    return figure


def _draw_samples(axis, rows: pd.DataFrame) -> None:
    """Open marks with upright error bars; crossed out where not equilibrated."""
    place = (rows["g"], rows["gamma"], rows["y"])
    axis.plot(*place, "o", color="k", mfc="white", ms=4, label="sampling, HMC")
    for row in rows.itertuples():
        bar = [row.y - row.error, row.y + row.error]
        axis.plot([row.g] * 2, [row.gamma] * 2, bar, color="k", lw=0.8)
    crossed = rows["status"] != "converged"
    if crossed.any():
        axis.plot(*(values[crossed] for values in place), "kx", ms=4, label="not equilibrated")
