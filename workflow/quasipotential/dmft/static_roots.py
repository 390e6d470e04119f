r"""Static DMFT where x = h + rho phi(x) has several roots: which one does a unit take?

For rho = g^2 gamma R > 1 and fields |h| < h_s there are three roots (docs/theory.md, section 8;
phi odd, so take h > 0): the *aligned* one x > 0; the *opposite* one, x < 0, which is stable too
but has the higher potential x^2/2 - rho int phi - h x; and the unstable *middle* one between 0 and
the opposite one.  The last two meet at the spinodal, rho phi'(x) = 1, where |h| = h_s.  C and R
depend on the choice.  A convention gives the three roots weights:

================ ======= ====== ======== =====================================================
convention       aligned middle opposite
================ ======= ====== ======== =====================================================
``signed``          1      -1      1     all roots, each with the sign of 1 - rho phi'
``maxwell``         1       0      0     lowest potential, also largest |x|
``spinodal``        0       0      1     smallest |x| of the stable roots: left at its end only
``history``        1/2      0     1/2    spinodal, half of the units coming from either side
``middle``          0       1      0     smallest |x|
================ ======= ====== ======== =====================================================

``signed`` is what the change of variables from h to x gives (module `static`).  It continues the
single-valued solution smoothly, but its weights are no probabilities and C passes 1: its points
are unphysical.  For rho <= 1 all conventions are one theory.

By Stein's lemma R = E[h phi]/(g^2 C).  This is E dphi/dh with the jumps of phi(x(h)) counted;
``R_regular`` leaves them out.  A jump makes the overlap slope of module `static_stability`
infinite, so that every convention is unstable.

The averages are Gauss-Legendre sums over x on both sides of each turning point.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import xarray as xr
from scipy import optimize

from ..specs import StaticRootsSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function
from . import static
from .static_stability import rightmost

Array = np.ndarray

#: Weights of the aligned, the middle and the opposite root.
CONVENTIONS = {
    "signed": (1.0, -1.0, 1.0),
    "maxwell": (1.0, 0.0, 0.0),
    "spinodal": (0.0, 0.0, 1.0),
    "history": (0.5, 0.0, 0.5),
    "middle": (0.0, 1.0, 0.0),
}
_REACH = 9.5  # standard deviations of the field
_NODES = 16  # in each piece; doubled for the error estimate
_FIELDS = 121  # for the stored roots
_LONG_NAMES = {
    "C": "mean square rate of a fixed point",
    "R_int": "integrated response of the rate, with the jumps",
    "mean_square_x": "mean square activity of a fixed point",
    "C_error": "absolute error of C",
    "R_int_error": "absolute error of R_int",
    "mean_square_x_error": "absolute error of mean_square_x",
    "R_regular": "response without the jumps",
    "rho": "strength of the echo g^2 gamma R_int",
    "field_spinodal": "field at which the opposite root ends, 0 where there is one root",
    "share": "probability of a field with three roots",
    "growth_rate": "rightmost real part of the spectrum of -1 + J phi'",
    "growth_frequency": "imaginary part at the rightmost point",
    "residual": "relative residual of the equations",
}


@dataclass(frozen=True)
class TurningPoints:
    """Where x(h) turns and jumps, for rho > 1; all at x > 0.

    Attributes
    ----------
    spinodal : float
        rho phi'(x) = 1: the middle and the opposite root meet, at h = -``field``.
    maxwell : float
        x = rho phi(x): the outer root at h = 0.
    landing : float
        The outer root at h = ``field``.
    field : float
        h_s.
    """

    spinodal: float
    maxwell: float
    landing: float
    field: float


@dataclass(frozen=True)
class RootsSolution:
    """Solution of the static DMFT in one convention; NaN where there is none.

    Fields as the variables of :func:`run`; ``R`` is its ``R_int``.
    """

    C: float
    R: float
    mean_square_x: float
    C_error: float
    R_error: float
    mean_square_x_error: float
    R_regular: float
    rho: float
    field_spinodal: float
    share: float
    growth_rate: float
    growth_frequency: float
    residual: float
    status: Status


def turning_points(rho: float, transfer: TransferFunction) -> TurningPoints:
    """Turning points of x - rho phi(x) for rho > 1."""

    def field(x: float) -> float:
        return float(x - rho * transfer.phi(x))

    def zero(function, low: float, high: float) -> float:
        return optimize.brentq(function, low, high, xtol=1e-15)

    # rho phi' has fallen below 1 where |phi| <= 1 leaves the outer root
    spinodal = zero(lambda x: rho * float(transfer.derivative(x)) - 1.0, 0.0, rho + 1.0)
    end = -field(spinodal)
    maxwell = zero(field, spinodal, rho + 1.0)
    landing = zero(lambda x: field(x) - end, maxwell, rho + end + 1.0)
    return TurningPoints(spinodal, maxwell, landing, end)


def roots(h: Array, rho: float, transfer: TransferFunction) -> Array:
    """All roots of x - rho phi(x) = h.

    Parameters
    ----------
    h : array, shape (n,)
        Fields.
    rho : float
        Any.
    transfer : TransferFunction
        Saturating.

    Returns
    -------
    array, shape (n, 3)
        The aligned, the middle and the opposite root; NaN for those that do not exist.
    """
    found = np.full((len(h), 3), np.nan)
    turn = turning_points(rho, transfer) if rho > 1.0 else None
    for row, value in zip(found, h, strict=True):
        size, sign = abs(value), 1.0 if value >= 0.0 else -1.0

        def excess(x: float, size: float = size) -> float:
            return float(x - rho * transfer.phi(x)) - size

        top = size + abs(rho) + 1.0
        brackets = [(0.0 if turn is None else turn.maxwell, top)]
        if turn is not None and size < turn.field:
            brackets += [(-turn.spinodal, 0.0), (-turn.maxwell, -turn.spinodal)]
        for number, (low, high) in enumerate(brackets):
            row[number] = sign * _bracketed(excess, low, high)
    return found


def _bracketed(function, low: float, high: float) -> float:
    """Root in an interval whose ends may be the root but for rounding."""
    at_low, at_high = function(low), function(high)
    if at_low * at_high > 0.0:
        return low if abs(at_low) < abs(at_high) else high
    return optimize.brentq(function, low, high, xtol=1e-15)


def solve(
    g: float,
    gamma: float,
    transfer: TransferFunction,
    convention: str,
    tolerance: float = 1e-10,
) -> RootsSolution:
    """Solve the static DMFT at one (g, gamma) in one convention.

    Parameters
    ----------
    g, gamma : float
        Strength (>= 0) and asymmetry (-1 to 1) of the couplings.
    transfer : TransferFunction
        Saturating.
    convention : str
        A key of ``CONVENTIONS``.
    tolerance : float
        On the residual and the errors (absolute, relative to values above 1).

    Returns
    -------
    RootsSolution
        The solution next to the signed one.  ``UNPHYSICAL`` for ``signed`` where rho >= 1.

    Examples
    --------
    >>> from quasipotential.dmft import static_roots
    >>> from quasipotential.transfer import transfer_function
    >>> tanh = transfer_function("tanh")
    >>> for convention in static_roots.CONVENTIONS:  # beyond rho = 1
    ...     found = static_roots.solve(g=2.0, gamma=1.0, transfer=tanh, convention=convention)
    ...     print(f"{convention}: C = {found.C:.6f}, R = {found.R:.6f}")
    signed: C = 1.019496, R = 0.391837
    maxwell: C = 0.966152, R = 0.403981
    spinodal: C = 0.945637, R = 0.401465
    history: C = 0.955854, R = 0.402688
    middle: C = 0.861979, R = 0.419763
    """
    start = static.solve(g, gamma, transfer, tolerance)
    if not start.rho > 1.0:
        stable = static.stability(g, gamma, transfer, start)
        return RootsSolution(
            start.C,
            start.R,
            start.mean_square_x,
            start.C_error,
            start.R_error,
            start.mean_square_x_error,
            start.R,
            start.rho,
            0.0,
            0.0,
            stable.growth_rate,
            stable.growth_frequency,
            start.residual,
            start.status,
        )
    weights = CONVENTIONS[convention]
    coarse = _solve(g, gamma, transfer, weights, (start.C, start.R), _NODES)
    fine = _solve(g, gamma, transfer, weights, (coarse.C, coarse.R), 2 * _NODES)
    values = np.array([fine.C, fine.R, fine.mean_square_x])
    errors = np.abs(values - [coarse.C, coarse.R, coarse.mean_square_x])
    growth = (np.nan, np.nan)
    if min(weights) >= 0.0:
        point = rightmost(g, gamma, fine.slope, fine.probability)
        growth = (point.rate, point.frequency)
    if not fine.residual <= tolerance:
        status = Status.NOT_CONVERGED
    elif convention == "signed":
        status = Status.UNPHYSICAL
    elif not np.all(errors <= tolerance * np.maximum(1.0, values)):
        status = Status.INACCURATE
    else:
        status = Status.CONVERGED
    return RootsSolution(
        *map(float, values),
        *map(float, errors),
        fine.R_regular,
        g**2 * gamma * fine.R,
        fine.turn.field,
        fine.share,
        *growth,
        fine.residual,
        status,
    )


def run(spec: StaticRootsSpec) -> xr.Dataset:
    """Static DMFT along the spec's curve in g, in every convention.

    Returns
    -------
    xarray.Dataset
        Over ``convention`` and ``g``: ``C``, ``R_int``, ``mean_square_x``, their errors,
        ``R_regular``, ``rho``, ``field_spinodal``, ``share``, ``growth_rate``,
        ``growth_frequency``, ``residual`` and ``status``.  Over ``field`` and ``root``: ``x``, all
        roots at the largest g, with Maxwell's rho.
    """
    transfer = transfer_function(spec.transfer)
    table = [
        [solve(g, spec.gamma, transfer, name, spec.tolerance) for g in spec.g]
        for name in CONVENTIONS
    ]
    fields = {"R_int": "R", "R_int_error": "R_error"}
    over = ("convention", "g")
    variables = {
        name: (
            over,
            np.array([[getattr(point, fields.get(name, name)) for point in row] for row in table]),
            {"long_name": long_name, "units": "1"},
        )
        for name, long_name in _LONG_NAMES.items()
    }
    status = np.array([[point.status.code for point in row] for row in table], dtype=np.int8)
    variables["status"] = (over, status, STATUS_ATTRIBUTES)
    shown = table[list(CONVENTIONS).index("maxwell")][-1]
    reach = 3.0 * shown.field_spinodal or 3.0
    field = np.linspace(-reach, reach, _FIELDS)
    about = {"long_name": "roots of x = h + rho phi(x) at the largest g", "units": "1"}
    variables["x"] = (("field", "root"), roots(field, shown.rho, transfer), about)

    def coordinate(dimension: str, values, long_name: str):
        return dimension, np.array(values), {"long_name": long_name, "units": "1"}

    return xr.Dataset(
        variables,
        coords={
            "convention": coordinate("convention", list(CONVENTIONS), "choice among the roots"),
            "g": coordinate("g", spec.g, "coupling strength"),
            "field": coordinate("field", field, "field h of a unit"),
            "root": coordinate("root", ["aligned", "middle", "opposite"], "kind of root"),
        },
    )


@dataclass(frozen=True)
class _Averages:
    """Averages at some C and R; ``probability`` and ``slope`` over the nodes."""

    C: float
    R: float
    mean_square_x: float
    R_regular: float
    share: float
    residual: float
    turn: TurningPoints
    slope: Array
    probability: Array


_gauss = cache(np.polynomial.legendre.leggauss)


def _averages(
    g: float,
    gamma: float,
    transfer: TransferFunction,
    weights: tuple[float, float, float],
    point: tuple[float, float],
    nodes: int,
) -> tuple[Array, _Averages]:
    """Right-hand sides over left-hand sides of the equations for C and R, and the averages."""
    C, R = point
    s, rho = g * np.sqrt(C), g**2 * gamma * R
    turn = turning_points(rho, transfer)
    aligned, middle, opposite = weights
    top = max(_REACH * s + rho, turn.landing + s)
    pieces = [
        (0.0, turn.spinodal, middle),
        (turn.spinodal, turn.maxwell, opposite),
        (turn.maxwell, turn.landing, aligned),
        (turn.landing, top, 1.0),
    ]
    edges, chosen = [0.0], []
    for low, high, weight in pieces:
        parts = int(np.ceil((high - low) / min(1.0, s)))
        edges += list(np.linspace(low, high, parts + 1)[1:])
        chosen += [weight] * parts
    abscissae, gauss = _gauss(nodes)
    half = 0.5 * np.diff(edges)[:, None]
    x = (np.array(edges[:-1])[:, None] + half * (1.0 + abscissae)).ravel()
    phi, slope = transfer.phi(x), transfer.derivative(x)
    h = x - rho * phi
    density = 2.0 * (half * gauss).ravel() * np.repeat(chosen, nodes)  # both signs of x
    density *= np.exp(-0.5 * (h / s) ** 2) / (np.sqrt(2.0 * np.pi) * s)
    signed = density * np.sign(1.0 - rho * slope)
    probability = signed * (1.0 - rho * slope)
    ratio = np.array([probability @ phi**2 / C, probability @ (h * phi) / (s**2 * R)])
    return ratio, _Averages(
        float(C),
        float(R),
        float(probability @ x**2),
        float(signed @ slope),
        float(probability[x < turn.landing].sum()),
        float(np.max(np.abs(ratio - 1.0))),
        turn,
        slope,
        probability,
    )


def _solve(
    g: float,
    gamma: float,
    transfer: TransferFunction,
    weights: tuple[float, float, float],
    start: tuple[float, float],
    nodes: int,
) -> _Averages:
    """Solution from a start; rho stays above 1."""
    echo = g**2 * gamma

    def point(unknowns: Array) -> tuple[float, float]:
        return float(np.exp(unknowns[0])), float((1.0 + np.exp(unknowns[1])) / echo)

    found = optimize.root(
        lambda unknowns: _averages(g, gamma, transfer, weights, point(unknowns), nodes)[0] - 1.0,
        [np.log(start[0]), np.log(echo * start[1] - 1.0)],
        method="hybr",
        options={"xtol": 1e-14, "factor": 1.0},
    )
    return _averages(g, gamma, transfer, weights, point(found.x), nodes)[1]
