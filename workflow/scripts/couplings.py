"""Couplings of one network: spec in, dataset out."""

from quasipotential import couplings, job

job.run(snakemake, couplings.run)
