"""What sections are made of: their base, grids, counts, points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from ..specs.fields import (
    MAX_GRID,
    AboveOnsetGrid,
    Asymmetry,
    Grid,
    NonNegative,
    PositiveGrid,
    ordered_grid,
)
from .faults import describe

MAX_COUNT = 10**9
GRID_FORM = "a list of numbers, or {start, stop, number, scale: linear or log}"


class Section(BaseModel):
    """Part of the config: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _null_on_the_command_line(cls, values: Any) -> Any:
        """Snakemake hands on what stands after --config as text."""
        if not isinstance(values, Mapping):
            return values
        return {key: None if value == "null" else value for key, value in values.items()}

    def extent(self) -> int:
        """Points of all grids together, at most, and on all networks."""
        product = 1
        for name, value in self:
            if isinstance(value, Section):
                product *= value.extent()
            elif isinstance(value, tuple):
                inner = [part.extent() for part in value if isinstance(part, Section)]
                inner += [1 for part in value if isinstance(part, float)]
                product *= max(sum(inner), 1)
            elif name == "networks":
                product *= value
        return product


End = Annotated[float, Field(ge=-1e300, le=1e300)]  # rounding stays below the largest number


class Range(Section):
    """An even grid, on a linear or a logarithmic scale."""

    start: End
    stop: End
    number: Annotated[int, Field(ge=2, le=MAX_GRID)]
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.start < self.stop:
            raise ValueError("start must be below stop")
        if self.scale == "log" and self.start <= 0:
            raise ValueError("a log scale needs start above 0")
        return self

    def values(self) -> list[float]:
        """The points, both ends included."""
        fractions = [i / (self.number - 1) for i in range(self.number)]
        if self.scale == "log":
            return [self.start * (self.stop / self.start) ** f for f in fractions]
        # Rounding makes the middle of [-a, a] 0 and not 1e-17.
        digits = 14 - math.floor(math.log10(max(abs(self.start), abs(self.stop))))
        return [round(self.start + f * (self.stop - self.start), digits) for f in fractions]


def _expand(value: Any) -> Any:
    """List of the numbers that a grid stands for."""
    if isinstance(value, Mapping):
        try:
            return Range.model_validate(dict(value)).values()
        except ValidationError as error:
            faults = "; ".join(describe(fault) for fault in error.errors())
            raise ValueError(f"a grid is {GRID_FORM}: {faults}") from None
    return [value] if isinstance(value, int | float | str) else value


Couplings = Annotated[Grid, BeforeValidator(_expand)]
Gammas = Annotated[tuple[Asymmetry, ...], BeforeValidator(_expand), AfterValidator(ordered_grid)]
Positives = Annotated[PositiveGrid, BeforeValidator(_expand)]
AboveOnset = Annotated[AboveOnsetGrid, BeforeValidator(_expand)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Size = Annotated[int, Field(ge=2, le=100_000)]


def _above_minus_one(gammas: tuple[float, ...]) -> tuple[float, ...]:
    if gammas[0] <= -1:
        raise ValueError("g = gc/(1 + gamma) needs gamma above -1")
    return gammas


CriticalGammas = Annotated[Gammas, AfterValidator(_above_minus_one)]


class Point(Section):
    """A point of the phase diagram."""

    g: NonNegative
    gamma: Asymmetry
