"""Fig. 9: q and Q along the damped iteration of the saddle-point equations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables

CURVES_OF = "g"
QUANTITIES = ("q", "Q")
FLOOR = {"q": 1e-5, "Q": 1e-12}  # of the logarithmic axes


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: the path of the iteration (theory), the converged solution (panel ``limit``).

    The path is one with exact averages, or of the published procedure: the mean over its samples.
    """
    numbers = published["panel"].str.extract(r"iteration_(\d+)", expand=False).astype(float)
    parts = [tables.published_rows(published.assign(iteration=numbers), "iteration")]
    (path,) = sources["iteration"]
    if "sample" in path.dims:
        path = path.isel(temperature=0)
        path = xr.Dataset(
            {name: path[f"{name}_path"].mean("sample") for name in QUANTITIES}
            | {"status": path["status"].max("sample")}
        )
    (solution,) = sources["replica"]
    for quantity in QUANTITIES:
        for g in path["g"].values:
            here = path.sel(g=g)
            status = np.full(path.sizes["iteration"], "converged", object)
            status[-1] = tables.STATUS_NAMES[int(here["status"])]
            parts.append(
                tables.rows(
                    quantity=quantity,
                    source="theory",
                    gamma=settings["gamma"],
                    g=g,
                    beta=settings["beta"],
                    x=path["iteration"].values.astype(float),
                    y=here[quantity].values,
                    status=status,
                ).dropna(subset=["y"])  # a path that has stopped
            )
        limit = tables.theory_rows(
            solution, quantity, solution[quantity], "g", settings["gamma"], panel="limit"
        )
        limit["x"] = float(settings["iterations"])
        parts.append(limit)
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels q and Q, logarithmic.

    Triangles at the right end: the solution that Newton's method finds (Q = 0 is below the panel);
    crosses: paths whose last change is above the tolerance.  Published marks have the shape and,
    as edge, the colour of their g.
    """
    figure, axes = style.new_figure(style.PAGE, 3.4, ncols=2)
    for axis, quantity in zip(axes.flat, QUANTITIES, strict=True):
        rows = table[table["quantity"] == quantity]
        for g, mark in _marked(settings["g"]):
            here = rows[rows["g"] == g]
            path = here[(here["source"] == "theory") & (here["panel"] != "limit")]
            limit = here[(here["panel"] == "limit") & (here["y"] > 0)]
            published = here[here["source"] == "published"]
            colour = style.colour_of_g(g)
            style.draw_theory(axis, path[path["y"] > 0], colour)
            if len(limit):  # an empty line that is not clipped would take part in the layout
                axis.plot(limit["x"], limit["y"], ">", color=colour, ms=5, clip_on=False)
            style.draw_published(axis, published, mark, mec=colour, mew=0.8, ms=4)
            _label_end(axis, path.sort_values("x").iloc[-1], FLOOR[quantity])
        axis.set(xlabel="iteration", ylabel=style.SYMBOLS[quantity], yscale="log")
        axis.set_xlim(0, 1.03 * settings["iterations"])  # room for the last marks
        axis.set_ylim(FLOOR[quantity], 1.0)
    published = table[table["source"] == "published"]
    handles = [
        _handle(g, mark if (published["g"] == g).any() else "")
        for g, mark in _marked(settings["g"])
    ]
    handles.append(Line2D([], [], marker=">", ls="", color="k", label="converged solution"))
    if len(published):
        handles.append(style.published_handle("published"))
    if (table["status"] == "not_converged").any():
        handles.append(Line2D([], [], marker="x", ls="", color="red", label="not converged"))
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    style.label_panels(axes)
    return figure


def _marked(values: list[float]) -> Iterator[tuple[float, str]]:
    """Each g with the mark of its published values."""
    return zip(values, cycle(style.PUBLISHED_MARKS), strict=False)


def _handle(g: float, mark: str) -> Line2D:
    colour = style.colour_of_g(g)
    look = {"marker": mark, "mfc": style.GREY, "mec": colour, "mew": 0.8}
    return Line2D([], [], color=colour, label=f"$g={g:g}$", **look)


def _label_end(axis: Axes, last: pd.Series, floor: float) -> None:
    """The value of g beside the right end of its curve."""
    if last["y"] > floor:
        axis.annotate(
            f"${last['g']:g}$",
            (1.0, last["y"]),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
