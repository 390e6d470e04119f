"""Specs of networks and of the original dynamics on them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .base import Spec, absent, short
from .fields import Asymmetry, Interval, NonNegative, Positive, Real, Seed, Sigmoidal, Transfer


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
