r"""Stationary DMFT at gamma = 0: the chaotic state, and with white noise the driven one.

One unit of dx_i = (-x_i + sum_j J_ij phi(x_j)) dt + sigma dW_i for N -> infinity (section 9 of
docs/theory.md; Sompolinsky, Crisanti and Sommers, PRL 61, 259, 1988; with noise Schuecker, Goedeke
and Helias, PRX 8, 041029, 2018).  The autocorrelation C(tau) = <x(t) x(t + tau)>, C(0) = C_0, rolls
in a potential, kicked at lag 0 by the noise:

.. math::

    C'' = C - g^2 C_\phi(C) - \sigma^2 \delta(\tau) = -\frac{dV}{dC} - \sigma^2 \delta(\tau), \quad
    V(C) = -C^2/2 + g^2 \int_0^C C_\phi, \quad C_\phi = E\,\phi(x)\phi(x'),

with x, x' Gaussian, variances C_0 and covariance C.  So C'(0+) = -sigma^2/2, and C -> 0 at large
lags: the energy C'^2/2 + V is 0, which fixes C_0.  With the Hermite coefficients a_n of
phi(sqrt(C_0) z), p_n = a_n^2 and r = C/C_0 (Mehler's formula), everything is a power series with
positive coefficients:

.. math::

    C_\phi = \sum_n p_n r^n, \qquad w_n = \frac{2 g^2}{C_0} \frac{p_n}{n+1}, \qquad
    \sum_n w_n = 1 - k^2, \quad k = \frac{\sigma^2}{2 C_0},

    v^2 = \left(\frac{C'}{C}\right)^2 = k^2 + \sum_n w_n (1 - r^{n-1}).

Only odd n occur.  No difference cancels, so the onset g -> 1 is as accurate as any other point.
With u = -ln r the motion is smooth and stable also where v starts from 0,

.. math::

    \frac{du}{d\tau} = v, \qquad
    \frac{dv}{d\tau} = \frac12 \sum_n (n-1)\, w_n\, e^{-(n-1) u}, \qquad u(0) = 0, \quad v(0) = k,

and v tends to the decay rate, kappa^2 = k^2 + w_3 + w_5 + ... = 1 - (g E phi')^2.  The quasi-energy
per unit is that of the residual r = x - J phi(x), which without noise is -dx/dt:

.. math::

    \frac EN = \frac{\langle r^2 \rangle}{2} = \frac{g^2 E\phi^2 - C_0 + \sigma^2}{2}
    = \frac{C_0}{4} \sum_n (n-1)\, w_n + \frac{\sigma^2 - C_0 k^2}{2}.

Without noise the path length in state space grows by sqrt(N) sqrt(2 E/N) per unit of time; with
noise it is infinite.  The largest Lyapunov exponent is lambda_1 = -1 + sqrt(1 - E_0), E_0 the
lowest eigenvalue of -d^2/dtau^2 + W(|tau|),

.. math::

    W = 1 - g^2 E\,\phi'\phi' = \kappa^2 - \sum_{n > 1} \frac{n(n+1)}{2} w_n r^{n-1}.

On tau > 0 C' solves this equation with eigenvalue 0.  It is the odd mode without noise; in general
it obeys C''(0+) k = C'(0+) (k^2 - sum (n-1) w_n/2), and what the discretised operator makes of its
zero is a check of E_0.  It also gives the transition: lambda_1 = 0 where C''(0+) = 0.

For sigma = 0 and g <= 1 the state is x = 0: C = 0, W = 1 - g^2, lambda_1 = g - 1.

>>> from quasipotential.dmft import stationary
>>> from quasipotential.transfer import transfer_function
>>> tanh = transfer_function("tanh")
>>> chaotic = stationary.solve(2.0, tanh, duration=20.0, interval=0.1)
>>> f"C0 = {chaotic.C0:.6f}, E/N = {chaotic.energy_per_neuron:.7f}"
'C0 = 1.924805, E/N = 0.0639534'
>>> f"lambda_1 = {chaotic.lambda_1:.7f}, {chaotic.status.sentence}"
'lambda_1 = 0.1124581, converged'
>>> driven = stationary.solve(2.0, tanh, duration=20.0, interval=0.1, noise=2.0)
>>> f"lambda_1 = {driven.lambda_1:.6f}: the noise suppresses chaos"
'lambda_1 = -0.192639: the noise suppresses chaos'
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import xarray as xr
from scipy import integrate, linalg, optimize, special

from ..specs import StationaryDmftSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function
from . import onset

_FEWEST, _MOST = 64, 4096  # Hermite degrees tried
_REACH = 13.0  # |z| of the Hermite integrals: exp(-z^2/4) is 4e-19
_MODE_REACH = 16.0  # lags with modes, in units of 1/kappa: W is constant up to exp(-32) beyond
_FEWEST_POINTS, _MOST_POINTS = 40, 640  # of the modes' grid


@dataclass(frozen=True)
class StationarySolution:
    """Stationary state at one g; NaN where there is none.

    Attributes
    ----------
    lag : ndarray, shape (lags,)
        tau.
    Delta, C_phi : ndarray, shape (lags,)
        <x(t) x(t+tau)> and <phi(t) phi(t+tau)>.
    C0 : float
        Delta(0).
    energy_per_neuron : float
        <|x - J phi(x)|^2>/(2N); without noise the kinetic energy <|dx/dt|^2>/(2N).
    path_length_slope : float
        Length of the path in state space per unit of time, over sqrt(N); NaN with noise, where
        paths have no length.
    decay_rate : float
        kappa: Delta falls as exp(-kappa tau) at large lags.  Where x = 0 the limit of weak noise.
    lambda_1 : float
        Largest Lyapunov exponent.
    zero_mode : float
        Eigenvalue that the discretised operator gives to C', exactly zero (NaN where C = 0).
    residual : float
        |C'^2/2 + V| at lag 0 relative to C_0^2/2: energy conservation between lag 0 and infinity.
    quadrature_error : float
        Largest relative change of C0, energy_per_neuron and W(0) with half the Hermite degrees, and
        of E_0 (relative to kappa^2) with half the grid points.
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
    path_length_slope: float
    decay_rate: float
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
    noise: float = 0.0,
) -> StationarySolution:
    """Solve the stationary DMFT at one g.

    Parameters
    ----------
    g : float
        Strength of the couplings, > 0.
    transfer : TransferFunction
        phi, odd and saturating; the linear one has no stationary state from g = 1 on.
    duration, interval : float
        Largest lag and distance between lags.
    tolerance : float
        On the residual and on the quadrature error.
    noise : float
        sigma.

    Returns
    -------
    StationarySolution

    References
    ----------
    Section 9 of docs/theory.md.
    """
    lag = interval * np.arange(round(duration / interval) + 1)
    if g <= 1.0 and noise == 0.0:
        zero = np.zeros_like(lag)
        return StationarySolution(
            lag, zero, zero, 0.0, 0.0, 0.0, float(np.sqrt(1.0 - g**2)), g - 1.0, np.nan, 0.0, 0.0,
            0, Status.CONVERGED,
        )  # fmt: skip
    spectrum = _spectrum(g, noise, transfer, degrees=_FEWEST)
    iterations = spectrum.iterations
    change = np.inf
    while spectrum.residual <= tolerance < change and spectrum.degrees < _MOST:
        coarse, spectrum = spectrum, _spectrum(g, noise, transfer, 2 * spectrum.degrees)
        iterations += spectrum.iterations
        change = float(np.max(np.abs(coarse.scalars / spectrum.scalars - 1.0)))
    if not spectrum.residual <= tolerance:
        nothing = np.full_like(lag, np.nan)
        return StationarySolution(
            lag, nothing, nothing, *[np.nan] * 6, spectrum.residual, np.nan, iterations,
            Status.NOT_CONVERGED,
        )  # fmt: skip
    ground, zero_mode, mode_change = _lowest_modes(spectrum, tolerance)
    quadrature_error = max(change, mode_change)
    C0, energy, _ = map(float, spectrum.scalars)
    r = np.exp(-_motion(spectrum, lag))
    return StationarySolution(
        lag,
        C0 * r,
        r * _series(spectrum.p, r**2),
        C0,
        energy,
        np.nan if noise else float(np.sqrt(2.0 * energy)),
        spectrum.decay_rate,
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
        ``Delta`` and ``C_phi`` over ``g`` and ``lag``; ``C0``, ``energy_per_neuron``,
        ``path_length_slope``, ``decay_rate``, ``lambda_1``, ``zero_mode``, ``residual``,
        ``quadrature_error``, ``iterations`` and ``status`` over ``g``.  Without noise, and where
        the transfer function has an onset, the coefficients of the expansions in g - 1 (module
        `onset`) over ``power``: ``C0_onset``, ``energy_per_neuron_onset``, ``lambda_1_onset``.
    """
    transfer = transfer_function(spec.transfer)
    solutions = [
        solve(g, transfer, spec.duration, spec.interval, spec.tolerance, spec.noise) for g in spec.g
    ]

    def column(
        field: str, long_name: str, dims: tuple[str, ...] = ("g",)
    ) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
        values = np.array([getattr(solution, field) for solution in solutions])
        return dims, values, {"long_name": long_name, "units": "1"}

    status = np.array([solution.status.code for solution in solutions], dtype=np.int8)
    dataset = xr.Dataset(
        {
            "Delta": column("Delta", "autocorrelation of the activity", ("g", "lag")),
            "C_phi": column("C_phi", "autocorrelation of the rate", ("g", "lag")),
            "C0": column("C0", "mean square activity"),
            "energy_per_neuron": column("energy_per_neuron", "mean quasi-energy per neuron"),
            "path_length_slope": column(
                "path_length_slope", "path length per time and square root of N"
            ),
            "decay_rate": column("decay_rate", "rate of decay of Delta at large lags"),
            "lambda_1": column("lambda_1", "largest Lyapunov exponent"),
            "zero_mode": column("zero_mode", "computed eigenvalue of the mode dC/dtau, exactly 0"),
            "residual": column("residual", "relative violation of energy conservation"),
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
    if spec.noise == 0.0 and spec.transfer in onset.DERIVATIVES:
        for name, coefficients in asdict(onset.expand(spec.transfer)).items():
            attributes = {"long_name": f"expansion of {name} in powers of g - 1", "units": "1"}
            dataset[f"{name}_onset"] = "power", list(coefficients), attributes
        powers = np.arange(dataset.sizes["power"])
        dataset.coords["power"] = "power", powers, {"long_name": "power of g - 1", "units": "1"}
    return dataset


@dataclass(frozen=True)
class _Spectrum:
    """p_n and w_n at odd n = 1, 3, ..., the scalars C0, E/N, W(0), and v(0), v(infinity)."""

    degrees: int
    p: np.ndarray
    w: np.ndarray
    scalars: np.ndarray
    kick: float
    decay_rate: float
    residual: float
    iterations: int

    @property
    def acceleration(self) -> np.ndarray:
        """Coefficients of dv/dtau in powers of r^2."""
        return np.arange(self.w.size) * self.w


def _spectrum(g: float, noise: float, transfer: TransferFunction, degrees: int) -> _Spectrum:
    """Self-consistent C0 with the Hermite degrees below ``degrees``."""
    z, projector = _hermite(degrees)
    n = 2 * np.arange(projector.shape[0]) + 1

    def weights(C0: float) -> np.ndarray:
        p = (projector @ transfer.phi(np.sqrt(C0) * z)) ** 2
        return 2.0 * g**2 / C0 * p / (n + 1)

    def balance(C0: float) -> float:
        return weights(C0).sum() + (0.5 * noise**2 / C0) ** 2 - 1.0

    # |phi| <= 1 bounds C0 by g^2 + sigma^2/2; near the onset C0 is (g - 1) or more.
    low, high = max(0.5 * noise**2, 0.5 * (g - 1.0)), g**2 + 0.5 * noise**2
    if balance(high) > 0.0 and g < 1.0:  # |phi| <= |x| gives another bound, exact if phi = x
        high = noise**2 / np.sqrt(1.0 - g**2)
    if balance(high) > 0.0:
        nothing = np.full(n.size, np.nan)
        return _Spectrum(degrees, nothing, nothing, np.full(3, np.nan), *[np.nan] * 3, 1)
    C0, report = optimize.brentq(balance, low, high, xtol=1e-300, rtol=1e-15, full_output=True)
    w = weights(C0)
    kick = 0.5 * noise**2 / C0
    energy = 0.25 * C0 * (w @ (n - 1)) + 0.5 * (noise**2 - C0 * kick**2)
    bottom = kick**2 + w @ (1.0 - 0.5 * n * (n + 1))
    return _Spectrum(
        degrees,
        w * C0 * (n + 1) / (2.0 * g**2),
        w,
        np.array([C0, energy, bottom]),
        kick,
        float(np.sqrt(kick**2 + w[1:].sum())),
        abs(balance(C0)),
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


def _series(coefficients: np.ndarray, r2: np.ndarray) -> np.ndarray:
    """Sum over k of coefficients[k] r^(2k)."""
    return r2[:, None] ** np.arange(coefficients.size) @ coefficients


def _motion(spectrum: _Spectrum, lag: np.ndarray) -> np.ndarray:
    """u(tau) = -ln(C/C0) at increasing lags that start at 0."""
    k = np.arange(spectrum.w.size)
    acceleration = spectrum.acceleration
    solution = integrate.solve_ivp(
        lambda _, y: np.array([y[1], np.exp(-2.0 * y[0] * k) @ acceleration]),
        (0.0, lag[-1]),
        [0.0, spectrum.kick],
        "DOP853",
        lag,
        rtol=1e-12,
        atol=1e-13 * spectrum.decay_rate,
    )
    return solution.y[0]


def _lowest_modes(spectrum: _Spectrum, tolerance: float) -> tuple[float, float, float]:
    """Lowest eigenvalue of -d^2/dtau^2 + W, that of the mode C', last change of the first.

    Both are even functions of tau up to the condition at 0, so half the axis is enough, where W is
    smooth also with noise.  Beyond the grid W is constant and modes fall as exp(-q tau),
    q^2 = kappa^2 - E, which is the condition at the end.  The grid is refined until the change of
    E, relative to kappa^2, is below the tolerance.
    """
    kappa2 = spectrum.decay_rate**2
    ratio = spectrum.acceleration.sum() - spectrum.kick**2  # -C''/C at 0

    def lowest(points: int) -> tuple[float, float]:
        # In units of 1/kappa for lags and kappa^2 for eigenvalues.
        x, weight, derivative = _lobatto(points)
        half = 0.5 * _MODE_REACH
        r2 = np.exp(-2.0 * _motion(spectrum, half * (x + 1.0) / spectrum.decay_rate))
        n = 2 * np.arange(spectrum.w.size) + 1
        well = r2 * _series((0.5 * spectrum.w * n * (n + 1))[1:], r2) / kappa2
        mass = np.sqrt(half * weight)
        root = np.sqrt(weight / half)[:, None] * derivative / mass
        potential = 1.0 - well
        potential[-1] += 1.0 / mass[-1] ** 2  # the end for E = 0
        values, vectors = linalg.eigh(root.T @ root + np.diag(potential))
        # Rounding errs by the norm of the matrix, which the quotient of the lowest mode avoids.
        mode = vectors[:, 0]
        values[0] = np.sum((root @ mode) ** 2) + potential @ mode**2
        first, last = (vectors[0] / mass[0]) ** 2, (vectors[-1] / mass[-1]) ** 2

        def condition(E: float) -> float:
            excess = np.sqrt(1.0 - E) - 1.0
            others = excess * (last[1:] @ (1.0 / (values[1:] - E)))
            return (values[0] - E) * (1.0 + others) + excess * last[0]

        ends = min(values[0], 0.0), min(max(values[0], 0.0), 1.0)
        ground = ends[1]  # no well deep enough to tell, as for the linear transfer function
        if condition(ground) < 0.0:
            ground = optimize.brentq(condition, *ends, xtol=1e-300, rtol=1e-15)
        # Newton's step from E = 0 to the E whose mode has the logarithmic derivative of C' at 0.
        kick = spectrum.kick * spectrum.decay_rate
        zero = -(kick + ratio * (first @ (1.0 / values))) / (ratio * (first @ (1.0 / values**2)))
        return float(ground), float(zero)

    points = _FEWEST_POINTS
    ground, zero = lowest(points)
    change = np.inf
    while change > tolerance and points < _MOST_POINTS:
        points *= 2
        coarse = ground
        ground, zero = lowest(points)
        change = abs(coarse - ground)
    return kappa2 * ground, kappa2 * zero, change


def _lobatto(points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, weights and differentiation matrix of Gauss-Lobatto quadrature on [-1, 1]."""
    degree = points - 1
    inner, _ = special.roots_jacobi(degree - 1, 1.0, 1.0)
    x = np.concatenate([[-1.0], inner, [1.0]])
    P = special.eval_legendre(degree, x)
    distance = x[:, None] - x
    np.fill_diagonal(distance, 1.0)
    derivative = P[:, None] / (P * distance)
    np.fill_diagonal(derivative, 0.0)
    np.fill_diagonal(derivative, -derivative.sum(axis=1))
    return x, 2.0 / (degree * points * P**2), derivative
