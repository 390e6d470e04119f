"""The table of claims: what docs/theory.md, sections 4, 5 and 13, says, and what is computed here.

Each function takes the results of one experiment and returns rows: a claim in words, where it was
tested, the claimed value or bound, the computed one with its error, and whether it is shown.  A
claim without a number (an inequality) is shown where it holds by more than the error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import xarray as xr

COLUMNS = ("claim", "where", "claimed", "computed", "error", "verdict")
SHOWN, REFUTED, OPEN = "shown", "refuted", "open"
TEXTS = ("claim", "where", "claimed", "verdict")
DESCRIPTIONS = {
    "claim": "what is claimed",
    "where": "parameters",
    "claimed": "claimed value or bound",
    "computed": "computed value",
    "error": "error of the computed value",
    "verdict": "shown, refuted or open",
}


def _gamma(dataset: xr.Dataset) -> float:
    return json.loads(dataset.attrs["spec"])["gamma"]


def _row(claim: str, where: str, claimed: str, computed, error, holds: bool | None) -> dict:
    verdict = OPEN if holds is None or not np.isfinite(computed) else SHOWN if holds else REFUTED
    values = (claim, where, claimed, float(computed), float(error), verdict)
    return dict(zip(COLUMNS, values, strict=True))


def value(claim: str, where: str, claimed: float, within: float, computed, error=0.0) -> dict:
    """Row of a claimed value: shown if the computed one agrees to ``within`` and its error."""
    computed, error = float(computed), float(error)
    holds = abs(computed - claimed) <= within + error
    return _row(claim, where, f"{claimed:.6g} ± {within:.1g}", computed, error, holds)


def below(claim: str, where: str, bound: float, computed, error=0.0) -> dict:
    """Row of a bound from above: refuted if the computed value reaches it beyond its error."""
    holds = None if abs(computed - bound) <= error else bool(computed < bound)
    return _row(claim, where, f"< {bound:g}", computed, error, holds)


def above(claim: str, where: str, bound: float, computed, error=0.0) -> dict:
    """Row of a bound from below."""
    holds = None if abs(computed - bound) <= error else bool(computed > bound)
    return _row(claim, where, f"> {bound:g}", computed, error, holds)


def two_replicas(datasets: Iterable[xr.Dataset], settings: dict) -> list[dict]:
    """Quenched = annealed: the potential of two replicas at overlaps Q > 0."""
    rows = []
    for ds in datasets:
        inside = ds.sel(fraction=ds["fraction"] > 0)
        where = (
            f"gamma = {_gamma(ds):g}, g(1+gamma) = {settings['gc']}, beta = {settings['beta']}, "
            f"{inside.sizes['fraction']} overlaps"
        )
        solved = bool((inside["status"] == 0).all())
        steepest = float(inside["slope"].max()) if solved else np.nan
        error = float(np.abs(inside["slope"] * inside["quadrature_error"]).max())
        rows.append(
            below(
                "two replicas: dV/dQ < 0 at every Q > 0, so that Q = 0", where, 0, steepest, error
            )
        )
    return rows


def stability(datasets: Iterable[xr.Dataset], settings: dict) -> list[dict]:
    """Q = 0 is stable for gamma >= 0."""
    rows = []
    for ds in datasets:
        gc = np.round(ds["g"].values * (1 + _gamma(ds)), 4)
        T = ds["temperature"].values
        where = (
            f"gamma = {_gamma(ds):g}, {gc.size} values of g(1+gamma) from {gc.min():g} to "
            f"{gc.max():g}, T = {', '.join(f'{t:.0e}' for t in T)}"
        )
        largest = ds["multiplier_annealed"].max()
        error = ds["quadrature_error"].max()
        rows.append(below("multiplier of Q = 0 below 1 for gamma >= 0", where, 1, largest, error))
    return rows


def onset(datasets: Iterable[xr.Dataset], settings: dict) -> list[dict]:
    """q(T = 0) vanishes up to g = 1/sqrt(1+gamma) and grows continuously from there."""
    rows = []
    for ds in datasets:
        gamma = _gamma(ds)
        where = f"gamma = {gamma:g}, T = 0"
        edge = 1 / np.sqrt(1 + gamma)
        g, q = ds["g"].values, ds["q"].isel(temperature=0).values
        rows.append(
            below("q = 0 below g = 1/sqrt(1+gamma)", where, 1e-12, np.max(q[g < edge], initial=0.0))
        )
        # Where the parabola through the three lowest points above meets q = 0.
        roots = [
            _extrapolated_zero(g[g > edge][start : start + 3], q[g > edge][start : start + 3])
            for start in (0, 1)
        ]
        rows.append(
            value(
                "onset of q at g = 1/sqrt(1+gamma)",
                where,
                edge,
                1e-6,
                roots[0],
                abs(roots[1] - roots[0]),
            )
        )
    return rows


def _extrapolated_zero(g: np.ndarray, q: np.ndarray) -> float:
    """g at which q vanishes, from g as a parabola of q."""
    return float(np.polyfit(q, g, 2)[-1])


def cusp(datasets: Iterable[xr.Dataset], settings: dict) -> list[dict]:
    """G rises up to g = 1/(1+gamma), falls beyond, and is 1 + gamma there."""
    rows = []
    for ds in datasets:
        gamma = _gamma(ds)
        T = float(ds["temperature"].min())
        where = f"gamma = {gamma:g}, T = {T:.0e}"
        cold = ds["G"].sel(temperature=T)
        gc = cold["g"].values * (1 + gamma)
        at = cold.values[np.argmin(np.abs(gc - 1))]
        q = ds["q"].sel(temperature=T).values[np.argmin(np.abs(gc - 1))]
        # To leading order G = 1/(1/(1+gamma) + T/q) there (docs/theory.md, section 5).
        limit = 1 / (1 / at - T / q)
        rows.append(
            value("G = 1 + gamma at the cusp, T/q taken out", where, 1 + gamma, 1e-5, limit)
        )
        left, right = (cold.values[np.argmin(np.abs(gc - x))] for x in (0.99, 1.01))
        rows.append(above("G falls on both sides of its cusp", where, 0, at - max(left, right)))
    return rows


def between(datasets: Iterable[xr.Dataset], settings: dict) -> list[dict]:
    """q = sqrt(T (gc^2-1)/(2 g^2 (1+gamma-gc^2))) between the two lines."""
    rows = []
    for ds in datasets:
        gamma = _gamma(ds)
        T = float(ds["temperature"].min())
        for g in ds["g"].values:
            gc = g * (1 + gamma)
            if 1.001 < gc < np.sqrt(1 + gamma) - 1e-3:
                law = np.sqrt(T * (gc**2 - 1) / (2 * g**2 * (1 + gamma - gc**2)))
                q = float(ds["q"].sel(temperature=T, g=g))
                where = f"gamma = {gamma:g}, g = {g:.6g}, T = {T:.0e}"
                ratio = q / law
                rows.append(value("q/sqrt law between the lines", where, 1, 2e-3, ratio))
    return rows


def scaling(datasets: Iterable[xr.Dataset], settings: dict) -> list[dict]:
    """q = A T^a at g(1+gamma) = 1."""
    rows = []
    for ds in datasets:
        where = f"gamma = {_gamma(ds):g}"
        for name in ("exponent", "amplitude"):
            rows.append(
                value(
                    f"{name} of q(T) at g(1+gamma) = 1",
                    where,
                    float(ds[f"predicted_{name}"]),
                    0.0,
                    float(ds[name]),
                    3 * float(ds[f"{name}_error"]),
                )
            )
    return rows


def _match(datasets: Iterable[xr.Dataset], gamma: float) -> xr.Dataset:
    return next(ds for ds in datasets if abs(_gamma(ds) - gamma) < 1e-9)


def critical_temperatures(datasets: list[xr.Dataset], settings: dict) -> list[dict]:
    """T_c below which Q = 0 is unstable, and the re-entrant window."""
    rows = []
    for point in settings["critical_temperatures"]:
        ds = _match(datasets, point["gamma"])
        here = ds.sel(g=point["gc"] / (1 + point["gamma"]), method="nearest")
        where = f"gamma = {point['gamma']:g}, g(1+gamma) = {point['gc']:g}"
        rows.append(
            value(
                f"{point['edge']} of the phase with Q > 0",
                where,
                point["value"],
                point["within"],
                here[point["edge"]],
                here[f"{point['edge']}_error"],
            )
        )
    return rows


def cold_boundary(datasets: list[xr.Dataset], settings: dict) -> list[dict]:
    """The gamma below which Q = 0 is unstable for T -> 0."""
    (ds,) = datasets
    return [
        value(
            "gamma below which Q = 0 is unstable, T -> 0",
            f"g = {point['g']:g}",
            point["value"],
            point["within"],
            ds["gamma"].sel(g=point["g"], method="nearest"),
            ds["gamma_error"].sel(g=point["g"], method="nearest"),
        )
        for point in settings["cold_boundary"]
    ]


def one_step(datasets: list[xr.Dataset], settings: dict) -> list[dict]:
    """Size of the breaking and order of the three values of Phi."""
    rows = []
    for point in settings["one_step"]:
        ds = _match(datasets, point["gamma"]).sel(
            g=point["gc"] / (1 + point["gamma"]), method="nearest"
        )
        ds = ds.sel(temperature=1 / point["beta"], method="nearest")
        where = (
            f"gamma = {point['gamma']:g}, g(1+gamma) = {point['gc']:g}, beta = {point['beta']:g}"
        )
        shift = 100 * abs(float(ds["relative_shift"]))
        centre, half = (point["most"] + point["least"]) / 2, (point["most"] - point["least"]) / 2
        error = float(ds["quadrature_error"])
        name = "change of q by one step of breaking, %"
        rows.append(value(name, where, centre, half, shift, 100 * error))
        rows.append(
            above(
                "Phi falls by the breaking: Phi_RS - Phi_1RSB",
                where,
                0,
                float(ds["free_energy_symmetric"] - ds["free_energy"]),
                error,
            )
        )
        rows.append(
            above(
                "Q = 0 is an upper bound: Phi(Q=0) - Phi_RS",
                where,
                0,
                float(ds["free_energy_annealed"] - ds["free_energy_symmetric"]),
                error,
            )
        )
    return rows


def static(datasets: list[xr.Dataset], settings: dict) -> list[dict]:
    """Static DMFT is the replica limit T -> 0 at gamma = 0 only."""
    rows = []
    by_kind: dict[str, dict[float, xr.Dataset]] = {"static": {}, "solutions": {}}
    for ds in datasets:
        by_kind[json.loads(ds.attrs["spec"])["kind"]][_gamma(ds)] = ds
    for gamma, dmft in by_kind["static"].items():
        replica = by_kind["solutions"][gamma].isel(temperature=0)
        for g in dmft["g"].values:
            C, q = float(dmft["C"].sel(g=g)), float(replica["q"].sel(g=g))
            where = f"gamma = {gamma:g}, g = {g:.6g}"
            if gamma == 0:
                name = "C of static DMFT = q(T = 0) at gamma = 0"
                rows.append(value(name, where, q, 1e-9, C))
            else:
                name = "C of static DMFT differs from q(T = 0): |C - q|"
                rows.append(above(name, where, 1e-6, abs(C - q)))
    return rows


def ansatz(datasets: list[xr.Dataset], settings: dict) -> list[dict]:
    """The zero-temperature ansatz Q -> q has no solution with q > 0."""
    rows = []
    for ds in datasets:
        where = f"gamma = {_gamma(ds):g}, g in {[round(float(g), 4) for g in ds['g'].values]}"
        slope = float(ds["slope_at_zero_energy"].min())
        rows.append(above("ansatz Q -> q, zero energy: g^2 E chi_h^2 > 1", where, 1, slope))
        name = "ansatz, finite energy: 1/(1 + g^2 chi) of the solution of the other equations"
        rows.append(below(name, where, 0, float(ds["margin_finite_energy"].max())))
        physical = ds["mismatch"].where(ds["margin"] > 0)
        if bool(np.isfinite(physical).any()):
            name = "ansatz, chi > 0: E phi^2/q - 1 at each q"
            rows.append(below(name, where, 0, float(physical.max())))
    return rows


def comparison(datasets: list[xr.Dataset], settings: dict) -> list[dict]:
    """Replica theory (T -> 0), static DMFT, attractor: where they agree, where not, and why."""
    by_kind = {json.loads(ds.attrs["spec"])["kind"]: ds for ds in datasets}
    plane, dmft, networks = by_kind["plane"], by_kind["comparison"], by_kind["weighting"]
    cold = plane.sel(temperature=0)
    difference = cold["q"] - dmft["C"]
    error = np.hypot(
        *(ds["quadrature_error"] * ds[name] for ds, name in ((cold, "q"), (dmft, "C")))
    )
    rows = []
    for g in dmft["g"].values:
        here = f"gamma = 0, g = {g:.6g}"
        at_zero, bound = dmft.sel(g=g), float(dmft["C"].sel(gamma=0, g=g))
        name = "q(T = 0) - C of static DMFT"
        distance, its_error = (float(a.sel(gamma=0, g=g)) for a in (difference, error))
        rows.append(value(name, here, 0, 1e-10, distance, its_error))
        rows += _approach(plane.sel(gamma=0, g=g), bound, here)
        rows += _slopes(cold["q"].sel(g=g), at_zero["C"], at_zero, here)
        for other, words in (
            ("attractor", "<phi^2> of the attractor below q of the fixed points"),
            ("uniform", "q of the fixed points counted one by one below that of weight 1/|det|"),
        ):
            bar = at_zero[f"q_{other}_error"]
            rows.append(below(words, here, bound, at_zero[f"q_{other}"], bar))
        for gamma in dmft["gamma"].values:
            if abs(gamma) < SLOPE_RANGE or not at_zero["C"].sel(gamma=gamma) > 0:
                continue
            judge = below if gamma > 0 else above
            here = f"gamma = {gamma:g}, g = {g:.6g}"
            both = (float(a.sel(gamma=gamma, g=g)) for a in (difference, error))
            rows.append(judge(f"{name} {'<' if gamma > 0 else '>'} 0", here, 0, *both))
    return rows + _weights(networks, cold, dmft)


SLOPE_RANGE = 0.02  # |gamma| of the points that serve difference quotients only


def _approach(curve: xr.Dataset, C: float, where: str) -> list[dict]:
    """q(T) - C vanishes as T: the two lowest temperatures above 0."""
    low, high = curve["temperature"].values[1:3]
    rates, errors = [], []
    for T in (low, high):
        point = curve.sel(temperature=T)
        rates.append(float(point["q"] - C) / T)
        errors.append(float(point["quadrature_error"] * point["q"]) / T)
    ratio = rates[0] / rates[1]
    error = abs(ratio) * np.hypot(errors[0] / rates[0], errors[1] / rates[1])
    name = f"(q(T) - C)/T at T = {low:.0e} over that at T = {high:.0e}"
    # Of second order in T, and relative to the distance over which q changes.
    return [value(name, where, 1, 100 * high, ratio, error)]


def _slopes(q: xr.DataArray, C: xr.DataArray, at_zero: xr.Dataset, where: str) -> list[dict]:
    """First order in gamma: difference quotients, one extrapolation, against the formulas."""
    gamma = q["gamma"].values
    step = np.max(gamma[np.abs(gamma) < SLOPE_RANGE])
    rows = []
    for curve, of, name in ((q, "slope_q", "q(T = 0)"), (C, "slope_C", "C")):
        coarse, fine = (
            float(curve.sel(gamma=h, method="nearest") - curve.sel(gamma=-h, method="nearest"))
            / (2 * h)
            for h in (step, step / 2)
        )
        slope, error = fine + (fine - coarse) / 3, abs(fine - coarse) / 3
        words = f"d{name}/dgamma at gamma = 0, formula and difference quotient"
        rows.append(value(words, where, float(at_zero[of]), 0, slope, error))
    return rows


def _weights(networks: xr.Dataset, cold: xr.Dataset, dmft: xr.Dataset) -> list[dict]:
    """Three weights of the same fixed points, and the theories whose weights they are."""
    rows = []
    g = json.loads(networks.attrs["spec"])["g"]
    limits = {"boltzmann": cold["q"], "signed": dmft["C"]}
    for gamma in networks["gamma"].values:
        ds = networks.sel(gamma=gamma)
        enumerated = ds["N"].values[np.isfinite(ds["incomplete"].values)]
        if enumerated.size == 0:
            continue
        N = int(enumerated[-1])
        point = ds.sel(N=N)
        where = f"gamma = {gamma:g}, g = {g:.6g}, N = {N}"
        for weight in networks["weight"].values:
            here = point.sel(weight=weight)
            bar = 3 * np.hypot(here["q_enumerated_error"], here["q_integrated_error"])
            name = f"mean q of enumerated fixed points, weight {weight}: as integrated over x"
            rows.append(
                value(name, where, float(here["q_integrated"]), 0, here["q_enumerated"], bar)
            )
        signed = point.sel(weight="signed")
        C = float(limits["signed"].sel(gamma=gamma, g=g))
        name = "sum of q sign(det) over fixed points, mean over networks: C of static DMFT"
        bar = 3 * signed["total_enumerated_error"]
        rows.append(value(name, where, C, 0, signed["total_enumerated"], bar))
        # Linear in 1/N from the two largest sizes; the error holds the whole step.
        n, M = ds["N"].values[-2:].astype(float)
        small, large = (ds.sel(N=size, weight="boltzmann") for size in (n, M))
        step = float(large["q_integrated"] - small["q_integrated"]) * n / (M - n)
        noise = np.hypot(large["q_integrated_error"] * M, small["q_integrated_error"] * n) / (M - n)
        name = "mean q of weight 1/|det| extrapolated to large N: q(T = 0)"
        q = float(limits["boltzmann"].sel(gamma=gamma, g=g))
        where = f"gamma = {gamma:g}, g = {g:.6g}, N = {n:g} and {M:g}"
        extrapolated = large["q_integrated"] + step
        rows.append(value(name, where, q, 0, extrapolated, np.hypot(3 * noise, step)))
    return rows


EXPERIMENTS: dict[str, Callable[[list[xr.Dataset], dict], list[dict]]] = {
    "two_replicas": two_replicas,
    "stability": stability,
    "onset": onset,
    "cusp": cusp,
    "between": between,
    "scaling": scaling,
    "critical_temperatures": critical_temperatures,
    "cold_boundary": cold_boundary,
    "one_step": one_step,
    "ansatz": ansatz,
    "static": static,
    "comparison": comparison,
}


def table(sources: dict[str, list[xr.Dataset]], settings: dict) -> pd.DataFrame:
    """All rows, from the results of each experiment."""
    rows = [
        row
        for name, experiment in EXPERIMENTS.items()
        if name in sources
        for row in experiment(sources[name], settings)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
