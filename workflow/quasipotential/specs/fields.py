"""Types of fields: numbers, grids, names of transfer functions.

Numbers are rounded to 12 digits and grids are put in order, so that equal specs have equal keys.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_GRID = 10_000
SEEDS = 2**63


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
    from ..transfer import transfer_function  # only where one has to be looked at

    return transfer_function(name)


Transfer = Annotated[str, AfterValidator(known_transfer)]
Sigmoidal = Annotated[Transfer, AfterValidator(sigmoidal)]
SigmoidalOrLinear = Annotated[Transfer, AfterValidator(sigmoidal_or_linear)]
SigmoidalLinearOrNotOdd = Annotated[Transfer, AfterValidator(sigmoidal_linear_or_not_odd)]
TimeScheme = Literal["euler", "adams-bashforth"]
Seed = Annotated[int, Field(ge=0, lt=SEEDS)]


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
