"""One figure: datasets in; the figure in three formats, its numbers and its caption out."""

import importlib

from quasipotential import figure_job, job

with job.logged(snakemake.log[0]):
    module = importlib.import_module(f"quasipotential.figures.{snakemake.params.name}")
    figure_job.run(snakemake, module)
