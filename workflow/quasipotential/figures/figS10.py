"""Fig. S10: sampling extrapolated to N -> infinity against every branch of the replica theory.

|overlap| is extrapolated in 1/sqrt(N), the rest in 1/N (module `finite_size`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .. import finite_size
from . import style, tables

#: Quantity -> (label, variable of the samples, power p of the abscissa N^(-p)).
QUANTITIES = {
    "q": ("$q$", "q", 1.0),
    "scaled_energy": (r"$2\beta E/N$", "energy", 1.0),
    "overlap": (r"$\langle|\phi^a\cdot\phi^b|\rangle/N$", "overlap_absolute", 0.5),
    # States of both signs are sampled, which leaves of Rp nothing: G_d = G + Rp, not G.
    "G_d": (r"$\beta\langle r\cdot\phi\rangle/N$", "response_diagonal", 1.0),
}
OBSERVED = ["status"] + [
    f"{variable}_{part}" for _, variable, _ in QUANTITIES.values() for part in ("mean", "mcse")
]
ABSCISSAE = {1.0: "$1/N$", 0.5: r"$1/\sqrt{N}$"}
DRAWN = ("q", "scaled_energy", "overlap")
#: Branch -> (name in the legend, dashes where it is not selected).
BRANCHES = {
    "descending": ("$Q=0$", "--"),
    "ascending": ("$Q=0$, ascending", ":"),
    "vanishing": ("$Q=0$, vanishing", "-."),
    "full": ("$Q>0$", (0, (5, 2, 1, 2))),
}
LINE_POINTS = 41
ROOM = 0.17  # of the height of a panel, for each line of its legend
ROUNDING = 1e-8  # of g and gamma
SAME = 1e-6  # relative difference below which a candidate is the selected solution
BOOTSTRAP_SEED = 0


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows of all points; the name of a branch stands in ``sampler``.

    - panel ``sizes``: means over networks, x = N^(-p); those not equilibrated are not fitted;
    - panel ``fit``: the line and its standard error, x = N^(-p);
    - panel ``limit``: the extrapolated value with its whole error, x = 0, N = inf;
    - panel ``statistics``, quantity ``<quantity>: chi2`` (x: degrees of freedom), ``<quantity>:
      statistical error`` and ``<quantity>: systematic error`` of the limit;
    - panel ``branch``: values of a branch; quantity ``selected``: whether the theory selects it;
    - panel of the name of a quantity, or ``all``: quantity ``p_value`` of a branch, x: its z.

    Raises
    ------
    ValueError
        If two algorithms, or planted and other networks, are at the same point: at finite N their
        averages differ.
    """
    parts = []
    for point in settings["points"]:
        g, gamma = point["g"], point["gamma"]
        datasets = _at_point(sources["sampling"], g, gamma, settings["beta"])
        kinds = {_kind(tables.sampled_spec(dataset)) for dataset in datasets}
        if len(kinds) > 1:
            raise ValueError(
                f"g = {g:g}, gamma = {gamma:g} is sampled by {' and '.join(sorted(kinds))}; "
                "an extrapolation takes one of them"
            )
        columns = {"g": g, "gamma": gamma, "beta": settings["beta"]}
        sampled = {name: _sampled(datasets, name, settings["beta"]) for name in QUANTITIES}
        parts += sampled.values()
        extrapolations = {
            name: finite_size.extrapolate(
                _networks(datasets, name, rows, settings["beta"]),
                QUANTITIES[name][2],
                np.random.default_rng(BOOTSTRAP_SEED),
            )
            for name, rows in sampled.items()
            if (rows["status"] == "converged").sum() > 1
        }
        for name, extrapolation in extrapolations.items():
            parts += _extrapolation_rows(name, extrapolation, columns)
        for branch in _branches(sources["replica"], g, gamma, settings["beta"]):
            parts.append(_branch_rows(branch, columns))
            if extrapolations:
                judgement = finite_size.judge(extrapolations, branch.values)
                parts.append(_p_rows(branch.name, judgement, columns))
    return tables.join(parts)


def _at_point(datasets: list[xr.Dataset], g: float, gamma: float, beta: float) -> list[xr.Dataset]:
    """The samples at a point, each at one temperature, without what is not extrapolated."""
    here = []
    for dataset in datasets:
        spec = tables.sampled_spec(dataset)
        if max(abs(spec["g"] - g), abs(spec["couplings"]["gamma"] - gamma)) > ROUNDING:
            continue
        near = np.isclose(dataset["temperature"].values * beta, 1)
        if near.any():
            here.append(dataset[OBSERVED].isel(temperature=[np.argmax(near)]))
    return here


def _kind(spec: dict) -> str:
    planted = spec["couplings"].get("planted") is not None
    return f"{spec['algorithm']} on {'planted' if planted else 'unweighted'} networks"


def _scale(name: str, beta: float) -> float:
    return 2 * beta if name == "scaled_energy" else 1.0


def _sampled(datasets: list[xr.Dataset], name: str, beta: float) -> pd.DataFrame:
    """Means over networks, one row for each N."""
    _, variable, power = QUANTITIES[name]
    rows = tables.sampling_rows(datasets, name, variable, "beta")
    scale = _scale(name, beta)
    return rows.assign(
        panel="sizes", x=rows["N"] ** -power, y=rows["y"] * scale, error=rows["error"] * scale
    )


def _networks(
    datasets: list[xr.Dataset], name: str, rows: pd.DataFrame, beta: float
) -> list[finite_size.Networks]:
    """Values on single networks, of the sizes that equilibrated."""
    variable = QUANTITIES[name][1]
    networks = []
    for N in rows.loc[rows["status"] == "converged", "N"]:
        here = (
            dataset for dataset in datasets if tables.sampled_spec(dataset)["couplings"]["N"] == N
        )
        values, errors = _scale(name, beta) * np.array(tables.on_networks(here, variable))
        networks.append(finite_size.Networks(int(N), values, errors))
    return networks


def _extrapolation_rows(
    name: str, extrapolation: finite_size.Extrapolation, columns: dict
) -> list[pd.DataFrame]:
    fit = extrapolation.fit
    x = np.linspace(0, float(fit.sizes.min()) ** -extrapolation.power, LINE_POINTS)
    line = finite_size.line(extrapolation, x)
    common = {"source": "theory", **columns}
    return [
        tables.rows(panel="fit", quantity=name, x=x, y=line.y, error=line.error, **common),
        tables.rows(
            panel="limit",
            quantity=[name],
            N=np.inf,
            x=0.0,
            y=extrapolation.limit,
            error=extrapolation.error,
            **common,
        ),
        tables.rows(
            panel="statistics",
            quantity=[f"{name}: {what}" for what in ("chi2", "statistical error")]
            + [f"{name}: systematic error"],
            x=[fit.dof, np.nan, np.nan],
            y=[fit.chi2, extrapolation.statistical, extrapolation.systematic],
            **common,
        ),
    ]


@dataclass(frozen=True)
class Branch:
    """A solution of the replica theory at one point: its values by quantity."""

    name: str
    values: dict[str, float]
    selected: bool
    status: str


def _branches(replica: list[xr.Dataset], g: float, gamma: float, beta: float) -> list[Branch]:
    """Each solution found at a point."""
    found = []
    for dataset in replica:
        near = np.isclose(dataset["g"], g)
        if not (np.isclose(tables.spec_of(dataset)["gamma"], gamma) and near.any()):
            continue
        here = dataset.isel(g=int(np.argmax(near))).sel(temperature=1 / beta, method="nearest")
        if not np.isclose(here["temperature"] * beta, 1):
            continue
        for name in here["candidate"].values:
            solution = {
                key: float(here[f"candidate_{key}"].sel(candidate=name))
                for key in ("q", "Q", "G", "Rp", "energy")
            }
            if not np.isfinite(solution["q"]):
                continue
            selected = all(
                abs(solution[key] - float(here[key])) <= SAME * scale
                for key, scale in (("q", solution["q"]), ("Q", solution["q"]), ("G", 1.0))
            )
            values = {
                "q": solution["q"],
                "scaled_energy": _scale("scaled_energy", beta) * solution["energy"],
                "overlap": solution["Q"],
                "G_d": solution["G"] + solution["Rp"],
            }
            status = tables.STATUS_NAMES[int(here["status"])] if selected else "converged"
            found.append(Branch(str(name), values, selected, status))
    return found


def _branch_rows(branch: Branch, columns: dict) -> pd.DataFrame:
    return tables.rows(
        panel="branch",
        quantity=[*branch.values, "selected"],
        source="theory",
        sampler=branch.name,
        y=[*branch.values.values(), float(branch.selected)],
        status=branch.status,
        **columns,
    )


def _p_rows(name: str, judgement: finite_size.Judgement, columns: dict) -> pd.DataFrame:
    comparisons = judgement.comparisons
    return tables.rows(
        panel=[*comparisons, "all"],
        quantity="p_value",
        source="theory",
        sampler=name,
        x=[*(comparison.z for comparison in comparisons.values()), np.nan],
        y=[*(comparison.p_value for comparison in comparisons.values()), judgement.p_value],
        **columns,
    )


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """One row of panels for each point: q, 2E/(NT) and the mean absolute overlap."""
    points = settings["points"]
    figure, axes = style.new_figure(
        style.PAGE, 0.4 + 2.1 * len(points), nrows=len(points), ncols=len(DRAWN)
    )
    for row, point in zip(axes, points, strict=True):
        g, gamma = point["g"], point["gamma"]
        here = table[np.isclose(table["g"], g) & np.isclose(table["gamma"], gamma)]
        colour = style.colour_of_point(gamma, g)
        for axis, name in zip(row, DRAWN, strict=True):
            _draw_panel(axis, here, name, colour)
        row[0].set_title(rf"$\gamma={gamma:g}$, $g={g:.4g}$", loc="right")
        row[-1].set_title(_verdict(here), loc="right", fontsize=8)
    figure.legend(handles=_handles(table), loc="outside upper center", ncols=3)
    style.label_panels(axes[:, 0])
    return figure


def _verdict(rows: pd.DataFrame) -> str:
    """Combined p-values of the branches at a point."""
    combined = rows[(rows["quantity"] == "p_value") & (rows["panel"] == "all")]
    texts = [
        f"{BRANCHES[name][0]}: $p={style.in_powers(p)}$"
        for name, p in zip(combined["sampler"], combined["y"], strict=True)
    ]
    return "all together: " + ", ".join(texts) if texts else "no limit: too few sizes equilibrated"


def _draw_panel(axis: Axes, rows: pd.DataFrame, name: str, colour) -> None:
    label, _, power = QUANTITIES[name]
    here = rows[rows["quantity"] == name]
    line = here[here["panel"] == "fit"].sort_values("x")
    low, high = line["y"] - line["error"], line["y"] + line["error"]
    axis.fill_between(line["x"], low, high, color=colour, alpha=0.2, lw=0)
    axis.plot(line["x"], line["y"], color=colour, lw=1.0)
    sizes = here[here["panel"] == "sizes"]
    for sampler, group in sizes.groupby("sampler"):
        style.draw_samples(axis, group, colour, style.SAMPLER_MARKS[sampler])
    limit = here[here["panel"] == "limit"]
    axis.errorbar(limit["x"], limit["y"], yerr=limit["error"], fmt="s", color=colour, capsize=2)
    branches = rows[rows["panel"] == "branch"].pivot(
        index="sampler", columns="quantity", values="y"
    )
    p_values = rows[rows["quantity"] == "p_value"]
    p_values = p_values[p_values["panel"] == name].set_index("sampler")["y"]
    handles = []
    for branch, values in branches.iterrows():
        text, dashes = BRANCHES[branch]
        look = {"color": "k", "lw": 0.9, "ls": "-" if values["selected"] else dashes}
        axis.axhline(values[name], zorder=1, **look)
        if branch in p_values:
            text = f"{text}: $p={style.in_powers(p_values[branch])}$"
        handles.append(Line2D([], [], label=text, **look))
    bottom, top = axis.get_ylim()
    axis.set_ylim(bottom, top + ROOM * len(handles) * (top - bottom))
    axis.legend(handles=handles, loc="upper center", fontsize=7, handlelength=1.8)
    axis.set(xlabel=ABSCISSAE[power], ylabel=label)


def _handles(table: pd.DataFrame) -> list[Line2D]:
    handles = [
        *style.sample_handles(table[table["panel"] == "sizes"]),
        Line2D([], [], marker="s", ls="-", color="k", lw=1.0, label=r"limit $N\to\infty$, fit"),
        Line2D([], [], color="k", lw=0.9, label="replica theory, selected"),
    ]
    selected = table[(table["panel"] == "branch") & (table["quantity"] == "selected")]
    if (selected["y"] == 0).any():
        handles.append(Line2D([], [], color="k", lw=0.9, ls="--", label="replica theory, other"))
    return handles
