"""The plan: every result that a config asks for, found by stage and key.

Each figure names its sources by role; the plan is the union of these and of what they need.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pydantic import ValidationError

from ..config import Config, ConfigError
from ..config.faults import described
from ..config.fields import Section
from ..specs import LEAST_WORK, STAGES, FigureSpec, Spec
from .figures import SOURCES
from .parts import Sources, sampling_runs
from .tables import claims_of, is_of_the_paper, second_routes


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
        The table of the theory's claims; None where it is left out or the model is another.
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


def _table(name: str, settings: Section | None, sources: Sources, **files) -> FigureSpec:
    """Spec of a figure or table from its settings, its sources and other files by role."""
    content = {} if settings is None else settings.model_dump(mode="json")
    roles = {role: tuple(path(spec) for spec in specs) for role, specs in sources.items()}
    return FigureSpec(
        name=name,
        settings=json.dumps(content, sort_keys=True),
        sources=tuple((roles | files).items()),
    )


def build(config: Config) -> Plan:
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
            faults.setdefault(described(error), []).append(name)
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
            sampling_runs(config.model_copy(update={"sampling": {name: few}}), [name])
        except ValidationError as error:
            faults.setdefault(described(error), []).append(f"sampling.{name}")
    figures = {}
    for name, section in config.figures:
        if section is not None:
            sources = planned(f"figures.{name}", partial(SOURCES[name], config, section))
            figures[name] = _table(name, section, sources)
    ledger = _table(
        "ledger",
        None,
        planned("ledger", partial(second_routes, config)),
        tables=tuple(figure_file(figure, "csv") for figure in figures.values()),
    )
    claims = None
    if config.claims is not None and is_of_the_paper(config):
        sources = planned("claims", partial(claims_of, config, config.claims))
        claims = _table("claims", config.claims, sources)
    if faults:
        raise ConfigError(
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
