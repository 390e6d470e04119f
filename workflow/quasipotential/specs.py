"""Specs: one frozen record per cached result.

A spec holds everything that a result depends on, physics and numerics alike.  From it come the key
(a label for people and a digest for truth), the path under ``results/`` and the random numbers.
Everything is dimensionless; the time unit is the time constant of the neurons, T = 1/beta.
"""

from __future__ import annotations

import hashlib
import json
import math
from abc import abstractmethod
from collections import Counter
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

#: Raised when the layout of the files or the derivation of the random numbers changes.
FORMAT = 1
MAX_GRID = 10_000
STAGES = ("couplings", "trajectories", "langevin", "dmft", "replica", "figures")


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


Real = Annotated[float, AfterValidator(canonical_float)]
NonNegative = Annotated[float, Field(ge=0), AfterValidator(canonical_float)]
Positive = Annotated[float, Field(gt=0), AfterValidator(canonical_float)]
Asymmetry = Annotated[float, Field(ge=-1, le=1), AfterValidator(canonical_float)]
Grid = Annotated[tuple[NonNegative, ...], AfterValidator(ordered_grid)]
AsymmetryGrid = Annotated[tuple[Asymmetry, ...], AfterValidator(ordered_grid)]
PositiveGrid = Annotated[tuple[Positive, ...], AfterValidator(ordered_grid)]
Transfer = Literal["tanh", "erf", "linear"]
Seed = Annotated[int, Field(ge=0)]


def short(value: float) -> str:
    """Number as it stands in a label: 0.5, 1e-04, 10000."""
    return f"{value:.6g}"


class Interval(BaseModel):
    """Uniform distribution on [low, high]."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low: Real
    high: Real

    @model_validator(mode="after")
    def _ordered(self) -> Interval:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got [{self.low}, {self.high}]")
        return self


class Spec(BaseModel):
    """Base of all specs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

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

    def runtime(self) -> int:
        """Time limit of the job for a cluster, minutes."""
        return 10


def absent(value: object) -> bool:
    """Whether an optional field is left out of the JSON: specs without it keep their keys."""
    return value is None


class Planted(BaseModel):
    """A point at which couplings are drawn together with a state in equilibrium at them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    g: Positive
    temperature: Positive
    transfer: Literal["tanh", "erf"] = "tanh"  # of a linear one the annealed measure has no norm


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

    def mem_mb(self) -> int:
        return 500 + 40 * self.N**2 // 10**6


class TrajectoriesSpec(Spec):
    """The original dynamics on one network: sampled couplings or a matrix J/g written out.

    ``dop853`` controls its error (``rtol``, ``atol``); ``euler`` steps with ``interval``.
    """

    stage: ClassVar[str] = "trajectories"
    kind: ClassVar[str] = "trajectories"

    couplings: CouplingsSpec | None = None
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
        return f"{self.method}-g{short(self.g)}-{network}"

    def inputs(self) -> tuple[Spec, ...]:
        return () if self.couplings is None else (self.couplings,)

    def mem_mb(self) -> int:
        return 800 + 40 * self.size**2 // 10**6

    def runtime(self) -> int:
        return 10 + self.size // 200


class LangevinSpec(Spec):
    """Boltzmann measure exp(-E/T) on one network, sampled at several temperatures at once.

    Steps and paths are in units in which the momenta have covariance T M, with M the mass
    matrix of module ``langevin`` (HMC, MALA), so that a step of 0.3 suits every temperature; for
    Euler-Maruyama ``step`` is the time step.
    """

    stage: ClassVar[str] = "langevin"
    kind: ClassVar[str] = "langevin"
    version: ClassVar[int] = 2
    judging: ClassVar[frozenset[str]] = frozenset(
        {"rhat_limit", "ess_limit", "round_trip_limit", "polish_below"}
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
    field: NonNegative = 0.0  # strength h of a field of random signs, one for each chain
    chains: Annotated[int, Field(ge=4, multiple_of=2)]  # per temperature
    warmup: Annotated[int, Field(ge=10)]  # transitions
    draws: Annotated[int, Field(ge=20)]
    thin: Annotated[int, Field(ge=1)] = 1  # transitions per draw
    rhat_limit: Annotated[float, Field(gt=1)] = 1.05
    ess_limit: Positive = 100.0
    round_trip_limit: Annotated[int, Field(ge=0)] = 5  # per ladder of temperatures, if exchange
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
    def _ladder(self) -> LangevinSpec:
        if self.exchange and not self.temperatures[0] < self.hottest >= self.temperatures[-1]:
            raise ValueError("exchange needs hottest above the temperatures")
        if self.exchange and self.warmup < 24:
            raise ValueError("exchange needs warmup of at least 24, to space its ladder")
        return self

    def label(self) -> str:
        exchange = "-exchange" if self.exchange else ""
        return f"{self.algorithm}{exchange}-g{short(self.g)}-{self.couplings.label()}"

    def inputs(self) -> tuple[Spec, ...]:
        return (self.couplings,)

    def columns(self) -> int:
        """States that are moved at once, about: chains times temperatures of the ladder."""
        rungs = len(self.temperatures)
        if self.exchange:  # neighbours differ by 1.6/sqrt(N/2) in ln T where they swap at 25 %
            span = math.log(self.hottest / self.temperatures[0])
            rungs += math.ceil(span * math.sqrt(self.couplings.N / 2) / 1.6)
        return self.chains * rungs

    def mem_mb(self) -> int:
        N = self.couplings.N
        numbers = (
            5 * N**2
            + 12 * N * self.columns()
            + 12 * self.draws * self.chains * len(self.temperatures)
        )
        return 1000 + 8 * numbers // 10**6

    def runtime(self) -> int:
        transitions = self.warmup + self.draws * self.thin
        steps = transitions * max(1.0, 1.5 * self.path_length / self.step)
        operations = steps * 3 * 2 * self.couplings.N**2 * self.columns()
        return 10 + round(operations / (60 * 3e9))  # a slow core does 3e9 a second


class StaticDmftSpec(Spec):
    """Static DMFT (fixed points of the original dynamics) along a curve in g."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "static"

    gamma: Asymmetry
    g: Grid
    transfer: Transfer = "tanh"
    tolerance: Positive = 1e-10

    def label(self) -> str:
        return f"static-gamma{short(self.gamma)}-{len(self.g)}g"


class StaticFieldsSpec(Spec):
    """Static DMFT by another route, over the fields; and with the response factorised."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "static-fields"

    gamma: Asymmetry
    g: PositiveGrid
    transfer: Transfer = "tanh"
    tolerance: Positive = 1e-8

    def label(self) -> str:
        return f"static-fields-gamma{short(self.gamma)}-{len(self.g)}g"


class StationaryDmftSpec(Spec):
    """Stationary DMFT of the chaotic state at gamma = 0, along a curve in g > 1."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "stationary"

    g: PositiveGrid
    transfer: Transfer = "tanh"
    duration: Positive  # largest lag
    interval: Positive  # between lags
    tolerance: Positive = 1e-10

    def label(self) -> str:
        return f"stationary-{len(self.g)}g"


class TwoTimeDmftSpec(Spec):
    """Two-time DMFT: a population of trajectories of the effective single-site process."""

    stage: ClassVar[str] = "dmft"
    kind: ClassVar[str] = "two-time"

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
        numbers = 10 * steps * (steps + self.trajectories) + 2 * self.tangents * steps**2
        return 800 + 8 * numbers // 10**6


class ReplicaSpec(Spec):
    """Replica-symmetric solutions on a grid of g and T at one gamma; T = 0 is the regular limit."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "solutions"
    version: ClassVar[int] = 2

    gamma: Asymmetry
    g: Grid
    temperatures: Grid
    eta: NonNegative = 0.0
    transfer: Transfer = "tanh"
    tolerance: Positive = 1e-10  # on the residual of the saddle-point equations
    quadrature_tolerance: Positive = 1e-8  # relative, from refinement

    def label(self) -> str:
        return f"gamma{short(self.gamma)}-{len(self.g)}g-{len(self.temperatures)}T"

    def runtime(self) -> int:
        return 30


class IterationSpec(Spec):
    """Damped iteration of the saddle-point equations with deterministic quadrature (Fig. 9)."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "iteration"

    gamma: Asymmetry
    g: Grid
    temperature: Positive
    transfer: Transfer = "tanh"
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
    transfer: Transfer = "tanh"
    tolerance: Positive = 1e-8  # relative, on q

    def label(self) -> str:
        return f"closed-form-{len(self.g)}g-{len(self.temperatures)}T"


class PlaneSpec(Spec):
    """Replica-symmetric solutions over (gamma, g, T): one `ReplicaSpec` for each gamma."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "plane"

    gamma: AsymmetryGrid
    g: Grid
    temperatures: Grid
    transfer: Transfer = "tanh"
    tolerance: Positive = 1e-10
    quadrature_tolerance: Positive = 1e-8

    def label(self) -> str:
        sizes = (len(self.gamma), len(self.g), len(self.temperatures))
        return "plane-{}gamma-{}g-{}T".format(*sizes)

    def runtime(self) -> int:
        return 60


class BoundarySpec(Spec):
    """Temperatures where Q = 0 gains or loses its stability, along a curve in g."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "boundary"

    gamma: Asymmetry
    g: PositiveGrid
    coldest: Positive  # lowest temperature that is looked at
    transfer: Transfer = "tanh"
    tolerance: Positive = 1e-8  # relative, on the temperature

    def label(self) -> str:
        return f"boundary-gamma{short(self.gamma)}-{len(self.g)}g"


class ColdBoundarySpec(Spec):
    """The gamma < 0 below which Q = 0 is unstable in the limit T -> 0, along a curve in g > 1."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "cold-boundary"

    g: PositiveGrid
    transfer: Transfer = "tanh"
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
    transfer: Transfer = "tanh"
    tolerance: Positive = 1e-10
    quadrature_tolerance: Positive = 1e-8

    def label(self) -> str:
        return f"one-step-gamma{short(self.gamma)}-{len(self.g)}g-{len(self.temperatures)}T"

    def runtime(self) -> int:
        return 30


class TwoReplicaSpec(Spec):
    """Annealed potential of two replicas as a function of their overlap."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "two-replica"

    gamma: Asymmetry
    g: PositiveGrid
    temperatures: PositiveGrid
    fractions: Annotated[tuple[float, ...], AfterValidator(ordered_grid)]  # Q/q, in [0, 1)
    transfer: Transfer = "tanh"
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
    transfer: Transfer = "tanh"
    tolerance: Positive = 1e-10
    quadrature_tolerance: Positive = 1e-8
    damping: Annotated[float, Field(ge=0, lt=1), AfterValidator(canonical_float)] = 0.2
    iterations: Annotated[int, Field(ge=1)] = 300  # of all equations, with that damping

    def label(self) -> str:
        return f"ansatz-gamma{short(self.gamma)}-{len(self.g)}g"


class AnnealedSpec(Spec):
    """Monte Carlo of the annealed measure E_J exp(-beta E) at finite N: no saddle point."""

    stage: ClassVar[str] = "replica"
    kind: ClassVar[str] = "annealed"
    judging: ClassVar[frozenset[str]] = frozenset({"rhat_limit", "ess_limit"})

    gamma: Asymmetry
    g: PositiveGrid
    temperatures: PositiveGrid
    N: Annotated[int, Field(ge=2)]
    transfer: Literal["tanh", "erf"] = "tanh"  # of a linear one the density has no norm
    chains: Annotated[int, Field(ge=4, multiple_of=2)]
    warmup: Annotated[int, Field(ge=10)]
    draws: Annotated[int, Field(ge=20)]
    rhat_limit: Annotated[float, Field(gt=1)] = 1.01
    ess_limit: Positive = 400.0
    seed: Seed

    def label(self) -> str:
        sizes = f"{len(self.g)}g-{len(self.temperatures)}T"
        return f"annealed-gamma{short(self.gamma)}-{sizes}-N{self.N}"

    def runtime(self) -> int:
        units = len(self.g) * len(self.temperatures) * self.chains * self.N
        return 10 + round((self.warmup + self.draws) * units * 1e-6 / 60)  # a slow core


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
    transfer: Transfer = "tanh"
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

    def runtime(self) -> int:
        points = len(self.g) * len(self.temperatures)
        steps = self.outer * points * self.iterations * 2e-6
        return 10 + round(self.samples * (self.outer * self.inner * 1e-7 + steps) / 60)


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
        LangevinSpec,
        StaticDmftSpec,
        StaticFieldsSpec,
        StationaryDmftSpec,
        TwoTimeDmftSpec,
        ReplicaSpec,
        IterationSpec,
        ClosedFormSpec,
        PlaneSpec,
        BoundarySpec,
        ColdBoundarySpec,
        OneStepSpec,
        TwoReplicaSpec,
        ScalingSpec,
        AnsatzSpec,
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
