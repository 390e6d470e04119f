"""The config: what may stand in ``config.yaml``, checked before any job starts.

``load`` turns the raw mapping into a frozen, typed :class:`Config` or raises one
:class:`ConfigError` that lists, for each fault, the key's path, what was given and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from ..specs.fields import NonNegative, Positive, Seed, Transfer
from ..status import Status
from .faults import ConfigError, described, listed, malformed
from .fields import MAX_COUNT, Count, Section
from .figures import AT_ZERO_ETA, AT_ZERO_GAMMA, OVER_N, BetaCurves, Figures, GCurves
from .sampling import Sampling
from .tables import Claims, Ledger

#: What a plan is made for in seconds: jobs, and points of all its grids.
MAX_JOBS = 20_000
MAX_POINTS = 200_000
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
            if name in (*OVER_N, *AT_ZERO_GAMMA):
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
    def _without_confinement(self) -> Config:
        drawn = [name for name in AT_ZERO_ETA if getattr(self.figures, name) is not None]
        if self.eta > 0 and drawn:
            raise ValueError(
                f"eta is {self.eta:g}, but the theory of {', '.join(drawn)} is of eta = 0: set "
                "these figures to null"
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
    if figure in OVER_N and sampling.networks < 2:
        return "one network, an error over networks needs two"
    return None


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
    faults = malformed(raw)
    if faults:
        raise ConfigError(f"the config is not valid:\n{listed(faults)}")
    try:
        return Config.model_validate(dict(raw))
    except ValidationError as error:
        raise ConfigError(f"the config is not valid, by key:\n{described(error)}") from None
