"""The report: one page that needs no network, from the files of a run.

Ledger, figures with their captions, claims, config, versions, run times, and the graph of the
rules.  What is computed stands in other modules; here it is read, worded and put into a template
(workflow/report/page.html).
"""

from __future__ import annotations

import base64
import csv
import math
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import docutils.core
import jinja2
import pandas as pd
import yaml
from markupsafe import Markup, escape

from . import __version__, config, ledger, provenance, rule_graph, store
from .figures.tables import DIGITISED_ELSEWHERE, SYMBOLS
from .plan import Plan, build, figure_file
from .specs import FigureSpec

RULE = "page"  # that makes the page
PACKAGES = (*provenance.LIBRARIES, "pandas", "seaborn", "PyYAML", "Jinja2", "docutils", "snakemake")
#: Verdict -> name of its mark, a shape of its own, in the template.
MARKS = {
    "reproduces": "full",
    "differs": "cross",
    "not comparable": "dash",
    "shown": "full",
    "refuted": "cross",
    "open": "question",
}
# Mentions of figures: "Fig. 4", "Figs. S10 and S11", "Figs. 2, 3, 7-9".
NUMBER = r"S?\d+"
MENTION = re.compile(rf"\bFigs?\. {NUMBER}(?:(?:, and |, | and |-){NUMBER})*")


@dataclass(frozen=True)
class Caption:
    """A caption as HTML, and its first sentence as plain text."""

    html: Markup
    first: str


@dataclass(frozen=True)
class Figure:
    """A figure of the page; ``image`` and ``pdf`` are data URIs, or None where there is no file."""

    name: str
    title: str  # what it shows
    image: str | None
    width: float
    height: float
    pdf: str | None
    caption: Caption
    rows: str  # name of the figure under which the ledger has its published values
    published: int
    differs: int


def long_name(name: str) -> str:
    """Name of a figure in a heading: fig3 -> Figure 3."""
    return f"Figure {name.removeprefix('fig')}"


def short_name(name: str) -> str:
    """Name of a figure in a sentence: fig3 -> Fig. 3."""
    return f"Fig. {name.removeprefix('fig')}"


def place_of(name: str) -> int:
    """Place of a figure among all: those of the paper come first."""
    number = name.removeprefix("fig")
    return 1000 + int(number[1:]) if number.startswith("S") else int(number)


def data_uri(path: Path, kind: str) -> str:
    """Content of a file as an address of its own."""
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def size_of(svg: Path) -> tuple[float, float]:
    """Width and height of an SVG file, in CSS pixels.

    Raises
    ------
    ValueError
        If its head does not say them.
    """
    with open(svg, encoding="utf-8") as file:
        head = file.read(4000)
    found = re.search(r"<svg[^>]*?\bviewBox=\"[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)\"", head)
    if found is None:
        raise ValueError(f"{svg} does not say its size")
    width, height = (float(length) * 4 / 3 for length in found.groups())
    return width, height


def rendered(text: str) -> Caption:
    """HTML of a reStructuredText; formulas become MathML, which browsers draw by themselves."""
    options = {
        "math_output": "MathML",
        "file_insertion_enabled": False,
        "raw_enabled": False,
        "initial_header_level": 4,
    }
    document = docutils.core.publish_doctree(text, settings_overrides=options)
    plain = " ".join(document.astext().split())
    parts = docutils.core.publish_parts(text, writer="html5", settings_overrides=options)
    first = re.match(r"(.+?(?<!\bFig)(?<!\bFigs)\.)(?=\s|$)", plain)
    return Caption(Markup(parts["body"]), first[1] if first else plain)


def linked(text: str, figures: Iterable[str]) -> Markup:
    """Text in which a mention of a figure leads to it, where the page has it."""
    known = set(figures)

    def link(found: re.Match) -> str:
        name = f"fig{re.search(NUMBER, found[0])[0]}"
        return f'<a href="#{name}">{found[0]}</a>' if name in known else found[0]

    def links(mention: re.Match) -> str:
        return re.sub(rf"(?:Figs?\. )?{NUMBER}", link, mention[0])

    return Markup(MENTION.sub(links, str(escape(text))))


def number(value: float, form: str = ".6g") -> str:
    """A number, ∞, or nothing for NaN."""
    if math.isnan(value):
        return ""
    return format(value, form).replace("inf", "∞")


def measured(value: float, error: float) -> str:
    """Value ± error, both to the second digit of the error, or to six digits of the value."""
    if not (math.isfinite(value) and math.isfinite(error)):
        return number(value)
    if error <= 1e-6 * abs(value) or error == 0:
        return number(value) + (f" ± {error:.0e}" if error else "")
    if not 1e-4 <= max(abs(value), error) < 1e6:
        exponent = math.floor(math.log10(max(abs(value), error)))
        digits = max(exponent - math.floor(math.log10(error)) + 1, 0)
        scale = 10.0**exponent
        return f"({value / scale:.{digits}f} ± {error / scale:.{digits}f})e{exponent:+03d}"
    digits = max(1 - math.floor(math.log10(error)), 0)
    return f"{value:.{digits}f} ± {error:.{digits}f}"


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what it shows, and the number that it is sorted by, if it is one."""

    shown: str | Markup
    value: float | None = None

    @property
    def key(self) -> str | None:
        """The number, as JavaScript reads it; nothing for NaN, which is sorted last."""
        if self.value is None:
            return None
        return "" if math.isnan(self.value) else repr(float(self.value)).replace("inf", "Infinity")


@dataclass(frozen=True)
class Row:
    """A row of a table, and what it is filtered by."""

    cells: list[Cell]
    filters: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A table that can be sorted: titles with a class for each column, and rows."""

    columns: list[tuple[str, str]]
    rows: list[Row]


def _mark(verdict: str) -> Markup:
    """A verdict with its mark."""
    mark = Markup('<svg class="mark {0}" aria-hidden="true"><use href="#mark-{0}"/></svg>')
    return mark.format(MARKS[verdict]) + verdict


@dataclass(frozen=True)
class Reason:
    """A reason of the ledger: number of its rows, and the tests in the source that show it."""

    rows: int
    tests: list[str]


def reasons_of(table: pd.DataFrame) -> dict[str, Reason]:
    """Reasons of the ledger by their words, most frequent first."""
    given = table[table["reason"] != ""]
    tests = given["shown_by"].where(~given["shown_by"].str.startswith("fig"), "")
    return {
        reason: Reason(rows, sorted(set(tests[given["reason"] == reason]) - {""}))
        for reason, rows in given["reason"].value_counts().items()
    }


def _reason(entry: Mapping, reasons: Iterable[str], figures: Iterable[str]) -> Markup:
    """Why a row is as it is, with a link to the figure or to the name of the test that shows it."""
    reason, shown_by = linked(entry["reason"], figures), entry["shown_by"]
    if not shown_by:
        return reason
    if shown_by.startswith("fig"):
        return reason + ": see " + linked(short_name(shown_by), figures)
    place = list(reasons).index(entry["reason"])
    return reason + Markup(': see <a href="#reason-{}">the test</a>').format(place)


def ledger_table(table: pd.DataFrame, reasons: Iterable[str], figures: Iterable[str]) -> Table:
    """The ledger; columns of class ``more`` are shown on demand."""
    columns = [
        ("Figure", ""),
        ("Quantity", ""),
        ("γ", "number"),
        ("g", "number"),
        ("β", "number"),
        ("Abscissa", "number more"),
        ("Published", "number"),
        ("Ours", "number"),
        ("Difference/error", "number"),
        ("Routes", "number"),
        ("Second route", "number more"),
        ("by", "more"),
        ("Sampled, finite N", "number more"),
        ("Verdict", ""),
        ("Reason", "words"),
    ]
    rows = []
    for entry in table.to_dict("records"):
        figure, quantity = entry["figure"], entry["quantity"]
        second, sampled = entry["second"], entry["sampled"]
        cells = [
            Cell(linked(short_name(figure), figures), place_of(figure)),
            Cell(SYMBOLS.get(quantity, quantity)),
            *(Cell(number(entry[name]), entry[name]) for name in ("gamma", "g", "beta", "x")),
            Cell(measured(entry["published"], entry["reading_error"]), entry["published"]),
            Cell(measured(entry["ours"], entry["ours_error"]), entry["ours"]),
            Cell(number(entry["deviation"], "+z.1f"), entry["deviation"]),
            Cell(str(entry["routes"]), entry["routes"]),
            Cell(measured(second, entry["second_error"]), second),
            Cell(entry["second_route"]),
            Cell(measured(sampled, entry["sampled_error"]), sampled),
            Cell(_mark(entry["verdict"])),
            Cell(_reason(entry, reasons, figures)),
        ]
        filters = {name: entry[name] for name in ("figure", "quantity", "verdict")}
        rows.append(Row(cells, filters))
    return Table(columns, rows)


def claims_table(table: pd.DataFrame) -> Table:
    """The theory's claims."""
    columns = [
        ("Claim", "words"),
        ("Where", "words"),
        ("Claimed", "number"),
        ("Computed", "number"),
        ("Verdict", ""),
    ]
    rows = [
        Row(
            [
                Cell(entry["claim"]),
                Cell(entry["where"]),
                Cell(entry["claimed"]),
                Cell(measured(entry["computed"], entry["error"]), entry["computed"]),
                Cell(_mark(entry["verdict"])),
            ],
            {},
        )
        for entry in table.to_dict("records")
    ]
    return Table(columns, rows)


def duration(seconds: float) -> str:
    """A time for readers."""
    if math.isnan(seconds):
        return ""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def benchmark(path: Path) -> dict[str, float]:
    """What Snakemake measured of a job: wall seconds, CPU seconds, memory in MB; NaN if nothing."""
    names = {"wall": "s", "cpu": "cpu_time", "memory": "max_rss"}
    runs = []
    if path.is_file():
        with open(path, newline="", encoding="utf-8") as file:
            runs = list(csv.DictReader(file, delimiter="\t"))
    last = runs[-1] if runs else {}

    def reading(text: str | None) -> float:
        try:
            return float(text or "")
        except ValueError:  # a job shorter than the interval between two looks
            return math.nan

    return {name: reading(last.get(column)) for name, column in names.items()}


def run_times(plan: Plan, root: Path) -> Table:
    """Jobs of each rule, what they need, and what they took when they ran."""
    columns = [
        ("Rule", ""),
        ("Jobs", "number"),
        ("Recorded", "number"),
        ("Time, total", "number"),
        ("Time, longest", "number"),
        ("CPU time", "number"),
        ("Memory, peak", "number"),
        ("Reads results of", "words"),
    ]
    jobs = {f"{stage}_one": [(stage, key) for key in specs] for stage, specs in plan.stages.items()}
    jobs |= {name: [(spec.stage, spec.key)] for name, spec in plan.named.items()}
    needs = rule_graph.of_plan(plan, RULE)
    rows = []
    for rule in filter(jobs.get, jobs):
        files = [
            root / "results" / "benchmarks" / stage / f"{key}.tsv" for stage, key in jobs[rule]
        ]
        found = pd.DataFrame([benchmark(file) for file in files])
        wall, cpu, memory = (found[name] for name in ("wall", "cpu", "memory"))
        total, longest, worked = wall.sum(min_count=1), wall.max(), cpu.sum(min_count=1)
        peak = "" if math.isnan(memory.max()) else f"{memory.max():.0f} MB"
        cells = [
            Cell(rule),
            Cell(str(len(files)), len(files)),
            Cell(str(wall.count()), wall.count()),
            Cell(duration(total), total),
            Cell(duration(longest), longest),
            Cell(duration(worked), worked),
            Cell(peak, memory.max()),
            Cell(", ".join(sorted(needs[rule], key=_natural))),
        ]
        rows.append(Row(cells, {}))
    return Table(columns, rows)


def _natural(name: str) -> tuple[int, str]:
    return (place_of(name), name) if name.startswith("fig") else (0, name)


def figure(name: str, spec: FigureSpec, title: str, root: Path, verdicts: pd.DataFrame) -> Figure:
    """One figure from its files; ``verdicts`` has a row for each value of the ledger."""
    svg, pdf, caption = (root / figure_file(spec, suffix) for suffix in ("svg", "pdf", "rst"))
    words = caption.read_text(encoding="utf-8") if caption.is_file() else ""
    width, height = size_of(svg) if svg.is_file() else (0.0, 0.0)
    own = DIGITISED_ELSEWHERE.get(name, name)
    published = verdicts[verdicts["figure"] == own]
    return Figure(
        name=name,
        title=title.partition(": ")[2].removesuffix("."),
        image=data_uri(svg, "image/svg+xml") if svg.is_file() else None,
        width=width,
        height=height,
        pdf=data_uri(pdf, "application/pdf") if pdf.is_file() else None,
        caption=rendered(words),
        rows=own,
        published=len(published),
        differs=int((published["verdict"] == "differs").sum()),
    )


def versions() -> list[tuple[str, str]]:
    """Names and versions of what made the page and, if nothing was updated since, the results."""
    found = [
        ("quasipotential", f"{__version__}, commit {provenance.git_commit()}"),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
    ]
    for package in PACKAGES:
        try:
            found.append((package, metadata.version(package)))
        except metadata.PackageNotFoundError:  # Snakemake starts jobs of other environments
            continue
    return found


def content(
    plan: Plan, raw: Mapping, titles: Mapping[str, str], words: Path, root: Path
) -> dict[str, Any]:
    """All that the template shows.

    Parameters
    ----------
    plan : Plan
    raw : mapping
        The config that the plan was made from, as it was given.
    titles : mapping
        Name of a figure -> "Fig. 1: what it shows."
    words : Path
        Folder of the captions.
    root : Path
        Folder that holds ``results``.
    """
    path = root / figure_file(plan.ledger, "csv")
    texts = dict.fromkeys(ledger.TEXTS, str)
    table = pd.read_csv(path, dtype=texts).fillna(dict.fromkeys(texts, ""))
    counts = pd.crosstab(table["figure"], table["verdict"])
    counts = counts.reindex(columns=ledger.VERDICTS, fill_value=0)
    counts = counts.loc[sorted(counts.index, key=place_of)]
    reasons = reasons_of(table)
    claims = None
    if plan.claims is not None:
        claims = pd.read_csv(root / figure_file(plan.claims, "csv"))
    figures = [
        figure(name, plan.figures[name], titles[name], root, table)
        for name in sorted(plan.figures, key=place_of)
    ]
    times = run_times(plan, root)
    worked = [row.cells[5].value for row in times.rows]
    return {
        "about": rendered((words / "workflow.rst").read_text(encoding="utf-8")),
        "ledger_words": rendered((words / "ledger.rst").read_text(encoding="utf-8")),
        "claims_words": rendered((words / "claims.rst").read_text(encoding="utf-8")),
        "verdicts": ledger.VERDICTS,
        "counts": {name: row.to_dict() for name, row in counts.iterrows()},
        "reasons": [(linked(given, plan.figures), reason) for given, reason in reasons.items()],
        "quantities": {name: SYMBOLS.get(name, name) for name in sorted(set(table["quantity"]))},
        "ledger": ledger_table(table, reasons, plan.figures),
        "ledger_csv": data_uri(path, "text/csv"),
        "paper": [shown for shown in figures if not shown.name.startswith("figS")],
        "supplement": [shown for shown in figures if shown.name.startswith("figS")],
        "claims": None if claims is None else claims_table(claims),
        "claims_counts": {} if claims is None else claims["verdict"].value_counts().to_dict(),
        "config": yaml.safe_dump(
            dict(raw), sort_keys=False, default_flow_style=None, width=96, allow_unicode=True
        ),
        "versions": versions(),
        "made": store.load(root / figure_file(plan.ledger, "nc")).attrs,
        "run_times": times,
        "jobs": sum(row.cells[1].value for row in times.rows),
        "cpu_time": duration(sum(seconds for seconds in worked if not math.isnan(seconds))),
        "graph": Markup(
            rule_graph.svg(
                rule_graph.of_plan(plan, RULE),
                {f"{stage}_one": f"{len(specs)} jobs" for stage, specs in plan.stages.items()},
                "Graph of the rules; the table of run times lists its arrows",
            )
        ),
    }


def html(template: Path, **shown: Any) -> str:
    """The page from its template and what it shows (`content`)."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = {"mark": _mark, "long_name": long_name}
    return environment.get_template(template.name).render(**shown, **names)


def run(snakemake) -> None:
    """Make the page of a job."""
    raw = snakemake.params.config
    template = Path(snakemake.input.template)
    root = Path(snakemake.input.ledger).parents[2]  # as a module the workflow may have a prefix
    titles = snakemake.params.titles
    shown = content(build(config.load(raw)), raw, titles, template.parent, root)
    text = html(template, **shown)
    store.write_atomically(
        snakemake.output[0], lambda name: name.write_text(text, encoding="utf-8")
    )
