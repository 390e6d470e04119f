"""Specs: one frozen record per cached result.

A spec holds everything that a result depends on, physics and numerics alike.  From it come the key
(a label for people and a digest for truth), the path under ``results/`` and the random numbers.
Everything is dimensionless; the time unit is the time constant of the neurons, T = 1/beta.
"""

from __future__ import annotations

import hashlib
import json
import math
import operator
from abc import abstractmethod
from collections import Counter
from statistics import NormalDist
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

#: Raised when the layout of the files or the derivation of the random numbers changes.
FORMAT = 1
MAX_GRID = 10_000
#: Seconds of work below which a cluster job costs more than it does.
LEAST_WORK = 60.0
#: Units of a harmonic valley whose ladder has about as many rungs as rescaled swaps need next to
#: the transition, at gamma = 0, N = 100 and 200.
RESCALED_UNITS = 4
STAGES = ("couplings", "trajectories", "langevin", "batches", "dmft", "replica", "figures")


def canonical_float(value: float) -> float:
    """Round to 12 significant digits, so that 0.1 + 0.2 and 0.3 name the same result."""
    return float(f"{value:.12g}") + 0.0


def ordered_grid(values: tuple[float, ...]) -> tuple[float, ...]:
    """Values of a grid in rising order.

    Raises
    ------
    ValueError
        If there are none, too many, or a value stands twice.
    """
    if not values:
        raise ValueError("a grid must not be empty")
    if len(values) > MAX_GRID:
        raise ValueError(f"a grid holds at most {MAX_GRID} values")
    repeated = sorted(value for value, count in Counter(values).items() if count > 1)
    if repeated:
        raise ValueError(f"a grid must not repeat values, {repeated[0]:g} stands twice")
    return tuple(sorted(values))


def listed(value: object) -> object:
    """A single number as a grid of one."""
    return (value,) if isinstance(value, int | float) else value


Real = Annotated[float, AfterValidator(canonical_float)]
NonNegative = Annotated[float, Field(ge=0), AfterValidator(canonical_float)]
Positive = Annotated[float, Field(gt=0), AfterValidator(canonical_float)]
Asymmetry = Annotated[float, Field(ge=-1, le=1), AfterValidator(canonical_float)]
Ordered = (BeforeValidator(listed), AfterValidator(ordered_grid))
Grid = Annotated[tuple[NonNegative, ...], *Ordered]
AsymmetryGrid = Annotated[tuple[Asymmetry, ...], *Ordered]
PositiveGrid = Annotated[tuple[Positive, ...], *Ordered]
AboveOnsetGrid = Annotated[  # of the gain g at gamma = 0
    tuple[Annotated[Positive, Field(gt=1)], ...], *Ordered
]
BUILT_IN = ("tanh", "erf", "linear", "relu")


def known_transfer(name: str) -> str:
    """Name of a transfer function, with the digest of its source if it is a user's own.

    Raises
    ------
    ValueError
        As :func:`quasipotential.transfer.transfer_function`.
    """
    return name if name in BUILT_IN else _transfer(name).name


def sigmoidal(name: str) -> str:
    """The name, if its function is like tanh in what the theories use.

    Raises
    ------
    ValueError
        If it is not.
    """
    if name not in ("tanh", "erf") and not _transfer(name).is_sigmoidal:
        raise ValueError(
            "this theory needs an odd phi whose slope falls from 1 at the origin to 0 or more, "
            "with |phi| <= 1 (docs/howto-transfer.md says why, and how to rescale a phi)"
        )
    return name


def sigmoidal_or_linear(name: str) -> str:
    """As :func:`sigmoidal`, or ``linear``."""
    return name if name == "linear" else sigmoidal(name)


def odd(name: str) -> bool:
    """Whether a transfer function is odd."""
    return name in ("tanh", "erf", "linear") or (name != "relu" and _transfer(name).is_odd)


def sigmoidal_linear_or_not_odd(name: str) -> str:
    """As :func:`sigmoidal_or_linear`, or any that is not odd."""
    return sigmoidal_or_linear(name) if odd(name) else name


def _transfer(name: str):
    from .transfer import transfer_function  # only where one has to be looked at

    return transfer_function(name)


Transfer = Annotated[str, AfterValidator(known_transfer)]
Sigmoidal = Annotated[Transfer, AfterValidator(sigmoidal)]
SigmoidalOrLinear = Annotated[Transfer, AfterValidator(sigmoidal_or_linear)]
SigmoidalLinearOrNotOdd = Annotated[Transfer, AfterValidator(sigmoidal_linear_or_not_odd)]
TimeScheme = Literal["euler", "adams-bashforth"]
SEEDS = 2**63
Seed = Annotated[int, Field(ge=0, lt=SEEDS)]


def short(value: float) -> str:
    """Number as it stands in a label: 0.5, 1e-04, 10000."""
    return f"{value:.6g}"


class Interval(BaseModel):
    """Uniform distribution on [low, high]."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    low: Real
    high: Real

    @model_validator(mode="after")
    def _ordered(self) -> Interval:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got [{self.low}, {self.high}]")
        return self


class Spec(BaseModel):
    """Base of all specs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    stage: ClassVar[str]
    kind: ClassVar[str]
    version: ClassVar[int] = 1  # raised when the algorithm changes what it returns
    #: Fields that judge a result and must not change its random numbers.
    judging: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def label(self) -> str:
        """Part of the key that people read."""

    def _json(self, exclude: frozenset[str] = frozenset()) -> str:
        content = self.model_dump(mode="json", exclude=set(exclude))
        content |= {"kind": self.kind, "version": self.version}
        return json.dumps(content, sort_keys=True, separators=(",", ":"))

    def canonical(self) -> str:
        """Canonical JSON of the spec, its kind and its version."""
        return self._json()

    @property
    def module(self) -> str:
        """Name of the module that computes this kind of result, within its stage."""
        return self.kind.replace("-", "_")

    @property
    def judged_as(self) -> str:
        """Key under ``allow`` in the config."""
        return self.module

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON, in hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @property
    def key(self) -> str:
        """Label and digest: the name of the result."""
        return f"{self.label()}-{self.digest[:8]}"

    @property
    def entropy(self) -> int:
        """Entropy for :class:`numpy.random.SeedSequence`: 128 bits of what defines the sample."""
        text = self._json(exclude=self.judging)
        return int(hashlib.sha256(text.encode()).hexdigest()[:32], 16)

    def inputs(self) -> tuple[Spec, ...]:
        """Specs of the results that this one is computed from."""
        return ()

    def mem_mb(self) -> int:
        """Memory that the job needs, MB."""
        return 1000

    def seconds(self) -> float:
        """Work of the job on one core, seconds, about; measured (docs/cluster.md)."""
        return 15.0

    def runtime(self) -> int:
        """Time limit of the job for a cluster, minutes: six times its work, and the start."""
        return 2 + math.ceil(6 * self.seconds() / 60)

    def group(self) -> str | None:
        """Group of jobs with which it makes one job of a cluster, where alone it is too short."""
        return "short" if self.seconds() < LEAST_WORK else None


def absent(value: object) -> bool:
    """Whether an optional field is left out of the JSON: specs without it keep their keys."""
    return value is None


class Planted(BaseModel):
    """A point at which couplings are drawn together with a state in equilibrium at them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    g: Positive
    temperature: Positive
    transfer: Sigmoidal = "tanh"  # of a linear one the annealed measure has no norm


class CouplingsSpec(Spec):
    """One realisation of J/g, elliptic Gaussian ensemble; planted: weighted by exp(-E/T)."""

    stage: ClassVar[str] = "couplings"
    kind: ClassVar[str] = "couplings"

    N: Annotated[int, Field(ge=2)]
    gamma: Asymmetry
    seed: Seed
    planted: Planted | None = Field(default=None, exclude_if=absent)

    def label(self) -> str:
        label = f"gamma{short(self.gamma)}-N{self.N}-seed{self.seed}"
        if self.planted is None:
            return label
        return f"{label}-planted-g{short(self.planted.g)}-T{short(self.planted.temperature)}"

    def following(self, networks: int) -> list[CouplingsSpec]:
        """This network and those of the seeds after it."""
        return [
            CouplingsSpec(**self.model_dump() | {"seed": self.seed + i}) for i in range(networks)
        ]

    def mem_mb(self) -> int:
        return 500 + 40 * self.N**2 // 10**6

    def seconds(self) -> float:
        return 1 + 1e-7 * self.N**2 + (2e-3 * self.N if self.planted else 0)


class TrajectoriesSpec(Spec):
    """The original dynamics on one network: sampled couplings or a matrix J/g written out.

    ``dop853`` controls its error (``rtol``, ``atol``); ``euler`` steps with ``interval``.  With
    ``networks`` it is one job for that of ``couplings`` and those of the seeds after it.
    """

    stage: ClassVar[str] = "trajectories"
    kind: ClassVar[str] = "trajectories"

    couplings: CouplingsSpec | None = None
    networks: Annotated[int, Field(ge=2)] | None = Field(default=None, exclude_if=absent)
    matrix: tuple[tuple[Real, ...], ...] | None = None
    g: NonNegative
    transfer: Transfer = "tanh"
    noise: NonNegative = 0.0  # sigma: dx = (...) dt + sigma dW
    start: Interval | tuple[tuple[Real, ...], ...]  # a distribution, or the points themselves
    discard: NonNegative = 0.0  # time before the record begins
    duration: Positive
    interval: Positive  # between records
    method: Literal["euler", "dop853"]
    rtol: Positive = 1e-8
    atol: Positive = 1e-10
    neurons: Annotated[int, Field(ge=1)]  # how many units are recorded
    seed: Seed

    @model_validator(mode="after")
    def _consistent(self) -> TrajectoriesSpec:
        if (self.couplings is None) == (self.matrix is None):
            raise ValueError("give either couplings or matrix")
        if self.networks is not None and self.matrix is not None:
            raise ValueError("networks needs couplings, a matrix is one network")
        if self.networks is not None and self.couplings.planted is not None:
            raise ValueError("planted networks are results of their own: networks is left out")
        if self.matrix is not None and any(len(row) != len(self.matrix) for row in self.matrix):
            raise ValueError("matrix must be square")
        if not isinstance(self.start, Interval) and any(
            len(point) != self.size for point in self.start
        ):
            raise ValueError(f"each starting point needs {self.size} numbers")
        if self.noise > 0 and self.method != "euler":
            raise ValueError("noise needs method euler")
        if self.neurons > self.size:
            raise ValueError(f"neurons is {self.neurons}, the network has {self.size}")
        return self

    @property
    def size(self) -> int:
        """Number of units N."""
        return len(self.matrix) if self.couplings is None else self.couplings.N

    def label(self) -> str:
        network = f"N{self.size}" if self.couplings is None else self.couplings.label()
        several = "" if self.networks is None else f"-{self.networks}networks"
        return f"{self.method}-g{short(self.g)}-{network}{several}"

    def inputs(self) -> tuple[Spec, ...]:
        return () if self.couplings is None or self.networks is not None else (self.couplings,)

    def members(self) -> list[TrajectoriesSpec]:
        """Specs of the same runs in jobs of their own, one for each network."""
        return [
            self.model_copy(update={"networks": None, "couplings": couplings})
            for couplings in self.couplings.following(self.networks or 1)
        ]

    def mem_mb(self) -> int:
        return 800 + 40 * self.size**2 // 10**6 + 20 * (self.networks or 0)

    def seconds(self) -> float:
        rate = 20.0 if self.method == "dop853" else 1 / self.interval  # evaluations of J phi
        evaluations = rate * (self.discard + self.duration)
        of_one = evaluations * (2e-5 + 8e-10 * self.size**2)
        if self.networks is None:
            return 2 + of_one
        return 2 + self.networks * (self.couplings.seconds() + of_one)


class LyapunovSpec(Spec):
    """Largest Lyapunov exponents of the original dynamics, on several networks of one size.

    Networks have the seeds ``seed``, ``seed`` + 1, ...  ``interval`` is the finer of two steps, and
    half the coarser one.
    """

    stage: ClassVar[str] = "trajectories"
    kind: ClassVar[str] = "lyapunov"

    N: Annotated[int, Field(ge=2)]
    gamma: Asymmetry
    networks: Annotated[int, Field(ge=1)]
    g: NonNegative
    transfer: Transfer = "tanh"
    noise: NonNegative = 0.0  # sigma: dx = (...) dt + sigma dW
    exponents: Annotated[int, Field(ge=1)] = 1
    copies: Annotated[int, Field(ge=2)]  # independent trajectories on each network
    start: Interval
    discard: NonNegative  # time before the exponents are averaged
    duration: Positive
    interval: Positive
    seed: Seed

    @model_validator(mode="after")
    def _consistent(self) -> LyapunovSpec:
        if self.exponents > self.N:
            raise ValueError(f"a network of {self.N} units has no {self.exponents} exponents")
        if self.duration < 2.0 * self.interval:
            raise ValueError("duration must hold two intervals at least")
        return self

    def label(self) -> str:
        network = f"gamma{short(self.gamma)}-N{self.N}-{self.networks}networks"
        return f"lyapunov-g{short(self.g)}-{network}"

    def mem_mb(self) -> int:
        return 500 + 40 * self.N**2 // 10**6

    def seconds(self) -> float:
        steps = self.networks * 1.5 * (self.discard + self.duration) / self.interval
        columns = self.copies * (1 + self.exponents)
        return 2.0 + steps * (1e-3 + 8 * self.N**2 * columns / 8e9)


class LangevinSpec(Spec):
    """Boltzmann measure exp(-E/T) on one network, sampled at several temperatures at once.

    Steps and paths are in units in which the momenta have covariance T M, with M the mass
    matrix of module ``langevin`` (HMC, MALA), so that a step of 0.3 suits every temperature; for
    Euler-Maruyama ``step`` is the time step.
    """

    stage: ClassVar[str] = "langevin"
    kind: ClassVar[str] = "langevin"
    version: ClassVar[int] = 3
    judging: ClassVar[frozenset[str]] = frozenset(
        {"rhat_limit", "ess_limit", "round_trip_limit", "most_draws", "polish_below"}
    )

    couplings: CouplingsSpec
    g: NonNegative
    transfer: Transfer = "tanh"
    eta: NonNegative = 0.0
    temperatures: PositiveGrid
    algorithm: Literal["euler-maruyama", "mala", "hmc"]
    step: Positive
    path_length: Positive  # HMC: mean length of a path; MALA: of its steps; Euler-Maruyama: time
    target_acceptance: Annotated[float, Field(gt=0, lt=1)] = 0.8  # HMC, MALA: for tuning the step
    mass_floor: Positive = 0.03  # HMC, MALA: added to the eigenvalues of the mass matrix
    hottest: Positive  # from which every chain is cooled during warm-up; top of the ladder
    exchange: bool = False  # swap states between neighbours of a ladder of temperatures
    swap_rate: Annotated[float, Field(gt=0.05, lt=0.95)] = 0.25  # which spaces the ladder
    #: In a swap replicas keep their noise (module ``langevin.rescaling``).
    rescale: bool = Field(default=False, exclude_if=operator.not_)
    field: NonNegative = 0.0  # strength h of a field of random signs, one for each chain
    chains: Annotated[int, Field(ge=4, multiple_of=2)]  # per temperature
    warmup: Annotated[int, Field(ge=10)]  # transitions
    draws: Annotated[int, Field(ge=20)]
    thin: Annotated[int, Field(ge=1)] = 1  # transitions per draw
    rhat_limit: Annotated[float, Field(gt=1)] = 1.01
    ess_limit: Positive = 400.0
    round_trip_limit: Annotated[int, Field(ge=0)] = 5  # per ladder of temperatures, if exchange
    #: To which the draws are doubled while chains do not agree; left out: never.
    most_draws: Annotated[int, Field(ge=20)] | None = Field(default=None, exclude_if=absent)
    #: Temperature up to which the last states are polished to fixed points.
    polish_below: Positive | None = Field(default=None, exclude_if=absent)
    seed: Seed

    @model_validator(mode="after")
    def _same_measure(self) -> LangevinSpec:
        planted = self.couplings.planted
        if planted is not None and not (
            (planted.g, planted.transfer, 0.0) == (self.g, self.transfer, self.eta)
            and planted.temperature in self.temperatures
        ):
            raise ValueError(
                "planted couplings need g and transfer of the run, eta = 0, and their temperature "
                f"among those of the run; planted at {planted}"
            )
        return self

    @model_validator(mode="after")
    def _paired_fixed_points(self) -> LangevinSpec:
        if self.polish_below is not None and not _transfer(self.transfer).is_odd:
            raise ValueError("polish_below counts x and -x as one fixed point: phi must be odd")
        return self

    @model_validator(mode="after")
    def _enough(self) -> LangevinSpec:
        if self.most_draws is not None and self.most_draws < self.draws:
            raise ValueError(f"most_draws is {self.most_draws}, below draws, {self.draws}")
        return self

    @model_validator(mode="after")
    def _ladder(self) -> LangevinSpec:
        if self.hottest < self.temperatures[-1]:
            raise ValueError(
                f"hottest is {self.hottest:g}, from which chains are cooled: it must not be below "
                f"the temperatures, of which the highest is {self.temperatures[-1]:g}"
            )
        if self.exchange and self.hottest == self.temperatures[0]:
            raise ValueError("exchange needs hottest above the lowest of the temperatures")
        if self.exchange and self.warmup < 24:
            raise ValueError("exchange needs warmup of at least 24, to space its ladder")
        if self.rescale and not self.exchange:
            raise ValueError("rescale is a kind of exchange: it needs exchange too")
        return self

    def label(self) -> str:
        exchange = "-exchange" if self.exchange else ""
        return f"{self.algorithm}{exchange}-g{short(self.g)}-{self.couplings.label()}"

    def inputs(self) -> tuple[Spec, ...]:
        return (self.couplings,)

    def columns(self) -> int:
        """States that are moved at once, about: chains times temperatures of the ladder."""
        rungs = len(self.temperatures)
        if self.exchange:  # the law of exchange.first_ladder
            span = math.log(self.hottest / self.temperatures[0])
            units = RESCALED_UNITS if self.rescale else self.couplings.N
            length = -NormalDist().inv_cdf(self.swap_rate / 2) * math.sqrt(4 / units)
            rungs += math.ceil(span / length)
        return self.chains * rungs

    def mem_mb(self) -> int:
        N = self.couplings.N
        numbers = (
            (17 if self.rescale else 9) * N**2
            + 12 * N * self.columns()
            + 24 * self.most * self.chains * len(self.measured)
        )
        return 800 + 8 * numbers // 10**6

    @property
    def most(self) -> int:
        """Draws at most."""
        return self.draws if self.most_draws is None else self.most_draws

    @property
    def measured(self) -> tuple[float, ...]:
        """Temperatures that draws are taken at: those asked for and the top of the ladder."""
        top = (self.hottest,) if self.exchange and self.hottest > self.temperatures[-1] else ()
        return (*self.temperatures, *top)

    def seconds(self) -> float:
        N = self.couplings.N
        transitions = self.warmup + self.most * self.thin
        steps = transitions * max(1.0, 1.5 * self.path_length / self.step)
        # Three products of matrices; reading J costs as much as nine columns.
        seconds = 2 + 1e-10 * N**3 + steps * (3e-5 + N**2 * (self.columns() + 9) / 7.5e9)
        if self.rescale:  # two factorisations and some forty products with vectors
            seconds += transitions * self.columns() * (3e-3 + 1e-10 * N**3)
        return seconds


class BatchSpec(Spec):
    """Several networks sampled in one job: that of ``first`` and those of the seeds after it."""

    stage: ClassVar[str] = "batches"
    kind: ClassVar[str] = "batch"
    version: ClassVar[int] = LangevinSpec.version

    first: LangevinSpec
    networks: Annotated[int, Field(ge=2)]

    @model_validator(mode="after")
    def _not_planted(self) -> BatchSpec:
        if self.first.couplings.planted is not None:
            raise ValueError("planted networks are results of their own: networks_per_job is 1")
        return self

    @model_validator(mode="after")
    def _seeds(self) -> BatchSpec:
        last = self.first.couplings.seed + self.networks - 1
        if last >= SEEDS:
            raise ValueError(f"the seed of the last network is {last}, allowed is less than 2^63")
        return self

    @property
    def judged_as(self) -> str:
        return self.first.judged_as

    def label(self) -> str:
        return f"{self.first.label()}-{self.networks}networks"

    def members(self) -> list[LangevinSpec]:
        """Specs of the same runs in jobs of their own, one for each network."""
        return [
            self.first.model_copy(update={"couplings": couplings})
            for couplings in self.first.couplings.following(self.networks)
        ]

    def mem_mb(self) -> int:
        return self.first.mem_mb() + self.networks * len(self.first.temperatures) // 50

    def seconds(self) -> float:
        return self.networks * self.first.seconds()


class StaticDmftSpec(Spec):
    """Static DMFT (fixed points of the original dynamics) along a curve in g."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "static"
    version: ClassVar[int] = 2

    gamma: Asymmetry
    g: Grid
    transfer: SigmoidalOrLinear = "tanh"
    tolerance: Positive = 1e-10

    def label(self) -> str:
        return f"static-gamma{short(self.gamma)}-{len(self.g)}g"


class StaticPlaneSpec(Spec):
    """Static DMFT over gamma and gc = g (1 + gamma)."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "static-plane"

    gamma: AsymmetryGrid
    gc: PositiveGrid
    transfer: SigmoidalOrLinear = "tanh"
    tolerance: Positive = 1e-10

    @model_validator(mode="after")
    def _finite(self) -> StaticPlaneSpec:
        if self.gamma[0] <= -1:
            raise ValueError("g = gc/(1 + gamma) needs gamma above -1")
        return self

    def label(self) -> str:
        return f"static-plane-{len(self.gamma)}gamma-{len(self.gc)}gc"


class StaticRootsSpec(Spec):
    """Static DMFT along a curve in g where a unit has several roots, for each choice of root."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "static-roots"

    gamma: Asymmetry
    g: PositiveGrid
    transfer: Sigmoidal = "tanh"
    tolerance: Positive = 1e-10

    def label(self) -> str:
        return f"static-roots-gamma{short(self.gamma)}-{len(self.g)}g"


class StaticFieldsSpec(Spec):
    """Static DMFT by another route, over the fields; and with the response factorised."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "static-fields"

    gamma: Asymmetry
    g: PositiveGrid
    transfer: SigmoidalOrLinear = "tanh"
    tolerance: Positive = 1e-8

    def label(self) -> str:
        return f"static-fields-gamma{short(self.gamma)}-{len(self.g)}g"


class StationaryDmftSpec(Spec):
    """Stationary DMFT at gamma = 0, chaotic or driven by white noise, along a curve in g."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "stationary"
    version: ClassVar[int] = 2

    g: PositiveGrid
    transfer: SigmoidalOrLinear = "tanh"
    noise: NonNegative = 0.0  # sigma: dx = (...) dt + sigma dW
    duration: Positive  # largest lag
    interval: Positive  # between lags
    tolerance: Positive = 1e-10

    def label(self) -> str:
        noise = f"-sigma{short(self.noise)}" if self.noise else ""
        return f"stationary-{len(self.g)}g{noise}"


class ComparisonSpec(Spec):
    """Static DMFT over (gamma, g), with slopes and the count of fixed points at gamma = 0."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "comparison"

    gamma: AsymmetryGrid
    g: AboveOnsetGrid
    transfer: Sigmoidal = "tanh"
    tolerance: Positive = 1e-10

    def label(self) -> str:
        return f"comparison-{len(self.gamma)}gamma-{len(self.g)}g"


class WeightingSpec(Spec):
    """Averages over the fixed points of finite networks with three weights, by two routes."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "weighting"
    version: ClassVar[int] = 2

    g: Positive
    gamma: AsymmetryGrid
    transfer: Sigmoidal = "tanh"
    N: Annotated[tuple[Annotated[int, Field(ge=2)], ...], AfterValidator(ordered_grid)]
    largest: Annotated[int, Field(ge=2)]  # N up to which networks are enumerated
    networks: Annotated[int, Field(ge=2)]
    starts: Annotated[int, Field(ge=1)]  # curves in one round of the search in a network
    rounds: Annotated[int, Field(ge=1)]  # at most
    draws: Annotated[int, Field(ge=100)]  # of x, for the integral
    seed: Seed

    @model_validator(mode="after")
    def _density(self) -> WeightingSpec:
        if self.gamma[0] <= -1:
            raise ValueError("J phi has no density at gamma = -1")
        return self

    def label(self) -> str:
        return f"weighting-g{short(self.g)}-{len(self.gamma)}gamma-{len(self.N)}N"

    def seconds(self) -> float:
        search = self.networks * self.starts * self.largest**2 * 2e-6
        return 2.0 + len(self.gamma) * len(self.N) * (search + self.draws * self.N[-1] ** 2 * 5e-8)


class TwoTimeDmftSpec(Spec):
    """Two-time DMFT: a population of trajectories of the effective single-site process."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "two-time"
    version: ClassVar[int] = 2

    g: NonNegative
    gamma: Asymmetry
    transfer: Transfer = "tanh"
    noise: NonNegative
    start: Interval
    duration: Positive
    interval: Positive
    trajectories: Annotated[int, Field(ge=100)]
    tangents: Annotated[int, Field(ge=10)]
    batches: Annotated[int, Field(ge=2)]  # independent populations, for the standard errors
    scheme: TimeScheme = "euler"
    seed: Seed

    @model_validator(mode="after")
    def _consistent(self) -> TwoTimeDmftSpec:
        if self.tangents > self.trajectories:
            raise ValueError("tangents must not exceed trajectories")
        # The noise is made orthonormal over the population, one direction for each time.
        needed = round(self.duration / self.interval) + 2
        if self.trajectories < needed:
            raise ValueError(f"duration/interval needs at least {needed} trajectories")
        return self

    def label(self) -> str:
        return f"two-time-g{short(self.g)}-gamma{short(self.gamma)}"

    def mem_mb(self) -> int:
        steps = round(self.duration / self.interval) + 1
        matrices = (10 + 6 * self.batches) * steps
        return 800 + 8 * steps * (matrices + 10 * self.trajectories + 20 * self.tangents) // 10**6

    def seconds(self) -> float:
        steps = round(self.duration / self.interval) + 1
        return 2 + 3.5e-9 * self.batches * self.trajectories * steps**2


class TwoTimeDeterministicDmftSpec(Spec):
    """Two-time DMFT at gamma = 0, where C alone closes: no trajectories, no statistical error."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "two-time-deterministic"

    g: NonNegative
    transfer: Transfer = "tanh"
    noise: NonNegative
    start: Interval
    duration: Positive
    interval: Positive
    scheme: TimeScheme = "euler"
    tolerance: Positive = 1e-10  # on the quadrature error

    def label(self) -> str:
        return f"two-time-deterministic-g{short(self.g)}"

    def mem_mb(self) -> int:
        steps = round(self.duration / self.interval) + 1
        return 800 + 8 * steps * (8 * steps + 12_000) // 10**6

    def seconds(self) -> float:
        steps = round(self.duration / self.interval) + 1
        return 1 + 1e-6 * steps**2


class ReplicaSpec(Spec):
    """Replica-symmetric solutions on a grid of g and T at one gamma; T = 0 is the regular limit.

    An odd transfer function is to be sigmoidal or linear; any other is free, at T > 0.
    """

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "solutions"
    version: ClassVar[int] = 2

    gamma: Asymmetry
    g: Grid
    temperatures: Grid
    eta: NonNegative = 0.0
    transfer: SigmoidalLinearOrNotOdd = "tanh"
    tolerance: Positive = 1e-10  # on the residual of the saddle-point equations
    quadrature_tolerance: Positive = 1e-8  # relative, from refinement

    @model_validator(mode="after")
    def _cold_only_if_odd(self) -> ReplicaSpec:
        if 0 in self.temperatures and not odd(self.transfer):
            raise ValueError(
                f"T = 0 was asked for with transfer {self.transfer}; for a phi that is not odd the "
                "replica theory needs temperatures > 0"
            )
        return self

    def label(self) -> str:
        return f"gamma{short(self.gamma)}-{len(self.g)}g-{len(self.temperatures)}T"

    def seconds(self) -> float:
        point = 0.02 if odd(self.transfer) else 1.0
        return 5 + point * len(self.g) * len(self.temperatures)


class IterationSpec(Spec):
    """Damped iteration of the saddle-point equations with deterministic quadrature (Fig. 9)."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "iteration"

    gamma: Asymmetry
    g: Grid
    temperature: Positive
    transfer: SigmoidalOrLinear = "tanh"
    damping: Annotated[float, Field(ge=0, lt=1), AfterValidator(canonical_float)]
    iterations: Annotated[int, Field(ge=1)]
    tolerance: Positive = 1e-8  # on the last change
    quadrature_tolerance: Positive = 1e-8  # relative, from refinement
    q: Positive  # start
    Q: Positive

    @model_validator(mode="after")
    def _consistent(self) -> IterationSpec:
        if not self.Q < self.q:
            raise ValueError(f"the start needs Q < q, got Q = {self.Q}, q = {self.q}")
        return self

    def label(self) -> str:
        return f"iteration-gamma{short(self.gamma)}-{len(self.g)}g-T{short(self.temperature)}"


class ClosedFormSpec(Spec):
    """The closed form of the theory at gamma = 0 by adaptive quadrature: a second route."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "closed-form"

    g: PositiveGrid
    temperatures: Grid
    transfer: SigmoidalOrLinear = "tanh"
    tolerance: Positive = 1e-8  # relative, on q

    def label(self) -> str:
        return f"closed-form-{len(self.g)}g-{len(self.temperatures)}T"


class ComplexitySpec(Spec):
    """Logarithms of the numbers of fixed points at gamma = 0, along a curve in g > 1."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "complexity"
    version: ClassVar[int] = 2

    g: AboveOnsetGrid
    transfer: Sigmoidal = "tanh"
    tolerance: Positive = 1e-10  # on the residual of the conditions

    def label(self) -> str:
        return f"complexity-{len(self.g)}g"


class ColdNetworksSpec(Spec):
    """The cold measure of small networks at gamma = 0, from all their fixed points.

    Networks have the seeds ``seed``, ``seed`` + 1, ...
    """

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "cold-networks"

    g: Positive
    transfer: Sigmoidal = "tanh"
    N: Annotated[int, Field(ge=2)]
    networks: Annotated[int, Field(ge=2)]
    curves: Annotated[int, Field(ge=1)]  # in each network in one round of the search
    rounds: Annotated[int, Field(ge=1)]  # at most
    seed: Seed

    def label(self) -> str:
        return f"cold-networks-g{short(self.g)}-N{self.N}-{self.networks}networks"

    def seconds(self) -> float:
        # The number of points grows as e^{Sigma N}, Sigma about 0.13 at most of the gains in use.
        steps = 3e4 * math.exp(0.07 * self.N)
        return 2.0 + self.networks * min(steps, 1e9) * (5e-6 + 4e-10 * self.N**3)


class EqualEnergySpec(Spec):
    """Chaotic attractor and measure of the same energy at gamma = 0, along a curve in g > 1."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "equal-energy"

    g: AboveOnsetGrid
    transfer: Sigmoidal = "tanh"
    tolerance: Positive = 1e-10

    def label(self) -> str:
        return f"equal-energy-{len(self.g)}g"


class PlaneSpec(Spec):
    """Replica-symmetric solutions over (gamma, g, T): one `ReplicaSpec` for each gamma."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "plane"

    gamma: AsymmetryGrid
    g: Grid
    temperatures: Grid
    transfer: SigmoidalOrLinear = "tanh"
    tolerance: Positive = 1e-10
    quadrature_tolerance: Positive = 1e-8

    def label(self) -> str:
        sizes = (len(self.gamma), len(self.g), len(self.temperatures))
        return "plane-{}gamma-{}g-{}T".format(*sizes)

    def seconds(self) -> float:
        return 5 + 0.02 * len(self.gamma) * len(self.g) * len(self.temperatures)


class BoundarySpec(Spec):
    """Temperatures where Q = 0 gains or loses its stability, along a curve in g."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "boundary"

    gamma: Asymmetry
    g: PositiveGrid
    coldest: Positive  # lowest temperature that is looked at
    transfer: SigmoidalOrLinear = "tanh"
    tolerance: Positive = 1e-8  # relative, on the temperature

    def label(self) -> str:
        return f"boundary-gamma{short(self.gamma)}-{len(self.g)}g"


class ColdBoundarySpec(Spec):
    """The gamma < 0 below which Q = 0 is unstable in the limit T -> 0, along a curve in g > 1."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "cold-boundary"

    g: PositiveGrid
    transfer: SigmoidalOrLinear = "tanh"
    tolerance: Positive = 1e-8  # on gamma

    @model_validator(mode="after")
    def _above_one(self) -> ColdBoundarySpec:
        if not self.g[0] > 1:
            raise ValueError(f"q > 0 at T = 0 and gamma <= 0 needs g > 1, got {self.g[0]:g}")
        return self

    def label(self) -> str:
        return f"cold-boundary-{len(self.g)}g"


class OneStepSpec(Spec):
    """One step of replica-symmetry breaking with Q_0 = 0, beside the symmetric solution."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "one-step"

    gamma: Asymmetry
    g: PositiveGrid
    temperatures: PositiveGrid
    transfer: SigmoidalOrLinear = "tanh"
    tolerance: Positive = 1e-10
    quadrature_tolerance: Positive = 1e-8

    def label(self) -> str:
        return f"one-step-gamma{short(self.gamma)}-{len(self.g)}g-{len(self.temperatures)}T"

    def seconds(self) -> float:
        return 2 + 0.3 * len(self.g) * len(self.temperatures)


class TwoReplicaSpec(Spec):
    """Annealed potential of two replicas as a function of their overlap."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "two-replica"

    gamma: Asymmetry
    g: PositiveGrid
    temperatures: PositiveGrid
    fractions: Annotated[tuple[float, ...], AfterValidator(ordered_grid)]  # Q/q, in [0, 1)
    transfer: SigmoidalOrLinear = "tanh"
    tolerance: Positive = 1e-10
    quadrature_tolerance: Positive = 1e-8

    @model_validator(mode="after")
    def _inside(self) -> TwoReplicaSpec:
        if not (0 <= self.fractions[0] and self.fractions[-1] < 1):
            raise ValueError("fractions of the self-overlap lie in [0, 1)")
        return self

    def label(self) -> str:
        return f"two-replica-gamma{short(self.gamma)}-{len(self.g)}g-{len(self.temperatures)}T"


class ScalingSpec(Spec):
    """Exponent of q ~ T^a at g (1 + gamma) = 1, from solutions at falling temperatures."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "scaling"

    gamma: Asymmetry
    temperatures: PositiveGrid
    tolerance: Positive = 1e-10
    quadrature_tolerance: Positive = 1e-8

    @model_validator(mode="after")
    def _enough(self) -> ScalingSpec:
        if len(self.temperatures) < 6:
            raise ValueError("an exponent with its error needs at least 6 temperatures")
        if self.gamma <= -1:
            raise ValueError("g (1 + gamma) = 1 needs gamma above -1")
        return self

    def label(self) -> str:
        return f"scaling-gamma{short(self.gamma)}-{len(self.temperatures)}T"


class AnsatzSpec(Spec):
    """The paper's ansatz at zero temperature (q, chi, r~, xi): how close it comes to a solution."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "ansatz"

    gamma: Asymmetry
    g: PositiveGrid
    q: PositiveGrid  # self-overlaps at which the other equations are solved
    transfer: Literal["tanh", "erf", "linear"] = "tanh"  # it needs phi'' too
    tolerance: Positive = 1e-10
    quadrature_tolerance: Positive = 1e-8
    damping: Annotated[float, Field(ge=0, lt=1), AfterValidator(canonical_float)] = 0.2
    iterations: Annotated[int, Field(ge=1)] = 200  # of all equations, with that damping

    def label(self) -> str:
        return f"ansatz-gamma{short(self.gamma)}-{len(self.g)}g"


class MinimumSearchSpec(Spec):
    """The published iteration at zero temperature, with its search for minima and nothing else."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "minimum-search"

    gamma: Asymmetry
    g: PositiveGrid
    transfer: Sigmoidal = "tanh"
    search_tolerance: Positive = 1e-12  # absolute, of x
    nodes: Annotated[int, Field(ge=3)] = 48  # of each field
    damping: Annotated[float, Field(ge=0, lt=1), AfterValidator(canonical_float)] = 0.2
    q: Positive = 1e-16  # start
    iterations: Annotated[int, Field(ge=1)] = 150
    tolerance: Positive = 1e-6  # of the relative change in the last step

    def label(self) -> str:
        return f"minimum-search-gamma{short(self.gamma)}-{len(self.g)}g"


class AnnealedSpec(Spec):
    """Monte Carlo of the annealed measure E_J exp(-beta E) at finite N: no saddle point."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "annealed"
    judging: ClassVar[frozenset[str]] = frozenset({"rhat_limit", "ess_limit"})

    gamma: Asymmetry
    g: PositiveGrid
    temperatures: PositiveGrid
    N: Annotated[int, Field(ge=2)]
    transfer: Sigmoidal = "tanh"  # of a linear one the density has no norm
    chains: Annotated[int, Field(ge=4, multiple_of=2)]
    warmup: Annotated[int, Field(ge=10)]
    draws: Annotated[int, Field(ge=20)]
    rhat_limit: Annotated[float, Field(gt=1)] = 1.01
    ess_limit: Positive = 400.0
    seed: Seed

    def label(self) -> str:
        sizes = f"{len(self.g)}g-{len(self.temperatures)}T"
        return f"annealed-gamma{short(self.gamma)}-{sizes}-N{self.N}"

    def seconds(self) -> float:
        units = len(self.g) * len(self.temperatures) * self.chains * self.N
        return 2 + 2e-7 * (self.warmup + self.draws) * units


class ProtocolSpec(Spec):
    """The published way to solve the saddle point: damped iteration over one frozen sample.

    Along ``sweep`` each point starts from the one before; the other axis has sweeps of its own.
    """

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "protocol"
    #: All but outer, inner and seed: a run with a switch off has the same frozen sample.
    judging: ClassVar[frozenset[str]] = frozenset(
        {"gamma", "g", "temperatures", "sweep", "eta", "transfer", "averages", "samples", "q", "Q"}
        | {"damping", "iterations", "attempts", "stopping", "clipping", "fields"}
    )

    gamma: Asymmetry
    g: PositiveGrid
    temperatures: PositiveGrid
    sweep: Literal["g", "beta"]
    eta: NonNegative = 0.0
    transfer: SigmoidalOrLinear = "tanh"
    averages: Literal["monte-carlo", "quadrature"] = "monte-carlo"
    outer: Annotated[int, Field(ge=1)]  # draws of the fields
    inner: Annotated[int, Field(ge=2)]  # draws of x for each
    samples: Annotated[int, Field(ge=1)] = 1  # independent frozen samples, for error bars
    q: Positive = 1e-5  # start of a sweep; Q is a random fraction of it unless given
    Q: Positive | None = None
    damping: tuple[tuple[Annotated[int, Field(ge=0)], Annotated[float, Field(ge=0, lt=1)]], ...] = (
        (0, 0.2),
        (1001, 0.6),
        (1501, 0.8),
    )  # from which iteration on, and the weight of the old values
    iterations: Annotated[int, Field(ge=1)] = 4000
    attempts: Annotated[int, Field(ge=1)] = 100  # new random starts where the iteration fails
    stopping: bool = True  # end when the changes are small, from iteration 100 on
    clipping: bool = True  # set negative Q and Q^ to 1e-5 and reduce R^ where it is too large
    fields: bool = True  # False: Q = Q^ = R = 0 throughout
    seed: Seed

    @model_validator(mode="after")
    def _consistent(self) -> ProtocolSpec:
        if self.Q is not None and not self.Q < self.q:
            raise ValueError(f"the start needs Q < q, got Q = {self.Q}, q = {self.q}")
        if (
            not self.damping
            or self.damping[0][0] != 0
            or len(dict(self.damping)) < len(self.damping)
        ):
            raise ValueError("damping needs a first entry for iteration 0, and each iteration once")
        return self

    def label(self) -> str:
        size = f"{self.outer}x{self.inner}" if self.averages == "monte-carlo" else self.averages
        return f"protocol-gamma{short(self.gamma)}-{len(self.g)}g-{len(self.temperatures)}T-{size}"

    def mem_mb(self) -> int:
        return 600 + 2 * self.outer // 1000  # 192 nodes for each draw of the fields

    def seconds(self) -> float:
        points = len(self.g) * len(self.temperatures)
        steps = self.outer * points * self.iterations * 2e-6
        return 2 + self.samples * (self.outer * self.inner * 1e-7 + steps)


class FigureSpec(Spec):
    """One figure: its settings, and by role the keys of the results that it is drawn from."""

    stage: ClassVar[str] = "figures"
    kind: ClassVar[str] = "figure"

    name: str
    settings: str  # canonical JSON of the figure's section of the config
    sources: tuple[tuple[str, tuple[str, ...]], ...]

    def label(self) -> str:
        return self.name


KINDS: dict[str, type[Spec]] = {
    spec.kind: spec
    for spec in (
        CouplingsSpec,
        TrajectoriesSpec,
        LyapunovSpec,
        LangevinSpec,
        BatchSpec,
        StaticDmftSpec,
        StaticPlaneSpec,
        StaticRootsSpec,
        StaticFieldsSpec,
        StationaryDmftSpec,
        ComparisonSpec,
        WeightingSpec,
        TwoTimeDmftSpec,
        TwoTimeDeterministicDmftSpec,
        ReplicaSpec,
        IterationSpec,
        ClosedFormSpec,
        ComplexitySpec,
        ColdNetworksSpec,
        EqualEnergySpec,
        PlaneSpec,
        BoundarySpec,
        ColdBoundarySpec,
        OneStepSpec,
        TwoReplicaSpec,
        ScalingSpec,
        AnsatzSpec,
        MinimumSearchSpec,
        AnnealedSpec,
        ProtocolSpec,
        FigureSpec,
    )
}


def parse(text: str) -> Spec:
    """Spec from its canonical JSON.

    Raises
    ------
    ValueError
        If the kind is unknown or the version is another one than this code's.
    """
    content = json.loads(text)
    kind, version = content.pop("kind"), content.pop("version")
    if kind not in KINDS:
        raise ValueError(f"unknown kind of spec {kind!r}; known: {', '.join(KINDS)}")
    if version != KINDS[kind].version:
        raise ValueError(f"{kind}: version {version}, this code has {KINDS[kind].version}")
    return KINDS[kind].model_validate(content)
