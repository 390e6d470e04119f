r"""Static DMFT: the typical fixed point of dx_i/dt = -x_i + sum_j J_ij phi(x_j).

One unit sees a Gaussian field and its own echo through the couplings (section 8 of
docs/theory.md; Fig. 4 of Qiu & Huang, arXiv 2401.10009, where R is called R_int):

.. math::

    x = h + \rho\,\phi(x), \quad h = g \sqrt{C} z, \quad z \sim N(0, 1), \quad \rho = g^2 \gamma R,

    C = E\,\phi^2, \quad R = E\,\frac{\phi'}{1 - \rho \phi'}.

The averages are integrals over x, where h follows from x without a root: with s = g sqrt(C),

.. math::

    E f = \int dx\, (1 - \rho \phi'(x))\, f(x)\,
          \frac{e^{-(x - \rho\phi(x))^2 / 2 s^2}}{\sqrt{2\pi}\, s}.

This is a change of variables only while x(h) is single-valued, rho < 1.  Beyond, the integral
counts each root with the sign of 1 - rho phi'.  That continues the solution smoothly, but it is no
average (C passes 1), and the solution is reported as unphysical.  Module `static_roots` has the
theories that choose among the roots.

Two branches exist.  *Trivial*, g(1+gamma) <= 1: C = 0 and R = 1/(1 - g^2 gamma R), the root that is
1 at g = 0, R = 2/(1 + sqrt(1 - 4 g^2 gamma)).  *Nontrivial*, g(1+gamma) > 1: C > 0, the branch that
starts at C = 0, R = 1/g = 1 + gamma and is followed upwards in g.

Newton's method takes the Jacobian from the same nodes: with chi = phi'/(1 - rho phi') and
R = E[h phi]/(g^2 C) by Stein's lemma,

.. math::

    \frac{\partial E\phi^2}{\partial C} = \frac{E[h \phi \chi]}{C}, \quad
    \frac{\partial E\phi^2}{\partial R} = 2 g^2 \gamma E[\phi^2 \chi], \quad
    \frac{\partial E\chi}{\partial C} = \frac{1}{2C}
        \left(\frac{E[h^2 \chi]}{g^2 C} - R\right), \quad
    \frac{\partial E\chi}{\partial R} = \frac{\gamma E[h \phi \chi]}{C}.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..specs import StaticDmftSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function
from .static_stability import longitudinal_multiplier, overlap_slope, rightmost

Array = np.ndarray

_GROWTH = 1.2  # factor between the values of g on the way from the onset
_REACH = 9.5  # standard deviations of the field that the integrals cover: exp(-45)
_STEP = 0.1  # of t where x = a sinh(t): the error is below rounding
_NEWTON_STEPS = 40
_ONSET = 1e-14  # distance above the onset that is rounding: C is below twice this
_NEAR = 1e-2  # residual from which Newton's method converges
_ROUNDING = 1e-13  # residual that rounding alone may leave


@dataclass(frozen=True)
class StaticSolution:
    """Solution of the static DMFT at one point; NaN where there is none.

    Attributes
    ----------
    C : float
        E phi^2.
    R : float
        E dphi/dj, the integrated response R_int.
    mean_square_x : float
        E x^2.
    C_error, R_error, mean_square_x_error : float
        Absolute errors: the change when the integration step is halved, and what the residual,
        at least rounding, can move.
    rho : float
        g^2 gamma R, strength of the echo; the theory needs rho < 1.
    residual : float
        Largest of the relative residuals of the equations for C and R.
    quadrature_error : float
        Largest relative change of C, R and mean_square_x when the integration step is halved.
    iterations : int
        Evaluations of the equations on the way.
    status : Status
        Outcome.
    """

    C: float
    R: float
    mean_square_x: float
    C_error: float
    R_error: float
    mean_square_x_error: float
    rho: float
    residual: float
    quadrature_error: float
    iterations: int
    status: Status


@dataclass(frozen=True)
class Stability:
    """Stability of a solution, by module `static_stability`.

    Attributes
    ----------
    overlap_slope : float
        Above 1: two solutions of one network drift apart.
    longitudinal_multiplier : float
        Below 1: the solution returns when C and R are both moved.
    growth_rate, growth_frequency : float
        Above 0: the network's fixed point is unstable.  NaN for rho >= 1, where the weights of the
        roots are no probabilities.
    """

    overlap_slope: float
    longitudinal_multiplier: float
    growth_rate: float
    growth_frequency: float


@dataclass(frozen=True)
class _Point:
    """The equations at some C and R; arrays over the nodes x >= 0, mirror images included.

    ``density`` holds the weights of the density of the field h; times 1 - rho phi' they are those
    of E, and E[chi f] is the sum of density phi' f.
    """

    unknowns: Array  # C, R
    echo: float  # g^2 gamma
    x: Array
    h: Array
    phi: Array
    slope: Array
    density: Array
    weights: Array
    ratio: Array  # (E phi^2/C, E chi/R): dividing by C takes the trivial solution out
    jacobian: Array  # d(E phi^2, E chi)/d(C, R)

    @property
    def residual(self) -> float:
        return float(max(abs(self.ratio - 1.0)))

    def solved(self, residuals: Array) -> Array:
        """Inverse of d(ratio)/d(ln C, ln R) on the columns of ``residuals``."""
        (a, b), (c, d) = self.jacobian * (self.unknowns / self.unknowns[:, None])
        a, d = a - self.ratio[0], d - self.ratio[1]
        return np.array([[d, -b], [-c, a]]) @ residuals / (a * d - b * c)

    def observables(self) -> Array:
        """C, R, E x^2."""
        return np.append(self.unknowns, self.weights @ self.x**2)

    def moved(self) -> Array:
        """How far the residual, at least rounding, can move C, R and E x^2."""
        floor = np.maximum(np.abs(self.ratio - 1.0), np.finfo(float).eps)
        moved = self.unknowns * (np.abs(self.solved(np.eye(2))) @ floor)
        # dx/dC = h/2C and dx/dR = g^2 gamma phi, each over 1 - rho phi'
        by_C = self.density @ (self.x * self.h) / self.unknowns[0]
        by_R = 2.0 * self.echo * (self.density @ (self.x * self.phi))
        return np.append(moved, abs(by_C) * moved[0] + abs(by_R) * moved[1])


def solve(
    g: float, gamma: float, transfer: TransferFunction, tolerance: float = 1e-10
) -> StaticSolution:
    """Solve the static DMFT at one (g, gamma).

    Parameters
    ----------
    g, gamma : float
        Strength (>= 0) and asymmetry (-1 to 1) of the couplings.
    transfer : TransferFunction
        phi.
    tolerance : float
        On the residual, the quadrature error and the errors of C, R and mean_square_x (absolute,
        relative to values above 1).

    Returns
    -------
    StaticSolution
        ``UNPHYSICAL`` where rho >= 1; ``NOT_CONVERGED`` for the linear transfer function above the
        transition, where no solution exists.

    References
    ----------
    Section 8 of docs/theory.md.

    Examples
    --------
    >>> from quasipotential.dmft import static
    >>> from quasipotential.transfer import transfer_function
    >>> tanh = transfer_function("tanh")
    >>> solution = static.solve(g=1.2, gamma=0.5, transfer=tanh)
    >>> print(f"C = {solution.C:.10f}, R = {solution.R:.10f}, {solution.status.sentence}")
    C = 0.5425711456, R = 0.7732585054, converged
    >>> max(solution.C_error, solution.R_error, solution.mean_square_x_error) < 1e-10
    True
    >>> stability = static.stability(1.2, 0.5, tanh, solution)
    >>> print(f"S = {stability.overlap_slope:.6f}, growth {stability.growth_rate:+.6f}")
    S = 1.554535, growth +0.044773
    """
    if g * (1.0 + gamma) <= 1.0 + _ONSET:
        return _trivial(g, gamma)
    if transfer.name == "linear":  # nothing saturates: beyond the transition there is no C
        return StaticSolution(*[np.nan] * 9, 0, Status.NOT_CONVERGED)
    onset = 1.0 / (1.0 + gamma)
    stages = 1 + max(0, int(np.ceil(np.log(g / (1.3 * onset)) / np.log(_GROWTH))))
    path = g * _GROWTH ** -np.arange(stages - 1, -1, -1.0)
    start = _near_onset(path[0], gamma)
    iterations = 0
    for strength in path:
        if iterations > 0:
            start = start * [1.0, 1.0 / _GROWTH]  # g R varies slowly
        enough = 0.0 if strength == path[-1] else _NEAR
        coarse, evaluations = _newton(strength, gamma, transfer, start, 1, enough)
        iterations += evaluations
        start = coarse.unknowns
        if not coarse.residual <= max(tolerance, enough):
            residual = coarse.residual
            return StaticSolution(*[np.nan] * 7, residual, np.nan, iterations, Status.NOT_CONVERGED)
    fine, evaluations = _newton(g, gamma, transfer, start, 2, _ROUNDING)
    iterations += evaluations
    values, change = fine.observables(), fine.observables() - coarse.observables()
    quadrature_error = float(np.max(np.abs(change / values)))
    errors = np.abs(change) + fine.moved()
    residual = fine.residual
    C, R, mean_square_x = map(float, values)
    rho = g**2 * gamma * R
    if not residual <= tolerance:
        status = Status.NOT_CONVERGED
    elif rho >= 1.0:
        status = Status.UNPHYSICAL
    elif not np.all(errors <= tolerance * np.maximum(1.0, values)):
        status = Status.INACCURATE
    else:
        status = Status.CONVERGED
    return StaticSolution(
        C,
        R,
        mean_square_x,
        *map(float, errors),
        rho,
        residual,
        quadrature_error,
        iterations,
        status,
    )


def stability(
    g: float, gamma: float, transfer: TransferFunction, solution: StaticSolution
) -> Stability:
    """Stability of a solution of :func:`solve` at the same point.

    On the trivial branch S = g^2 R^2 and the spectrum is an ellipse, g(1+gamma) - 1 at its right.
    """
    if not np.isfinite(solution.C):
        return Stability(*[np.nan] * 4)
    if solution.C == 0.0:
        multiplier = (g * solution.R) ** 2
        return Stability(multiplier, multiplier, g * (1.0 + gamma) - 1.0, 0.0)
    point = _point(g, gamma, transfer, np.array([solution.C, solution.R]), refinement=2)
    right = (np.nan, np.nan)
    if solution.rho < 1.0:
        found = rightmost(g, gamma, point.slope, point.weights)
        right = (found.rate, found.frequency)
    return Stability(
        overlap_slope(g, point.slope, point.density, solution.rho),
        longitudinal_multiplier(point.jacobian),
        *right,
    )


def run(spec: StaticDmftSpec) -> xr.Dataset:
    """Static DMFT along the spec's curve in g.

    Returns
    -------
    xarray.Dataset
        ``C``, ``R_int``, ``mean_square_x``, their errors, ``rho``, the four measures of stability,
        ``residual``, ``quadrature_error``, ``iterations`` and ``status`` over the dimension ``g``.
    """
    transfer = transfer_function(spec.transfer)
    solutions = [solve(g, spec.gamma, transfer, spec.tolerance) for g in spec.g]
    stabilities = [
        stability(g, spec.gamma, transfer, solution)
        for g, solution in zip(spec.g, solutions, strict=True)
    ]

    def column(records: list, field: str, long_name: str) -> tuple[str, Array, dict[str, str]]:
        values = np.array([getattr(record, field) for record in records])
        return "g", values, {"long_name": long_name, "units": "1"}

    status = np.array([solution.status.code for solution in solutions], dtype=np.int8)
    return xr.Dataset(
        {
            "C": column(solutions, "C", "mean square rate of a fixed point"),
            "R_int": column(solutions, "R", "integrated response of the rate to a constant field"),
            "mean_square_x": column(
                solutions, "mean_square_x", "mean square activity of a fixed point"
            ),
            "C_error": column(solutions, "C_error", "absolute error of C"),
            "R_int_error": column(solutions, "R_error", "absolute error of R_int"),
            "mean_square_x_error": column(
                solutions, "mean_square_x_error", "absolute error of mean_square_x"
            ),
            "rho": column(
                solutions, "rho", "strength of the echo g^2 gamma R_int, below 1 if physical"
            ),
            "overlap_slope": column(
                stabilities, "overlap_slope", "g^2 E chi^2, above 1 if unstable"
            ),
            "longitudinal_multiplier": column(
                stabilities,
                "longitudinal_multiplier",
                "largest eigenvalue of the equations' Jacobian in C and R, above 1 if unstable",
            ),
            "growth_rate": column(
                stabilities, "growth_rate", "rightmost real part of the spectrum of -1 + J phi'"
            ),
            "growth_frequency": column(
                stabilities, "growth_frequency", "imaginary part at the rightmost point"
            ),
            "residual": column(solutions, "residual", "relative residual of the equations"),
            "quadrature_error": column(
                solutions, "quadrature_error", "relative change when the step is halved"
            ),
            "iterations": column(solutions, "iterations", "evaluations of the equations"),
            "status": ("g", status, STATUS_ATTRIBUTES),
        },
        coords={"g": ("g", np.array(spec.g), {"long_name": "coupling strength", "units": "1"})},
    )


def _trivial(g: float, gamma: float) -> StaticSolution:
    """Closed solution x = 0."""
    # g(1+gamma) <= 1 bounds 4 g^2 gamma by 1; only rounding can take it further.
    above = 2.0 * max(0.0, g * (1.0 + gamma) - 1.0)
    root = math.sqrt(max(0.0, 1.0 - 4.0 * g**2 * gamma))
    R = 2.0 / (1.0 + root)
    residual = abs(1.0 / (1.0 - g**2 * gamma * R) / R - 1.0)
    # At the double root, 4 g^2 gamma = 1, rounding is felt through the square root, unless
    # gamma = 1, where 1 - 4 g^2 is exact.
    rounding = float(np.finfo(float).eps)
    slack = 4.0 * above + (rounding if gamma < 1.0 else 0.0)
    shift = min(slack / root, math.sqrt(slack)) if root > 0.0 else math.sqrt(slack)
    R_error = R * rounding + 0.5 * R**2 * shift
    return StaticSolution(
        0.0, R, 0.0, above, R_error, above, g**2 * gamma * R, residual, 0.0, 0, Status.CONVERGED
    )


def _near_onset(g: float, gamma: float) -> Array:
    """Lowest-order (C, R) above the onset for phi = x - x^3/3; a start for Newton.

    With a = 1 - rho and y = -g^2 C/a^3: g^2 (1 + 2y) = a^2 and a R = 1 + y.
    """
    root = np.sqrt(max(0.0, 1.0 - gamma * (2.0 + gamma) * g**2))
    a = (1.0 + root) / (2.0 + gamma)
    y = 0.5 * (a**2 / g**2 - 1.0)
    return np.array([-y * a**3 / g**2, (1.0 + y) / a])


def _point(
    g: float, gamma: float, transfer: TransferFunction, unknowns: Array, refinement: int
) -> _Point:
    """Evaluate the equations at (C, R).

    The trapezoidal rule in t, x = a sinh(t), converges exponentially.  The scale a resolves the
    field, the zeros of 1 - rho phi' near x = 0 and the poles of phi.
    """
    C, R = map(float, unknowns)
    echo = g**2 * gamma
    s, rho = g * math.sqrt(C), echo * R
    # |x| <= |field| + |rho phi|, and |phi| <= min(|x|, 1)
    reach = _REACH * s
    if rho > 0.0:
        reach = min(reach + rho, reach / max(1.0 - rho, 1e-300))
    scale = min(1.0, s / (1.0 + max(0.0, -rho)), max(math.sqrt(abs(1.0 - rho)), 1e-8))
    step = _STEP / refinement
    t = step * np.arange(math.ceil(math.asinh(reach / scale) / step) + 1)
    x = scale * np.sinh(t)
    phi, slope = transfer.phi(x), transfer.derivative(x)
    h = x - rho * phi
    density = np.cosh(t) * np.exp(-0.5 * (h / s) ** 2)
    density *= 2.0 * step * scale / (math.sqrt(2.0 * math.pi) * s)
    density[0] /= 2.0
    weights = density * (1.0 - rho * slope)
    chi, phi2 = density * slope, phi**2
    response, mixed = chi.sum(), chi @ (h * phi) / C
    jacobian = np.array(
        [
            [mixed, 2.0 * echo * (chi @ phi2)],
            [0.5 / C * (chi @ h**2 / s**2 - response), gamma * mixed],
        ]
    )
    ratio = np.array([weights @ phi2 / C, response / R])
    return _Point(unknowns, echo, x, h, phi, slope, density, weights, ratio, jacobian)


def _newton(
    g: float,
    gamma: float,
    transfer: TransferFunction,
    start: Array,
    refinement: int,
    enough: float,
) -> tuple[_Point, int]:
    """Newton's method from a start: its best point, and the evaluations used.

    It stops at a residual of ``enough``, or when rounding keeps the residual from falling.
    """
    best = point = _point(g, gamma, transfer, start, refinement)
    evaluations = 1
    while best.residual > enough and evaluations < _NEWTON_STEPS:
        step = -point.solved(point.ratio - 1.0)
        damping = max(1.0, *abs(step))
        point = _point(g, gamma, transfer, point.unknowns * np.exp(step / damping), refinement)
        evaluations += 1
        if point.residual < best.residual:
            best = point
        elif best.residual <= _ROUNDING:
            break
    return best, evaluations
