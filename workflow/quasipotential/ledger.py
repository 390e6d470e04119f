"""The reproduction ledger: every published value beside ours, a verdict by rule, and its reason.

A row holds the published value with its reading error, ours with its numerical error, and, where
there is one, a second route to ours: an exact limit or another method that shares no code with the
first (`second_routes`).  A deviation is published - ours in units of the combined error, the root
of the sum of the squares of the reading error and of the error of ours.  The verdict:

- ``reproduces``: within `tables.DIFFERENT` combined errors;
- ``differs``: outside;
- ``not comparable``: no value of ours at this point, or none that converged, or two routes to it
  that lead to different verdicts and disagree by more than `tables.DIFFERENT` combined errors of
  all three.

With another phi than tanh, or eta > 0, the model is not the paper's: figures show no published
values, and the ledger is empty.

``routes`` is 2 where the second route alone leads to the same verdict, on the same side, and 1
where there is none or where its error is too large to tell.

What differs has the reason whose evidence holds at the point, the most specific one, and a link to
the figure or test that shows it.  Where no evidence holds the reason is ``not explained``, and the
link leads to the figure with both values.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from .figures.tables import DIFFERENT, compare, matching_keys, spec_of

POINT = ["quantity", "gamma", "g", "beta"]
VERDICTS = ("reproduces", "differs", "not comparable")
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
    "routes": "routes to our value that lead to the verdict, each alone: 0, 1 or 2",
    "verdict": "verdict by rule",
    "reason": "why it differs or cannot be compared, by rule",
    "shown_by": "figure or test that shows the reason; if not explained, figure with both values",
}
REASONS = {
    "factorised": "average of a product taken as product of averages",
    "drift": "drift of an iteration whose equations have no solution",
    "search": "absolute tolerance of a search for minima",
    "no_solution": "zero-temperature ansatz without solution",
    "sampled": "averages over one frozen Monte Carlo sample",
    "unknown": "not explained",
    "elsewhere": "not computed with this config",
    "absent": "no converged value of ours",
    "routes": "two routes to our value lead to different verdicts",
}
AUDIT = "figS8"  # what sampled averages do to q
SHOWN_BY = {
    "factorised": "tests/library/test_second_routes.py"
    "::test_published_static_response_is_the_factorised_one",
    "drift": "tests/library/test_replica_ansatz.py::test_published_points_lie_on_the_drift",
    "search": "tests/library/test_replica_minimum_search.py"
    "::test_published_points_are_where_the_search_comes_to_rest",
    "no_solution": "tests/library/test_ledger.py::test_ansatz_has_no_solution_at_published_points",
    "sampled": "tests/library/test_ledger.py"
    "::test_one_frozen_sample_moves_each_quantity_as_published",
}
DRIFT_ALLOWANCE = 0.05  # relative: the published iteration has noise, the drift here has none
DISPLACED = 0.5  # median |ln(q/q exact)| of sampled runs that counts as displaced
ONE_SIDED = 0.5  # mean sign of the shifts from which a quantity counts as moved to that side
NEAR_TRANSITION = 0.8  # g (1 + gamma) from which sampled averages are shown to matter
SAMPLED = ("q", "Q", "r", "R", "mean_square_x", "q_minus_Q", "r_minus_R", "covariance_x_phi")
TEXTS = ("figure", "quantity", "second_route", "verdict", "reason", "shown_by")


def _frame(dataset: xr.Dataset, route: str, values: dict[str, xr.DataArray], error) -> pd.DataFrame:
    """Long rows (POINT, value, error) of one dataset over g and, where it has one, temperature."""
    spec = spec_of(dataset)
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
        "q_minus_Q": dataset["q"],
        "r": dataset["G"] * np.sqrt(T),
        "r_minus_R": dataset["G"] * np.sqrt(T),
        "covariance_x_phi": dataset["G"] * (T + dataset["g"] ** 2 * dataset["q"]),
        "Q": zero,
        "R": zero,
    }
    if (T == 0).any():  # limits of (q - Q)/T and of T G
        chi = xr.where(below, cold["q"] / cold["temperature"], np.inf).where(T == 0)
        values |= {"chi": chi.transpose(*zero.dims), "r_tilde": zero}
    return _frame(dataset, "closed form at gamma = 0", values, dataset["quadrature_error"])


def _static_fields(dataset: xr.Dataset) -> pd.DataFrame:
    """Static DMFT; where C = 0 its response is that of the origin, as G of the measure at T = 0."""
    error = dataset["quadrature_error"]
    values = {"C": dataset["C"], "R_int": dataset["R_int"]}
    static = _frame(dataset, "over the fields, response by Stein's lemma", values, error)
    origin = dataset.assign(status=xr.where(dataset["C"] == 0, dataset["status"], 1))
    response = _frame(origin, "static DMFT: response of the origin", {"G": dataset["R_int"]}, error)
    return pd.concat([static, response.assign(beta=np.inf)], ignore_index=True)


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

    Q = R = 0.  The error is the statistical one and, for what is not linear in 1/N, the whole
    extrapolation.
    """
    small, large = sorted(datasets, key=lambda ds: spec_of(ds)["N"])[-2:]
    n, N = spec_of(small)["N"], spec_of(large)["N"]
    root = np.sqrt(large["temperature"])
    values, errors = {}, {}
    for quantity, (name, factor) in {
        "q": ("q", 1.0),
        "q_minus_Q": ("q", 1.0),
        "mean_square_x": ("mean_square_x", 1.0),
        "r": ("G", root),
        "r_minus_R": ("G", root),
    }.items():
        step = (large[name] - small[name]) * n / (N - n)
        noise = np.hypot(large[f"{name}_mcse"] * N, small[f"{name}_mcse"] * n) / (N - n)
        values[quantity] = (large[name] + step) * factor
        errors[quantity] = np.hypot(noise, step) * factor
    spread = (1 + spec_of(large)["gamma"]) * large["g"] ** 2  # sigma = G (T + spread q)
    width = large["temperature"] + spread * values["q"]
    values["covariance_x_phi"] = values["r"] / root * width
    errors["covariance_x_phi"] = np.hypot(
        errors["r"] / root * width, values["r"] / root * spread * errors["q"]
    )
    both = large.assign(status=np.maximum(small["status"], large["status"]))
    return _frame(both, f"annealed Monte Carlo, N = {n} and {N}", values, errors)


def second_routes(datasets: Iterable[xr.Dataset]) -> pd.DataFrame:
    """Values by second routes, one row for each point; the first that has a point wins."""
    parts = []
    annealed: dict[float, list[xr.Dataset]] = {}
    for dataset in datasets:
        match spec_of(dataset)["kind"]:
            case "closed-form":
                parts.append(_closed_form(dataset))
            case "static-fields":
                parts.append(_static_fields(dataset))
            case "ansatz":
                parts.append(_ansatz(dataset))
            case "two-replica":
                parts.append(_two_replica(dataset))
            case "annealed":
                annealed.setdefault(spec_of(dataset)["gamma"], []).append(dataset)
    parts += [_annealed(sizes) for sizes in annealed.values()]
    columns = [*POINT, "value", "error", "route"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]


def routes(deviation: float, second_deviation: float) -> int:
    """On how many routes the verdict rests, from the deviations by both, NaN where there is none.

    The second one counts if it leads to the same verdict, and to the same side.
    """
    if np.isnan(deviation):
        return 0
    outside, second_outside = abs(deviation) > DIFFERENT, abs(second_deviation) > DIFFERENT
    same = outside == second_outside and (not outside or deviation * second_deviation > 0)
    return 2 if same and not np.isnan(second_deviation) else 1


def verdict(deviation: float, number: int, apart: float) -> str:
    """Verdict on a published value.

    Parameters
    ----------
    deviation : float
        Published - ours in combined errors, NaN where there is no value of ours.
    number : int
        On how many routes it would rest.
    apart : float
        Distance of the two routes in combined errors, NaN where there is one.
    """
    if np.isnan(deviation) or (number < 2 and apart > DIFFERENT):
        return "not comparable"
    return "differs" if abs(deviation) > DIFFERENT else "reproduces"


def _of_kind(evidence: Iterable[xr.Dataset], kind: str) -> list[xr.Dataset]:
    return [dataset for dataset in evidence if spec_of(dataset)["kind"] == kind]


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
        gamma = spec_of(ds)["gamma"]
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
            if _all_within(ledger, rows[-len(values) :]):  # then chi is another point of the drift
                rows.append(("chi", gamma, point.g, np.inf, point.published, 0.0, "drift"))
    return pd.DataFrame(rows, columns=[*POINT, "value", "error", "route"])


def _all_within(ledger: pd.DataFrame, rows: list[tuple]) -> bool:
    """Whether the published values at a point are these, as far as there are any."""
    predicted = _at(ledger, pd.DataFrame(rows, columns=[*POINT, "value", "error", "route"]))
    within = DIFFERENT * np.hypot(ledger["reading_error"], predicted["error"])
    known = predicted["value"].notna()
    distance = (ledger["published"] - predicted["value"]).abs()
    return bool(known.any() and (distance <= within)[known].all())


def search(evidence: Iterable[xr.Dataset]) -> pd.DataFrame:
    """The iteration at T = 0 where its search for minima brings it to rest."""
    parts = [
        _frame(ds, "search", {"G": ds["G"]}, {"G": ds["error"]}).assign(beta=np.inf)
        for ds in _of_kind(evidence, "minimum-search")
    ]
    return pd.concat(parts) if parts else pd.DataFrame(columns=[*POINT, "value", "error", "route"])


def _audited(evidence: Iterable[xr.Dataset]) -> dict[float, xr.Dataset]:
    """Runs of the audit with exact averages and without the stopping rule, by gamma."""
    return {
        spec_of(ds)["gamma"]: ds.isel(sample=0)
        for ds in _of_kind(evidence, "protocol")
        if spec_of(ds)["averages"] == "quadrature" and not spec_of(ds)["stopping"]
    }


def displaced(evidence: Iterable[xr.Dataset]) -> dict[str, float]:
    """Quantities that sampled averages move in the audit -> the side, -1 or 1.

    None if they do not displace q, or do so without fields too.
    """
    exact = _audited(evidence)
    shifts: dict[bool, list[float]] = {True: [], False: []}
    signs: dict[str, list[float]] = {quantity: [] for quantity in SAMPLED}
    for ds in _of_kind(evidence, "protocol"):
        spec = spec_of(ds)
        if spec["averages"] != "monte-carlo" or spec["stopping"] or spec["gamma"] not in exact:
            continue
        reference = exact[spec["gamma"]]
        ratio = ds["q"].median("sample") / reference["q"]
        shifts[spec["fields"]] += np.abs(np.log(ratio.values)).ravel().tolist()
        if spec["fields"]:
            runs, exactly = (run.assign(q_minus_Q=run["q"] - run["Q"]) for run in (ds, reference))
            for quantity, found in signs.items():
                shift = (runs[quantity] - exactly[quantity]).values
                found += np.sign(shift[np.isfinite(shift)]).tolist()
    if not (shifts[True] and shifts[False]):
        return {}
    with_fields, without = np.median(shifts[True]), np.median(shifts[False])
    if not (with_fields > DISPLACED and without < with_fields / 3):
        return {}
    means = {quantity: float(np.mean(found)) for quantity, found in signs.items() if found}
    return {name: float(np.sign(mean)) for name, mean in means.items() if abs(mean) > ONE_SIDED}


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
    ledger = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
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

    both = np.hypot(combined, ledger["ours_error"].fillna(0.0))
    with np.errstate(invalid="ignore"):  # both may be infinite
        apart = (ledger["ours"] - ledger["second"]).abs() / both
    apart = apart.mask(ledger["ours"] == ledger["second"], 0.0)
    ledger["routes"] = list(map(routes, ledger["deviation"], ledger["second_deviation"]))
    ledger["verdict"] = list(map(verdict, ledger["deviation"], ledger["routes"], apart))
    differs = ledger["verdict"] == "differs"

    predicted = [factorised(evidence), drift(ledger, evidence), search(evidence)]
    causes = _at(ledger, pd.concat(predicted))
    within = DIFFERENT * np.hypot(ledger["reading_error"], causes["error"])
    nowhere = _without_solution(ledger, evidence)
    # That there is no solution says more about a finite chi than that an iteration passes it.
    causes.loc[nowhere & (ledger["quantity"] == "chi")] = np.nan
    caused = differs & ((ledger["published"] - causes["value"]).abs() <= within)
    read_off = ledger["quantity"] == "chi"  # where the drift is taken: no prediction
    ledger["cause"] = causes["value"].where(caused & ~read_off)

    side = ledger["quantity"].map(displaced(evidence)).fillna(0.0)
    near = ledger["g"] * (1 + ledger["gamma"]) >= NEAR_TRANSITION
    by_sampling = np.isfinite(ledger["beta"]) & near & (side * ledger["difference"] > 0)
    keys = pd.Series("", index=ledger.index)
    for key, holds in (
        ("elsewhere", ledger["status"].isna()),
        ("absent", ledger["deviation"].isna() & ledger["status"].notna()),
        ("routes", ledger["deviation"].notna() & (ledger["verdict"] == "not comparable")),
        ("unknown", differs),
        ("sampled", differs & by_sampling),
        ("no_solution", differs & nowhere),
        *((key, caused & (causes["route"] == key)) for key in ("drift", "search", "factorised")),
    ):
        keys[holds] = key
    ledger["reason"] = keys.map(REASONS).fillna("")
    in_audit = ledger["gamma"].isin(list(_audited(evidence))) & (ledger["quantity"] == "q")
    ledger["shown_by"] = keys.map(SHOWN_BY).fillna("")
    ledger.loc[(keys == "sampled") & in_audit, "shown_by"] = AUDIT
    ledger["shown_by"] = ledger["shown_by"].mask(keys == "unknown", ledger["figure"])
    return ledger.drop(columns="status")


def _without_solution(ledger: pd.DataFrame, evidence: Iterable[xr.Dataset]) -> pd.Series:
    """Rows at T = 0 where the ansatz was shown to have no solution with q > 0."""
    shown = pd.Series(False, index=ledger.index)
    for ds in _of_kind(evidence, "ansatz"):
        for g in ds["g"].values[_nothing(ds).values]:
            here = np.isclose(ledger["g"], g) & np.isclose(ledger["gamma"], spec_of(ds)["gamma"])
            shown |= here & np.isinf(ledger["beta"])
    return shown


def summary(ledger: pd.DataFrame) -> pd.DataFrame:
    """One row for each figure and quantity.

    Returns
    -------
    DataFrame
        Columns ``figure``, ``quantity``, ``points``; one for each verdict; ``one route`` (points
        that differ by one route only); ``largest deviation``; ``reasons``, each with its number of
        points, and ``shown_by``, the links, both most frequent first and separated by "; ".
    """
    by = ["figure", "quantity"]
    counts = pd.crosstab([ledger["figure"], ledger["quantity"]], ledger["verdict"])
    counts = counts.reindex(columns=VERDICTS, fill_value=0)
    groups = ledger.groupby(by)
    counts.insert(0, "points", groups.size())
    one = (ledger["verdict"] == "differs") & (ledger["routes"] == 1)
    counts["one route"] = one.groupby([ledger[name] for name in by]).sum()
    counts["largest deviation"] = groups["deviation"].agg(lambda values: values.abs().max())
    for column, name, form in (("reasons", "reason", "{} ({})"), ("shown_by", "shown_by", "{}")):
        counts[column] = groups[name].agg(
            lambda texts, form=form: "; ".join(
                form.format(*found) for found in texts[texts != ""].value_counts().items()
            )
        )
    return counts.reset_index()
