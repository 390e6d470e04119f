"""What it is worth to keep the memory of freed arrays.  One run, CPU time, half a minute.

OPENBLAS_NUM_THREADS=1 PYTHONPATH=workflow python benchmarks/memory.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from quasipotential.environment import KEPT_MEMORY
from quasipotential.replica import run
from quasipotential.specs import AnnealedSpec, ReplicaSpec

REPEATS = 3
SPECS = {
    "annealed measure, 48 states of 1000 units": AnnealedSpec(
        gamma=0.2,
        g=tuple(0.65 + 0.05 * k for k in range(12)),
        temperatures=(1e-4,),
        N=1000,
        chains=4,
        warmup=100,
        draws=400,
        seed=1,
    ),
    "saddle points with Q > 0, quadrature in two dimensions": ReplicaSpec(
        gamma=-0.5, g=(2.0, 2.4, 2.8), temperatures=tuple(10 ** (-k / 8) for k in range(25))
    ),
}


def seconds_of_child(name: str, settings: dict[str, str]) -> float:
    """CPU seconds of one result in a process with these settings of the C library."""
    without = {key: value for key, value in os.environ.items() if key not in KEPT_MEMORY}
    done = subprocess.run(
        [sys.executable, __file__, name],
        env=without | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    kept = {name: str(size) for name, size in KEPT_MEMORY.items()}
    for name in SPECS:
        pairs = [(seconds_of_child(name, {}), seconds_of_child(name, kept)) for _ in range(REPEATS)]
        ratios = sorted(before / after for before, after in pairs)
        before, after = map(min, zip(*pairs, strict=True))
        print(f"{name}: {before:.1f} s given back, {after:.1f} s kept")
        print(f"   ratios of {REPEATS} pairs: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        start = time.process_time()
        run(SPECS[sys.argv[1]])
        print(time.process_time() - start)
    else:
        main()
