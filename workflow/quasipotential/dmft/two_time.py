r"""Two-time DMFT: transients and noise, any gamma, as a population of trajectories.

One unit of dx_i/dt = -x_i + sum_j J_ij phi(x_j) + sigma xi_i for N -> infinity (section 10 of
docs/theory.md):

.. math::

    \dot x = -x + \eta + g^2 \gamma \int_0^t R(t, s)\, \phi(x(s))\, ds, \qquad
    \langle \eta(t) \eta(s) \rangle = g^2 C(t, s) + \sigma^2 \delta(t - s),

    C(t, s) = \langle \phi(t) \phi(s) \rangle, \qquad
    R(t, s) = \langle \partial \phi(t) / \partial j(s) \rangle.

In steps (module `time_step`: Euler, or a scheme of second order) with
:math:`\mu_t = \sum_{s<t} R_{ts} \phi_s`,

.. math::

    x_{t+1} = a x_t + f_t + g^2 \gamma (b_t \mu_t + b'_t \mu_{t-1}), \qquad
    \langle f_t f_s \rangle = F_{ts} = g^2 \sum_{uv} b_{tu} b_{sv} C_{uv}
        + \sigma^2 c^2 \delta_{ts}.

This is the exact large-N limit of the network with the same step, at any dt.  ``R`` is the response
to an input during one step and holds the weight of that step in an integral over time: dt, but for
the second-order scheme 3/2 of it where t = s + 1 and half of it where s = 0, the ends of a
trapezoidal rule.  The equations are causal: one sweep forward in time solves them, with no outer
iteration.

A population of M trajectories stands for the averages.  The field of a step is drawn given the
earlier ones: a new row of the Cholesky factor of F times standard noise.  The noise vectors of all
steps are orthonormal over the population (and to 1 and to x_0), so that the population has exactly
this covariance.  Smooth trajectories make F singular; 1e-12 of each variance is added to its pivot,
and ``factor_error`` measures the distance of the factor from F.

The response follows from the tangent of the first K trajectories, at each t by one sweep backward,

.. math::

    y_s = \frac{\partial x_t}{\partial x_s}: \quad y_t = 1, \quad
    y_s = a\, y_{s+1} + \phi'_s \sum_{u \geq s+2} W_{us}\, y_u, \quad
    W_{u+1,s} = g^2 \gamma (b_u R_{us} + b'_u R_{u-1,s}),

    R_{ts} = \langle \phi'_t (b_s y_{s+1} + b'_{s+1} y_{s+2}) \rangle,

which needs no history of tangents: the memory is of order times^2 + times (M + 16 K).  The ratio
of <phi'> in the population and among the K corrects R.  At gamma = 0 all trajectories share one
tangent.

What is left is a statistical error of order M^{-1/2} (of R: of order K^{-1/2}) and a bias of order
1/M; the error is measured with independent populations.

Examples
--------
>>> from quasipotential.dmft import two_time
>>> from quasipotential.specs import Interval, TwoTimeDmftSpec
>>> spec = TwoTimeDmftSpec(
...     g=0.5, gamma=0.5, noise=0.0, start=Interval(low=0.0, high=1.0), duration=4.0,
...     interval=0.1, scheme="adams-bashforth", trajectories=200, tangents=20, batches=4, seed=1,
... )
>>> result = two_time.run(spec)
>>> result.C_phi.dims, result.status.values.tolist()
(('time', 'time2'), [0, 0, 0, 0])
>>> bool(result.C_phi_se.max() < 0.01 * result.C_phi.max())  # standard error of each value
True
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import linalg

from ..progress import Progress
from ..specs import TimeScheme, TwoTimeDmftSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function
from .time_step import TimeStep, free_tangent, time_step

_LONG_NAMES = {
    "mean_x": "mean activity",
    "mean_phi": "mean rate",
    "C_x_equal": "mean square activity",
    "C_phi": "two-time correlation of the rate",
    "R": "response of the rate at time to a field during the step at time2 (holds one step dt)",
}
_NUGGET = 1e-12  # part of its variance that is added to a pivot
_FACTOR_TOLERANCE = 1e-10
_BLOCK = 16  # steps of a backward sweep that are taken at once


@dataclass(frozen=True)
class TwoTimeSolution:
    """Averages over one population.

    Attributes
    ----------
    time : ndarray, shape (times,)
        t = 0, dt, ..., duration.
    mean_x, mean_phi, C_x_equal : ndarray, shape (times,)
        <x>, <phi>, <x^2>.
    C_phi : ndarray, shape (times, times)
        <phi(t) phi(s)>.
    R : ndarray, shape (times, times)
        <d phi(t)/d j(s)> dt; zero unless s < t.
    factor_error : float
        Largest |L L^T - F| relative to the largest variance F_tt: as small as the addition to the
        pivots only if F is positive semi-definite.
    status : Status
        ``UNPHYSICAL`` if F is not positive semi-definite.
    """

    time: np.ndarray
    mean_x: np.ndarray
    mean_phi: np.ndarray
    C_x_equal: np.ndarray
    C_phi: np.ndarray
    R: np.ndarray
    factor_error: float
    status: Status


def solve(
    g: float,
    gamma: float,
    transfer: TransferFunction,
    noise: float,
    start: tuple[float, float],
    duration: float,
    interval: float,
    trajectories: int,
    tangents: int,
    generator: np.random.Generator,
    scheme: TimeScheme = "euler",
    within: Progress | None = None,
) -> TwoTimeSolution:
    """Sweep one population forward in time.

    Parameters
    ----------
    g, gamma : float
        Strength and asymmetry of the couplings.
    transfer : TransferFunction
        phi.
    noise : float
        sigma.
    start : tuple of float
        x(0) is uniform between these two (stratified over the population).
    duration, interval : float
        Length of the trajectories and step dt.
    trajectories, tangents : int
        Size of the population, and of its part that carries the tangent.
    generator : numpy.random.Generator
        Source of the start and of the noise.
    scheme : {"euler", "adams-bashforth"}
        Step, of first or of second order.
    within : Progress, optional
        Loop of which this population is an item.

    Returns
    -------
    TwoTimeSolution

    Raises
    ------
    ValueError
        If there are fewer trajectories than orthonormal noise vectors, steps + 2.

    References
    ----------
    Section 10 of docs/theory.md.
    """
    steps = round(duration / interval)
    if trajectories < steps + 2:
        raise ValueError(
            f"{steps} steps need at least {steps + 2} trajectories for orthonormal noise, "
            f"got {trajectories}; raise trajectories or interval"
        )
    times, step = steps + 1, time_step(scheme, interval)
    low, high = start
    strata = generator.permutation(trajectories) + generator.random(trajectories)
    x = low + (high - low) * strata / trajectories
    xi = _orthonormal_noise(generator, x, steps)

    phi = np.empty((times, trajectories))
    mean_x, C_x_equal = np.empty(times), np.empty(times)
    C, R = np.zeros((times, times)), np.zeros((times, times))
    F, factor = np.zeros((steps, steps)), np.zeros((steps, steps))
    echo = g**2 * gamma
    response = _Response(step, tangents, times) if echo else None
    free = None if echo else free_tangent(step, times)
    # A step costs as many products as it adds elements.
    progress = Progress("two-time DMFT", "elements of C", times * (times + 1) / 2, within=within)
    for t in range(times):
        progress.reach(t * (t + 1) / 2)
        phi[t] = transfer.phi(x)
        mean_x[t], C_x_equal[t] = x.mean(), x @ x / trajectories
        C[t, : t + 1] = phi[: t + 1] @ phi[t] / trajectories
        C[: t + 1, t] = C[t, : t + 1]
        slope = transfer.derivative(x)
        R[t, :t] = response.row(slope) if echo else slope.mean() * free[t, :t]
        if t == steps:
            break
        now, before = step.weights(t)
        F[t, : t + 1] = g**2 * _with_weights(step, now * C[t, : t + 1] + before * C[t - 1, : t + 1])
        F[t, t] += (noise * step.spread) ** 2
        x = step.decay * x + _new_row(factor, F, t) @ xi[: t + 1]
        if echo:
            kernel = echo * (now * R[t, :t] + before * R[t - 1, :t])
            x += kernel @ phi[:t]
            response.append(kernel)
    F += np.tril(F, -1).T
    defect = np.max(np.abs(factor @ factor.T - F), initial=0.0)
    factor_error = float(defect / (F.max(initial=0.0) or 1.0))
    return TwoTimeSolution(
        interval * np.arange(times),
        mean_x,
        phi.mean(axis=1),
        C_x_equal,
        C,
        R,
        factor_error,
        Status.CONVERGED if factor_error <= _FACTOR_TOLERANCE else Status.UNPHYSICAL,
    )


def run(spec: TwoTimeDmftSpec) -> xr.Dataset:
    """Two-time DMFT of a spec: mean and standard error over its independent populations.

    Returns
    -------
    xarray.Dataset
        ``mean_x``, ``mean_phi``, ``C_x_equal`` over ``time``; ``C_phi`` and ``R`` over ``time`` and
        ``time2`` (``R`` holds one dt); the standard error of each as ``<name>_se``;
        ``factor_error`` and ``status`` over ``batch``.
    """
    transfer = transfer_function(spec.transfer)
    progress = Progress(spec.key, "populations", spec.batches)
    solutions = [
        solve(
            spec.g,
            spec.gamma,
            transfer,
            spec.noise,
            (spec.start.low, spec.start.high),
            spec.duration,
            spec.interval,
            spec.trajectories,
            spec.tangents,
            np.random.default_rng(seed),
            spec.scheme,
            progress,
        )
        for seed in progress.over(np.random.SeedSequence(spec.entropy).spawn(spec.batches))
    ]
    variables = {}
    for name, long_name in _LONG_NAMES.items():
        values = np.array([getattr(solution, name) for solution in solutions])
        dims = ("time", "time2")[: values.ndim - 1]
        error = values.std(axis=0, ddof=1) / np.sqrt(spec.batches)
        variables[name] = dims, values.mean(axis=0), {"long_name": long_name, "units": "1"}
        variables[f"{name}_se"] = (
            dims,
            error,
            {"long_name": f"standard error of {name} over the populations", "units": "1"},
        )
    factor_errors = np.array([solution.factor_error for solution in solutions])
    status = np.array([solution.status.code for solution in solutions], dtype=np.int8)
    variables["factor_error"] = (
        "batch",
        factor_errors,
        {"long_name": "relative defect of the factor of the field's covariance", "units": "1"},
    )
    variables["status"] = "batch", status, STATUS_ATTRIBUTES
    time = solutions[0].time
    return xr.Dataset(
        variables,
        coords={
            "time": ("time", time, {"long_name": "time", "units": "1"}),
            "time2": ("time2", time, {"long_name": "earlier time", "units": "1"}),
            "batch": (
                "batch",
                np.arange(spec.batches),
                {"long_name": "independent population", "units": "1"},
            ),
        },
    )


def _orthonormal_noise(generator: np.random.Generator, x: np.ndarray, steps: int) -> np.ndarray:
    """Rows of noise, shape (steps, M), of norm^2 M, orthogonal to 1, to x and to each other."""
    columns = np.column_stack([np.ones_like(x), x, generator.standard_normal((x.size, steps))])
    q, r = np.linalg.qr(columns)
    signs = np.sign(np.diag(r)[2:])  # keeps the correlation with the Gaussian draws positive
    return np.ascontiguousarray((q[:, 2:] * signs).T) * np.sqrt(x.size)


def _with_weights(step: TimeStep, inputs: np.ndarray) -> np.ndarray:
    """Sum over v of b_sv inputs_v for the steps s: from inputs h_v to what enters x."""
    field = step.now * inputs
    field[0] = step.first * inputs[0]
    field[1:] += step.before * inputs[:-1]
    return field


def _new_row(factor: np.ndarray, F: np.ndarray, t: int) -> np.ndarray:
    """Write row t of the Cholesky factor of F from the earlier ones; shape (t + 1,)."""
    row = factor[t, : t + 1]
    if t:
        row[:t] = linalg.solve_triangular(factor[:t, :t], F[t, :t], lower=True, check_finite=False)
    rest = F[t, t] - row[:t] @ row[:t]
    row[t] = np.sqrt(max(rest, 0.0) + _NUGGET * F[t, t] + np.finfo(float).tiny)
    return row


class _Response:
    """Rows of R by backward sweeps over a part of the population, one after the other in time.

    A block of steps that lies in the past solves a triangular system that later sweeps share:
    its inverse is kept, and a sweep costs one product for each block.
    """

    def __init__(self, step: TimeStep, tangents: int, times: int) -> None:
        self._step = step
        self._slopes = np.empty((times, tangents))
        self._kernel = np.zeros((times, times))  # W_us at [s, u]: rows serve the sweeps
        self._y = np.empty((times, tangents))
        self._rows = 0
        self._blocks: list[tuple[np.ndarray, np.ndarray]] = []

    def append(self, kernel: np.ndarray) -> None:
        """Take W_us with which the next step follows, shape (u - 1,)."""
        self._kernel[: kernel.size, self._rows] = kernel

    def row(self, slope: np.ndarray) -> np.ndarray:
        """R_ts of the next t, shape (t,), from phi' of the population at t."""
        t, step = self._rows, self._step
        self._rows += 1
        self._slopes[t] = slope[: self._slopes.shape[1]]
        if t == (len(self._blocks) + 1) * _BLOCK:
            self._blocks.append(self._block(t - _BLOCK))
        y = self._y[: t + 1]
        y[t] = 1.0
        for s in range(t - 1, len(self._blocks) * _BLOCK - 1, -1):
            feedback = self._slopes[s] * (self._kernel[s, s + 2 : t + 1] @ y[s + 2 :])
            y[s] = step.decay * y[s + 1] + feedback
        for number in range(len(self._blocks) - 1, -1, -1):
            begin, end = number * _BLOCK, (number + 1) * _BLOCK
            inverse, last = self._blocks[number]
            later = self._kernel[begin:end, end : t + 1] @ y[end:]
            y[begin:end] = np.einsum("suk,uk->sk", inverse, later) + last * y[end]
        gains = y @ self._slopes[t] * (slope.mean() / self._slopes[t].sum())
        R = step.now * gains[1:]
        R[:1] *= step.first / step.now
        R[:-1] += step.before * gains[2:]
        return R

    def _block(self, begin: int) -> tuple[np.ndarray, np.ndarray]:
        """y in a block: a matrix for what feeds back from later steps, a vector for y after it."""
        here = slice(begin, begin + _BLOCK)
        slopes, decay = self._slopes[here].T, self._step.decay
        system = np.eye(_BLOCK) - decay * np.eye(_BLOCK, k=1)
        inverse = np.linalg.inv(system - slopes[:, :, None] * self._kernel[here, here])
        feedback = inverse * slopes[:, None, :]
        return np.ascontiguousarray(feedback.transpose(1, 2, 0)), decay * inverse[:, :, -1].T
