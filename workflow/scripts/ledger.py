"""The reproduction ledger: tables of the figures and second routes in; CSV and NetCDF out."""

from quasipotential import job, table_job

with job.logged(snakemake.log[0]):
    table_job.write_ledger(snakemake)
