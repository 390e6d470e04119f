r"""Stationary DMFT: the chaotic state of dx_i/dt = -x_i + sum_j J_ij phi(x_j) at gamma = 0.

The autocorrelation C(tau) = <x(t) x(t + tau)>, C(0) = C_0, rolls in a potential (section 9 of
docs/theory.md; Sompolinsky, Crisanti and Sommers, PRL 61, 259, 1988):

.. math::

    C'' = C - g^2 C_\phi(C) = -dV/dC, \quad V(C) = -C^2/2 + g^2 \int_0^C C_\phi, \quad
    C_\phi = E\,\phi(x)\phi(x'),

with x, x' Gaussian, variances C_0 and covariance C.  C -> 0 at large lags, so V(C_0) = V(0) = 0
fixes C_0.  With the Hermite coefficients a_n of phi(sqrt(C_0) z), p_n = a_n^2 and r = C/C_0
(Mehler's formula), everything is a power series with positive coefficients:

.. math::

    C_\phi = \sum_n p_n r^n, \qquad w_n = \frac{2 g^2}{C_0} \frac{p_n}{n+1}, \qquad
    V(C_0) = 0 \iff \sum_n w_n = 1,

    -2V/C^2 = \sum_n w_n (1 - r^{n-1}), \qquad
    E/N = \frac{g^2 E\phi^2 - C_0}{2} = \frac{g^2}{2} \sum_n p_n \frac{n-1}{n+1}.

Only odd n occur.  No difference cancels, so the onset g -> 1 is as accurate as any other point.
With r = 1/cosh(s) the motion C' = -sqrt(-2V) becomes smooth and stable,

.. math::

    \frac{ds}{d\tau} = h(s), \qquad
    h^2 = \frac{-2V/C^2}{1 - r^2} = \sum_n w_n (1 + r^2 + \dots + r^{n-3}).

The largest Lyapunov exponent is lambda_1 = -1 + sqrt(1 - E_0), E_0 the lowest eigenvalue of
-d^2/dtau^2 + W(tau),

.. math::

    W = 1 - g^2 E\,\phi'\phi' = \sum_n w_n \left(1 - \frac{n(n+1)}{2} r^{n-1}\right).

C'(tau) is an odd zero mode of this operator; what the discretised operator makes of the zero is a
check of E_0.  For g <= 1 the state is x = 0: C = 0, W = 1 - g^2, lambda_1 = g - 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import integrate, linalg, optimize

from ..specs import StationaryDmftSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function

_FEWEST, _MOST = 64, 4096  # Hermite degrees tried
_REACH = 13.0  # |z| of the Hermite integrals: exp(-z^2/4) is 4e-19
_MODE_REACH = 18.0  # s up to which modes are discretised; C' falls as exp(-s)
_FEWEST_POINTS, _MOST_POINTS = 80, 1280  # of the modes' grid


@dataclass(frozen=True)
class StationarySolution:
    """Stationary chaotic state at one g; NaN where there is none.

    Attributes
    ----------
    lag : ndarray, shape (lags,)
        tau.
    Delta, C_phi : ndarray, shape (lags,)
        <x(t) x(t+tau)> and <phi(t) phi(t+tau)>.
    C0 : float
        Delta(0).
    energy_per_neuron : float
        <|dx/dt|^2>/(2N).
    lambda_1 : float
        Largest Lyapunov exponent.
    zero_mode : float
        Lowest odd eigenvalue of the operator, zero up to the error of the discretisation (NaN at
        g <= 1, where there is no such mode).
    residual : float
        |V(C_0)| relative to C_0^2/2: energy conservation between lag 0 and infinity.
    quadrature_error : float
        Largest relative change of C0, energy_per_neuron and W(0) with half the Hermite degrees, and
        of E_0 with half the grid points.
    iterations : int
        Evaluations of the condition for C_0.
    status : Status
        Outcome.
    """

    lag: np.ndarray
    Delta: np.ndarray
    C_phi: np.ndarray
    C0: float
    energy_per_neuron: float
    lambda_1: float
    zero_mode: float
    residual: float
    quadrature_error: float
    iterations: int
    status: Status


def solve(
    g: float,
    transfer: TransferFunction,
    duration: float,
    interval: float,
    tolerance: float = 1e-10,
) -> StationarySolution:
    """Solve the stationary DMFT at one g.

    Parameters
    ----------
    g : float
        Strength of the couplings, > 0.
    transfer : TransferFunction
        phi, odd and saturating; the linear one has no stationary state above g = 1.
    duration, interval : float
        Largest lag and distance between lags.
    tolerance : float
        On the residual and on the quadrature error.

    Returns
    -------
    StationarySolution

    References
    ----------
    Section 9 of docs/theory.md.
    """
    lag = interval * np.arange(round(duration / interval) + 1)
    if g <= 1.0:
        zero = np.zeros_like(lag)
        return StationarySolution(
            lag, zero, zero, 0.0, 0.0, g - 1.0, np.nan, 0.0, 0.0, 0, Status.CONVERGED
        )
    spectrum = _spectrum(g, transfer, degrees=_FEWEST)
    iterations = spectrum.iterations
    change = np.inf
    while spectrum.residual <= tolerance < change and spectrum.degrees < _MOST:
        coarse, spectrum = spectrum, _spectrum(g, transfer, 2 * spectrum.degrees)
        iterations += spectrum.iterations
        change = float(np.max(np.abs(coarse.scalars / spectrum.scalars - 1.0)))
    if not spectrum.residual <= tolerance:
        nothing = np.full_like(lag, np.nan)
        return StationarySolution(
            lag, nothing, nothing, *[np.nan] * 4, spectrum.residual, np.nan, iterations,
            Status.NOT_CONVERGED,
        )  # fmt: skip
    ground, zero_mode, mode_change = _lowest_modes(spectrum.w, tolerance)
    quadrature_error = max(change, mode_change)
    C0, energy, _ = map(float, spectrum.scalars)
    r = _sech(_path(spectrum.w, lag))
    return StationarySolution(
        lag,
        C0 * r,
        r * _series(spectrum.p, r**2),
        C0,
        energy,
        float(np.expm1(0.5 * np.log1p(-ground))),  # sqrt(1 - E0) - 1, also for small E0
        zero_mode,
        spectrum.residual,
        quadrature_error,
        iterations,
        Status.CONVERGED if quadrature_error <= tolerance else Status.INACCURATE,
    )


def run(spec: StationaryDmftSpec) -> xr.Dataset:
    """Stationary DMFT along the spec's curve in g.

    Returns
    -------
    xarray.Dataset
        ``Delta`` and ``C_phi`` over ``g`` and ``lag``; ``C0``, ``energy_per_neuron``, ``lambda_1``,
        ``zero_mode``, ``residual``, ``quadrature_error``, ``iterations`` and ``status`` over ``g``.
    """
    transfer = transfer_function(spec.transfer)
    solutions = [solve(g, transfer, spec.duration, spec.interval, spec.tolerance) for g in spec.g]

    def column(
        field: str, long_name: str, dims: tuple[str, ...] = ("g",)
    ) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
        values = np.array([getattr(solution, field) for solution in solutions])
        return dims, values, {"long_name": long_name, "units": "1"}

    status = np.array([solution.status.code for solution in solutions], dtype=np.int8)
    return xr.Dataset(
        {
            "Delta": column("Delta", "autocorrelation of the activity", ("g", "lag")),
            "C_phi": column("C_phi", "autocorrelation of the rate", ("g", "lag")),
            "C0": column("C0", "mean square activity"),
            "energy_per_neuron": column("energy_per_neuron", "mean kinetic energy per neuron"),
            "lambda_1": column("lambda_1", "largest Lyapunov exponent"),
            "zero_mode": column("zero_mode", "computed eigenvalue of the mode dC/dtau, exactly 0"),
            "residual": column("residual", "relative violation of V(C0) = V(0)"),
            "quadrature_error": column(
                "quadrature_error", "relative change with half the resolution"
            ),
            "iterations": column("iterations", "evaluations of the condition for C0"),
            "status": ("g", status, STATUS_ATTRIBUTES),
        },
        coords={
            "g": ("g", np.array(spec.g), {"long_name": "coupling strength", "units": "1"}),
            "lag": ("lag", solutions[0].lag, {"long_name": "time lag", "units": "1"}),
        },
    )


@dataclass(frozen=True)
class _Spectrum:
    """p_n and w_n at odd n = 1, 3, ... and the scalars C0, E/N, W(0)."""

    degrees: int
    p: np.ndarray
    w: np.ndarray
    scalars: np.ndarray
    residual: float
    iterations: int


def _spectrum(g: float, transfer: TransferFunction, degrees: int) -> _Spectrum:
    """Self-consistent C0 with the Hermite degrees below ``degrees``."""
    z, projector = _hermite(degrees)
    n = 2 * np.arange(projector.shape[0]) + 1

    def weights(C0: float) -> np.ndarray:
        p = (projector @ transfer.phi(np.sqrt(C0) * z)) ** 2
        return 2.0 * g**2 / C0 * p / (n + 1)

    # |phi| <= 1 bounds C0 by g^2; near the onset C0 is (g - 1) or more.
    low, high = 0.5 * (g - 1.0), g**2
    if weights(high).sum() >= 1.0:
        nothing = np.full(n.size, np.nan)
        return _Spectrum(degrees, nothing, nothing, np.full(3, np.nan), np.nan, 1)
    C0, report = optimize.brentq(
        lambda C0: weights(C0).sum() - 1.0, low, high, xtol=1e-300, rtol=1e-15, full_output=True
    )
    w = weights(C0)
    energy = 0.25 * C0 * (w @ (n - 1))
    bottom = w @ (1.0 - 0.5 * n * (n + 1))
    return _Spectrum(
        degrees,
        w * C0 * (n + 1) / (2.0 * g**2),
        w,
        np.array([C0, energy, bottom]),
        abs(w.sum() - 1.0),
        report.function_calls,
    )


def _hermite(degrees: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes z > 0 and the matrix that takes phi(sqrt(C0) z) to its odd Hermite coefficients.

    Trapezoidal rule with the Hermite functions He_n(z) exp(-z^2/4)/sqrt(n!), which stay bounded and
    oscillate with wave numbers up to sqrt(n).
    """
    step = 2.0 * np.pi / (3.0 * np.sqrt(degrees) + 14.0)
    z = step * np.arange(1, int(_REACH / step) + 1)
    half_weight = np.exp(-0.25 * z**2) / (2.0 * np.pi) ** 0.25
    functions = np.empty((degrees, z.size))
    functions[0] = half_weight
    functions[1] = z * half_weight
    for n in range(1, degrees - 1):
        functions[n + 1] = (z * functions[n] - np.sqrt(n) * functions[n - 1]) / np.sqrt(n + 1)
    return z, 2.0 * step * half_weight * functions[1::2]


def _sech(s: np.ndarray) -> np.ndarray:
    """1/cosh(s) for s >= 0, without overflow."""
    return 2.0 * np.exp(-s) / (1.0 + np.exp(-2.0 * s))


def _series(coefficients: np.ndarray, r2: np.ndarray) -> np.ndarray:
    """Sum over k of coefficients[k] r^(2k)."""
    return r2[:, None] ** np.arange(coefficients.size) @ coefficients


def _speed(w: np.ndarray, s: np.ndarray) -> np.ndarray:
    """h(s) = ds/dtau."""
    tails = np.cumsum(w[:0:-1])[::-1]  # coefficient of r^(2k): sum of w_n over n >= 2k + 3
    return np.sqrt(_series(tails, _sech(s) ** 2))


def _path(w: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """s(tau) at increasing lags that start at 0."""
    solution = integrate.solve_ivp(
        lambda _, s: _speed(w, s), (0.0, lag[-1]), [0.0], "DOP853", lag, rtol=1e-12, atol=1e-13
    )
    return solution.y[0]


def _lowest_modes(w: np.ndarray, tolerance: float) -> tuple[float, float, float]:
    """Lowest even and odd eigenvalues of -d^2/dtau^2 + W; last relative change of the even one.

    Sinc functions on a uniform grid in tau, refined until the change is below the tolerance.
    """
    n = 2 * np.arange(w.size) + 1
    rate = np.sqrt(w[1:].sum())  # h at large s

    def lowest(points: int) -> tuple[float, float]:
        step = _MODE_REACH / rate / points
        tau = step * (np.arange(points) + 0.5)
        r2 = _sech(_path(w, np.append(0.0, tau))[1:]) ** 2
        potential = rate**2 - r2 * _series((0.5 * w * n * (n + 1))[1:], r2)
        i = np.arange(points)
        direct = _kinetic(i[:, None] - i, step) + np.diag(potential)
        mirror = _kinetic(i[:, None] + i + 1, step)
        even, odd = (
            linalg.eigh(operator, eigvals_only=True, subset_by_index=[0, 0])[0]
            for operator in (direct + mirror, direct - mirror)
        )
        return float(even), float(odd)

    points = _FEWEST_POINTS
    even, odd = lowest(points)
    change = np.inf
    while change > tolerance and points < _MOST_POINTS:
        points *= 2
        coarse = even
        even, odd = lowest(points)
        change = abs(coarse / even - 1.0)
    return even, odd, change


def _kinetic(distance: np.ndarray, step: float) -> np.ndarray:
    """Matrix elements of -d^2/dtau^2 between sinc functions ``distance`` grid points apart."""
    square = np.where(distance == 0, 6.0 / np.pi**2, distance**2)
    return 2.0 * (1.0 - 2.0 * (distance % 2)) / square / step**2
