"""The paper's ansatz at zero temperature, without noise: Q -> q with chi = (q - Q)/T finite.

**The limit.** In the equations of module `single_site` let T -> 0 with

    q - Q = T chi,    T^2 Q^ -> Q~,    T (q^ - Q^/2) -> -chihat,    T (G + R') -> r~,    G = -xi .

Then s2 = T s with s = 1 + g^2 chi, and the single-site weight is exp(-H0/T) in Gaussian fields
(h, b),

    H0 = w^2/(2 s) + chihat phi^2 - b phi,    w = x - h - rho phi,    rho = g^2 gamma G,
    Var h = g^2 q,    Var b = Q~,    Cov(h, b) = g^2 gamma r~ .

It concentrates on the global minimum x*(h, b). Fluctuations become responses, T cov -> d/dh, d/db:

    q = E phi^2          Q~ = g^2 E w^2/s^2             r~ = E w phi/s
    chi = E dphi/db      chihat = -(g^2/(2 s)) E dw/dh  G = E dphi/dh

with all functions at x*. These are the derivatives of -f = chihat q - Q~ chi/2 - g^2 gamma G r~ -
E min H0 set to zero; there f = E/N = Q~/(2 g^2). Where H0 has two equal minima x* jumps. The jump
belongs to the responses: they are derivatives of averages.

**One equation decouples.** Multiply H0 and b by s. In Q' = s^2 Q~, c' = s chihat, r' = s r~ and
b' = s b the factor s is gone from all equations but that of chi, which becomes

    1/s = 1 - g^2 chi',    chi' = E dphi/db' .

So five equations fix (q, Q', c', r', G), and the sixth gives s. The *margin* 1 - g^2 chi' must be
positive, or else chi < 0, Q > q, and H0 has a maximum where the weight needs a minimum. Two classes
of solutions exist at given q (all equations but that of q, whose remaining mismatch is stored):

- *zero energy*, Q' = c' = r' = 0 and w = 0: the static DMFT, g^2 chi' = g^2 E [phi'/(1 - rho
  phi')]^2. At its solution the slope g^2 chi' is above 1 (convexity, docs/theory.md, section 4).
  It falls with q and passes 1 at a larger q, called the merger.
- *finite energy*, for g (1 + gamma) > 1 and q below the merger. It starts at q = 0 with
  x = ((1 - rho) h + b')/g^2, rho = gamma/(1 + gamma), Q'/q = g^2 (g^2 - (1 - rho)^2), 2 c' = g^2 -
  (1 - rho)^2, r' = 0, where the margin and the mismatch vanish to first order in q for every g
  (for tanh they are found to be -4 q^2/g^2 and (20/3) q^2/g^2), and ends at the merger with Q' = 0.

**Averages.** At fixed h, phi(x*) increases with b', and db'/dx is known in closed form. So the
average over b' is an integral over x, by Gauss-Legendre up to the jump and from it on; the
trapezoid rule does the average over h. chi' is the integral of phi' times the density of b' plus
the jump of phi times that density; G and c' follow from E h phi and E h w by integration by parts.

Everything is dimensionless.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import xarray as xr
from scipy import optimize

from ..dmft import static
from ..specs import AnsatzSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function
from .single_site import FIELD_REACH, DomainError

Array = np.ndarray

#: phi'' from x, phi and phi'.
CURVATURES: dict[str, Callable[[Array, Array, Array], Array]] = {
    "tanh": lambda x, phi, slope: -2 * phi * slope,
    "erf": lambda x, phi, slope: -0.5 * np.pi * x * slope,
    "linear": lambda x, phi, slope: np.zeros_like(x),
}
SCAN_STEP = 0.06  # in x, of the scan for the region that is not convex
BISECTIONS = 45
SMALLEST_SLOPE = 1e-140  # phi' at the end of the scan; its square is used
LARGEST_UNKNOWN = 40.0
RUNGS = 16  # between q = 0 and the merger
NEAREST = 0.98  # fraction of the merger up to which the branch is followed

LONG_NAMES = {
    "chi": "chi = (q - Q)/T, from its equation",
    "Qhat": "Q~ = T^2 Q^",
    "chihat": "chihat = T (Q^/2 - q^)",
    "r_tilde": "r~ = T (G + R')",
    "xi": "xi = -G",
    "energy": "quasi-potential per unit E/N = Q~/(2 g^2)",
    "margin": "1/s = 1 - g^2 E dphi/db', positive if physical",
    "mismatch": "remaining residual E phi^2/q - 1 of the equation of q",
    "other_residual": "largest residual of the other equations, in natural units",
    "quadrature_error": "distance between solutions at two quadratures, in natural units",
}
POINT_LONG_NAMES = {
    "smallest_mismatch": "smallest |mismatch| where the margin is positive, and at the merger",
    "slope_at_zero_energy": "g^2 E chi_h^2 of the static solution, below 1 if it were physical",
    "q_zero_energy": "self-overlap of the static solution",
    "q_merger": "self-overlap where both classes meet",
    "q_finite_energy": "self-overlap of the finite-energy solution of all equations but chi's",
    "margin_finite_energy": "1/s of that solution, positive if physical",
}
DRIFT_LONG_NAMES = {
    "drift_q": "q along the damped iteration of all equations",
    "drift_chi": "chi along it",
    "drift_Qhat": "Q~ along it",
    "drift_chihat": "chihat along it",
    "drift_r_tilde": "r~ along it",
    "drift_xi": "xi along it",
}

_gauss = cache(np.polynomial.legendre.leggauss)


@dataclass(frozen=True)
class Network:
    """Gain g > 0, asymmetry gamma and transfer function."""

    g: float
    gamma: float
    transfer: TransferFunction


@dataclass(frozen=True)
class LimitParameters:
    """q, Q' = s^2 Q~, c' = s chihat, r' = s r~ and the response G."""

    q: float
    Qhat: float
    chihat: float
    r: float
    G: float


@dataclass(frozen=True)
class LimitAverages:
    """Averages at given parameters.

    Attributes
    ----------
    order : LimitParameters
        Right-hand sides of the five equations.
    response : float
        chi' = E dphi/db'.
    minimum : float
        E min (s H0).
    """

    order: LimitParameters
    response: float
    minimum: float


@dataclass(frozen=True)
class Rule:
    """Nodes of the trapezoid rule in h >= 0 and of each Gauss-Legendre rule in x."""

    fields: int = 28
    nodes: int = 32

    def refined(self) -> Rule:
        """Return a rule with 3/2 of the nodes."""
        return Rule(3 * self.fields // 2, 3 * self.nodes // 2)


@dataclass(frozen=True)
class LimitSolution:
    """Solution of the equations of Q', c', r' and G, and of q if that was free.

    Attributes
    ----------
    order : LimitParameters
        The solution.
    averages : LimitAverages
        There.
    residual : float
        Of the equations that were solved, in natural units.
    """

    order: LimitParameters
    averages: LimitAverages
    residual: float

    @property
    def mismatch(self) -> float:
        """Relative residual of the equation of q."""
        return self.averages.order.q / self.order.q - 1

    def margin(self, g: float) -> float:
        """1/s = 1 - g^2 chi'."""
        return 1 - g**2 * self.averages.response

    def distance(self, other: LimitSolution, g: float) -> float:
        """Largest difference of margin, mismatch and parameters, Q' in units of q."""
        one, two = (
            np.array(
                [
                    solution.margin(g),
                    solution.mismatch,
                    np.log(solution.order.q),
                    solution.order.Qhat / self.order.q,
                    solution.order.chihat,
                    solution.order.r / self.order.q,
                    solution.order.G,
                ]
            )
            for solution in (self, other)
        )
        return float(np.max(np.abs(one - two)))


class _Site:
    """s H0 at fixed h, for rows of h; b' is measured as u, in deviations from its mean given h."""

    def __init__(self, network: Network, order: LimitParameters, h: Array) -> None:
        self.transfer, self.h, self.chihat = network.transfer, h, order.chihat
        self.rho = network.g**2 * network.gamma * order.G
        self.along = network.gamma * order.r / order.q  # mean of b' over h
        remainder = order.Qhat - (network.g * network.gamma * order.r) ** 2 / order.q
        if not (order.q > 0 and remainder > 0):
            raise DomainError(f"the fields (h, b) have a variance of {remainder:.3g}")
        self.width = np.sqrt(remainder)

    def at(self, x: Array, h: Array | float | None = None) -> tuple[Array, ...]:
        """phi, phi', w and b' where x is stationary, in all rows or at one h."""
        h = self.h if h is None else h
        phi, slope = self.transfer.phi(x), self.transfer.derivative(x)
        w = x - h - self.rho * phi
        return phi, slope, w, w * (1 / slope - self.rho) + 2 * self.chihat * phi

    def deviation(self, x: Array, h: Array | float | None = None) -> Array:
        """u where x is stationary, in all rows or at one h."""
        h = self.h if h is None else h
        return (self.at(x, h)[3] - self.along * h) / self.width

    def gradient(self, x: Array) -> Array:
        """du/dx."""
        phi, slope, w, _ = self.at(x)
        curvature = CURVATURES[self.transfer.name](x, phi, slope)
        bend = (1 - self.rho * slope) * (1 / slope - self.rho) - w * curvature / slope**2
        return (bend + 2 * self.chihat * slope) / self.width

    def jump(self, x: Array, row: int, first: int, last: int) -> tuple[float, float, float]:
        """Ends of the jump of x* in a row and its u, from a scan where u(x) falls.

        It falls from the node ``first`` to ``last``; u is infinite if the jump is out of reach.
        """
        edges = x[[0, first, last, -1]]
        h = float(self.h[row, 0])  # one number at a time is quicker without an array around it
        u = self.deviation(edges, h)

        def minimum(low: float, high: float, target: float) -> float:
            def excess(point: float) -> float:
                return float(self.deviation(point, h)) - target

            if excess(low) >= 0 or excess(high) <= 0:  # on an edge, up to rounding
                return low if excess(low) >= 0 else high
            return optimize.brentq(excess, low, high)

        def minima(target: float) -> Array:
            return np.array([minimum(*edges[:2], target), minimum(*edges[2:], target)])

        def advantage(target: float) -> float:
            """Energy of the lower minimum beyond that of the upper one; it rises with u."""
            phi, _, w, _ = self.at(minima(target), h)
            b = self.along * h + self.width * target
            energy = w**2 / 2 + self.chihat * phi**2 - b * phi
            return float(energy[0] - energy[1])

        bottom, top = max(float(u[2]), -FIELD_REACH), min(float(u[1]), FIELD_REACH)
        if advantage(bottom) >= 0:
            return *minima(bottom), -np.inf
        if advantage(top) <= 0:
            return *minima(top), np.inf
        target = float(optimize.brentq(advantage, bottom, top))
        return *minima(target), target


def _panels(site: _Site) -> tuple[Array, Array, Array]:
    """Ends of the ranges of x* below and above the jump, (rows, 2) each, and where it jumps.

    Without a jump within reach the ranges touch.
    """
    rows = site.h.shape[0]
    reach = np.abs(site.h).max() + abs(site.rho) + 1
    ends = np.array([-reach, reach])
    while True:
        if site.transfer.derivative(ends[1]) < SMALLEST_SLOPE or ends[1] > 1e3 * reach:
            raise DomainError("the single-site energy has no minimum within reach")
        if np.all(site.deviation(ends) * [-1, 1] >= FIELD_REACH):
            break
        ends = 1.25 * ends
    x = np.linspace(*ends, int(np.ceil((ends[1] - ends[0]) / SCAN_STEP)))
    u = site.deviation(x[None])
    falling = np.diff(u, axis=1) < 0

    left, right = np.full(rows, ends[0]), np.full(rows, ends[1])
    low, high = right.copy(), left.copy()  # ends of the jump
    jumps = np.zeros(rows, dtype=bool)
    for row in np.flatnonzero(falling.any(axis=1)):
        where = np.flatnonzero(falling[row])
        first, last = int(where[0]), int(where[-1]) + 1
        if where.size != last - first:
            raise DomainError("the single-site energy has more than two minima")
        if u[row, first] < -FIELD_REACH:  # the jump lies below the reach
            left[row] = x[last]
        elif u[row, last] > FIELD_REACH:
            right[row] = x[first]
        elif last - first > 1:
            low[row], high[row], at_jump = site.jump(x, row, first, last)
            jumps[row] = abs(at_jump) < FIELD_REACH
            if at_jump <= -FIELD_REACH:
                left[row] = high[row]
            elif at_jump >= FIELD_REACH:
                right[row] = low[row]

    below = np.stack([left, np.where(jumps, high, left)], axis=1)
    above = np.stack([np.where(jumps, low, right), right], axis=1)
    target = np.array([-FIELD_REACH, FIELD_REACH])
    for _ in range(BISECTIONS):
        middle = (below + above) / 2
        beyond = site.deviation(middle) > target
        below, above = np.where(beyond, below, middle), np.where(beyond, middle, above)
    start, stop = below[:, 0], above[:, 1]
    centre = (start + stop) / 2
    lower = np.stack([start, np.where(jumps, low, centre)], axis=1)
    upper = np.stack([np.where(jumps, high, centre), stop], axis=1)
    return lower, upper, jumps


def limit_averages(network: Network, order: LimitParameters, rule: Rule) -> LimitAverages:
    """Averages over the global minimum x* of the single-site energy.

    Parameters
    ----------
    network : Network
        Gain, asymmetry, transfer function.
    order : LimitParameters
        With q > 0 and q Q' > (g gamma r')^2.
    rule : Rule
        Quadrature.

    Raises
    ------
    DomainError
        If the covariance of the fields is not positive, or the energy has no minimum or more than
        two.

    References
    ----------
    Qiu & Huang, arXiv 2401.10009, zero-temperature equations; docs/theory.md, section 4.
    """
    deviation = network.g * np.sqrt(order.q)
    v = FIELD_REACH * np.arange(rule.fields + 1) / rule.fields
    expectation = np.exp(-(v**2) / 2)
    expectation[0] /= 2  # (h, b, x) -> -(h, b, x) gives the other half
    expectation /= expectation.sum()
    site = _Site(network, order, deviation * v[:, None])
    lower, upper, jumps = _panels(site)

    nodes, weights = _gauss(rule.nodes)
    x, dx = (
        np.concatenate(parts, axis=1)
        for parts in zip(
            *(
                (
                    panel.mean(axis=1)[:, None] + np.diff(panel) / 2 * nodes,
                    np.diff(panel) / 2 * weights,
                )
                for panel in (lower, upper)
            ),
            strict=True,
        )
    )
    phi, slope, w, b = site.at(x)
    normal = np.exp(-(site.deviation(x) ** 2) / 2) / np.sqrt(2 * np.pi)
    measure = expectation[:, None] * normal * site.gradient(x) * dx
    jumped = np.zeros_like(v)
    edges = lower[jumps, 1], upper[jumps, 0]
    at_jump = site.deviation(edges[0][:, None], site.h[jumps])[:, 0]
    step = network.transfer.phi(edges[1]) - network.transfer.phi(edges[0])
    jumped[jumps] = step * np.exp(-(at_jump**2) / 2) / np.sqrt(2 * np.pi)

    def average(values: Array) -> float:
        return float(np.sum(measure * values))

    response = float(expectation @ ((normal * slope * dx).sum(axis=1) + jumped)) / site.width
    variance = deviation**2
    covariance = site.along * variance
    G = (average(site.h * phi) - covariance * response) / variance
    w_response = (average(site.h * w) - covariance * G) / variance
    return LimitAverages(
        order=LimitParameters(
            q=average(phi**2),
            Qhat=network.g**2 * average(w**2),
            chihat=-(network.g**2) * w_response / 2,
            r=average(w * phi),
            G=G,
        ),
        response=response,
        minimum=average(w**2 / 2 + order.chihat * phi**2 - b * phi),
    )


def small_overlap(network: Network, q: float) -> LimitParameters:
    """Finite-energy class to first order in q; it needs g (1 + gamma) > 1."""
    keep = 1 / (1 + network.gamma)  # 1 - rho
    excess = network.g**2 - keep**2
    return LimitParameters(q, network.g**2 * excess * q, excess / 2, 0.0, keep / network.g**2)


def solve_finite_energy(
    network: Network, start: LimitParameters, rule: Rule, free: bool = False
) -> LimitSolution | None:
    """Solution of the finite-energy class at the q of the start, or with q free.

    Unknowns are ln(Q'/q), c'/g, artanh(g r'/sqrt(q Q')) and G, and ln q if it is free.

    Returns
    -------
    LimitSolution or None
        None where the method leaves the domain of the equations.
    """
    g = network.g

    def order_at(z: Array) -> LimitParameters:
        if not np.all(np.abs(z) < LARGEST_UNKNOWN):
            raise DomainError(f"unknowns {z} are far outside any solution")
        q = float(np.exp(z[4])) if free else start.q
        Qhat = q * float(np.exp(z[0]))
        r = float(np.tanh(z[2])) * np.sqrt(q * Qhat) / g
        return LimitParameters(q, Qhat, g * float(z[1]), r, float(z[3]))

    def residuals(z: Array) -> Array:
        order = order_at(z)
        image = limit_averages(network, order, rule).order
        ratio = np.sqrt(order.Qhat / order.q)
        values = [
            np.log(image.Qhat / order.Qhat),
            (image.chihat - order.chihat) / ratio,
            (image.r - order.r) * g / (order.q * ratio),
            image.G - order.G,
        ]
        return np.array([*values, np.log(image.q / order.q)] if free else values)

    bound = np.sqrt(start.q * start.Qhat) / g
    unknowns = [np.log(start.Qhat / start.q), start.chihat / g, np.arctanh(start.r / bound)]
    unknowns += [start.G, np.log(start.q)] if free else [start.G]
    try:
        found = optimize.root(
            residuals,
            unknowns,
            method="hybr",
            options={"xtol": 1e-13, "factor": 0.3, "maxfev": 200},
        )
        order = order_at(found.x)
        averages = limit_averages(network, order, rule)
    except DomainError:
        return None
    return LimitSolution(order, averages, float(np.max(np.abs(found.fun))))


def zero_energy(network: Network, q: float, refinement: int = 1) -> LimitSolution | None:
    """Zero-energy class at given q: Q' = c' = r' = 0 and G from its equation.

    Returns
    -------
    LimitSolution or None
        None where no G with rho < 1 exists.
    """
    deviation = network.g * np.sqrt(q)
    strength = network.g**2 * network.gamma

    def at(G: float) -> LimitAverages:
        rho = strength * G
        step = min(0.12, 0.3 * deviation / (1 + max(0.0, -rho))) / refinement
        half = int(np.ceil((9.5 * deviation + abs(rho)) / step))
        x = step * np.arange(-half, half + 1)
        phi, slope = network.transfer.phi(x), network.transfer.derivative(x)
        h = x - rho * phi
        weight = step * np.exp(-((h / deviation) ** 2) / 2) / (np.sqrt(2 * np.pi) * deviation)
        return LimitAverages(
            LimitParameters(
                float(weight @ ((1 - rho * slope) * phi**2)), 0.0, 0.0, 0.0, float(weight @ slope)
            ),
            float(weight @ (slope**2 / (1 - rho * slope))),
            0.0,
        )

    # E phi'/(1 - rho phi') - G falls with G where the solution is stable: the smallest root.
    largest = (1 - 1e-9) / strength if strength > 0 else 1.0
    trial = np.linspace(0, largest, 65)
    excess = np.array([at(G).order.G - G for G in trial])
    if not np.any(excess <= 0):
        return None
    k = int(np.argmax(excess <= 0))
    G = float(
        optimize.brentq(lambda G: at(G).order.G - G, trial[k - 1], trial[k], xtol=1e-15, rtol=1e-14)
    )
    averages = at(G)
    order = LimitParameters(q, 0.0, 0.0, 0.0, G)
    return LimitSolution(order, averages, abs(averages.order.G - G))


def merger(network: Network, q_static: float) -> float:
    """The q above that of the static solution where the slope g^2 chi' of zero energy is 1."""

    def slope(q: float) -> float:
        solution = zero_energy(network, q)
        if solution is None:
            raise DomainError(f"no solution with zero energy at q = {q:.3g}")
        return network.g**2 * solution.averages.response

    end = 1.5 * q_static
    while slope(end) > 1:  # it falls as 1/sqrt(q) in the end
        end *= 1.5
    return float(optimize.brentq(lambda q: slope(q) - 1, q_static, end, xtol=1e-14))


def follow(network: Network, q: Array, rule: Rule) -> list[LimitSolution | None]:
    """Finite-energy class along rising q, each from the one before; None after a failure."""
    path: list[LimitSolution | None] = []
    start = small_overlap(network, float(q[0]))
    for value in q:
        scale = float(value) / start.q
        guess = LimitParameters(
            float(value), start.Qhat * scale, start.chihat, start.r * scale, start.G
        )
        solution = solve_finite_energy(network, guess, rule)
        if solution is None or not solution.residual < 1e-6:
            return path + [None] * (len(q) - len(path))
        path.append(solution)
        start = solution.order
    return path


def drift(network: Network, start: Array, damping: float, iterations: int, rule: Rule) -> Array:
    """Damped iteration of all six equations, new = damping old + (1 - damping) F(old).

    Nothing is clipped. Near the finite-energy class g^2 chi' is almost 1, so that chi -> chi' +
    g^2 chi' chi grows by a constant at each iteration and never settles, while the other
    quantities follow the class.

    Parameters
    ----------
    network : Network
        Gain, asymmetry, transfer function.
    start : array, shape (6,)
        q, chi, Q~, chihat, r~, xi.
    damping : float
        Weight of the old values, 0 <= damping < 1.
    iterations : int
        How many.
    rule : Rule
        Quadrature.

    Returns
    -------
    array, shape (6, iterations + 1)
        The path, NaN after it has left the domain of the equations.
    """
    values = np.full((6, iterations + 1), np.nan)
    values[:, 0] = start
    for step in range(iterations):
        q, chi, Qhat, chihat, r_tilde, xi = map(float, values[:, step])
        s = 1 + network.g**2 * chi
        order = LimitParameters(q, s**2 * Qhat, s * chihat, s * r_tilde, -xi)
        try:
            averages = limit_averages(network, order, rule)
        except DomainError:
            break
        new = averages.order
        image = [new.q, s * averages.response, new.Qhat / s**2, new.chihat / s, new.r / s, -new.G]
        values[:, step + 1] = damping * values[:, step] + (1 - damping) * np.array(image)
    return values


def published_start(network: Network) -> Array:
    """Start of `drift` like the public code's, with 1/2 for what it draws from [0, 1]; shape (6,).

    There chihat = -g^2, and Q~ has Cov(h, b)^2/Var h added.
    """
    echo = 2 * (network.g * network.gamma / 2) ** 2
    return np.array([0.5, 0.5, 0.5 + echo, -(network.g**2), 0.5, -0.5])


def run(spec: AnsatzSpec) -> xr.Dataset:
    """Solve all equations but that of q on the grid of a spec.

    Below the merger the class of finite energy is stored, elsewhere that of zero energy; so a
    solution of the ansatz is a zero of ``mismatch`` where ``margin`` is positive.

    Returns
    -------
    xarray.Dataset
        Over (g, q): the paper's quantities, margin, mismatch, residuals, class and status; over g:
        the zero of the mismatch in each class and what forbids it; over (g, iteration): the damped
        iteration. NaN where no solution was found (status ``NOT_CONVERGED``), over g for what does
        not exist, and after the iteration has left the domain. Status ``UNPHYSICAL`` marks a margin
        that is not positive. All dimensionless.
    """
    g, q = np.array(spec.g), np.array(spec.q)
    paths = np.empty((len(DRIFT_LONG_NAMES), g.size, spec.iterations + 1))
    fields = {name: np.full((g.size, q.size), np.nan) for name in LONG_NAMES}
    points = {name: np.full(g.size, np.nan) for name in POINT_LONG_NAMES}
    branch = np.full((g.size, q.size), -1, dtype=np.int8)
    status = np.full((g.size, q.size), Status.NOT_CONVERGED.code, dtype=np.int8)
    for i, gain in enumerate(g):
        network = Network(float(gain), spec.gamma, transfer_function(spec.transfer))
        start = published_start(network)
        paths[:, i] = drift(network, start, spec.damping, spec.iterations, Rule())
        edge = _points(network, points, i)
        chosen: list[tuple[LimitSolution, LimitSolution, int] | None] = [None] * q.size
        finite = np.flatnonzero(q < edge)
        pairs = _finite_energy(network, q[finite], edge, points, i)
        for k, pair in zip(finite, pairs, strict=True):
            chosen[k] = None if pair is None else (*pair, 1)
        for k in np.flatnonzero(q >= edge):
            coarse, fine = (zero_energy(network, float(q[k]), n) for n in (1, 2))
            if coarse is not None and fine is not None:
                chosen[k] = (coarse, fine, 0)
        for k, entry in enumerate(chosen):
            if entry is None:
                continue
            coarse, fine, branch[i, k] = entry
            margin = fine.margin(network.g)
            values = {
                "chi": fine.averages.response / margin,
                "Qhat": fine.order.Qhat * margin**2,
                "chihat": fine.order.chihat * margin,
                "r_tilde": fine.order.r * margin,
                "xi": -fine.order.G,
                "energy": fine.order.Qhat * margin**2 / (2 * network.g**2),
                "margin": margin,
                "mismatch": fine.mismatch,
                "other_residual": fine.residual,
                "quadrature_error": fine.distance(coarse, network.g),
            }
            for name, value in values.items():
                fields[name][i, k] = value
            status[i, k] = _status(spec, values).code
        physical = np.abs(fields["mismatch"][i][fields["margin"][i] > 0])
        at_merger = zero_energy(network, edge) if edge > 0 else None
        if at_merger is not None:
            physical = np.append(physical, abs(at_merger.mismatch))
        points["smallest_mismatch"][i] = physical.min() if physical.size else np.nan
    return _dataset(g, q, fields, points, paths, branch, status)


def _status(spec: AnsatzSpec, values: dict[str, float]) -> Status:
    if not values["other_residual"] <= spec.tolerance:
        return Status.NOT_CONVERGED
    if not values["margin"] > 0:
        return Status.UNPHYSICAL
    if not values["quadrature_error"] <= spec.quadrature_tolerance:
        return Status.INACCURATE
    return Status.CONVERGED


def _points(network: Network, points: dict[str, Array], i: int) -> float:
    """Static solution and merger of one gain; returns the q below which energy is finite."""
    solution = static.solve(network.g, network.gamma, network.transfer)
    if not (solution.status is Status.CONVERGED and solution.C > 0):
        return 0.0
    at_static = zero_energy(network, solution.C)
    if at_static is None:
        return 0.0
    points["q_zero_energy"][i] = solution.C
    points["slope_at_zero_energy"][i] = 1 - at_static.margin(network.g)
    points["q_merger"][i] = merger(network, solution.C)
    return float(points["q_merger"][i])


def _finite_energy(
    network: Network, q: Array, edge: float, points: dict[str, Array], i: int
) -> list[tuple[LimitSolution, LimitSolution] | None]:
    """Finite-energy class at each q with two rules, and its zero of the mismatch."""
    if not edge > 0:
        return []
    rungs = np.union1d(q, edge * NEAREST * np.arange(1, RUNGS + 1) / RUNGS)
    path = follow(network, rungs, Rule())
    found = [solution for solution in path if solution is not None]
    for one, two in pairwise(found):
        if one.mismatch > 0 >= two.mismatch:
            free = solve_finite_energy(network, one.order, Rule().refined(), free=True)
            if free is not None and free.residual < 1e-8:
                points["q_finite_energy"][i] = free.order.q
                points["margin_finite_energy"][i] = free.margin(network.g)
    pairs: list[tuple[LimitSolution, LimitSolution] | None] = []
    for value in q:
        coarse = path[int(np.searchsorted(rungs, value))]
        fine = coarse and solve_finite_energy(network, coarse.order, Rule().refined())
        pairs.append(None if coarse is None or fine is None else (coarse, fine))
    return pairs


def _dataset(
    g: Array,
    q: Array,
    fields: dict[str, Array],
    points: dict[str, Array],
    paths: Array,
    branch: Array,
    status: Array,
) -> xr.Dataset:
    dims = ("g", "q")
    variables = {
        name: (dims, fields[name], {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    variables |= {
        name: ("g", points[name], {"long_name": long_name, "units": "1"})
        for name, long_name in POINT_LONG_NAMES.items()
    }
    variables |= {
        name: (("g", "iteration"), values, {"long_name": long_name, "units": "1"})
        for (name, long_name), values in zip(DRIFT_LONG_NAMES.items(), paths, strict=True)
    }
    variables["branch"] = (
        dims,
        branch,
        {
            "long_name": "class of the stored solution",
            "units": "1",
            "flag_values": np.array([-1, 0, 1], dtype=np.int8),
            "flag_meanings": "none zero_energy finite_energy",
        },
    )
    variables["status"] = (dims, status, STATUS_ATTRIBUTES)
    return xr.Dataset(
        variables,
        coords={
            "g": ("g", g, {"long_name": "gain g", "units": "1"}),
            "q": ("q", q, {"long_name": "self-overlap E phi^2", "units": "1"}),
            "iteration": (
                "iteration",
                np.arange(paths.shape[2]),
                {"long_name": "iteration, 0 the start", "units": "1"},
            ),
        },
    )
