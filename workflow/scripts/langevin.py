"""Samples of the Boltzmann measure on one network: spec and couplings in, dataset out."""

from pathlib import Path

from quasipotential import job, langevin

checkpoint = langevin.Checkpoint(
    Path(snakemake.output[0]).with_suffix(".checkpoint"), snakemake.params.code
)
job.run(
    snakemake,
    lambda spec, network: langevin.run(
        spec, network["couplings"].values, checkpoint, network.get("state")
    ),
)
checkpoint.remove()
