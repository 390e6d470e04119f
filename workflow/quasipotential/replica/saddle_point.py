"""Newton's method for the replica-symmetric saddle point.

Both branches use unknowns that stay of order one where q -> 0 and q^, Q^ diverge as 1/q, and that
cannot leave the physical domain: (ln q, q^ q, G) for Q = 0, and with 0 < Q < q also logit(Q/q),
ln(Q^ q) and artanh(g R'/sqrt(Q Q^)), the Cauchy-Schwarz bound of R'.

The branch Q = 0 is solved for many points at once with the analytic Jacobian. The derivatives of
the exponent of the weight with respect to (s2, q^, rho) are the averaged functions themselves, so
the Jacobian is made of their covariances. Q > 0 is solved point by point by MINPACK's hybrid
method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from .single_site import (
    CentredAverages,
    DomainError,
    Model,
    OrderParameters,
    Quadrature,
    SiteAverages,
    centred_averages,
    site_averages,
)

Array = np.ndarray

MAX_ITERATIONS = 60
LONGEST_STEP = 1.0  # in any unknown of the branch Q = 0
SHORTEST_FRACTION = 1e-3  # of a Newton step, before a point is given up
LARGEST_UNKNOWN = 50.0  # of the branch Q > 0: exp(50) is far outside any solution
SMALLEST_OVERLAP = 1e-7  # Q/q of a solution with Q > 0


@dataclass(frozen=True)
class CentredSolution:
    """Solutions with Q = 0; arrays of shape (points,).

    Attributes
    ----------
    unknowns : array, shape (points, 3)
        ln q, q^ q, G.
    averages : CentredAverages
        At the solution.
    residual : array
        Largest distance from the right-hand sides, q in units of q and q^ in units of 1/q.
    iterations : array of int
        Newton steps.
    """

    unknowns: Array
    averages: CentredAverages
    residual: Array
    iterations: Array

    @property
    def order(self) -> OrderParameters:
        """Order parameters of the solution."""
        return centred_order(self.unknowns)


@dataclass(frozen=True)
class FullSolution:
    """One solution with Q > 0: order parameters, averages there, residual, function evaluations."""

    order: OrderParameters
    averages: SiteAverages
    residual: float
    iterations: int


def centred_order(unknowns: Array) -> OrderParameters:
    """Order parameters from (ln q, q^ q, G), shape (points, 3)."""
    q = np.exp(unknowns[:, 0])
    zero = np.zeros_like(q)
    return OrderParameters(q, zero, unknowns[:, 1] / q, zero, unknowns[:, 2], zero)


def _centred_equations(
    model: Model, unknowns: Array, quadrature: Quadrature
) -> tuple[CentredAverages, Array, Array]:
    """Averages, residuals (points, 3) and Jacobian (points, 3, 3) in the scaled unknowns."""
    order = centred_order(unknowns)
    q, g2 = order.q, np.square(model.g)
    averages = centred_averages(model, q, order.qhat, order.G, quadrature)
    image = averages.order
    residual = np.stack([np.log(image.q / q), (image.qhat - order.qhat) * q, image.G - order.G], 1)

    zero = np.zeros_like(q)
    chain = np.stack(  # d(s2, q^, rho) / d(ln q, q^ q, G)
        [
            np.stack([g2 * q, zero, zero], axis=1),
            np.stack([-order.qhat, 1 / q, zero], axis=1),
            np.stack([zero, zero, g2 * model.gamma], axis=1),
        ],
        axis=1,
    )
    outer = np.stack([1 / image.q, g2 * q, np.ones_like(q)], axis=1)
    jacobian = outer[:, :, None] * (averages.derivative @ chain) - np.eye(3)
    jacobian[:, 1, 0] += image.qhat * q
    return averages, residual, jacobian


def solve_centred(
    model: Model, start: Array, quadrature: Quadrature, tolerance: float
) -> CentredSolution:
    """Newton's method with step control on the branch Q = 0.

    Parameters
    ----------
    model : Model
        With ``g`` and ``temperature`` of shape (points,).
    start : array, shape (points, 3)
        ln q, q^ q, G.
    quadrature : Quadrature
        Step and reach.
    tolerance : float
        The iteration of a point ends below this residual, or where steps do not reduce it any more.
        One step is made in any case, so that solutions with two quadratures differ by the error of
        the quadrature also where the start is already within the tolerance.
    """
    unknowns = np.array(start)
    _, residual, jacobian = _centred_equations(model, unknowns, quadrature)
    norm = np.abs(residual).max(axis=1)
    fraction = np.ones_like(norm)
    iterations = np.zeros(norm.shape, dtype=int)
    for _ in range(MAX_ITERATIONS):
        unfinished = (norm > tolerance) | (iterations == 0)
        active = np.flatnonzero(np.isfinite(norm) & unfinished & (fraction > SHORTEST_FRACTION))
        if active.size == 0:
            break
        step = -np.linalg.solve(jacobian[active], residual[active][:, :, None])[:, :, 0]
        longest = np.abs(step).max(axis=1)
        step *= np.minimum(fraction[active], LONGEST_STEP / np.maximum(longest, 1e-300))[:, None]
        trial = unknowns[active] + step
        _, new_residual, new_jacobian = _centred_equations(model.take(active), trial, quadrature)
        new_norm = np.abs(new_residual).max(axis=1)
        better = (new_norm < norm[active]) | (new_norm <= tolerance)
        chosen = active[better]
        unknowns[chosen] = trial[better]
        residual[chosen], jacobian[chosen] = new_residual[better], new_jacobian[better]
        norm[chosen] = new_norm[better]
        fraction[active] = np.minimum(1, fraction[active] * np.where(better, 2, 0.5))
        iterations[active] += 1
    averages, residual, _ = _centred_equations(model, unknowns, quadrature)
    return CentredSolution(unknowns, averages, np.abs(residual).max(axis=1), iterations)


def _full_order(model: Model, unknowns: Array) -> OrderParameters:
    if not np.all(np.abs(unknowns) < LARGEST_UNKNOWN):
        raise DomainError(f"unknowns {unknowns} are far outside any solution")
    log_q, logit, scaled_curvature, log_Qhat, G, angle = unknowns
    q = np.exp(log_q)
    Q, Qhat = q * special.expit(logit), np.exp(log_Qhat) / q
    qhat = Qhat / 2 + scaled_curvature / (q * special.expit(-logit))
    Rp = np.tanh(angle) * np.sqrt(Q * Qhat) / model.g
    return OrderParameters(q, Q, qhat, Qhat, G, Rp)


def _full_unknowns(model: Model, order: OrderParameters) -> Array:
    bound = np.sqrt(order.Q * order.Qhat) / model.g
    return np.array(
        [
            np.log(order.q),
            special.logit(order.Q / order.q),
            (order.qhat - order.Qhat / 2) * (order.q - order.Q),
            np.log(order.Qhat * order.q),
            order.G,
            np.arctanh(order.Rp / bound),
        ]
    )


def solve_full(
    model: Model, start: OrderParameters, quadrature: Quadrature, tolerance: float
) -> FullSolution | None:
    """Hybrid Newton method on the branch Q > 0 at one point.

    Parameters
    ----------
    model : Model
        With plain numbers ``g`` > 0 and ``temperature``.
    start : OrderParameters
        With 0 < Q < q, Q^ > 0 and g |R'| < sqrt(Q Q^).
    quadrature : Quadrature
        Steps and reach.
    tolerance : float
        Largest residual that is accepted.

    Returns
    -------
    FullSolution or None
        None if the method fails from this start or ends on Q = 0.
    """

    def residual(unknowns: Array) -> Array:
        order = _full_order(model, unknowns)
        q, Q, qhat, Qhat, G, Rp = (
            site_averages(model, order, quadrature).order.array() - order.array()
        )
        spread = order.q - order.Q
        root = np.sqrt(order.Q * order.Qhat)
        return np.array(
            [
                q / order.q,
                (q - Q) / spread,
                (qhat - Qhat / 2) * spread,
                Qhat / order.Qhat,
                G,
                Rp / root,
            ]
        )

    try:
        found = optimize.root(
            residual,
            _full_unknowns(model, start),
            method="hybr",
            options={"xtol": 1e-13, "factor": 0.3, "maxfev": 400},
        )
        order = _full_order(model, found.x)
        averages = site_averages(model, order, quadrature)
    except DomainError:
        return None
    distance = float(order.distance(averages.order))
    if distance > tolerance or order.Q < SMALLEST_OVERLAP * order.q:
        return None
    return FullSolution(order, averages, distance, int(found.nfev))
