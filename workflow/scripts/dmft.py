"""Dynamical mean-field theory: spec in, dataset out."""

from quasipotential import dmft, job

job.run(snakemake, dmft.run)
