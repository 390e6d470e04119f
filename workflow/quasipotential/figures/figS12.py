"""Fig. S12: one pair of fixed points, or many?  The overlap of small networks at gamma = 0.

The cold measure visits about e^{N d} fixed points (module ``replica.complexity``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from ..disorder import disorder_average
from . import style, tables

TEMPERATURE_MARKS = ("o", "s", "^", "D", "v")
ROUNDING = 1e-6  # relative, of temperatures


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows against N d.

    - quantity ``complexity``: d, x: g;
    - quantity ``relative_overlap``: <|overlap|> over <q>, both averaged over networks, x: N d, at
      temperatures up to 1/``beta``;
    - quantity ``density``: distribution of the absolute overlap of two states, averaged over the
      networks of the smallest N at the lowest temperature, x: |overlap|.

    Raises
    ------
    ValueError
        If an experiment is not at gamma = 0.
    """
    (complexity,) = sources["complexity"]
    parts = [
        tables.theory_rows(complexity, "complexity", complexity["complexity_boltzmann"], "g", 0.0)
    ]
    groups: dict[tuple[float, int, float], list] = {}
    for dataset in sources["sampling"]:
        spec = tables.sampled_spec(dataset)
        if spec["couplings"]["gamma"] != 0:
            raise ValueError("the complexity is known at gamma = 0 only")
        for temperature in dataset["temperature"].values:
            if temperature * settings["beta"] < 1 + ROUNDING:
                key = (spec["g"], spec["couplings"]["N"], temperature)
                groups.setdefault(key, []).append(dataset.sel(temperature=temperature))
    for (g, N, temperature), here in groups.items():
        d = float(complexity["complexity_boltzmann"].sel(g=g, method="nearest"))
        overlap, overlap_error = tables.on_networks(here, "overlap_absolute")
        q, q_error = tables.on_networks(here, "q")
        ratio = overlap.mean() / q.mean()
        # To first order the ratio of the means is the mean of these, one for each network.
        values = ratio + (overlap - ratio * q) / q.mean()
        average = disorder_average(values, np.hypot(overlap_error, ratio * q_error) / q.mean())
        parts.append(
            tables.rows(
                quantity=["relative_overlap"],
                source="sampling",
                sampler=tables.sampled_spec(here[0])["algorithm"],
                gamma=0.0,
                g=g,
                beta=1 / temperature,
                N=N,
                x=N * d,
                y=average.mean,
                error=average.error,
                status=tables.worst_status(here),
            )
        )
    smallest = min(N for _, N, _ in groups)
    for g in sorted({g for g, N, _ in groups if N == smallest}):
        coldest = min(T for gain, N, T in groups if (gain, N) == (g, smallest))
        here = groups[(g, smallest, coldest)]
        values = np.concatenate(
            [np.atleast_2d(dataset["overlap_absolute_density"].values) for dataset in here]
        )
        density = disorder_average(values, np.zeros_like(values))
        parts.append(
            tables.rows(
                quantity="density",
                source="sampling",
                sampler=tables.sampled_spec(here[0])["algorithm"],
                gamma=0.0,
                g=g,
                beta=1 / coldest,
                N=smallest,
                x=here[0]["overlap_absolute_bin"].values,
                y=density.mean,
                error=density.error,
                status=tables.worst_status(here),
            )
        )
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Overlap in units of q against N d, and its distribution in the smallest networks."""
    figure, axes = style.new_figure(style.PAGE, 2.9, ncols=2)
    axis, distribution = axes[0]
    rows = table[table["quantity"] == "relative_overlap"]
    betas = sorted(rows["beta"].unique())
    gains = sorted(rows["g"].unique())
    for (g, beta), group in rows.groupby(["g", "beta"]):
        mark = TEMPERATURE_MARKS[betas.index(beta) % len(TEMPERATURE_MARKS)]
        style.draw_samples(axis, group, style.colour_of_g(g), mark)
    axis.axhline(1, color="0.6", lw=0.7, zorder=0)
    axis.set(
        xscale="log",
        xlabel="$N d$: log of the number of fixed points",
        ylabel=r"$\langle|\phi^a\cdot\phi^b|\rangle/\langle\phi\cdot\phi\rangle$",
        ylim=(0, 1.12),
    )
    axis.xaxis.set_minor_formatter(NullFormatter())
    density = table[table["quantity"] == "density"]
    for g, group in density.groupby("g"):
        x, y, error = (group[name].to_numpy() for name in ("x", "y", "error"))
        distribution.step(x, y, where="mid", color=style.colour_of_g(g))
        distribution.fill_between(
            x, y - error, y + error, step="mid", color=style.colour_of_g(g), alpha=0.2, lw=0
        )
    distribution.set(
        xlabel=r"$|\phi^a\cdot\phi^b|/N$", ylabel="probability density", xlim=(0, 1), ylim=(0, None)
    )
    distribution.set_title(f"$N={density['N'].iloc[0]:g}$", loc="right")
    handles = [
        Line2D(
            [], [], color=style.colour_of_g(g), marker="o", mfc="white", ls="", label=f"$g={g:g}$"
        )
        for g in gains
    ]
    handles += [
        Line2D(
            [], [], color="k", marker=TEMPERATURE_MARKS[i % 5], mfc="white", ls="",
            label=f"$T={1 / beta:.3g}$",
        )
        for i, beta in enumerate(betas)
    ]  # fmt: skip
    if (rows["status"] != "converged").any():
        handles.append(Line2D([], [], marker="x", ls="", color="k", label="not equilibrated"))
    figure.legend(handles=handles, loc="outside right upper")
    style.label_panels(axes)
    return figure
