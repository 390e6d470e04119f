"""The report: figures, tables and records of the run in; one page out."""

from quasipotential import job, page

with job.logged(snakemake.log[0]):
    page.run(snakemake)
