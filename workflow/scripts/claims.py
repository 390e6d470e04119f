"""The table of claims: results of the replica theory in; CSV and NetCDF out."""

from quasipotential import job, table_job

with job.logged(snakemake.log[0]):
    table_job.write_claims(snakemake)
