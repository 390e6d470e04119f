"""Fig. S12: one pair of fixed points, or many?  The overlap of small networks at gamma = 0.

The cold measure visits about e^{N d} fixed points (module ``replica.complexity``).  Networks are
sampled, or their fixed points are found one by one (module ``replica.cold_networks``).
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from ..disorder import disorder_average
from . import style, tables

TEMPERATURE_MARKS = ("o", "s", "^", "D", "v")
ROUNDING = 1e-6  # relative, of temperatures
LAW = 200  # points of a curve
#: Colours of gains beyond LAST, where those of all figures are the same.
FAR, LAST = ("#009e73", "#56b4e9"), 3.2
LARGEST = 0.8  # ratio up to which the law of large N is drawn


def _ratio(overlap, overlap_error, q, q_error):
    """Ratio of the means over networks, with its error."""
    ratio = overlap.mean() / q.mean()
    # To first order the ratio of the means is the mean of these, one for each network.
    values = ratio + (overlap - ratio * q) / q.mean()
    return disorder_average(values, np.hypot(overlap_error, ratio * q_error) / q.mean())


def _complexity(complexity: xr.Dataset, g: float) -> float:
    """d of the cold measure at one gain."""
    return float(complexity["complexity_boltzmann"].sel(g=g, method="nearest"))


def _enumerated(dataset: xr.Dataset, complexity: xr.Dataset) -> list[pd.DataFrame]:
    """Rows of one gain and N at T -> 0: the ratio, its part from one pair, number of points."""
    spec = tables.spec_of(dataset)
    d = _complexity(complexity, spec["g"])
    exact = np.zeros(dataset.sizes["network"])
    q = dataset["q"].values
    averages = {
        "relative_overlap": _ratio(dataset["overlap_absolute"].values, exact, q, exact),
        "same_pair_overlap": _ratio(dataset["overlap_same_pair"].values, exact, q, exact),
        "points": disorder_average(dataset["points"].values, exact),
        "effective_pairs": disorder_average(dataset["effective_pairs"].values, exact),
    }
    return [
        tables.rows(
            quantity=[name],
            source="simulation",
            sampler="enumerated",
            gamma=0.0,
            g=spec["g"],
            beta=np.inf,
            N=spec["N"],
            x=spec["N"] * d,
            y=average.mean,
            error=average.error,
            status=tables.worst_status([dataset]),
        )
        for name, average in averages.items()
    ]


def _law(complexity: xr.Dataset, g: float, largest: float) -> pd.DataFrame:
    """Rows of the ratio for many pairs at large N, sqrt(2/(pi N))/(1 - lambda), up to N d."""
    here = complexity.sel(g=g, method="nearest")
    d, slope = float(here["complexity_boltzmann"]), float(here["slope_boltzmann"])
    first = 2 * d / (np.pi * (LARGEST * (1 - slope)) ** 2)
    x = np.geomspace(first, max(largest, first), LAW)
    return tables.rows(
        quantity="law",
        source="theory",
        gamma=0.0,
        g=g,
        beta=np.inf,
        N=x / d,
        x=x,
        y=np.sqrt(2 * d / (np.pi * x)) / (1 - slope),
        error=0.0,
        status=tables.STATUS_NAMES[int(here["status"])],
    )


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows against N d.

    - quantity ``complexity``: d, x: g;
    - quantity ``relative_overlap``: <|overlap|> over <q>, both averaged over networks, x: N d, at
      temperatures up to 1/``beta``, and at T -> 0 from all fixed points;
    - quantities ``same_pair_overlap``, ``points``, ``effective_pairs``: from all fixed points, the
      part of the ratio from states at one pair, the number of points, and that of the pairs that
      take part, averaged over networks;
    - quantity ``law``: the ratio where many pairs take part and N is large;
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
    for dataset in sources["enumerated"]:
        parts += _enumerated(dataset, complexity)
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
        average = _ratio(
            *tables.on_networks(here, "overlap_absolute"), *tables.on_networks(here, "q")
        )
        parts.append(
            tables.rows(
                quantity=["relative_overlap"],
                source="sampling",
                sampler=tables.sampled_spec(here[0])["algorithm"],
                gamma=0.0,
                g=g,
                beta=1 / temperature,
                N=N,
                x=N * _complexity(complexity, g),
                y=average.mean,
                error=average.error,
                status=tables.worst_status(here),
            )
        )
    ratios = tables.join(parts)
    ratios = ratios[ratios["quantity"] == "relative_overlap"]
    parts += [
        _law(complexity, g, 2 * ratios["x"].max())
        for g in sorted(ratios.loc[ratios["source"] == "simulation", "g"].unique())
    ]
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


def _colour(g: float):
    """Colour of a gain; the far ones take turns by their number."""
    return style.colour_of_g(g) if g <= LAST else FAR[round(g) % len(FAR)]


def _draw_enumerated(axis, rows: pd.DataFrame, mark: str, **marker) -> None:
    """Averages over networks from all fixed points, with standard errors; crossed out where some
    network was given up."""
    for g, group in rows.groupby("g"):
        colour = _colour(g)
        axis.errorbar(
            group["x"], group["y"], group["error"], fmt=mark, color=colour, elinewidth=0.8,
            capsize=1.5, zorder=5, **marker,
        )  # fmt: skip
        failed = group[group["status"] != "converged"]
        axis.plot(failed["x"], failed["y"], "x", color="red", ms=6, zorder=6)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Overlap in units of q against N d, how many fixed points there are, and the distribution of
    the overlap in the smallest networks."""
    figure, axes = style.new_figure(style.PAGE, 3.3, ncols=3)
    axis, numbers, distribution = axes[0]
    rows = table[table["quantity"] == "relative_overlap"]
    sampled, exact = (rows[rows["source"] == name] for name in ("sampling", "simulation"))
    betas = sorted(sampled["beta"].unique())
    gains = sorted(rows["g"].unique())
    for (g, beta), group in sampled.groupby(["g", "beta"]):
        mark = TEMPERATURE_MARKS[betas.index(beta) % len(TEMPERATURE_MARKS)]
        style.draw_samples(axis, group, _colour(g), mark)
    _draw_enumerated(axis, exact, "P", ms=5)
    same = table[table["quantity"] == "same_pair_overlap"]
    _draw_enumerated(axis, same, "_", ms=7, mew=1.6)
    for g, group in table[table["quantity"] == "law"].groupby("g"):
        axis.plot(group["x"], group["y"], color=_colour(g), ls="--", lw=0.9, zorder=1)
    axis.axhline(1, color="0.6", lw=0.7, zorder=0)
    axis.axvline(1, color="0.6", lw=0.7, ls=":", zorder=0)
    axis.set(
        xscale="log",
        xlabel="$N d$",
        ylabel=r"$\langle|\phi^a\cdot\phi^b|\rangle/\langle\phi\cdot\phi\rangle$",
        ylim=(0, 1.12),
    )
    axis.xaxis.set_minor_formatter(NullFormatter())
    _draw_enumerated(numbers, table[table["quantity"] == "points"], "^", mfc="white")
    _draw_enumerated(numbers, table[table["quantity"] == "effective_pairs"], "P", ms=5)
    counted = table.loc[table["quantity"] == "points", "x"]
    if len(counted):
        x = np.linspace(0, 1.1 * counted.max(), LAW)
        numbers.plot(x, np.exp(x), color="k", lw=0.9, zorder=1)
    numbers.set(yscale="log", xlabel="$N d$", ylabel="number", ylim=(0.8, None))
    density = table[table["quantity"] == "density"]
    for g, group in density.groupby("g"):
        x, y, error = (group[name].to_numpy() for name in ("x", "y", "error"))
        agree = (group["status"] == "converged").all()
        distribution.step(x, y, where="mid", color=_colour(g), lw=1, ls="-" if agree else ":")
        distribution.fill_between(
            x, y - error, y + error, step="mid", color=_colour(g), alpha=0.2, lw=0
        )
    distribution.set(
        xlabel=r"$|\phi^a\cdot\phi^b|/N$", ylabel="probability density", xlim=(0, 1), ylim=(0, None)
    )
    distribution.set_title(f"$N={density['N'].iloc[0]:g}$", loc="right")
    style.label_panels(axes)
    figure.legend(
        handles=_handles(rows, betas, gains), loc="outside lower center", ncols=4, fontsize=7
    )
    return figure


def _handles(rows: pd.DataFrame, betas: list[float], gains: list[float]) -> list[Line2D]:
    """Legend entries of all panels."""
    grey = {"color": "k", "ls": ""}
    handles = [Line2D([], [], color=_colour(g), lw=3, label=f"$g={g:g}$") for g in gains]
    handles += [
        Line2D(
            [],
            [],
            marker=mark,
            mfc="white",
            label=f"sampled, $T={style.in_powers(1 / beta)}$",
            **grey,
        )
        for mark, beta in zip(itertools.cycle(TEMPERATURE_MARKS), betas, strict=False)
    ]
    if (rows["source"] == "simulation").any():
        handles += [
            Line2D([], [], marker="P", label=r"all fixed points, $T\to0$; (b) taking part", **grey),
            Line2D([], [], marker="_", ms=7, mew=1.6, label="of that, states at one pair", **grey),
            Line2D([], [], marker="^", mfc="white", label="(b) all fixed points", **grey),
            Line2D([], [], color="k", ls="--", lw=0.9, label="(a) many pairs, large $N$"),
            Line2D([], [], color="k", lw=0.9, label="(b) $e^{Nd}$"),
        ]
    if (rows["status"] == "not_equilibrated").any():
        handles.append(Line2D([], [], marker="x", label="not equilibrated", **grey))
        handles.append(Line2D([], [], color="k", ls=":", lw=1, label="(c) not equilibrated"))
    if (rows["status"] == "not_converged").any():
        handles.append(Line2D([], [], marker="x", ls="", color="red", label="search not ended"))
    return handles
