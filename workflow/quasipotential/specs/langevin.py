"""Specs of sampling: the Boltzmann measure on one network, or on several in one job."""

from __future__ import annotations

import math
import operator
from statistics import NormalDist
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from .base import Spec, absent, short
from .fields import SEEDS, NonNegative, Positive, PositiveGrid, Seed, Transfer, odd
from .networks import CouplingsSpec

#: Units of a harmonic valley whose ladder has about as many rungs as rescaled swaps need next to
#: the transition, at gamma = 0, N = 100 and 200.  The sampler begins with them: another number is
#: another version of LangevinSpec.
RESCALED_UNITS = 4


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
        if self.polish_below is not None and not odd(self.transfer):
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
