"""Specs of dynamical mean-field theory and of the fixed points it is compared with."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from .base import Spec, short
from .fields import (
    AboveOnsetGrid,
    Asymmetry,
    AsymmetryGrid,
    Grid,
    Interval,
    NonNegative,
    Positive,
    PositiveGrid,
    Seed,
    Sigmoidal,
    SigmoidalOrLinear,
    TimeScheme,
    Transfer,
    ordered_grid,
)


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
