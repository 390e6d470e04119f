"""Fig. S1: two-time dynamical mean-field theory against networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..disorder import disorder_average
from . import style, tables

#: Quantity -> label.
QUANTITIES = {
    "m": r"$m(t)=\langle x\rangle$",
    "C": r"$C(t,t)=\langle\phi^2\rangle$",
    "C_later": r"$C(t,s)$",
    "R_later": r"$R(t,s)$",
}
EARLIER = (0.1, 0.5)  # s, in units of the length of the record
MARKS = 26  # of the networks, over the length of the record


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: m(t), C(t, t), and C(t, s), R(t, s) with x = t > s, one panel for each s.

    Errors are standard errors over populations or over networks; no R of the networks.
    """
    (dmft,) = sources["dmft"]
    networks = tables.each_network(sources["simulation"])
    time = dmft["time"].values
    every = np.ones(time.size, dtype=bool)
    theory = {"source": "theory", "status": tables.worst_status([dmft])}
    simulation = {
        "source": "simulation",
        "N": settings["simulation"]["N"],
        "status": tables.worst_status(networks),
    }
    parts = [tables.published_rows(published, "g")]

    def add(quantity: str, when: np.ndarray, ours: tuple, theirs: list, panel: str = "") -> None:
        common = {
            "quantity": quantity,
            "panel": panel,
            "gamma": settings["gamma"],
            "g": settings["g"],
            "x": time[when],
        }
        y, error = ours
        parts.append(tables.rows(y=y[when], error=error[when], **common, **theory))
        if theirs:
            values = np.array(theirs)[:, when]
            average = disorder_average(values, np.zeros_like(values))
            parts.append(tables.rows(y=average.mean, error=average.error, **common, **simulation))

    def errors_of(values: xr.DataArray, error: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
        return values.values, error.values

    equal = [np.diag(dmft[name].values) for name in ("C_phi", "C_phi_se")]
    add("m", every, errors_of(dmft["mean_x"], dmft["mean_x_se"]), _of(networks, "mean_x"))
    add("C", every, tuple(equal), _of(networks, "mean_square_phi"))
    for fraction in EARLIER:
        s = round(fraction * (time.size - 1))
        here, later = {"time2": s}, np.arange(time.size) > s
        panel = f"s = {time[s]:g}"
        C, R = dmft["C_phi"].isel(here), dmft["R"].isel(here)
        correlations = [ds["correlation_phi"].isel(here) for ds in networks]
        theirs = [values.squeeze().values for values in correlations]
        add("C_later", later, errors_of(C, dmft["C_phi_se"].isel(here)), theirs, panel)
        dt = settings["interval"]  # R holds one step
        add("R_later", later, errors_of(R / dt, dmft["R_se"].isel(here) / dt), [], panel)
    return tables.join(parts)


def _of(networks: list[xr.Dataset], variable: str) -> list[np.ndarray]:
    return [ds[variable].values[0] for ds in networks]


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels m(t), C(t, t), C(t, s), R(t, s): DMFT with a band of two standard errors, networks."""
    figure, axes = style.new_figure(style.PAGE, 4.9, nrows=2, ncols=2)
    panels = sorted(table.loc[table["panel"] != "", "panel"].unique(), key=_earlier)
    colours = {"": style.colour_of_g(settings["g"])}
    colours |= {panel: style.colour_of_number(3 + k) for k, panel in enumerate(panels)}
    dashes = {"": "-"} | {panel: style.DASHES[k % 2] for k, panel in enumerate(panels)}
    for axis, (quantity, label) in zip(axes.flat, QUANTITIES.items(), strict=True):
        rows = table[table["quantity"] == quantity]
        for panel, group in rows.groupby("panel"):
            _draw_curve(axis, group, colours[panel], dashes[panel], settings["duration"])
        axis.set(xlabel="time $t$", ylabel=label)
    networks = settings["simulation"]
    number = networks["networks"]
    axes.flat[0].legend(
        handles=[
            Line2D([], [], color=colours[""], label="DMFT, band: 2 standard errors"),
            style.network_handle(number, networks["N"]),
        ],
        loc="upper right",
    )
    handles = [
        Line2D([], [], color=colours[panel], ls=dashes[panel], label=f"${panel}$")
        for panel in panels
    ]
    for axis, corner in zip(axes.flat[2:], ("upper left", "upper right"), strict=True):
        axis.legend(handles=handles, loc=corner)
        axis.set_xlim(axes.flat[0].get_xlim())
    style.label_panels(axes)
    return figure


def _earlier(panel: str) -> float:
    return float(panel.removeprefix("s = "))


def _draw_curve(axis: Axes, rows: pd.DataFrame, colour, dashes, duration: float) -> None:
    theory = rows[rows["source"] == "theory"]
    error = 2 * theory["error"]
    axis.fill_between(
        theory["x"], theory["y"] - error, theory["y"] + error, color=colour, alpha=0.3, lw=0
    )
    style.draw_theory(axis, theory, colour, ls=dashes)
    simulation = rows[rows["source"] == "simulation"]
    if len(simulation) > 1:
        step = np.diff(simulation["x"]).mean()
        every = max(round(duration / step / MARKS), 1)
        style.draw_samples(axis, simulation.iloc[::every], "k")
