r"""Largest Lyapunov exponents of the original dynamics on networks, by Benettin's method.

    dx = (-x + J phi(x)) dt + sigma dW,            dv/dt = -v + J (phi'(x) v),   J = g * couplings.

k tangent vectors v follow a trajectory and are made orthonormal again once per unit of time; the
means of the logarithms of the diagonal of R in each QR decomposition, per time, are the k largest
exponents (Benettin et al., Meccanica 15, 9, 1980).  Noise that does not depend on x does not act on
v: with it the exponents are those of two copies of the network that see the same noise.

Each step is one of the classical Runge-Kutta method for x and v together, so that v is the exact
tangent of the discrete map, between two half steps of the noise.  Averages over long times err as
dt^4 without noise and, by the splitting, as dt^2 with it.  Each network is followed with the steps
dt and 2 dt, from the same starts and with the same noise, and

    lambda = lambda(dt) + [lambda(dt) - lambda(2 dt)]/(2^p - 1),    p = 4 or 2       (Richardson).

Chaotic trajectories with different steps part after a while, so that the difference contains the
statistical error of both; lambda(dt) - lambda bounds the error of the step from above.  The
statistical error of a network is the spread over independent trajectories (``copies``).  Everything
is dimensionless.

References
----------
docs/theory.md, section 9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from . import couplings
from .potential import energy
from .progress import Progress
from .specs import CouplingsSpec, LyapunovSpec
from .status import STATUS_ATTRIBUTES, Status
from .transfer import TransferFunction, transfer_function

BETWEEN = 1.0  # time between two orthonormalisations, at least one step
LONG_NAMES = {
    "network": "index of the network",
    "copy": "index of the trajectory on a network",
    "exponent": "index of the exponent, the largest first",
    "lyapunov_exponent": "Lyapunov exponent of a network, extrapolated to dt = 0",
    "lyapunov_exponent_se": "standard error over the trajectories on a network",
    "step_error": "estimated error of the finer step",
    "fine": "Lyapunov exponent of a trajectory with the step dt",
    "coarse": "Lyapunov exponent of a trajectory with the step 2 dt",
    "mean_square_x": "mean of x^2 over units, time and trajectories",
    "energy": "mean quasi-potential per unit over time and trajectories, E/N",
}


@dataclass(frozen=True)
class Growth:
    """What trajectories on one network leave.

    Attributes
    ----------
    exponents : ndarray, shape (copies, k)
        In falling order up to statistical errors.
    mean_square_x, energy : float
        Means over units, time and copies.
    """

    exponents: np.ndarray
    mean_square_x: float
    energy: float


def growth(
    J: np.ndarray,
    transfer: TransferFunction,
    start: np.ndarray,
    tangents: np.ndarray,
    step: float,
    discard: float,
    duration: float,
    noise: float = 0.0,
    draws: int = 1,
    rng: np.random.Generator | None = None,
    within: Progress | None = None,
) -> Growth:
    """Growth rates of tangent vectors along trajectories on one network.

    Parameters
    ----------
    J : ndarray, shape (N, N)
    transfer : TransferFunction
    start : ndarray, shape (N, copies)
        One column per trajectory.
    tangents : ndarray, shape (copies, N, k)
        Linearly independent.
    step : float
        dt.
    discard, duration : float
        Time before the exponents are averaged, and of the average.
    noise : float
        sigma.
    draws : int
        Random numbers whose sum makes the noise of half a step: with half of them and half the
        step the noise is the same.
    rng : Generator or None
        Source of the noise; None without noise.
    within : Progress, optional
        Loop of which this run is an item.

    Returns
    -------
    Growth
    """
    x, (copies, N, k) = start.copy(), tangents.shape
    every = max(1, round(BETWEEN / step))
    skipped, counted = (max(1, round(time / step / every)) for time in (discard, duration))
    inputs = np.empty((N, 1 + k, copies))

    def derivative(state: np.ndarray) -> np.ndarray:
        """Of x and its tangents, shape (N, 1 + k, copies)."""
        inputs[:, 0] = transfer.phi(state[:, 0])
        np.multiply(transfer.derivative(state[:, :1]), state[:, 1:], out=inputs[:, 1:])
        slope = (J @ inputs.reshape(N, -1)).reshape(inputs.shape)
        slope -= state
        return slope

    state = np.concatenate([x[:, None], np.linalg.qr(tangents)[0].transpose(1, 2, 0)], axis=1)
    logarithms = np.zeros((copies, k))
    square = potential = 0.0
    progress = Progress("growth rates", "blocks", skipped + counted, within=within)
    for block in progress.over(range(skipped + counted)):
        for _ in range(every):
            if noise:
                shape = (2, draws, N, copies)
                kicks = noise * np.sqrt(0.5 * step / draws) * rng.standard_normal(shape).sum(axis=1)
                state[:, 0] += kicks[0]
            first = derivative(state)
            second = derivative(state + 0.5 * step * first)
            third = derivative(state + 0.5 * step * second)
            fourth = derivative(state + step * third)
            second += third
            second *= 2.0
            second += first
            second += fourth
            state += step / 6.0 * second
            if noise:
                state[:, 0] += kicks[1]
        q, r = np.linalg.qr(state[:, 1:].transpose(2, 0, 1))
        state[:, 1:] = q.transpose(1, 2, 0)
        if block >= skipped:
            logarithms += np.log(np.abs(np.diagonal(r, axis1=1, axis2=2)))
            square += np.square(state[:, 0]).mean()
            potential += energy(state[:, 0], J, transfer).mean() / N
    return Growth(logarithms / (counted * every * step), square / counted, potential / counted)


def run(spec: LyapunovSpec) -> xr.Dataset:
    """Lyapunov exponents of a spec's networks.

    Returns
    -------
    Dataset
        Over ``network`` and ``exponent``: ``lyapunov_exponent``, extrapolated to dt = 0,
        ``lyapunov_exponent_se`` and ``step_error``; ``fine`` and ``coarse`` also over ``copy``;
        ``mean_square_x``, ``energy`` and ``status`` over ``network``.  The status is NOT_CONVERGED
        where a trajectory diverged.
    """
    transfer = transfer_function(spec.transfer)
    order = 2 if spec.noise else 4
    runs: list[list[Growth]] = []
    progress = Progress(spec.key, "runs", 2 * spec.networks)
    for index, seed in enumerate(np.random.SeedSequence(spec.entropy).spawn(spec.networks)):
        network = CouplingsSpec(N=spec.N, gamma=spec.gamma, seed=spec.seed + index)
        J = spec.g * couplings.run(network)["couplings"].values
        runs.append(
            [_follow(spec, J, transfer, seed, draws, progress) for draws in progress.over((1, 2))]
        )
    fine, coarse = (np.array([pair[i].exponents for pair in runs]) for i in (0, 1))
    extrapolated = fine + (fine - coarse) / (2**order - 1)
    mean = extrapolated.mean(axis=1)
    finite = np.isfinite(mean).all(axis=1)
    status = np.where(finite, Status.CONVERGED.code, Status.NOT_CONVERGED.code).astype(np.int8)
    dims = ("network", "exponent")
    dataset = xr.Dataset(
        {
            "lyapunov_exponent": (dims, mean),
            "lyapunov_exponent_se": (
                dims,
                extrapolated.std(axis=1, ddof=1) / np.sqrt(spec.copies),
            ),
            "step_error": (dims, np.abs(mean - fine.mean(axis=1))),
            "fine": (("network", "copy", "exponent"), fine),
            "coarse": (("network", "copy", "exponent"), coarse),
            "mean_square_x": ("network", [pair[0].mean_square_x for pair in runs]),
            "energy": ("network", [pair[0].energy for pair in runs]),
            "status": ("network", status, STATUS_ATTRIBUTES),
        },
        coords={
            "network": np.arange(spec.networks),
            "copy": np.arange(spec.copies),
            "exponent": np.arange(spec.exponents),
        },
    )
    for name, variable in dataset.variables.items():
        if name != "status":
            variable.attrs.update(long_name=LONG_NAMES[name], units="1")
    return dataset


def _follow(
    spec: LyapunovSpec,
    J: np.ndarray,
    transfer: TransferFunction,
    seed: np.random.SeedSequence,
    draws: int,
    progress: Progress,
) -> Growth:
    """Trajectories with ``draws`` times the spec's step; starts and noise depend on the seed."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(spec.start.low, spec.start.high, (spec.N, spec.copies))
    tangents = rng.standard_normal((spec.copies, spec.N, spec.exponents))
    return growth(
        J, transfer, start, tangents, draws * spec.interval, spec.discard, spec.duration,
        spec.noise, draws, rng, progress,
    )  # fmt: skip
