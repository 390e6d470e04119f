"""Fig. S2: stationary autocorrelation of the chaotic state at gamma = 0, DMFT and networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..disorder import disorder_average
from . import style, tables

#: Quantity -> (label, variable of the DMFT, variable of the simulation).
QUANTITIES = {
    "C_x": (r"$\langle x(t)\,x(t+\tau)\rangle$", "Delta", "autocorrelation_x"),
    "C_phi": (r"$\langle\phi(t)\,\phi(t+\tau)\rangle$", "C_phi", "autocorrelation_phi"),
}
MARKS = "os^Dv"  # of the networks, by g


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: both autocorrelations against the lag, for each g."""
    (dmft,) = sources["dmft"]
    networks: dict[float, list] = {}
    for dataset in tables.each_network(sources["simulation"]):
        networks.setdefault(tables.spec_of(dataset)["g"], []).append(dataset)
    parts = [tables.published_rows(published, "g")]
    for quantity, (_, of_theory, of_simulation) in QUANTITIES.items():
        for g in dmft["g"].values:
            here = dmft.sel(g=g)
            common = {"quantity": quantity, "gamma": 0.0, "g": g}
            parts.append(
                tables.rows(
                    source="theory",
                    x=here["lag"].values,
                    y=here[of_theory].values,
                    status=tables.STATUS_NAMES[int(here["status"])],
                    **common,
                )
            )
            lags = networks[g][0]["lag"].values
            near = lags <= settings["max_lag"]
            values = np.array([ds[of_simulation].values[0, near] for ds in networks[g]])
            average = disorder_average(values, np.zeros_like(values))
            parts.append(
                tables.rows(
                    source="simulation",
                    N=settings["simulation"]["N"],
                    x=lags[near],
                    y=average.mean,
                    error=average.error,
                    status=tables.worst_status(networks[g]),
                    **common,
                )
            )
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """One panel for each autocorrelation."""
    figure, axes = style.new_figure(style.PAGE, 2.8, ncols=2)
    for axis, (quantity, (label, _, _)) in zip(axes.flat, QUANTITIES.items(), strict=True):
        for g, mark in zip(settings["g"], MARKS, strict=False):
            rows = table[(table["quantity"] == quantity) & (table["g"] == g)]
            colour = style.colour_of_g(g)
            theory = rows[rows["source"] == "theory"]
            style.draw_theory(axis, theory, colour)
            simulation = rows[rows["source"] == "simulation"].iloc[::3]
            style.draw_samples(axis, simulation, colour, mark)
        axis.set(xlabel=r"lag $\tau$", ylabel=label)
    networks = settings["simulation"]
    handles = [
        Line2D(
            [],
            [],
            color=style.colour_of_g(g),
            marker=mark,
            mfc="white",
            mew=0.9,
            label=f"$g={g:g}$, line: DMFT",
        )
        for g, mark in zip(settings["g"], MARKS, strict=False)
    ]
    handles.append(style.network_handle(networks["networks"], networks["N"]))
    axes.flat[0].legend(handles=handles, loc="upper right")
    style.label_panels(axes)
    return figure
