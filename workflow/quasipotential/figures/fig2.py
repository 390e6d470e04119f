"""Fig. 2: energy per unit and mean square activity against beta."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables

CURVES_OF = "g"
QUANTITIES = {"energy": "energy", "mean_square_x": "mean_square_x"}


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: theory over the whole grid, sampling and published where there are any."""
    parts = [tables.published_rows(published, "beta")]
    for quantity, variable in QUANTITIES.items():
        parts += [
            tables.theory_rows(ds, quantity, ds[variable], "beta", settings["gamma"])
            for ds in sources["replica"]
        ]
        parts.append(tables.sampling_rows(sources["sampling"], quantity, variable, "beta"))
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panel a: E/N, with the published pair in an inset; panel b: the mean of x^2."""
    figure, axes = style.new_figure(style.PAGE, 3.3, ncols=2)
    for axis, quantity in zip(axes.flat, QUANTITIES, strict=True):
        _draw_quantity(axis, table[table["quantity"] == quantity], settings["g"])
        axis.set(xscale="log", xlabel=r"$\beta$", ylabel=style.SYMBOLS[quantity])
    energy, square = axes.flat
    energy.set_yscale("log")
    square.set_yscale("log")
    published = table[(table["source"] == "published") & (table["quantity"] == "energy")]
    if len(published):
        _draw_inset(energy, table[table["quantity"] == "energy"], published, settings["g"])
    handles = [
        Line2D(
            [],
            [],
            color=style.colour_of_g(g),
            ls=style.DASHES[number % 3],
            label=f"theory, $g={g:g}$",
        )
        for number, g in enumerate(settings["g"])
    ]
    sampled = table[table["source"] == "sampling"]
    handles += style.published_handles(table, "g", "g", settings["g"])
    handles += style.sample_handles(sampled)
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    style.label_panels(axes)
    return figure


def _draw_quantity(axis, rows: pd.DataFrame, values) -> None:
    # E/N = T/2 for every g at gamma = 0.
    for number, g in enumerate(values):
        here = rows[rows["g"] == g]
        colour = style.colour_of_g(g)
        style.draw_theory(
            axis, here[here["source"] == "theory"], colour, ls=style.DASHES[number % 3]
        )
        sampled = here[here["source"] == "sampling"]
        for sampler, group in sampled.groupby("sampler"):
            style.draw_samples(axis, group, colour, style.SAMPLER_MARKS[sampler])
        style.draw_published(
            axis, here[here["source"] == "published"], style.published_mark(number)
        )


def _draw_inset(axis, rows: pd.DataFrame, published: pd.DataFrame, values) -> None:
    inset = axis.inset_axes([0.55, 0.55, 0.42, 0.4])
    _draw_quantity(inset, rows, values)
    beta, energy = published["x"].mean(), published["y"].mean()
    # Logarithmic like the panel, where the line between two temperatures is straight.
    inset.set(xscale="log", yscale="log")
    inset.set(xlim=(beta * 0.985, beta * 1.015), ylim=(energy * 0.985, energy * 1.015))
    inset.minorticks_off()
    inset.set_xticks([round(beta, -1) - 10, round(beta, -1), round(beta, -1) + 10])
    inset.xaxis.set_major_formatter("{x:.0f}")
    power = 10.0 ** np.floor(np.log10(energy))
    ticks = np.round(energy / power + np.array([-0.05, 0.0, 0.05]), 2)
    inset.set_yticks(ticks * power, [f"{tick:.2f}" for tick in ticks])
    inset.set_ylabel(rf"$10^{{{-np.log10(power):.0f}}}E/N$", fontsize=7, labelpad=1)
    inset.tick_params(labelsize=7)
