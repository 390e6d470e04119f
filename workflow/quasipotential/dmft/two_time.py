r"""Two-time DMFT: transients and noise, any gamma, as a population of trajectories.

One unit of dx_i/dt = -x_i + sum_j J_ij phi(x_j) + sigma xi_i for N -> infinity (section 10 of
docs/theory.md):

.. math::

    \dot x = -x + \eta + g^2 \gamma \int_0^t R(t, s)\, \phi(x(s))\, ds, \qquad
    \langle \eta(t) \eta(s) \rangle = g^2 C(t, s) + \sigma^2 \delta(t - s),

    C(t, s) = \langle \phi(t) \phi(s) \rangle, \qquad
    R(t, s) = \langle \partial \phi(t) / \partial j(s) \rangle.

With the step dt of Euler-Maruyama, and ``R`` holding one dt (it is the response to a field that
lasts one step),

.. math::

    x_{t+1} = (1 - dt) x_t + dt \Big[ \eta_t + g^2 \gamma \sum_{s<t} R_{ts} \phi_s \Big], \qquad
    \langle \eta_t \eta_s \rangle = g^2 C_{ts} + \frac{\sigma^2}{dt} \delta_{ts},

    \chi_{ts} = \frac{\partial x_t}{\partial j_s}, \qquad
    R_{ts} = \langle \phi'_t \chi_{ts} \rangle,

    \chi_{t+1,s} = (1 - dt) \chi_{ts}
        + dt \Big[ \delta_{ts} + g^2 \gamma \sum_{s<u<t} R_{tu} \phi'_u \chi_{us} \Big].

This is the exact large-N limit of the Euler-Maruyama network with the same step, at any dt; only
its distance from continuous time is of order dt.  The equations are causal: one sweep forward in
time solves them, with no outer iteration.

A population of M trajectories stands for the averages.  The field of a step is a row of the
Cholesky factor of its covariance times standard noise; the noise vectors of all steps are made
orthonormal over the population (and to 1 and to x_0), so that the population has exactly this
covariance.  The tangent chi is followed on the first trajectories only; the ratio of <phi'> in the
population and in the subset corrects R.  What is left is a statistical error of order M^{-1/2} and
a bias of order 1/M; the error is measured with independent populations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..specs import TwoTimeDmftSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function

_LONG_NAMES = {
    "mean_x": "mean activity",
    "mean_phi": "mean rate",
    "C_x_equal": "mean square activity",
    "C_phi": "two-time correlation of the rate",
    "R": "response of the rate at time to a field during the step at time2 (holds one step dt)",
}
_DEPENDENT = 1e-12  # part of a vector that is taken for rounding
_FACTOR_TOLERANCE = 1e-10


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
        Largest |L L^T - covariance| of the field relative to the largest covariance: zero up to
        rounding only if the covariance is positive semi-definite.
    status : Status
        ``UNPHYSICAL`` if the covariance of the field is not positive semi-definite.
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
    times = steps + 1
    low, high = start
    strata = generator.permutation(trajectories) + generator.random(trajectories)
    x = low + (high - low) * strata / trajectories
    xi = _orthonormal_noise(generator, x, steps)

    phi = np.empty((times, trajectories))
    mean_x, C_x_equal = np.empty(times), np.empty(times)
    C, R = np.zeros((times, times)), np.zeros((times, times))
    cholesky = _CholeskyRows(steps, trajectories + steps)
    # Tangents: chi[s, k] now, and the history of phi' chi for the memory term (zero unless s < u).
    chi = np.zeros((steps, tangents))
    echo = g**2 * gamma
    history = np.zeros((steps, steps * tangents)) if echo else None
    for t in range(times):
        phi[t] = transfer.phi(x)
        mean_x[t], C_x_equal[t] = x.mean(), x @ x / trajectories
        C[t, : t + 1] = phi[: t + 1] @ phi[t] / trajectories
        C[: t + 1, t] = C[t, : t + 1]
        slope = transfer.derivative(x)
        gains = slope[:tangents] * chi[:t]
        R[t, :t] = gains.sum(axis=1) * (slope.mean() / slope[:tangents].sum())
        if t == steps:
            break
        # Products of these vectors are g^2 C_ts + sigma^2/dt delta_ts.
        white = np.zeros(steps)
        white[t] = noise / np.sqrt(interval)
        row = cholesky.append(np.concatenate([g / np.sqrt(trajectories) * phi[t], white]))
        field = row @ xi[: t + 1]
        feedback = 0.0
        if echo:
            history[t, : gains.size] = gains.ravel()
            field += echo * (R[t, :t] @ phi[:t])
            feedback = echo * (R[t, :t] @ history[:t, : gains.size]).reshape(gains.shape)
        x = (1.0 - interval) * x + interval * field
        chi[:t] = (1.0 - interval) * chi[:t] + interval * feedback
        chi[t] = interval
    covariance = g**2 * C[:-1, :-1] + noise**2 / interval * np.eye(steps)
    defect = np.max(np.abs(cholesky.factor @ cholesky.factor.T - covariance), initial=0.0)
    factor_error = float(defect / max(covariance.max(initial=0.0), np.finfo(float).tiny))
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
        )
        for seed in np.random.SeedSequence(spec.entropy).spawn(spec.batches)
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


class _CholeskyRows:
    """Cholesky factor L of a Gram matrix whose vectors arrive one by one and may be dependent.

    The rows come from Gram-Schmidt on the vectors (twice, for orthogonality to rounding), not from
    the matrix, which is positive semi-definite in exact arithmetic only: smooth trajectories make
    it singular.  A vector that depends on the earlier ones to rounding has a zero pivot.
    """

    def __init__(self, size: int, length: int) -> None:
        self._basis = np.zeros((size, length))
        self._rows = 0
        self.factor = np.zeros((size, size))

    def append(self, vector: np.ndarray) -> np.ndarray:
        """Row t of L, shape (t + 1,), from vector t."""
        t = self._rows
        self._rows += 1
        basis, row = self._basis[:t], self.factor[t, : t + 1]
        rest = vector
        for _ in range(2):
            projection = basis @ rest
            rest = rest - projection @ basis
            row[:t] += projection
        pivot = np.linalg.norm(rest)
        if pivot > _DEPENDENT * np.linalg.norm(vector):
            row[t] = pivot
            self._basis[t] = rest / pivot
        return row
