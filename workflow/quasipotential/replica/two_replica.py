"""Annealed potential of two replicas of one network as a function of their overlap.

V(Q) is the exponent, per unit, of the part of E_J Z^2 in which the overlap phi.phi'/N of the two
replicas is Q, less that of (E_J Z)^2. It is section 2 of docs/theory.md with n = 2 and without the
condition on Q. Both replicas have the same self-overlap q; then sums and differences separate,

    X+- = (x +- x')/sqrt(2),   phi+- = (phi(x) +- phi(x'))/sqrt(2),   q+- = q +- Q,
    q^+- = q^ +- Q^/2,   G+- = G_aa +- G_ab,   s+- = T + g^2 q+-,   w+- = X+- - g^2 gamma G+- phi+-,
    zeta = int dX+ dX- / (2 pi sqrt(s+ s-)) exp sum_+- [-w+-^2/(2 s+-) + q^+- phi+-^2],
    Psi = sum_+- [-q^+- q+- - (g^2 gamma/2) G+-^2] + ln zeta,       V = Psi - 2 Phi(Q = 0),

one replica's expressions twice, coupled through phi+- alone. At fixed Q the rest is stationary:

    q+- = <phi+-^2>,   G+- = <w+- phi+->/s+-,   e+ + e- = 0,   dV/dQ = e+ - e-,
    e+- = (g^2/2) <w+-^2/s+-^2 - 1/s+-> - q^+-.

Q = 0 is exact if V < 0 for every other Q: then E_J Z^2 and (E_J Z)^2 have the same exponent, and
pairs of replicas with another overlap are exponentially rare. V(Q) = V(-Q), and to second order
V'' has the sign of multiplier - 1 (module `stability`).

Unequal replicas (q_aa != q_bb, G_ab != G_ba) are odd under the exchange of the replicas. They could
only split off where det(1 - B) passes 0, B the linear map of such perturbations; this determinant
is computed with each solution.

Quadrature: trapezoid rules in X+ and X-, uniform, each adapted to its own width; by symmetry
X+- >= 0. The Jacobian of Newton's method is made of covariances, as on the branch Q = 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy import optimize

from ..progress import Progress
from ..specs import TwoReplicaSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import transfer_function
from .branches import REFINEMENTS, downward, refine, upward
from .saddle_point import LARGEST_UNKNOWN
from .single_site import DomainError, Model, Quadrature, free_energy
from .stability import multiplier

Array = np.ndarray

SIGNS = np.array([1.0, -1.0])
WIDEST = 0.85  # scale on which phi+- varies with X+-
MAX_NODES = 1_000_000
MAX_HALVINGS = 5  # of a step in Q/q
STABLE_FIRST = 1e6  # more than any difference of Phi

LONG_NAMES = {
    "Q": "overlap of the two replicas",
    "q": "self-overlap of each replica at this Q",
    "V": "annealed potential of two replicas per unit",
    "slope": "dV/dQ",
    "qhat": "conjugate of q",
    "Qhat": "conjugate of Q",
    "G": "response G_aa of each replica",
    "Rp": "response G_ab between the replicas",
    "exchange_determinant": "det(1 - B) of perturbations odd under exchange of the replicas",
    "residual": "largest residual of the equations at fixed Q, in natural units",
    "quadrature_error": "distance between solutions at two quadratures, in natural units",
}


@dataclass(frozen=True)
class SingleReplica:
    """The branch Q = 0: ln q, q^ q, G (g, T, 3) and Phi (g, T), which is NaN where unknown."""

    unknowns: Array
    free_energy: Array


@dataclass(frozen=True)
class PairAverages:
    """Averages over the two-replica site; the axis of length 2 is (+, -).

    Attributes
    ----------
    q, excess, G : arrays, shape (2,)
        <phi+-^2>, <w+-^2/s+-^2 - 1/s+-> and <w+- phi+->/s+-.
    log_weight : float
        ln zeta.
    derivative : array, shape (6, 6)
        Of (excess/2, q, G)+, (excess/2, q, G)- with respect to (s2, q^, rho)+, (s2, q^, rho)-.
    products : array, shape (3, 3)
        <f+ f-> for f+- among w+-^2/s+-^2 - 1/s+-, w+- phi+-/s+-, phi+-^2.
    """

    q: Array
    excess: Array
    G: Array
    log_weight: float
    derivative: Array
    products: Array


@dataclass(frozen=True)
class PairSolution:
    """Solution at one fraction Q/q.

    Attributes
    ----------
    unknowns : array, shape (5,)
        ln q, q^+ q+, q^- q-, G+, G-.
    psi, slope : float
        The exponent Psi and dV/dQ.
    exchange_determinant : float
        det(1 - B) of the perturbations that are odd under exchange of the replicas.
    residual : float
        Largest residual, in natural units.
    """

    unknowns: Array
    psi: float
    slope: float
    exchange_determinant: float
    residual: float

    def distance(self, other: PairSolution) -> float:
        """Largest difference of the unknowns and of Psi."""
        unknowns = float(np.abs(self.unknowns - other.unknowns).max())
        return max(unknowns, abs(self.psi - other.psi))


@dataclass(frozen=True)
class RefinedPair:
    """A solution at the finer of two quadratures, and its distance from the coarser."""

    solution: PairSolution
    quadrature_error: float


def pair_averages(
    model: Model, q: Array, qhat: Array, G: Array, quadrature: Quadrature
) -> PairAverages:
    """Averages over the two-replica site at given q+-, q^+-, G+-, each of shape (2,).

    Parameters
    ----------
    model : Model
        With plain numbers ``g`` and ``temperature``, and without confinement.
    q, qhat, G : arrays, shape (2,)
        Components (+, -); q > 0.
    quadrature : Quadrature
        ``x_step`` and ``reach``.

    Raises
    ------
    DomainError
        If the integrals need more than ``MAX_NODES`` nodes.

    References
    ----------
    docs/theory.md, section 2, n = 2.
    """
    s2 = model.temperature + model.g**2 * q
    rho = model.g**2 * model.gamma * G
    curvature = (1 + np.maximum(-rho, 0)) ** 2 / s2 + 2 * np.maximum(-qhat, 0)
    narrowest = np.minimum(WIDEST, 1 / np.sqrt(curvature))
    # |phi+-| is below |X+-| and below sqrt(2): this bounds w+- from below, and q^ phi^2 from above.
    far = np.sqrt(s2) * (quadrature.reach + 2 * np.sqrt(np.maximum(qhat, 0)))
    pulled = np.maximum(rho, 0)
    reach = np.minimum(far / np.maximum(1 - pulled, 1e-9), far + np.sqrt(2) * pulled)
    counts = np.ceil(reach / (quadrature.x_step * narrowest))
    if not np.prod(counts + 1) <= MAX_NODES:
        raise DomainError(f"the double integral needs {counts + 1} nodes")
    axes = [np.linspace(0, end, int(n) + 1) for end, n in zip(reach, counts, strict=True)]
    halves = [np.r_[0.5, np.ones(len(axis) - 1)] for axis in axes]  # the rest mirrors these nodes

    X = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])
    x = np.stack([X[0] + X[1], X[0] - X[1]]) / np.sqrt(2)
    rate = model.phi(x)
    phi = np.stack([rate[0] + rate[1], rate[0] - rate[1]]) / np.sqrt(2)
    w = X - rho[:, None] * phi
    a = np.square(w / s2[:, None]) / 2
    b = np.square(phi)
    c = w * phi / s2[:, None]
    exponent = qhat @ b - s2 @ a
    peak = exponent.max()
    weight = np.exp(exponent - peak) * np.outer(*halves).ravel()
    total = weight.sum()
    weight /= total

    # The derivatives of the exponent with respect to (s2, q^, rho)+- are (a, b, c)+-.
    functions = np.stack([a, b, c], axis=1).reshape(6, -1)
    mean = functions @ weight
    deviation = functions - mean[:, None]
    covariance = (deviation * weight) @ deviation.T
    means = mean.reshape(2, 3)
    derivative = covariance.copy()
    for k, (mean_a, mean_b, mean_c) in enumerate(means):
        derivative[3 * k, 3 * k] += 0.5 / s2[k] ** 2 - 2 * mean_a / s2[k]
        derivative[3 * k, 3 * k + 2] -= mean_c / s2[k]
        derivative[3 * k + 2, 3 * k] -= mean_c / s2[k]
        derivative[3 * k + 2, 3 * k + 2] -= mean_b / s2[k]

    excess = 2 * means[:, 0] - 1 / s2
    moments = np.stack([excess, means[:, 2], means[:, 1]], axis=1)
    order, factor = [0, 2, 1], np.array([2.0, 1.0, 1.0])
    cross = covariance[:3, 3:][np.ix_(order, order)] * np.outer(factor, factor)
    steps = 2 * reach / counts
    return PairAverages(
        q=means[:, 1],
        excess=excess,
        G=means[:, 2],
        log_weight=float(np.log(np.prod(steps) * total / (2 * np.pi)) + peak)
        - 0.5 * float(np.log(s2).sum()),
        derivative=derivative,
        products=np.outer(*moments) + cross,
    )


def exchange_map(model: Model, products: Array) -> Array:
    """Linear map B of perturbations odd under exchange, shape (4, 4).

    They are the off-diagonal entries (Q+-, Q^+-, G+-, G-+) in the basis of sum and difference. The
    derivation is that of the stability matrix of one pair in docs/theory.md, section 4, with the
    averages of products in the place of products of averages.
    """
    g2, gamma = model.g**2, model.gamma
    (AA, Ac, Ab), (cA, cc, cb), (bA, bc, bb) = products
    return np.array(
        [
            [g2 * cc, bb, gamma * g2 * bc, gamma * g2 * cb],
            [g2**2 * AA, g2 * cc, gamma * g2**2 * cA, gamma * g2**2 * Ac],
            [g2 * Ac, cb, gamma * g2 * cc, gamma * g2 * Ab],
            [g2 * cA, bc, gamma * g2 * bA, gamma * g2 * cc],
        ]
    )


def solve_pair(
    model: Model, fraction: float, start: Array, quadrature: Quadrature, tolerance: float
) -> PairSolution | None:
    """Newton's method (MINPACK's hybrid) at one fraction Q/q; None if it fails from this start.

    Parameters
    ----------
    model : Model
        With plain numbers ``g`` and ``temperature``.
    fraction : float
        Q/q, in [0, 1).
    start : array, shape (5,)
        ln q, q^+ q+, q^- q-, G+, G-.
    quadrature : Quadrature
        ``x_step`` and ``reach``.
    tolerance : float
        Largest residual that is accepted.
    """
    g2 = model.g**2
    share = 1 + SIGNS * fraction  # q+-/q

    def averages(unknowns: Array) -> tuple[Array, Array, PairAverages]:
        if not np.all(np.abs(unknowns) < LARGEST_UNKNOWN):
            raise DomainError(f"unknowns {unknowns} are far outside any solution")
        q = np.exp(unknowns[0]) * share
        qhat = unknowns[1:3] / q
        return q, qhat, pair_averages(model, q, qhat, unknowns[3:], quadrature)

    def equations(unknowns: Array) -> tuple[Array, Array]:
        q, qhat, site = averages(unknowns)
        least = q[1]
        excess = 0.5 * g2 * site.excess - qhat
        residual = np.r_[np.log(site.q / q), excess.sum() * least, site.G - unknowns[3:]]

        chain = np.zeros((6, 5))  # d(s2, q^, rho)+- / d(ln q, q^+ q+, q^- q-, G+, G-)
        chain[[0, 3], 0] = g2 * q
        chain[[1, 4], 0] = -qhat
        chain[[1, 4], [1, 2]] = 1 / q
        chain[[2, 5], [3, 4]] = g2 * model.gamma
        d_half_excess, d_q, d_G = (site.derivative @ chain).reshape(2, 3, 5).transpose(1, 0, 2)
        d_sum = (g2 * d_half_excess - chain[[1, 4]]).sum(axis=0) * least
        jacobian = np.vstack([d_q / site.q[:, None], d_sum, d_G])
        jacobian[:2, 0] -= 1
        jacobian[2, 0] += excess.sum() * least
        jacobian[[3, 4], [3, 4]] -= 1
        return residual, jacobian

    try:
        found = optimize.root(
            equations, start, method="hybr", jac=True, options={"xtol": 1e-13, "factor": 1.0}
        )
        q, qhat, site = averages(found.x)
    except DomainError:
        return None
    residual = float(np.abs(found.fun).max())
    if not residual <= tolerance:
        return None
    G = found.x[3:]
    free_terms = -qhat @ q - 0.5 * g2 * model.gamma * G @ G
    odd = np.eye(4) - exchange_map(model, site.products)
    return PairSolution(
        unknowns=found.x,
        psi=float(free_terms + site.log_weight),
        slope=float(SIGNS @ (0.5 * g2 * site.excess - qhat)),
        exchange_determinant=float(np.linalg.det(odd)),
        residual=residual,
    )


def refine_pair(
    model: Model, fraction: float, start: Array, tolerance: float, quadrature_tolerance: float
) -> RefinedPair | None:
    """Solve with finer and finer quadrature until two successive solutions agree.

    None if a solution is lost. Arguments as for `solve_pair`; ``quadrature_tolerance`` is on the
    distance between successive solutions.
    """
    quadrature = Quadrature()
    coarse = solve_pair(model, fraction, start, quadrature, tolerance)
    for _ in range(REFINEMENTS):
        if coarse is None:
            return None
        quadrature = quadrature.refined()
        fine = solve_pair(model, fraction, coarse.unknowns, quadrature, tolerance)
        if fine is None:
            return None
        error = fine.distance(coarse)
        if error <= quadrature_tolerance:
            break
        coarse = fine
    return RefinedPair(fine, error)


def follow(
    model: Model,
    start: Array,
    fractions: tuple[float, ...],
    tolerance: float,
    quadrature_tolerance: float,
) -> Iterator[RefinedPair | None]:
    """Solutions at rising fractions, each from the one before; None from where the path is lost.

    Parameters
    ----------
    model : Model
        With plain numbers ``g`` and ``temperature``.
    start : array, shape (5,)
        The solution at Q = 0.
    fractions : tuple of float
        Rising, in [0, 1).
    tolerance, quadrature_tolerance : float
        On the residual, and on the distance between successive solutions.
    """

    def advance(here: float, unknowns: Array, there: float, halvings: int) -> RefinedPair | None:
        found = refine_pair(model, there, unknowns, tolerance, quadrature_tolerance)
        if found is not None or halvings == 0 or there == here:
            return found
        middle = (here + there) / 2
        halfway = advance(here, unknowns, middle, halvings - 1)
        if halfway is None:
            return None
        return advance(middle, halfway.solution.unknowns, there, halvings - 1)

    here, unknowns, lost = 0.0, start, False
    for there in fractions:
        found = None if lost else advance(here, unknowns, there, MAX_HALVINGS)
        lost = found is None
        if found is not None:
            here, unknowns = there, found.solution.unknowns
        yield found


def single_replica(spec: TwoReplicaSpec, model: Model) -> SingleReplica:
    """Solve the branch Q = 0 on the grid of a spec; of two solutions the choice is `branches`'."""
    temperatures = list(spec.temperatures)
    walks = [(downward(model, temperatures), np.arange(model.g.size))]
    linear = np.flatnonzero(model.g * (1 + model.gamma) < 1)
    if linear.size:
        walks.append((upward(model.take(linear), temperatures), linear))
    unknowns = np.zeros((model.g.size, len(temperatures), 3))
    Phi = np.full(unknowns.shape[:2], np.nan)
    for column, temperature in enumerate(temperatures):
        best = np.full(model.g.size, -np.inf)
        for walk, points in walks:
            here = replace(model, temperature=np.full_like(model.g, temperature)).take(points)
            start = walk.unknowns[np.argmin(np.abs(walk.temperatures - temperature))]
            solution = refine(here, start, spec.tolerance, spec.quadrature_tolerance).solution
            value = free_energy(here, solution.order, solution.averages)
            stable = multiplier(solution.averages.connected, here.g, here.gamma) < 1
            score = np.where(solution.residual <= spec.tolerance, value, -np.inf)
            score += np.where(stable, STABLE_FIRST, 0.0)
            better = score > best[points]
            chosen = points[better]
            best[chosen], Phi[chosen, column] = score[better], value[better]
            unknowns[chosen, column] = solution.unknowns[better]
    return SingleReplica(unknowns, Phi)


def run(spec: TwoReplicaSpec) -> xr.Dataset:
    """Compute the potential on the grid of a spec.

    Returns
    -------
    xarray.Dataset
        Variables over (g, temperature, fraction), NaN where no solution was found (status
        ``NOT_CONVERGED``); over (g, temperature) ``monotone``, whether V falls strictly all the
        way from Q = 0 (-1 where a solution is missing or inaccurate), and ``V_largest``, the
        largest V at a fraction > 0.  All dimensionless.
    """
    g, temperatures = np.array(spec.g), np.array(spec.temperatures)
    fractions = np.array(spec.fractions)
    model = Model(spec.gamma, g, np.zeros_like(g), transfer_function(spec.transfer).phi)
    single = single_replica(spec, model)
    shape = (g.size, temperatures.size, fractions.size)
    fields = {name: np.full(shape, np.nan) for name in LONG_NAMES}
    status = np.full(shape, Status.NOT_CONVERGED.code, dtype=np.int8)
    points = np.argwhere(np.isfinite(single.free_energy))
    for i, j in Progress(spec.key, "points", len(points)).over(points):
        log_q, scaled, G = single.unknowns[i, j]
        here = replace(model, g=float(g[i]), temperature=float(temperatures[j]))
        path = follow(
            here,
            np.array([log_q, scaled, scaled, G, G]),
            spec.fractions,
            spec.tolerance,
            spec.quadrature_tolerance,
        )
        for k, found in enumerate(path):
            if found is None:
                break
            accurate = found.quadrature_error <= spec.quadrature_tolerance
            status[i, j, k] = (Status.CONVERGED if accurate else Status.INACCURATE).code
            values = _observables(found.solution, spec.fractions[k])
            values["V"] = found.solution.psi - 2 * single.free_energy[i, j]
            values["quadrature_error"] = found.quadrature_error
            for name, value in values.items():
                fields[name][i, j, k] = value

    away = fractions > 0
    known = (status[..., away] == Status.CONVERGED.code).all(axis=-1) & away.any()
    V = np.concatenate([np.zeros((*shape[:2], 1)), fields["V"][..., away]], axis=-1)
    falls = (fields["slope"][..., away] < 0).all(axis=-1) & (np.diff(V) < 0).all(axis=-1)
    monotone = np.where(known, falls, -1).astype(np.int8)
    largest = np.max(V[..., 1:], axis=-1, initial=-np.inf)
    largest[~known] = np.nan
    return _dataset(spec, fields, status, monotone, largest)


def _observables(solution: PairSolution, fraction: float) -> dict[str, float]:
    log_q, plus, minus, G_plus, G_minus = (float(value) for value in solution.unknowns)
    q = np.exp(log_q)
    plus, minus = plus / (q * (1 + fraction)), minus / (q * (1 - fraction))
    return {
        "Q": fraction * q,
        "q": q,
        "slope": solution.slope,
        "qhat": (plus + minus) / 2,
        "Qhat": plus - minus,
        "G": (G_plus + G_minus) / 2,
        "Rp": (G_plus - G_minus) / 2,
        "exchange_determinant": solution.exchange_determinant,
        "residual": solution.residual,
    }


def _dataset(
    spec: TwoReplicaSpec, fields: dict[str, Array], status: Array, monotone: Array, largest: Array
) -> xr.Dataset:
    dims = ("g", "temperature", "fraction")
    variables = {
        name: (dims, fields[name], {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    variables["V_largest"] = (
        dims[:2],
        largest,
        {"long_name": "largest V at a fraction > 0", "units": "1"},
    )
    variables["monotone"] = (
        dims[:2],
        monotone,
        {
            "long_name": "whether V falls strictly from Q = 0 through all fractions",
            "units": "1",
            "flag_values": np.array([-1, 0, 1], dtype=np.int8),
            "flag_meanings": "unknown no yes",
        },
    )
    variables["status"] = (dims, status, STATUS_ATTRIBUTES)
    names = {
        "g": ("gain g", spec.g),
        "temperature": ("temperature T = 1/beta", spec.temperatures),
        "fraction": ("overlap Q in units of the self-overlap q at this Q", spec.fractions),
    }
    coords = {
        name: (name, np.array(values), {"long_name": long_name, "units": "1"})
        for name, (long_name, values) in names.items()
    }
    return xr.Dataset(variables, coords=coords)
