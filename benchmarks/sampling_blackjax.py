"""BlackJAX on the problem of sampling.py, which calls this with a python that has it.

Prints draws of q, CPU seconds of the draws, of the warm-up and of the compilation, as JSON.
"""

from __future__ import annotations

import json
import sys
import time

import blackjax
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
DRAWS = {"HMC": 100, "NUTS": 60}
WARMUP = 60
NUTS_CHAINS = 4


def timed(function, *arguments):
    """CPU seconds of a call, all threads, and what it returned."""
    start = time.process_time()
    result = jax.block_until_ready(function(*arguments))
    return time.process_time() - start, result


def measure(kernel, states, draws):
    """Draws of q of chains that move side by side."""

    def one(states, key):
        keys = jax.random.split(key, states.position.shape[0])
        states, info = jax.vmap(kernel)(keys, states)
        q = jnp.mean(jnp.tanh(states.position) ** 2, axis=1)
        return states, (q, info.num_integration_steps)

    keys = jax.random.split(jax.random.key(1), draws)
    run = jax.jit(lambda states, keys: jax.lax.scan(one, states, keys)[1])
    spent, compiled = timed(lambda: run.lower(states, keys).compile())
    seconds, (q, steps) = timed(compiled, states, keys)
    return {
        "q": np.asarray(q).T.tolist(),
        "steps": int(steps.sum()),
        "seconds": seconds,
        "compile": spent,
        "warmup": 0.0,
    }


def main() -> None:
    problem = np.load(sys.argv[1])
    J, T, step = jnp.asarray(problem["J"]), float(problem["T"]), float(problem["step"])
    x = jnp.asarray(problem["x"])

    def log_density(x):
        r = x - J @ jnp.tanh(x)
        return -0.5 * jnp.sum(r * r) / T

    results = {}
    hmc = blackjax.hmc(
        log_density,
        step_size=step,
        inverse_mass_matrix=jnp.asarray(problem["inverse_mass"]),
        num_integration_steps=max(1, round(float(sys.argv[2]) / step)),
    )
    results["HMC"] = measure(hmc.step, jax.vmap(hmc.init)(x), DRAWS["HMC"])

    adaptation = blackjax.window_adaptation(blackjax.nuts, log_density)
    spent, ((_, parameters), _) = timed(
        lambda: adaptation.run(jax.random.key(2), x[0], num_steps=WARMUP)
    )
    nuts = blackjax.nuts(log_density, **parameters)
    starts = jax.vmap(nuts.init)(x[:NUTS_CHAINS])
    results["NUTS"] = measure(nuts.step, starts, DRAWS["NUTS"])
    results["NUTS"]["warmup"] = spent
    print(json.dumps(results))


if __name__ == "__main__":
    main()
