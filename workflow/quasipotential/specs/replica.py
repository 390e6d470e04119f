"""Specs of the replica theory, its second routes and the published procedure."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from .base import Spec, short
from .fields import (
    AboveOnsetGrid,
    Asymmetry,
    AsymmetryGrid,
    Grid,
    NonNegative,
    Positive,
    PositiveGrid,
    Seed,
    Sigmoidal,
    SigmoidalLinearOrNotOdd,
    SigmoidalOrLinear,
    canonical_float,
    odd,
    ordered_grid,
)


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
    def _regular_limit(self) -> ReplicaSpec:
        if 0 in self.temperatures and self.eta > 0:
            raise ValueError(
                f"T = 0 was asked for with eta = {self.eta:g}; the limit is regular for eta = 0 "
                "only: use positive temperatures"
            )
        return self

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
    transfer: Sigmoidal = "tanh"
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
