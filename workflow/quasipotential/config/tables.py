"""The sections of the ledger and of the claims."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..specs.fields import Asymmetry, NonNegative, Positive
from .fields import MAX_COUNT, CriticalGammas, Point, Positives, Section, Size


class Claimed(Section):
    """A claimed value and how exactly it is given."""

    value: float
    within: Positive


class ClaimedEdge(Claimed):
    """T_upper or T_lower of the phase with Q > 0 at g = gc/(1 + gamma)."""

    gamma: Annotated[float, Field(gt=-1, lt=0)]
    gc: Positive
    edge: Literal["T_upper", "T_lower"]


class ClaimedColdBoundary(Claimed):
    """The gamma below which Q = 0 is unstable for T -> 0."""

    g: Annotated[float, Field(gt=1)]


class ClaimedShift(Section):
    """Change of q by one step of breaking, per cent, between two bounds."""

    gamma: Annotated[float, Field(gt=-1, lt=0)]
    gc: Positive
    beta: Positive
    least: NonNegative
    most: Positive


class Claims(Section):
    """The experiments behind the table of claims (docs/theory.md, sections 4, 5 and 13)."""

    gamma: CriticalGammas  # of the claims on gamma >= 0
    gc: Positives
    beta: Positives
    fractions: Annotated[int, Field(ge=2, le=1000)]  # overlaps of two replicas, from 0 to below q
    limit_beta: Positive  # where limits T -> 0 are read
    onset_steps: Positives  # relative distances above the onset of q
    critical_temperatures: Annotated[tuple[ClaimedEdge, ...], Field(min_length=1)]
    cold_boundary: Annotated[tuple[ClaimedColdBoundary, ...], Field(min_length=1)]
    one_step: Annotated[tuple[ClaimedShift, ...], Field(min_length=1)]
    static: Annotated[tuple[Point, ...], Field(min_length=1)]


class Curve(Section):
    """Gains at one gamma."""

    gamma: Asymmetry
    g: Positives


class Annealed(Section):
    """Second route of the ledger at gamma != 0: the annealed measure at N and 2 N."""

    curves: Annotated[tuple[Curve, ...], Field(min_length=1)]
    beta: Positives
    N: Size
    chains: Annotated[int, Field(ge=4, le=MAX_COUNT, multiple_of=2)]
    warmup: Annotated[int, Field(ge=10, le=MAX_COUNT)]
    draws: Annotated[int, Field(ge=20, le=MAX_COUNT)]


class Ansatz(Section):
    """The zero-temperature ansatz at some points: is there a solution with one of these q?"""

    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    q: Positives


class MinimumSearch(Section):
    """The published search for minima at zero temperature, at some points."""

    points: Annotated[tuple[Point, ...], Field(min_length=1)]


class Ledger(Section):
    """Second routes and evidence of the reproduction ledger; null leaves out all of them."""

    annealed: Annealed | None
    ansatz: Ansatz | None
    minimum_search: MinimumSearch | None
