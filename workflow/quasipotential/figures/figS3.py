"""Fig. S3: sampling at finite N against the replica theory, over temperature."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import style, tables

#: Quantity -> (label, variable of the theory, variable of the samples).
QUANTITIES = {
    "q": ("$q$", "q", "q"),
    "scaled_energy": (r"$2\beta E/N$", "energy", "energy"),
    "G": ("$G$", "G", "response"),
    "overlap": (r"$\langle|\phi^a\cdot\phi^b|\rangle/N$", "Q", "overlap_absolute"),
}


def tabulate(sources: dict, published: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """Rows: each quantity over beta; theory only for the sampled pairs (g, gamma)."""
    sampled = {
        (spec["g"], spec["couplings"]["gamma"])
        for spec in map(tables.sampled_spec, sources["sampling"])
    }
    parts = [tables.published_rows(published, "g")]
    for quantity, (_, of_theory, of_samples) in QUANTITIES.items():
        for dataset in sources["replica"]:
            gamma = tables.spec_of(dataset)["gamma"]
            rows = tables.theory_rows(dataset, quantity, dataset[of_theory], "beta", gamma)
            parts.append(rows[[(g, gamma) in sampled for g in rows["g"]]])
        parts.append(tables.sampling_rows(sources["sampling"], quantity, of_samples, "beta"))
    table = tables.join(parts)
    energy = table["quantity"] == "scaled_energy"
    scale = 2 * table.loc[energy, "beta"]
    table.loc[energy, "y"] *= scale
    table.loc[energy, "error"] *= scale
    return table


def draw(table: pd.DataFrame, settings: dict) -> Figure:
    """Four panels against temperature; one colour for each pair (g, gamma)."""
    figure, axes = style.new_figure(style.PAGE, 5.0, nrows=2, ncols=2)
    theory = table[table["source"] == "theory"]
    pairs = sorted(set(zip(theory["gamma"], theory["g"], strict=True)))
    looks = {
        (gamma, g): (style.colour_of_point(gamma, g), style.DASHES[number % 3])
        for number, (gamma, g) in enumerate(pairs)
    }
    for axis, (quantity, (label, _, _)) in zip(axes.flat, QUANTITIES.items(), strict=True):
        rows = table[table["quantity"] == quantity].assign(x=lambda rows: 1 / rows["beta"])
        for (gamma, g), (colour, dashes) in looks.items():
            here = rows[(rows["gamma"] == gamma) & np.isclose(rows["g"].astype(float), g)]
            style.draw_theory(axis, here[here["source"] == "theory"], colour, ls=dashes)
            for sampler, group in here[here["source"] == "sampling"].groupby("sampler"):
                style.draw_samples(axis, group, colour, style.SAMPLER_MARKS[sampler])
        axis.set(xscale="log", xlabel="temperature $T$", ylabel=label)
    axes.flat[0].set_yscale("log")
    handles = [
        Line2D(
            [],
            [],
            color=colour,
            ls=dashes,
            label=f"replica theory, $g={g:.4g},\\ \\gamma={gamma:g}$",
        )
        for (gamma, g), (colour, dashes) in looks.items()
    ]
    handles += style.sample_handles(table[table["source"] == "sampling"])
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    style.label_panels(axes)
    return figure
