r"""Warm-up and draws.

Half of the chains start at the origin, or if the couplings are planted, at the planted state; the
other half at x_i ~ N(0, 1).  Replicas that start at the planted state are at their temperatures
from the first.  All others start at the temperature ``hottest`` and are cooled geometrically to
their own during the first half of the warm-up.  The step is tuned per temperature by dual averaging
throughout; what suited the cooling says little about the target, so that tuning begins anew after
it.

With exchange the third quarter of the warm-up spaces the ladder by the swap rates that it measures,
in ``LADDER_ROUNDS`` rounds, and the last quarter tunes the steps on the final ladder.  After the
warm-up nothing is tuned.

A draw is taken every ``thin`` transitions, each one move of all replicas and one offer of swaps, at
the temperatures asked for and, to see whether the chains of a ladder agree where they renew
themselves, at its top.  Memory is bounded: scalars of each draw are kept, counts of overlaps and
activities and rates are summed.

Everything is dimensionless.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..progress import Progress
from ..specs import RESCALED_UNITS, LangevinSpec
from . import exchange
from .ensemble import Ensemble
from .kernels import kernel
from .landscape import Landscape, State
from .observables import (
    ACTIVITY_EDGES,
    CHAIN_OBSERVABLES,
    FIELD_OBSERVABLES,
    OVERLAP_EDGES,
    PAIR_OBSERVABLES,
    activity_counts,
    observables,
    overlap_counts,
)
from .tuning import DualAveraging

Array = np.ndarray

LADDER_ROUNDS = 3
ORIGIN, RANDOM, PLANTED = range(3)


def starts(spec: LangevinSpec) -> Array:
    """How each chain starts, shape (chain,): the two of a pair differ."""
    first = ORIGIN if spec.couplings.planted is None else PLANTED
    return np.repeat([first, RANDOM], spec.chains // 2)


def begin(spec: LangevinSpec, landscape: Landscape, planted: Array | None = None) -> Ensemble:
    """Replicas at their starts, on the first ladder; ``planted`` is the planted state (N,)."""
    start_rng, rng = map(np.random.default_rng, np.random.SeedSequence(spec.entropy).spawn(2))
    N = len(landscape.J)
    temperatures = np.array(spec.temperatures)
    if spec.exchange:
        units = RESCALED_UNITS if spec.rescale else N
        temperatures = exchange.first_ladder(_anchors(spec), units, spec.swap_rate)
    columns = np.arange(spec.chains * temperatures.size).reshape(spec.chains, -1)
    start = np.repeat(starts(spec), temperatures.size)
    x = start_rng.standard_normal((N, columns.size)) * (start == RANDOM)
    if planted is not None:
        x[:, start == PLANTED] = np.asarray(planted)[:, None]
    fields = None
    if spec.field:
        signs = start_rng.choice([-1.0, 1.0], size=(N, spec.chains))
        fields = np.repeat(spec.field * signs, temperatures.size, axis=1)
    return Ensemble(
        state=State(landscape, x, fields),
        temperatures=temperatures,
        step=np.full(temperatures.size, spec.step),
        columns=columns,
        kernel=kernel(spec, landscape),
        length=spec.path_length,
        swaps=spec.exchange,
        rescale=spec.rescale,
        rng=rng,
    )


def _anchors(spec: LangevinSpec) -> Array:
    """Temperatures that the ladder must hold."""
    return np.unique([*spec.temperatures, spec.hottest])


def warm_up(spec: LangevinSpec, ensemble: Ensemble, progress: Progress) -> None:
    """Cool the replicas, space the ladder and tune the steps; transitions are counted."""
    cooling = spec.warmup // 2
    _tune(spec, ensemble, cooling, progress, cooled=False)
    ensemble.step[:] = spec.step
    rest = spec.warmup - cooling
    if spec.exchange:
        length = rest // (2 * LADDER_ROUNDS)
        for _ in range(LADDER_ROUNDS):
            rates = _tune(spec, ensemble, length, progress)
            ensemble.place_on(
                exchange.refined_ladder(
                    _anchors(spec), ensemble.temperatures, rates, spec.swap_rate
                )
            )
        rest -= LADDER_ROUNDS * length
    _tune(spec, ensemble, rest, progress)


def _tune(
    spec: LangevinSpec,
    ensemble: Ensemble,
    transitions: int,
    progress: Progress,
    cooled: bool = True,
) -> Array:
    """Make transitions that tune the steps; measured swap rates (rung - 1,).

    Replicas that are not cooled are taken from ``hottest`` to their temperatures, without swaps;
    planted ones are there.
    """
    planted = (starts(spec) == PLANTED)[:, None]
    averaging = DualAveraging(ensemble.step, spec.target_acceptance)
    rates = Rates(ensemble.temperatures.size - 1)
    for index in range(transitions):
        way = 1.0 if cooled else index / transitions
        temperatures = spec.hottest ** (1.0 - way) * ensemble.temperatures**way
        acceptance = ensemble.move(np.where(planted, ensemble.temperatures, temperatures))
        if ensemble.kernel.tuned:
            ensemble.step = averaging.update(acceptance.mean(axis=0))
        if ensemble.swaps and cooled:
            rates.add(ensemble.swap())
        progress.advance()
    if ensemble.kernel.tuned:
        ensemble.step = averaging.average
    return rates.mean


@dataclass
class Rates:
    """Means of swap rates, of which each transition offers every second one."""

    size: int
    total: Array = field(init=False)
    number: Array = field(init=False)

    def __post_init__(self) -> None:
        self.total = np.zeros(self.size)
        self.number = np.zeros(self.size, dtype=int)

    def add(self, rates: Array) -> None:
        """Take in the rates of one transition, NaN where there was no offer."""
        offered = ~np.isnan(rates)
        self.total[offered] += rates[offered]
        self.number += offered

    @property
    def mean(self) -> Array:
        """Mean rates, shape (rung - 1,)."""
        return self.total / np.maximum(1, self.number)


class Record:
    """What is kept of the draws."""

    def __init__(self, spec: LangevinSpec, ensemble: Ensemble) -> None:
        chains, rungs = ensemble.columns.shape
        shape = {name: spec.chains for name in CHAIN_OBSERVABLES}
        shape |= {name: spec.chains // 2 for name in PAIR_OBSERVABLES}
        if spec.field:
            shape |= {name: spec.chains for name in FIELD_OBSERVABLES}
        temperatures = len(spec.measured)
        self.count = 0
        self.draws = {
            name: np.empty((temperatures, number, spec.draws)) for name, number in shape.items()
        }
        self.overlaps = np.zeros((temperatures, OVERLAP_EDGES.size - 1), dtype=int)
        self.activities = np.zeros((temperatures, ACTIVITY_EDGES.size - 1), dtype=int)
        self.acceptance = np.zeros((chains, rungs))
        self.swap_rates = Rates(rungs - 1)
        self.crossings = exchange.Crossings(ensemble.columns.size)

    @property
    def room(self) -> int:
        """Number of draws that there is room for."""
        return self.draws["q"].shape[-1]

    def make_room(self, draws: int) -> None:
        """Have room for that many draws, no fewer than now."""
        for name, values in self.draws.items():
            self.draws[name] = np.empty((*values.shape[:-1], draws))
            self.draws[name][..., : self.count] = values[..., : self.count]

    def add(self, ensemble: Ensemble, temperatures: Array) -> None:
        """Measure the replicas that are at these temperatures now."""
        rungs = np.searchsorted(ensemble.temperatures, temperatures)
        state, columns = ensemble.state, ensemble.at(rungs)
        x = state.x[:, columns]
        fields = None if state.field is None else state.field[:, columns]
        chains = len(ensemble.columns)
        found = observables(x, state.landscape, temperatures, chains, fields)
        for name, values in found.items():
            self.draws[name][..., self.count] = values
        self.overlaps += overlap_counts(state.landscape.transfer.phi(x), chains)
        self.activities += activity_counts(x, chains)
        self.count += 1


def draw(spec: LangevinSpec, ensemble: Ensemble, record: Record) -> None:
    """Add one draw to the record."""
    for _ in range(spec.thin):
        record.acceptance += ensemble.move(ensemble.temperatures)
        if ensemble.swaps:
            record.swap_rates.add(ensemble.swap())
            record.crossings.update(ensemble.columns)
    record.add(ensemble, np.array(spec.measured))
