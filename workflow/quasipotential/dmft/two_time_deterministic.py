r"""Two-time DMFT at gamma = 0 without trajectories: C closes through Gaussian averages.

Without the echo one unit is driven by a Gaussian field only (sections 9 and 10 of docs/theory.md),

.. math::

    \dot x = -x + \eta, \qquad
    \langle \eta(t) \eta(s) \rangle = g^2 C(t, s) + \sigma^2 \delta(t - s), \qquad
    C(t, s) = \langle \phi(x(t))\, \phi(x(s)) \rangle.

In steps (module `time_step`), x_t = a^t x_0 + y_t with y Gaussian, mean 0, covariance D.  With the
fields' covariance F_ts of a step and H_t(s) = <f_t y_s>, D grows by one row a step, without error:

.. math::

    F_{ts} = g^2 \sum_{uv} b_{tu} b_{sv} C_{uv} + \sigma^2 c^2 \delta_{ts}, \qquad
    H_t(s+1) = a H_t(s) + F_{ts}, \qquad D_{t+1,s} = a D_{ts} + H_t(s).

C follows from D by Mehler's formula at each x_0 = x_0^k, a node of Gauss-Legendre quadrature with
weight w_k, in the normalised Hermite coefficients a_n of phi(a^t x_0 + D_tt^{1/2} z):

.. math::

    C_{ts} = \sum_k w_k \sum_n a_n^k(t)\, a_n^k(s)\, r_{ts}^n, \qquad
    r_{ts} = D_{ts} / \sqrt{D_{tt} D_{ss}}.

By the inequality of Cauchy and Schwarz the neglected degrees contribute at most
(tail_t tail_s)^{1/2}, where tail_t = <phi_t^2> - sum_n <a_n(t)^2>, whatever r is.  The response
needs no average of a product: R_ts = <phi'_t> chi_ts, chi_ts the same for all trajectories.

This is the exact large-N limit of the network with the same step at gamma = 0, as is `two_time`,
whose sampling error it measures.

Examples
--------
>>> from quasipotential.dmft import two_time_deterministic
>>> from quasipotential.specs import Interval, TwoTimeDeterministicDmftSpec
>>> spec = TwoTimeDeterministicDmftSpec(
...     g=1.5, noise=0.0, start=Interval(low=-1.0, high=1.0), duration=80.0, interval=0.1,
...     scheme="adams-bashforth",
... )
>>> solution = two_time_deterministic.run(spec)
>>> solution.C_phi.dims, int(solution.status)
(('time', 'time2'), 0)
>>> round(float(solution.C_x_equal.sel(time=80.0)), 2)  # C0 = 0.748 in the stationary state
0.75
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.polynomial import legendre, polynomial
from scipy import signal

from ..specs import TimeScheme, TwoTimeDeterministicDmftSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function
from .time_step import TimeStep, free_tangent, time_step

_FEWEST, _MOST = 16, 1024  # Hermite degrees tried
_FEWEST_NODES, _MOST_NODES = 4, 512  # nodes of the start tried
_REACH = 13.0  # |z| of the Hermite integrals: exp(-z^2/4) is 4e-19
_ROUNDING = 1e-10  # by which |r| may exceed 1

_VARIABLES = {
    "mean_x": ("mean activity", ("time",)),
    "mean_phi": ("mean rate", ("time",)),
    "C_x_equal": ("mean square activity", ("time",)),
    "C_x": ("two-time correlation of the activity", ("time", "time2")),
    "C_phi": ("two-time correlation of the rate", ("time", "time2")),
    "R": (
        "response of the rate at time to a field during the step at time2 (holds one step dt)",
        ("time", "time2"),
    ),
    "quadrature_error": ("bound of the neglected part of <phi^2>, and error of the start", ()),
    "residual": ("excess of a correlation coefficient of the activity over 1", ()),
    "degrees": ("Hermite degrees", ()),
    "start_nodes": ("quadrature nodes of the start", ()),
}


@dataclass(frozen=True)
class DeterministicSolution:
    """Averages over the effective process; no statistical error.

    Attributes
    ----------
    time : ndarray, shape (times,)
        t = 0, dt, ..., duration.
    mean_x, mean_phi, C_x_equal : ndarray, shape (times,)
        <x>, <phi>, <x^2>.
    C_x, C_phi : ndarray, shape (times, times)
        <x(t) x(s)>, <phi(t) phi(s)>.
    R : ndarray, shape (times, times)
        <d phi(t)/d j(s)>, with one step in it; zero unless s < t.
    quadrature_error : float
        The larger of the largest tail_t (in <phi_t^2>) and the change of <phi>, <phi^2> and <phi'>
        at t = 0 with twice the nodes of the start.
    residual : float
        Largest |r_ts| - 1, at least 0: above rounding, D is not a covariance.
    degrees, start_nodes : int
        Hermite degrees and nodes of x_0.
    status : Status
        ``INACCURATE`` if the quadrature error stayed above the tolerance; ``UNPHYSICAL`` if D is
        not a covariance.
    """

    time: np.ndarray
    mean_x: np.ndarray
    mean_phi: np.ndarray
    C_x_equal: np.ndarray
    C_x: np.ndarray
    C_phi: np.ndarray
    R: np.ndarray
    quadrature_error: float
    residual: float
    degrees: int
    start_nodes: int
    status: Status


def solve(
    g: float,
    transfer: TransferFunction,
    noise: float,
    start: tuple[float, float],
    duration: float,
    interval: float,
    scheme: TimeScheme = "euler",
    tolerance: float = 1e-10,
) -> DeterministicSolution:
    """March C(t, s) forward in time.

    Parameters
    ----------
    g : float
        Strength of the couplings.
    transfer : TransferFunction
        phi.
    noise : float
        sigma.
    start : tuple of float
        x(0) is uniform between these two.
    duration, interval : float
        Length of the record and step dt.
    scheme : {"euler", "adams-bashforth"}
        Step, of first or of second order.
    tolerance : float
        On the quadrature error.

    Returns
    -------
    DeterministicSolution

    References
    ----------
    Sections 9 and 10 of docs/theory.md.
    """
    step, times = time_step(scheme, interval), round(duration / interval) + 1
    x0, weights, start_error = _start(transfer, start, tolerance)
    degrees = _FEWEST
    march = _march(g, transfer, noise, x0, weights, step, times, degrees)
    while march.tail > tolerance and degrees < _MOST:
        degrees *= 2
        march = _march(g, transfer, noise, x0, weights, step, times, degrees)
    path = step.decay ** np.arange(times)
    mean, square = weights @ x0, weights @ x0**2
    C_x = march.D + square * np.outer(path, path)
    quadrature_error = max(march.tail, start_error)
    status = Status.CONVERGED if quadrature_error <= tolerance else Status.INACCURATE
    if march.residual > _ROUNDING:
        status = Status.UNPHYSICAL
    return DeterministicSolution(
        interval * np.arange(times),
        mean * path,
        march.mean_phi,
        np.diag(C_x).copy(),
        C_x,
        march.C,
        march.mean_slope[:, None] * free_tangent(step, times),
        quadrature_error,
        march.residual,
        degrees,
        x0.size,
        status,
    )


def run(spec: TwoTimeDeterministicDmftSpec) -> xr.Dataset:
    """Two-time DMFT of a spec at gamma = 0.

    Returns
    -------
    xarray.Dataset
        ``mean_x``, ``mean_phi``, ``C_x_equal`` over ``time``; ``C_x``, ``C_phi`` and ``R`` over
        ``time`` and ``time2`` (``R`` holds one dt); ``quadrature_error``, ``residual``,
        ``degrees``, ``start_nodes`` and ``status``.
    """
    solution = solve(
        spec.g,
        transfer_function(spec.transfer),
        spec.noise,
        (spec.start.low, spec.start.high),
        spec.duration,
        spec.interval,
        spec.scheme,
        spec.tolerance,
    )
    variables = {
        name: (dims, getattr(solution, name), {"long_name": long_name, "units": "1"})
        for name, (long_name, dims) in _VARIABLES.items()
    }
    variables["status"] = (), np.int8(solution.status.code), STATUS_ATTRIBUTES
    return xr.Dataset(
        variables,
        coords={
            "time": ("time", solution.time, {"long_name": "time", "units": "1"}),
            "time2": ("time2", solution.time, {"long_name": "earlier time", "units": "1"}),
        },
    )


@dataclass(frozen=True)
class _March:
    """Result of one sweep with a number of Hermite degrees."""

    C: np.ndarray
    D: np.ndarray
    mean_phi: np.ndarray
    mean_slope: np.ndarray
    tail: float
    residual: float


def _march(
    g: float,
    transfer: TransferFunction,
    noise: float,
    x0: np.ndarray,
    weights: np.ndarray,
    step: TimeStep,
    times: int,
    degrees: int,
) -> _March:
    """Sweep forward in time with the Hermite degrees below ``degrees``."""
    z, projector, density = _hermite(degrees)
    coefficients = np.empty((times, degrees, x0.size))
    C, D = np.zeros((times, times)), np.zeros((times, times))
    mean_phi, mean_slope = np.empty(times), np.empty(times)
    # Products of b_t h_t + b'_t h_{t-1} with the inputs of the steps before, and with each other.
    before = np.zeros(times)
    tail = residual = 0.0
    for t in range(times):
        x = step.decay**t * x0 + np.sqrt(D[t, t]) * z[:, None]
        phi = transfer.phi(x)
        mean_phi[t] = density @ phi @ weights
        mean_slope[t] = density @ transfer.derivative(x) @ weights
        coefficients[t] = projector @ phi
        overlap = np.einsum("snk,nk->ns", coefficients[:t], coefficients[t] * weights)
        scale = np.sqrt(D[t, t] * np.diag(D)[:t])
        r = np.divide(D[t, :t], scale, out=np.zeros(t), where=scale > 0.0)
        residual = max(residual, np.max(np.abs(r), initial=0.0) - 1.0)
        C[t, :t] = C[:t, t] = polynomial.polyval(r, overlap, tensor=False)
        C[t, t] = density @ phi**2 @ weights
        tail = max(tail, C[t, t] - np.sum(coefficients[t] ** 2 @ weights))
        if t + 1 == times:
            break
        now, earlier = step.weights(t)
        inputs = now * C[t, : t + 1]
        if earlier:
            inputs = inputs + earlier * C[t - 1, : t + 1]
        field = step.now * inputs
        field[0] = step.first * inputs[0]
        field[1:] += step.before * inputs[:-1]
        field *= g**2
        field[t] += (noise * step.spread) ** 2
        # H_t(s + 1), s = 0 ... t, by the recursion H_t(s + 1) = a H_t(s) + F_ts.
        before[1 : t + 2] = signal.lfilter([1.0], [1.0, -step.decay], field)
        D[t + 1, : t + 1] = step.decay * D[t, : t + 1] + before[: t + 1]
        D[: t + 1, t + 1] = D[t + 1, : t + 1]
        D[t + 1, t + 1] = step.decay * D[t, t + 1] + before[t + 1]
    return _March(C, D, mean_phi, mean_slope, float(tail), float(residual))


def _start(
    transfer: TransferFunction, start: tuple[float, float], tolerance: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Nodes and weights of a uniform x_0, and the change of averages with twice the nodes."""

    def rule(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        u, weights = legendre.leggauss(number)
        x = start[0] + 0.5 * (start[1] - start[0]) * (u + 1.0)
        phi = transfer.phi(x)
        moments = np.array([phi, phi**2, transfer.derivative(x)]) @ (0.5 * weights)
        return x, 0.5 * weights, moments

    nodes = _FEWEST_NODES
    x, weights, moments = rule(nodes)
    while True:
        _, _, finer = rule(2 * nodes)
        error = float(np.max(np.abs(finer - moments)))
        if error <= tolerance or nodes >= _MOST_NODES:
            return x, weights, error
        nodes *= 2
        x, weights, moments = rule(nodes)


def _hermite(degrees: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes z, the matrix that takes phi at them to its Hermite coefficients, and its row 0.

    Trapezoidal rule with the Hermite functions He_n(z) exp(-z^2/4)/sqrt(n!), which stay bounded and
    oscillate with wave numbers up to sqrt(n).
    """
    spacing = 2.0 * np.pi / (3.0 * np.sqrt(degrees) + 14.0)
    reach = int(_REACH / spacing)
    z = spacing * np.arange(-reach, reach + 1)
    half_weight = np.exp(-0.25 * z**2) / (2.0 * np.pi) ** 0.25
    functions = np.empty((degrees, z.size))
    functions[0] = half_weight
    functions[1] = z * half_weight
    for n in range(1, degrees - 1):
        functions[n + 1] = (z * functions[n] - np.sqrt(n) * functions[n - 1]) / np.sqrt(n + 1)
    projector = spacing * half_weight * functions
    return z, projector, projector[0]
