"""Fig. 9: q and Q along the damped iteration of the saddle-point equations."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables

QUANTITIES = ("q", "Q")


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: the path of the iteration (theory), the converged solution (panel ``limit``)."""
    numbers = published["panel"].str.extract(r"iteration_(\d+)", expand=False).astype(float)
    parts = [tables.published_rows(published.assign(iteration=numbers), "iteration")]
    (path,) = sources["iteration"]
    (solution,) = sources["replica"]
    for quantity in QUANTITIES:
        for g in path["g"].values:
            here = path.sel(g=g)
            status = tables.STATUS_NAMES[int(here["status"])]
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
                )
            )
        limit = tables.theory_rows(
            solution, quantity, solution[quantity], "g", settings["gamma"], panel="limit"
        )
        limit["x"] = float(settings["iterations"])
        parts.append(limit)
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels q and Q; marks at the right end show the solution that Newton's method finds."""
    figure, axes = style.new_figure(style.PAGE, 3.2, ncols=2)
    for axis, quantity in zip(axes.flat, QUANTITIES, strict=True):
        rows = table[table["quantity"] == quantity]
        for g in settings["g"]:
            here = rows[rows["g"] == g]
            path = here[(here["source"] == "theory") & (here["panel"] != "limit")]
            limit = here[here["panel"] == "limit"]
            colour = style.colour_of_g(g)
            axis.plot(path["x"], path["y"], color=colour)
            axis.plot(limit["x"], limit["y"], ">", color=colour, ms=5, clip_on=False)
            style.draw_published(axis, here[here["source"] == "published"])
        axis.set(xlabel="iteration", ylabel=style.SYMBOLS[quantity])
        axis.set_xlim(0, settings["iterations"])
    handles = [
        Line2D([], [], color=style.colour_of_g(g), label=f"$g={g:g}$") for g in settings["g"]
    ]
    handles += [
        Line2D([], [], marker=">", ls="", color="k", label="converged solution"),
        style.published_handle(),
    ]
    axes.flat[0].legend(handles=handles, ncols=2, loc="upper left")
    style.label_panels(axes)
    return figure
