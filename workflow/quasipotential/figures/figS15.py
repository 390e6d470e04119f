"""Fig. S15: stationary DMFT from the onset of chaos on, with noise; exponents of networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.polynomial import polynomial

from ..disorder import disorder_average
from . import style, tables

#: Quantity of the DMFT -> (label, variable of the networks).
QUANTITIES = {
    "C0": (r"$\Delta_0$", "mean_square_x"),
    "energy_per_neuron": (r"$E/N$", "energy"),
    "lambda_1": (r"$\lambda_1$", "lyapunov_exponent"),
}
#: Source of the rows of an expansion -> (terms, line).
ORDERS = {
    "leading order": (1, "--"),
    "next order": (2, ":"),
}
NETWORKS = "#0173b2"  # blue, as colour_of_number(0)


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: each quantity against g - 1, its expansions, networks; panel: the noise."""
    parts = [tables.published_rows(published, "g")]
    for dataset in sources["dmft"]:
        noise = tables.spec_of(dataset)["noise"]
        for quantity in QUANTITIES:
            curve = tables.theory_rows(dataset, quantity, dataset[quantity], "g", 0.0)
            curve["panel"] = f"noise {noise:g}"
            curve["x"] = curve["g"] - 1.0
            parts.append(curve)
            if f"{quantity}_onset" in dataset:
                coefficients = dataset[f"{quantity}_onset"].values
                x, y = (curve[name].to_numpy(float) for name in ("x", "y"))
                parts += _expansions(quantity, coefficients, x, y)
    for dataset in sources["simulation"]:
        spec = tables.spec_of(dataset)
        common = {"source": "simulation", "gamma": 0.0, "g": spec["g"], "N": spec["N"]}
        parts.append(
            tables.rows(
                quantity="lambda_1 of one network",
                x=spec["N"],
                y=dataset["lyapunov_exponent"].values[:, 0],
                error=dataset["lyapunov_exponent_se"].values[:, 0],
                status=dataset["status"].to_series().map(tables.STATUS_NAMES).to_numpy(object),
                **common,
            )
        )
        for quantity, (_, variable) in QUANTITIES.items():
            values = dataset[variable].values.reshape(spec["networks"], -1)[:, 0]
            average = disorder_average(values, np.zeros_like(values))
            parts.append(
                tables.rows(
                    quantity=[quantity],
                    x=spec["g"] - 1.0,
                    y=average.mean,
                    error=average.error,
                    status=tables.worst_status([dataset]),
                    **common,
                )
            )
    return tables.join(parts)


def _expansions(
    quantity: str, coefficients: np.ndarray, s: np.ndarray, exact: np.ndarray
) -> list[pd.DataFrame]:
    """Rows of the expansions, and of their relative distance from the solution."""
    known = np.flatnonzero(np.nan_to_num(coefficients))
    parts = []
    for source, (terms, _) in ORDERS.items():
        values = polynomial.polyval(s, coefficients[: known[terms - 1] + 1])
        common = {"source": source, "gamma": 0.0, "g": 1.0 + s, "x": s}
        parts.append(tables.rows(quantity=quantity, y=values, **common))
        distance = np.abs(values / exact - 1.0)
        parts.append(tables.rows(quantity=f"distance of {quantity}", y=distance, **common))
    return parts


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels: three quantities, their distance from the expansions, networks, noise."""
    figure, axes = style.new_figure(style.PAGE, 5.2, nrows=2, ncols=3)
    networks = settings["simulation"]
    largest = max(networks["N"])
    for axis, (quantity, (label, _)) in zip(axes[0], QUANTITIES.items(), strict=True):
        rows = table[table["quantity"] == quantity]
        style.draw_theory(axis, _without_noise(rows), "k")
        for source, (_, line) in ORDERS.items():
            expansion = rows[(rows["source"] == source) & (rows["y"] > 0)].sort_values("x")
            axis.plot(expansion["x"], expansion["y"], line, color=style.ACCENT, lw=1.2, zorder=3)
        simulation = rows[(rows["source"] == "simulation") & (rows["N"] == largest)]
        style.draw_samples(axis, simulation, NETWORKS)
        axis.set(xscale="log", yscale="log", xlabel="$g-1$", ylabel=label)
        axis.minorticks_off()
    _draw_distances(axes[1, 0], table)
    _draw_networks(axes[1, 1], table, networks)
    _draw_noise(axes[1, 2], table)
    handles = [
        Line2D([], [], color="k", label="DMFT"),
        *(
            Line2D([], [], ls=line, color=style.ACCENT, label=f"expansion, {source}")
            for source, (_, line) in ORDERS.items()
        ),
        Line2D(
            [], [], marker="o", ls="", color=NETWORKS, mfc="white", mew=0.9,
            label=f"{networks['networks']} networks, $N={largest}$, standard error",
        ),
        Line2D(
            [], [], marker="o", ls="", color=NETWORKS, mfc="white", mew=0.9, alpha=0.6,
            ms=2.5, label="(e): one network each, standard error over trajectories",
        ),
        Line2D([], [], marker="D", ls="", color="k", ms=4, label="(e): mean, standard error"),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    style.label_panels(axes)
    return figure


def _without_noise(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows["source"] == "theory") & (rows["panel"] == "noise 0")]


def _draw_distances(axis: Axes, table: pd.DataFrame) -> None:
    """Relative distance of the expansions from the DMFT."""
    for number, quantity in enumerate(QUANTITIES):
        rows = table[(table["quantity"] == f"distance of {quantity}") & (table["y"] < 1.0)]
        colour = style.colour_of_number(number)
        for source, (_, line) in ORDERS.items():
            near = rows[rows["source"] == source].sort_values("x")
            axis.plot(near["x"], near["y"], line, color=colour, lw=1.2)
    axis.set(xscale="log", yscale="log", xlabel="$g-1$", ylabel="|expansion/DMFT $-$ 1|")
    axis.minorticks_off()
    handles = [
        Line2D([], [], color=style.colour_of_number(number), label=label)
        for number, (label, _) in enumerate(QUANTITIES.values())
    ]
    axis.legend(handles=handles, loc="lower right")


def _draw_networks(axis: Axes, table: pd.DataFrame, networks: dict) -> None:
    """Exponent of each network beside the others of its size."""
    g = networks["g"]
    for position, N in enumerate(networks["N"]):
        rows = table[(table["quantity"] == "lambda_1 of one network") & (table["N"] == N)]
        rows = rows.sort_values("y")
        aside = position + np.linspace(-0.25, 0.05, len(rows))
        axis.errorbar(
            aside, rows["y"], yerr=rows["error"], fmt="o", color=NETWORKS, mfc="white", ms=2.5,
            mew=0.7, elinewidth=0.6, alpha=0.6,
        )  # fmt: skip
        (mean,) = table[
            (table["quantity"] == "lambda_1")
            & (table["source"] == "simulation")
            & (table["N"] == N)
        ].itertuples()
        error = np.nan_to_num(mean.error)
        axis.errorbar(position + 0.25, mean.y, yerr=error, fmt="D", color="k", ms=4, capsize=2)
    theory = _without_noise(table[table["quantity"] == "lambda_1"])
    limit = theory.loc[(theory["g"] - g).abs().idxmin(), "y"]
    axis.axhline(limit, color="k", lw=1.3, zorder=1)
    axis.set_xticks(range(len(networks["N"])), [f"{N}" for N in networks["N"]])
    axis.set(xlabel="$N$", ylabel=rf"$\lambda_1$ at $g={g:g}$")


def _draw_noise(axis: Axes, table: pd.DataFrame) -> None:
    """lambda_1 against g, without and with noise."""
    rows = table[(table["quantity"] == "lambda_1") & (table["source"] == "theory")]
    for number, (panel, curve) in enumerate(rows.groupby("panel")):
        colour = "k" if panel == "noise 0" else style.colour_of_number(number + 1)
        noise = panel.removeprefix("noise ")
        style.draw_theory(axis, curve.assign(x=curve["g"]), colour, label=rf"$\sigma={noise}$")
    axis.axhline(0.0, color="0.6", lw=0.7, zorder=0)
    axis.set(xlabel="$g$", ylabel=r"$\lambda_1$")
    axis.legend(loc="upper left")
