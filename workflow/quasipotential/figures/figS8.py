"""Fig. S8: the audit of the published procedure at low temperature.

Three suspects for its values above the transition: averages over a frozen Monte Carlo sample,
clipping of negative order parameters, and the stopping rule.  Each is switched off in turn.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables

MOVING = 1e-3  # last change, in natural units, of a run that has not come to rest
MARKS = ("o", "s", "^", "D", "v", "P")
VARIANTS = {
    "exact": "exact averages",
    "exact, stopped": "exact averages,\nstopping rule",
    "sampled, stopped": "sampled averages,\nstopping rule",
    "sampled": "sampled averages",
    "sampled, no clipping": "sampled averages,\nno clipping",
    "sampled, no fields": "sampled averages,\n$Q=0$ throughout",
}


def _variant(spec: dict) -> str:
    """Name of a run at the size of the audit, by what is switched on."""
    if spec["averages"] == "quadrature":
        return "exact, stopped" if spec["stopping"] else "exact"
    if not spec["clipping"]:
        return "sampled, no clipping"
    if not spec["fields"]:
        return "sampled, no fields"
    return "sampled, stopped" if spec["stopping"] else "sampled"


def _ratio_rows(dataset: xr.Dataset, exact: xr.DataArray, **columns) -> list[pd.DataFrame]:
    """Rows of q over its exact value, one for each g and sample."""
    spec = tables.spec_of(dataset)
    parts = []
    for g in dataset["g"].values:
        here = dataset.sel(g=g).isel(temperature=0)
        # These runs go on to the limit of iterations: what tells is whether q still moves there.
        statuses = np.where(here["residual"] > MOVING, "not_converged", "converged")
        parts.append(
            tables.rows(
                quantity="q",
                source="theory",
                gamma=spec["gamma"],
                g=g,
                beta=1 / float(here["temperature"]),
                y=(here["q"] / float(exact.sel(g=g))).values,
                status=statuses,
                **columns,
            )
        )
    return parts


def _path_rows(dataset: xr.Dataset, exact: xr.DataArray, variant: str) -> list[pd.DataFrame]:
    """Rows of q over its exact value along the iteration, median over the samples."""
    path = dataset["q_path"].isel(temperature=0).median("sample")
    return [
        tables.rows(
            panel="path",
            sampler=variant,
            quantity="q",
            source="theory",
            gamma=tables.spec_of(dataset)["gamma"],
            g=g,
            x=path["iteration"].values.astype(float),
            y=path.sel(g=g).values / float(exact.sel(g=g)),
        )
        for g in path["g"].values
    ]


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: q over its exact value, for each variant, size, and along the iteration.

    Panels ``variant``, ``outer`` and ``inner`` (the size in ``x``) and ``path`` (the iteration in
    ``x``); the variant stands in ``sampler``.
    """
    runs = [(tables.spec_of(dataset), dataset) for dataset in sources["audit"]]
    exact = {
        tables.spec_of(dataset)["gamma"]: dataset["q"].isel(temperature=0)
        for dataset in sources["replica"]
    }
    parts = []
    for spec, dataset in runs:
        reference = exact[spec["gamma"]]
        variant = _variant(spec)
        usual = (spec["outer"], spec["inner"]) == (settings["outer"], settings["inner"])
        if usual:
            number = list(VARIANTS).index(variant)
            parts += _ratio_rows(
                dataset, reference, panel="variant", sampler=variant, x=float(number)
            )
        if usual and variant in ("exact", "sampled"):
            parts += _path_rows(dataset, reference, variant)
        if variant != "sampled":
            continue
        if spec["inner"] == settings["inner"]:
            parts += _ratio_rows(dataset, reference, panel="outer", x=float(spec["outer"]))
        if spec["outer"] == settings["outer"]:
            parts += _ratio_rows(dataset, reference, panel="inner", x=float(spec["inner"]))
    return tables.join(parts)


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Panels: variants; size of the outer and of the inner sample; q along the iteration."""
    figure, axes = style.new_figure(style.PAGE, 6.0, nrows=2, ncols=2)
    variants, path, outer, inner = axes.flat
    handles = []
    points = [(point["gamma"], point["g"]) for point in settings["points"]]
    for number, (gamma, g) in enumerate(points):
        rows = table[(table["gamma"] == gamma) & np.isclose(table["g"], g)]
        colour, mark = style.colour_of_point(gamma, g), MARKS[number % len(MARKS)]
        look = {"color": colour, "marker": mark, "ls": "", "mfc": "white", "ms": 4}
        shift = 0.12 * (number - (len(points) - 1) / 2)
        for axis, panel in ((variants, "variant"), (outer, "outer"), (inner, "inner")):
            here = rows[rows["panel"] == panel]
            place = here["x"] + shift if panel == "variant" else here["x"] * 1.04 ** (8 * shift)
            axis.plot(place, here["y"], **look)
            moving = (here["status"] != "converged").to_numpy()
            axis.plot(place[moving], here["y"][moving], "x", color=colour, ms=4)
        for variant, dashes in (("sampled", "-"), ("exact", ":")):
            curve = rows[(rows["panel"] == "path") & (rows["sampler"] == variant)].sort_values("x")
            every = max(len(curve) // 8, 1)
            path.plot(
                curve["x"],
                curve["y"],
                **look | {"ls": dashes},
                markevery=(number * every // 4, every),
            )
        handles.append(Line2D([], [], label=rf"$\gamma={gamma:g}$, $g={g:g}$", **look))
    handles.append(Line2D([], [], marker="x", ls="", color="k", ms=4, label="still moving"))
    for axis in axes.flat:
        axis.axhline(1, color="0.5", lw=0.8, zorder=0)
        axis.set(yscale="log", ylabel=r"$q\,/\,q_{\mathrm{exact}}$")
    variants.set_xticks(range(len(VARIANTS)), VARIANTS.values(), rotation=45, ha="right")
    variants.tick_params(axis="x", labelsize=7)
    path.set(xlabel="iteration")
    lines = [
        Line2D([], [], color="k", label="sampled averages"),
        Line2D([], [], color="k", ls=":", label="exact averages"),
    ]
    path.legend(handles=lines, loc="lower right")
    outer.set(xscale="log", xlabel=f"draws of the fields ({settings['inner']} of $x$ for each)")
    inner.set(xscale="log", xlabel=f"draws of $x$ for each of {settings['outer']} draws of fields")
    for axis, sizes in ((outer, "outer"), (inner, "inner")):
        ticks = sorted([settings[sizes], *settings[f"{sizes}s"]])
        axis.set_xticks(ticks, [f"{size:g}" for size in ticks])
        axis.minorticks_off()
        axis.set_yscale("log")
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    style.label_panels(axes)
    return figure
