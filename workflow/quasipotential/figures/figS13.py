"""Fig. S13: memory of the rates, C(t + t_w, t_w): stationary at gamma = 0, aging at gamma > 0."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..disorder import disorder_average
from . import style, tables

MARKS = 9  # of the networks, for each curve
ROOM = 0.25  # for the legends, above the curves
PANELS = ("gamma = 0", "gamma")


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows of C(t + t_w, t_w) with x = t, one quantity for each t_w.

    - panel ``gamma = 0``: without sampling error; quantity ``stationary``: the limit of large t_w;
    - panel ``gamma``: means over populations with standard errors, and over networks with theirs.
    """
    (aging,), (exact,) = sources["dmft"], sources["deterministic"]
    (stationary,) = sources["stationary"]
    free = {"panel": PANELS[0], "gamma": 0.0, "g": settings["reference_g"], "source": "theory"}
    echoing = {"panel": PANELS[1], "gamma": settings["gamma"], "g": settings["g"]}
    parts = [
        tables.rows(
            quantity="stationary",
            x=stationary["lag"].values[1:],
            y=stationary["C_phi"].values[0, 1:],
            status=tables.worst_status([stationary]),
            **free,
        )
    ]
    for waiting in settings["waiting"]:
        lag, C = _after(exact, "C_phi", waiting)
        common = {"quantity": _name(waiting), "x": lag}
        parts.append(tables.rows(y=C, status=tables.worst_status([exact]), **common, **free))
        lag, C = _after(aging, "C_phi", waiting)
        parts.append(
            tables.rows(
                source="theory",
                y=C,
                error=_after(aging, "C_phi_se", waiting)[1],
                status=tables.worst_status([aging]),
                **(common | {"x": lag}),
                **echoing,
            )
        )
        simulation = tables.each_network(sources["simulation"])
        networks = [_after(ds, "correlation_phi", waiting) for ds in simulation]
        values = np.array([C for _, C in networks])
        average = disorder_average(values, np.zeros_like(values))
        parts.append(
            tables.rows(
                source="simulation",
                N=settings["simulation"]["N"],
                y=average.mean,
                error=average.error,
                status=tables.worst_status(simulation),
                **(common | {"x": networks[0][0]}),
                **echoing,
            )
        )
    return tables.join(parts)


def _after(dataset: xr.Dataset, variable: str, waiting: float) -> tuple[np.ndarray, np.ndarray]:
    """Lags and a two-time quantity from t_w on."""
    time = dataset["time"].values
    start = int(np.argmin(np.abs(time - waiting)))
    values = dataset[variable].squeeze().values[start + 1 :, start]
    return time[start + 1 :] - time[start], values


def _name(waiting: float) -> str:
    return f"C, t_w = {waiting:g}"


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """One panel for each gamma; dark curves wait least."""
    figure, axes = style.new_figure(style.PAGE, 2.9, ncols=2, sharex=True)
    waiting = settings["waiting"]
    colours = [style.sequential_map()(0.85 * k / max(len(waiting) - 1, 1)) for k in range(9)]
    colours = colours[: len(waiting)]
    for axis, panel in zip(axes.flat, PANELS, strict=True):
        rows = table[table["panel"] == panel]
        for value, colour in zip(waiting, colours, strict=True):
            _draw_curve(axis, rows[rows["quantity"] == _name(value)], colour)
        limit = rows[rows["quantity"] == "stationary"]
        style.draw_theory(axis, limit, "k", ls="--", lw=1.0)
        gamma, g = (rows[name].iloc[0] for name in ("gamma", "g"))
        axis.set(
            xscale="log",
            xlabel="time $t$ since $t_w$",
            ylabel=r"$C(t+t_w,\,t_w)$",
            title=rf"$\gamma={gamma:g}$, $g={g:g}$",
        )
        axis.xaxis.set_major_formatter("{x:g}")
        bottom, top = axis.get_ylim()
        axis.set_ylim(min(0.0, bottom), top + ROOM * (top - bottom))
    handles = [
        Line2D([], [], color=colour, label=f"$t_w={value:g}$")
        for value, colour in zip(waiting, colours, strict=True)
    ]
    handles.append(Line2D([], [], color="k", ls="--", lw=1.0, label=r"stationary, $t_w\to\infty$"))
    axes.flat[0].legend(handles=handles, loc="upper right")
    networks = settings["simulation"]
    axes.flat[1].legend(
        handles=[
            Line2D([], [], color="0.5", lw=5, alpha=0.5, label="band: 2 standard errors"),
            style.network_handle(networks["networks"], networks["N"]),
        ],
        loc="upper right",
    )
    style.label_panels(axes)
    return figure


def _draw_curve(axis: Axes, rows: pd.DataFrame, colour) -> None:
    theory = rows[rows["source"] == "theory"]
    error = 2 * theory["error"].fillna(0.0)
    axis.fill_between(
        theory["x"], theory["y"] - error, theory["y"] + error, color=colour, alpha=0.3, lw=0
    )
    style.draw_theory(axis, theory, colour)
    simulation = rows[rows["source"] == "simulation"]
    if len(simulation):
        last = len(simulation) - 1
        chosen = np.unique(np.rint(np.geomspace(1, last + 1, MARKS)).astype(int) - 1)
        style.draw_samples(axis, simulation.iloc[chosen], colour)
