"""The section of sampling experiments."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..specs.fields import NonNegative, Positive
from .fields import MAX_COUNT, Count, Couplings, Gammas, Positives, Section, Size


class Sampling(Section):
    """One sampling experiment: every g with every gamma, on several networks.

    Planted networks are drawn anew for each g, at the lowest temperature, together with a state
    from which half of the chains start.
    """

    algorithm: Literal["hmc", "mala", "euler-maruyama"]
    g: Couplings
    gamma: Gammas
    beta: Positives
    N: Size
    networks: Count
    networks_per_job: Count = 1
    planted: bool = False
    chains: Annotated[int, Field(ge=4, le=MAX_COUNT, multiple_of=2)]
    hottest: Positive
    target_acceptance: Annotated[float, Field(gt=0, lt=1)] = 0.8
    mass_floor: Positive = 0.03
    exchange: bool = False
    rescale: bool = False
    swap_rate: Annotated[float, Field(gt=0.05, lt=0.95)] = 0.25
    field: NonNegative = 0.0
    step: Positive
    path_length: Positive
    warmup: Annotated[int, Field(ge=10, le=MAX_COUNT)]
    draws: Annotated[int, Field(ge=20, le=MAX_COUNT)]
    most_draws: Annotated[int, Field(ge=20, le=MAX_COUNT)] | None = None
    thin: Count = 1
    rhat_limit: Annotated[float, Field(gt=1)] = 1.01
    ess_limit: Positive = 400.0
    round_trip_limit: Annotated[int, Field(ge=0, le=MAX_COUNT)] = 5
    polish_below: Positive | None = None

    @model_validator(mode="after")
    def _whole_batches(self) -> Sampling:
        if self.networks % self.networks_per_job:
            raise ValueError(
                f"networks must be a multiple of networks_per_job, got {self.networks} and "
                f"{self.networks_per_job}"
            )
        if self.planted and self.networks_per_job > 1:
            raise ValueError("planted networks are results of their own: networks_per_job is 1")
        return self

    def jobs(self) -> int:
        """Number of jobs."""
        return len(self.g) * len(self.gamma) * (self.networks // self.networks_per_job)

    def extent(self) -> int:
        """Points of all jobs: a batch of networks is planned as one."""
        return self.jobs() * len(self.beta)

    def kind(self) -> str:
        """Algorithm and kind of networks: averages at finite N depend on them."""
        return f"{self.algorithm} on {'planted' if self.planted else 'unweighted'} networks"

    def points(self) -> Iterator[tuple]:
        """What is sampled: (algorithm, g, gamma, beta, N), with five digits of the numbers."""
        grids = (
            [float(f"{value:.5g}") for value in grid] for grid in (self.g, self.gamma, self.beta)
        )
        return itertools.product([self.algorithm], *grids, [self.N])
