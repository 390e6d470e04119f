"""The plan: every result that a config asks for, found by stage and key.

Each figure names its sources by role; the plan is the union of these and of what they need.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from . import config as cfg
from .specs import (
    STAGES,
    CouplingsSpec,
    FigureSpec,
    IterationSpec,
    LangevinSpec,
    ReplicaSpec,
    Spec,
    StaticDmftSpec,
    StationaryDmftSpec,
    TrajectoriesSpec,
    TwoTimeDmftSpec,
)

Sources = dict[str, list[Spec]]


@dataclass(frozen=True)
class Plan:
    """All results of a config.

    Attributes
    ----------
    stages : dict
        Stage -> key -> spec, without the figures.
    figures : dict
        Name of the figure -> its spec.
    comparison : FigureSpec
        The table of all published values beside ours, from the tables of the figures.
    """

    stages: dict[str, dict[str, Spec]]
    figures: dict[str, FigureSpec]
    comparison: FigureSpec

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


def _replica(config: cfg.Config, gamma: float, g, temperatures) -> ReplicaSpec:
    return ReplicaSpec(
        gamma=gamma,
        g=g,
        temperatures=temperatures,
        eta=config.eta,
        transfer=config.transfer,
        **config.replica.model_dump(),
    )


def _networks(config: cfg.Config, N: int, gamma: float, number: int) -> list[CouplingsSpec]:
    return [CouplingsSpec(N=N, gamma=gamma, seed=config.seed + i) for i in range(number)]


def _sampling(config: cfg.Config, names: Iterable[str]) -> list[LangevinSpec]:
    return [
        LangevinSpec(
            couplings=couplings,
            g=g,
            transfer=config.transfer,
            eta=config.eta,
            temperatures=_temperatures(experiment.beta),
            seed=config.seed,
            **experiment.model_dump(exclude={"g", "gamma", "beta", "N", "networks"}),
        )
        for experiment in (config.sampling[name] for name in names)
        for gamma in experiment.gamma
        for g in experiment.g
        for couplings in _networks(config, experiment.N, gamma, experiment.networks)
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
        "replica": [_replica(config, figure.gamma, figure.g, _temperatures(figure.beta))],
        "sampling": _sampling(config, figure.sampling),
    }


def _g_curves(config: cfg.Config, figure: cfg.GCurves) -> Sources:
    temperatures = _temperatures([figure.beta])
    return {
        "replica": [_replica(config, gamma, figure.g, temperatures) for gamma in figure.gamma],
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
    return {"replica": [_replica(config, gamma, figure.g, temperatures) for gamma in figure.gamma]}


def _fig6(config: cfg.Config, figure: cfg.Fig6) -> Sources:
    temperatures = (0.0, figure.small_temperature)
    return {"replica": [_replica(config, gamma, figure.g, temperatures) for gamma in figure.gamma]}


def _fig9(config: cfg.Config, figure: cfg.Fig9) -> Sources:
    (temperature,) = _temperatures([figure.beta])
    iteration = IterationSpec(
        gamma=figure.gamma,
        g=figure.g,
        temperature=temperature,
        transfer=config.transfer,
        quadrature_tolerance=config.replica.quadrature_tolerance,
        **figure.model_dump(exclude={"gamma", "g", "beta"}),
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
        "seed": config.seed,
    }
    networks = _networks(config, figure.simulation.N, figure.gamma, figure.simulation.networks)
    return {
        "dmft": [
            TwoTimeDmftSpec(
                gamma=figure.gamma,
                trajectories=figure.trajectories,
                tangents=figure.tangents,
                batches=figure.batches,
                **common,
            )
        ],
        "simulation": [
            TrajectoriesSpec(couplings=couplings, method="euler", neurons=1, **common)
            for couplings in networks
        ],
    }


def _figS2(config: cfg.Config, figure: cfg.FigS2) -> Sources:
    networks = _networks(config, figure.simulation.N, 0.0, figure.simulation.networks)
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
            TrajectoriesSpec(
                couplings=couplings,
                g=g,
                transfer=config.transfer,
                start=figure.start,
                discard=figure.discard,
                duration=figure.duration,
                interval=figure.interval,
                method="dop853",
                neurons=1,
                seed=config.seed,
                **config.dynamics.model_dump(),
            )
            for g in figure.g
            for couplings in networks
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
}


def build(config: cfg.Config) -> Plan:
    """Plan of a config.

    Raises
    ------
    ConfigError
        If values of a figure do not go together; the message names the figure.
    """
    stages: dict[str, dict[str, Spec]] = {stage: {} for stage in STAGES if stage != "figures"}
    figures = {}
    for name, section in config.figures:
        if section is None:
            continue
        try:
            sources = SOURCES[name](config, section)
        except ValidationError as error:
            raise cfg.ConfigError(cfg.message(f"figures.{name}", error)) from None
        pending = [spec for specs in sources.values() for spec in specs]
        while pending:
            spec = pending.pop()
            stages[spec.stage][spec.key] = spec
            pending.extend(spec.inputs())
        figures[name] = FigureSpec(
            name=name,
            settings=json.dumps(section.model_dump(mode="json"), sort_keys=True),
            sources=tuple(
                (role, tuple(path(spec) for spec in specs)) for role, specs in sources.items()
            ),
        )
    comparison = FigureSpec(
        name="comparison",
        settings="{}",
        sources=(("tables", tuple(figure_file(figure, "csv") for figure in figures.values())),),
    )
    return Plan(
        stages={stage: dict(sorted(specs.items())) for stage, specs in stages.items()},
        figures=figures,
        comparison=comparison,
    )
