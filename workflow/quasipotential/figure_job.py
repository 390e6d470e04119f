"""One figure job: table, picture, caption."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType

import jinja2
import pandas as pd

from . import store
from .figures import style, tables
from .specs import FigureSpec, parse


def read_published(path: Path, name: str) -> pd.DataFrame:
    """Digitised values of one figure."""
    published = pd.read_csv(path, dtype={"figure": str})
    source = tables.DIGITISED_ELSEWHERE.get(name, name)
    return published[published["figure"] == source.removeprefix("fig")].reset_index(drop=True)


def caption(template: Path, comparison: pd.DataFrame, table: pd.DataFrame, settings: dict) -> str:
    """Caption with the numbers of this run.

    The template knows ``settings``; ``compared`` and ``different``, numbers of published points;
    ``above``, how many of the latter lie at g (1 + gamma) >= 1; ``largest``, the row that differs
    most; ``not_converged`` and ``not_equilibrated``, numbers of points with such a status;
    ``exact_zero``, whether all theory values of Q and R are 0.
    """
    known = comparison.dropna(subset=["deviation"])
    different = known[known["deviation"].abs() > tables.DIFFERENT]
    largest = None
    if len(different):
        largest = different.loc[different["deviation"].abs().idxmax()].to_dict()
    of_replicas = table[(table["source"] == "theory") & table["quantity"].isin(["Q", "R"])]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template(template.name).render(
        settings=settings,
        compared=len(known),
        different=len(different),
        above=int((different["g"] * (1 + different["gamma"]) >= 1).sum()),
        largest=largest,
        not_equilibrated=tables.count_points(table, ["not_equilibrated"]),
        not_converged=tables.count_points(table, tables.WITHOUT_SOLUTION),
        exact_zero=bool((of_replicas["y"] == 0).all()),
    )


def inputs(snakemake, spec: FigureSpec) -> Iterator[tuple[str, list[str]]]:
    """Files of each role, where the workflow has them: as a module it may have a prefix."""
    files = iter(snakemake.input)
    for role, paths in spec.sources:
        yield role, list(islice(files, len(paths)))


def run(snakemake, module: ModuleType) -> None:
    """Draw one figure from the job's inputs and write its files."""
    spec = parse(snakemake.params.spec)
    settings = json.loads(spec.settings)
    sources = {role: list(map(store.load, paths)) for role, paths in inputs(snakemake, spec)}
    published = read_published(snakemake.input.published, spec.name)
    table = module.tabulate(sources, published, settings)
    store.write_atomically(
        snakemake.output.table, lambda name: table.to_csv(name, index=False, float_format="%.12g")
    )
    text = caption(Path(snakemake.input.caption), tables.compare(table), table, settings)
    store.write_atomically(
        snakemake.output.caption, lambda name: name.write_text(text, encoding="utf-8")
    )
    with style.paper_style():
        figure = module.draw(table, settings)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # the layout is done: not once for each format
        # No dates in the files: the same numbers give the same bytes.
        metadata = {
            "pdf": {"CreationDate": None, "Keywords": spec.key},
            "svg": {"Date": None, "Identifier": spec.key},
            "png": {"Source": spec.key},
        }
        for suffix, about in metadata.items():
            store.write_atomically(
                snakemake.output[suffix],
                lambda name, suffix=suffix, about=about: figure.savefig(
                    name, format=suffix, metadata=about
                ),
            )
