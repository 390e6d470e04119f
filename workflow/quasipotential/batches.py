r"""Several networks sampled in one job, where one network is too little work for a job.

The job draws the couplings of one network after another and samples each as a job of its own would:
with the same spec, random numbers and bits (module ``langevin``).  What it keeps of a network is
all that has no dimension ``draw``; over a thousand networks the draws would be a thousand times as
large as what is read from them.

Every ``INTERVAL`` seconds the finished networks are written to a file of their own, and a long run
on one network has its checkpoint, so that a job that was stopped goes on and gives the same bits.

Everything is dimensionless.
"""

from __future__ import annotations

import time
from pathlib import Path

import xarray as xr

from . import couplings, langevin, store
from .disorder import join_networks, on_network
from .progress import Progress
from .specs import BatchSpec, LangevinSpec

INTERVAL = 60.0


def run(spec: BatchSpec, unfinished: Path, code: str, interval: float = INTERVAL) -> xr.Dataset:
    """Sample the networks of a batch.

    Parameters
    ----------
    spec : BatchSpec
    unfinished : Path
        File for the finished networks, of the name of the batch; removing it is up to the caller,
        once the result is stored.
    code : str
        Digest of the code.  What another code has written is not continued.
    interval : float
        Seconds between two writings.

    Returns
    -------
    Dataset
        What :func:`langevin.run` returns, less the draws, with the dimension ``network`` before the
        others.  Where networks differ in the length of a dimension (``rung``, ``fixed_point``), it
        is that of the longest, and the rest is NaN.
    """
    batch = _continued(unfinished, code)
    start = written = time.perf_counter()
    finished = 0 if batch is None else batch.sizes["network"]
    progress = Progress(spec.key, "networks", spec.networks, finished)
    for member in spec.members()[finished:]:
        path = unfinished.with_name(f"{member.key}.checkpoint")
        checkpoint = langevin.Checkpoint(path, code)
        network = _sampled(member, checkpoint, progress)
        batch = network if batch is None else join_networks([batch, network])
        now = time.perf_counter()
        if now - written > interval:
            store.save(store.describe(batch, spec, code, now - start), unfinished)
            written = now
        checkpoint.remove()
        progress.advance()
    return batch.drop_attrs(deep=False)


def _continued(unfinished: Path, code: str) -> xr.Dataset | None:
    """What a job that was stopped had finished, if it ran this code."""
    if not unfinished.is_file():
        return None
    batch = store.load(unfinished)
    return batch if batch.attrs["source_digest"] == code else None


def _sampled(spec: LangevinSpec, checkpoint: langevin.Checkpoint, progress: Progress) -> xr.Dataset:
    """One network, with the dimension ``network``."""
    network = couplings.run(spec.couplings)["couplings"].values
    dataset = langevin.run(spec, network, checkpoint, within=progress).drop_dims("draw")
    return on_network(dataset, spec.couplings.seed)
