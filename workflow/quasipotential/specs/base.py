"""What all specs have: key, random numbers, inputs, and what their jobs need."""

from __future__ import annotations

import hashlib
import json
import math
from abc import abstractmethod
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

#: Raised when the layout of the files or the derivation of the random numbers changes.
FORMAT = 1
#: Seconds of work below which a cluster job costs more than it does.
LEAST_WORK = 60.0
STAGES = ("couplings", "trajectories", "langevin", "batches", "dmft", "replica", "figures")


class Spec(BaseModel):
    """Base of all specs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    stage: ClassVar[str]
    kind: ClassVar[str]
    version: ClassVar[int] = 1  # raised when the algorithm changes what it returns
    #: Fields that judge a result and must not change its random numbers.
    judging: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def label(self) -> str:
        """Part of the key that people read."""

    def _json(self, exclude: frozenset[str] = frozenset()) -> str:
        content = self.model_dump(mode="json", exclude=set(exclude))
        content |= {"kind": self.kind, "version": self.version}
        return json.dumps(content, sort_keys=True, separators=(",", ":"))

    def canonical(self) -> str:
        """Canonical JSON of the spec, its kind and its version."""
        return self._json()

    @property
    def module(self) -> str:
        """Name of the module that computes this kind of result, within its stage."""
        return self.kind.replace("-", "_")

    @property
    def judged_as(self) -> str:
        """Key under ``allow`` in the config."""
        return self.module

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON, in hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @property
    def key(self) -> str:
        """Label and digest: the name of the result."""
        return f"{self.label()}-{self.digest[:8]}"

    @property
    def entropy(self) -> int:
        """Entropy for :class:`numpy.random.SeedSequence`: 128 bits of what defines the sample."""
        text = self._json(exclude=self.judging)
        return int(hashlib.sha256(text.encode()).hexdigest()[:32], 16)

    def inputs(self) -> tuple[Spec, ...]:
        """Specs of the results that this one is computed from."""
        return ()

    def mem_mb(self) -> int:
        """Memory that the job needs, MB."""
        return 1000

    def seconds(self) -> float:
        """Work of the job on one core, seconds, about; measured (docs/cluster.md)."""
        return 15.0

    def runtime(self) -> int:
        """Time limit of the job for a cluster, minutes: six times its work, and the start."""
        return 2 + math.ceil(6 * self.seconds() / 60)

    def group(self) -> str | None:
        """Group of jobs with which it makes one job of a cluster, where alone it is too short."""
        return "short" if self.seconds() < LEAST_WORK else None


def absent(value: object) -> bool:
    """Whether an optional field is left out of the JSON: specs without it keep their keys."""
    return value is None


def short(value: float) -> str:
    """Number as it stands in a label: 0.5, 1e-04, 10000."""
    return f"{value:.6g}"
