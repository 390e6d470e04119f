"""Single-site averages of the replica-symmetric theory and their quadrature.

After the average over the couplings one site is left in Gaussian fields (h, B), with T = 1/beta,

    s2 = T + g^2 (q - Q),    rho = g^2 gamma G,    w = x - h - rho phi(x),
    weight(x) = exp[ -w^2/(2 s2) + (q^ - Q^/2) phi^2 + B phi - (eta/T) x^2 ] / sqrt(2 pi s2),
    Var h = g^2 Q,    Var B = Q^,    Cov(h, B) = g^2 gamma R',

and the saddle point equates the six order parameters with averages, <.> over the weight and E over
the fields (docs/theory.md, section 3):

    q  = E<phi^2>     q^ = (g^2/2) E[<w^2>/s2^2 - 1/s2]     G  = E[<w phi> - <w><phi>]/s2
    Q  = E<phi>^2     Q^ = g^2 E<w>^2/s2^2                  R' = E[<w><phi>]/s2

In the paper's symbols r - R = G/sqrt(beta) and R = R'/sqrt(beta). On the branch Q = Q^ = R' = 0 the
fields vanish and one integral over x is left.

Quadrature. The trapezoid rule converges exponentially for these integrands. With fields, x lies on
a uniform grid and (h, B) on a uniform grid in two standard normal variables (u, v), h = g sqrt(Q)
v, B = (g gamma R'/sqrt(Q)) v + sqrt(Q^ - (g gamma R')^2/Q) u. The weight is a product of a function
of (v, x) and one of (u, x), so that every moment is a matrix product; (u, v, x) -> -(u, v, x)
leaves v >= 0. Without fields x = c sinh(t) with uniform t, which resolves x from the narrow width c
(of order sqrt(T) where q -> 0) to the saturation of phi at 1 with some ten nodes per decade.

A phi that is not odd has no such symmetry, and may have a kink, as ReLU at x = 0. Then v runs over
the whole line, and x over panels of a Gauss-Legendre rule with an edge at 0, as far as the weight
reaches under the fields: phi need not be bounded. Kinks elsewhere converge slowly, which two
quadratures show.

With one step of replica-symmetry breaking (module `one_step`) averages over the fields carry the
weight zeta^m, zeta the integral of the weight over x. It moves the fields outward, along u by at
most m times the coefficient of u in B, and the grid reaches as much further.

Everything is dimensionless.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

Array = np.ndarray

FIELD_REACH = 8.3  # standard deviations; the normal density there is 1e-15 of its maximum
MAX_NODES = 40_000  # on the x-grid with fields
MAX_SIZE = 500_000  # of a table over (v, x), where phi is not odd
MAX_EXPONENT = 600.0  # of a factor of the weight
NEGLIGIBLE = 1e-150  # factor of the weight; products of smaller ones are slow, being denormal
PANEL = 16  # nodes of a Gauss-Legendre rule
PANEL_LENGTH = 10.0  # in units of the step in x
STRAIGHT = 1e-13  # distance of phi from a chord, relative
SMOOTHING = 3.0  # of a kink: largest step of v in widths of the weight, by that of a smooth phi


class DomainError(ValueError):
    """The order parameters are outside the domain where the single-site weight exists."""


@dataclass(frozen=True)
class Model:
    """Parameters of the theory; ``g`` and ``temperature`` may be arrays of shape (points,).

    ``m`` is the size of a block of replicas in module `one_step`; 0 is the symmetric theory.
    ``odd`` says whether phi is.
    """

    gamma: float
    g: Array | float
    temperature: Array | float
    phi: Callable[[Array], Array]
    eta: float = 0.0
    m: float = 0.0
    odd: bool = True

    def take(self, index: Array) -> Model:
        """Return the model at some of the points."""
        return replace(self, g=self.g[index], temperature=self.temperature[index])

    @property
    def confinement(self) -> Array | float:
        """Coefficient eta/T of -x^2 in the exponent."""
        return self.eta / self.temperature if self.eta > 0 else 0.0 * self.temperature


@dataclass(frozen=True)
class OrderParameters:
    """q, Q, the conjugate q^, Q^, and the responses G (connected) and Rp (off-diagonal)."""

    q: Array | float
    Q: Array | float
    qhat: Array | float
    Qhat: Array | float
    G: Array | float
    Rp: Array | float

    def array(self) -> Array:
        """Values in the order of the fields, shape (6, ...)."""
        return np.array([getattr(self, field.name) for field in fields(self)])

    def distance(self, other: OrderParameters) -> Array:
        """Largest difference in natural units: q and Q in units of q, q^ and Q^ in units of 1/q."""
        one = np.ones_like(self.q)
        units = np.array([self.q, self.q, 1 / self.q, 1 / self.q, one, one])
        return np.max(np.abs(other.array() - self.array()) / units, axis=0)


@dataclass(frozen=True)
class Quadrature:
    """Steps and reach of the trapezoid rules, each relative to the width of the integrand."""

    step: float = 0.15  # in t = arcsinh(x/c), without fields
    x_step: float = 0.35  # in widths of the weight, with fields
    field_step: float = FIELD_REACH / 24  # in standard deviations of the fields
    reach: float = 9.5  # of x, in widths

    def refined(self) -> Quadrature:
        """Return a rule with 2/3 of each step and a larger reach."""
        return Quadrature(
            self.step / 1.5, self.x_step / 1.5, self.field_step / 1.5, self.reach + 0.5
        )


@dataclass(frozen=True)
class SiteAverages:
    """Averages at given order parameters.

    Attributes
    ----------
    order : OrderParameters
        Right-hand sides of the saddle-point equations.
    log_weight : array
        (1/m) ln E zeta^m, zeta the integral of the weight over x; E ln zeta at m = 0.
    log_weight_slope : array
        Its derivative with respect to m.
    mean_square_x : array
        E<x^2>.
    excess : array
        E[<w^2>/s2^2 - 1/s2] = 2 q^/g^2, which exists at g = 0 too.
    connected : array, shape (..., 3, 3)
        E[X Y] for X, Y among the single-site moments A, G, q of the stability matrix.
    """

    order: OrderParameters
    log_weight: Array | float
    log_weight_slope: Array | float
    mean_square_x: Array | float
    excess: Array | float
    connected: Array


@dataclass(frozen=True)
class CentredAverages(SiteAverages):
    """Averages without fields, and their derivatives.

    Attributes
    ----------
    derivative : array, shape (points, 3, 3)
        Of the right-hand sides of (q, q^/g^2, G) with respect to (s2, q^, rho).
    """

    derivative: Array


def centred_averages(
    model: Model, q: Array, qhat: Array, G: Array, quadrature: Quadrature
) -> CentredAverages:
    """Averages without fields (Q = Q^ = R' = 0), for many points at once.

    Parameters
    ----------
    model : Model
        With ``g`` and ``temperature`` of shape (points,).
    q, qhat, G : arrays, shape (points,)
        Order parameters; q > 0 or T > 0.
    quadrature : Quadrature
        Step and reach.

    References
    ----------
    docs/theory.md, section 3; Qiu & Huang, arXiv 2401.10009, replica-symmetric equations.
    """
    g2 = np.square(model.g)
    s2 = model.temperature + g2 * q
    rho = g2 * model.gamma * G
    slope = 1 + np.maximum(-rho, 0)
    curvature = slope**2 / s2 + 2 * model.confinement + 2 * np.maximum(-qhat, 0)
    scale = np.minimum(1 / np.sqrt(curvature), 1)
    # Twice the reach: it costs little here, and the linear transfer function has no saturation.
    reach = 2 * quadrature.reach * np.sqrt(s2) + np.abs(rho) + s2 * np.maximum(qhat, 0)
    end = np.arcsinh(reach / scale)
    nodes = int(np.ceil(end.max() / quadrature.step)) + 1
    t = end[:, None] * np.linspace(0, 1, nodes)
    jacobian = np.cosh(t)
    jacobian[:, 0] /= 2  # the other half of the line mirrors this one

    x = scale[:, None] * np.sinh(t)
    phi = model.phi(x)
    w = x - rho[:, None] * phi
    a = np.square(w / s2[:, None]) / 2
    b = np.square(phi)
    c = w * phi / s2[:, None]
    exponent = qhat[:, None] * b - s2[:, None] * a - model.confinement[:, None] * x**2
    peak = exponent.max(axis=1)
    weight = np.exp(exponent - peak[:, None]) * jacobian
    total = weight.sum(axis=1)
    weight /= total[:, None]

    # The derivatives of the exponent with respect to (s2, q^, rho) are a, b and c.
    functions = np.stack([a, b, c], axis=1)
    mean = np.einsum("pkx,px->pk", functions, weight)
    deviation = functions - mean[:, :, None]
    covariance = np.matmul(deviation * weight[:, None, :], deviation.transpose(0, 2, 1))
    mean_a, mean_b, mean_c = mean.T
    zero = np.zeros_like(q)
    explicit_a = np.stack([0.5 / s2**2 - 2 * mean_a / s2, zero, -mean_c / s2], axis=1)
    explicit_c = np.stack([-mean_c / s2, zero, -mean_b / s2], axis=1)
    derivative = np.stack(
        [covariance[:, 1], covariance[:, 0] + explicit_a, covariance[:, 2] + explicit_c], axis=1
    )

    excess = 2 * mean_a - 1 / s2
    moments = np.stack([excess, mean_c, mean_b], axis=1)
    spacing = 2 * scale * end / (nodes - 1)
    return CentredAverages(
        order=OrderParameters(mean_b, zero, 0.5 * g2 * excess, zero, mean_c, zero),
        log_weight=np.log(spacing * total) + peak - 0.5 * np.log(2 * np.pi * s2),
        log_weight_slope=zero,
        mean_square_x=np.sum(weight * x**2, axis=1),
        excess=excess,
        connected=moments[:, :, None] * moments[:, None, :],
        derivative=derivative,
    )


def widths(model: Model, order: OrderParameters) -> tuple[float, float, float]:
    """s2, and the parts of B along and across h: B = along v + across u, at one point.

    Raises
    ------
    DomainError
        If s2 or a variance of the fields is negative.
    """
    s2 = model.temperature + model.g**2 * (order.q - order.Q)
    if not (s2 > 0 and order.Q >= 0):
        raise DomainError(f"s2 = {s2:.3g} and Q = {order.Q:.3g}: s2 > 0 and Q >= 0 are needed")
    along = model.g * model.gamma * order.Rp / np.sqrt(order.Q) if order.Q > 0 else 0.0
    remainder = order.Qhat - along**2
    if not remainder >= 0:
        raise DomainError(f"the fields (h, B) have a negative variance, {remainder:.3g}")
    return s2, along, np.sqrt(remainder)


@dataclass(frozen=True)
class Nodes:
    """Nodes of an integral over x: the sum of ``weight`` f(x), times ``length``/``count``."""

    x: Array
    weight: Array | float
    length: float
    count: int


def _uniform(x_end: float, step: float) -> Nodes:
    """Uniform nodes on [-x_end, x_end]."""
    half = int(np.ceil(x_end / step))
    _check_number(2 * half + 1)
    return Nodes(x_end * np.arange(-half, half + 1) / half, 1.0, x_end, half)


def _panels(
    phi: Callable[[Array], Array], ends: tuple[float, float], step: float, fine: float
) -> Nodes:
    """Gauss-Legendre panels between the ends, one edge at x = 0; finer where phi is curved."""
    inner, inner_weight = np.polynomial.legendre.leggauss(PANEL)

    def divided(left: Array, right: Array, step: float) -> tuple[Array, Array]:
        parts = np.ceil((right - left) / (PANEL_LENGTH * step)).astype(int)
        _check_number(PANEL * parts.sum())
        index = np.repeat(np.arange(left.size), parts)
        part = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
        length = ((right - left) / parts)[index]
        return left[index] + part * length, left[index] + (part + 1) * length

    def inside(left: Array, right: Array) -> Array:
        return ((left + right)[:, None] + (right - left)[:, None] * inner) / 2

    left, right = divided(np.array([ends[0], 0.0]), np.array([0.0, ends[1]]), step)
    values, at_ends = phi(inside(left, right)), phi(np.stack([left, right]))
    chord = ((at_ends[0] + at_ends[1])[:, None] + (at_ends[1] - at_ends[0])[:, None] * inner) / 2
    scale = 1 + np.abs(values).max()
    curved = np.any(np.abs(values - chord) > STRAIGHT * scale, axis=1)
    finer = divided(left[curved], right[curved], fine)
    left, right = (
        np.concatenate([coarse[~curved], parts])
        for coarse, parts in zip((left, right), finer, strict=True)
    )
    weight = (right - left)[:, None] / 2 * inner_weight
    return Nodes(inside(left, right).ravel(), weight.ravel(), 1.0, 1)


def _check_number(nodes: int) -> None:
    if nodes > MAX_NODES:
        raise DomainError(f"x needs {nodes} nodes, more than {MAX_NODES}")


def _support(
    exponent: Callable[[Array], Array], guess: float, step: float, depth: float
) -> tuple[float, float]:
    """Ends of the range where a row of ``exponent(x)`` exceeds its maximum less ``depth``.

    Raises
    ------
    DomainError
        If a row does not fall off: the weight cannot be normalised.
    """
    while guess / step < MAX_NODES / 2 - 1:
        x = _uniform(guess, step).x
        rows = exponent(x)
        inside = np.any(rows >= rows.max(axis=1, keepdims=True) - depth, axis=0)
        if not (inside[0] or inside[-1]):
            found = x[inside]
            return min(found[0], 0.0) - step, max(found[-1], 0.0) + step
        guess *= 2
    raise DomainError(f"the weight does not fall off up to |x| = {guess:.3g}")


def _steepness(phi: Callable[[Array], Array], x_end: float) -> float:
    """Largest slope of phi on [-x_end, x_end] as a grid shows it, at least 1."""
    x = np.linspace(-x_end, x_end, 1001)
    return max(1.0, float(np.max(np.abs(np.diff(phi(x)))) / (x[1] - x[0])))


def site_averages(model: Model, order: OrderParameters, quadrature: Quadrature) -> SiteAverages:
    """Averages with fields, at one point.

    Parameters
    ----------
    model : Model
        With plain numbers ``g`` and ``temperature``.
    order : OrderParameters
        Plain numbers, 0 <= Q, s2 > 0 and Q Q^ >= (g gamma R')^2.
    quadrature : Quadrature
        Steps and reach.

    Raises
    ------
    DomainError
        If the weight does not exist at these order parameters, or double precision or ``MAX_NODES``
        does not suffice for it.

    References
    ----------
    docs/theory.md, section 3; Qiu & Huang, arXiv 2401.10009, replica-symmetric equations.
    """
    g2 = model.g**2
    s2, along, across = widths(model, order)
    rho = g2 * model.gamma * order.G

    width, spread = np.sqrt(s2), model.g * np.sqrt(order.Q)
    v_step = quadrature.field_step
    if not model.odd and SMOOTHING * width < spread:
        v_step *= SMOOTHING * width / spread
    count = int(np.ceil(FIELD_REACH / v_step))
    v = FIELD_REACH * np.arange(0 if model.odd else -count, count + 1) / count
    u_end = FIELD_REACH + model.m * across  # zeta^m grows with u, at most as exp(m across |u|)
    count = int(np.ceil(u_end / quadrature.field_step))
    u = u_end * np.arange(-count, count + 1) / count
    weight_u, weight_v = np.exp(-(u**2) / 2), np.exp(-(v**2) / 2)
    if model.odd:
        weight_v[0] /= 2
    expectation = np.outer(weight_v / weight_v.sum(), weight_u / weight_u.sum())

    quadratic = order.qhat - order.Qhat / 2
    x_end = (
        quadrature.reach * width
        + FIELD_REACH * model.g * np.sqrt(order.Q)
        + abs(rho)
        + s2 * (max(quadratic, 0.0) + u_end * np.sqrt(order.Qhat))
    )

    def exponent_of(x: Array, phi: Array, v: Array) -> Array:
        w = x - spread * v[:, None] - rho * phi
        return (
            -np.square(w) / (2 * s2)
            + quadratic * phi**2
            + along * v[:, None] * phi
            - model.confinement * x**2
        )

    def extremes(x: Array) -> Array:
        """The exponent at the ends and the middle of both fields, shape (9, x)."""
        phi = model.phi(x)
        tilts = across * np.outer([-u_end, 0.0, u_end], phi)
        few = exponent_of(x, phi, FIELD_REACH * np.array([-1.0, 0.0, 1.0]))
        return (few[:, None] + tilts).reshape(9, -1)

    slope = 1.0 if model.odd else _steepness(model.phi, x_end)
    curvature = (
        (1 + slope * max(0.0, -rho)) ** 2 / s2
        + 2 * model.confinement
        + 2 * max(0.0, -quadratic) * slope**2
    )
    widest = 1 / np.sqrt(curvature)
    step = quadrature.x_step * min(0.6 / slope, widest)  # phi varies on the scale 1/slope
    if model.odd:
        nodes = _uniform(x_end, step)
    else:
        ends = _support(extremes, x_end, widest, quadrature.reach**2 / 2)
        nodes = _panels(model.phi, ends, quadrature.x_step * widest, step)
        if v.size * nodes.x.size > MAX_SIZE:
            raise DomainError(f"a table of {v.size} by {nodes.x.size} nodes is too large")
    x = nodes.x
    phi = model.phi(x)
    w = x - spread * v[:, None] - rho * phi
    exponent = exponent_of(x, phi, v)
    tilt = across * np.outer(phi, u)
    offset = 0.0
    if not model.odd:  # phi need not be small: relative to where the weight is without h
        largest = np.argmax(exponent[v.size // 2][:, None] + tilt, axis=0)
        offset = tilt[largest, np.arange(u.size)]
        tilt -= offset
    if tilt.max() > MAX_EXPONENT:
        raise DomainError(f"the field B reaches {tilt.max():.3g}, more than {MAX_EXPONENT}")
    peak = exponent.max(axis=1)
    density = np.exp(exponent - peak[:, None]) * nodes.weight
    factor = np.exp(tilt)
    if not model.odd:
        density[density < NEGLIGIBLE] = 0.0
        factor[factor < NEGLIGIBLE] = 0.0
    functions = np.broadcast_arrays(1.0, w, w**2, w * phi, phi, phi**2, x**2)
    integrals = (np.stack(functions) * density) @ factor
    total = integrals[0]
    if not total.min() > (0.0 if model.odd else 1e30 * NEGLIGIBLE):
        raise DomainError("the weight underflows")
    mean_w, mean_w2, mean_wphi, mean_phi, mean_phi2, mean_x2 = integrals[1:] / total

    log_zeta = (
        np.log(total * nodes.length / nodes.count)
        + peak[:, None]
        + offset
        - 0.5 * np.log(2 * np.pi * s2)
    )
    log_weight = float(np.sum(expectation * log_zeta))
    deviation = log_zeta - log_weight
    slope = float(np.sum(expectation * np.square(deviation))) / 2
    if model.m > 0:
        if model.m * deviation.max() > MAX_EXPONENT:
            raise DomainError("zeta^m overflows")
        added = expectation * np.expm1(model.m * deviation)  # keeps its digits where m -> 0
        shift = np.log1p(added.sum()) / model.m
        expectation = (expectation + added) / (1 + added.sum())
        log_weight += shift
        slope = (float(np.sum(expectation * deviation)) - shift) / model.m

    def average(values: Array) -> float:
        return float(np.sum(expectation * values))

    excess = average(mean_w2) / s2**2 - 1 / s2
    moments = np.stack(
        [
            (mean_w2 - mean_w**2) / s2**2 - 1 / s2,
            (mean_wphi - mean_w * mean_phi) / s2,
            mean_phi2 - mean_phi**2,
        ]
    )
    return SiteAverages(
        order=OrderParameters(
            q=average(mean_phi2),
            Q=average(mean_phi**2),
            qhat=0.5 * g2 * excess,
            Qhat=g2 * average(mean_w**2) / s2**2,
            G=average(moments[1]),
            Rp=average(mean_w * mean_phi) / s2,
        ),
        log_weight=log_weight,
        log_weight_slope=slope,
        mean_square_x=average(mean_x2),
        excess=excess,
        connected=np.einsum("avu,bvu,vu->ab", moments, moments, expectation),
    )


def free_energy(model: Model, order: OrderParameters, averages: SiteAverages) -> Array | float:
    """Log-partition density Phi = lim E ln Z / N; the free energy per unit is -T Phi.

    Phi = -q^ q + (1 - m) Q^ Q/2 - (g^2 gamma/2) [(G + R')^2 - (1 - m) R'^2] + (1/m) ln E zeta^m,
    in the symmetric theory with m = 0 and E ln zeta, with Z = int dx (beta/2 pi)^{N/2}
    exp(-beta E), so that dPhi/dbeta = T/2 - E/N.
    """
    response = order.G * (order.G + 2 * order.Rp) + model.m * order.Rp**2
    return (
        -order.qhat * order.q
        + (1 - model.m) * order.Qhat * order.Q / 2
        - 0.5 * np.square(model.g) * model.gamma * response
        + averages.log_weight
    )


def energy(model: Model, averages: SiteAverages) -> Array | float:
    """Quasi-potential per unit, E/N = (T/2)(1 + 2 T q^/g^2) + eta <x^2>."""
    kinetic = 0.5 * model.temperature * (1 + model.temperature * averages.excess)
    return kinetic + model.eta * averages.mean_square_x


def covariance_x_phi(model: Model, order: OrderParameters) -> Array | float:
    """Connected covariance E[<x phi> - <x><phi>] = G (s2 + g^2 gamma (q - Q))."""
    spread = np.square(model.g) * (order.q - order.Q)
    return order.G * (model.temperature + (1 + model.gamma) * spread)
