"""The config: what may stand in ``config.yaml``, checked before any job starts.

``load`` turns the raw mapping into a frozen, typed :class:`Config` or raises one
:class:`ConfigError` that lists, for each fault, the key's path, what was given and what is allowed.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from .specs import (
    MAX_GRID,
    Asymmetry,
    Grid,
    Interval,
    NonNegative,
    Positive,
    PositiveGrid,
    Real,
    Seed,
    Transfer,
    ordered_grid,
)
from .status import Status

SWITCHES = {"exchange", "planted"}  # the options that are yes or no
GRID_FORM = "a list of numbers, or {start, stop, number, scale: linear or log}"


class ConfigError(ValueError):
    """The config is not usable; the message lists every fault."""


class Section(BaseModel):
    """Part of the config: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Range(Section):
    """An even grid, on a linear or a logarithmic scale."""

    start: float
    stop: float
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
            faults = "; ".join(_describe(fault) for fault in error.errors())
            raise ValueError(f"a grid is {GRID_FORM}: {faults}") from None
    return [value] if isinstance(value, int | float | str) else value


Couplings = Annotated[Grid, BeforeValidator(_expand)]
Gammas = Annotated[tuple[Asymmetry, ...], BeforeValidator(_expand), AfterValidator(ordered_grid)]
Positives = Annotated[PositiveGrid, BeforeValidator(_expand)]
Count = Annotated[int, Field(ge=1)]
Size = Annotated[int, Field(ge=2, le=100_000)]
Allowed = tuple[
    Literal[tuple(status.name.lower() for status in Status if status is not Status.CONVERGED)], ...
]


class Allow(Section):
    """Outcomes that do not fail a job, by kind of result; such points are drawn as such."""

    couplings: Allowed = ()
    trajectories: Allowed = ()
    langevin: Allowed = ()
    static: Allowed = ()
    stationary: Allowed = ()
    two_time: Allowed = ()
    static_fields: Allowed = ()
    solutions: Allowed = ()
    iteration: Allowed = ()
    closed_form: Allowed = ()
    plane: Allowed = ()
    boundary: Allowed = ()
    cold_boundary: Allowed = ()
    one_step: Allowed = ()
    two_replica: Allowed = ()
    scaling: Allowed = ()
    ansatz: Allowed = ()
    annealed: Allowed = ()
    protocol: Allowed = ()


class Published(Section):
    """Size of the published procedure: draws of the fields, of x for each, and limits."""

    outer: Count
    inner: Annotated[int, Field(ge=2)]
    samples: Count
    iterations: Count
    attempts: Count


class Replica(Section):
    """How the saddle-point equations are solved, and how accurately."""

    protocol: Literal["converged", "published"]
    tolerance: Positive
    quadrature_tolerance: Positive
    published: Published


class Dmft(Section):
    """Accuracy of the static and the stationary solver."""

    tolerance: Positive


class Dynamics(Section):
    """Error control of the adaptive integrator."""

    rtol: Annotated[float, Field(ge=1e-13, le=1e-2)]
    atol: Positive


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
    planted: bool = False
    chains: Annotated[int, Field(ge=4, multiple_of=2)]
    hottest: Positive
    target_acceptance: Annotated[float, Field(gt=0, lt=1)] = 0.8
    mass_floor: Positive = 0.03
    exchange: bool = False
    swap_rate: Annotated[float, Field(gt=0.05, lt=0.95)] = 0.25
    field: NonNegative = 0.0
    step: Positive
    path_length: Positive
    warmup: Annotated[int, Field(ge=10)]
    draws: Annotated[int, Field(ge=20)]
    thin: Count = 1
    rhat_limit: Annotated[float, Field(gt=1)]
    ess_limit: Positive
    round_trip_limit: Annotated[int, Field(ge=0)] = 5
    polish_below: Positive | None = None

    def points(self) -> Iterator[tuple]:
        """What is sampled: (algorithm, g, gamma, beta, N)."""
        return itertools.product([self.algorithm], self.g, self.gamma, self.beta, [self.N])


class Point(Section):
    """A point of the phase diagram."""

    g: NonNegative
    gamma: Asymmetry


class Activity(Section):
    """Fig. 1a: the original dynamics at some points."""

    N: Size
    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    start: Interval
    duration: Positive
    interval: Positive
    neurons: Count


class SmallNetwork(Section):
    """Fig. 1c: a network written out, and where its trajectories start."""

    matrix: tuple[tuple[Real, ...], ...]
    starts: Annotated[tuple[tuple[Real, ...], ...], Field(min_length=1)]
    duration: Positive
    interval: Positive


class Fig1(Section):
    """Activity, phase diagram, small networks."""

    activity: Activity
    g_max: Positive
    small_networks: Annotated[tuple[SmallNetwork, ...], Field(min_length=1)]


class BetaCurves(Section):
    """Figs. 2 and 8: curves against beta."""

    gamma: Asymmetry
    g: Couplings
    beta: Positives
    sampling: tuple[str, ...]


class GCurves(Section):
    """Figs. 3 and 7: curves against g, one for each gamma."""

    gamma: Gammas
    g: Couplings
    beta: Positive
    sampling: tuple[str, ...]


class Fig4(Section):
    """Static DMFT."""

    gamma: Gammas
    g: Couplings


class Fig5(Section):
    """Covariance of x and phi above the transition."""

    gamma: Gammas
    g: Couplings
    beta: Positive


class Fig6(Section):
    """Zero temperature; ``small_temperature`` is where chi = (q - Q)/T is read."""

    gamma: Gammas
    g: Couplings
    small_temperature: Positive


class Fig9(Section):
    """The damped iteration, from the start (q, Q)."""

    gamma: Asymmetry
    g: Couplings
    beta: Positive
    damping: Annotated[float, Field(ge=0, lt=1)]
    iterations: Count
    tolerance: Positive
    q: Positive
    Q: Positive


class Networks(Section):
    """Networks to compare a mean-field solution with."""

    N: Size
    networks: Count


class FigS1(Section):
    """Two-time DMFT and networks."""

    g: NonNegative
    gamma: Asymmetry
    noise: NonNegative
    start: Interval
    duration: Positive
    interval: Positive
    trajectories: Annotated[int, Field(ge=100)]
    tangents: Annotated[int, Field(ge=10)]
    batches: Annotated[int, Field(ge=2)]
    simulation: Networks


class FigS2(Section):
    """Stationary autocorrelation of the chaotic state, gamma = 0, DMFT and networks."""

    g: Positives
    max_lag: Positive
    interval: Positive
    simulation: Networks
    start: Interval
    discard: NonNegative
    duration: Positive


class FigS3(Section):
    """Sampling against the replica theory; theory at ``beta``."""

    beta: Positives
    sampling: Annotated[tuple[str, ...], Field(min_length=1)]


def _breakable(gammas: tuple[float, ...]) -> tuple[float, ...]:
    if not (gammas[0] > -1 and gammas[-1] < 0):
        raise ValueError("replica symmetry breaks for gamma between -1 and 0 only")
    return gammas


class Breaking(Section):
    """Fig. S9b: one step of breaking along T; g = gc/(1 + gamma)."""

    gamma: Annotated[Gammas, AfterValidator(_breakable)]
    gc: Positives
    beta: Positives


def _above_minus_one(gammas: tuple[float, ...]) -> tuple[float, ...]:
    if gammas[0] <= -1:
        raise ValueError("g = gc/(1 + gamma) needs gamma above -1")
    return gammas


CriticalGammas = Annotated[Gammas, AfterValidator(_above_minus_one)]


class FigS4(Section):
    """The plane of g and gamma in the limit T -> 0; ``edge_g`` for the edge of the phase Q > 0."""

    gamma: Gammas
    g: Positives
    edge_g: Positives


class FigS5(Section):
    """The plane of g and T at several gamma; g = gc/(1 + gamma)."""

    gamma: CriticalGammas
    gc: Positives
    beta: Positives


class FigS6(Section):
    """q and G across the two lines of the phase diagram."""

    gamma: Annotated[float, Field(gt=0, le=1)]
    g: Positives
    beta: Positives


class FigS7(Section):
    """Critical scaling at g (1 + gamma) = 1."""

    gamma: CriticalGammas
    beta: Annotated[Positives, Field(min_length=6)]


class FigS8(Section):
    """The audit: the published procedure at some points, with its parts switched off in turn.

    Besides outer x inner, each of ``outers`` is combined with inner and each of ``inners`` with
    outer.
    """

    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    beta: Positive
    outer: Count
    inner: Annotated[int, Field(ge=2)]
    outers: tuple[Count, ...]
    inners: tuple[Annotated[int, Field(ge=2)], ...]
    samples: Count
    iterations: Count
    q: Positive
    Q: Positive


class FigS9(Section):
    """The potential of two replicas at some points, and one step of breaking."""

    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    beta: Positive
    fractions: Annotated[int, Field(ge=2, le=1000)]  # overlaps from 0 to below q
    breaking: Breaking


class FigS10(Section):
    """Finite size: experiments of several N at some points, against every replica branch."""

    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    beta: Positive
    sampling: Annotated[tuple[str, ...], Field(min_length=1)]


class Figures(Section):
    """Which figures to draw, and from what; a figure set to null is left out."""

    fig1: Fig1 | None
    fig2: BetaCurves | None
    fig3: GCurves | None
    fig4: Fig4 | None
    fig5: Fig5 | None
    fig6: Fig6 | None
    fig7: GCurves | None
    fig8: BetaCurves | None
    fig9: Fig9 | None
    figS1: FigS1 | None
    figS2: FigS2 | None
    figS3: FigS3 | None
    figS4: FigS4 | None
    figS5: FigS5 | None
    figS6: FigS6 | None
    figS7: FigS7 | None
    figS8: FigS8 | None
    figS9: FigS9 | None
    figS10: FigS10 | None

    @field_validator("*", mode="before")
    @classmethod
    def _null(cls, value: Any) -> Any:
        # Snakemake's --config gives texts.
        return None if value in ("null", "~") else value


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
    """The experiments behind the table of claims (docs/theory.md, sections 4 and 5)."""

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
    chains: Annotated[int, Field(ge=4, multiple_of=2)]
    warmup: Annotated[int, Field(ge=10)]
    draws: Annotated[int, Field(ge=20)]


class Ansatz(Section):
    """The zero-temperature ansatz at some points: is there a solution with one of these q?"""

    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    q: Positives


class Ledger(Section):
    """Second routes and evidence of the reproduction ledger."""

    annealed: Annealed | None
    ansatz: Ansatz | None


class Config(Section):
    """The whole config."""

    seed: Seed
    transfer: Transfer
    eta: NonNegative
    allow: Allow
    replica: Replica
    dmft: Dmft
    dynamics: Dynamics
    sampling: dict[str, Sampling]
    figures: Figures
    ledger: Ledger
    claims: Claims | None

    @model_validator(mode="after")
    def _known_experiments(self) -> Config:
        for name, figure in self.figures:
            seen: dict[tuple, str] = {}
            for experiment in getattr(figure, "sampling", ()):
                path = f"figures.{name}.sampling"
                if experiment not in self.sampling:
                    known = ", ".join(sorted(self.sampling)) or "nothing"
                    raise ValueError(f"{path} names {experiment!r}; sampling holds {known}")
                for point in self.sampling[experiment].points():
                    if point in seen:
                        raise ValueError(
                            f"{path}: {seen[point]!r} and {experiment!r} both sample "
                            f"(algorithm, g, gamma, beta, N) = {point}"
                        )
                    seen[point] = experiment
        return self

    @model_validator(mode="after")
    def _regular_limit(self) -> Config:
        if self.eta > 0 and self.figures.fig6 is not None:
            raise ValueError(
                f"eta is {self.eta:g}, but figures.fig6 asks for T = 0, which is regular for "
                "eta = 0 only: set figures.fig6 to null"
            )
        return self


def _booleans(value: Any, path: str = "") -> list[str]:
    """Paths of the yes/no values in a raw config where there is no such option."""
    if isinstance(value, bool) and path.rpartition(".")[2] not in SWITCHES:
        return [f"{path}: got {value}; allowed: a number, a text or a list, never yes or no"]
    if isinstance(value, Mapping):
        items = [(str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list | tuple):
        items = [(str(index), inner) for index, inner in enumerate(value)]
    else:
        items = []
    return [
        fault
        for key, inner in items
        for fault in _booleans(inner, f"{path}.{key}" if path else key)
    ]


def _describe(fault: dict[str, Any]) -> str:
    """One fault in one line: path, what was given, what is allowed."""
    path = ".".join(str(part) for part in fault["loc"]) or "config"
    given = repr(fault["input"])
    if len(given) > 80:
        given = given[:77] + "..."
    match fault["type"]:
        case "missing":
            return f"{path}: missing"
        case "extra_forbidden":
            return f"{path}: unknown key (got {given})"
        case "value_error" if isinstance(fault["input"], dict | BaseModel):
            return f"{path}: {fault['ctx']['error']}"
        case "value_error":
            return f"{path}: got {given}; {fault['ctx']['error']}"
    allowed = fault["msg"].removeprefix("Input should be ")
    allowed = re.sub(r"a valid dictionary or instance of \w+", "a mapping", allowed)
    return f"{path}: got {given}; allowed: {allowed}"


def message(where: str, error: ValidationError) -> str:
    """One line for each fault, under a heading."""
    lines = (f"  {_describe(fault)}" for fault in error.errors())
    return "\n".join([f"the config is not valid, {where}:", *lines])


def load(raw: Mapping[str, Any]) -> Config:
    """Check the raw config.

    Parameters
    ----------
    raw : mapping
        What YAML and the command line gave.

    Raises
    ------
    ConfigError
        With one line for each fault.
    """
    faults = _booleans(raw)
    if faults:
        raise ConfigError("\n".join(["the config is not valid:", *(f"  {f}" for f in faults)]))
    try:
        return Config.model_validate(dict(raw))
    except ValidationError as error:
        raise ConfigError(message("by key", error)) from None
