"""The plan: every result that a config asks for, found by stage and key.

Each figure names its sources by role; the plan is the union of these and of what they need.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

from pydantic import ValidationError

from . import config as cfg
from .specs import (
    LEAST_WORK,
    STAGES,
    AnnealedSpec,
    AnsatzSpec,
    BatchSpec,
    BoundarySpec,
    ClosedFormSpec,
    ColdBoundarySpec,
    ColdNetworksSpec,
    ComparisonSpec,
    ComplexitySpec,
    CouplingsSpec,
    EqualEnergySpec,
    FigureSpec,
    IterationSpec,
    LangevinSpec,
    LyapunovSpec,
    MinimumSearchSpec,
    OneStepSpec,
    PlaneSpec,
    Planted,
    ProtocolSpec,
    ReplicaSpec,
    ScalingSpec,
    Spec,
    StaticDmftSpec,
    StaticFieldsSpec,
    StaticPlaneSpec,
    StaticRootsSpec,
    StationaryDmftSpec,
    TrajectoriesSpec,
    TwoReplicaSpec,
    TwoTimeDeterministicDmftSpec,
    TwoTimeDmftSpec,
    WeightingSpec,
    canonical_float,
)

Sources = dict[str, list[Spec]]
EDGE_REFINEMENT = 4  # an edge is drawn with this many points for each step of its plane


@dataclass(frozen=True)
class Plan:
    """All results of a config.

    Attributes
    ----------
    stages : dict
        Stage -> key -> spec, without the figures.
    figures : dict
        Name of the figure -> its spec.
    ledger : FigureSpec
        The table of all published values beside ours, from the tables of the figures.
    claims : FigureSpec or None
        The table of the theory's claims.
    """

    stages: dict[str, dict[str, Spec]]
    figures: dict[str, FigureSpec]
    ledger: FigureSpec
    claims: FigureSpec | None

    @property
    def named(self) -> dict[str, FigureSpec]:
        """What has a stable name in results/figures: figures and tables."""
        tables = {"ledger": self.ledger} | ({"claims": self.claims} if self.claims else {})
        return self.figures | tables

    def spec(self, stage: str, key: str) -> Spec:
        """Spec of a result.

        Raises
        ------
        KeyError
            If the config does not ask for it.
        """
        try:
            return self.stages[stage][key]
        except KeyError:
            raise KeyError(
                f"the config asks for no result {key!r} in stage {stage!r}; "
                "results/index.csv lists the keys"
            ) from None

    def is_small(self, stage: str) -> bool:
        """Whether all results of a stage are too little work for a cluster."""
        return all(spec.seconds() < LEAST_WORK for spec in self.stages[stage].values())

    def groups(self, stage: str) -> Callable[..., str | None] | None:
        """Group of a job from its wildcards; None for a stage that is small."""
        if self.is_small(stage):
            return None
        return lambda wildcards: self.spec(stage, wildcards.key).group()

    def paths(self, stage: str) -> list[str]:
        """Files of a stage."""
        return [path(spec) for spec in self.stages[stage].values()]


def path(spec: Spec) -> str:
    """The only place where a result may live."""
    return f"results/{spec.stage}/{spec.key}.nc"


def figure_file(spec: FigureSpec, suffix: str) -> str:
    """File of a figure in one format."""
    return f"results/{spec.stage}/{spec.key}.{suffix}"


def _temperatures(beta: Iterable[float]) -> tuple[float, ...]:
    return tuple(1.0 / value for value in beta)


def _accuracy(config: cfg.Config) -> dict[str, float]:
    return config.replica.model_dump(include={"tolerance", "quadrature_tolerance"})


def _replica(config: cfg.Config, gamma: float, g, temperatures) -> ReplicaSpec:
    return ReplicaSpec(
        gamma=gamma,
        g=g,
        temperatures=temperatures,
        eta=config.eta,
        transfer=config.transfer,
        **_accuracy(config),
    )


def _curves(
    config: cfg.Config, gamma: float, g, temperatures, sweep: Literal["g", "beta"]
) -> ReplicaSpec | ProtocolSpec:
    """Curves of the theory as the config wants them: converged, or by the published procedure."""
    if config.replica.protocol == "converged":
        return _replica(config, gamma, g, temperatures)
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


def _networks(
    config: cfg.Config,
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


def _simulation(
    config: cfg.Config, networks: cfg.Networks, gamma: float, **fields
) -> list[TrajectoriesSpec]:
    """Trajectories on some networks, ``networks_per_job`` of them in one job."""
    number, step = networks.networks, networks.networks_per_job
    first = _networks(config, networks.N, gamma, number, step=step)
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


def _sampling(config: cfg.Config, names: Iterable[str]) -> list[LangevinSpec | BatchSpec]:
    """Runs of some experiments, or batches of ``networks_per_job`` of them."""

    def networks(experiment: cfg.Sampling, gamma: float, g: float) -> list[CouplingsSpec]:
        planted = None
        if experiment.planted:
            coldest = min(_temperatures(experiment.beta))
            planted = Planted(g=g, temperature=coldest, transfer=config.transfer)
        number, step = experiment.networks, experiment.networks_per_job
        return _networks(config, experiment.N, gamma, number, planted, step)

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
                temperatures=_temperatures(experiment.beta),
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


def _fig1(config: cfg.Config, figure: cfg.Fig1) -> Sources:
    activity = figure.activity
    common = {"transfer": config.transfer, "seed": config.seed}
    return {
        "activity": [
            TrajectoriesSpec(
                couplings=_networks(config, activity.N, point.gamma, 1)[0],
                g=point.g,
                method="euler",
                **activity.model_dump(exclude={"N", "points"}),
                **common,
            )
            for point in activity.points
        ],
        "small_networks": [
            TrajectoriesSpec(
                matrix=network.matrix,
                g=1.0,
                start=network.starts,
                duration=network.duration,
                interval=network.interval,
                method="dop853",
                neurons=len(network.matrix),
                **config.dynamics.model_dump(),
                **common,
            )
            for network in figure.small_networks
        ],
    }


def _beta_curves(config: cfg.Config, figure: cfg.BetaCurves) -> Sources:
    return {
        "replica": [_curves(config, figure.gamma, figure.g, _temperatures(figure.beta), "beta")],
        "sampling": _sampling(config, figure.sampling),
    }


def _g_curves(config: cfg.Config, figure: cfg.GCurves) -> Sources:
    temperatures = _temperatures([figure.beta])
    return {
        "replica": [_curves(config, gamma, figure.g, temperatures, "g") for gamma in figure.gamma],
        "sampling": _sampling(config, figure.sampling),
    }


def _fig4(config: cfg.Config, figure: cfg.Fig4) -> Sources:
    return {
        "dmft": [
            StaticDmftSpec(
                gamma=gamma,
                g=figure.g,
                transfer=config.transfer,
                tolerance=config.dmft.tolerance,
            )
            for gamma in figure.gamma
        ]
    }


def _fig5(config: cfg.Config, figure: cfg.Fig5) -> Sources:
    temperatures = _temperatures([figure.beta])
    return {
        "replica": [_curves(config, gamma, figure.g, temperatures, "g") for gamma in figure.gamma]
    }


def _fig6(config: cfg.Config, figure: cfg.Fig6) -> Sources:
    temperatures = (0.0, figure.small_temperature)
    return {"replica": [_replica(config, gamma, figure.g, temperatures) for gamma in figure.gamma]}


def _fig9(config: cfg.Config, figure: cfg.Fig9) -> Sources:
    (temperature,) = _temperatures([figure.beta])
    iteration: Spec = IterationSpec(
        gamma=figure.gamma,
        g=figure.g,
        temperature=temperature,
        transfer=config.transfer,
        quadrature_tolerance=config.replica.quadrature_tolerance,
        **figure.model_dump(exclude={"gamma", "g", "beta"}),
    )
    if config.replica.protocol == "published":
        iteration = ProtocolSpec(
            gamma=figure.gamma,
            g=figure.g,
            temperatures=(temperature,),
            sweep="beta",  # of one temperature: each g starts anew
            transfer=config.transfer,
            damping=((0, figure.damping),),
            q=figure.q,
            Q=figure.Q,
            stopping=False,
            seed=config.seed,
            **config.replica.published.model_dump() | {"iterations": figure.iterations},
        )
    return {
        "iteration": [iteration],
        "replica": [_replica(config, figure.gamma, figure.g, (temperature,))],
    }


def _figS1(config: cfg.Config, figure: cfg.FigS1) -> Sources:
    common = {
        "g": figure.g,
        "transfer": config.transfer,
        "noise": figure.noise,
        "start": figure.start,
        "duration": figure.duration,
        "interval": figure.interval,
    }
    return {
        "dmft": [
            TwoTimeDmftSpec(
                gamma=figure.gamma,
                trajectories=figure.trajectories,
                tangents=figure.tangents,
                batches=figure.batches,
                seed=config.seed,
                **common,
            )
        ],
        "simulation": _simulation(
            config, figure.simulation, figure.gamma, method="euler", **common
        ),
    }


def _figS2(config: cfg.Config, figure: cfg.FigS2) -> Sources:
    return {
        "dmft": [
            StationaryDmftSpec(
                g=figure.g,
                transfer=config.transfer,
                duration=figure.max_lag,
                interval=figure.interval,
                tolerance=config.dmft.tolerance,
            )
        ],
        "simulation": [
            spec
            for g in figure.g
            for spec in _simulation(
                config,
                figure.simulation,
                0.0,
                g=g,
                transfer=config.transfer,
                start=figure.start,
                discard=figure.discard,
                duration=figure.duration,
                interval=figure.interval,
                method="dop853",
                **config.dynamics.model_dump(),
            )
        ],
    }


def _figS3(config: cfg.Config, figure: cfg.FigS3) -> Sources:
    sampled: dict[float, set[float]] = {}
    for name in figure.sampling:
        for gamma in config.sampling[name].gamma:
            sampled.setdefault(gamma, set()).update(config.sampling[name].g)
    temperatures = _temperatures(figure.beta)
    return {
        "replica": [
            _replica(config, gamma, tuple(g), temperatures) for gamma, g in sorted(sampled.items())
        ],
        "sampling": _sampling(config, figure.sampling),
    }


def _figS4(config: cfg.Config, figure: cfg.FigS4) -> Sources:
    plane = PlaneSpec(
        gamma=figure.gamma,
        g=figure.g,
        temperatures=(0.0,),
        transfer=config.transfer,
        **_accuracy(config),
    )
    return {
        "plane": [plane],
        "edge": [ColdBoundarySpec(g=figure.edge_g, transfer=config.transfer)],
    }


def _refined(values: tuple[float, ...], factor: int) -> tuple[float, ...]:
    """Each interval of a grid divided evenly."""
    inner = (
        low + (high - low) * i / factor for low, high in pairwise(values) for i in range(factor)
    )
    return (*inner, values[-1])


def _figS5(config: cfg.Config, figure: cfg.FigS5) -> Sources:
    temperatures = _temperatures(figure.beta)
    gains = {gamma: tuple(gc / (1 + gamma) for gc in figure.gc) for gamma in figure.gamma}
    return {
        "planes": [_replica(config, gamma, g, temperatures) for gamma, g in gains.items()],
        "edges": [
            BoundarySpec(
                gamma=gamma,
                g=_refined(g, EDGE_REFINEMENT),
                coldest=min(temperatures),
                transfer=config.transfer,
            )
            for gamma, g in gains.items()
            if gamma < 0
        ],
    }


def _figS6(config: cfg.Config, figure: cfg.FigS6) -> Sources:
    temperatures = (0.0, *_temperatures(figure.beta))
    return {"replica": [_replica(config, figure.gamma, figure.g, temperatures)]}


def _figS7(config: cfg.Config, figure: cfg.FigS7) -> Sources:
    temperatures = _temperatures(figure.beta)
    return {
        "scaling": [
            ScalingSpec(gamma=gamma, temperatures=temperatures, **_accuracy(config))
            for gamma in figure.gamma
        ]
    }


def _audit(config: cfg.Config, figure: cfg.FigS8) -> list[ProtocolSpec]:
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
            temperatures=_temperatures([figure.beta]),
            sweep="beta",  # of one temperature: each g starts anew
            transfer=config.transfer,
            iterations=figure.iterations,
            attempts=1,
            q=figure.q,
            Q=figure.Q,
            seed=config.seed,
            **(size | variant),
        )
        for gamma, g in _by_gamma((point.gamma, point.g) for point in figure.points).items()
        for variant in variants
    ]


def _figS8(config: cfg.Config, figure: cfg.FigS8) -> Sources:
    points = _by_gamma((point.gamma, point.g) for point in figure.points)
    temperatures = _temperatures([figure.beta])
    return {
        "audit": _audit(config, figure),
        "replica": [_replica(config, gamma, g, temperatures) for gamma, g in points.items()],
    }


def _figS9(config: cfg.Config, figure: cfg.FigS9) -> Sources:
    points = _by_gamma((point.gamma, point.g) for point in figure.points)
    breaking = figure.breaking
    return {
        "two_replica": [
            TwoReplicaSpec(
                gamma=gamma,
                g=g,
                temperatures=_temperatures([figure.beta]),
                fractions=_fractions(figure.fractions),
                transfer=config.transfer,
                **_accuracy(config),
            )
            for gamma, g in points.items()
        ],
        "one_step": [
            OneStepSpec(
                gamma=gamma,
                g=tuple(gc / (1 + gamma) for gc in breaking.gc),
                temperatures=_temperatures(breaking.beta),
                transfer=config.transfer,
                **_accuracy(config),
            )
            for gamma in breaking.gamma
        ],
    }


def _figS10(config: cfg.Config, figure: cfg.FigS10) -> Sources:
    points = _by_gamma((point.gamma, point.g) for point in figure.points)
    temperatures = _temperatures([figure.beta])
    return {
        "replica": [_replica(config, gamma, g, temperatures) for gamma, g in points.items()],
        "sampling": _sampling(config, figure.sampling),
    }


def _figS15(config: cfg.Config, figure: cfg.FigS15) -> Sources:
    return {
        "dmft": [
            StationaryDmftSpec(
                g=tuple(
                    {
                        *(canonical_float(1 + distance) for distance in figure.distance),
                        figure.simulation.g,
                    }
                ),
                transfer=config.transfer,
                noise=noise,
                duration=figure.max_lag,
                interval=figure.interval,
                tolerance=config.dmft.tolerance,
            )
            for noise in (0.0, *figure.noise)
        ],
        "simulation": [
            LyapunovSpec(
                N=N,
                gamma=0.0,
                transfer=config.transfer,
                seed=config.seed,
                **figure.simulation.model_dump(exclude={"N"}),
            )
            for N in figure.simulation.N
        ],
    }


def _figS13(config: cfg.Config, figure: cfg.FigS13) -> Sources:
    record = {"duration": figure.duration, "interval": figure.interval}
    common = {"transfer": config.transfer, "start": figure.start} | record
    solver = {"noise": 0.0, "scheme": "adams-bashforth"} | common
    return {
        "dmft": [
            TwoTimeDmftSpec(
                g=figure.g,
                gamma=figure.gamma,
                trajectories=figure.trajectories,
                tangents=figure.tangents,
                batches=figure.batches,
                seed=config.seed,
                **solver,
            )
        ],
        "deterministic": [
            TwoTimeDeterministicDmftSpec(
                g=figure.reference_g, tolerance=config.dmft.tolerance, **solver
            )
        ],
        "stationary": [
            StationaryDmftSpec(
                g=(figure.reference_g,),
                transfer=config.transfer,
                tolerance=config.dmft.tolerance,
                **record,
            )
        ],
        "simulation": _simulation(
            config,
            figure.simulation,
            figure.gamma,
            g=figure.g,
            method="dop853",
            **config.dynamics.model_dump(),
            **common,
        ),
    }


def _figS14(config: cfg.Config, figure: cfg.FigS14) -> Sources:
    step = figure.slope_step
    gamma = tuple(
        sorted({*figure.gamma, *figure.weighting.gamma, -step, -step / 2, 0.0, step / 2, step})
    )
    sources: Sources = {
        "replica": [
            PlaneSpec(
                gamma=gamma,
                g=figure.g,
                temperatures=(0.0, *_temperatures(figure.beta)),
                transfer=config.transfer,
                **_accuracy(config),
            )
        ],
        "dmft": [
            ComparisonSpec(
                gamma=gamma,
                g=figure.g,
                transfer=config.transfer,
                tolerance=config.dmft.tolerance,
            )
        ],
        "networks": [
            WeightingSpec(
                g=figure.g[-1],
                transfer=config.transfer,
                seed=config.seed,
                **figure.weighting.model_dump(),
            )
        ],
        "attractor": [],
    }
    attractor = figure.attractor
    if attractor is not None:
        sources["attractor"] = [
            spec
            for gamma in attractor.gamma
            for spec in _simulation(
                config,
                attractor,
                gamma,
                g=figure.g[-1],
                transfer=config.transfer,
                method="dop853",
                **attractor.model_dump(include={"start", "discard", "duration", "interval"}),
                **config.dynamics.model_dump(),
            )
        ]
    return sources


def _figS16(config: cfg.Config, figure: cfg.FigS16) -> Sources:
    accuracy = {"transfer": config.transfer, "tolerance": config.dmft.tolerance}
    many_valued = figure.many_valued
    return {
        "plane": [StaticPlaneSpec(gamma=figure.gamma, gc=figure.gc, **accuracy)],
        "roots": [StaticRootsSpec(gamma=many_valued.gamma, g=many_valued.g, **accuracy)],
    }


def _figS11(config: cfg.Config, figure: cfg.FigS11) -> Sources:
    points = _by_gamma((point.gamma, point.g) for point in figure.points)
    temperatures = _temperatures(figure.beta)
    return {
        "replica": [_replica(config, gamma, g, temperatures) for gamma, g in points.items()],
        "sampling": _sampling(config, figure.sampling),
    }


def _figS12(config: cfg.Config, figure: cfg.FigS12) -> Sources:
    gains = {g for name in figure.sampling for g in config.sampling[name].g}
    gains |= {g for group in figure.enumerated for g in group.g}
    return {
        "complexity": [ComplexitySpec(g=tuple(gains), transfer=config.transfer)],
        "sampling": _sampling(config, figure.sampling),
        "enumerated": [
            ColdNetworksSpec(
                g=g,
                N=N,
                transfer=config.transfer,
                seed=config.seed,
                **group.model_dump(exclude={"g", "N"}),
            )
            for group in figure.enumerated
            for g in group.g
            for N in group.N
        ],
    }


def _figS17(config: cfg.Config, figure: cfg.FigS17) -> Sources:
    return {
        "equal_energy": [
            EqualEnergySpec(g=tuple({*figure.g, *figure.points}), transfer=config.transfer)
        ],
        "measure": [
            ClosedFormSpec(
                g=figure.points,
                temperatures=_temperatures(figure.beta),
                transfer=config.transfer,
            )
        ],
        "sampling": _sampling(config, figure.sampling),
    }


SOURCES: dict[str, Callable[[cfg.Config, cfg.Section], Sources]] = {
    "fig1": _fig1,
    "fig2": _beta_curves,
    "fig3": _g_curves,
    "fig4": _fig4,
    "fig5": _fig5,
    "fig6": _fig6,
    "fig7": _g_curves,
    "fig8": _beta_curves,
    "fig9": _fig9,
    "figS1": _figS1,
    "figS2": _figS2,
    "figS3": _figS3,
    "figS4": _figS4,
    "figS5": _figS5,
    "figS6": _figS6,
    "figS7": _figS7,
    "figS8": _figS8,
    "figS9": _figS9,
    "figS10": _figS10,
    "figS11": _figS11,
    "figS12": _figS12,
    "figS13": _figS13,
    "figS17": _figS17,
    "figS14": _figS14,
    "figS15": _figS15,
    "figS16": _figS16,
}


def _second_routes(config: cfg.Config) -> Sources:
    """What the ledger takes second routes from, for the figures that are drawn.

    Published values are of tanh without confinement; with another model the ledger is empty.
    """
    if config.transfer != "tanh" or config.eta > 0:
        return {"second": [], "evidence": []}
    figures, closed_form, routes = config.figures, {}, []
    for figure in (figures.fig2, figures.fig8, figures.fig9):
        if figure is not None and figure.gamma == 0:
            betas = figure.beta if isinstance(figure.beta, tuple) else [figure.beta]
            closed_form[(figure.g, _temperatures(betas))] = None
    if figures.fig5 is not None and 0.0 in figures.fig5.gamma:
        closed_form[(figures.fig5.g, _temperatures([figures.fig5.beta]))] = None
    if figures.fig6 is not None and 0.0 in figures.fig6.gamma:
        closed_form[(figures.fig6.g, (0.0, figures.fig6.small_temperature))] = None
    routes += [
        ClosedFormSpec(g=g, temperatures=temperatures, transfer=config.transfer)
        for g, temperatures in closed_form
    ]
    if figures.fig4 is not None:
        routes += _static_fields(config, figures.fig4)
    annealed = config.ledger.annealed
    if annealed is not None:
        routes += [
            AnnealedSpec(
                gamma=curve.gamma,
                g=curve.g,
                temperatures=_temperatures(annealed.beta),
                N=N,
                transfer=config.transfer,
                seed=config.seed,
                **annealed.model_dump(exclude={"curves", "beta", "N"}),
            )
            for curve in annealed.curves
            for N in (annealed.N, 2 * annealed.N)
        ]
        routes += [
            TwoReplicaSpec(
                gamma=curve.gamma,
                g=curve.g,
                temperatures=_temperatures(annealed.beta),
                fractions=_fractions(8),
                transfer=config.transfer,
                **_accuracy(config),
            )
            for curve in annealed.curves
        ]
    return {"second": [*routes, *_ansatz(config)], "evidence": _evidence(config)}


def _ansatz(config: cfg.Config) -> list[Spec]:
    """The zero-temperature ansatz at the points of the ledger."""
    ansatz = config.ledger.ansatz
    if ansatz is None:
        return []
    return [
        AnsatzSpec(gamma=gamma, g=g, q=ansatz.q, transfer=config.transfer)
        for gamma, g in _by_gamma((point.gamma, point.g) for point in ansatz.points).items()
    ]


def _minimum_search(config: cfg.Config) -> list[Spec]:
    """The published search for minima at the points of the ledger."""
    search = config.ledger.minimum_search
    if search is None:
        return []
    return [
        MinimumSearchSpec(gamma=gamma, g=g, transfer=config.transfer)
        for gamma, g in _by_gamma((point.gamma, point.g) for point in search.points).items()
    ]


def _evidence(config: cfg.Config) -> list[Spec]:
    """Results that may explain why a published value differs."""
    figures = config.figures
    evidence = _ansatz(config) + _minimum_search(config)
    if figures.fig4 is not None:
        evidence += _static_fields(config, figures.fig4)
    if figures.figS8 is not None:
        evidence += _audit(config, figures.figS8)
    return evidence


def _static_fields(config: cfg.Config, figure: cfg.Fig4) -> list[Spec]:
    return [
        StaticFieldsSpec(gamma=gamma, g=figure.g, transfer=config.transfer)
        for gamma in figure.gamma
    ]


def _fractions(number: int) -> tuple[float, ...]:
    """Overlaps of two replicas in units of q, from 0 to below 1."""
    return tuple(i / number for i in range(number))


def _by_gamma(points: Iterable[tuple[float, float]]) -> dict[float, tuple[float, ...]]:
    """Values of a second parameter for each gamma, each once."""
    values: dict[float, set[float]] = {}
    for gamma, value in points:
        values.setdefault(gamma, set()).add(canonical_float(value))
    return {gamma: tuple(sorted(group)) for gamma, group in sorted(values.items())}


def _claims(config: cfg.Config, claims: cfg.Claims) -> Sources:
    accuracy = _accuracy(config)
    cold = 1 / claims.limit_beta
    gains = {gamma: tuple(gc / (1 + gamma) for gc in claims.gc) for gamma in claims.gamma}
    temperatures = _temperatures(claims.beta)
    fractions = _fractions(claims.fractions)
    edges = _by_gamma((c.gamma, c.gc / (1 + c.gamma)) for c in claims.critical_temperatures)
    breaking = _by_gamma((c.gamma, c.gc / (1 + c.gamma)) for c in claims.one_step)
    static = _by_gamma((point.gamma, point.g) for point in claims.static)
    positive = [gamma for gamma in claims.gamma if gamma > 0]

    def grid(gamma: float) -> list[float]:
        """g (1 + gamma): the points of the stability, around the cusp, between the lines."""
        special = {0.99, 1.0, 1.01, (1 + (1 + gamma) ** 0.5) / 2} if gamma > 0 else set()
        return sorted({*claims.gc, *special})

    solutions = {
        gamma: _replica(
            config,
            gamma,
            tuple(gc / (1 + gamma) for gc in grid(gamma)),
            (*temperatures, cold),
        )
        for gamma in claims.gamma
    }
    sources: Sources = {
        "two_replicas": [
            TwoReplicaSpec(
                gamma=gamma, g=g, temperatures=temperatures, fractions=fractions, **accuracy
            )
            for gamma, g in gains.items()
        ],
        "stability": list(solutions.values()),
        "onset": [
            _replica(
                config,
                gamma,
                tuple((1 + s) / (1 + gamma) ** 0.5 for s in (-0.01, *claims.onset_steps)),
                (0.0,),
            )
            for gamma in positive
        ],
        "cusp": [solutions[gamma] for gamma in positive],
        "between": [solutions[gamma] for gamma in positive],
        "critical_temperatures": [
            BoundarySpec(gamma=gamma, g=g, coldest=1e-5) for gamma, g in edges.items()
        ],
        "cold_boundary": [ColdBoundarySpec(g=tuple(c.g for c in claims.cold_boundary))],
        "one_step": [
            OneStepSpec(
                gamma=gamma,
                g=g,
                temperatures=tuple({1 / c.beta for c in claims.one_step if c.gamma == gamma}),
                **accuracy,
            )
            for gamma, g in breaking.items()
        ],
        "static": [
            *(StaticDmftSpec(gamma=gamma, g=g) for gamma, g in static.items()),
            *(_replica(config, gamma, g, (0.0,)) for gamma, g in static.items()),
        ],
    }
    if config.ledger.ansatz is not None:
        sources["ansatz"] = _ansatz(config)
    if config.figures.figS7 is not None:
        sources["scaling"] = _figS7(config, config.figures.figS7)["scaling"]
    if config.figures.figS14 is not None:
        compared = _figS14(config, config.figures.figS14)
        sources["comparison"] = [*compared["replica"], *compared["dmft"], *compared["networks"]]
    return sources


def _table(name: str, settings: cfg.Section | None, sources: Sources, **files) -> FigureSpec:
    """Spec of a figure or table from its settings, its sources and other files by role."""
    content = {} if settings is None else settings.model_dump(mode="json")
    roles = {role: tuple(path(spec) for spec in specs) for role, specs in sources.items()}
    return FigureSpec(
        name=name,
        settings=json.dumps(content, sort_keys=True),
        sources=tuple((roles | files).items()),
    )


def build(config: cfg.Config) -> Plan:
    """Plan of a config.

    Raises
    ------
    ConfigError
        If values of a figure do not go together; the message names every such figure.
    """
    stages: dict[str, dict[str, Spec]] = {stage: {} for stage in STAGES if stage != "figures"}
    faults: dict[str, list[str]] = {}  # what is wrong -> where

    def planned(name: str, sources: Callable[[], Sources]) -> Sources:
        """Sources of one part of the config, entered into the plan with all that they need."""
        try:
            found = sources()
            pending = [spec for specs in found.values() for spec in specs]
            for spec in pending:
                spec.mem_mb()
                spec.runtime()
        except ValidationError as error:
            faults.setdefault(cfg.described(error), []).append(name)
            return {}
        except ArithmeticError as error:
            faults.setdefault(f"  numbers too large or too small ({error})", []).append(name)
            return {}
        while pending:
            spec = pending.pop()
            stages[spec.stage][spec.key] = spec
            pending.extend(spec.inputs())
        return found

    used = {name for _, figure in config.figures for name in getattr(figure, "sampling", ())}
    for name in sorted(used):
        # One job of each point: a fault is told with the name of the experiment.
        experiment = config.sampling[name]
        few = experiment.model_copy(update={"networks": experiment.networks_per_job})
        try:
            _sampling(config.model_copy(update={"sampling": {name: few}}), [name])
        except ValidationError as error:
            faults.setdefault(cfg.described(error), []).append(f"sampling.{name}")
    figures = {}
    for name, section in config.figures:
        if section is not None:
            sources = planned(f"figures.{name}", partial(SOURCES[name], config, section))
            figures[name] = _table(name, section, sources)
    ledger = _table(
        "ledger",
        None,
        planned("ledger", partial(_second_routes, config)),
        tables=tuple(figure_file(figure, "csv") for figure in figures.values()),
    )
    claims = None
    if config.claims is not None:
        sources = planned("claims", partial(_claims, config, config.claims))
        claims = _table("claims", config.claims, sources)
    if faults:
        raise cfg.ConfigError(
            "\n".join(
                f"the config is not valid, {', '.join(names)}:\n{fault}"
                for fault, names in faults.items()
            )
        )
    return Plan(
        stages={stage: dict(sorted(specs.items())) for stage, specs in stages.items()},
        figures=figures,
        ledger=ledger,
        claims=claims,
    )
