"""The published way to solve the saddle-point equations: damped iteration over one frozen sample.

Averages. The fields h = g sqrt(Q) v and B (module `single_site`) come from draws (u, v), and
x = s z from standard normal draws z, 1/s^2 = 1/s2 + 2 eta/T. The weight divided by the density of
x is exp(H) but for a constant and exp(-h^2/(2 s2)), and single-site averages are self-normalised,

    <f> = sum_z f exp(H) / sum_z exp(H),
    H = (q^ - Q^/2 - rho^2/(2 s2)) phi^2 + (B - rho h/s2 + rho x/s2) phi + h x/s2.

With y = x - rho phi, so that w = y - h, averages with a factor h are integrated by parts over the
fields: E[h <f>] = a2 E<f; y> + kappa E<f; phi>, a2 = g^2 Q/s2, kappa = Cov(h, B), <f; k> the
connected average. So large terms are subtracted from each other,

    q^ = (g^2/2) { (E<y^2> - 2 [a2 E<y; y> + kappa E<y; phi>] + g^2 Q)/s2^2 - 1/s2 },
    Q^ = g^2 (E<y>^2 - 2 [a2 E<y; y> + kappa E<y; phi>] + g^2 Q)/s2^2,
    G  = E<y; phi>/s2,    R' = (E<y><phi> - a2 E<y; phi> - kappa E<phi; phi>)/s2,

and a relative error e of <x^2> becomes (g^2/2) e/s2 in q^ (docs/theory.md, section 6).

Iteration. All order parameters change at once, new = damping * old + (1 - damping) * F(old). The
conjugates of the responses, r^ = g^2 gamma sqrt(beta) (G + R') and R^ = g^2 gamma sqrt(beta) R' in
the paper's symbols, are iterated too: the weight uses G and R' of the step before, damped. Here
they are called lagged. After each step, if asked for, Q < 0 and Q^ < 0 become 1e-5, and where
R^2 > g^2 beta Q Q^ the lagged R' is set so that R^2 = 0.1 g^2 beta Q Q^. The iteration stops, from
the 101st step on, when all changes of (q, Q, r, R) are below 1e-3 (1 - damping), or all changes
divided by the new values, with their sign, below 1e-2 (1 - damping). A start that does not stay
finite is replaced by a random one. Each point of a sweep starts from the one before, with
q^ = Q^ = r^ = R^ = 0.

Sample. It depends on its size and the seed alone. Averages at one (u, v) are sums over z of smooth
functions, so the draws z are gathered once, by cubic interpolation, on ``NODES`` nodes that all
(u, v) share: sum_z f(z) = sum_k n_k f(z_k), exact for cubic f. An iteration then costs the same for
any number of z, and the published size, 60000 x 10000, fits into memory. The error is far below the
one of the sample. Where the weight varies too fast for the nodes (it then rests on a few draws) the
draws themselves are summed, as they are everywhere with ``gathered`` = False; these are not kept
but drawn again, from generators that belong to blocks of ``BLOCK`` fields. Exponents are shifted by
their maximum at each (u, v), where the published code shifts by one number for all, so that no sum
underflows here.

References: Qiu & Huang, arXiv 2401.10009, Figs. 2, 3, 7-9, and the authors' public code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice

import numpy as np
import xarray as xr

from ..progress import Progress
from ..specs import ProtocolSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import transfer_function
from .single_site import (
    DomainError,
    Model,
    OrderParameters,
    Quadrature,
    SiteAverages,
    centred_averages,
    energy,
    free_energy,
    site_averages,
    widths,
)

Array = np.ndarray

BLOCK = 4  # draws of the fields that share a generator for their z
CHUNK = 2**15  # numbers that are worked on at once
NODES = 192
REACH = 6.6  # of the nodes, in standard deviations of z
LARGEST_NEGATIVE = 0.25  # share of negative weights of the interpolation, where it errs by 3 %

FIRST_STOP = 100  # first step, counted from 0, at which the iteration may stop
SMALL_CHANGE = 1e-3
SMALL_RELATIVE_CHANGE = 1e-2
CLIPPED = 1e-5  # what negative Q and Q^ become
CLIPPED_FRACTION = 0.1  # of its bound that R^2 becomes

LONG_NAMES = {
    "q": "self-overlap E<phi^2>",
    "Q": "overlap of replicas E<phi>^2",
    "qhat": "conjugate of q",
    "Qhat": "conjugate of Q",
    "G": "connected response",
    "Rp": "off-diagonal response",
    "r": "the paper's r = (G + Rp) sqrt(T)",
    "R": "the paper's R = Rp sqrt(T)",
    "r_minus_R": "the paper's r - R = G sqrt(T)",
    "energy": "quasi-potential per unit E/N",
    "mean_square_x": "mean square activity <x^2>",
    "covariance_x_phi": "connected covariance of x and phi",
    "free_energy": "log-partition density Phi = lim ln Z/N (free energy per unit: -T Phi)",
    "residual": "change by the last step, in natural units",
    "exact_residual": "distance from the exact right-hand sides, in natural units",
    "iterations": "evaluations of the right-hand sides in the last attempt",
    "attempts": "starts that were tried",
    "clipped": "order parameters that were clipped in the last attempt",
    "stopped": "1 where the stopping rule ended the iteration",
}
COUNTS = ("iterations", "attempts", "clipped", "stopped")


@dataclass(frozen=True)
class SampleAverages:
    """Monte Carlo averages; the attributes are those of `single_site.SiteAverages`."""

    order: OrderParameters
    log_weight: float
    mean_square_x: float
    excess: float


Averages = SampleAverages | SiteAverages
RightHandSides = Callable[[Model, OrderParameters], Averages]


@dataclass(frozen=True)
class FrozenSample:
    """Draws (u, v) of the fields and z of x, the same whenever they are asked for.

    Attributes
    ----------
    entropy : int
        Entropy of the seeds.
    number : int
        Which of the independent samples with this entropy.
    outer, inner : int
        Draws of the fields, and of x for each of them.
    gathered : bool
        Whether the z are gathered on nodes (kept in memory) or summed over (drawn again each time).
    chunk : int
        Numbers that are worked on at once where they are gathered; no result depends on it.
    """

    entropy: int
    number: int
    outer: int
    inner: int
    gathered: bool = True
    chunk: int = CHUNK

    def _generator(self, *key: int) -> np.random.Generator:
        seed = np.random.SeedSequence(self.entropy, spawn_key=(self.number, *key))
        return np.random.default_rng(seed)

    @cached_property
    def uv(self) -> Array:
        """Standard normal u and v, shape (2, outer)."""
        return self._generator(0).standard_normal((2, self.outer))

    def starts(self) -> np.random.Generator:
        """Generator of random starts."""
        return self._generator(1)

    def draws(self, rows: Array) -> Iterator[tuple[Array, Array]]:
        """Rows of the outer sample, those asked for (rising), and their z, shape (rows, inner)."""
        blocks = rows // BLOCK
        for block in np.unique(blocks):
            members = rows[slice(*np.searchsorted(blocks, [block, block + 1]))]
            z = self._generator(2, int(block)).standard_normal((BLOCK, self.inner))
            yield members, z[members - block * BLOCK]

    @cached_property
    def _numbers(self) -> Array:
        """How many z each node stands for, shape (outer, NODES)."""
        numbers = np.empty((self.outer, NODES))
        for rows, z in self.draws(np.arange(self.outer)):
            numbers[rows] = gather(z)
        return numbers

    def chunks(self) -> Iterator[tuple[Array, Array, Array]]:
        """Rows of the outer sample, nodes z of shape (nodes,), numbers of shape (rows, nodes)."""
        z = np.linspace(-REACH, REACH, NODES)
        step = max(1, self.chunk // NODES)
        for first in range(0, self.outer, step):
            rows = np.arange(first, min(first + step, self.outer))
            yield rows, z, self._numbers[rows]


def gather(z: Array) -> Array:
    """How many of the z each node stands for.

    Parameters
    ----------
    z : array, shape (rows, inner)
        Standard normal numbers.

    Returns
    -------
    array, shape (rows, NODES)
        Weights n with sum_k n_k f(z_k) = sum_z f(z) for cubic f in each row.
    """
    rows = len(z)
    t = (z + REACH) * ((NODES - 1) / (2 * REACH))
    cell = np.clip(t.astype(np.int64), 1, NODES - 3)
    t -= cell
    cell += NODES * np.arange(rows)[:, None]
    index, powers, power = cell.ravel(), [], np.ones_like(t)
    for _ in range(4):
        sums = np.bincount(index, weights=power.ravel(), minlength=rows * NODES)
        powers.append(sums.reshape(rows, NODES))
        power *= t
    zeroth, first, second, third = powers  # sums of t^k in each cell
    cubic = (  # Lagrange polynomials in t for the nodes -1, 0, 1, 2
        (-third + 3 * second - 2 * first) / 6,
        (third - 2 * second - first + 2 * zeroth) / 2,
        (-third + second + 2 * first) / 2,
        (third - first) / 6,
    )
    return sum(np.roll(numbers, k - 1, axis=1) for k, numbers in enumerate(cubic))


def sample_averages(sample: FrozenSample, model: Model, order: OrderParameters) -> SampleAverages:
    """Averages with fields over a frozen sample, at one point.

    Parameters
    ----------
    sample : FrozenSample
        The draws.
    model : Model
        With plain numbers ``g`` and ``temperature``.
    order : OrderParameters
        Plain numbers, 0 <= Q, s2 > 0 and Q Q^ >= (g gamma R')^2; G and R' are those of the weight.

    Raises
    ------
    DomainError
        If the weight does not exist at these order parameters.
    """
    g2 = model.g**2
    s2, along, across = widths(model, order)
    rho = g2 * model.gamma * order.G
    scale = 1 / np.sqrt(1 / s2 + 2 * model.confinement)
    u, v = sample.uv
    h = model.g * np.sqrt(order.Q) * v
    linear = along * v + across * u - rho * h / s2  # coefficient of phi
    tilt = h * scale / s2  # coefficient of z
    mixed = rho * scale / s2
    quadratic = order.qhat - order.Qhat / 2 - rho**2 / (2 * s2)

    log_sum = np.empty(sample.outer)
    moments = np.empty((5, sample.outer))
    negative = np.ones(sample.outer)  # share of the negative weights of the interpolation

    def add(rows: Array, z: Array, numbers: Array | float) -> None:
        phi = model.phi(scale * z)
        exponent = linear[rows, None] * phi
        exponent += (quadratic * phi + mixed * z) * phi
        exponent += tilt[rows, None] * z
        peak = exponent.max(axis=1)
        exponent -= peak[:, None]
        weight = np.exp(exponent, out=exponent)
        weight *= numbers
        total = weight.sum(axis=1)
        positive = np.maximum(np.maximum(weight, 0).sum(axis=1), np.finfo(float).tiny)
        negative[rows] = 1 - total / positive
        total = np.where(negative[rows] < LARGEST_NEGATIVE, total, positive)
        log_sum[rows] = peak + np.log(total / sample.inner)
        for moment, function in zip(moments, (phi, z, z * z, z * phi, phi * phi), strict=True):
            moment[rows] = np.vecdot(weight, function) / total

    if sample.gathered:
        for rows, z, numbers in sample.chunks():
            add(rows, z, numbers)
    for rows, z in sample.draws(np.flatnonzero(negative > LARGEST_NEGATIVE)):
        add(rows, z, 1.0)

    phi, x, xx, xphi, phiphi = moments
    x *= scale
    xx *= scale**2
    xphi *= scale
    y = x - rho * phi
    square_x, square_phi = float(xx.mean()), float(phiphi.mean())
    y_square = float(np.mean(xx - 2 * rho * xphi + rho**2 * phiphi))
    y_phi = float(np.mean(xphi - rho * phiphi))
    disconnected = float(np.mean(y**2))
    y_times_phi = float(np.mean(y * phi))
    phi_times_phi = float(np.mean(phi**2))

    a2 = g2 * order.Q / s2
    kappa = g2 * model.gamma * order.Rp
    with_h = a2 * (y_square - disconnected) + kappa * (y_phi - y_times_phi)  # E h<y>
    subtracted = g2 * order.Q - 2 * with_h
    excess = (y_square + subtracted) / s2**2 - 1 / s2
    image = OrderParameters(
        q=square_phi,
        Q=phi_times_phi,
        qhat=0.5 * g2 * excess,
        Qhat=g2 * (disconnected + subtracted) / s2**2,
        G=(y_phi - y_times_phi) / s2,
        Rp=(y_times_phi - a2 * (y_phi - y_times_phi) - kappa * (square_phi - phi_times_phi)) / s2,
    )
    log_weight = float(np.mean(log_sum)) + 0.5 * np.log(scale**2 / s2) - a2 / 2
    return SampleAverages(image, log_weight, square_x, excess)


def exact_averages(model: Model, order: OrderParameters) -> Averages:
    """Averages by quadrature, at one point; raises `DomainError` as `site_averages` does."""
    if order.Q != 0 or order.Qhat != 0:
        return site_averages(model, order, Quadrature())
    if not model.temperature + model.g**2 * order.q > 0:
        raise DomainError(f"q = {order.q:.3g} at T = {model.temperature:.3g}: s2 > 0 is needed")
    point = replace(model, g=np.array([model.g]), temperature=np.array([model.temperature]))
    start = (np.array([value]) for value in (order.q, order.qhat, order.G))
    found = centred_averages(point, *start, Quadrature())
    return SampleAverages(
        OrderParameters(*map(float, found.order.array()[:, 0])),
        float(found.log_weight[0]),
        float(found.mean_square_x[0]),
        float(found.excess[0]),
    )


@dataclass(frozen=True)
class Iterate:
    """Order parameters of one step, and the lagged responses of the weight."""

    order: OrderParameters
    G: float = 0.0
    Rp: float = 0.0

    @property
    def weight(self) -> OrderParameters:
        """Order parameters of the weight."""
        return replace(self.order, G=self.G, Rp=self.Rp)


@dataclass(frozen=True)
class Attempt:
    """An iteration from one start.

    Attributes
    ----------
    last : Iterate
        The last one that was put into the right-hand sides.
    averages : SampleAverages, SiteAverages or None
        There; None if it is outside the domain.
    change : float
        By the last step, in natural units.
    clipped : int
        How many order parameters were clipped.
    path : array, shape (iterations, 2)
        q and Q of all iterates.
    status : Status
        ``CONVERGED`` if the stopping rule ended it, ``NOT_CONVERGED`` at the limit of iterations,
        ``UNPHYSICAL`` if it left the domain.
    """

    last: Iterate
    averages: Averages | None
    change: float
    clipped: int
    path: Array
    status: Status


def advance(old: Iterate, image: OrderParameters, damping: float) -> Iterate:
    """One damped step; the lagged responses follow the old ones."""
    mixed = damping * old.order.array() + (1 - damping) * image.array()
    return Iterate(
        OrderParameters(*map(float, mixed)),
        damping * old.G + (1 - damping) * old.order.G,
        damping * old.Rp + (1 - damping) * old.order.Rp,
    )


def clip(iterate: Iterate, g: float, gamma: float) -> tuple[Iterate, int]:
    """Bring an iterate back into the domain; it and the number of values that were changed."""
    negative = [name for name in ("Q", "Qhat") if getattr(iterate.order, name) < 0]
    order = replace(iterate.order, **dict.fromkeys(negative, CLIPPED))
    bound = order.Q * order.Qhat
    if (g * gamma * iterate.Rp) ** 2 > bound:
        Rp = float(np.sqrt(CLIPPED_FRACTION * bound)) / (g * gamma)
        return Iterate(order, iterate.G, Rp), len(negative) + 1
    return replace(iterate, order=order), len(negative)


def stops(old: OrderParameters, new: OrderParameters, root: float, damping: float) -> bool:
    """Whether the changes of (q, Q, r, R) are small; ``root`` is sqrt(T)."""
    before, after = (
        np.array([order.q, order.Q, (order.G + order.Rp) * root, order.Rp * root])
        for order in (old, new)
    )
    change = np.abs(after - before)
    share = 1 - damping
    # As change/new < limit, with the sign of new: a negative value always passes.
    relative = (change < SMALL_RELATIVE_CHANGE * share * after) | (after < 0)
    return bool(np.all(change < SMALL_CHANGE * share) or np.all(relative))


def iterate(
    model: Model, start: Iterate, right_hand_sides: RightHandSides, spec: ProtocolSpec
) -> Attempt:
    """Iterate from one start at one point; the settings are those of the spec."""
    schedule = sorted(spec.damping)
    current, clipped, change, averages = start, 0, np.nan, None
    path = []
    for step in range(spec.iterations):
        path.append((current.order.q, current.order.Q))
        damping = next(value for first, value in reversed(schedule) if first <= step)
        try:
            averages = right_hand_sides(model, current.weight)
        except DomainError:
            return Attempt(current, None, change, clipped, np.array(path), Status.UNPHYSICAL)
        image = averages.order
        if not spec.fields:
            image = replace(image, Q=0.0, Qhat=0.0, Rp=0.0)
        new = advance(current, image, damping)
        change = float(current.order.distance(new.order))
        if not np.isfinite(change):
            return Attempt(current, None, change, clipped, np.array(path), Status.UNPHYSICAL)
        if (
            spec.stopping
            and step >= FIRST_STOP
            and stops(current.order, new.order, np.sqrt(model.temperature), damping)
        ):
            return Attempt(current, averages, change, clipped, np.array(path), Status.CONVERGED)
        if step + 1 < spec.iterations:
            current = new
            if spec.clipping:
                current, count = clip(new, model.g, model.gamma)
                clipped += count
    return Attempt(current, averages, change, clipped, np.array(path), Status.NOT_CONVERGED)


def cold_start(spec: ProtocolSpec, temperature: float, rng: np.random.Generator) -> Iterate:
    """Start of a sweep: Q, r and R random unless Q is given, everything conjugate 0."""
    if not spec.fields:
        return Iterate(OrderParameters(spec.q, 0.0, 0.0, 0.0, 0.0, 0.0))
    if spec.Q is not None:
        return Iterate(OrderParameters(spec.q, spec.Q, 0.0, 0.0, 0.0, 0.0))
    share, r, ratio = rng.random(3)
    response = r / np.sqrt(temperature)
    Rp = ratio * response
    return Iterate(OrderParameters(spec.q, share * spec.q, 0.0, 0.0, response - Rp, Rp))


def warm_start(order: OrderParameters) -> Iterate:
    """Start from the solution at another point: everything conjugate 0."""
    return Iterate(replace(order, qhat=0.0, Qhat=0.0))


def exact_residual(model: Model, order: OrderParameters) -> float:
    """Distance from the exact right-hand sides; NaN outside their domain."""
    try:
        return float(order.distance(exact_averages(model, order).order))
    except DomainError:
        return np.nan


def _point(model: Model, attempt: Attempt) -> dict[str, float]:
    """Observables at the last iterate."""
    root = np.sqrt(model.temperature)
    order, averages = attempt.last.order, attempt.averages
    s2 = model.temperature + model.g**2 * (order.q - order.Q)
    rho = model.g**2 * model.gamma * attempt.last.G
    image = averages.order
    return vars(order) | {
        "r": (order.G + order.Rp) * root,
        "R": order.Rp * root,
        "r_minus_R": order.G * root,
        "energy": energy(model, averages),
        "mean_square_x": averages.mean_square_x,
        "covariance_x_phi": image.G * s2 + rho * (image.q - image.Q),  # <x; phi> of the averages
        "free_energy": free_energy(model, order, averages),
        "residual": attempt.change,
        "exact_residual": exact_residual(model, order),
    }


def _starts(
    spec: ProtocolSpec, model: Model, before: OrderParameters | None, rng: np.random.Generator
) -> Iterator[Iterate]:
    """The point before if there is one, then cold starts: one if nothing in it is random."""
    if before is not None:
        yield warm_start(before)
    yield cold_start(spec, model.temperature, rng)
    while spec.fields and spec.Q is None:
        yield cold_start(spec, model.temperature, rng)


def _sweep(
    spec: ProtocolSpec, models: list[Model], sample: FrozenSample, rng: np.random.Generator
) -> Iterator[tuple[Attempt, int]]:
    """Last attempt and number of attempts at each point, each starting from the one before."""
    exact = spec.averages == "quadrature"
    right_hand_sides = exact_averages if exact else partial(sample_averages, sample)
    before = None
    for model in models:
        attempts = 0
        for start in islice(_starts(spec, model, before, rng), spec.attempts):
            attempts += 1
            attempt = iterate(model, start, right_hand_sides, spec)
            if attempt.status is not Status.UNPHYSICAL:
                break
        yield attempt, attempts
        before = attempt.last.order if attempt.status is not Status.UNPHYSICAL else None


def run(spec: ProtocolSpec) -> xr.Dataset:
    """Iterate at all points of a spec, with each of its frozen samples.

    Returns
    -------
    xarray.Dataset
        Order parameters, observables, counts and status over (g, temperature, sample), NaN where no
        attempt stayed in the domain; q and Q over (g, temperature, sample, iteration) in single
        precision, iteration 0 the start, NaN after the end.  All dimensionless.  ``status`` tells
        how the iteration ended; how far the result is from a solution tells ``exact_residual``.
    """
    phi = transfer_function(spec.transfer).phi
    shape = (len(spec.g), len(spec.temperatures), spec.samples)
    data = {name: np.full(shape, np.nan) for name in LONG_NAMES}
    data |= {name: np.zeros(shape, dtype=np.int32) for name in COUNTS}
    status = np.zeros(shape, dtype=np.int8)
    paths = {}
    sweeps = np.arange(shape[0] * shape[1]).reshape(shape[:2])
    progress = Progress(spec.key, "points", status.size)
    for number in range(spec.samples):
        sample = FrozenSample(spec.entropy, number, spec.outer, spec.inner)
        rng = sample.starts()
        for line in sweeps.T if spec.sweep == "g" else sweeps[:, ::-1]:
            points = [divmod(int(point), shape[1]) for point in line]
            models = [
                Model(spec.gamma, spec.g[i], spec.temperatures[j], phi, spec.eta) for i, j in points
            ]
            results = _sweep(spec, models, sample, rng)
            for (i, j), model, (attempt, attempts) in zip(points, models, results, strict=True):
                at = i, j, number
                paths[at] = attempt.path
                status[at] = attempt.status.code
                values = {
                    "iterations": len(attempt.path),
                    "attempts": attempts,
                    "clipped": attempt.clipped,
                    "stopped": attempt.status is Status.CONVERGED,
                }
                if attempt.status is not Status.UNPHYSICAL:
                    values |= _point(model, attempt)
                for name, value in values.items():
                    data[name][at] = value
                progress.advance()

    longest = max(map(len, paths.values()))
    path = np.full((2, *shape, longest), np.nan, dtype=np.float32)
    for at, values in paths.items():
        path[(slice(None), *at, slice(len(values)))] = values.T
    dims = ("g", "temperature", "sample")
    variables = {
        name: (dims, data[name], {"long_name": long_name, "units": "1"})
        for name, long_name in LONG_NAMES.items()
    }
    for name, values in zip(("q", "Q"), path, strict=True):
        attributes = {"long_name": f"{name} during the iteration", "units": "1"}
        variables[f"{name}_path"] = ((*dims, "iteration"), values, attributes)
    variables["status"] = (dims, status, STATUS_ATTRIBUTES)
    coordinates = {
        "g": (np.array(spec.g), "gain g"),
        "temperature": (np.array(spec.temperatures), "temperature T = 1/beta"),
        "sample": (np.arange(spec.samples), "frozen sample"),
        "iteration": (np.arange(longest), "iteration, 0 the start"),
    }
    return xr.Dataset(
        variables,
        coords={
            name: (name, values, {"long_name": long_name, "units": "1"})
            for name, (values, long_name) in coordinates.items()
        },
    )
