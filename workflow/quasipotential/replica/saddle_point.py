"""Newton's method for the replica-symmetric saddle point.

Both branches use unknowns that stay of order one where q -> 0 and q^, Q^ diverge as 1/q, and that
cannot leave the physical domain: (ln q, q^ q, G) for Q = 0, and with 0 < Q < q also logit(Q/q),
ln(Q^ q) and artanh(g R'/sqrt(Q Q^)), the Cauchy-Schwarz bound of R'.

A phi that is not odd has Q > 0 everywhere, also at gamma = 0, where q^ = Q^ = R' = 0 is a solution
and these unknowns do not exist.  There they are (ln q, Q/q, q^ q, Q^ q, G, R'), and the right-hand
sides are taken at the nearest point of the domain.  They lie within the domain themselves, so a
solution does too.

The branch Q = 0 is solved for many points at once with the analytic Jacobian. The derivatives of
the exponent of the weight with respect to (s2, q^, rho) are the averaged functions themselves, so
the Jacobian is made of their covariances. Q > 0 is solved point by point by Broyden's method: the
Jacobian is updated from the steps themselves, handed on from one solution to the next, and made
anew by differences only where steps with the one at hand do not succeed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
LONGEST_STEP = 1.0  # in any unknown
SHORTEST_FRACTION = 1e-3  # of a Newton step, before a point is given up
DIFFERENCE = 1e-6  # of an unknown of the branch Q > 0, for the Jacobian
SUCCESS = 0.5  # of a step: the residual falls by this factor; otherwise a new Jacobian is made
AIM = 0.01  # of the tolerance, where rounding allows it
MAX_EVALUATIONS = 250
LARGEST_UNKNOWN = 50.0  # of the branch Q > 0: exp(50) is far outside any solution
SMALLEST_OVERLAP = 1e-7  # Q/q of a solution with Q > 0
ROUNDING = 1e-15


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
    """One solution with Q > 0.

    Attributes
    ----------
    unknowns : array, shape (6,)
        ln q, logit(Q/q), (q^ - Q^/2)(q - Q), ln(Q^ q), G, artanh(g R'/sqrt(Q Q^)); for a phi that
        is not odd ln q, Q/q, q^ q, Q^ q, G, R'.
    order : OrderParameters
        The same as order parameters.
    averages : SiteAverages
        At the solution.
    residual : float
        Largest distance from the right-hand sides, in natural units or those of the unknowns.
    remaining : float
        Largest change of an unknown in the step that would come next: what rounding leaves open.
    iterations : int
        Evaluations of the equations.
    jacobian : array, shape (6, 6)
        Of the equations, as Broyden's method left it.
    """

    unknowns: Array
    order: OrderParameters
    averages: SiteAverages
    residual: float
    remaining: float
    iterations: int
    jacobian: Array


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


def _newton(jacobian: Array, residual: Array) -> Array:
    return -np.linalg.solve(jacobian, residual[:, :, None])[:, :, 0]


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
        newton = _newton(jacobian[active], residual[active])
        longest = np.abs(newton).max(axis=1)
        taken = np.minimum(fraction[active], LONGEST_STEP / np.maximum(longest, 1e-300))
        trial = unknowns[active] + taken[:, None] * newton
        _, new_residual, new_jacobian = _centred_equations(model.take(active), trial, quadrature)
        new_norm = np.abs(new_residual).max(axis=1)
        # The natural measure of progress: the step that the old Jacobian would make next.
        remaining = np.abs(_newton(jacobian[active], new_residual)).max(axis=1)
        better = (remaining < longest) | (new_norm <= tolerance)
        chosen = active[better]
        unknowns[chosen] = trial[better]
        residual[chosen], jacobian[chosen] = new_residual[better], new_jacobian[better]
        norm[chosen] = new_norm[better]
        fraction[active] = np.minimum(1, fraction[active] * np.where(better, 2, 0.5))
        iterations[active] += 1
    averages, residual, _ = _centred_equations(model, unknowns, quadrature)
    return CentredSolution(unknowns, averages, np.abs(residual).max(axis=1), iterations)


def full_order(model: Model, unknowns: Array) -> OrderParameters:
    """Order parameters from the unknowns of the branch Q > 0, shape (6,).

    Raises
    ------
    DomainError
        If an unknown is far outside any solution.
    """
    if not np.all(np.abs(unknowns) < LARGEST_UNKNOWN):
        raise DomainError(f"unknowns {unknowns} are far outside any solution")
    q = np.exp(float(unknowns[0]))
    if not model.odd:
        Q = q * float(np.clip(unknowns[1], SMALLEST_OVERLAP, 1.0))
        G, Rp = map(float, unknowns[4:])
        bound = (model.g * model.gamma * Rp) ** 2 / Q * (1 + ROUNDING)
        return OrderParameters(q, Q, unknowns[2] / q, max(unknowns[3] / q, bound), G, Rp)
    _, logit, scaled_curvature, log_Qhat, G, angle = map(float, unknowns)
    Q, Qhat = q * _expit(logit), np.exp(log_Qhat) / q
    qhat = Qhat / 2 + scaled_curvature / (q * _expit(-logit))
    Rp = np.tanh(angle) * np.sqrt(Q * Qhat) / model.g
    return OrderParameters(q, Q, qhat, Qhat, G, Rp)


def _expit(x: float) -> float:
    """1/(1 + exp(-x))."""
    return float(np.exp(-np.logaddexp(0.0, -x)))


def full_unknowns(model: Model, order: OrderParameters) -> Array:
    """Unknowns of the branch Q > 0, shape (6,)."""
    if not model.odd:
        q = order.q
        return np.array([np.log(q), order.Q / q, order.qhat * q, order.Qhat * q, order.G, order.Rp])
    bound = np.sqrt(order.Q * order.Qhat) / model.g
    return np.array(
        [
            np.log(order.q),
            np.log(order.Q) - np.log(order.q - order.Q),
            (order.qhat - order.Qhat / 2) * (order.q - order.Q),
            np.log(order.Qhat * order.q),
            order.G,
            np.arctanh(order.Rp / bound),
        ]
    )


@dataclass(frozen=True)
class _Trial:
    """The equations of the branch Q > 0 at one set of unknowns."""

    model: Model
    unknowns: Array
    order: OrderParameters
    averages: SiteAverages

    @property
    def residual(self) -> Array:
        """Differences of both sides in the scale of the unknowns, shape (6,).

        Relative in Q, Q^ and R', so that it does not vanish with Q towards Q = 0, if phi is odd.
        """
        if not self.model.odd:
            return full_unknowns(self.model, self.averages.order) - self.unknowns
        q, Q, qhat, Qhat, G, Rp = self.averages.order.array() - self.order.array()
        spread = self.order.q - self.order.Q
        return np.array(
            [
                q / self.order.q,
                Q / self.order.Q - (q - Q) / spread,
                (qhat - Qhat / 2) * spread,
                Qhat / self.order.Qhat,
                G,
                Rp / np.sqrt(self.order.Q * self.order.Qhat),
            ]
        )

    @property
    def distance(self) -> float:
        """Largest difference, in natural units or those of the unknowns."""
        natural = self.order.distance(self.averages.order)
        return float(max(natural, np.abs(self.residual).max()))


def solve_full(
    model: Model,
    start: Array,
    quadrature: Quadrature,
    tolerance: float,
    jacobian: Array | None = None,
) -> FullSolution | None:
    """Broyden's method with step control on the branch Q > 0 at one point.

    Parameters
    ----------
    model : Model
        With plain numbers ``g`` > 0 and ``temperature``.
    start : array, shape (6,)
        Unknowns.
    quadrature : Quadrature
        Steps and reach.
    tolerance : float
        Largest residual that is accepted, in natural units.  One step is made in any case.
    jacobian : array, shape (6, 6), optional
        Of a solution nearby.

    Returns
    -------
    FullSolution or None
        None if the method fails from this start or ends on Q = 0.
    """
    evaluations = 0

    def equations(unknowns: Array) -> _Trial:
        nonlocal evaluations
        evaluations += 1
        order = full_order(model, unknowns)
        return _Trial(model, unknowns, order, site_averages(model, order, quadrature))

    def differences(here: _Trial) -> Array:
        moved = [equations(here.unknowns + DIFFERENCE * unit).residual for unit in np.eye(6)]
        return (np.stack(moved, axis=1) - here.residual[:, None]) / DIFFERENCE

    try:
        here = equations(start)
        fresh = jacobian is None
        if jacobian is None:
            jacobian = differences(here)
        fraction = 1.0
        while evaluations < MAX_EVALUATIONS:
            residual = here.residual
            if not residual.any():
                break
            step = -np.linalg.solve(jacobian, residual)
            step *= min(fraction, LONGEST_STEP / max(np.abs(step).max(), 1e-300))
            try:
                trial = equations(here.unknowns + step)
                ratio = np.abs(trial.residual).max() / np.abs(residual).max()
            except DomainError:
                ratio = np.inf
            accepted = ratio < 1 or (ratio < np.inf and trial.distance <= tolerance)
            if accepted:
                change = trial.residual - residual - jacobian @ step
                jacobian = jacobian + np.outer(change, step) / (step @ step)
                here, fresh, fraction = trial, False, min(1.0, 2 * fraction)
                if model.odd and here.order.Q < SMALLEST_OVERLAP * here.order.q:
                    return None
                if here.distance <= AIM * tolerance:
                    break
            if ratio > SUCCESS:
                if here.distance <= tolerance and (accepted or fresh):
                    break  # rounding
                if not fresh:
                    jacobian, fresh = differences(here), True
                else:
                    fraction /= 2
                if fraction < SHORTEST_FRACTION:
                    return None
        remaining = float(np.abs(np.linalg.solve(jacobian, here.residual)).max())
    except (DomainError, np.linalg.LinAlgError):
        return None
    if here.distance > tolerance:
        return None
    return FullSolution(
        here.unknowns, here.order, here.averages, here.distance, remaining, evaluations, jacobian
    )
