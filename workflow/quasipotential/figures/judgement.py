"""Samples at several N beside every branch of the replica theory: rows of Figs. S10, S11 and S18.

The overlap of two states is judged in the way in which the theory says that it goes with N:

- where Q = 0 is stable it fluctuates about 0 with the variance v/N (module `replica.stability`), so
  that sqrt(N) <|phi.phi'|>/N tends to sqrt(2 v/pi), by powers of 1/N: quantity ``fluctuation``;
- where Q > 0, <|phi.phi'|>/N tends to Q: quantity ``overlap``.  By which powers is not known for
  gamma < 0, where Q > 0 is not stable to symmetry breaking; 1/sqrt(N) is a convention;
- where Q = 0 is not stable the theory has no law, and the overlap is not judged.

A law holds in large networks only, and the theory says from which size on.  Where Q = 0 it is to be
at most q/2; where Q > 0, two states without any relation, sqrt(2/(pi N)) q, are to have an overlap
of at most Q/2.  Smaller networks, in which one pair of fixed points dominates, or which do not tell
Q from 0, do not judge the overlap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from .. import finite_size
from . import tables

#: Quantity -> (label, variable of the samples, power p of the abscissa N^(-p)).
QUANTITIES = {
    "q": ("$q$", "q", 1.0),
    "scaled_energy": (r"$2\beta E/N$", "energy", 1.0),
    "overlap": (r"$\langle|\phi^a\cdot\phi^b|\rangle/N$", "overlap_absolute", 0.5),
    "fluctuation": (
        r"$\langle|\phi^a\cdot\phi^b|\rangle/\sqrt{N}$",
        "overlap_absolute",
        1.0,
    ),
    # States of both signs are sampled, which leaves of Rp nothing: G_d = G + Rp, not G.
    "G_d": (r"$\beta\langle r\cdot\phi\rangle/N$", "response_diagonal", 1.0),
}
OF_ALL = ("q", "scaled_energy", "G_d")  # judged in the same way for every branch
OBSERVED = ["status"] + [
    f"{variable}_{part}"
    for variable in dict.fromkeys(variable for _, variable, _ in QUANTITIES.values())
    for part in ("mean", "mcse")
]
LARGEST_OVERLAP = 0.5  # of what the theory has: the law in units of q, or chance in units of Q
LINE_POINTS = 41
ROUNDING = 1e-8  # of g and gamma
SAME = 1e-6  # relative difference below which a candidate is the selected solution
BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class Branch:
    """A solution of the replica theory at one point.

    Attributes
    ----------
    name : str
    values : dict
        By quantity; ``fluctuation`` where Q = 0 is stable.
    selected : bool
        Whether the theory selects it.
    status : str
    """

    name: str
    values: dict[str, float]
    selected: bool
    status: str

    @property
    def of_overlap(self) -> str:
        """The quantity by which its overlap is judged."""
        return "fluctuation" if "fluctuation" in self.values else "overlap"

    @property
    def least(self) -> float:
        """N from which on the law of its overlap is to hold; infinite if there is none."""
        q, Q = self.values["q"], self.values["overlap"]
        if "fluctuation" in self.values:
            return (self.values["fluctuation"] / (LARGEST_OVERLAP * q)) ** 2
        return 2 / np.pi * (q / (LARGEST_OVERLAP * Q)) ** 2 if Q > 0 else np.inf


def tabulate(sources: dict, point: dict, beta: float) -> pd.DataFrame:
    """Rows of one point at one temperature; the name of a branch stands in ``sampler``.

    - panel ``sizes``: means over networks, x = N^(-p); those not equilibrated, or too small for the
      law of the overlap, are not fitted;
    - panel ``fit``: the line and its standard error, x = N^(-p); of the overlap by the law of the
      selected branch alone, here and in the next two;
    - panel ``limit``: the extrapolated value with its whole error, x = 0, N = inf;
    - panel ``statistics``, quantity ``<quantity>: chi2`` (x: degrees of freedom), ``<quantity>:
      statistical error`` and ``<quantity>: systematic error`` of the limit;
    - panel ``branch``: values of a branch; quantity ``selected``: whether the theory selects it;
      ``least_N``: N from which on its overlap is judged;
    - panel of the name of a quantity, or ``all``: quantity ``p_value`` of a branch, x: its z.

    Raises
    ------
    ValueError
        As `at_point`.
    """
    g, gamma = point["g"], point["gamma"]
    datasets = at_point(sources["sampling"], g, gamma, beta)
    columns = {"g": g, "gamma": gamma, "beta": beta}
    sampled = {name: means(datasets, name, beta) for name in QUANTITIES}

    def extrapolated(name: str, least: float = 0.0) -> dict[str, finite_size.Extrapolation]:
        """The extrapolation of a quantity by its name, empty if there are fewer than two sizes."""
        rows = sampled[name]
        rows = rows[(rows["status"] == "converged") & (rows["N"] >= least)]
        if len(rows) < 2:
            return {}
        rng = np.random.default_rng(BOOTSTRAP_SEED)
        networks = _networks(datasets, name, rows["N"], beta)
        return {name: finite_size.extrapolate(networks, QUANTITIES[name][2], rng)}

    common: dict[str, finite_size.Extrapolation] = {}
    for name in OF_ALL:
        common |= extrapolated(name)
    parts = list(sampled.values())
    drawn = dict(common)
    judged = []
    for branch in branches(sources["replica"], g, gamma, beta):
        extrapolations = common | extrapolated(branch.of_overlap, branch.least)
        if branch.selected:
            drawn = extrapolations
        judged.append(_branch_rows(branch, columns))
        if extrapolations:
            judgement = finite_size.judge(extrapolations, branch.values)
            judged.append(_p_rows(branch.name, judgement, columns))
    for name, extrapolation in drawn.items():
        parts += _extrapolation_rows(name, extrapolation, columns)
    return tables.join(parts + judged)


def at_point(datasets: list[xr.Dataset], g: float, gamma: float, beta: float) -> list[xr.Dataset]:
    """The samples at a point, each at one temperature, without what is not extrapolated.

    Raises
    ------
    ValueError
        If two algorithms, or planted and other networks, are at the same point: at finite N their
        averages differ.
    """
    here = []
    for dataset in datasets:
        spec = tables.sampled_spec(dataset)
        if max(abs(spec["g"] - g), abs(spec["couplings"]["gamma"] - gamma)) > ROUNDING:
            continue
        near = np.isclose(dataset["temperature"].values * beta, 1)
        if near.any():
            here.append(dataset[OBSERVED].isel(temperature=[np.argmax(near)]))
    kinds = {_kind(tables.sampled_spec(dataset)) for dataset in here}
    if len(kinds) > 1:
        raise ValueError(
            f"g = {g:g}, gamma = {gamma:g} is sampled by {' and '.join(sorted(kinds))}; "
            "an extrapolation takes one of them"
        )
    return here


def _kind(spec: dict) -> str:
    planted = spec["couplings"].get("planted") is not None
    return f"{spec['algorithm']} on {'planted' if planted else 'unweighted'} networks"


def _scale(name: str, beta: float, N):
    """From the observable to the quantity, in networks of N units."""
    return {"scaled_energy": 2 * beta, "fluctuation": np.sqrt(N)}.get(name, 1.0)


def means(datasets: list[xr.Dataset], name: str, beta: float) -> pd.DataFrame:
    """Means of a quantity over networks, one row for each N."""
    _, variable, power = QUANTITIES[name]
    rows = tables.sampling_rows(datasets, name, variable, "beta")
    scale = _scale(name, beta, rows["N"])
    return rows.assign(
        panel="sizes", x=rows["N"] ** -power, y=rows["y"] * scale, error=rows["error"] * scale
    )


def _networks(
    datasets: list[xr.Dataset], name: str, sizes: Iterable[float], beta: float
) -> list[finite_size.Networks]:
    """Values on single networks of some sizes."""
    variable = QUANTITIES[name][1]
    networks = []
    for N in sizes:
        here = (
            dataset for dataset in datasets if tables.sampled_spec(dataset)["couplings"]["N"] == N
        )
        values, errors = _scale(name, beta, N) * np.array(tables.on_networks(here, variable))
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


def branches(replica: list[xr.Dataset], g: float, gamma: float, beta: float) -> list[Branch]:
    """Solutions found at a point, each once."""
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
                for key in ("q", "Q", "G", "Rp", "energy", "overlap_variance")
            }
            if not np.isfinite(solution["q"]):
                continue
            selected = all(
                abs(solution[key] - float(here[key])) <= SAME * scale
                for key, scale in (("q", solution["q"]), ("Q", solution["q"]), ("G", 1.0))
            )
            values = {
                "q": solution["q"],
                "scaled_energy": 2 * beta * solution["energy"],
                "overlap": solution["Q"],
                "G_d": solution["G"] + solution["Rp"],
            }
            if np.isfinite(solution["overlap_variance"]):
                values["fluctuation"] = np.sqrt(2 / np.pi * solution["overlap_variance"])
            status = tables.STATUS_NAMES[int(here["status"])] if selected else "converged"
            found.append(Branch(str(name), values, selected, status))
    return found


def _branch_rows(branch: Branch, columns: dict) -> pd.DataFrame:
    return tables.rows(
        panel="branch",
        quantity=[*branch.values, "selected", "least_N"],
        source="theory",
        sampler=branch.name,
        y=[*branch.values.values(), float(branch.selected), branch.least],
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
