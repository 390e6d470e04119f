"""Monte Carlo of the annealed measure at finite N: no saddle point, no quadrature.

At given x the vector J phi(x) is Gaussian with mean 0 and covariance g^2 (q_x 1 + gamma phi phi^T
/N), q_x = phi.phi/N. Hence E_J exp(-E(x)/T), a Gaussian average of exp(-|x - J phi|^2/(2T)), is
exact at any N. With s2 = T + g^2 q_x, D = s2 + g^2 gamma q_x and m = x.phi/N,

    ln p(x) = -((N - 1)/2) ln s2 - (1/2) ln D - x.x/(2 s2) + N g^2 gamma m^2/(2 s2 D) + const.

This is the distribution of x under the joint measure P(J) exp(-E/T) of couplings and activities.
There J phi, given x, is the posterior of a Gaussian vector, so that r = x - J phi has

    mean T Sigma^-1 x,    covariance T 1 - T^2 Sigma^-1,    Sigma = s2 1 + g^2 gamma phi phi^T/N,

and with the response G = m/D (then Sigma^-1 x = (x - g^2 gamma G phi)/s2 = w/s2)

    r.phi/(N T) -> G,    E/N -> (T/2)[1 + (T/N)(w.w/s2^2 - (N - 1)/s2 - 1/D)].

The means over x of q_x, x.x/N, G and E/N tend to q, <x^2>, G and E/N of the branch Q = 0 as
N -> infinity, with a shift of order 1/N.

Sampling. At given s2 and m the units are nearly independent: short Hamiltonian paths with a step
of about sqrt(s2), 3 to 9 steps long, serve all units. What is slow is the common scale of x: s2
follows q_x, so that small x stay small (at low temperature, in the valley about x = 0), and near
the transition the scale is almost free. Therefore each path is followed by moves x -> e^d x with d
normal, accepted with probability min(1, e^{N d} p(e^d x)/p(x)); N d is the Jacobian. Both
step sizes are tuned by dual averaging during the warm-up and then frozen. Half of the chains start
in the valley, x ~ N(0, T), the other half at x ~ N(0, 1).

Everything is dimensionless.

References
----------
R. M. Neal, MCMC using Hamiltonian dynamics, arXiv:1206.1901.
docs/theory.md, sections 1 to 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..diagnostics import Summary, summarise
from ..langevin.tuning import DualAveraging
from ..progress import Progress
from ..specs import AnnealedSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import TransferFunction, transfer_function

Array = np.ndarray

STEPS = (3, 9)  # shortest and longest path
SCALINGS = 2  # moves of the common scale after each path
PATH_ACCEPTANCE = 0.8
SCALING_ACCEPTANCE = 0.44  # the optimum of a random walk in one dimension
FIRST_STEP = 0.3  # of both kinds, that of the paths in units of sqrt(s2)

OBSERVABLES = {
    "q": "self-overlap of the rates, mean of phi^2",
    "mean_square_x": "mean of x^2",
    "G": "response, mean of r phi/T",
    "energy": "quasi-potential per unit E/N",
}
STATISTICS = {
    "mean": "mean over the draws",
    "mcse": "Monte Carlo standard error of the mean",
    "ess": "bulk effective sample size",
    "rhat": "rank-normalised split R-hat",
}


@dataclass(frozen=True)
class Collective:
    """What the density needs to know of x, arrays of shape (K,)."""

    q: Array
    square: Array  # x.x/N
    m: Array  # x.phi/N
    s2: Array
    D: Array

    @property
    def G(self) -> Array:
        """The response at given x."""
        return self.m / self.D


@dataclass(frozen=True)
class Measure:
    """The annealed measure; ``g`` and ``temperature`` of shape (K,), one for each row of x."""

    gamma: float
    g: Array
    temperature: Array
    transfer: TransferFunction

    def collective(self, x: Array, phi: Array) -> Collective:
        """Sums over the units of x, shape (K, N), and phi(x)."""
        N = x.shape[1]
        q, square, m = (np.einsum("kn,kn->k", *pair) / N for pair in ((phi, phi), (x, x), (x, phi)))
        spread = self.g**2 * q
        s2 = self.temperature + spread
        return Collective(q, square, m, s2, s2 + self.gamma * spread)

    def log_density(self, x: Array) -> Array:
        """ln p up to a constant, shape (K,), of x, shape (K, N)."""
        N = x.shape[1]
        c = self.collective(x, self.transfer.phi(x))
        pull = self.g**2 * self.gamma * c.m * c.G
        return -0.5 * ((N - 1) * np.log(c.s2) + np.log(c.D) + N * (c.square - pull) / c.s2)

    def gradient(self, x: Array) -> Array:
        """Gradient of ln p, shape (K, N)."""
        N = x.shape[1]
        g2, gamma = self.g**2, self.gamma
        phi = self.transfer.phi(x)
        c = self.collective(x, phi)
        rho = g2 * gamma * c.G
        pull = N * rho * c.m / c.s2
        excess = N - 1 - N * c.square / c.s2 + pull
        by_q = -0.5 * g2 * (excess / c.s2 + (1 + gamma) * (1 + pull) / c.D)
        slope = self.transfer.derivative(x)
        along_slope = (rho / c.s2)[:, None] * x + (2 * by_q / N)[:, None] * phi
        return (rho[:, None] * phi - x) / c.s2[:, None] + along_slope * slope

    def observables(self, x: Array) -> dict[str, Array]:
        """Means at given x over the units and over r, by name, each of shape (K,)."""
        N, T = x.shape[1], self.temperature
        c = self.collective(x, self.transfer.phi(x))
        rho = self.g**2 * self.gamma * c.G
        w_square = c.square - 2 * rho * c.m + rho**2 * c.q
        excess = w_square / c.s2**2 - (N - 1) / (N * c.s2) - 1 / (N * c.D)
        return {
            "q": c.q,
            "mean_square_x": c.square,
            "G": c.G,
            "energy": 0.5 * T * (1 + T * excess),
        }


@dataclass(frozen=True)
class Move:
    """States x (K, N) after a move and its acceptance probabilities (K,)."""

    x: Array
    acceptance: Array


def _decide(x: Array, proposal: Array, log_ratio: Array, rng: np.random.Generator) -> Move:
    acceptance = np.exp(np.minimum(0.0, log_ratio))
    accepted = rng.random(len(x)) < acceptance
    return Move(np.where(accepted[:, None], proposal, x), acceptance)


def path(x: Array, measure: Measure, step: Array, rng: np.random.Generator) -> Move:
    """One Hamiltonian path of each row of x (K, N); ``step`` has shape (K,)."""
    h = step[:, None]
    p = rng.standard_normal(x.shape)
    before = measure.log_density(x) - 0.5 * np.einsum("kn,kn->k", p, p)
    steps = int(rng.integers(STEPS[0], STEPS[1] + 1))
    end = x.copy()
    p += 0.5 * h * measure.gradient(end)
    for _ in range(steps - 1):
        end += h * p
        p += h * measure.gradient(end)
    end += h * p
    p += 0.5 * h * measure.gradient(end)
    after = measure.log_density(end) - 0.5 * np.einsum("kn,kn->k", p, p)
    return _decide(x, end, after - before, rng)


def scaling(x: Array, measure: Measure, step: Array, rng: np.random.Generator) -> Move:
    """One move x -> e^d x of each row of x (K, N), d ~ N(0, step^2); ``step`` has shape (K,)."""
    d = step * rng.standard_normal(len(x))
    proposal = np.exp(d)[:, None] * x
    log_ratio = measure.log_density(proposal) - measure.log_density(x) + x.shape[1] * d
    return _decide(x, proposal, log_ratio, rng)


@dataclass(frozen=True)
class Sample:
    """Draws of the observables by name, (point, chain, draw), last states x, (point, chain, N),
    and mean acceptances, (point,)."""

    draws: dict[str, Array]
    x: Array
    path_acceptance: Array
    scaling_acceptance: Array


def sample(spec: AnnealedSpec) -> Sample:
    """Draw from the measure of a spec; the points are (g, temperature) in C order."""
    g, temperature = (
        values.ravel() for values in np.meshgrid(spec.g, spec.temperatures, indexing="ij")
    )
    points = g.size
    measure = Measure(
        spec.gamma,
        np.repeat(g, spec.chains),
        np.repeat(temperature, spec.chains),
        transfer_function(spec.transfer),
    )
    start_rng, rng = map(np.random.default_rng, np.random.SeedSequence(spec.entropy).spawn(2))
    valley = np.tile(np.arange(spec.chains) < spec.chains // 2, points)
    width = np.where(valley, np.sqrt(measure.temperature), 1.0)
    x = width[:, None] * start_rng.standard_normal((points * spec.chains, spec.N))

    def by_point(values: Array) -> Array:
        return values.reshape(points, spec.chains).mean(axis=1)

    def scale() -> Array:
        return np.sqrt(by_point(measure.collective(x, measure.transfer.phi(x)).s2))

    def sweep(x: Array, steps: list[Array]) -> list[Move]:
        path_step, scaling_step = (np.repeat(step, spec.chains) for step in steps)
        moves = [path(x, measure, path_step, rng)]
        for _ in range(SCALINGS):
            moves.append(scaling(moves[-1].x, measure, scaling_step, rng))
        return moves

    def acceptances(moves: list[Move]) -> list[Array]:
        scalings = sum(move.acceptance for move in moves[1:]) / SCALINGS
        return [by_point(moves[0].acceptance), by_point(scalings)]

    progress = Progress(spec.key, "transitions", spec.warmup + spec.draws, note="warm-up")
    for index in progress.over(range(spec.warmup)):
        if index in (0, spec.warmup // 2):  # what suited the start says little about the rest
            steps = [FIRST_STEP * scale(), np.full(points, FIRST_STEP)]
            tuners = [
                DualAveraging(step, target)
                for step, target in zip(steps, (PATH_ACCEPTANCE, SCALING_ACCEPTANCE), strict=True)
            ]
        moves = sweep(x, steps)
        x = moves[-1].x
        steps = [tuner.update(rate) for tuner, rate in zip(tuners, acceptances(moves), strict=True)]
    steps = [tuner.average for tuner in tuners]

    draws = {name: np.empty((points * spec.chains, spec.draws)) for name in OBSERVABLES}
    rates = np.zeros((2, points))
    progress.note = "draws"
    for index in progress.over(range(spec.draws)):
        moves = sweep(x, steps)
        x = moves[-1].x
        rates += np.array(acceptances(moves)) / spec.draws
        for name, values in measure.observables(x).items():
            draws[name][:, index] = values
    shape = (points, spec.chains, spec.draws)
    by_chain = {name: values.reshape(shape) for name, values in draws.items()}
    return Sample(by_chain, x.reshape(points, spec.chains, spec.N), *rates)


def judge(spec: AnnealedSpec, summaries: Iterable[Summary]) -> Status:
    """Status of one point from the summaries of its observables."""
    good = all(s.ess >= spec.ess_limit and s.rhat <= spec.rhat_limit for s in summaries)
    return Status.CONVERGED if good else Status.NOT_EQUILIBRATED


def run(spec: AnnealedSpec) -> xr.Dataset:
    """Sample the grid of a spec.

    Returns
    -------
    xarray.Dataset
        Over (g, temperature), all dimensionless: the mean of each observable and its ``_mcse``,
        ``_ess`` and ``_rhat``; the acceptances; and ``status``, NOT_EQUILIBRATED where an R-hat
        exceeds ``rhat_limit`` (or does not exist) or an effective sample size is below
        ``ess_limit``.
    """
    result = sample(spec)
    dims, shape = ("g", "temperature"), (len(spec.g), len(spec.temperatures))
    variables = {}
    summaries = {name: [summarise(draws) for draws in result.draws[name]] for name in OBSERVABLES}
    for name, text in OBSERVABLES.items():
        for statistic, description in STATISTICS.items():
            values = np.reshape([getattr(summary, statistic) for summary in summaries[name]], shape)
            label = name if statistic == "mean" else f"{name}_{statistic}"
            attributes = {"long_name": f"{text}: {description}", "units": "1"}
            variables[label] = (dims, values, attributes)
    for name, rate in (
        ("acceptance", result.path_acceptance),
        ("scaling_acceptance", result.scaling_acceptance),
    ):
        text = "moves of the common scale" if name == "scaling_acceptance" else "Hamiltonian paths"
        attributes = {"long_name": f"mean acceptance probability of {text}", "units": "1"}
        variables[name] = (dims, rate.reshape(shape), attributes)
    codes = [judge(spec, point).code for point in zip(*summaries.values(), strict=True)]
    variables["status"] = (dims, np.reshape(codes, shape).astype(np.int8), STATUS_ATTRIBUTES)
    return xr.Dataset(
        variables,
        coords={
            "g": ("g", np.array(spec.g), {"long_name": "gain g", "units": "1"}),
            "temperature": (
                "temperature",
                np.array(spec.temperatures),
                {"long_name": "temperature T = 1/beta", "units": "1"},
            ),
        },
    )
