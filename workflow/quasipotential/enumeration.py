r"""All fixed points x = J phi(x) of small networks, by following curves through them.

Newton's method from random starts comes back to the few points with wide basins; those next to
det A = 0, A = 1 - J phi', which weigh most in the cold measure, are met last.  Here each start is
the beginning of a curve.  For a direction v the states with

.. math::

    x - J\phi(x) = s\,v

for some s form smooth curves, and every fixed point lies on one of them, at s = 0.  Along a curve

.. math::

    A\,\dot x = \dot s\,v, \qquad \dot x^2 + \dot s^2 = 1,

so that sign(det A) alternates from one fixed point to the next: a closed curve holds as many of
either sign, and the one that comes from infinity one more of the positive.  A curve is followed
by steps of length h along its tangent, each with one step of Newton's method at right angles to it.
h shrinks where the correction or the turn is large, or where s, by its values and slopes at both
ends, changes its sign twice: two points about to merge lie close together, and weigh much in the
cold measure.  At a change of the sign of s Newton's method goes to the fixed point.
The curve ends where it is back at its start, or at the mirror image of
it, from which the rest is the mirror image of what was seen; or so far out that phi' = 0 in all
units, whence it never returns.

From the points found new curves start with other v, in rounds, those points first from which the
fewest curves went.  It is over when the signs of a network add up to 1, which they must
(docs/theory.md, section 13), and as many curves as there are points brought nothing new.  This does
not prove that none is left.  phi is odd, so that x and -x are fixed points together; of such a pair
one is kept.  Everything is dimensionless.

References
----------
F. H. Branin, IBM J. Res. Dev. 16, 504 (1972); I. Diener, J. Optim. Theory Appl. 51, 349 (1986)
(curves through all solutions).
docs/theory.md, sections 11 and 13.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import potential
from .progress import Progress
from .status import Status
from .transfer import TransferFunction

Array = np.ndarray

FIRST_STEP, LEAST_STEP = 0.3, 1e-6
CORRECTION, TURN = 0.1, 0.8  # largest correction, in steps, and smallest cosine of a turn
GROW, SHRINK = 1.5, 0.4
STEPS = 5000  # of one curve at most
POLISHING = 8  # steps of Newton's method where s changes its sign
TOLERANCE = 1e-24  # on |r|^2/2 of a fixed point
NEAR = 0.5  # how far from where s changes its sign Newton's method may lead, in steps
SATURATED = 10.0  # |x| at which phi' counts as 0
NUMBERS = 400_000  # of the matrices that are held at once
LEAST_BATCH = 32  # curves that are followed together
WITHIN = 8  # parts of a step in which changes of the sign of s are looked for
_T = np.linspace(0.0, 1.0, WITHIN + 1)
#: Cubic at _T from its values at 0 and 1 and its slopes there.
HERMITE = np.column_stack(
    [(1 + 2 * _T) * (1 - _T) ** 2, _T**2 * (3 - 2 * _T), _T * (1 - _T) ** 2, _T**2 * (_T - 1)]
)


@dataclass(frozen=True)
class Enumeration:
    """Fixed points of one network, the origin first; those at x and -x stand once.

    Attributes
    ----------
    x : ndarray, shape (F, N)
    q : ndarray, shape (F,)
        phi.phi/N.
    sign, log_det : ndarray, shape (F,)
        Of det(1 - J phi'), and ln of its modulus.
    multiplicity : ndarray, shape (F,)
        2, of the origin 1.
    residual : float
        Largest |x - J phi(x)| of a unit.
    curves : int
        Followed in all.
    status : Status
        ``NOT_CONVERGED`` where curves still brought new points or the signs do not add up to 1.
    """

    x: Array
    q: Array
    sign: Array
    log_det: Array
    multiplicity: Array
    residual: float
    curves: int
    status: Status


def _along(J: Array, x: Array, s: Array, v: Array, tangent: Array, transfer: TransferFunction):
    """Newton's step back to the curves at right angles to their tangents, and tangents there."""
    M, N = x.shape
    phi = transfer.phi(x)
    matrix = np.empty((M, N + 1, N + 1))
    np.multiply(J, -transfer.derivative(x)[:, None, :], out=matrix[:, :N, :N])
    matrix[:, np.arange(N), np.arange(N)] += 1.0
    matrix[:, :N, N] = -v
    matrix[:, N] = tangent
    sides = np.zeros((M, N + 1, 2))
    sides[:, :N, 0] = x - np.matmul(J, phi[:, :, None])[:, :, 0] - s[:, None] * v
    sides[:, N, 1] = 1.0
    step, ahead = np.moveaxis(np.linalg.solve(matrix, sides), 2, 0)
    return step, ahead / np.linalg.norm(ahead, axis=1, keepdims=True)


def _fixed_points(J: Array, x: Array, transfer: TransferFunction) -> tuple[Array, Array]:
    """Where Newton's method ends from states x (M, N) next to fixed points, and |r|^2/2 there."""
    for _ in range(POLISHING):
        r = x - np.matmul(J, transfer.phi(x)[:, :, None])[:, :, 0]
        A = np.eye(x.shape[1]) - J * transfer.derivative(x)[:, None, :]
        x = x - np.linalg.solve(A, r[:, :, None])[:, :, 0]
    r = x - np.matmul(J, transfer.phi(x)[:, :, None])[:, :, 0]
    return x, 0.5 * np.square(r).sum(axis=1)


def _follow(
    couplings: Array, owner: Array, start: Array, v: Array, transfer: TransferFunction
) -> tuple[Array, Array]:
    """Fixed points on the curves through ``start`` (M, N) with directions v, and their networks.

    Parameters
    ----------
    couplings : ndarray, shape (K, N, N)
    owner : ndarray of int, shape (M,)
        Network of each curve.
    start, v : ndarray, shape (M, N)
    """
    M, N = start.shape
    end = (np.abs(couplings).sum(axis=2).max(axis=1) + SATURATED)[owner] / np.abs(v).min(axis=1)
    z = np.hstack([start, np.zeros((M, 1))])
    towards = np.zeros_like(z)
    towards[:, N] = 1.0
    J = couplings[owner]
    _, tangent = _along(J, start, z[:, N], v, towards, transfer)
    h = np.full(M, FIRST_STEP)
    points, networks = [np.empty((0, N))], [np.empty(0, int)]
    for _ in range(STEPS):
        ahead = z + h[:, None] * tangent
        step, turned = _along(J, ahead[:, :N], ahead[:, N], v, tangent, transfer)
        ahead -= step
        correction = np.linalg.norm(step, axis=1) / h
        cosine = np.einsum("mi,mi->m", tangent, turned)
        accepted = (correction < CORRECTION) & (cosine > TURN)
        # s over the step, by the cubic with these values and slopes: one change of sign at most.
        course = np.column_stack([z[:, N], ahead[:, N], h * tangent[:, N], h * turned[:, N]])
        changes = np.diff(np.signbit(course @ HERMITE.T), axis=1)
        number = changes.sum(axis=1)
        accepted &= number < 2
        closed = np.zeros(len(z), bool)
        crossed = np.flatnonzero(accepted & (number == 1))
        if crossed.size:
            part = (np.argmax(changes[crossed], axis=1) + 0.5) / WITHIN
            before, after = z[crossed, :N], ahead[crossed, :N]
            near = before + part[:, None] * (after - before)
            found, energy = _fixed_points(J[crossed], near, transfer)
            there = np.linalg.norm(found - near, axis=1) < NEAR * h[crossed]
            there &= energy < TOLERANCE
            back = _same(found, start[crossed])
            there &= ~(back & (z[crossed, N] == 0))  # a step that does not leave the start
            accepted[crossed] = there
            points.append(found[there])
            networks.append(owner[crossed[there]])
            closed[crossed] = there & back
        z[accepted], tangent[accepted] = ahead[accepted], turned[accepted]
        easy = (correction < CORRECTION / 3) & (cosine > (1 + 3 * TURN) / 4)
        h *= np.where(accepted, np.where(easy, GROW, 1.0), SHRINK)
        on = ~closed & (np.abs(z[:, N]) < end) & (h > LEAST_STEP)
        if not on.all():
            z, tangent, v, start = z[on], tangent[on], v[on], start[on]
            h, end, owner, J = h[on], end[on], owner[on], J[on]
        if not on.any():
            break
    return np.concatenate(points), np.concatenate(networks)


def _same(x: Array, y: Array) -> Array:
    """Whether states (..., N) are equal up to the sign."""
    distance = np.minimum(np.abs(x - y).max(axis=-1), np.abs(x + y).max(axis=-1))
    return distance < potential.FIXED_POINT_DISTANCE


class _Search:
    """What is known of one network: points, how many curves went from each, and since when."""

    def __init__(self, N: int) -> None:
        self.x = np.zeros((1, N))
        self.followed = np.zeros(1, int)
        self.sign_sum = 0
        self.quiet = 0

    def starts(self, number: int) -> Array:
        """Points for the next curves: those from which the fewest went."""
        chosen = np.resize(np.argsort(self.followed, kind="stable"), number)
        np.add.at(self.followed, chosen, 1)
        return self.x[chosen]

    def take(self, points: Array, curves: int, J: Array, transfer: TransferFunction) -> None:
        """Add what some curves found."""
        known = len(self.x)
        for point in points:
            if not _same(self.x, point).any():
                self.x = np.vstack([self.x, point])
        new = len(self.x) - known
        self.followed = np.append(self.followed, np.zeros(new, int))
        self.quiet = 0 if new else self.quiet + curves
        sign, _ = _determinants(J, self.x, transfer)
        self.sign_sum = sign[0] + 2 * sign[1:].sum()

    @property
    def finished(self) -> bool:
        return self.sign_sum == 1 and self.quiet >= len(self.x)


def _determinants(J: Array, x: Array, transfer: TransferFunction) -> tuple[Array, Array]:
    """sign and ln|.| of det(1 - J phi') at states x (F, N)."""
    return np.linalg.slogdet(np.eye(len(J)) - J * transfer.derivative(x)[:, None, :])


def enumerate_networks(
    couplings: Array,
    transfer: TransferFunction,
    curves: int,
    rounds: int,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> list[Enumeration]:
    """Fixed points of several networks of one size.

    Parameters
    ----------
    couplings : ndarray, shape (K, N, N)
        J of each network.
    transfer : TransferFunction
        Odd and saturating.
    curves : int
        In each network in one round; more where few networks are left.
    rounds : int
        At most.
    rng : Generator
    progress : Progress, optional
        Counts the networks that are finished.
    """
    N = couplings.shape[1]
    searches = [_Search(N) for _ in couplings]
    followed = np.zeros(len(couplings), int)
    size = max(1, NUMBERS // (N + 1) ** 2)
    for _ in range(rounds):
        pending = [k for k, search in enumerate(searches) if not search.finished]
        if not pending:
            break
        number = max(curves, LEAST_BATCH // len(pending))
        owner = np.repeat(pending, number)
        start = np.concatenate([searches[k].starts(number) for k in pending])
        # No component is small, so that far out every unit saturates.
        v = rng.uniform(0.5, 1.5, start.shape) * rng.choice([-1.0, 1.0], start.shape)
        v /= np.linalg.norm(v, axis=1, keepdims=True)
        parts = [
            _follow(couplings, owner[i : i + size], start[i : i + size], v[i : i + size], transfer)
            for i in range(0, len(owner), size)
        ]
        points, networks = (np.concatenate(part) for part in zip(*parts, strict=True))
        for k in pending:
            searches[k].take(points[networks == k], number, couplings[k], transfer)
            followed[k] += number
        if progress is not None:
            progress.reach(sum(search.finished for search in searches))
    return [
        _record(J, search, int(count), transfer)
        for J, search, count in zip(couplings, searches, followed, strict=True)
    ]


def _record(J: Array, search: _Search, curves: int, transfer: TransferFunction) -> Enumeration:
    x = search.x
    sign, log_det = _determinants(J, x, transfer)
    return Enumeration(
        x=x,
        q=np.square(transfer.phi(x)).mean(axis=1),
        sign=sign,
        log_det=log_det,
        multiplicity=np.where(np.arange(len(x)) > 0, 2, 1),
        residual=float(np.abs(x - transfer.phi(x) @ J.T).max()),
        curves=curves,
        status=Status.CONVERGED if search.finished else Status.NOT_CONVERGED,
    )
