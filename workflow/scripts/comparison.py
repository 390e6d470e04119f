"""Published values beside ours: tables of the figures in, one table out."""

from pathlib import Path

import pandas as pd

from quasipotential import job, store
from quasipotential.figures import tables

with job.logged(snakemake.log[0]):
    parts = []
    for path in map(Path, snakemake.input.tables):
        figure = path.stem.split("-")[0]
        if figure in tables.DIGITISED_ELSEWHERE:
            continue
        comparison = tables.compare(tables.read(path))
        comparison.insert(0, "figure", figure)
        parts.append(comparison)
    table = pd.concat(parts, ignore_index=True)
    store.write_atomically(
        snakemake.output.table, lambda name: table.to_csv(name, index=False, float_format="%.6g")
    )
