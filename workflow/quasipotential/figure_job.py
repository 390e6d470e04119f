"""One figure job: table, picture, caption."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType

import jinja2
import matplotlib as mpl
import pandas as pd
import xarray as xr

from . import store
from .figures import style, tables
from .specs import FigureSpec, parse
from .transfer import transfer_function


def read_published(path: Path, name: str) -> pd.DataFrame:
    """Digitised values of one figure."""
    published = pd.read_csv(path, dtype={"figure": str})
    source = tables.DIGITISED_ELSEWHERE.get(name, name)
    return published[published["figure"] == source.removeprefix("fig")].reset_index(drop=True)


def of_the_paper(sources: dict[str, list[xr.Dataset]]) -> bool:
    """Whether the results are of the paper's model: phi = tanh and eta = 0."""
    specs = [tables.sampled_spec(dataset) for datasets in sources.values() for dataset in datasets]
    return all(s.get("transfer", "tanh") == "tanh" and s.get("eta", 0.0) == 0.0 for s in specs)


def has_transition(sources: dict[str, list[xr.Dataset]]) -> bool:
    """Whether g (1 + gamma) = 1 is the transition: phi is linear, or sigmoidal with slope 1."""
    specs = [tables.sampled_spec(dataset) for datasets in sources.values() for dataset in datasets]
    names = {spec.get("transfer", "tanh") for spec in specs}
    return all(name == "linear" or transfer_function(name).is_sigmoidal for name in names)


def confinement(sources: dict[str, list[xr.Dataset]]) -> float:
    """The largest eta of the results."""
    specs = [tables.sampled_spec(dataset) for datasets in sources.values() for dataset in datasets]
    return max((spec.get("eta", 0.0) for spec in specs), default=0.0)


def caption(
    template: Path, table: pd.DataFrame, settings: dict, networks: dict[int, int] | None = None
) -> str:
    """Caption with the numbers of this run; ``table`` has the rows that are drawn.

    The template knows ``settings``; ``networks``, number of networks by N; ``published``, whether
    there are published points; ``compared`` and ``different``, numbers of published points;
    ``above``, how many of the latter lie at g (1 + gamma) >= 1; ``largest``, the row that differs
    most; ``not_converged`` and ``not_equilibrated``, numbers of points with such a status;
    ``outcomes``, the statuses of the former;
    ``exact_zero``, whether all theory values of Q and R are 0.
    """
    known = tables.compare(table).dropna(subset=["deviation"])
    different = known[known["deviation"].abs() > tables.DIFFERENT]
    largest = None
    if len(different):
        largest = different.loc[different["deviation"].abs().idxmax()].to_dict()
        largest["quantity"] = tables.SYMBOLS.get(largest["quantity"], largest["quantity"])
    of_replicas = table[(table["source"] == "theory") & table["quantity"].isin(["Q", "R"])]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template(template.name).render(
        settings=settings,
        networks=networks or {},
        published=bool((table["source"] == "published").any()),
        compared=len(known),
        different=len(different),
        above=int((different["g"] * (1 + different["gamma"]) >= 1).sum()),
        largest=largest,
        not_equilibrated=tables.count_points(table, ["not_equilibrated"]),
        not_converged=tables.count_points(table, tables.WITHOUT_SOLUTION),
        outcomes=sorted(set(tables.WITHOUT_SOLUTION) & set(table["status"])),
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
    settings |= {"transition": has_transition(sources), "eta": confinement(sources)}
    if not of_the_paper(sources):
        published = published.iloc[:0]
    table = module.tabulate(sources, published, settings)
    store.write_atomically(
        snakemake.output.table, lambda name: table.to_csv(name, index=False, float_format="%.12g")
    )
    shown = tables.drawn(table, settings, getattr(module, "CURVES_OF", None))
    networks = tables.count_networks(sources.get("sampling", []), shown)
    text = caption(Path(snakemake.input.caption), shown, settings, networks)
    store.write_atomically(
        snakemake.output.caption, lambda name: name.write_text(text, encoding="utf-8")
    )
    with style.paper_style():
        figure = module.draw(shown, settings)
        figure.draw_without_rendering()
        # No dates in the files: the same numbers give the same bytes.
        metadata = {
            "pdf": {"CreationDate": None, "Keywords": spec.key},
            "svg": {"Date": None, "Identifier": spec.key},
            "png": {"Source": spec.key},
        }
        # The layout is done: without an engine no format draws once more for it.
        without = {"figure.constrained_layout.use": False, "figure.autolayout": False}
        with mpl.rc_context(without):
            figure.set_layout_engine(None)
            for suffix, about in metadata.items():
                store.write_atomically(
                    snakemake.output[suffix],
                    lambda name, suffix=suffix, about=about: figure.savefig(
                        name, format=suffix, metadata=about
                    ),
                )
