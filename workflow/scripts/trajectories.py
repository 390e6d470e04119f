"""The original dynamics on networks: spec and couplings, if any, in, dataset out."""

from importlib import import_module

from quasipotential import job


def compute(spec, *networks):
    module = import_module(f"quasipotential.{spec.module}")
    return module.run(spec, *(network["couplings"].values for network in networks))


job.run(snakemake, compute)
