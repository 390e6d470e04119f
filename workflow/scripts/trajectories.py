"""The original dynamics on one network: spec and couplings, if any, in, dataset out."""

from quasipotential import job, trajectories


def compute(spec, network=None):
    couplings = None if network is None else network["couplings"].values
    return trajectories.run(spec, couplings)


job.run(snakemake, compute)
