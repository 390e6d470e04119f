r"""The cold measure of small networks at gamma = 0, exactly, from all their fixed points.

As T -> 0 the Boltzmann measure of one network gives its fixed points the probabilities

.. math::

    p_a \propto 1/|\det(1 - J\phi'(x^a))|.

x and -x are fixed points together, a pair with one absolute overlap with any other; the origin,
its own mirror image, counts as a pair of half the weight.  Two independent states of the measure
then have

.. math::

    \langle|\phi\cdot\phi'|\rangle/N = \sum_a p_a^2\,q_a
        + \sum_{a\ne b} p_a p_b\,|\phi^a\cdot\phi^b|/N,

the sums over pairs.  The first part comes from two states of the same pair, which has the
probability sum p_a^2.  exp(-sum p_a ln p_a) is how many pairs take part.

The fixed points are those that module `enumeration` finds; a network on which its search did not
end is marked.  Everything is dimensionless.

References
----------
docs/theory.md, section 11.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import xarray as xr

from ..couplings import run as make_couplings
from ..enumeration import Enumeration, enumerate_networks
from ..progress import Progress
from ..specs import ColdNetworksSpec, CouplingsSpec
from ..status import STATUS_ATTRIBUTES
from ..transfer import TransferFunction, transfer_function

LONG_NAMES = {
    "points": "number of fixed points",
    "log_partition": "ln of the sum of 1/|det| over the fixed points",
    "q": "self-overlap of the rates, cold measure",
    "overlap_absolute": "mean absolute overlap of two states of the cold measure",
    "same_pair": "probability that two states of the cold measure are at one pair x, -x",
    "overlap_same_pair": "part of the mean absolute overlap from states at one pair",
    "effective_pairs": "exp of the entropy of the cold measure: number of pairs that take part",
    "sign_sum": "sum of the signs of det(1 - J phi') over the fixed points, which must be 1",
    "residual": "largest |x - J phi(x)| of a unit in a fixed point",
    "curves": "curves that were followed to find the fixed points",
}


@dataclass(frozen=True)
class ColdMeasure:
    """Averages over the cold measure of one network, named as in the dataset."""

    points: int
    log_partition: float
    q: float
    overlap_absolute: float
    same_pair: float
    overlap_same_pair: float
    effective_pairs: float
    sign_sum: int
    residual: float
    curves: int


def cold_measure(network: Enumeration, transfer: TransferFunction) -> ColdMeasure:
    """Averages with weight 1/|det| over the fixed points of one network."""
    logs = np.log(network.multiplicity) - network.log_det
    log_partition = float(np.logaddexp.reduce(logs))
    logs = logs - log_partition
    p = np.exp(logs)
    phi = transfer.phi(network.x)
    overlaps = np.abs(phi @ phi.T) / phi.shape[1]
    return ColdMeasure(
        points=int(network.multiplicity.sum()),
        log_partition=log_partition,
        q=float(p @ network.q),
        overlap_absolute=float(p @ overlaps @ p),
        same_pair=float(p @ p),
        overlap_same_pair=float(p**2 @ network.q),
        effective_pairs=float(np.exp(-(p @ logs))),
        sign_sum=int(network.sign @ network.multiplicity),
        residual=network.residual,
        curves=network.curves,
    )


def run(spec: ColdNetworksSpec) -> xr.Dataset:
    """Averages on every network of a spec.

    Returns
    -------
    xarray.Dataset
        Over ``network``, the seed of its couplings; all dimensionless.
    """
    transfer = transfer_function(spec.transfer)
    seeds = spec.seed + np.arange(spec.networks)
    couplings = [
        make_couplings(CouplingsSpec(N=spec.N, gamma=0.0, seed=int(seed)))["couplings"].values
        for seed in seeds
    ]
    rng = np.random.default_rng(np.random.SeedSequence(spec.entropy))
    progress = Progress(spec.key, "networks", spec.networks)
    J = spec.g * np.stack(couplings)
    found = enumerate_networks(J, transfer, spec.curves, spec.rounds, rng, progress)
    measures = [cold_measure(network, transfer) for network in found]
    variables = {
        field.name: (
            "network",
            np.array([getattr(measure, field.name) for measure in measures]),
            {"long_name": LONG_NAMES[field.name], "units": "1"},
        )
        for field in fields(ColdMeasure)
    }
    codes = np.array([network.status.code for network in found], dtype=np.int8)
    variables["status"] = ("network", codes, STATUS_ATTRIBUTES)
    network = ("network", seeds, {"long_name": "seed of the couplings", "units": "1"})
    return xr.Dataset(variables, coords={"network": network})
