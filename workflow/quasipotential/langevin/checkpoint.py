r"""Where a run that was stopped goes on.

A checkpoint holds the replicas, their places on the ladder, the steps, the state of the generator
and the draws so far: a run that continues gives the same bits as one that was never stopped.  It is
written in the place of the last one, whole or not at all, at the end of the warm-up and then every
``INTERVAL`` seconds of wall time.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import store
from ..specs import LangevinSpec
from . import sampler
from .ensemble import Ensemble
from .landscape import Landscape, State

INTERVAL = 60.0


@dataclass
class Checkpoint:
    """File of a run.

    Attributes
    ----------
    path : Path
    code : str
        Digest of the code.  What another code or spec has written is not continued.
    interval : float
        Seconds between two writings.
    """

    path: Path
    code: str
    interval: float = INTERVAL
    written: float = -np.inf

    def _identity(self, spec: LangevinSpec) -> str:
        return f"{self.code} {spec.canonical()}"

    def save(self, spec: LangevinSpec, ensemble: Ensemble, record: sampler.Record) -> None:
        """Write the run as it stands, unless that was done less than ``interval`` ago."""
        if time.monotonic() - self.written < self.interval:
            return
        state, swaps, crossings = ensemble.state, record.swap_rates, record.crossings
        arrays = {
            "identity": self._identity(spec),
            "x": state.x,
            "temperatures": ensemble.temperatures,
            "step": ensemble.step,
            "columns": ensemble.columns,
            "transitions": ensemble.transitions,
            "generator": json.dumps(ensemble.rng.bit_generator.state),
            "count": record.count,
            "room": record.room,
            "overlaps": record.overlaps,
            "activities": record.activities,
            "acceptance": record.acceptance,
            "swap_total": swaps.total,
            "swap_number": swaps.number,
            "crossing_count": crossings.count,
            "crossing_last": crossings.last,
        }
        if state.field is not None:
            arrays["field"] = state.field
        for name, draws in record.draws.items():
            arrays[f"draws_{name}"] = draws[..., : record.count]

        def write(path: Path) -> None:
            with open(path, "wb") as file:
                np.savez(file, **arrays)
            store.seal(path)

        store.write_atomically(self.path, write)
        self.written = time.monotonic()

    def load(
        self, spec: LangevinSpec, landscape: Landscape
    ) -> tuple[Ensemble, sampler.Record] | None:
        """The run as it stood, or None if there is no checkpoint of this spec and code.

        Raises
        ------
        DamagedFileError
            If the file is damaged.
        """
        if not self.path.is_file():
            return None
        store.check_seal(self.path)
        with np.load(self.path, allow_pickle=False) as file:
            if str(file["identity"]) != self._identity(spec):
                return None
            arrays = dict(file)
        ensemble = sampler.begin(spec, landscape)
        ensemble.state = State(landscape, arrays["x"], arrays.get("field"))
        ensemble.temperatures, ensemble.step = arrays["temperatures"], arrays["step"]
        ensemble.columns = arrays["columns"]
        ensemble.transitions = int(arrays["transitions"])
        ensemble.rng.bit_generator.state = json.loads(str(arrays["generator"]))
        record = sampler.Record(spec, ensemble)
        record.make_room(int(arrays["room"]))
        record.count = int(arrays["count"])
        record.overlaps, record.activities = arrays["overlaps"], arrays["activities"]
        record.acceptance = arrays["acceptance"]
        record.swap_rates.total = arrays["swap_total"]
        record.swap_rates.number = arrays["swap_number"]
        record.crossings.count = arrays["crossing_count"]
        record.crossings.last = arrays["crossing_last"]
        for name, draws in record.draws.items():
            draws[..., : record.count] = arrays[f"draws_{name}"]
        return ensemble, record

    def remove(self) -> None:
        """Delete the file, if there is one."""
        self.path.unlink(missing_ok=True)
