"""Samples of the Boltzmann measure on one network: spec and couplings in, dataset out."""

from pathlib import Path

from quasipotential import job, langevin

checkpoint = langevin.Checkpoint(
    Path(snakemake.output[0]).with_suffix(".checkpoint"), snakemake.params.code
)


def sampled(spec, network):
    """Samples, no better than planted couplings are."""
    samples = langevin.run(spec, network["couplings"].values, checkpoint, network.get("state"))
    return job.handed_on(samples, network)


job.run(snakemake, sampled)
checkpoint.remove()
