"""The graph of the rules: what is left out, what shares a box, and that arrows go to the right."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from quasipotential import config, page, plan, rule_graph

ROOT = Path(__file__).parents[2]
NEEDS = {
    "couplings": set(),
    "runs": {"couplings"},
    "theory": set(),
    "fig1": {"runs", "couplings"},
    "fig2": {"theory"},
    "fig3": {"theory"},
    "ledger": {"fig1", "fig2", "fig3", "theory"},
    "claims": {"theory"},
    "page": {"ledger", "claims", "fig1", "fig2", "fig3"},
}


@pytest.fixture
def boxes():
    return rule_graph.boxed(rule_graph.reduced(NEEDS))


def test_arrows_that_follow_from_others_are_left_out():
    reduced = rule_graph.reduced(NEEDS)
    assert reduced["fig1"] == {"runs"}
    assert reduced["ledger"] == {"fig1", "fig2", "fig3"}
    assert reduced["page"] == {"ledger", "claims"}


def test_figures_with_the_same_arrows_share_a_box(boxes):
    assert boxes["fig2", "fig3"] == {("theory",)}
    assert ("fig1",) in boxes


def test_arrows_go_from_layer_to_layer_to_the_right(boxes):
    columns, arrows = rule_graph.ways(boxes)
    layer = {place: i for i, column in enumerate(columns) for place in column}
    assert len(arrows) == sum(map(len, boxes.values()))
    for arrow in arrows:
        assert all(layer[other] == layer[one] + 1 for one, other in pairwise(arrow))
    passages = [place for place in layer if isinstance(place, rule_graph.Passage)]
    assert [(p.start, p.end) for p in passages] == [(("theory",), ("claims",))]


def test_boxes_of_a_layer_do_not_overlap():
    drawing = rule_graph.svg(NEEDS, {"theory": "3 jobs"}, "a & b")
    assert 'aria-label="a &amp; b"' in drawing
    assert ">3 jobs<" in drawing
    form = r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"'
    rects = [tuple(map(float, found)) for found in re.findall(form, drawing)]
    assert len(rects) == 8
    for i, (x, y, width, height) in enumerate(rects):
        for u, v, wide, high in rects[:i]:
            assert x + width <= u or u + wide <= x or y + height <= v or v + high <= y
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawing)
    assert all(x + w <= int(size[1]) and y + h <= int(size[2]) for x, y, w, h in rects)


def test_it_is_the_graph_of_snakemake():
    graph = subprocess.run(
        [sys.executable, "-m", "snakemake", "--rulegraph", "--quiet", "all", "--", page.RULE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', graph))
    theirs: dict[str, set[str]] = {name: set() for name in names.values()}
    for start, end in re.findall(r"(\d+) -> (\d+)", graph):
        theirs[names[end]].add(names[start])
    settings = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    ours = rule_graph.of_plan(plan.build(config.load(settings)), page.RULE)
    assert rule_graph.reduced(ours) == rule_graph.reduced(theirs)


def test_the_picture_in_the_readme_is_current():
    picture = runpy.run_path(str(ROOT / "docs" / "rulegraph.py"))
    assert picture["PICTURE"].read_text(encoding="utf-8") == picture["drawing"](), "make rulegraph"
