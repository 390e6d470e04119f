"""Fig. 8: q against beta at and just below the transition."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables

CURVES_OF = "g"


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: q for each g over the grid of beta; sampling and published values."""
    (dataset,) = sources["replica"]
    return tables.join(
        [
            tables.published_rows(published, "beta"),
            tables.theory_rows(dataset, "q", dataset["q"], "beta", settings["gamma"]),
            tables.sampling_rows(sources["sampling"], "q", "q", "beta"),
        ]
    )


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """One panel, both axes logarithmic."""
    figure, axes = style.new_figure(style.COLUMN, 2.8)
    (axis,) = axes.flat
    handles = []
    for number, g in enumerate(settings["g"]):
        colour, mark = style.colour_of_g(g), style.published_mark(number)
        rows = table[table["g"] == g]
        style.draw_theory(axis, rows[rows["source"] == "theory"], colour)
        for sampler, group in rows[rows["source"] == "sampling"].groupby("sampler"):
            style.draw_samples(axis, group, colour, style.SAMPLER_MARKS[sampler])
        published = rows[rows["source"] == "published"]
        style.draw_published(axis, published, mark)
        handles.append(Line2D([], [], color=colour, label=f"theory, $g={g:g}$"))
        if len(published):
            handles.append(style.published_handle(f"published, $g={g:g}$", mark))
    handles += style.sample_handles(table[table["source"] == "sampling"])
    axis.set(xscale="log", yscale="log", xlabel=r"$\beta$", ylabel="$q$")
    low, high = np.log10(table.loc[table["y"] > 0, "y"].agg(["min", "max"]))
    axis.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high))
    axis.legend(handles=handles, loc="lower left")
    return figure
