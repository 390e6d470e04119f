"""Specs: one frozen record per cached result.

A spec holds everything that a result depends on, physics and numerics alike.  From it come the key
(a label for people and a digest for truth), the path under ``results/`` and the random numbers.
Everything is dimensionless; the time unit is the time constant of the neurons, T = 1/beta.
"""

from __future__ import annotations

import json
from typing import ClassVar

from .base import FORMAT, LEAST_WORK, STAGES, Spec
from .dmft import (
    ComparisonSpec,
    StaticDmftSpec,
    StaticFieldsSpec,
    StaticPlaneSpec,
    StaticRootsSpec,
    StationaryDmftSpec,
    TwoTimeDeterministicDmftSpec,
    TwoTimeDmftSpec,
    WeightingSpec,
)
from .fields import Interval, TimeScheme
from .langevin import RESCALED_UNITS, BatchSpec, LangevinSpec
from .networks import CouplingsSpec, LyapunovSpec, Planted, TrajectoriesSpec
from .replica import (
    AnnealedSpec,
    AnsatzSpec,
    BoundarySpec,
    ClosedFormSpec,
    ColdBoundarySpec,
    ColdNetworksSpec,
    ComplexitySpec,
    EqualEnergySpec,
    IterationSpec,
    MinimumSearchSpec,
    OneStepSpec,
    PlaneSpec,
    ProtocolSpec,
    ReplicaSpec,
    ScalingSpec,
    TwoReplicaSpec,
)

__all__ = [
    "FORMAT",
    "KINDS",
    "LEAST_WORK",
    "RESCALED_UNITS",
    "STAGES",
    "AnnealedSpec",
    "AnsatzSpec",
    "BatchSpec",
    "BoundarySpec",
    "ClosedFormSpec",
    "ColdBoundarySpec",
    "ColdNetworksSpec",
    "ComparisonSpec",
    "ComplexitySpec",
    "CouplingsSpec",
    "EqualEnergySpec",
    "FigureSpec",
    "Interval",
    "IterationSpec",
    "LangevinSpec",
    "LyapunovSpec",
    "MinimumSearchSpec",
    "OneStepSpec",
    "PlaneSpec",
    "Planted",
    "ProtocolSpec",
    "ReplicaSpec",
    "ScalingSpec",
    "Spec",
    "StaticDmftSpec",
    "StaticFieldsSpec",
    "StaticPlaneSpec",
    "StaticRootsSpec",
    "StationaryDmftSpec",
    "TimeScheme",
    "TrajectoriesSpec",
    "TwoReplicaSpec",
    "TwoTimeDeterministicDmftSpec",
    "TwoTimeDmftSpec",
    "WeightingSpec",
    "parse",
]


class FigureSpec(Spec):
    """One figure: its settings, and by role the keys of the results that it is drawn from."""

    stage: ClassVar[str] = "figures"
    kind: ClassVar[str] = "figure"

    name: str
    settings: str  # canonical JSON of the figure's section of the config
    sources: tuple[tuple[str, tuple[str, ...]], ...]

    def label(self) -> str:
        return self.name


KINDS: dict[str, type[Spec]] = {
    spec.kind: spec
    for spec in (
        CouplingsSpec,
        TrajectoriesSpec,
        LyapunovSpec,
        LangevinSpec,
        BatchSpec,
        StaticDmftSpec,
        StaticPlaneSpec,
        StaticRootsSpec,
        StaticFieldsSpec,
        StationaryDmftSpec,
        ComparisonSpec,
        WeightingSpec,
        TwoTimeDmftSpec,
        TwoTimeDeterministicDmftSpec,
        ReplicaSpec,
        IterationSpec,
        ClosedFormSpec,
        ComplexitySpec,
        ColdNetworksSpec,
        EqualEnergySpec,
        PlaneSpec,
        BoundarySpec,
        ColdBoundarySpec,
        OneStepSpec,
        TwoReplicaSpec,
        ScalingSpec,
        AnsatzSpec,
        MinimumSearchSpec,
        AnnealedSpec,
        ProtocolSpec,
        FigureSpec,
    )
}


def parse(text: str) -> Spec:
    """Spec from its canonical JSON.

    Raises
    ------
    ValueError
        If the kind is unknown or the version is another one than this code's.
    """
    content = json.loads(text)
    kind, version = content.pop("kind"), content.pop("version")
    if kind not in KINDS:
        raise ValueError(f"unknown kind of spec {kind!r}; known: {', '.join(KINDS)}")
    if version != KINDS[kind].version:
        raise ValueError(f"{kind}: version {version}, this code has {KINDS[kind].version}")
    return KINDS[kind].model_validate(content)
