"""Speed of the sampler: its gradient beside the machine's matrix products, its draws beside those
of Euler-Maruyama and of BlackJAX.  One run, CPU time, under two minutes.

OPENBLAS_NUM_THREADS=1 PYTHONPATH=workflow python benchmarks/sampling.py [python with blackjax]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quasipotential.couplings import elliptic
from quasipotential.diagnostics import summarise
from quasipotential.langevin import Landscape, sampler
from quasipotential.langevin.kernels import EulerMaruyama, mass
from quasipotential.langevin.landscape import State
from quasipotential.progress import Progress
from quasipotential.specs import CouplingsSpec, LangevinSpec
from quasipotential.transfer import transfer_function

N, G, T = 400, 1.2, 1e-2
CHAINS = 64
PATH_LENGTH = 16.0
EULER_STEP, EULER_CHAINS, EULER_TIME = 0.009, 64, 120.0


@dataclass(frozen=True)
class Speed:
    """CPU milliseconds per effective sample of q, its mean and error, and the step."""

    milliseconds: float
    mean: float
    error: float
    step: float
    per_step: float  # CPU milliseconds of one leapfrog step of one chain


def cpu(function: Callable[[], object], repeats: int = 15) -> float:
    """Median CPU seconds of a call."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return float(np.median(times))


def gradients() -> None:
    """Rate of the gradient as a share of plain products, and its gain from blocks of rows."""
    rng = np.random.default_rng(0)
    print(
        f"{'N':>6} {'K':>4} {'gradient GFLOP/s':>17} {'of square':>10} {'of the same product':>20}"
        f" {'of undivided':>13}"
    )
    square, out = rng.standard_normal((1000, 1000)), np.empty((1000, 1000))
    for size, chains in ((1000, 16), (1000, 64), (800, 4), (400, 4)):
        J = G * elliptic(size, 0.0, rng)
        state, undivided = (
            State(Landscape(J, transfer_function("tanh")), rng.standard_normal((size, chains)))
            for _ in range(2)
        )
        undivided._blocks = [slice(0, size)]
        rates = np.empty((15, 4))
        for row in rates:  # interleaved, for a machine whose load changes
            row[:] = (
                4 * size**2 * chains / cpu(state.update),
                2 * 1000**3 / cpu(lambda: np.matmul(square, square, out=out), 1),
                2 * size**2 * chains / cpu(lambda: np.matmul(J, state.x, out=state.gradient)),  # noqa: B023
                4 * size**2 * chains / cpu(undivided.update),
            )
        rate, peak, same, whole = np.median(rates, axis=0)
        print(
            f"{size:6} {chains:4} {rate / 1e9:17.1f} {rate / peak:10.0%} {rate / same:20.0%}"
            f" {rate / whole:13.2f}"
        )


def network() -> tuple[LangevinSpec, Landscape]:
    """The point where samplers are compared."""
    spec = LangevinSpec(
        couplings=CouplingsSpec(N=N, gamma=0.0, seed=0),
        g=G,
        temperatures=(T,),
        algorithm="hmc",
        step=0.3,
        path_length=PATH_LENGTH,
        hottest=0.1,
        chains=CHAINS,
        warmup=100,
        draws=100,
        seed=0,
    )
    J = G * elliptic(N, 0.0, np.random.default_rng(0))
    return spec, Landscape(J, transfer_function("tanh"))


def hmc(spec: LangevinSpec, landscape: Landscape) -> tuple[Speed, State]:
    """Draws of this package, after the warm-up, and the last state."""
    ensemble = sampler.begin(spec, landscape)
    sampler.warm_up(spec, ensemble, Progress("warm-up", "transitions", spec.warmup))
    record = sampler.Record(spec, ensemble)
    start = time.process_time()
    for _ in range(spec.draws):
        sampler.draw(spec, ensemble, record)
    seconds = time.process_time() - start
    q = summarise(record.draws["q"][0])
    step = float(ensemble.step[0])
    per_step = 1e3 * seconds / (spec.draws * spec.chains * PATH_LENGTH / step)
    speed = Speed(1e3 * seconds / q.ess, q.mean, q.mcse, step, per_step)
    return speed, ensemble.state


def euler_maruyama(start: State, mean: float) -> tuple[float, float]:
    """CPU milliseconds per effective sample of q, at the least and continued; prints the bias of E.

    The chains start in equilibrium, at states of HMC.  The time integral of the autocorrelation is
    cut at the end of the run and continued as an exponential, with the slope that it has there.
    """
    rng = np.random.default_rng(1)
    state = start.columns(np.arange(EULER_CHAINS) % start.x.shape[1])
    kernel = EulerMaruyama()
    temperature, step = np.full(EULER_CHAINS, T), np.full(EULER_CHAINS, EULER_STEP)
    every = 1.0
    q, energy = [], []
    begin = time.process_time()
    for _ in range(round(EULER_TIME / every)):
        kernel(state, temperature, step, every, rng)
        q.append(np.mean(np.tanh(state.x) ** 2, axis=0))
        energy.append(state.energy.mean())
    seconds = time.process_time() - begin
    fluctuation = np.array(q) - mean
    length = len(q)
    lags = np.arange(length // 2)
    variance = np.mean(fluctuation**2)
    correlation = np.array(
        [np.mean(fluctuation[: length - lag] * fluctuation[lag:]) for lag in lags]
    )
    correlation /= variance
    cut = every * (2 * correlation.sum() - 1)
    slope = np.log(correlation[len(lags) // 2] / correlation[-1]) / (every * len(lags) / 2)
    continued = cut + 2 * correlation[-1] / slope
    cost = 1e3 * seconds / (EULER_TIME * EULER_CHAINS)  # ms per unit of time of one chain
    tail = np.array(energy[20:]) / (N * T / 2)
    print(
        f"Euler-Maruyama, h = {EULER_STEP}: bias of E {tail.mean() - 1:+.2%}, autocorrelation "
        f"{correlation[-1]:.2f} at the time {lags[-1] * every:.0f}"
    )
    print(
        f"  {cut * cost:10.1f} ms per effective sample at least, {cut / EULER_STEP:.0f} gradients"
    )
    print(f"  {continued * cost:10.1f} ms, {continued / EULER_STEP:.0f} gradients, if continued")
    return cut * cost, continued * cost


def blackjax(
    python: str, landscape: Landscape, spec: LangevinSpec, start: State, step: float
) -> dict[str, float]:
    """Draws of BlackJAX from the same states: HMC with the same step, length and mass; NUTS."""
    M = mass(landscape, 1.0 / G, spec.mass_floor)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        np.savez(path, J=landscape.J, x=start.x.T, inverse_mass=T * M.inverse, T=T, step=step)
        answer = subprocess.run(
            [python, Path(__file__).with_name("sampling_blackjax.py"), path, str(PATH_LENGTH)],
            capture_output=True,
            text=True,
            env=os.environ
            | {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "JAX_PLATFORMS": "cpu"},
        )
    if answer.returncode:
        print(f"BlackJAX left out: {answer.stderr.strip().splitlines()[-1]}")
        return {}
    speeds = {}
    for name, result in json.loads(answer.stdout).items():
        q = summarise(np.array(result["q"]))
        speeds[name] = 1e3 * result["seconds"] / q.ess
        print(
            f"BlackJAX {name}: {speeds[name]:.1f} ms per effective sample, q = {q.mean:.4f}"
            f"({q.mcse:.4f}), R-hat {q.rhat:.3f}; compiled in {result['compile']:.1f} s, "
            f"warm-up {result['warmup']:.1f} s, {1e6 * result['seconds'] / result['steps']:.1f} us "
            "a step and chain"
        )
    return speeds


def main() -> None:
    gradients()
    spec, landscape = network()
    speed, last = hmc(spec, landscape)
    print(
        f"HMC: {speed.milliseconds:.1f} ms per effective sample, q = {speed.mean:.4f}"
        f"({speed.error:.4f}), step {speed.step:.3f}, {1e3 * speed.per_step:.1f} us a step "
        "and chain"
    )
    least, continued = euler_maruyama(last, speed.mean)
    ratios = {
        "Euler-Maruyama, at least": least / speed.milliseconds,
        "Euler-Maruyama, continued": continued / speed.milliseconds,
    }
    if len(sys.argv) > 1:
        for name, milliseconds in blackjax(sys.argv[1], landscape, spec, last, speed.step).items():
            ratios[f"BlackJAX {name}"] = milliseconds / speed.milliseconds
    else:
        print("BlackJAX left out: name a python that has it")
    for name, ratio in ratios.items():
        print(f"HMC of this package is {ratio:.1f} times faster than {name}")


if __name__ == "__main__":
    main()
