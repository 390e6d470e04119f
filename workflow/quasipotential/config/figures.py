"""The sections of figures: what each is drawn from."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from ..specs.fields import Asymmetry, Interval, NonNegative, Positive, Real, ordered_grid
from .fields import (
    MAX_COUNT,
    AboveOnset,
    Count,
    Couplings,
    CriticalGammas,
    Gammas,
    Point,
    Positives,
    Section,
    Size,
)
from .sampling import Sampling

#: Figures beside a theory of gamma = 0.
AT_ZERO_GAMMA = ("figS12", "figS17")
#: Figures of theories without confinement, or at T = 0, which is regular without it only.
AT_ZERO_ETA = ("fig6", "fig9", "figS4", "figS5", "figS6", "figS7", "figS8", "figS9", "figS12")
AT_ZERO_ETA += ("figS14", "figS17")
#: Figures about how averages over networks go with N.
OVER_N = ("figS10", "figS11", "figS18")
MOST_RECORDS = 401  # beyond which networks do not keep their two-time correlation


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
    """Covariance of x and phi across the transition."""

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


def _breakable(gammas: tuple[float, ...]) -> tuple[float, ...]:
    if not (gammas[0] > -1 and gammas[-1] < 0):
        raise ValueError("replica symmetry breaks for gamma between -1 and 0 only")
    return gammas


class Breaking(Section):
    """Fig. S9b: one step of breaking along T; g = gc/(1 + gamma)."""

    gamma: Annotated[Gammas, AfterValidator(_breakable)]
    gc: Positives
    beta: Positives


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


class FigS11(Section):
    """As Fig. S10 at several temperatures; Fig. S18 likewise."""

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
    figS18: FigS11 | None

    @field_validator("*", mode="before")
    @classmethod
    def _null(cls, value: Any) -> Any:
        # Snakemake's --config gives texts.
        return None if value in ("null", "~") else value
