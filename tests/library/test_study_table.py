"""Section 14's table of the finite-size study says what the numbers say."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from quasipotential.figures import tables

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import study
    finally:
        sys.path.pop(0)
    return study


def test_the_table_has_its_place_in_section_14(study):
    text = study.THEORY.read_text(encoding="utf-8")
    before, _, rest = text.partition(study.BEGIN)
    assert before.rindex("\n## ") == before.rindex("\n## 14. ")
    between, mark, _ = rest.partition(study.END)
    assert mark and "\n## " not in between


def test_the_digest_is_that_of_the_samples(study, tmp_path, monkeypatch):
    before = study.samples()
    one_more = tmp_path / "sampling.yaml"
    text = study.CONFIGS[1].read_text(encoding="utf-8")
    one_more.write_text(text.replace("networks: 8", "networks: 9", 1), encoding="utf-8")
    monkeypatch.setattr(study, "CONFIGS", (study.CONFIGS[0], one_more))
    assert study.samples() != before


def made(
    p: float | None,
    statuses: dict[int, str],
    beta: float,
    selected=("full",),
    judged=("all", "overlap"),
):
    """Rows of one temperature."""
    columns = {"gamma": -0.2, "g": 1.375, "beta": beta}
    parts = [
        tables.rows(
            panel="sizes", quantity="q", N=list(statuses), status=list(statuses.values()), **columns
        )
    ]
    for name in ("descending", "full"):
        parts.append(
            tables.rows(
                panel="branch",
                quantity=["selected"],
                sampler=name,
                y=float(name in selected),
                **columns,
            )
        )
        if p is not None:
            value = p if name in selected else 1e-20
            parts += [
                tables.rows(panel=panel, quantity=["p_value"], sampler=name, y=value, **columns)
                for panel in judged
            ]
    return parts


def test_a_table_shows_the_selected_solution_and_the_sizes_that_agree(study):
    table = tables.join(
        made(0.5, {50: "converged", 100: "converged", 200: "not_equilibrated"}, 10.0)
        + made(0.04, {100: "converged", 800: "converged"}, 100.0, selected=("descending",))
        + made(None, {50: "converged", 100: "not_equilibrated"}, 1000.0)
        + made(3.4e-8, {25: "converged", 50: "converged"}, 10000.0, judged=("all",))
    )
    lines = study.rendered(table).splitlines()
    assert lines[0] == "| $\\gamma$, $g$ | $T = 0.1$ | $T = 0.01$ | $T = 0.001$ | $T = 0.0001$ |"
    assert lines[2] == "| -0.2, 1.375 | 0.5 (50-100) | **0.04** (100-800) | - | **3e-8**† (25-50) |"
    assert "judged too, 1 of 2 temperatures accept the selected solution" in lines[-1]
    assert lines[-1].partition("not judged)")[2].startswith(" 0 of 1.")
    apart = re.findall(r"T = ([\d.]+)\$: ([\d, ]+)", lines[-1])
    assert apart == [("0.1", "200"), ("0.001", "100")]


def test_where_all_agree_nothing_is_left_out(study):
    text = study.rendered(tables.join(made(1.0, {50: "converged", 100: "converged"}, 10.0)))
    assert "1 (50-100)" in text
    assert "left out" not in text
