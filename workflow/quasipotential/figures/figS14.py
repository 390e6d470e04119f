"""Fig. S14: the replica theory, static DMFT and the attractor, and what makes them differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..disorder import disorder_average
from . import style, tables

REPLICA, STATIC, UNIFORM, ATTRACTOR = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
#: Weight of a fixed point -> colour, mark, label.  Two theories have their own weight.
WEIGHTS = {
    "boltzmann": (REPLICA, "o", r"$1/|\det|$"),
    "signed": (STATIC, "s", r"$\mathrm{sign}\,\det$"),
    "uniform": (UNIFORM, "^", "1"),
}
PAIRS = {"q": ("q", "C"), "G": ("G", "R_int")}
DASHES = ("-", "--", ":")
NEAR = 0.1  # |gamma| up to which the first order is drawn
LARGEST_ERROR = 0.05  # of an integrated average that is drawn


def _replica(plane: xr.Dataset, quantity: str) -> list[pd.DataFrame]:
    """Rows of the replica theory at every gamma, g and T."""
    return [
        tables.theory_rows(
            plane.sel(gamma=gamma), quantity, plane[quantity].sel(gamma=gamma), "g", float(gamma),
            panel="replica",
        )
        for gamma in plane["gamma"].values
    ]  # fmt: skip


def _static(dmft: xr.Dataset, quantity: str) -> list[pd.DataFrame]:
    return [
        tables.theory_rows(
            dmft.sel(gamma=gamma), quantity, dmft[quantity].sel(gamma=gamma), "g", float(gamma),
            panel="static",
        )
        for gamma in dmft["gamma"].values
    ]  # fmt: skip


def _at_zero(dmft: xr.Dataset) -> list[pd.DataFrame]:
    """Rows of what is known at gamma = 0: attractor, uniform count, slopes."""
    return [
        tables.rows(
            panel=name,
            quantity="q",
            source="theory",
            gamma=0.0,
            g=dmft["g"].values,
            x=dmft["g"].values,
            y=dmft[f"q_{name}"].values,
            error=dmft[f"q_{name}_error"].values,
            status=[tables.STATUS_NAMES[int(code)] for code in dmft["status_at_zero"]],
        )
        for name in ("attractor", "uniform")
    ] + [
        tables.rows(
            panel="slope",
            quantity=name,
            source="theory",
            gamma=0.0,
            g=dmft["g"].values,
            x=dmft["g"].values,
            y=dmft[name].values,
            error=np.abs(dmft[name] * dmft["slope_error"]).values,
        )
        for name in ("slope_C", "slope_q")
    ]


def _networks(dataset: xr.Dataset) -> list[pd.DataFrame]:
    """Rows of both routes to the weighted averages; the sampler column says which route."""
    parts = []
    for route in ("enumerated", "integrated"):
        frame = dataset[[f"q_{route}", f"q_{route}_error", "status"]].to_dataframe().reset_index()
        frame = frame[np.isfinite(frame[f"q_{route}"])]
        judged = frame["status"].map(tables.STATUS_NAMES).to_numpy(object)
        parts.append(
            tables.rows(
                panel="weights",
                quantity="q_" + frame["weight"].astype(str).to_numpy(object),
                source="simulation",
                sampler=route,
                gamma=frame["gamma"].to_numpy(float),
                g=tables.spec_of(dataset)["g"],
                N=frame["N"].to_numpy(float),
                x=1 / frame["N"].to_numpy(float),
                y=frame[f"q_{route}"].to_numpy(float),
                error=frame[f"q_{route}_error"].to_numpy(float),
                status=judged if route == "enumerated" else "converged",
            )
        )
    return parts


def _attractors(datasets: list[xr.Dataset], settings: dict) -> list[pd.DataFrame]:
    """Rows of the time averages of phi^2 on networks."""
    groups: dict[float, list[xr.Dataset]] = {}
    for dataset in tables.each_network(datasets):
        groups.setdefault(tables.spec_of(dataset)["couplings"]["gamma"], []).append(dataset)
    parts = []
    for gamma, members in sorted(groups.items()):
        values = np.array(
            [float(ds["autocorrelation_phi"].isel(trajectory=0, lag=0)) for ds in members]
        )
        mean = disorder_average(values, np.zeros_like(values))
        parts.append(
            tables.rows(
                panel="attractor",
                quantity=["q"],
                source="simulation",
                gamma=gamma,
                g=settings["g"][-1],
                N=settings["attractor"]["N"],
                x=settings["g"][-1],
                y=mean.mean,
                error=mean.error,
                status=tables.worst_status(members),
            )
        )
    return parts


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows by panel: ``replica``, ``static``, ``attractor``, ``uniform`` at every gamma and g,
    ``weights`` against 1/N."""
    (plane,), (dmft,), (networks,) = sources["replica"], sources["dmft"], sources["networks"]
    return tables.join(
        [
            *_replica(plane, "q"),
            *_replica(plane, "G"),
            *_static(dmft, "C"),
            *_static(dmft, "R_int"),
            *_at_zero(dmft),
            *_networks(networks),
            *_attractors(sources["attractor"], settings),
        ]
    )


def _draw_curves(axis, table: pd.DataFrame, settings: dict, quantity: str) -> None:
    """One order parameter against gamma at the largest g: replica theory and static DMFT."""
    of_replica, of_static = PAIRS[quantity]
    here = table[np.isclose(table["g"], settings["g"][-1])]
    here = here.assign(x=here["gamma"])
    replica = here[(here["panel"] == "replica") & (here["quantity"] == of_replica)]
    style.draw_theory(axis, replica[np.isinf(replica["beta"])], REPLICA)
    warm = replica[np.isclose(replica["beta"], min(settings["beta"]))]
    style.draw_theory(axis, warm, REPLICA, ls=":")
    static = here[here["quantity"] == of_static]
    style.draw_theory(axis, static[static["status"] == "converged"], STATIC, ls="--")
    style.mark_failures(axis, static)
    axis.set(xlabel=r"$\gamma$")


def _draw_difference(axis, table: pd.DataFrame, settings: dict) -> None:
    """q(T) - C at gamma = 0 against T, with the value at T = 0 as a bound."""
    zero = table[table["gamma"] == 0]
    for g in settings["g"]:
        replica = zero[(zero["panel"] == "replica") & (zero["quantity"] == "q")]
        replica = replica[np.isclose(replica["g"], g)]
        static = zero[(zero["quantity"] == "C") & np.isclose(zero["g"], g)].iloc[0]
        warm = replica[np.isfinite(replica["beta"])]
        T, difference = 1 / warm["beta"], warm["y"] - static["y"]
        error = np.hypot(warm["error"], static["error"])
        colour = style.colour_of_g(g)
        axis.errorbar(
            T, difference, yerr=error, fmt="o-", color=colour, label=f"$g={g:g}$", capsize=2, ms=3.5
        )
    axis.set(xscale="log", yscale="log", xlabel="$T$", ylabel="$q(T)-C$ at $\\gamma=0$")
    axis.legend(loc="upper left")


def _draw_weights(axis, table: pd.DataFrame, settings: dict, gamma: float) -> None:
    """Weighted averages against 1/N at one gamma, and the theories at 1/N = 0."""
    rows = table[(table["panel"] == "weights") & (table["gamma"] == gamma)]
    g = settings["g"][-1]
    for weight, (colour, mark, _) in WEIGHTS.items():
        here = rows[rows["quantity"] == f"q_{weight}"].sort_values("x")
        integrated = here[(here["sampler"] == "integrated") & (here["error"] < LARGEST_ERROR)]
        axis.errorbar(
            integrated["x"], integrated["y"], integrated["error"], color=colour, lw=1, capsize=1.5
        )
        style.draw_samples(axis, here[here["sampler"] == "enumerated"], colour, mark)
    theory = table[np.isclose(table["g"], g) & np.isclose(table["gamma"], gamma)]
    cold = theory[np.isinf(theory["beta"]) & (theory["quantity"] == "q")]
    limits = {"boltzmann": cold, "signed": theory[theory["quantity"] == "C"]}
    limits["uniform"] = theory[theory["panel"] == "uniform"]
    for weight, limit in limits.items():
        if limit.empty:  # the uniform count at gamma != 0
            continue
        colour, mark, _ = WEIGHTS[weight]
        size = 9 if weight == "boltzmann" else 5.5  # where they coincide both show
        axis.plot(
            np.zeros(len(limit)), limit["y"], mark, color=colour, ms=size, clip_on=False, zorder=6
        )
    axis.set(xlabel="$1/N$", ylabel="weighted mean of $q$", title=rf"$\gamma={gamma:g}$")
    axis.set_xlim(left=0)


def _draw_slopes(axis, table: pd.DataFrame, settings: dict) -> None:
    """q - C at T = 0 near gamma = 0, and its first order."""
    cold = (table["panel"] == "replica") & np.isinf(table["beta"]) & (table["quantity"] == "q")
    key = ["gamma", "g"]
    both = table[cold].merge(table[table["quantity"] == "C"], on=key, suffixes=("", "_static"))
    both = both[both["gamma"].abs() <= NEAR]
    for number, g in enumerate(settings["g"]):
        here = both[np.isclose(both["g"], g)]
        error = np.hypot(here["error"], here["error_static"])
        difference = here.assign(x=here["gamma"], y=here["y"] - here["y_static"], error=error)
        colour = style.colour_of_g(g)
        style.draw_samples(axis, difference, colour, "os^D"[number % 4])
        slope = table[(table["panel"] == "slope") & np.isclose(table["g"], g)]
        slope = slope.set_index("quantity")["y"]
        gamma = np.array([-NEAR, NEAR])
        line = gamma * (slope["slope_q"] - slope["slope_C"])
        # The slopes are so close that each line must show through the next.
        axis.plot(gamma, line, color=colour, ls=DASHES[number % 3], label=f"$g={g:g}$")
    axis.set(xlabel=r"$\gamma$", ylabel="$q-C$ at $T=0$")
    axis.legend(loc="lower left")


def _handles(table: pd.DataFrame, settings: dict) -> list[Line2D]:
    """Legend entries of the panels that have no legend of their own."""
    warm = 1 / min(settings["beta"])
    handles = [
        Line2D([], [], color=REPLICA, label=r"replica, $T\to0$"),
        Line2D([], [], color=REPLICA, ls=":", label=f"replica, $T={warm:g}$"),
        Line2D([], [], color=STATIC, ls="--", label="static DMFT"),
        Line2D([], [], color="red", marker="x", ls="", label=r"the same, $\rho\geq1$"),
        Line2D([], [], color=ATTRACTOR, marker="D", ls="", label=r"attractor, $\gamma=0$"),
        Line2D([], [], color=UNIFORM, marker="^", ls="", label=r"uniform count, $\gamma=0$"),
    ]
    if (table["panel"].eq("attractor") & table["source"].eq("simulation")).any():
        networks = settings["attractor"]
        handles.append(style.network_handle(networks["networks"], networks["N"]))
    return handles + [
        Line2D([], [], color=colour, marker=mark, mfc="white", label=f"weight {label}")
        for colour, mark, label in WEIGHTS.values()
    ]


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels: q and G against gamma; q(T) - C at gamma = 0; weighted averages against 1/N; q - C
    near gamma = 0."""
    gammas = settings["weighting"]["gamma"]
    figure, axes = style.new_figure(style.PAGE, 5.0, nrows=2, ncols=max(3, len(gammas) + 1))
    top, bottom = axes
    _draw_curves(top[0], table, settings, "q")
    _draw_curves(top[1], table, settings, "G")
    marks = table[table["panel"].isin(["attractor", "uniform"])]
    marks = marks[np.isclose(marks["g"], settings["g"][-1])]
    for panel, colour, mark in (("attractor", ATTRACTOR, "D"), ("uniform", UNIFORM, "^")):
        here = marks[(marks["panel"] == panel) & (marks["source"] == "theory")]
        top[0].plot(here["gamma"], here["y"], mark, color=colour, ms=5, zorder=5)
    simulated = marks[marks["source"] == "simulation"]
    style.draw_samples(top[0], simulated.assign(x=simulated["gamma"]), "k")
    top[0].set(ylabel=f"$q$, $C$ at $g={settings['g'][-1]:g}$")
    top[1].set(ylabel=rf"$G$, $R_{{\mathrm{{int}}}}$ at $g={settings['g'][-1]:g}$")
    _draw_difference(top[2], table, settings)
    for axis, gamma in zip(bottom, gammas, strict=False):
        _draw_weights(axis, table, settings, gamma)
    _draw_slopes(bottom[len(gammas)], table, settings)
    for axis in [*top[3:], *bottom[len(gammas) + 1 :]]:
        axis.axis("off")
    style.label_panels([*top[:3], *bottom[: len(gammas) + 1]])
    figure.legend(
        handles=_handles(table, settings), loc="outside lower center", ncols=5, fontsize=7
    )
    return figure
