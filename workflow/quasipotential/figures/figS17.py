"""Fig. S17: does the Boltzmann measure describe the chaotic attractor?  gamma = 0.

Both at the same energy: the measure at T = 2 E/N of the attractor (module `replica.equal_energy`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..disorder import disorder_average
from . import style, tables

ATTRACTOR, MEASURE = "#0072b2", "#d55e00"
RATIOS = {"q": "$q$", "mean_square_x": r"$\langle x^2\rangle$"}
SAME_ENERGY = 0.02  # relative difference up to which a sample is at the energy of the attractor


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows of the panels.

    - ``energies``: quantity ``q_measure``, x: E/N, for each g; ``q_attractor``; samples;
    - ``ratio``: measure over attractor at equal energy, x: g;
    - ``density``: of x_i at equal energy; x: x_i in units of the attractor's deviation.
    """
    (equal,) = sources["equal_energy"]
    (measure,) = sources["measure"]
    parts = []
    for g in measure["g"].values:
        here = measure.sel(g=[g])
        curve = tables.theory_rows(here, "q_measure", here["q"], "g", 0.0)
        parts.append(curve.assign(panel="energies", x=0.5 / curve["beta"]))
        point = equal.sel(g=[g], method="nearest")
        attractor = tables.theory_rows(point, "q_attractor", point["q_attractor"], "g", 0.0)
        parts.append(attractor.assign(panel="energies", x=point["energy"].values))
    for quantity in RATIOS:
        ratio = equal[f"{quantity}_measure"] / equal[f"{quantity}_attractor"]
        parts.append(tables.theory_rows(equal, quantity, ratio, "g", 0.0, panel="ratio"))
    parts += _samples(sources["sampling"], equal)
    return tables.join(parts)


def _samples(datasets: list, equal) -> list[pd.DataFrame]:
    """Samples: q against E/N; where the energy is the attractor's, ratios and densities."""
    parts = []
    groups: dict[tuple, list] = {}
    for dataset in datasets:
        spec = tables.sampled_spec(dataset)
        for temperature in dataset["temperature"].values:
            key = (spec["g"], spec["couplings"]["N"], temperature)
            groups.setdefault(key, []).append(dataset.sel(temperature=temperature))
    for (g, N, temperature), here in groups.items():
        attractor = equal.sel(g=g, method="nearest")
        common = {
            "source": "sampling",
            "sampler": tables.sampled_spec(here[0])["algorithm"],
            "gamma": 0.0,
            "g": g,
            "beta": 1 / temperature,
            "N": N,
            "status": tables.worst_status(here),
        }
        energy = disorder_average(*tables.on_networks(here, "energy"))
        averages = {name: disorder_average(*tables.on_networks(here, name)) for name in RATIOS}
        parts.append(
            tables.rows(
                panel=["energies"],
                quantity="q_measure",
                x=energy.mean,
                y=averages["q"].mean,
                error=averages["q"].error,
                **common,
            )
        )
        if abs(temperature / float(attractor["temperature"]) - 1) > SAME_ENERGY:
            continue
        for name, average in averages.items():
            scale = float(attractor[f"{name}_attractor"])
            parts.append(
                tables.rows(
                    panel=["ratio"],
                    quantity=name,
                    x=g,
                    y=average.mean / scale,
                    error=average.error / scale,
                    **common,
                )
            )
        parts += _densities(here, attractor, common)
    return parts


def _densities(here: list, attractor, common: dict) -> list[pd.DataFrame]:
    """Density of x_i over networks, and the two theories, in units of the attractor's deviation."""
    densities = [np.atleast_2d(dataset["activity_density"].values) for dataset in here]
    values = np.concatenate(densities)
    density = disorder_average(values, np.zeros_like(values))
    deviation = float(np.sqrt(attractor["mean_square_x_attractor"]))
    x = here[0]["activity_bin"].values / deviation
    inside = np.abs(x) < 4
    theory = {"source": "theory", **{k: common[k] for k in ("gamma", "g", "beta")}}
    parts = [
        tables.rows(
            panel="density",
            quantity="measure",
            x=x[inside],
            y=deviation * density.mean[inside],
            error=deviation * density.error[inside],
            **common,
        )
    ]
    for name in ("attractor", "measure"):
        variance = float(attractor[f"mean_square_x_{name}"]) / deviation**2
        gaussian = np.exp(-(x[inside] ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
        parts.append(tables.rows(panel="density", quantity=name, x=x[inside], y=gaussian, **theory))
    return parts


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """q against E/N; ratios at equal energy against g; the distribution of x_i."""
    figure, axes = style.new_figure(style.PAGE, 2.9, ncols=3)
    _draw_energies(axes[0, 0], table[table["panel"] == "energies"])
    _draw_ratios(axes[0, 1], table[table["panel"] == "ratio"])
    _draw_density(axes[0, 2], table[table["panel"] == "density"])
    handles = [
        Line2D([], [], color="k", label="measure"),
        Line2D([], [], marker="*", ls="", ms=8, color="k", label="attractor"),
        *style.sample_handles(table[table["source"] == "sampling"]),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    style.label_panels(axes)
    return figure


def _draw_energies(axis, rows: pd.DataFrame) -> None:
    for g, here in rows.groupby("g"):
        colour = style.colour_of_g(g)
        measure = here[here["quantity"] == "q_measure"]
        style.draw_theory(axis, measure[measure["source"] == "theory"], colour)
        style.draw_samples(axis, measure[measure["source"] == "sampling"], colour)
        attractor = here[here["quantity"] == "q_attractor"]
        axis.plot(
            attractor["x"], attractor["y"], "*", color=colour, mec="k", mew=0.4, ms=9, zorder=6
        )
        line = measure[measure["source"] == "theory"].sort_values("x").iloc[0]
        axis.annotate(
            f"$g={g:g}$",
            (line["x"], line["y"]),
            xytext=(2, 4),
            textcoords="offset points",
            fontsize=8,
        )
    axis.set(xscale="log", xlabel="$E/N$", ylabel="$q$")


def _draw_ratios(axis, rows: pd.DataFrame) -> None:
    for number, (name, label) in enumerate(RATIOS.items()):
        here = rows[rows["quantity"] == name]
        colour = style.colour_of_number(number)
        ls = style.DASHES[number]
        style.draw_theory(axis, here[here["source"] == "theory"], colour, label=label, ls=ls)
        style.draw_samples(axis, here[here["source"] == "sampling"], colour, "os"[number])
    axis.axhline(1, color="0.6", lw=0.7, zorder=0)
    axis.set(xlabel="$g$", ylabel="measure/attractor at equal $E/N$")
    axis.legend(loc="upper left", handlelength=2.4)


def _draw_density(axis, rows: pd.DataFrame) -> None:
    largest = rows["g"].max()
    rows = rows[rows["g"] == largest]
    theory = rows[rows["source"] == "theory"]
    for name, colour, line in (("attractor", ATTRACTOR, "-"), ("measure", MEASURE, "--")):
        here = theory[theory["quantity"] == name]
        axis.plot(here["x"], here["y"], color=colour, ls=line, label=name)
    samples = rows[rows["source"] == "sampling"]
    style.draw_samples(axis, samples.iloc[:: max(1, len(samples) // 24)], MEASURE)
    axis.set(xlabel=r"$x_i/\sqrt{\Delta_0}$", ylabel="density", ylim=(0, 0.48))
    axis.set_title(f"$g={largest:g}$", loc="right")
    axis.legend(loc="upper right", handlelength=1.5)
