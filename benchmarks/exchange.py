"""Replica exchange with plain and with rescaled swaps on the same networks: CPU time for an
effective sample of q and for a round trip.  One run, about eight minutes.

OPENBLAS_NUM_THREADS=1 PYTHONPATH=workflow python benchmarks/exchange.py
"""

from __future__ import annotations

import time

import numpy as np

from quasipotential.couplings import elliptic
from quasipotential.diagnostics import summarise
from quasipotential.langevin import Landscape, sampler
from quasipotential.progress import Progress
from quasipotential.specs import CouplingsSpec, LangevinSpec
from quasipotential.transfer import transfer_function

TEMPERATURES = (1e-4, 1e-3)
NETWORKS = 4
#: gamma, g, N and the hottest temperature: one where HMC alone agrees.
POINTS = (
    (0.0, 1.2, 100, 0.01),
    (0.0, 1.2, 200, 0.01),
    (0.5, 0.866666666667, 200, 0.002),
)
#: What serves each kind well: path length and draws.
KINDS = {False: (6.0, 3000), True: (40.0, 500)}


def measure(
    gamma: float, g: float, N: int, hottest: float, seed: int, rescale: bool
) -> tuple[float, ...]:
    """CPU milliseconds a draw; effective samples of q at both temperatures and round trips of a
    ladder for each draw; round trips in all; rungs."""
    path_length, draws = KINDS[rescale]
    spec = LangevinSpec(
        couplings=CouplingsSpec(N=N, gamma=gamma, seed=seed),
        g=g,
        temperatures=TEMPERATURES,
        algorithm="hmc",
        exchange=True,
        rescale=rescale,
        step=0.3,
        path_length=path_length,
        hottest=hottest,
        chains=4,
        warmup=300,
        draws=draws,
        seed=0,
    )
    landscape = Landscape(
        g * elliptic(N, gamma, np.random.default_rng(seed)), transfer_function("tanh")
    )
    ensemble = sampler.begin(spec, landscape)
    sampler.warm_up(spec, ensemble, Progress("warm-up", "transitions", spec.warmup))
    record = sampler.Record(spec, ensemble)
    start = time.process_time()
    for _ in range(draws):
        sampler.draw(spec, ensemble, record)
    seconds = time.process_time() - start
    cold, warm = (summarise(values) for values in record.draws["q"])
    trips = record.crossings.round_trips(ensemble.columns)
    rates = np.array([cold.ess, warm.ess, trips.mean()]) / draws
    return 1e3 * seconds / draws, *rates, trips.sum(), ensemble.temperatures.size


def main() -> None:
    print(
        f"{'gamma':>6} {'g':>6} {'N':>4} {'swaps':>9} {'rungs':>6}   ms for an effective sample "
        "of q at T = 0.0001 and 0.001, for a round trip"
    )
    for gamma, g, N, hottest in POINTS:
        costs = {}
        for rescale in (False, True):
            rows = [measure(gamma, g, N, hottest, seed, rescale) for seed in range(NETWORKS)]
            ms, cold, warm, trips, seen, rungs = np.mean(rows, axis=0)
            costs[rescale] = ms / np.array([cold, warm, trips])
            print(
                f"{gamma:6} {g:6.3f} {N:4} {'rescaled' if rescale else 'plain':>9} {rungs:6.1f}   "
                + "".join(f"{cost:10.1f}" for cost in costs[rescale])
                + f"   ({NETWORKS * seen:.0f} round trips)",
                flush=True,
            )
        ratios = costs[False] / costs[True]
        print(f"{'':22}plain over rescaled  " + "".join(f"{ratio:10.1f}" for ratio in ratios))


if __name__ == "__main__":
    main()
