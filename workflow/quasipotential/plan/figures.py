"""What figures are drawn from: by role, the specs that a section asks for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from ..config import Config
from ..config import figures as sections
from ..config.fields import Section
from ..specs import (
    BoundarySpec,
    ClosedFormSpec,
    ColdBoundarySpec,
    ColdNetworksSpec,
    ComparisonSpec,
    ComplexitySpec,
    EqualEnergySpec,
    IterationSpec,
    LyapunovSpec,
    OneStepSpec,
    PlaneSpec,
    ProtocolSpec,
    ScalingSpec,
    Spec,
    StaticDmftSpec,
    StaticPlaneSpec,
    StaticRootsSpec,
    StationaryDmftSpec,
    TrajectoriesSpec,
    TwoReplicaSpec,
    TwoTimeDeterministicDmftSpec,
    TwoTimeDmftSpec,
    WeightingSpec,
)
from ..specs.fields import canonical_float
from .parts import (
    Sources,
    accuracy_of,
    audit_runs,
    by_gamma,
    fractions_of,
    networks_of,
    replica_spec,
    sampling_runs,
    simulation_runs,
    temperatures_of,
    theory_curves,
)

EDGE_REFINEMENT = 4  # an edge is drawn with this many points for each step of its plane


def _fig1(config: Config, figure: sections.Fig1) -> Sources:
    activity = figure.activity
    common = {"transfer": config.transfer, "seed": config.seed}
    return {
        "activity": [
            TrajectoriesSpec(
                couplings=networks_of(config, activity.N, point.gamma, 1)[0],
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


def _beta_curves(config: Config, figure: sections.BetaCurves) -> Sources:
    return {
        "replica": [
            theory_curves(config, figure.gamma, figure.g, temperatures_of(figure.beta), "beta")
        ],
        "sampling": sampling_runs(config, figure.sampling),
    }


def _g_curves(config: Config, figure: sections.GCurves) -> Sources:
    temperatures = temperatures_of(figure.beta)
    return {
        "replica": [
            theory_curves(config, gamma, figure.g, temperatures, "g") for gamma in figure.gamma
        ],
        "sampling": sampling_runs(config, figure.sampling),
    }


def _fig4(config: Config, figure: sections.Fig4) -> Sources:
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


def _fig5(config: Config, figure: sections.Fig5) -> Sources:
    temperatures = temperatures_of(figure.beta)
    return {
        "replica": [
            theory_curves(config, gamma, figure.g, temperatures, "g") for gamma in figure.gamma
        ]
    }


def _fig6(config: Config, figure: sections.Fig6) -> Sources:
    temperatures = (0.0, figure.small_temperature)
    return {
        "replica": [replica_spec(config, gamma, figure.g, temperatures) for gamma in figure.gamma]
    }


def _fig9(config: Config, figure: sections.Fig9) -> Sources:
    (temperature,) = temperatures_of(figure.beta)
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
        "replica": [replica_spec(config, figure.gamma, figure.g, (temperature,))],
    }


def _figS1(config: Config, figure: sections.FigS1) -> Sources:
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
        "simulation": simulation_runs(
            config, figure.simulation, figure.gamma, method="euler", **common
        ),
    }


def _figS2(config: Config, figure: sections.FigS2) -> Sources:
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
            for spec in simulation_runs(
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


def _figS3(config: Config, figure: sections.FigS3) -> Sources:
    sampled: dict[float, set[float]] = {}
    for name in figure.sampling:
        for gamma in config.sampling[name].gamma:
            sampled.setdefault(gamma, set()).update(config.sampling[name].g)
    temperatures = temperatures_of(figure.beta)
    return {
        "replica": [
            replica_spec(config, gamma, tuple(g), temperatures)
            for gamma, g in sorted(sampled.items())
        ],
        "sampling": sampling_runs(config, figure.sampling),
    }


def _figS4(config: Config, figure: sections.FigS4) -> Sources:
    plane = PlaneSpec(
        gamma=figure.gamma,
        g=figure.g,
        temperatures=(0.0,),
        transfer=config.transfer,
        **accuracy_of(config),
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


def _figS5(config: Config, figure: sections.FigS5) -> Sources:
    temperatures = temperatures_of(figure.beta)
    gains = {gamma: tuple(gc / (1 + gamma) for gc in figure.gc) for gamma in figure.gamma}
    return {
        "planes": [replica_spec(config, gamma, g, temperatures) for gamma, g in gains.items()],
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


def _figS6(config: Config, figure: sections.FigS6) -> Sources:
    temperatures = (0.0, *temperatures_of(figure.beta))
    return {"replica": [replica_spec(config, figure.gamma, figure.g, temperatures)]}


def _figS7(config: Config, figure: sections.FigS7) -> Sources:
    temperatures = temperatures_of(figure.beta)
    return {
        "scaling": [
            ScalingSpec(
                gamma=gamma,
                temperatures=temperatures,
                transfer=config.transfer,
                **accuracy_of(config),
            )
            for gamma in figure.gamma
        ]
    }


def _figS8(config: Config, figure: sections.FigS8) -> Sources:
    points = by_gamma((point.gamma, point.g) for point in figure.points)
    temperatures = temperatures_of(figure.beta)
    return {
        "audit": audit_runs(config, figure),
        "replica": [replica_spec(config, gamma, g, temperatures) for gamma, g in points.items()],
    }


def _figS9(config: Config, figure: sections.FigS9) -> Sources:
    points = by_gamma((point.gamma, point.g) for point in figure.points)
    breaking = figure.breaking
    return {
        "two_replica": [
            TwoReplicaSpec(
                gamma=gamma,
                g=g,
                temperatures=temperatures_of(figure.beta),
                fractions=fractions_of(figure.fractions),
                transfer=config.transfer,
                **accuracy_of(config),
            )
            for gamma, g in points.items()
        ],
        "one_step": [
            OneStepSpec(
                gamma=gamma,
                g=tuple(gc / (1 + gamma) for gc in breaking.gc),
                temperatures=temperatures_of(breaking.beta),
                transfer=config.transfer,
                **accuracy_of(config),
            )
            for gamma in breaking.gamma
        ],
    }


def _sizes(config: Config, figure: sections.FigS10 | sections.FigS11) -> Sources:
    points = by_gamma((point.gamma, point.g) for point in figure.points)
    temperatures = temperatures_of(figure.beta)
    return {
        "replica": [replica_spec(config, gamma, g, temperatures) for gamma, g in points.items()],
        "sampling": sampling_runs(config, figure.sampling),
    }


def _figS12(config: Config, figure: sections.FigS12) -> Sources:
    gains = {g for name in figure.sampling for g in config.sampling[name].g}
    gains |= {g for group in figure.enumerated for g in group.g}
    return {
        "complexity": [ComplexitySpec(g=tuple(gains), transfer=config.transfer)],
        "sampling": sampling_runs(config, figure.sampling),
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


def _figS13(config: Config, figure: sections.FigS13) -> Sources:
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
        "simulation": simulation_runs(
            config,
            figure.simulation,
            figure.gamma,
            g=figure.g,
            method="dop853",
            **config.dynamics.model_dump(),
            **common,
        ),
    }


def _figS14(config: Config, figure: sections.FigS14) -> Sources:
    step = figure.slope_step
    gamma = tuple(
        sorted({*figure.gamma, *figure.weighting.gamma, -step, -step / 2, 0.0, step / 2, step})
    )
    sources: Sources = {
        "replica": [
            PlaneSpec(
                gamma=gamma,
                g=figure.g,
                temperatures=(0.0, *temperatures_of(figure.beta)),
                transfer=config.transfer,
                **accuracy_of(config),
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
            for spec in simulation_runs(
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


def _figS15(config: Config, figure: sections.FigS15) -> Sources:
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


def _figS16(config: Config, figure: sections.FigS16) -> Sources:
    accuracy = {"transfer": config.transfer, "tolerance": config.dmft.tolerance}
    many_valued = figure.many_valued
    return {
        "plane": [StaticPlaneSpec(gamma=figure.gamma, gc=figure.gc, **accuracy)],
        "roots": [StaticRootsSpec(gamma=many_valued.gamma, g=many_valued.g, **accuracy)],
    }


def _figS17(config: Config, figure: sections.FigS17) -> Sources:
    return {
        "equal_energy": [
            EqualEnergySpec(g=tuple({*figure.g, *figure.points}), transfer=config.transfer)
        ],
        "measure": [
            ClosedFormSpec(
                g=figure.points,
                temperatures=temperatures_of(figure.beta),
                transfer=config.transfer,
            )
        ],
        "sampling": sampling_runs(config, figure.sampling),
    }


SOURCES: dict[str, Callable[[Config, Section], Sources]] = {
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
    "figS10": _sizes,
    "figS11": _sizes,
    "figS12": _figS12,
    "figS13": _figS13,
    "figS14": _figS14,
    "figS15": _figS15,
    "figS16": _figS16,
    "figS17": _figS17,
    "figS18": _sizes,
}
