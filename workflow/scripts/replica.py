"""Replica theory: spec in, dataset out."""

from quasipotential import job, replica

job.run(snakemake, replica.run)
