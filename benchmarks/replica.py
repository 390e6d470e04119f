"""Speed of the replica solvers, beside the published protocol.  One run, CPU time, some minutes.

OPENBLAS_NUM_THREADS=1 PYTHONPATH=workflow python benchmarks/replica.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from quasipotential.config import load
from quasipotential.plan import build, path
from quasipotential.replica import run as solve
from quasipotential.replica.protocol import FrozenSample, sample_averages
from quasipotential.replica.protocol import run as run_protocol
from quasipotential.replica.single_site import Model, OrderParameters
from quasipotential.specs import ProtocolSpec, ReplicaSpec

CONFIG = Path(__file__).parents[1] / "config.yaml"
FIGURES = ("fig2", "fig3", "fig5", "fig7", "fig8")
PUBLISHED = (60_000, 10_000)  # draws of the fields, and of x for each
PUBLISHED_ITERATIONS = 1000  # of Fig. 9
POINT = {"gamma": 0.0, "g": (0.9,), "temperatures": (1e-4,)}  # q is of order T there
TOLERANCE = 0.01  # in q
SAMPLES = 4


def cpu(function: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a call, and what it returned."""
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def centred_points() -> None:
    """All points of the figures with gamma >= 0, where Q = 0."""
    plan = build(load(yaml.safe_load(CONFIG.read_text())))
    sources = {
        file for name in FIGURES for _, group in plan.figures[name].sources for file in group
    }
    specs = [
        spec
        for spec in plan.stages["replica"].values()
        if isinstance(spec, ReplicaSpec) and spec.gamma >= 0 and path(spec) in sources
    ]
    points = sum(len(spec.g) * len(spec.temperatures) for spec in specs)
    seconds, results = cpu(lambda: [solve(spec) for spec in specs])
    unsolved = sum(int((result.status != 0).sum()) for result in results)
    print(f"1. Q = 0, Figs. 2, 3, 5, 7, 8, gamma >= 0: {points} points, {unsolved} unsolved")
    print(f"   {seconds:.2f} s in all, {1e3 * seconds / points:.2f} ms a point\n")


def full_points() -> None:
    """Q > 0, followed downward in temperature at one gain after the other."""
    print("2. Q > 0: curves in T (6 a decade), one for each g, with all that belongs to them")
    for gamma, gains, hottest, points in (
        (-0.2, (1.3, 1.4, 1.5, 1.6, 1.7), 0.1, 13),
        (-0.5, (2.0, 2.1, 2.2, 2.3, 2.4), 0.5, 13),
    ):
        temperatures = tuple(hottest * 10 ** (-np.arange(points) / 6))
        costs, solved = [], 0
        for g in gains:
            spec = ReplicaSpec(gamma=gamma, g=(g,), temperatures=temperatures)
            seconds, data = cpu(lambda spec=spec: solve(spec))
            costs.append(seconds / points)
            solved += int(((data.Q > 0) & (data.status == 0)).sum())
        print(
            f"   gamma = {gamma}, T = {hottest} to {min(temperatures):.0e}: {solved} of "
            f"{points * len(gains)} points with Q > 0, median {1e3 * np.median(costs):.0f} ms, "
            f"largest {1e3 * max(costs):.0f} ms a point"
        )
    print()


def iteration_cost() -> float:
    """One evaluation over the draws themselves, against its size; returns ns a draw."""
    solution = solve(ReplicaSpec(**POINT)).squeeze()
    exact = OrderParameters(*(float(solution[k]) for k in ("q", "Q", "qhat", "Qhat", "G", "Rp")))
    model = Model(0.0, POINT["g"][0], POINT["temperatures"][0], np.tanh)
    print("3. One iteration of the published protocol at gamma = 0, g = 0.9, beta = 1e4:")
    print("   outer x inner      CPU s   error of q   error of q^ in units of 1/q")
    for outer, inner in ((250, 250), (1000, 500), (4000, 1000), (8000, 2000)):
        samples = [FrozenSample(1, k, outer, inner, gathered=False) for k in range(SAMPLES)]
        seconds, averages = cpu(lambda s=samples: [sample_averages(x, model, exact) for x in s])
        errors = np.array([[a.order.q / exact.q - 1, a.order.qhat * exact.q] for a in averages])
        rms = np.sqrt(np.mean(errors**2, axis=0))
        print(f"   {outer:6d} x {inner:<6d} {seconds / SAMPLES:9.3f} {rms[0]:12.1e} {rms[1]:12.1e}")
    cost = seconds / SAMPLES / (outer * inner)
    print(f"   {1e9 * cost:.0f} ns a draw of x\n")
    return cost


def to_one_percent(cost: float) -> None:
    """CPU time until q is within 1 % and stays there, and that of Newton's method."""
    repeats = 20
    seconds, solution = cpu(lambda: [solve(ReplicaSpec(**POINT)) for _ in range(repeats)][-1])
    single, q = seconds / repeats, float(solution.q.squeeze())
    many = ReplicaSpec(**(POINT | {"g": tuple(np.linspace(0.5, 0.9, 101))}))
    batched = cpu(lambda: solve(many))[0] / 101
    print(f"4. q within {TOLERANCE:.0%} of the exact value {q:.6g} at that point")
    error = float(solution.quadrature_error.squeeze())
    print(f"   here: {1e3 * single:.1f} ms alone, {1e3 * batched:.2f} ms in a curve of 101 points;")
    print(f"   quadrature error {error:.0e}")
    print(f"   the protocol, root mean square over {SAMPLES} samples:")
    print("   outer x inner   last error of q   iterations   CPU s gathered   CPU s direct")
    reached = None
    for outer, inner in ((1000, 500), (4000, 1000), (16_000, 2000)):
        spec = ProtocolSpec(
            **POINT,
            sweep="g",
            outer=outer,
            inner=inner,
            samples=SAMPLES,
            seed=1,
            q=1e-5,
            Q=5e-6,
            stopping=False,
            iterations=200,
        )
        total, data = cpu(lambda spec=spec: run_protocol(spec))
        errors = data.q_path.squeeze().values / q - 1
        relative = np.sqrt(np.mean(errors**2, axis=0))
        outside = np.flatnonzero(~(relative < TOLERANCE))
        first = int(outside[-1]) + 1 if outside.size else 0
        row = f"   {outer:6d} x {inner:<6d} {relative[-1]:14.1e}"
        if first == relative.size:
            print(row + "   not within 1 %")
            continue
        direct = cost * outer * inner * first
        print(row + f" {first:12d} {total / SAMPLES:16.2f} {direct:14.1f}")
        reached = reached or direct
    published = cost * PUBLISHED[0] * PUBLISHED[1] * PUBLISHED_ITERATIONS
    print(f"   {PUBLISHED[0]} x {PUBLISHED[1]}, {PUBLISHED_ITERATIONS} iterations, direct:")
    print(f"   {published:.1e} s, extrapolated from {1e9 * cost:.0f} ns a draw")
    print("   ratio to the time here:       alone   in a curve")
    if reached is not None:
        print(f"   smallest size within 1 % {reached / single:10.1e} {reached / batched:12.1e}")
    print(f"   published size           {published / single:10.1e} {published / batched:12.1e}")


if __name__ == "__main__":
    centred_points()
    full_points()
    to_one_percent(iteration_cost())
