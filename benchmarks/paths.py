"""Length of the paths of HMC: effective samples of E, q and |overlap| for 10,000 leapfrog steps.
One run, about four minutes; nothing in it depends on the load of the machine.

OPENBLAS_NUM_THREADS=1 PYTHONPATH=workflow python benchmarks/paths.py
"""

from __future__ import annotations

import numpy as np

from quasipotential.couplings import elliptic
from quasipotential.diagnostics import summarise
from quasipotential.langevin import Landscape, sampler
from quasipotential.progress import Progress
from quasipotential.specs import CouplingsSpec, LangevinSpec
from quasipotential.transfer import transfer_function

N, NETWORKS = 200, 3
#: gamma, g, T
POINTS = ((0.0, 0.8, 1e-4), (1.0, 0.65, 1e-2), (0.0, 1.2, 1e-2), (0.0, 1.5, 0.03))
LENGTHS = (1.5, 5.0, 10.0, 20.0, 40.0)
TOTAL = 20000.0  # length of all paths of a chain
OBSERVABLES = ("energy", "q", "overlap_absolute")


def measure(gamma: float, g: float, T: float, length: float, seed: int) -> np.ndarray:
    """Effective samples of the observables for 10,000 leapfrog steps of four chains."""
    spec = LangevinSpec(
        couplings=CouplingsSpec(N=N, gamma=gamma, seed=seed),
        g=g,
        temperatures=(T,),
        algorithm="hmc",
        step=0.3,
        path_length=length,
        hottest=1.0,
        chains=4,
        warmup=round(0.2 * TOTAL / length),
        draws=round(TOTAL / length),
        seed=0,
    )
    landscape = Landscape(
        g * elliptic(N, gamma, np.random.default_rng(seed)), transfer_function("tanh")
    )
    ensemble = sampler.begin(spec, landscape)
    sampler.warm_up(spec, ensemble, Progress("warm-up", "transitions", spec.warmup))
    path, taken = ensemble.kernel.path, []

    def counted(state, temperature, step, steps, rng):
        taken.append(steps)
        return path(state, temperature, step, steps, rng)

    ensemble.kernel.path = counted
    record = sampler.Record(spec, ensemble)
    for _ in range(spec.draws):
        sampler.draw(spec, ensemble, record)
    ess = [summarise(record.draws[name][0]).ess for name in OBSERVABLES]
    return 1e4 * np.array(ess) / sum(taken)


def main() -> None:
    print("gamma      g        T   length       E        q  |overlap|")
    for gamma, g, T in POINTS:
        for length in LENGTHS:
            rates = np.median([measure(gamma, g, T, length, s) for s in range(NETWORKS)], axis=0)
            print(
                f"{gamma:5} {g:6} {T:8} {length:8} " + "".join(f"{rate:9.0f}" for rate in rates),
                flush=True,
            )


if __name__ == "__main__":
    main()
