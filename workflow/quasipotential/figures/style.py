"""One look for all figures: sizes, colours, marks.

Theory is a line, sampling and simulation are open marks with error bars, published values are small
grey marks.  A value of gamma or g has the same colour in every figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from string import ascii_lowercase

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

DARK = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
GREY = "0.4"
ACCENT = "#d55e00"  # boundaries on a map of colours
#: Values of g with a colour of their own; others take one from a continuous map.
COLOURS_OF_G = {
    0.8: "#0173b2",
    0.9: "#d55e00",
    0.98: "#56b4e9",
    1.0: "#029e73",
    1.02: "#cc78bc",
    1.1: "#ca9161",
    1.2: "#de8f05",
}
#: Width of one column and of the page of a journal, inches.
COLUMN, PAGE = 3.4, 7.0
PUBLISHED_MARKS = ("s", "o", "^", "D", "v", "P", "<")
#: Lines of curves that may coincide: each lets the one below it show.
DASHES = ("-", (0, (4, 4)), (0, (1, 3)))
SYMBOLS = {
    "q": "$q$",
    "Q": "$Q$",
    "r": "$r$",
    "R": "$R$",
    "G": "$G$",
    "energy": "$E/N$",
    "mean_square_x": r"$\langle x^2\rangle$",
    "chi": r"$\chi$",
    "r_tilde": r"$\tilde r$",
    "C": "$C$",
    "R_int": r"$R_{\mathrm{int}}$",
}


@contextmanager
def paper_style() -> Iterator[None]:
    """Settings under which a figure is drawn and saved."""
    settings = {
        # Dark grey in the place of black, broad ends of lines.
        **dict.fromkeys(DARK, "0.15"),
        "lines.solid_capstyle": "round",
        "patch.edgecolor": "white",
        "patch.force_edgecolor": True,
        "axes.axisbelow": True,
        "grid.color": "0.8",
        # As in most journals, and quick to embed.
        "font.family": "STIXGeneral",
        "mathtext.fontset": "stix",
        "font.size": 9,
        "axes.labelsize": 10,
        "axes.titlesize": 10,
        "legend.fontsize": 8,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "axes.linewidth": 0.7,
        "lines.linewidth": 1.3,
        "lines.markersize": 4,
        "legend.frameon": True,
        "legend.framealpha": 0.9,
        "legend.edgecolor": "none",
        "legend.fancybox": False,
        "figure.constrained_layout.use": True,
        "savefig.dpi": 200,
        "pdf.fonttype": 42,
        "svg.fonttype": "path",
        "svg.hashsalt": "quasipotential",
    }
    with mpl.rc_context(settings):
        yield


def colour_of_gamma(gamma: float) -> tuple[float, ...]:
    """Colour of a value of gamma: dark for 0 to light green for 1, orange to purple below 0."""
    if gamma < 0:
        return mpl.colormaps["plasma"](0.8 + 0.5 * float(gamma))
    return mpl.colormaps["viridis"](0.85 * float(gamma) ** 0.6)  # small gammas lie apart


def colour_of_g(g: float) -> tuple[float, ...]:
    """Colour of a value of g."""
    for value, colour in COLOURS_OF_G.items():
        if abs(g - value) < 1e-9:
            return mpl.colors.to_rgb(colour)
    return mpl.colormaps["plasma"](float(np.clip((g - 1.2) / 3.6, 0.0, 0.6)))


def colour_of_point(gamma: float, g: float) -> tuple[float, ...]:
    """Colour of a pair (gamma, g): that of g at gamma = 0, that of gamma elsewhere."""
    return colour_of_g(g) if gamma == 0 else colour_of_gamma(gamma)


def colour_of_number(number: int) -> tuple[float, ...]:
    """Colour of the curve with this number, where curves differ in more than one parameter."""
    import seaborn  # it takes a second, which most figures save

    return seaborn.color_palette("colorblind")[number % 10]


def sequential_map() -> mpl.colors.Colormap:
    """Map of colours for a quantity that is positive; even in lightness, dark is small."""
    return mpl.colormaps["cividis"]


def colours_of_temperatures(betas: list[float]) -> dict[float, tuple[float, ...]]:
    """Colours by beta, in rising order: dark is cold."""
    shades = sequential_map()(np.linspace(0.85, 0.0, len(betas)))
    return dict(zip(betas, map(tuple, shades), strict=True))


def plain_ticks(axis: Axes) -> None:
    """Ticks that say their value, all with as many digits, without a factor beside the axis."""
    axis.ticklabel_format(style="plain", useOffset=False)


def in_powers(number: float, digits: int = 2) -> str:
    """A number for a formula in a text: powers of ten as such."""
    mantissa, _, exponent = f"{number:.{digits}g}".partition("e")
    return mantissa + (rf"\times10^{{{int(exponent)}}}" if exponent else "")


def label_panels(axes) -> None:
    """Write (a), (b), ... above the panels."""
    for letter, axis in zip(ascii_lowercase, np.ravel(axes), strict=False):
        axis.set_title(f"({letter})", loc="left", fontweight="bold")


def draw_theory(axis: Axes, rows: pd.DataFrame, colour, label: str | None = None, **line) -> None:
    """Theory as a line; points whose status is not ``converged`` as red crosses."""
    rows = rows.sort_values("x")
    axis.plot(rows["x"], rows["y"], color=colour, label=label, zorder=2, **line)
    mark_failures(axis, rows)


def mark_failures(axis: Axes, rows: pd.DataFrame) -> None:
    """Red crosses where the status is not ``converged``, at the foot where there is no value."""
    failed = rows[rows["status"] != "converged"]
    known = np.isfinite(failed["y"])
    axis.plot(failed["x"][known], failed["y"][known], "x", color="red", zorder=3)
    foot = np.full((~known).sum(), 0.02)
    axis.plot(
        failed["x"][~known], foot, "x", color="red", transform=axis.get_xaxis_transform(), zorder=3
    )


def draw_samples(axis: Axes, rows: pd.DataFrame, colour, mark: str = "o") -> None:
    """Sampled means with standard errors: open marks; crossed out where not equilibrated."""
    for status, group in rows.groupby("status"):
        axis.errorbar(
            group["x"],
            group["y"],
            yerr=group["error"].fillna(0.0),
            fmt=mark,
            color=colour,
            mfc="white",
            mew=0.9,
            elinewidth=0.8,
            capsize=1.5,
            zorder=4,
        )
        if status != "converged":
            axis.plot(group["x"], group["y"], "x", color=colour, ms=4, mew=0.8, zorder=5)


def draw_published(axis: Axes, rows: pd.DataFrame, mark: str = "s", **marker) -> None:
    """Published values, digitised, with their reading errors."""
    marker = {"ms": 2.8, "mec": "white", "mew": 0.3} | marker
    axis.errorbar(
        rows["x"],
        rows["y"],
        yerr=rows["error"],
        fmt=mark,
        color=GREY,
        elinewidth=0.5,
        zorder=3,
        **marker,
    )


def sample_handles(rows: pd.DataFrame) -> list[Line2D]:
    """Legend entries for the samplers that stand in a table."""
    open_mark = {"ls": "", "color": "k", "mfc": "white", "mew": 0.9}
    handles = [
        Line2D([], [], marker=SAMPLER_MARKS[name], label=SAMPLER_NAMES[name], **open_mark)
        for name in SAMPLER_MARKS
        if (rows["sampler"] == name).any()
    ]
    if (rows["status"] == "not_equilibrated").any():
        handles.append(Line2D([], [], marker="x", ls="", color="k", label="not equilibrated"))
    return handles


SAMPLER_MARKS = {"hmc": "o", "mala": "^", "euler-maruyama": "D"}
SAMPLER_NAMES = {
    "hmc": "sampling, HMC",
    "mala": "sampling, MALA",
    "euler-maruyama": "sampling, Euler-Maruyama",
}


def network_handle(number: int, N: int) -> Line2D:
    """Legend entry for averages over simulated networks."""
    label = f"{number} networks, $N={N}$, standard error"
    return Line2D([], [], marker="o", ls="", color="k", mfc="white", mew=0.9, label=label)


def published_mark(number: int) -> str:
    """Shape of the published values of the curve with this number."""
    return PUBLISHED_MARKS[number % len(PUBLISHED_MARKS)]


def published_handle(label: str = "published", mark: str = "s") -> Line2D:
    """Legend entry for published values."""
    return Line2D([], [], marker=mark, ls="", color=GREY, ms=3, label=label)


def published_handles(table: pd.DataFrame, name: str, symbol: str, values) -> list[Line2D]:
    """Legend entries for the published curves that stand in a table, one for each value."""
    published = table[table["source"] == "published"]
    return [
        published_handle(f"published, ${symbol}={value:g}$", published_mark(number))
        for number, value in enumerate(values)
        if (published[name] == value).any()
    ]


def new_figure(width: float, height: float, **subplots) -> tuple[Figure, np.ndarray]:
    """Figure that no global state knows, and its panels as an array."""
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(squeeze=False, **subplots)
    return figure, axes


def draw_gamma_curves(axis: Axes, rows: pd.DataFrame, gammas) -> None:
    """Curves against g, one for each gamma: theory, sampling, published.

    Each line is thinner than the one below it, so that lines that coincide all show.
    """
    for number, gamma in enumerate(gammas):
        here = rows[rows["gamma"] == gamma]
        colour = colour_of_gamma(gamma)
        draw_theory(axis, here[here["source"] == "theory"], colour, lw=layered_width(number))
        for sampler, group in here[here["source"] == "sampling"].groupby("sampler"):
            draw_samples(axis, group, colour, SAMPLER_MARKS[sampler])
        published = here[here["source"] == "published"]
        draw_published(axis, published, published_mark(number))


def layered_width(number: int) -> float:
    """Width of the line that is drawn as the given number, points."""
    return max(2.2 - 0.6 * number, 0.9)


def has_transition(settings: dict) -> bool:
    """Whether something happens at g (1 + gamma) = 1: not for every phi."""
    return settings.get("transition", True)


def mark_transitions(axis: Axes, settings: dict) -> None:
    """Dotted lines at g (1 + gamma) = 1."""
    g = settings["g"]
    for gamma in settings["gamma"] if has_transition(settings) else ():
        if gamma > -1 and min(g) < 1 / (1 + gamma) < max(g):
            axis.axvline(1 / (1 + gamma), color=colour_of_gamma(gamma), ls=":", lw=0.9, zorder=0)


def gamma_handles(
    table: pd.DataFrame, settings: dict, transition: dict | None = None
) -> list[Line2D]:
    """Legend entries of :func:`draw_gamma_curves`; ``transition``: look of g (1 + gamma) = 1."""
    gammas = settings["gamma"]
    handles = [
        Line2D(
            [],
            [],
            color=colour_of_gamma(gamma),
            lw=layered_width(number),
            label=f"theory, $\\gamma={gamma:g}$",
        )
        for number, gamma in enumerate(gammas)
    ]
    handles += published_handles(table, "gamma", r"\gamma", gammas)
    if has_transition(settings):
        look = transition or {"color": "0.4", "ls": ":"}
        handles.append(Line2D([], [], label=r"$g(1+\gamma)=1$", **look))
    return handles + sample_handles(table[table["source"] == "sampling"])
