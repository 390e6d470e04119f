r"""Sampling the Boltzmann measure P(x) ~ exp(-E(x)/T) of one network.

All chains at all temperatures are the columns of one batch x (N, K), so that a step costs two
matrix products.  Column k = temperature index * chains + chain.

Euler-Maruyama (algorithm ``euler-maruyama``), with a bias of first order in the step h:

    x <- x - h grad E + sqrt(2 T h) xi.

Hamiltonian Monte Carlo (algorithm ``hmc``), without bias: momenta p ~ N(0, T M), H = E + p.v/2
with the velocity v = M^-1 p, leapfrog steps

    p <- p - (h/2) grad E,    x <- x + h v,    p <- p - (h/2) grad E,

and acceptance with probability min(1, exp(-dH/T)).  The number of steps is drawn anew for each
path, uniform in [0.5, 1.5] times its mean and common to the batch.  Any mass matrix M leaves the
measure as it is.  The Hessian of E is near (1 - J phi')^T (1 - J phi'); with the mean slope m in
the place of phi', and a floor c for its soft directions,

    M = (1 - m J)^T (1 - m J) + (c + 2 eta) 1,    m = 1/max(1, g (1 + gamma)),    c = 0.03:

above the transition the slope saturates to about the value at which 1 - m J turns singular.  With
these momenta one step suits every temperature.  It is tuned per temperature by dual averaging
during the warm-up and then frozen.

Half of the chains start at the origin, the other half at x_i ~ N(0, 1).  Every chain starts at the
temperature ``hottest`` and is cooled geometrically to its own during the first half of the warm-up.

With a and b independent chains at one temperature, one of each kind of start, the observables are

    energy = E/N, q = phi.phi/N, mean_square_x = x.x/N, x_phi = x.phi/N,
    response_diagonal = r.phi/(N T)           (G_d, the response of phi to a field on its own r)
    overlap = phi^a.phi^b/N                   (Q; its sign is symmetric, hence overlap_absolute)
    response_cross = r^a.phi^b/(N T)          (Rp, averaged over the two orders)
    response = response_diagonal - response_cross        (G, connected)
    covariance_x_phi = x_phi - x^a.phi^b/N    (connected, averaged over the two orders)

Everything is dimensionless.

References
----------
R. M. Neal, MCMC using Hamiltonian dynamics, arXiv:1206.1901.
M. D. Hoffman and A. Gelman, J. Mach. Learn. Res. 15, 1593 (2014), section 3.2 (dual averaging).
J. Qiu and H. Huang, arXiv:2401.10009, section III; docs/theory.md, sections 1, 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import xarray as xr

from . import potential
from .diagnostics import summarise
from .specs import LangevinSpec
from .status import STATUS_ATTRIBUTES, Status
from .transfer import TransferFunction, transfer_function

CHAIN_OBSERVABLES = {
    "energy": "energy per unit, E/N",
    "q": "self-overlap of the rates, mean of phi^2",
    "mean_square_x": "mean of x^2",
    "x_phi": "mean of x phi",
    "response_diagonal": "response G_d, mean of r phi/T",
}
PAIR_OBSERVABLES = {
    "overlap": "overlap of the rates of two chains, mean of phi^a phi^b",
    "overlap_absolute": "absolute overlap of the rates of two chains",
    "response_cross": "response Rp between two chains, mean of r^a phi^b/T",
    "response": "connected response G = G_d - Rp",
    "covariance_x_phi": "connected covariance of x and phi",
}
STATISTICS = {
    "mean": "mean over the draws",
    "mcse": "Monte Carlo standard error of the mean",
    "ess": "bulk effective sample size",
    "rhat": "rank-normalised split R-hat",
}
LONG_NAMES = {
    "temperature": "temperature T = 1/beta",
    "chain": "index of the chain",
    "pair": "index of the pair of chains (pair, pair + chains/2)",
    "draw": "index of the draw",
    "start": "start of the chain: 0 the origin, 1 random",
    "step_size": "step of the integrator after warm-up",
    "acceptance": "mean acceptance probability after warm-up",
}


@dataclass(frozen=True)
class Landscape:
    """The quasi-potential of one network: couplings J (N, N), transfer function and eta."""

    J: np.ndarray
    transfer: TransferFunction
    eta: float = 0.0

    def energy(self, x: np.ndarray) -> np.ndarray:
        """Energies E of the columns of x (N, K), shape (K,)."""
        return potential.energy(x, self.J, self.transfer, self.eta)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Gradients of E at the columns of x (N, K), shape (N, K)."""
        return potential.gradient(x, self.J, self.transfer, self.eta)


@dataclass(frozen=True)
class Mass:
    """Mass matrix M of the momenta: its Cholesky factor and its inverse, both of shape (N, N)."""

    factor: np.ndarray
    inverse: np.ndarray


@dataclass(frozen=True)
class Move:
    """States x (N, K) after a transition and its acceptance probabilities (K,).

    Euler-Maruyama has no acceptance step: NaN.
    """

    x: np.ndarray
    acceptance: np.ndarray


@dataclass
class DualAveraging:
    """Steps, shape (T,), that lead to the target acceptance (Hoffman & Gelman, equation 6).

    The constants are theirs but for ``gain`` (their 1/gamma = 20): an acceptance averaged over
    chains carries less noise than one of a single chain, and a start near the answer wants small
    excursions.
    """

    start: np.ndarray
    target: float
    gain: float = 5.0
    offset: float = 10.0
    exponent: float = 0.75
    count: int = 0
    error: np.ndarray = field(init=False)
    log_average: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.error = np.zeros_like(self.start)
        self.log_average = np.log(self.start)

    def update(self, acceptance: np.ndarray) -> np.ndarray:
        """Steps to try next, after the acceptance (T,) of the last ones."""
        self.count += 1
        self.error += (self.target - acceptance - self.error) / (self.count + self.offset)
        log_step = np.log(self.start) - self.gain * np.sqrt(self.count) * self.error
        self.log_average += self.count**-self.exponent * (log_step - self.log_average)
        return np.exp(log_step)

    @property
    def average(self) -> np.ndarray:
        """Averaged steps, to be used after the warm-up."""
        return np.exp(self.log_average)


def mass(landscape: Landscape, slope: float, floor: float) -> Mass:
    """Mass matrix for the mean slope m of the transfer function; ``floor`` is added to it."""
    identity = np.eye(len(landscape.J))
    A = identity - slope * landscape.J
    M = A.T @ A + (floor + 2.0 * landscape.eta) * identity
    return Mass(factor=np.linalg.cholesky(M), inverse=np.linalg.inv(M))


def euler_maruyama(
    x: np.ndarray,
    landscape: Landscape,
    temperature: np.ndarray,
    step: np.ndarray,
    length: float,
    rng: np.random.Generator,
) -> Move:
    """Langevin dynamics of the columns of x (N, K) over the time ``length``.

    Parameters
    ----------
    x : ndarray, shape (N, K)
    landscape : Landscape
    temperature, step : ndarray, shape (K,)
        The step is the same in all columns.
    length : float
        Rounded to a whole number of steps, at least one.
    rng : Generator
    """
    amplitude = np.sqrt(2.0 * temperature * step)
    x = x.copy()
    for _ in range(max(1, round(length / step[0]))):
        x -= step * landscape.gradient(x)
        x += amplitude * rng.standard_normal(x.shape)
    return Move(x, np.full(x.shape[1], np.nan))


def hmc(
    x: np.ndarray,
    landscape: Landscape,
    temperature: np.ndarray,
    step: np.ndarray,
    length: float,
    rng: np.random.Generator,
    mass: Mass,
) -> Move:
    """One Hamiltonian path for the columns of x (N, K), each accepted or refused on its own.

    Parameters
    ----------
    x : ndarray, shape (N, K)
    landscape : Landscape
    temperature, step : ndarray, shape (K,)
        They may differ between columns; the number of steps does not.
    length : float
        Mean length of a path, averaged over the columns too.
    rng : Generator
    mass : Mass
    """

    def hamiltonian(x: np.ndarray, p: np.ndarray) -> np.ndarray:
        return landscape.energy(x) + 0.5 * np.sum(p * (mass.inverse @ p), axis=0)

    p = np.sqrt(temperature) * (mass.factor @ rng.standard_normal(x.shape))
    steps = max(1, round(rng.uniform(0.5, 1.5) * length / step.mean()))
    before = hamiltonian(x, p)
    end = x.copy()
    p -= 0.5 * step * landscape.gradient(end)
    for _ in range(steps - 1):
        end += step * (mass.inverse @ p)
        p -= step * landscape.gradient(end)
    end += step * (mass.inverse @ p)
    p -= 0.5 * step * landscape.gradient(end)
    acceptance = np.exp(np.minimum(0.0, (before - hamiltonian(end, p)) / temperature))
    accepted = rng.random(x.shape[1]) < acceptance
    return Move(np.where(accepted, end, x), acceptance)


def observables(
    x: np.ndarray, landscape: Landscape, temperatures: np.ndarray, chains: int
) -> dict[str, np.ndarray]:
    """Observables of one draw, by name, shapes (temperature, chain) or (temperature, pair).

    Parameters
    ----------
    x : ndarray, shape (N, temperatures * chains)
    landscape : Landscape
    temperatures : ndarray, shape (T,)
    chains : int
        Chains per temperature; chain p and chain p + chains/2 make the pair p.
    """
    N = len(x)
    shape = (N, len(temperatures), chains)
    phi = landscape.transfer.phi(x)
    r = (x - landscape.J @ phi).reshape(shape)
    x, phi = x.reshape(shape), phi.reshape(shape)
    half = chains // 2

    def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.einsum("itc,itc->tc", left, right) / N

    def cross(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        one, other = left[..., :half], left[..., half:]
        return 0.5 * (product(one, right[..., half:]) + product(other, right[..., :half]))

    def over_pair(values: np.ndarray) -> np.ndarray:
        return 0.5 * (values[:, :half] + values[:, half:])

    T = temperatures[:, None]
    mean_square_x = product(x, x)
    x_phi = product(x, phi)
    response_diagonal = product(r, phi) / T
    overlap = cross(phi, phi)
    response_cross = cross(r, phi) / T
    return {
        "energy": 0.5 * product(r, r) + landscape.eta * mean_square_x,
        "q": product(phi, phi),
        "mean_square_x": mean_square_x,
        "x_phi": x_phi,
        "response_diagonal": response_diagonal,
        "overlap": overlap,
        "overlap_absolute": np.abs(overlap),
        "response_cross": response_cross,
        "response": over_pair(response_diagonal) - response_cross,
        "covariance_x_phi": over_pair(x_phi) - cross(x, phi),
    }


def sample(spec: LangevinSpec, landscape: Landscape) -> xr.Dataset:
    """Draws of the observables of a spec, with the step and the acceptance.

    The observables have dims (temperature, chain, draw) or (temperature, pair, draw).
    """
    temperatures = np.array(spec.temperatures)
    target = np.repeat(temperatures, spec.chains)
    N = len(landscape.J)
    start_rng, rng = map(np.random.default_rng, np.random.SeedSequence(spec.entropy).spawn(2))
    random_start = np.arange(spec.chains) >= spec.chains // 2
    x = start_rng.standard_normal((N, target.size)) * np.tile(random_start, len(temperatures))

    tuned = spec.algorithm == "hmc"
    transition: Callable[..., Move] = euler_maruyama
    if tuned:
        slope = 1.0 / max(1.0, spec.g * (1.0 + spec.couplings.gamma))
        transition = partial(hmc, mass=mass(landscape, slope, spec.mass_floor))

    def move(x: np.ndarray, temperature: np.ndarray, step: np.ndarray) -> Move:
        columns = np.repeat(step, spec.chains)
        return transition(x, landscape, temperature, columns, spec.path_length, rng)

    def by_temperature(values: np.ndarray) -> np.ndarray:
        return values.reshape(len(temperatures), spec.chains)

    initial = np.full(len(temperatures), spec.step)
    step, averaging = initial, DualAveraging(initial, spec.target_acceptance)
    cooling = spec.warmup // 2
    for index in range(spec.warmup):
        if index == cooling:  # what suited the cooling says little about the target
            step, averaging = initial, DualAveraging(initial, spec.target_acceptance)
        cooled = min(1.0, index / cooling)
        moved = move(x, spec.hottest ** (1.0 - cooled) * target**cooled, step)
        x = moved.x
        if tuned:
            step = averaging.update(by_temperature(moved.acceptance).mean(axis=1))
    if tuned:
        step = averaging.average

    draws = []
    acceptance = np.zeros((len(temperatures), spec.chains))
    for _ in range(spec.draws):
        moved = move(x, target, step)
        x = moved.x
        acceptance += by_temperature(moved.acceptance) / spec.draws
        draws.append(observables(x, landscape, temperatures, spec.chains))

    def series(name: str) -> np.ndarray:
        return np.stack([draw[name] for draw in draws], axis=-1)

    return xr.Dataset(
        {name: (("temperature", "chain", "draw"), series(name)) for name in CHAIN_OBSERVABLES}
        | {name: (("temperature", "pair", "draw"), series(name)) for name in PAIR_OBSERVABLES}
        | {
            "step_size": ("temperature", step),
            "acceptance": (("temperature", "chain"), acceptance),
            "start": ("chain", random_start.astype(np.int8)),
        },
        coords={
            "temperature": temperatures,
            "chain": np.arange(spec.chains),
            "pair": np.arange(spec.chains // 2),
            "draw": np.arange(spec.draws),
        },
    )


def run(spec: LangevinSpec, couplings: np.ndarray) -> xr.Dataset:
    """Sample the measure exp(-E/T) of a spec on one network.

    Parameters
    ----------
    spec : LangevinSpec
    couplings : ndarray, shape (N, N)
        J/g with dims (post, pre).

    Returns
    -------
    Dataset
        The draws of :func:`sample`; for each observable ``<name>_mean``, ``_mcse``, ``_ess`` and
        ``_rhat`` with dim ``temperature``; and ``status(temperature)``, which is NOT_EQUILIBRATED
        where R-hat of q, energy or overlap_absolute exceeds ``rhat_limit`` (or does not exist) or
        the effective sample size of q falls below ``ess_limit``.
    """
    landscape = Landscape(spec.g * couplings, transfer_function(spec.transfer), spec.eta)
    dataset = sample(spec, landscape)
    long_names = LONG_NAMES | CHAIN_OBSERVABLES | PAIR_OBSERVABLES
    for name, text in (CHAIN_OBSERVABLES | PAIR_OBSERVABLES).items():
        summaries = [summarise(draws) for draws in dataset[name].values]
        for statistic, description in STATISTICS.items():
            values = [getattr(summary, statistic) for summary in summaries]
            dataset[f"{name}_{statistic}"] = ("temperature", values)
            long_names[f"{name}_{statistic}"] = f"{text}: {description}"
    equilibrated = dataset["q_ess"].values >= spec.ess_limit
    for name in ("q", "energy", "overlap_absolute"):
        equilibrated &= dataset[f"{name}_rhat"].values <= spec.rhat_limit
    codes = np.where(equilibrated, Status.CONVERGED.code, Status.NOT_EQUILIBRATED.code)
    dataset["status"] = ("temperature", codes.astype(np.int8), STATUS_ATTRIBUTES)
    for name, text in long_names.items():
        dataset.variables[name].attrs.update(long_name=text, units="1")
    return dataset
