"""Specs that several figures and tables ask for: curves, networks, samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ..config import Config
from ..config import figures as sections
from ..config.sampling import Sampling
from ..specs import (
    BatchSpec,
    CouplingsSpec,
    LangevinSpec,
    Planted,
    ProtocolSpec,
    ReplicaSpec,
    Spec,
    TrajectoriesSpec,
)
from ..specs.fields import canonical_float, listed

Sources = dict[str, list[Spec]]


def temperatures_of(beta: float | tuple[float, ...]) -> tuple[float, ...]:
    """T = 1/beta, of one value or of a grid."""
    return tuple(1.0 / value for value in listed(beta))


def fractions_of(number: int) -> tuple[float, ...]:
    """Overlaps of two replicas in units of q, from 0 to below 1."""
    return tuple(i / number for i in range(number))


def by_gamma(points: Iterable[tuple[float, float]]) -> dict[float, tuple[float, ...]]:
    """Values of a second parameter for each gamma, each once."""
    values: dict[float, set[float]] = {}
    for gamma, value in points:
        values.setdefault(gamma, set()).add(canonical_float(value))
    return {gamma: tuple(sorted(group)) for gamma, group in sorted(values.items())}


def accuracy_of(config: Config) -> dict[str, float]:
    """Tolerances of the replica theory, as fields of a spec."""
    return config.replica.model_dump(include={"tolerance", "quadrature_tolerance"})


def replica_spec(config: Config, gamma: float, g, temperatures) -> ReplicaSpec:
    """Converged solutions of the replica theory with the model and accuracy of the config."""
    return ReplicaSpec(
        gamma=gamma,
        g=g,
        temperatures=temperatures,
        eta=config.eta,
        transfer=config.transfer,
        **accuracy_of(config),
    )


def theory_curves(
    config: Config, gamma: float, g, temperatures, sweep: Literal["g", "beta"]
) -> ReplicaSpec | ProtocolSpec:
    """Curves of the theory as the config wants them: converged, or by the published procedure."""
    if config.replica.protocol == "converged":
        return replica_spec(config, gamma, g, temperatures)
    return ProtocolSpec(
        gamma=gamma,
        g=g,
        temperatures=temperatures,
        sweep=sweep,
        eta=config.eta,
        transfer=config.transfer,
        seed=config.seed,
        **config.replica.published.model_dump(),
    )


def networks_of(
    config: Config,
    N: int,
    gamma: float,
    number: int,
    planted: Planted | None = None,
    step: int = 1,
) -> list[CouplingsSpec]:
    """A number of networks, or every ``step``-th of them."""
    return [
        CouplingsSpec(N=N, gamma=gamma, seed=config.seed + i, planted=planted)
        for i in range(0, number, step)
    ]


def simulation_runs(
    config: Config, networks: sections.Networks, gamma: float, **fields
) -> list[TrajectoriesSpec]:
    """Trajectories on some networks, ``networks_per_job`` of them in one job."""
    number, step = networks.networks, networks.networks_per_job
    first = networks_of(config, networks.N, gamma, number, step=step)
    together = [min(step, number - k * step) for k in range(len(first))]
    return [
        TrajectoriesSpec(
            couplings=couplings,
            networks=several if several > 1 else None,
            neurons=1,
            seed=config.seed,
            **fields,
        )
        for couplings, several in zip(first, together, strict=True)
    ]


def sampling_runs(config: Config, names: Iterable[str]) -> list[LangevinSpec | BatchSpec]:
    """Runs of some experiments, or batches of ``networks_per_job`` of them."""

    def networks(experiment: Sampling, gamma: float, g: float) -> list[CouplingsSpec]:
        planted = None
        if experiment.planted:
            coldest = min(temperatures_of(experiment.beta))
            planted = Planted(g=g, temperature=coldest, transfer=config.transfer)
        number, step = experiment.networks, experiment.networks_per_job
        return networks_of(config, experiment.N, gamma, number, planted, step)

    def job(run: LangevinSpec, number: int) -> LangevinSpec | BatchSpec:
        return run if number == 1 else BatchSpec(first=run, networks=number)

    of_plan = {"g", "gamma", "beta", "N", "networks", "networks_per_job", "planted"}
    return [
        job(
            LangevinSpec(
                couplings=couplings,
                g=g,
                transfer=config.transfer,
                eta=config.eta,
                temperatures=temperatures_of(experiment.beta),
                seed=config.seed,
                **experiment.model_dump(exclude=of_plan),
            ),
            experiment.networks_per_job,
        )
        for experiment in (config.sampling[name] for name in names)
        for gamma in experiment.gamma
        for g in experiment.g
        for couplings in networks(experiment, gamma, g)
    ]


def audit_runs(config: Config, figure: sections.FigS8) -> list[ProtocolSpec]:
    """Each point by the published procedure: with parts switched off, and with other sizes."""
    size = {"outer": figure.outer, "inner": figure.inner}
    sampled = {"samples": figure.samples, "stopping": False}
    variants = [
        {"averages": "quadrature"},
        {"averages": "quadrature", "stopping": False},
        {"samples": figure.samples},
        sampled,
        sampled | {"clipping": False},
        sampled | {"fields": False},
        *(sampled | {"outer": outer} for outer in figure.outers),
        *(sampled | {"inner": inner} for inner in figure.inners),
    ]
    return [
        ProtocolSpec(
            gamma=gamma,
            g=g,
            temperatures=temperatures_of(figure.beta),
            sweep="beta",  # of one temperature: each g starts anew
            transfer=config.transfer,
            iterations=figure.iterations,
            attempts=1,
            q=figure.q,
            Q=figure.Q,
            seed=config.seed,
            **(size | variant),
        )
        for gamma, g in by_gamma((point.gamma, point.g) for point in figure.points).items()
        for variant in variants
    ]
