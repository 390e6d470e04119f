r"""Sampling the Boltzmann measure P(x) ~ exp(-E(x)/T) of one network.

- `landscape`: E and its gradient for a batch of states
- `kernels`: Euler-Maruyama, MALA and HMC
- `tuning`: steps that lead to a target acceptance
- `exchange`: swaps on a ladder of temperatures, its spacing, round trips
- `rescaling`: swaps in which replicas keep their noise
- `ensemble`: all chains at all temperatures as columns of one batch
- `observables`: what is measured
- `sampler`: warm-up and draws
- `fixed_points`: which fixed points the last states belong to
- `checkpoint`: where a run that was stopped goes on

Everything is dimensionless.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from ..couplings import as_matrix
from ..diagnostics import Summary, summarise
from ..progress import Progress
from ..specs import LangevinSpec
from ..status import STATUS_ATTRIBUTES, Status
from ..transfer import transfer_function
from . import sampler
from .checkpoint import Checkpoint
from .ensemble import Ensemble
from .fixed_points import polish
from .landscape import Landscape
from .observables import (
    ACTIVITY_EDGES,
    CHAIN_OBSERVABLES,
    FIELD_OBSERVABLES,
    OVERLAP_EDGES,
    PAIR_OBSERVABLES,
    specific_heat,
)
from .tuning import DualAveraging

__all__ = ["Checkpoint", "DualAveraging", "Landscape", "run"]

STATISTICS = {
    "mean": "mean over the draws",
    "mcse": "Monte Carlo standard error of the mean",
    "ess": "bulk effective sample size",
    "rhat": "rank-normalised split R-hat",
}
LONG_NAMES = {
    "temperature": "temperature T = 1/beta",
    "chain": "index of the chain",
    "pair": "index of the pair of chains (pair, pair + chains/2)",
    "draw": "index of the draw",
    "start": "start of the chain: 0 the origin, 1 random, 2 the planted state",
    "step_size": "step of the integrator after warm-up",
    "acceptance": "mean acceptance probability after warm-up",
    "overlap_bin": "overlap of the rates of two chains, centre of the bin",
    "overlap_density": "probability density of the overlap of any two chains",
    "overlap_absolute_bin": "absolute overlap of the rates of two chains, centre of the bin",
    "overlap_absolute_density": "probability density of the absolute overlap of any two chains",
    "activity_bin": "activity x_i, centre of the bin",
    "activity_density": "probability density of x_i, over units, chains and draws",
    "rung": "index of the rung of the ladder of temperatures",
    "rung_temperature": "temperature of the rung",
    "stretch": "index of the stretch between the rungs stretch and stretch + 1",
    "swap_rate": "mean swap probability of two neighbouring rungs (rescaled swaps: share made)",
    "round_trips": "whole round trips of single replicas between the coldest and the hottest rung, "
    "all replicas of a ladder",
    "judged": "observable that the chains are judged by",
    "hottest_ess": "bulk effective sample size at the top of the ladder",
    "hottest_rhat": "rank-normalised split R-hat at the top of the ladder",
    "fixed_point": "index of the fixed point, x and -x being one",
    "fixed_point_index": "fixed point that the last state of the chain belongs to; -1: none, "
    "-2: temperature above polish_below",
    "fixed_point_energy": "E of the whole network where the search for the fixed point ended",
    "fixed_point_q": "self-overlap of the rates at the fixed point",
    "fixed_point_mean_square_x": "mean of x^2 at the fixed point",
    "fixed_point_log_weight": "log of the weight at T -> 0 per unit, -ln|det(1 - J phi')|/N",
}
NOT_POLISHED = -2
#: What is drawn against the theory: by their R-hat, and those of single chains by their ESS.
JUDGED = ("q", "energy", "mean_square_x", "response_diagonal", "overlap_absolute")
SPECIFIC_HEAT = "specific heat per unit, var(E)/(N T^2)"


def run(
    spec: LangevinSpec,
    couplings: np.ndarray,
    checkpoint: Checkpoint | None = None,
    state: np.ndarray | None = None,
    within: Progress | None = None,
) -> xr.Dataset:
    """Sample the measure exp(-E/T) of a spec on one network.

    With ``most_draws`` a run that has not equilibrated after ``draws`` goes on, doubling the draws,
    until it has at all temperatures, or to that number.

    Parameters
    ----------
    spec : LangevinSpec
    couplings : ndarray, shape (N, N)
        J/g with dims (post, pre).
    checkpoint : Checkpoint, optional
        Where to continue from and to note how far the run is; removing it is up to the caller,
        once the result is stored.
    state : ndarray, shape (N,), optional
        Of planted couplings.
    within : Progress, optional
        Loop of which this run is an item.

    Returns
    -------
    Dataset
        The draws of the observables, dims (temperature, chain, draw) or (temperature, pair, draw);
        for each of them and for ``specific_heat`` ``<name>_mean``, ``_mcse``, ``_ess`` and
        ``_rhat`` with dim ``temperature``; the distributions of the overlap and of x_i; step and
        acceptance; with exchange the ladder, its swap rates and round trips and the criteria at its
        top; with ``polish_below`` the fixed points that the last states belong to (module
        ``fixed_points``); and ``status(temperature)``, which is NOT_EQUILIBRATED where, for one of
        ``JUDGED``, R-hat exceeds ``rhat_limit`` (or does not exist) or, of single chains, the
        effective sample size falls below ``ess_limit``.  With exchange it is so at all temperatures
        if it is at the top of the ladder, or if one of the ladders made fewer round trips than
        ``round_trip_limit``.

    Raises
    ------
    ValueError
        If planted couplings come without their state, or others with one; if the couplings are not
        those of N units.
    """
    if (spec.couplings.planted is None) != (state is None):
        raise ValueError(f"{spec.key}: planted couplings, and only those, come with their state")
    J = spec.g * as_matrix(couplings, spec.couplings.N)
    landscape = Landscape(J, transfer_function(spec.transfer), spec.eta)
    count = partial(Progress, spec.key, "transitions", within=within)
    stopped = checkpoint.load(spec, landscape) if checkpoint else None
    if stopped is None:
        ensemble = sampler.begin(spec, landscape, state)
        progress = count(_transitions(spec, spec.draws), note="warm-up")
        sampler.warm_up(spec, ensemble, progress)
        record = sampler.Record(spec, ensemble)
    else:
        ensemble, record = stopped
        progress = count(_transitions(spec, record.room), _transitions(spec, record.count))
    while True:
        progress.total = _transitions(spec, record.room)
        progress.note = _doubled(spec, record.room)
        while record.count < record.room:
            if checkpoint:
                checkpoint.save(spec, ensemble, record)
            sampler.draw(spec, ensemble, record)
            progress.advance(spec.thin)
        if record.room >= spec.most or np.all(equilibrated(spec, ensemble, record)):
            return dataset_of(spec, ensemble, record)
        record.make_room(min(2 * record.room, spec.most))


def _transitions(spec: LangevinSpec, draws: int) -> int:
    """Transitions of the warm-up and a number of draws."""
    return spec.warmup + draws * spec.thin


def _doubled(spec: LangevinSpec, room: int) -> str:
    """What a line of progress says of the number of draws."""
    if room == spec.draws:
        return "draws"
    return f"draws, doubled from {spec.draws} to {room} of at most {spec.most} to equilibrate"


def equilibrated(spec: LangevinSpec, ensemble: Ensemble, record: sampler.Record) -> np.ndarray:
    """Whether the chains agree and have drawn enough, at each temperature, shape (temperature,)."""

    def summaries(name: str) -> list[Summary]:
        return [summarise(draws) for draws in record.draws[name]]

    result = np.ones(len(spec.measured), dtype=bool)
    for name in JUDGED:
        found = summaries(name)
        result &= [summary.rhat <= spec.rhat_limit for summary in found]
        if name in CHAIN_OBSERVABLES:
            result &= [summary.ess >= spec.ess_limit for summary in found]
    if spec.exchange:
        trips = record.crossings.round_trips(ensemble.columns)
        result &= result[-1] and trips.min() >= spec.round_trip_limit
    return result[: len(spec.temperatures)]


def dataset_of(spec: LangevinSpec, ensemble: Ensemble, record: sampler.Record) -> xr.Dataset:
    """Dataset of the draws, as described for :func:`run`."""
    texts = CHAIN_OBSERVABLES | PAIR_OBSERVABLES | FIELD_OBSERVABLES
    temperatures = np.array(spec.temperatures)
    asked = slice(temperatures.size)
    rungs = np.searchsorted(ensemble.temperatures, temperatures)
    dataset = xr.Dataset(
        {
            name: (
                ("temperature", "pair" if name in PAIR_OBSERVABLES else "chain", "draw"),
                values[asked],
            )
            for name, values in record.draws.items()
        },
        coords={
            "temperature": temperatures,
            "chain": np.arange(spec.chains),
            "pair": np.arange(spec.chains // 2),
            "draw": np.arange(record.count),
        },
    )
    acceptance = record.acceptance[:, rungs].T / (record.count * spec.thin)
    dataset["step_size"] = ("temperature", ensemble.step[rungs])
    dataset["acceptance"] = (("temperature", "chain"), acceptance)
    dataset["start"] = ("chain", sampler.starts(spec).astype(np.int8))
    pairs = record.count * spec.chains * (spec.chains - 1) / 2
    _add_overlaps(dataset, record.overlaps[asked] / pairs)
    units = record.count * spec.chains * spec.couplings.N
    density = record.activities[asked] / (units * np.diff(ACTIVITY_EDGES))
    dataset["activity_density"] = (("temperature", "activity_bin"), density)
    dataset.coords["activity_bin"] = 0.5 * (ACTIVITY_EDGES[1:] + ACTIVITY_EDGES[:-1])
    if spec.polish_below is not None:
        _add_fixed_points(dataset, ensemble, spec.polish_below)

    series = {name: dataset[name].values for name in record.draws}
    series["specific_heat"] = np.stack(
        [
            specific_heat(energy, T, spec.couplings.N)
            for energy, T in zip(series["energy"], temperatures, strict=True)
        ]
    )
    long_names = LONG_NAMES | texts
    for name, draws in series.items():
        summaries = [summarise(values) for values in draws]
        for statistic, description in STATISTICS.items():
            values = [getattr(summary, statistic) for summary in summaries]
            dataset[f"{name}_{statistic}"] = ("temperature", values)
            text = texts.get(name, SPECIFIC_HEAT)
            long_names[f"{name}_{statistic}"] = f"{text}: {description}"

    if spec.exchange:
        dataset["round_trips"] = ("chain", record.crossings.round_trips(ensemble.columns))
        dataset["swap_rate"] = ("stretch", record.swap_rates.mean)
        dataset["rung_temperature"] = ("rung", ensemble.temperatures)
        top = [summarise(record.draws[name][-1]) for name in JUDGED]
        dataset["hottest_ess"] = ("judged", [summary.ess for summary in top])
        dataset["hottest_rhat"] = ("judged", [summary.rhat for summary in top])
        dataset.coords["judged"] = list(JUDGED)
        dataset = dataset.assign_coords(
            rung=np.arange(ensemble.temperatures.size),
            stretch=np.arange(ensemble.temperatures.size - 1),
        )
    good = equilibrated(spec, ensemble, record)
    codes = np.where(good, Status.CONVERGED.code, Status.NOT_EQUILIBRATED.code)
    dataset["status"] = ("temperature", codes.astype(np.int8), STATUS_ATTRIBUTES)
    for name in set(dataset.variables) - {"status"}:
        dataset.variables[name].attrs.update(long_name=long_names[name], units="1")
    return dataset


def _add_overlaps(dataset: xr.Dataset, probability: np.ndarray) -> None:
    """Densities of the overlap from the probabilities of its bins, shape (temperature, bin)."""
    half = probability.shape[1] // 2
    folded = probability[:, half:] + probability[:, half - 1 :: -1]
    for name, values, edges in (
        ("overlap", probability, OVERLAP_EDGES),
        ("overlap_absolute", folded, OVERLAP_EDGES[half:]),
    ):
        dataset[f"{name}_density"] = (("temperature", f"{name}_bin"), values / np.diff(edges))
        dataset.coords[f"{name}_bin"] = 0.5 * (edges[1:] + edges[:-1])


def _add_fixed_points(dataset: xr.Dataset, ensemble: Ensemble, limit: float) -> None:
    """Fixed points that the last states at temperatures up to a limit belong to."""
    temperatures = dataset["temperature"].values
    cold = temperatures <= limit
    columns = ensemble.at(np.searchsorted(ensemble.temperatures, temperatures[cold]))
    found = polish(ensemble.state.x[:, columns], ensemble.state.landscape)
    index = np.full((temperatures.size, dataset.sizes["chain"]), NOT_POLISHED)
    index[cold] = found.index.reshape(-1, index.shape[1])
    energy = np.full(index.shape, np.nan)
    energy[cold] = found.energy.reshape(-1, index.shape[1])
    dataset["fixed_point_index"] = (("temperature", "chain"), index)
    dataset["fixed_point_energy"] = (("temperature", "chain"), energy)
    for name in ("q", "mean_square_x", "log_weight"):
        dataset[f"fixed_point_{name}"] = ("fixed_point", getattr(found, name))
    dataset.coords["fixed_point"] = np.arange(found.q.size)
