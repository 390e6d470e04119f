"""The report: all that it shows stands in it, escaped, and nothing in it comes from outside."""

from __future__ import annotations

import base64
import itertools
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
import yaml

from quasipotential import config, ledger, page, plan, store

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "workflow" / "report"
SVG = '<svg width="72pt" height="36pt" viewBox="0 0 72 36" xmlns="http://www.w3.org/2000/svg"/>'
CAPTION = "\\(a) q < Q & more, see Fig. 4. Second sentence.\n\nMath: :math:`\\sqrt{q}`."
EVIL = '<script>alert("x")</script>'


def rows() -> pd.DataFrame:
    """A ledger with each kind of row."""
    full = {
        "figure": ["fig4", "fig4", "fig8", "fig8"],
        "quantity": ["C", "R_int", "q", "mean_square_x"],
        "verdict": ["reproduces", "differs", "not comparable", "differs"],
        "reason": ["", f"{EVIL} (Fig. 4)", "no converged value of ours", "not explained"],
        "shown_by": ["", "tests/library/test_x.py::test_y", "", "fig8"],
        "second_route": ["closed form", "", "", ""],
        "beta": [math.inf, math.nan, 100.0, 100.0],
        "published": [0.0259, 1.5, 2.0, 3.0],
        "reading_error": [0.0017, 0.01, 0.1, 0.1],
        "ours": [0.0256, math.inf, math.nan, 1.0],
        "ours_error": [1e-14, math.nan, math.nan, 0.25],
        "deviation": [0.2, -math.inf, math.nan, 7.4],
        "routes": [2, 1, 0, 1],
    }
    return pd.DataFrame(full).reindex(columns=list(ledger.DESCRIPTIONS)).fillna({"gamma": 0.5})


@pytest.fixture(scope="module")
def raw() -> dict:
    """The default config with two figures."""
    content = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    kept = ("fig4", "fig8", "figS5")
    content["figures"] = {
        name: section if name in kept else None for name, section in content["figures"].items()
    }
    return content


@pytest.fixture(scope="module")
def planned(raw) -> plan.Plan:
    return plan.build(config.load(raw))


@pytest.fixture(scope="module")
def results(planned, tmp_path_factory) -> Path:
    """A folder with ``results``; the files of Fig. S5 are missing."""
    root = tmp_path_factory.mktemp("run")

    def write(spec, suffix: str, text: str) -> None:
        path = root / plan.figure_file(spec, suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    for name in ("fig4", "fig8"):
        for suffix, text in {"svg": SVG, "pdf": "%PDF-1.4", "rst": CAPTION}.items():
            write(planned.figures[name], suffix, text)
    write(planned.ledger, "csv", rows().to_csv(index=False))
    write(planned.claims, "csv", f"claim,where,claimed,computed,error,verdict\n{EVIL},g,1,1,0,open")
    described = store.describe(xr.Dataset(), planned.ledger, "", 0.0)
    store.save(described, root / plan.figure_file(planned.ledger, "nc"))
    key = next(iter(planned.stages["replica"]))
    records = root / "results" / "benchmarks" / "replica" / f"{key}.tsv"
    records.parent.mkdir(parents=True)
    records.write_text("s\th:m:s\tmax_rss\tcpu_time\n75.5\t0:01:15\tNA\t60.0\n")
    return root


@pytest.fixture(scope="module")
def text(planned, raw, results) -> str:
    titles = {name: f"Fig. {name[3:]}: what {name} shows." for name in planned.figures}
    return page.html(REPORT / "page.html", **page.content(planned, raw, titles, REPORT, results))


class Elements(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def elements(text) -> Elements:
    return Elements(text)


def test_every_row_of_the_ledger_stands_in_the_page(elements):
    shown = [row for row in elements.attributes("tr") if "data-quantity" in row]
    assert [
        tuple(row[f"data-{name}"] for name in ("figure", "quantity", "verdict")) for row in shown
    ] == list(rows()[["figure", "quantity", "verdict"]].itertuples(index=False, name=None))


def test_numbers_are_sorted_by_their_values(text):
    table = text.partition('<table id="values">')[2].partition("</table>")[0]
    found = re.findall(r'<td class="number[^"]*" data-value="([^"]*)">([^<]*)</td>', table)
    assert ("Infinity", "∞") in found
    assert ("-Infinity", "-∞") in found
    assert ("", "") in found  # NaN
    assert ("0.0259", "0.0259 ± 0.0017") in found


def test_counts_by_figure_and_verdict(text):
    cells = re.findall(r'<td data-figure="(.*?)" data-verdict="(.+?)">(\d+)</td>', text)
    counts = {(figure, verdict): int(number) for figure, verdict, number in cells}
    assert counts["fig4", "differs"] == 1
    assert counts["fig8", "reproduces"] == 0
    assert counts["", "differs"] == 2


def test_texts_of_results_are_escaped(text, elements):
    assert EVIL not in text
    assert text.count("&lt;script&gt;") == 3  # the reason in the ledger and its list, the claim
    assert len(elements.attributes("script")) == 1


def test_nothing_comes_from_outside(text, elements):
    allowed = re.compile(r"data:|#")
    for tag, attributes in elements.found:
        for name in ("src", "srcset", "href", "action", "data", "poster"):
            if tag != "a" and name in attributes:
                assert allowed.match(attributes[name]), (tag, attributes[name][:80])
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttpRequest", text)
    policy = next(a["content"] for a in elements.attributes("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")


def test_figures_are_inside_the_page_and_described(elements):
    images = {image["alt"]: image for image in elements.attributes("img")}
    first = images["Figure 4. (a) q < Q & more, see Fig. 4."]
    assert base64.b64decode(first["src"].partition(",")[2]).decode() == SVG
    assert (first["width"], first["height"]) == ("96", "48")
    assert len(images) == 2
    downloads = {a["download"] for a in elements.attributes("a") if "download" in a}
    assert downloads == {"fig4.pdf", "fig8.pdf", "ledger.csv"}


def test_a_missing_figure_is_said_to_be_missing(text):
    part = text.partition('<figure id="figS5"')[2].partition("</figure>")[0]
    assert "This run has no file of the figure." in part


def test_a_reason_stands_once_with_all_that_shows_it():
    ledger_rows = pd.DataFrame(
        {
            "reason": ["", "sampled", "sampled", "drift", "sampled"],
            "shown_by": ["", "tests/b.py::test_b", "figS8", "figS3", "tests/a.py::test_a"],
        }
    )
    reasons = page.reasons_of(ledger_rows)
    assert list(reasons) == ["sampled", "drift"]
    assert (reasons["sampled"].rows, reasons["drift"].rows) == (3, 1)
    assert reasons["sampled"].tests == ["tests/a.py::test_a", "tests/b.py::test_b"]
    assert reasons["drift"].tests == []


def test_mentions_of_figures_lead_to_them(text):
    assert '(<a href="#fig4">Fig. 4</a>)' in text
    assert 'not explained: see <a href="#fig8">Fig. 8</a>' in text
    assert '<a href="#fig8">Figure 8</a>: what fig8 shows</li>' in text
    linked = page.linked("Figs. 2, 4 and S5; Fig. S55 <", ["fig4", "figS5"])
    assert linked == ('Figs. 2, <a href="#fig4">4</a> and <a href="#figS5">S5</a>; Fig. S55 &lt;')


def test_identifiers_are_unique_and_links_inside_lead_somewhere(elements):
    names = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(names) == len(set(names))
    inside = [a["href"][1:] for a in elements.attributes("a") if a["href"].startswith("#")]
    assert set(inside) <= set(names)


def test_headings_follow_each_other(elements):
    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_config_is_shown_as_it_was_given(text, raw):
    shown = re.search(r"<pre><code>(.*?)</code></pre>", text, re.DOTALL)[1]
    assert yaml.safe_load(shown.replace("&#39;", "'").replace("&gt;", ">")) == raw


def test_run_times_are_summed_where_they_are_recorded(planned, results):
    times = page.run_times(planned, results)
    titles = [title for title, _ in times.columns]
    of = {row.cells[0].shown: dict(zip(titles, row.cells, strict=True)) for row in times.rows}
    replica = of["replica_one"]
    assert replica["Jobs"].value == len(planned.stages["replica"])
    assert replica["Recorded"].value == 1
    assert replica["Time, total"].shown == "75.5 s"
    assert replica["CPU time"].value == 60.0
    assert replica["Memory, peak"].shown == ""
    assert of["fig4"]["Reads results of"].shown == "dmft_one"
    assert math.isnan(of["fig4"]["Time, total"].value)


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0.02592, 0.0017, "0.0259 ± 0.0017"),
        (0.02560209, 3.7e-14, "0.0256021 ± 4e-14"),
        (12.34, 1.7, "12.3 ± 1.7"),
        (1.23456e-5, 1.7e-7, "(1.235 ± 0.017)e-05"),
        (0.5, 0.0, "0.5"),
        (math.inf, math.nan, "∞"),
        (1.0, math.inf, "1"),
        (math.nan, math.nan, ""),
        (0.0, 2e-13, "(0.0 ± 2.0)e-13"),
    ],
)
def test_values_are_shown_to_the_second_digit_of_their_error(value, error, shown):
    assert page.measured(value, error) == shown


def test_every_verdict_has_a_mark_of_its_own():
    marks = [page.MARKS[verdict] for verdict in ledger.VERDICTS]
    assert len(set(marks)) == len(ledger.VERDICTS)


def test_an_empty_record_is_no_record(tmp_path):
    (tmp_path / "cut.tsv").write_text("")
    assert all(map(math.isnan, page.benchmark(tmp_path / "cut.tsv").values()))


@pytest.mark.parametrize("path", sorted(REPORT.glob("*.rst")), ids=lambda path: path.name)
def test_captions_are_clean_text(path, capsys):
    """What stands in a caption is not taken for markup; figures fill in numbers only."""
    template = re.sub(r"{%.*?%}|{{.*?}}", "1", path.read_text(encoding="utf-8"))
    caption = page.rendered(template)
    assert "system-message" not in caption.html
    assert "problematic" not in caption.html
    assert "<ol" not in caption.html
    assert capsys.readouterr().err == ""
