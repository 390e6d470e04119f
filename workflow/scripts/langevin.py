"""Samples of the Boltzmann measure on one network: spec and couplings in, dataset out."""

from quasipotential import job, langevin

job.run(snakemake, lambda spec, network: langevin.run(spec, network["couplings"].values))
