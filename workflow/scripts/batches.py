"""Samples of the Boltzmann measure on several networks: spec in, dataset out."""

from pathlib import Path

from quasipotential import batches, job

output = Path(snakemake.output[0])
unfinished = output.parent / "unfinished" / output.name
job.run(snakemake, lambda spec: batches.run(spec, unfinished, snakemake.params.code))
unfinished.unlink(missing_ok=True)
