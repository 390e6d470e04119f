"""Sampling at N = 400 against the replica theory: two independent routes to q, E/N and G.

The samplers know nothing of the theory, and the theory nothing of a network.  Compared are averages
over networks, whose standard errors come from their spread.  On top of four of these an allowance
for finite size is granted, ALLOWANCE/N relative.  Measured shifts of q at T = 0.01 for N = 100, 200
and 400, in per cent: +2.2(1.0), +2.2(0.7), +0.65(0.39) at g = 0.8, gamma = 0; -3.7(0.9), -3.0(0.6),
-1.1(0.4) at g = 0.8667, gamma = 0.5 (96, 48 and 24 networks).
"""

from __future__ import annotations

import numpy as np
import pytest

from quasipotential import couplings, langevin, replica
from quasipotential.disorder import disorder_average
from quasipotential.specs import CouplingsSpec, LangevinSpec, ReplicaSpec

N, NETWORKS, TEMPERATURE = 400, 6, 0.01
ALLOWANCE = 5.0


def sampled(g: float, gamma: float, path_length: float) -> dict[str, np.ndarray]:
    """Means and Monte Carlo errors of the observables on each network."""
    results: dict[str, list] = {}
    for seed in range(NETWORKS):
        network = CouplingsSpec(N=N, gamma=gamma, seed=seed)
        spec = LangevinSpec(
            couplings=network,
            g=g,
            temperatures=(TEMPERATURE,),
            algorithm="hmc",
            step=0.3,
            path_length=path_length,
            hottest=0.1,
            chains=8,
            warmup=60,
            draws=150,
            seed=0,
        )
        dataset = langevin.run(spec, couplings.run(network)["couplings"].values)
        assert float(dataset["q_rhat"].item()) < 1.05
        for name in ("q", "energy", "response", "mean_square_x"):
            pair = (dataset[f"{name}_mean"].item(), dataset[f"{name}_mcse"].item())
            results.setdefault(name, []).append(pair)
    return {name: np.array(pairs) for name, pairs in results.items()}


@pytest.mark.parametrize(
    ("g", "gamma", "path_length"), [(0.8, 0.0, 4.0), (0.866666666667, 0.5, 8.0)]
)
def test_sampling_agrees_with_the_replica_theory(g, gamma, path_length):
    theory = replica.run(ReplicaSpec(gamma=gamma, g=(g,), temperatures=(TEMPERATURE,))).squeeze()
    names = {"q": "q", "energy": "energy", "response": "G", "mean_square_x": "mean_square_x"}
    for name, values in sampled(g, gamma, path_length).items():
        average = disorder_average(values[:, 0], values[:, 1])
        exact = float(theory[names[name]])
        tolerance = 4 * average.error + ALLOWANCE / N * exact
        assert abs(average.mean - exact) < tolerance, name
        # The comparison means something: it tells a tenth of the value apart.
        assert tolerance < 0.1 * exact, name
