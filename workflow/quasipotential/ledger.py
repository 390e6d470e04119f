"""The reproduction ledger: every published value beside ours, a verdict by rule, and its reason.

A row holds the published value with its reading error, ours with its numerical error, and, where
there is one, a second route to ours: an exact limit or another method that shares no code with the
first (`second_routes`).  Deviations are differences in units of the combined error.  The verdict:

- ``reproduces``: within `LIMIT` combined errors;
- ``differs``: outside, and on the same side outside of the second route's value; or outside with a
  cause that predicts the published value;
- ``differs, one route``: outside, with neither a second route nor such a cause at this point;
- ``unsettled``: the two routes do not lead to the same verdict;
- ``not comparable``: no converged value of ours at this point.

For what differs the reason is the first of `REASONS` whose evidence holds at the point.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from .figures.tables import compare, matching_keys

LIMIT = 3.0  # combined errors
POINT = ["quantity", "gamma", "g", "beta"]
VERDICTS = ("reproduces", "differs", "differs, one route", "unsettled", "not comparable")
DESCRIPTIONS = {
    "figure": "figure of the paper",
    "quantity": "quantity, named as in the files of this project",
    "gamma": "asymmetry of the couplings",
    "g": "gain",
    "beta": "inverse temperature, inf for T = 0",
    "x": "abscissa of the point in the figure",
    "published": "published value, digitised",
    "reading_error": "error of the digitised value",
    "ours": "value of this project",
    "ours_error": "its numerical error",
    "difference": "published - ours",
    "deviation": "difference in combined errors",
    "second_route": "name of the second route to our value",
    "second": "value by the second route",
    "second_error": "its error",
    "second_deviation": "published - second, in combined errors",
    "sampled": "average over networks, sampled or simulated at finite N",
    "sampled_error": "its standard error",
    "sampling_p": "p-value of our solution against sampling extrapolated to N = inf at this "
    "gamma, g and beta (Figs. S10 and S11), all observables together",
    "cause": "published value as the cause of the difference predicts it",
    "verdict": "verdict by rule",
    "reason": "why it differs, by rule",
}
REASONS = {
    "factorised": "published points follow R = <phi'>(1 + rho R): the average of a product is "
    "replaced by a product of averages (Fig. 4)",
    "drift": "the zero-temperature ansatz has no solution with q > 0; published points lie on the "
    "drift of the damped iteration of its equations",
    "no_solution": "the zero-temperature ansatz has no solution with q > 0 here",
    "sampled": "averages over one frozen Monte Carlo sample displace the fixed point of the "
    "iteration where Q = 0 is stable by little (Fig. S8)",
    "unknown": "not explained",
}
DRIFT_ALLOWANCE = 0.05  # relative: the published iteration has noise, the drift here has none
DISPLACED = 0.5  # median |ln(q/q exact)| of sampled runs that counts as displaced
NEAR_TRANSITION = 0.9  # g (1 + gamma) from which the multiplier of Q is close to 1
SAMPLED = ("q", "Q", "r", "R", "mean_square_x", "energy", "covariance_x_phi")
TEXTS = ("figure", "quantity", "second_route", "verdict", "reason")


def _spec(dataset: xr.Dataset) -> dict:
    return json.loads(dataset.attrs["spec"])


def _frame(dataset: xr.Dataset, route: str, values: dict[str, xr.DataArray], error) -> pd.DataFrame:
    """Long rows (POINT, value, error) of one dataset over g and, where it has one, temperature."""
    spec = _spec(dataset)
    parts = []
    for quantity, value in values.items():
        relative = not isinstance(error, dict)
        error_here = (
            np.abs(value.where(np.isfinite(value), 0)) * error if relative else error[quantity]
        )
        status = dataset["status"]
        here = xr.Dataset({"value": value, "error": error_here, "status": status})
        frame = here.to_dataframe().reset_index()
        frame = frame[frame["status"] == 0]
        temperature = frame.get("temperature", np.nan)
        with np.errstate(divide="ignore"):
            beta = 1 / np.asarray(temperature, float)
        parts.append(
            pd.DataFrame(
                {
                    "quantity": quantity,
                    "gamma": spec.get("gamma", 0.0),
                    "g": frame["g"],
                    "beta": beta,
                    "value": frame["value"],
                    "error": frame["error"],
                    "route": route,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _closed_form(dataset: xr.Dataset) -> pd.DataFrame:
    T = dataset["temperature"]
    zero = xr.zeros_like(dataset["q"])
    cold = dataset.isel(temperature=int(np.argmin(np.where(T > 0, T, np.inf))))
    below = (T == 0) & (dataset["g"] < 1)
    values = {
        "q": dataset["q"],
        "G": dataset["G"],
        "mean_square_x": dataset["mean_square_x"],
        "energy": dataset["energy"],
        "r": dataset["G"] * np.sqrt(T),
        "Q": zero,
        "R": zero,
    }
    if (T == 0).any():  # limits of (q - Q)/T and of T G
        chi = xr.where(below, cold["q"] / cold["temperature"], np.inf).where(T == 0)
        values |= {"chi": chi.transpose(*zero.dims), "r_tilde": zero}
    return _frame(dataset, "closed form at gamma = 0", values, dataset["quadrature_error"])


def _static_fields(dataset: xr.Dataset) -> pd.DataFrame:
    values = {"C": dataset["C"], "R_int": dataset["R_int"]}
    route = "over the fields, response by Stein's lemma"
    return _frame(dataset, route, values, dataset["quadrature_error"])


def _ansatz(dataset: xr.Dataset) -> pd.DataFrame:
    """No finite chi = (q - Q)/T where the ansatz at T = 0 was shown to have no solution."""
    chi = xr.full_like(dataset["q_merger"], np.inf).where(_nothing(dataset))
    absent = dataset[["q_merger"]].assign(status=xr.where(_nothing(dataset), 0, 1))
    rows = _frame(
        absent.assign_attrs(dataset.attrs), "the ansatz has no solution", {"chi": chi}, 0.0
    )
    return rows.assign(beta=np.inf)


def _nothing(dataset: xr.Dataset) -> xr.DataArray:
    """Gains at which neither class of the ansatz is a solution (module `replica.ansatz`)."""
    return (dataset["slope_at_zero_energy"] > 1) & (dataset["margin_finite_energy"] < 0)


def _two_replica(dataset: xr.Dataset) -> pd.DataFrame:
    """Q = R = 0 where the potential of two replicas falls from Q = 0."""
    zero = xr.zeros_like(dataset["V_largest"]).where(dataset["monotone"] == 1)
    falls = dataset.assign(status=xr.where(dataset["monotone"] == 1, 0, 1))
    values = {"Q": zero, "R": zero}
    return _frame(falls, "two replicas: V falls from Q = 0", values, 0.0)


def _annealed(datasets: list[xr.Dataset]) -> pd.DataFrame:
    """Monte Carlo at two or more sizes N, the two largest of them extrapolated in 1/N.

    The error is the statistical one and, for what is not linear in 1/N, the whole extrapolation.
    """
    small, large = sorted(datasets, key=lambda ds: _spec(ds)["N"])[-2:]
    n, N = _spec(small)["N"], _spec(large)["N"]
    root = np.sqrt(large["temperature"])
    values, errors = {}, {}
    for quantity, (name, factor) in {
        "q": ("q", 1.0),
        "mean_square_x": ("mean_square_x", 1.0),
        "r": ("G", root),
    }.items():
        step = (large[name] - small[name]) * n / (N - n)
        noise = np.hypot(large[f"{name}_mcse"] * N, small[f"{name}_mcse"] * n) / (N - n)
        values[quantity] = (large[name] + step) * factor
        errors[quantity] = np.hypot(noise, step) * factor
    both = large.assign(status=np.maximum(small["status"], large["status"]))
    return _frame(both, f"annealed Monte Carlo, N = {n} and {N}", values, errors)


def second_routes(datasets: Iterable[xr.Dataset]) -> pd.DataFrame:
    """Values by second routes, one row for each point; the first that has a point wins."""
    parts = []
    annealed: dict[float, list[xr.Dataset]] = {}
    for dataset in datasets:
        match _spec(dataset)["kind"]:
            case "closed-form":
                parts.append(_closed_form(dataset))
            case "static-fields":
                parts.append(_static_fields(dataset))
            case "ansatz":
                parts.append(_ansatz(dataset))
            case "two-replica":
                parts.append(_two_replica(dataset))
            case "annealed":
                annealed.setdefault(_spec(dataset)["gamma"], []).append(dataset)
    parts += [_annealed(sizes) for sizes in annealed.values()]
    columns = [*POINT, "value", "error", "route"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]


def verdict(deviation: float, second_deviation: float, caused: bool) -> str:
    """Verdict from the deviations by the two routes, NaN where there is no value.

    ``caused`` tells whether a cause of the difference predicts the published value.
    """
    if np.isnan(deviation):
        return "not comparable"
    outside = abs(deviation) > LIMIT
    if np.isnan(second_deviation):
        if outside:
            return "differs" if caused else "differs, one route"
        return "reproduces"
    second_outside = abs(second_deviation) > LIMIT
    if outside != second_outside or (outside and deviation * second_deviation < 0):
        return "unsettled"
    return "differs" if outside else "reproduces"


def _of_kind(evidence: Iterable[xr.Dataset], kind: str) -> list[xr.Dataset]:
    return [dataset for dataset in evidence if _spec(dataset)["kind"] == kind]


def factorised(evidence: Iterable[xr.Dataset]) -> pd.DataFrame:
    """Static DMFT with the response factorised: what Fig. 4 shows if that is its cause."""
    parts = [
        _frame(ds, "factorised", {"C": ds["C_factorised"], "R_int": ds["R_factorised"]}, 0.0)
        for ds in _of_kind(evidence, "static-fields")
    ]
    return pd.concat(parts) if parts else pd.DataFrame(columns=[*POINT, "value", "error", "route"])


def drift(ledger: pd.DataFrame, evidence: Iterable[xr.Dataset]) -> pd.DataFrame:
    """The damped iteration of the ansatz' equations, where its chi passes the published one."""
    rows = []
    chi = ledger[(ledger["quantity"] == "chi") & np.isinf(ledger["beta"])]
    for ds in _of_kind(evidence, "ansatz"):
        gamma = _spec(ds)["gamma"]
        for point in chi[np.isclose(chi["gamma"], gamma)].itertuples():
            near = np.isclose(ds["g"], point.g)
            if not near.any():
                continue
            path = ds.isel(g=int(np.argmax(near)))
            at = int(np.argmax(path["drift_chi"].values >= point.published))
            if at == 0:
                continue
            values = {
                "q": path["drift_q"][at],
                "r_tilde": path["drift_r_tilde"][at],
                "G": -path["drift_xi"][at],
            }
            for quantity, value in values.items():
                error = DRIFT_ALLOWANCE * abs(float(value))
                rows.append((quantity, gamma, point.g, np.inf, float(value), error, "drift"))
    return pd.DataFrame(rows, columns=[*POINT, "value", "error", "route"])


def displaced(evidence: Iterable[xr.Dataset]) -> bool:
    """Whether sampled averages displace q, and those without fields do not, in the audit."""
    shifts: dict[bool, list[float]] = {True: [], False: []}
    exact = {}
    runs = _of_kind(evidence, "protocol")
    for ds in runs:
        if _spec(ds)["averages"] == "quadrature" and not _spec(ds)["stopping"]:
            exact[_spec(ds)["gamma"]] = ds["q"].isel(sample=0, temperature=0)
    for ds in runs:
        spec = _spec(ds)
        if spec["averages"] == "monte-carlo" and not spec["stopping"] and spec["gamma"] in exact:
            ratio = ds["q"].isel(temperature=0).median("sample") / exact[spec["gamma"]]
            shifts[spec["fields"]] += np.abs(np.log(ratio.values)).tolist()
    if not (shifts[True] and shifts[False]):
        return False
    with_fields, without = np.median(shifts[True]), np.median(shifts[False])
    return bool(with_fields > DISPLACED and without < with_fields / 3)


def judged(figures: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """How sampling at N -> infinity judges the selected solution (gamma, g, beta, p)."""
    parts = []
    for table in figures.values():
        chosen = table[(table["panel"] == "branch") & (table["quantity"] == "selected")]
        p = table[(table["panel"] == "all") & (table["quantity"] == "p_value")]
        keys = ["gamma", "g", "beta", "sampler"]
        parts.append(p.merge(chosen.loc[chosen["y"] == 1.0, keys], on=keys))
    found = pd.concat(parts)[["gamma", "g", "beta", "y"]].rename(columns={"y": "p"})
    return found.drop_duplicates(["gamma", "g", "beta"])


def _at(ledger: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows (POINT, value, error, route) at the points of the ledger."""
    indexed = rows.set_axis(matching_keys(rows, POINT), axis=0)
    indexed = indexed[~indexed.index.duplicated()]
    found = indexed.reindex(matching_keys(ledger, POINT)).set_axis(ledger.index, axis=0)
    return found.astype({"value": float, "error": float})


def entries(
    figures: dict[str, pd.DataFrame], second: pd.DataFrame, evidence: list[xr.Dataset]
) -> pd.DataFrame:
    """All rows of the ledger.

    Parameters
    ----------
    figures : dict
        Name of the figure -> its table (module `figures.tables`).
    second : DataFrame
        From `second_routes`.
    evidence : list of Dataset
        Results that may explain a difference: static DMFT over the fields, the ansatz, the audit.
    """
    parts = []
    for name, table in figures.items():
        rows = compare(table)
        rows.insert(0, "figure", name)
        parts.append(rows)
    ledger = pd.concat([part for part in parts if len(part)], ignore_index=True)
    ledger.loc[ledger["status"] != "converged", ["ours", "ours_error", "deviation"]] = np.nan

    other = _at(ledger, second)
    ledger["second_route"] = other["route"].fillna("")
    ledger["second"], ledger["second_error"] = other["value"], other["error"]
    combined = np.hypot(ledger["reading_error"], ledger["second_error"])
    ledger["second_deviation"] = (ledger["published"] - ledger["second"]) / combined

    places = ["gamma", "g", "beta"]
    p = judged(figures)
    p = pd.Series(p["p"].to_numpy(float), index=matching_keys(p, places))
    ledger["sampling_p"] = p.reindex(matching_keys(ledger, places)).to_numpy()

    causes = _at(ledger, pd.concat([factorised(evidence), drift(ledger, evidence)]))
    within = LIMIT * np.hypot(ledger["reading_error"], causes["error"])
    caused = (ledger["published"] - causes["value"]).abs() <= within
    ledger["cause"] = causes["value"].where(caused)
    ledger["verdict"] = [
        verdict(*row)
        for row in zip(ledger["deviation"], ledger["second_deviation"], caused, strict=True)
    ]
    differs = ledger["verdict"].str.startswith("differs")
    ledger["cause"] = ledger["cause"].where(differs)
    ledger["reason"] = np.where(differs, REASONS["unknown"], "")
    no_solution = _without_solution(ledger, evidence)
    near = ledger["g"] * (1 + ledger["gamma"]) >= NEAR_TRANSITION
    finite = np.isfinite(ledger["beta"]) & ledger["quantity"].isin(SAMPLED)
    for reason, holds in (
        ("sampled", finite & near & displaced(evidence)),
        ("no_solution", no_solution),
        ("drift", caused & (causes["route"] == "drift")),
        ("factorised", caused & (causes["route"] == "factorised")),
    ):
        ledger.loc[differs & holds, "reason"] = REASONS[reason]
    return ledger.drop(columns="status")


def _without_solution(ledger: pd.DataFrame, evidence: Iterable[xr.Dataset]) -> pd.Series:
    """Rows at T = 0 where the ansatz was shown to have no solution with q > 0."""
    shown = pd.Series(False, index=ledger.index)
    for ds in _of_kind(evidence, "ansatz"):
        for g in ds["g"].values[_nothing(ds).values]:
            here = np.isclose(ledger["g"], g) & np.isclose(ledger["gamma"], _spec(ds)["gamma"])
            shown |= here & np.isinf(ledger["beta"])
    return shown


def summary(ledger: pd.DataFrame) -> pd.DataFrame:
    """One row for each figure and quantity: points, verdicts, largest deviation, reasons."""
    counts = pd.crosstab([ledger["figure"], ledger["quantity"]], ledger["verdict"])
    counts = counts.reindex(columns=VERDICTS, fill_value=0)
    groups = ledger.groupby(["figure", "quantity"])
    counts.insert(0, "points", groups.size())
    counts["largest deviation"] = groups["deviation"].agg(lambda values: values.abs().max())
    counts["reasons"] = groups["reason"].agg(lambda texts: "; ".join(sorted(set(texts) - {""})))
    return counts.reset_index()
