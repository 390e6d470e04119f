"""Fig. 6: zero temperature.  Lines: the regular limit T -> 0 of the replica-symmetric solution."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import style, tables

CURVES_OF = "gamma"
QUANTITIES = ("q", "chi", "r_tilde", "G")
YLABELS = style.SYMBOLS | {"G": r"$G=-\xi$"}


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: q and G at T = 0; chi = (q - Q)/T and r_tilde = T (G + R_p) at the small temperature.

    The published zero-temperature quantities are limits T -> 0, so that all rows have beta = inf.
    For gamma >= 0 and g (1 + gamma) >= 1 the limit of chi is infinite (docs/theory.md, section 5).
    """
    parts = [tables.published_rows(published, "g")]
    for dataset in sources["replica"]:
        gamma = tables.spec_of(dataset)["gamma"]
        zero = dataset.sel(temperature=[0.0])
        small = dataset.sel(temperature=[settings["small_temperature"]])
        chi = (small["q"] - small["Q"]) / small["temperature"]
        if gamma >= 0:
            chi = chi.where(chi["g"] * (1 + gamma) < 1, np.inf)
        r_tilde = small["temperature"] * (small["G"] + small["Rp"])
        parts += [
            tables.theory_rows(zero, "q", zero["q"], "g", gamma),
            tables.theory_rows(small, "chi", chi, "g", gamma),
            tables.theory_rows(small, "r_tilde", r_tilde, "g", gamma),
            tables.theory_rows(zero, "G", zero["G"], "g", gamma),
        ]
    table = tables.join(parts)
    table["beta"] = np.inf
    return table


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels q, chi, r_tilde and G."""
    figure, axes = style.new_figure(style.PAGE, 5.2, nrows=2, ncols=2)
    for axis, quantity in zip(axes.flat, QUANTITIES, strict=True):
        rows = table[table["quantity"] == quantity]
        style.draw_gamma_curves(axis, rows, settings["gamma"])
        style.mark_transitions(axis, settings)
        axis.set(xlabel="$g$", ylabel=YLABELS[quantity])
    _, chi, r_tilde, _ = axes.flat
    chi.set_yscale("log")
    published = table[(table["source"] == "published") & (table["quantity"] == "chi")]
    if len(published):
        chi.set_ylim(0.5, 30 * published["y"].max())
        for axis in (chi, r_tilde):
            axis.text(
                0.03,
                0.95,
                "above the transition the ansatz $Q\\to q$\n"
                "of the published points has no solution",
                transform=axis.transAxes,
                va="top",
                fontsize=7,
                bbox={"color": "white", "alpha": 0.9, "pad": 1},
            )
    r_tilde.ticklabel_format(axis="y", scilimits=(0, 0), useMathText=True)
    handles = style.gamma_handles(table, settings)
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    style.label_panels(axes)
    return figure
