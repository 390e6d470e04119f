"""Fig. 1: activity below and above the transition, phase diagram, two networks of three units."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import style, tables


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows of all panels.

    ``activity``: x is the time, y the activity of unit ``N``.  ``phase_diagram``: the line
    g (1 + gamma) = 1, if that is the transition, x is g, y is gamma.  ``small_network_<k>``: row by
    row the coordinates x_1, x_2, x_3 (quantities), x is the time; E is the quasi-potential.
    """
    parts = []
    for dataset in sources["activity"]:
        spec = tables.spec_of(dataset)
        for neuron in dataset["neuron"].values:
            parts.append(
                tables.rows(
                    panel="activity",
                    quantity="x",
                    source="simulation",
                    gamma=spec["couplings"]["gamma"],
                    g=spec["g"],
                    N=neuron,
                    status=tables.worst_status([dataset]),
                    x=dataset["time"].values,
                    y=dataset["x"].isel(trajectory=0).sel(neuron=neuron).values,
                )
            )
    if style.has_transition(settings):
        g = np.linspace(0.5, settings["g_max"], 151)
        line = {"panel": "phase_diagram", "quantity": "gamma", "source": "theory"}
        parts.append(tables.rows(g=g, gamma=1 / g - 1, x=g, y=1 / g - 1, **line))
    for number, dataset in enumerate(sources["small_networks"]):
        parts += _small_network(dataset, f"small_network_{number}")
    return tables.join(parts)


def _small_network(dataset, panel: str) -> list[pd.DataFrame]:
    energy = dataset["energy"] * dataset.sizes["neuron"]
    parts = []
    for trajectory in dataset["trajectory"].values:
        status = tables.STATUS_NAMES[int(dataset["status"].sel(trajectory=trajectory))]
        common = {"panel": panel, "source": "simulation", "N": trajectory, "status": status}
        curves = {
            f"x_{neuron + 1}": dataset["x"].sel(trajectory=trajectory, neuron=neuron).values
            for neuron in dataset["neuron"].values
        } | {"E": energy.sel(trajectory=trajectory).values}
        for quantity, values in curves.items():
            parts.append(
                tables.rows(quantity=quantity, x=dataset["time"].values, y=values, **common)
            )
    for neuron in dataset["neuron"].values:
        parts.append(
            tables.rows(
                panel=panel,
                quantity=f"fixed_point_{neuron + 1}",
                source="theory",
                x=dataset["fixed_point"].values.astype(float),
                y=dataset["fixed_points"].sel(neuron=neuron).values,
            )
        )
    return parts


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels a (activity), b (phase diagram), c (small networks)."""
    figure = Figure(figsize=(style.PAGE, 5.0))
    grid = figure.add_gridspec(2, 6, height_ratios=[1, 1.25])
    points = settings["activity"]["points"]
    activity = table[table["panel"] == "activity"]
    below = grid[0, :4].subgridspec(1, len(points))
    first = None
    for column, point in enumerate(points):
        axis = figure.add_subplot(below[column], sharey=first)
        first = first or axis
        here = activity[(activity["g"] == point["g"]) & (activity["gamma"] == point["gamma"])]
        colours = mpl.colormaps["cividis"](np.linspace(0, 0.95, here["N"].nunique()))
        for colour, (_, unit) in zip(colours, here.groupby("N"), strict=True):
            axis.plot(unit["x"], unit["y"], color=colour, lw=0.7)
        axis.set_title(f"$g={point['g']:g},\\ \\gamma={point['gamma']:g}$")
        axis.set_xlabel("time $t$")
        axis.set_xlim(here["x"].min(), here["x"].max())
        axis.axhline(0, color="0.7", lw=0.5, zorder=0)
        if column == 0:
            axis.set_ylabel("activity $x_i(t)$")
            axis.set_title("(a)", loc="left", fontweight="bold")
        else:
            axis.tick_params(labelleft=False)
    _draw_phase_diagram(figure.add_subplot(grid[0, 4:]), table, points, settings["g_max"])
    panels = sorted(name for name in table["panel"].unique() if name.startswith("small_network"))
    lower = grid[1, :].subgridspec(1, len(panels), wspace=0.1)
    for column, panel in enumerate(panels):
        axis = figure.add_subplot(lower[column], projection="3d")
        _draw_small_network(figure, axis, table[table["panel"] == panel])
        if column == 0:
            axis.set_title("(c)", loc="left", fontweight="bold")
    return figure


def _draw_phase_diagram(axis, table: pd.DataFrame, points: list[dict], g_max: float) -> None:
    line = table[table["panel"] == "phase_diagram"]
    if len(line):
        _draw_transition(axis, line, 0.72 * g_max)
    for point, mark in zip(points, "osD^", strict=False):
        axis.plot(
            point["g"],
            point["gamma"],
            mark,
            color=style.colour_of_g(1.2 if point["g"] * (1 + point["gamma"]) > 1 else 0.8),
            mec="k",
            mew=0.6,
            ms=6,
        )
        axis.annotate(
            f"$({point['g']:g},\\,{{{point['gamma']:g}}})$",
            (point["g"], point["gamma"]),
            xytext=(6, -9),
            textcoords="offset points",
            fontsize=8,
        )
    axis.set(xlim=(0, g_max), ylim=(-1, 1), xlabel="$g$", ylabel=r"$\gamma$")
    axis.set_title("(b)", loc="left", fontweight="bold")
    axis.set_yticks(np.linspace(-1, 1, 5))


def _draw_transition(axis, line: pd.DataFrame, named_at: float) -> None:
    """The line g (1 + gamma) = 1, with its name below it at a gain, and the two phases."""
    axis.plot(line["x"], line["y"], color="k")
    axis.fill_between(line["x"], line["y"], 1, color="#DDC9B7", lw=0)
    axis.text(0.22, 0.55, "order", ha="center", transform=axis.transAxes)
    axis.text(0.7, 0.8, "chaos", ha="center", transform=axis.transAxes)
    edge = line.iloc[(line["x"] - named_at).abs().argmin()]
    axis.annotate(
        "$g(1+\\gamma)=1$",
        (edge["x"], edge["y"]),
        xytext=(0, -12),
        textcoords="offset points",
        ha="center",
        va="top",
    )


def _draw_small_network(figure: Figure, axis, table: pd.DataFrame) -> None:
    trajectories = table[table["source"] == "simulation"]
    energy = trajectories[trajectories["quantity"] == "E"]
    floor = 1e-6
    norm = mpl.colors.LogNorm(floor, energy["y"].max())
    for _, rows in trajectories.groupby("N"):
        curve = rows.pivot(index="x", columns="quantity", values="y")
        marks = axis.scatter(
            curve["x_1"],
            curve["x_2"],
            curve["x_3"],
            c=curve["E"].clip(lower=floor),
            norm=norm,
            cmap="viridis",
            s=3,
            lw=0,
            depthshade=False,
        )
        axis.plot(curve["x_1"], curve["x_2"], curve["x_3"], color="0.6", lw=0.4, zorder=0)
        start = curve.iloc[0]
        axis.plot([start["x_1"]], [start["x_2"]], [start["x_3"]], "k.", ms=4)
    fixed = table[table["source"] == "theory"].pivot(index="x", columns="quantity", values="y")
    axis.plot(
        fixed["fixed_point_1"],
        fixed["fixed_point_2"],
        fixed["fixed_point_3"],
        "*",
        color="red",
        mec="k",
        mew=0.4,
        ms=8,
        ls="",
        zorder=10,
    )
    axis.set(xlabel="$x_1$", ylabel="$x_2$", zlabel="$x_3$")
    axis.tick_params(pad=-3, labelsize=7)
    for label in ("x", "y", "z"):
        getattr(axis, f"{label}axis").labelpad = -7
        getattr(axis, f"{label}axis").pane.set_facecolor("white")
    axis.locator_params(nbins=4)
    axis.view_init(18, -65)
    axis.grid(False)
    axis.set_box_aspect(None, zoom=1.15)
    bar = figure.colorbar(marks, ax=axis, shrink=0.7, pad=0.16, extend="min")
    bar.set_label("quasi-potential $E$")
