"""Speed of the two-time DMFT, beside the published iteration.  One run, CPU time, some minutes.

OPENBLAS_NUM_THREADS=1 PYTHONPATH=workflow python benchmarks/dmft.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from quasipotential.dmft import two_time
from quasipotential.transfer import transfer_function

G, GAMMA, NOISE, START, DURATION, INTERVAL = 0.8, 0.5, 0.1, (0.0, 1.0), 20.0, 0.1
TANH = transfer_function("tanh")
REFERENCE = (20_000, 500, 6)  # trajectories, tangents, populations
POPULATIONS = (
    (220, 5),
    (300, 10),
    (500, 20),
    (1000, 50),
    (2000, 200),
    (3000, 300),
    (8000, 200),
)  # trajectories and tangents
SEEDS = 8  # populations for a root mean square
ITERATIONS = 30
SETTLED = 10  # last iterations, over which the iteration's error is averaged
RUNS = ((250, 0.0), (250, 0.5), (1000, 0.5))  # trajectories, and weight of the last C and R


def cpu(function: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a call, and what it returned."""
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def population(
    trajectories: int, tangents: int, seed: int, duration: float = DURATION
) -> two_time.TwoTimeSolution:
    """One population by the causal solver."""
    generator = np.random.default_rng([2401, seed])
    return two_time.solve(
        G, GAMMA, TANH, NOISE, START, duration, INTERVAL, trajectories, tangents, generator
    )


@dataclass(frozen=True)
class Reference:
    """C and R to measure errors against, with their own error."""

    C: np.ndarray
    R: np.ndarray
    error_C: float
    error_R: float

    def errors(self, C: np.ndarray, R: np.ndarray) -> np.ndarray:
        """Relative errors of C and R in the root mean square over all pairs of times."""
        return np.array([_distance(C, self.C), _distance(R, self.R)])


def _distance(values: np.ndarray, reference: np.ndarray) -> float:
    return float(np.linalg.norm(values - reference) / np.linalg.norm(reference))


def reference() -> Reference:
    """Mean over large populations."""
    trajectories, tangents, number = REFERENCE
    members = [population(trajectories, tangents, 1000 + k) for k in range(number)]
    means, errors = [], []
    for name in ("C_phi", "R"):
        values = np.array([getattr(member, name) for member in members])
        means.append(values.mean(axis=0))
        error = values.std(axis=0, ddof=1) / np.sqrt(number)
        errors.append(float(np.linalg.norm(error) / np.linalg.norm(means[-1])))
    return Reference(*means, *errors)


def published_iteration(
    trajectories: int, damping: float, generator: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """C and R (with dt in it) after each outer iteration.

    Fields are drawn for the whole time axis from the eigendecomposition of the last covariance,
    negative eigenvalues set to zero; trajectories and their responses chi_ts (an array over both
    times and the trajectories) run with the last R; C and R of the new trajectories are mixed with
    the last ones.
    """
    steps = round(DURATION / INTERVAL)
    times, echo = steps + 1, G**2 * GAMMA
    x0 = generator.uniform(*START, trajectories)
    rate = np.mean(TANH.phi(x0) ** 2)
    C, R = np.full((times, times), rate), np.zeros((times, times))
    phi, slope = np.empty((times, trajectories)), np.empty((times, trajectories))
    gains = np.zeros((times, steps * trajectories))  # phi'_u chi_us
    while True:
        values, vectors = np.linalg.eigh(G**2 * C)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        field = root @ generator.standard_normal((times, trajectories))
        x = generator.uniform(*START, trajectories)
        chi = np.zeros((steps, trajectories))
        new_R = np.zeros_like(R)
        for t in range(times):
            phi[t], slope[t] = TANH.phi(x), TANH.derivative(x)
            here = slope[t] * chi[:t]
            gains[t, : here.size] = here.ravel()
            new_R[t, :t] = here.mean(axis=1)
            if t == steps:
                break
            white = NOISE / np.sqrt(INTERVAL) * generator.standard_normal(trajectories)
            memory = echo * (R[t, :t] @ phi[:t])
            feedback = echo * (R[t, :t] @ gains[:t, : here.size]).reshape(here.shape)
            x = (1.0 - INTERVAL) * x + INTERVAL * (field[t] + white + memory)
            chi[:t] = (1.0 - INTERVAL) * chi[:t] + INTERVAL * feedback
            chi[t] = INTERVAL
        C = damping * C + (1.0 - damping) * (phi @ phi.T / trajectories)
        R = damping * R + (1.0 - damping) * new_R
        yield C, R


@dataclass(frozen=True)
class Cost:
    """CPU seconds and errors of C and R."""

    seconds: float
    errors: np.ndarray


def causal_costs(exact: Reference) -> list[Cost]:
    """One sweep, for rising sizes of the population."""
    print("2. The causal solver, one sweep; root mean squares over populations")
    print("   trajectories   tangents     CPU s   error of C   error of R")
    population(*POPULATIONS[0], 0)  # imports and caches
    costs = []
    for trajectories, tangents in POPULATIONS:
        seconds, errors = [], []
        for seed in range(SEEDS):
            spent, here = cpu(lambda size=(trajectories, tangents, seed): population(*size))
            seconds.append(spent)
            errors.append(exact.errors(here.C_phi, here.R))
        costs.append(Cost(float(np.median(seconds)), np.sqrt(np.mean(np.square(errors), axis=0))))
        row = f"   {trajectories:12d} {tangents:10d} {costs[-1].seconds:9.3f}"
        print(row + "".join(f"{error:13.2%}" for error in costs[-1].errors))
    print()
    return costs


def iteration_costs(exact: Reference) -> list[tuple[str, list[Cost]]]:
    """The published iteration: errors after each of its iterations."""
    print("3. The published iteration")
    print("   trajectories   damping   iterations     CPU s   error of C   error of R")
    runs = []
    for trajectories, damping in RUNS:
        iteration = published_iteration(trajectories, damping, np.random.default_rng(7))
        costs, total = [], 0.0
        for number in range(1, ITERATIONS + 1):
            spent, (C, R) = cpu(lambda source=iteration: next(source))
            total += spent
            costs.append(Cost(total, exact.errors(C, R)))
            if number in (5, 10, 15, 20, ITERATIONS):
                row = f"   {trajectories:12d} {damping:9.1f} {number:12d} {total:9.2f}"
                print(row + "".join(f"{error:13.2%}" for error in costs[-1].errors))
        runs.append((f"{trajectories} trajectories, damping {damping}", costs))
    print()
    return runs


def ratios(causal: list[Cost], runs: list[tuple[str, list[Cost]]]) -> None:
    """CPU time of the iteration over that of the causal solver at the same error or a smaller one.

    The error of the iteration is the root mean square over its last iterations, its time the one at
    which its error first came down to that.
    """
    print(f"4. CPU time at equal error (the iteration's: root mean square of its last {SETTLED})")
    for quantity, name in enumerate(("C", "R")):
        for label, costs in runs:
            errors = np.array([cost.errors[quantity] for cost in costs])
            target = np.sqrt(np.mean(errors[-SETTLED:] ** 2))
            theirs = costs[np.argmax(errors <= target)]
            enough = [cost for cost in causal if cost.errors[quantity] <= target]
            ours = min(enough, key=lambda cost: cost.seconds)
            print(
                f"   {name}, {label}: {target:.2%} after {theirs.seconds:.2f} s; here "
                f"{ours.errors[quantity]:.2%} after {ours.seconds:.3f} s; "
                f"ratio {theirs.seconds / ours.seconds:.0f}"
            )
    print()


def long_times() -> None:
    """Cost against the length of the record, 2000 trajectories and 50 tangents."""
    print("5. 2000 trajectories, 50 tangents, longer times")
    print("   duration   steps     CPU s")
    for duration in (20.0, 40.0, 80.0, 160.0):
        seconds, _ = cpu(lambda duration=duration: population(2000, 50, 0, duration))
        print(f"   {duration:8.0f} {round(duration / INTERVAL):7d} {seconds:9.2f}")


if __name__ == "__main__":
    spent, truth = cpu(reference)
    print("1. Reference: {2} populations of {0} trajectories, {1} tangents".format(*REFERENCE))
    print(f"   {spent:.0f} s; its relative standard error: C {truth.error_C:.2%}, ", end="")
    print(f"R {truth.error_R:.3%}\n")
    ratios(causal_costs(truth), iteration_costs(truth))
    long_times()
