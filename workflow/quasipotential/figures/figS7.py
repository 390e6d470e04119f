"""Fig. S7: critical scaling, q against T at g (1 + gamma) = 1."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables

MARKS = "os^Dv"  # by gamma
FITTED = ("exponent", "predicted_exponent", "amplitude", "predicted_amplitude")


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: q and its local exponent against T; the fitted and the predicted law (x = 0)."""
    parts = []
    for dataset in sources["scaling"]:
        gamma = tables.spec_of(dataset)["gamma"]
        T = dataset["temperature"].values
        common = {"source": "theory", "gamma": gamma, "g": 1 / (1 + gamma)}
        status = dataset["status"].to_series().map(tables.STATUS_NAMES).to_numpy(object)
        parts += [
            tables.rows(
                quantity=name,
                beta=1 / T,
                x=T,
                y=dataset[name].values,
                error=dataset["q"].values * dataset["quadrature_error"].values,
                status=status,
                **common,
            )
            for name in ("q", "local_exponent")
        ]
        parts += [
            tables.rows(
                quantity=[name],
                x=0.0,
                y=float(dataset[name]),
                error=float(dataset.get(f"{name}_error", np.nan)),
                **common,
            )
            for name in FITTED
        ]
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels: q and the predicted laws; local exponents and the predicted ones."""
    figure, axes = style.new_figure(style.PAGE, 3.2, ncols=2)
    left, right = axes.flat
    handles = []
    for gamma, mark in zip(settings["gamma"], MARKS, strict=False):
        rows = table[table["gamma"] == gamma]
        law = rows[rows["x"] == 0].set_index("quantity")[["y", "error"]]
        colour = style.colour_of_gamma(gamma)
        q = rows[rows["quantity"] == "q"].sort_values("x")
        left.plot(q["x"], q["y"], mark, color=colour, ms=3, mfc="white")
        style.mark_failures(left, q)
        predicted = law.loc["predicted_amplitude", "y"] * (
            q["x"] ** law.loc["predicted_exponent", "y"]
        )
        left.plot(q["x"], predicted, color=colour, lw=1)
        local = rows[rows["quantity"] == "local_exponent"].sort_values("x")
        right.plot(local["x"], local["y"], mark, color=colour, ms=3, mfc="white")
        right.axhline(law.loc["predicted_exponent", "y"], color=colour, lw=1)
        exponent, error = law.loc["exponent"]
        label = rf"$\gamma={gamma:g}$: ${exponent:.6f}\pm{style.in_powers(error, 1)}$"
        look = {"marker": mark, "ms": 3, "mfc": "white"}
        handles.append(Line2D([], [], color=colour, lw=1, label=label, **look))
    left.set(xscale="log", yscale="log", xlabel="$T$", ylabel="$q$")
    right.set(xscale="log", xlabel="$T$", ylabel=r"$d\ln q/d\ln T$")
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=2,
        title="marks: solutions, with the exponent fitted at $T\\to 0$; lines: predicted laws",
    )
    style.label_panels(axes)
    return figure
