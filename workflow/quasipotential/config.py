"""The config: what may stand in ``config.yaml``, checked before any job starts.

``load`` turns the raw mapping into a frozen, typed :class:`Config` or raises one
:class:`ConfigError` that lists, for each fault, the key's path, what was given and what is allowed.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
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
    AboveOnsetGrid,
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

SWITCHES = {"exchange", "planted", "rescale"}  # the options that are yes or no
MAX_VALUES = 100_000  # in a raw config
MAX_DEPTH = 20
MAX_FAULTS = 20  # that are listed
MAX_COUNT = 10**9
#: What a plan is made for in seconds: jobs, and points of all its grids.
MAX_JOBS = 20_000
MAX_POINTS = 200_000
#: Figures beside a theory of gamma = 0 and eta = 0.
AT_ZERO_GAMMA = ("figS12", "figS17")
#: Figures that extrapolate averages over networks.
EXTRAPOLATED = ("figS10", "figS11")
MOST_RECORDS = 401  # beyond which networks do not keep their two-time correlation
GRID_FORM = "a list of numbers, or {start, stop, number, scale: linear or log}"


class ConfigError(ValueError):
    """The config is not usable; the message lists every fault."""


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
            faults = "; ".join(_describe(fault) for fault in error.errors())
            raise ValueError(f"a grid is {GRID_FORM}: {faults}") from None
    return [value] if isinstance(value, int | float | str) else value


Couplings = Annotated[Grid, BeforeValidator(_expand)]
Gammas = Annotated[tuple[Asymmetry, ...], BeforeValidator(_expand), AfterValidator(ordered_grid)]
Positives = Annotated[PositiveGrid, BeforeValidator(_expand)]
AboveOnset = Annotated[AboveOnsetGrid, BeforeValidator(_expand)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Size = Annotated[int, Field(ge=2, le=100_000)]
Allowed = tuple[
    Literal[tuple(status.name.lower() for status in Status if status is not Status.CONVERGED)], ...
]


class Allow(Section):
    """Outcomes that do not fail a job, by kind of result; such points are drawn as such."""

    couplings: Allowed = ()
    trajectories: Allowed = ()
    lyapunov: Allowed = ()
    langevin: Allowed = ()
    static: Allowed = ()
    stationary: Allowed = ()
    two_time: Allowed = ()
    two_time_deterministic: Allowed = ()
    static_fields: Allowed = ()
    static_plane: Allowed = ()
    static_roots: Allowed = ()
    comparison: Allowed = ()
    weighting: Allowed = ()
    solutions: Allowed = ()
    iteration: Allowed = ()
    closed_form: Allowed = ()
    complexity: Allowed = ()
    cold_networks: Allowed = ()
    equal_energy: Allowed = ()
    plane: Allowed = ()
    boundary: Allowed = ()
    cold_boundary: Allowed = ()
    one_step: Allowed = ()
    two_replica: Allowed = ()
    scaling: Allowed = ()
    ansatz: Allowed = ()
    minimum_search: Allowed = ()
    annealed: Allowed = ()
    protocol: Allowed = ()


class Published(Section):
    """Size of the published procedure: draws of the fields, of x for each, and limits."""

    outer: Count
    inner: Annotated[int, Field(ge=2, le=MAX_COUNT)]
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

    def shows(self, sampling: Sampling) -> bool:
        """Whether a sampled point belongs to a curve."""
        return self.gamma in sampling.gamma and not set(self.g).isdisjoint(sampling.g)


class GCurves(Section):
    """Figs. 3 and 7: curves against g, one for each gamma."""

    gamma: Gammas
    g: Couplings
    beta: Positive
    sampling: tuple[str, ...]

    def shows(self, sampling: Sampling) -> bool:
        """Whether a sampled point belongs to a curve."""
        return self.beta in sampling.beta and not set(self.gamma).isdisjoint(sampling.gamma)


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
    networks_per_job: Count = 1


class FigS1(Section):
    """Two-time DMFT and networks."""

    g: NonNegative
    gamma: Asymmetry
    noise: NonNegative
    start: Interval
    duration: Positive
    interval: Positive
    trajectories: Annotated[int, Field(ge=100, le=MAX_COUNT)]
    tangents: Annotated[int, Field(ge=10, le=MAX_COUNT)]
    batches: Annotated[int, Field(ge=2, le=MAX_COUNT)]
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
    inner: Annotated[int, Field(ge=2, le=MAX_COUNT)]
    outers: tuple[Count, ...]
    inners: tuple[Annotated[int, Field(ge=2, le=MAX_COUNT)], ...]
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


class LyapunovNetworks(Section):
    """Largest Lyapunov exponents of networks; ``interval`` is the finer of two steps."""

    g: Positive
    N: Annotated[tuple[Size, ...], Field(min_length=1)]
    networks: Count
    copies: Annotated[int, Field(ge=2, le=MAX_COUNT)]  # trajectories on each
    start: Interval
    discard: NonNegative
    duration: Positive
    interval: Positive


class FigS15(Section):
    """Stationary DMFT from the onset on, with noise, and Lyapunov exponents of networks."""

    distance: Positives  # g - 1
    noise: Positives  # sigma, besides 0
    max_lag: Positive
    interval: Positive
    simulation: LyapunovNetworks


class Weighting(Section):
    """Fixed points of small networks, averaged with three weights; sizes up to ``largest``
    enumerated, all by an integral over x."""

    gamma: CriticalGammas
    N: Annotated[tuple[Size, ...], Field(min_length=1), AfterValidator(ordered_grid)]
    largest: Size
    networks: Annotated[int, Field(ge=2, le=MAX_COUNT)]
    starts: Count
    rounds: Count
    draws: Annotated[int, Field(ge=100, le=MAX_COUNT)]


class Attractor(Networks):
    """Time averages on networks, at several gamma and the largest g of the figure."""

    gamma: Gammas
    start: Interval
    discard: NonNegative
    duration: Positive
    interval: Positive


class FigS13(Section):
    """Aging at (g, gamma) by C(t + t_w, t_w); the stationary state of gamma = 0, reference_g."""

    g: Positive
    gamma: Asymmetry
    reference_g: Annotated[float, Field(gt=1)]
    start: Interval
    duration: Positive
    interval: Positive
    waiting: Positives  # values of t_w
    trajectories: Annotated[int, Field(ge=100)]
    tangents: Annotated[int, Field(ge=10)]
    batches: Annotated[int, Field(ge=2)]
    simulation: Networks

    @model_validator(mode="after")
    def _consistent(self) -> FigS13:
        if not self.waiting[-1] < self.duration:
            raise ValueError("waiting must end before duration")
        records = round(self.duration / self.interval) + 1
        if records > MOST_RECORDS:
            raise ValueError(
                f"duration/interval gives {records} records, networks keep their two-time "
                f"correlation up to {MOST_RECORDS}"
            )
        return self


class FigS14(Section):
    """Replica theory, static DMFT and the attractor; curves against gamma at the largest g.

    ``slope_step`` is the largest |gamma| of the difference quotients at gamma = 0.
    """

    gamma: Gammas
    slope_step: Annotated[float, Field(gt=0, le=0.1)]
    g: AboveOnset
    beta: Annotated[Positives, Field(min_length=2)]
    weighting: Weighting
    attractor: Attractor | None

    def extent(self) -> int:
        """Points of the curves, and those of the two sections: they do not multiply."""
        curves = len(self.gamma) * len(self.g) * (1 + len(self.beta))
        sections = (section for section in (self.weighting, self.attractor) if section is not None)
        return curves + sum(section.extent() for section in sections)


class ManyValued(Section):
    """Static DMFT where a unit has several roots: g at one gamma."""

    gamma: Annotated[float, Field(gt=0, le=1)]
    g: Positives


class FigS16(Section):
    """Static DMFT over gamma and gc = g (1 + gamma); ``curves`` are drawn against gc."""

    gamma: CriticalGammas
    gc: Positives
    curves: Gammas
    many_valued: ManyValued

    @model_validator(mode="after")
    def _on_the_plane(self) -> FigS16:
        missing = sorted(set(self.curves) - set(self.gamma))
        if missing:
            raise ValueError(f"curves must be among gamma, {missing[0]:g} is not")
        return self


class FigS11(Section):
    """As Fig. S10, judged at several temperatures."""

    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    beta: Positives
    sampling: Annotated[tuple[str, ...], Field(min_length=1)]


class ColdNetworks(Section):
    """Networks of which all fixed points are found: every g with every N."""

    g: AboveOnset
    N: Annotated[tuple[Size, ...], Field(min_length=1), AfterValidator(ordered_grid)]
    networks: Annotated[int, Field(ge=2, le=MAX_COUNT)]
    curves: Count
    rounds: Count

    def extent(self) -> int:
        """Networks of all sizes and gains."""
        return len(self.g) * len(self.N) * self.networks


class FigS12(Section):
    """Overlaps of small networks at gamma = 0 against N times the complexity, up to 1/``beta``;
    at T -> 0 by their fixed points."""

    beta: Positive
    sampling: Annotated[tuple[str, ...], Field(min_length=1)]
    enumerated: tuple[ColdNetworks, ...]

    @model_validator(mode="after")
    def _once(self) -> FigS12:
        groups = [(g, N) for group in self.enumerated for g in group.g for N in group.N]
        if len(groups) > len(set(groups)):
            raise ValueError("enumerated holds a pair of g and N twice")
        return self


class FigS17(Section):
    """Measure and attractor at gamma = 0: at equal energy against ``g``; at ``points`` in T."""

    g: AboveOnset
    points: AboveOnset
    beta: Positives
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
    figS11: FigS11 | None
    figS12: FigS12 | None
    figS13: FigS13 | None
    figS17: FigS17 | None
    figS14: FigS14 | None
    figS15: FigS15 | None
    figS16: FigS16 | None

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


def _all_left_out(section: Any) -> Any:
    return dict.fromkeys(Ledger.model_fields) if section is None else section


class Config(Section):
    """The whole config."""

    seed: Seed
    transfer: Transfer
    eta: NonNegative
    on_nonconvergence: Literal["fail", "store"]
    allow: Allow
    replica: Replica
    dmft: Dmft
    dynamics: Dynamics
    sampling: dict[str, Sampling]
    figures: Figures
    ledger: Annotated[Ledger, BeforeValidator(_all_left_out)]
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
    def _comparable_experiments(self) -> Config:
        for name, figure in self.figures:
            experiments = getattr(figure, "sampling", ())
            for experiment in experiments:
                if fault := _misfit(self.sampling[experiment], name, figure):
                    raise ValueError(f"figures.{name}.sampling: {experiment!r} has {fault}")
            if name in (*EXTRAPOLATED, *AT_ZERO_GAMMA):
                self._check_pooled(name, experiments)
        return self

    def _check_pooled(self, name: str, experiments: Iterable[str]) -> None:
        """Check that a figure pools networks of one kind at each of its points."""
        kinds: dict[tuple, tuple[str, str]] = {}
        for experiment in experiments:
            sampling = self.sampling[experiment]
            for _, *point, N in sampling.points():
                key = (*point, N) if name in AT_ZERO_GAMMA else tuple(point)
                other, kind = kinds.setdefault(key, (experiment, sampling.kind()))
                if kind != sampling.kind():
                    raise ValueError(
                        f"figures.{name}.sampling: at (g, gamma, beta) = {tuple(point)} "
                        f"{other!r} is {kind} and {experiment!r} is {sampling.kind()}; the "
                        "figure takes one of them"
                    )

    @model_validator(mode="after")
    def _feasible(self) -> Config:
        jobs = sum(experiment.jobs() for experiment in self.sampling.values())
        if jobs > MAX_JOBS:
            raise ValueError(
                f"sampling asks for {jobs} jobs, at most {MAX_JOBS} can be planned: "
                "lower networks or raise networks_per_job"
            )
        for name, section in [
            *((f"sampling.{name}", experiment) for name, experiment in self.sampling.items()),
            *((f"figures.{name}", figure) for name, figure in self.figures),
            ("ledger", self.ledger),
            ("claims", self.claims),
        ]:
            if section is not None and (number := section.extent()) > MAX_POINTS:
                raise ValueError(
                    f"{name} asks for {number} points, at most {MAX_POINTS} can be planned: "
                    "shorten its grids"
                )
        return self

    @model_validator(mode="after")
    def _regular_limit(self) -> Config:
        if self.eta > 0 and self.figures.fig6 is not None:
            raise ValueError(
                f"eta is {self.eta:g}, but figures.fig6 asks for T = 0, which is regular for "
                "eta = 0 only: set figures.fig6 to null"
            )
        for name in AT_ZERO_GAMMA:
            if self.eta > 0 and getattr(self.figures, name) is not None:
                raise ValueError(
                    f"eta is {self.eta:g}, but figures.{name} shows samples beside a theory of "
                    f"eta = 0: set figures.{name} to null"
                )
        return self


def _misfit(sampling: Sampling, figure: str, section: Section) -> str | None:
    """Why an experiment cannot be in a figure."""
    if isinstance(section, BetaCurves | GCurves) and not section.shows(sampling):
        return "no point that belongs to a curve of the figure"
    if sampling.field > 0:
        return f"a field of {sampling.field:g}, the measure of the figure has none: set it to 0"
    if figure in AT_ZERO_GAMMA and set(sampling.gamma) != {0.0}:
        return f"gamma {list(sampling.gamma)}, the figure is at gamma = 0"
    if figure in AT_ZERO_GAMMA and sampling.planted:
        return "planted networks, the figure is about unweighted ones"
    if figure in EXTRAPOLATED and sampling.networks < 2:
        return "one network, an error over networks needs two"
    return None


def _values(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, int, Any]]:
    """Every value in a raw config, with its path and how deep it stands."""
    yield path, depth, value
    if isinstance(value, Mapping):
        items = [(_printable(key), inner) for key, inner in value.items()]
    elif isinstance(value, list | tuple):
        items = [(str(index), inner) for index, inner in enumerate(value)]
    else:
        return
    for key, inner in items:
        yield from _values(inner, f"{path}.{key}" if path else key, depth + 1)


def _malformed(raw: Mapping[str, Any]) -> list[str]:
    """Faults of a raw config that no section could tell: its size, and yes or no as a number."""
    faults = []
    for number, (path, depth, value) in enumerate(_values(raw)):
        if number > MAX_VALUES or depth > MAX_DEPTH:
            limit = f"more than {MAX_VALUES} values, or is nested more than {MAX_DEPTH} deep"
            return [f"{path[:80]}: the config holds {limit}"]
        if isinstance(value, int) and abs(value) >= 2**63:
            faults.append(f"{path}: got an integer of more than 18 digits")
        if isinstance(value, bool) and path.rpartition(".")[2] not in SWITCHES:
            allowed = "a number, a text or a list, never yes or no"
            faults.append(f"{path}: got {value}; allowed: {allowed}")
    return faults


def _shown(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # Python shows no integer of more than 4300 digits
        return "a huge integer"


def _printable(key: object) -> str:
    """A key as it can be shown: what is no letter is escaped, what is long is cut."""
    text = _shown(key)[1:-1] if isinstance(key, str) else _shown(key)
    return text if len(text) <= 60 else text[:57] + "..."


def _describe(fault: dict[str, Any]) -> str:
    """One fault in one line: path, what was given, what is allowed."""
    path = ".".join(_printable(part) for part in fault["loc"])
    given = _shown(fault["input"])
    if len(given) > 80:
        given = given[:77] + "..."
    match fault["type"]:
        case "missing":
            return f"{path}: missing"
        case "extra_forbidden":
            return f"{path}: unknown key (got {given})"
        case "value_error" if isinstance(fault["input"], dict | BaseModel):
            return f"{path}: {fault['ctx']['error']}" if path else str(fault["ctx"]["error"])
        case "value_error":
            return f"{path}: got {given}; {fault['ctx']['error']}"
    allowed = fault["msg"].removeprefix("Input should be ")
    allowed = re.sub(r"a valid dictionary or instance of \w+", "a mapping", allowed)
    allowed = allowed.replace("a valid tuple", "a list")
    return f"{path}: got {given}; allowed: {allowed}"


def described(error: ValidationError) -> str:
    """One line for each fault."""
    return _listed(map(_describe, error.errors()))


def _listed(faults: Iterable[str]) -> str:
    """One line for each fault, the first of them if there are many."""
    lines = [f"  {fault}" for fault in faults]
    if len(lines) > MAX_FAULTS:
        lines[MAX_FAULTS:] = [f"  and {len(lines) - MAX_FAULTS} more"]
    return "\n".join(lines)


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
    faults = _malformed(raw)
    if faults:
        raise ConfigError(f"the config is not valid:\n{_listed(faults)}")
    try:
        return Config.model_validate(dict(raw))
    except ValidationError as error:
        raise ConfigError(f"the config is not valid, by key:\n{described(error)}") from None
