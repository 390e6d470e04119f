"""What the ledger and the claims are made from."""

from __future__ import annotations

from ..config import Config
from ..config import figures as sections
from ..config.tables import Claims
from ..specs import (
    AnnealedSpec,
    AnsatzSpec,
    BoundarySpec,
    ClosedFormSpec,
    ColdBoundarySpec,
    MinimumSearchSpec,
    OneStepSpec,
    Spec,
    StaticDmftSpec,
    StaticFieldsSpec,
    TwoReplicaSpec,
)
from .figures import SOURCES
from .parts import (
    Sources,
    accuracy_of,
    audit_runs,
    by_gamma,
    fractions_of,
    replica_spec,
    temperatures_of,
)


def is_of_the_paper(config: Config) -> bool:
    """Whether the model is that of published values and claims: tanh without confinement."""
    return config.transfer == "tanh" and config.eta == 0


def second_routes(config: Config) -> Sources:
    """What the ledger takes second routes from, for the figures that are drawn.

    With a model that is not the paper's the ledger is empty.
    """
    if not is_of_the_paper(config):
        return {"second": [], "evidence": []}
    figures, closed_form, routes = config.figures, {}, []
    for figure in (figures.fig2, figures.fig8, figures.fig9):
        if figure is not None and figure.gamma == 0:
            closed_form[(figure.g, temperatures_of(figure.beta))] = None
    if figures.fig5 is not None and 0.0 in figures.fig5.gamma:
        closed_form[(figures.fig5.g, temperatures_of(figures.fig5.beta))] = None
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
                temperatures=temperatures_of(annealed.beta),
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
                temperatures=temperatures_of(annealed.beta),
                fractions=fractions_of(8),
                transfer=config.transfer,
                **accuracy_of(config),
            )
            for curve in annealed.curves
        ]
    if figures.fig6 is not None:
        routes += _ansatz(config)
    return {"second": routes, "evidence": _evidence(config)}


def _ansatz(config: Config) -> list[Spec]:
    """The zero-temperature ansatz at the points of the ledger."""
    ansatz = config.ledger.ansatz
    if ansatz is None:
        return []
    return [
        AnsatzSpec(gamma=gamma, g=g, q=ansatz.q, transfer=config.transfer)
        for gamma, g in by_gamma((point.gamma, point.g) for point in ansatz.points).items()
    ]


def _minimum_search(config: Config) -> list[Spec]:
    """The published search for minima at the points of the ledger."""
    search = config.ledger.minimum_search
    if search is None:
        return []
    return [
        MinimumSearchSpec(gamma=gamma, g=g, transfer=config.transfer)
        for gamma, g in by_gamma((point.gamma, point.g) for point in search.points).items()
    ]


def _static_fields(config: Config, figure: sections.Fig4) -> list[Spec]:
    """Static DMFT of Fig. 4 by its second route."""
    return [
        StaticFieldsSpec(gamma=gamma, g=figure.g, transfer=config.transfer)
        for gamma in figure.gamma
    ]


def _evidence(config: Config) -> list[Spec]:
    """Results that may explain why a published value differs."""
    figures = config.figures
    evidence: list[Spec] = []
    if figures.fig6 is not None:
        evidence += _ansatz(config) + _minimum_search(config)
    if figures.fig4 is not None:
        evidence += _static_fields(config, figures.fig4)
    if figures.figS8 is not None:
        evidence += audit_runs(config, figures.figS8)
    return evidence


def claims_of(config: Config, claims: Claims) -> Sources:
    """What the table of claims is made from."""
    accuracy = accuracy_of(config)
    cold = 1 / claims.limit_beta
    gains = {gamma: tuple(gc / (1 + gamma) for gc in claims.gc) for gamma in claims.gamma}
    temperatures = temperatures_of(claims.beta)
    fractions = fractions_of(claims.fractions)
    edges = by_gamma((c.gamma, c.gc / (1 + c.gamma)) for c in claims.critical_temperatures)
    breaking = by_gamma((c.gamma, c.gc / (1 + c.gamma)) for c in claims.one_step)
    static = by_gamma((point.gamma, point.g) for point in claims.static)
    positive = [gamma for gamma in claims.gamma if gamma > 0]

    def grid(gamma: float) -> list[float]:
        """g (1 + gamma): the points of the stability, around the cusp, between the lines."""
        special = {0.99, 1.0, 1.01, (1 + (1 + gamma) ** 0.5) / 2} if gamma > 0 else set()
        return sorted({*claims.gc, *special})

    solutions = {
        gamma: replica_spec(
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
            replica_spec(
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
            *(replica_spec(config, gamma, g, (0.0,)) for gamma, g in static.items()),
        ],
    }
    if config.ledger.ansatz is not None:
        sources["ansatz"] = _ansatz(config)
    if config.figures.figS7 is not None:
        sources["scaling"] = SOURCES["figS7"](config, config.figures.figS7)["scaling"]
    if config.figures.figS14 is not None:
        compared = SOURCES["figS14"](config, config.figures.figS14)
        sources["comparison"] = [*compared["replica"], *compared["dmft"], *compared["networks"]]
    return sources
