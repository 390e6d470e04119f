"""Fig. S1: two-time dynamical mean-field theory against networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..disorder import disorder_average
from . import style, tables

#: Quantity -> (label, variable of the simulation).
QUANTITIES = {
    "m": (r"$m(t)=\langle x\rangle$", "mean_x"),
    "C": (r"$C(t,t)=\langle\phi^2\rangle$", "mean_square_phi"),
}


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: m(t) and C(t, t); errors are standard errors over populations or over networks."""
    (dmft,) = sources["dmft"]
    time = dmft["time"].values
    common = {"gamma": settings["gamma"], "g": settings["g"]}
    theory = {
        "m": (dmft["mean_x"].values, dmft["mean_x_se"].values),
        "C": (np.diag(dmft["C_phi"].values), np.diag(dmft["C_phi_se"].values)),
    }
    parts = [tables.published_rows(published, "g")]
    for quantity, (_, variable) in QUANTITIES.items():
        y, error = theory[quantity]
        parts.append(
            tables.rows(
                quantity=quantity,
                source="theory",
                x=time,
                y=y,
                error=error,
                status=tables.worst_status([dmft]),
                **common,
            )
        )
        networks = np.array([ds[variable].values[0] for ds in sources["simulation"]])
        average = disorder_average(networks, np.zeros_like(networks))
        parts.append(
            tables.rows(
                quantity=quantity,
                source="simulation",
                N=settings["simulation"]["N"],
                x=sources["simulation"][0]["time"].values,
                y=average.mean,
                error=average.error,
                status=tables.worst_status(sources["simulation"]),
                **common,
            )
        )
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels m(t) and C(t, t): DMFT with a band of two standard errors, networks as marks."""
    figure, axes = style.new_figure(style.PAGE, 2.8, ncols=2)
    networks = settings["simulation"]
    every = 8  # marks would hide the line
    for axis, (quantity, (label, _)) in zip(axes.flat, QUANTITIES.items(), strict=True):
        rows = table[table["quantity"] == quantity]
        theory = rows[rows["source"] == "theory"]
        colour = style.colour_of_g(settings["g"])
        axis.fill_between(
            theory["x"],
            theory["y"] - 2 * theory["error"],
            theory["y"] + 2 * theory["error"],
            color=colour,
            alpha=0.3,
            lw=0,
        )
        style.draw_theory(axis, theory, colour, label="DMFT, band: 2 standard errors")
        simulation = rows[rows["source"] == "simulation"].iloc[::every]
        style.draw_samples(axis, simulation, "k")
        axis.set(xlabel="time $t$", ylabel=label)
    handles, _ = axes.flat[0].get_legend_handles_labels()
    handles.append(style.network_handle(networks["networks"], networks["N"]))
    axes.flat[0].legend(handles=handles, loc="upper right")
    style.label_panels(axes)
    return figure
