"""The README's table of what reproduces: it is current, and all that it links exists."""

from __future__ import annotations

import copy
import re
import runpy
from pathlib import Path

import pandas as pd
import pytest
import yaml

from quasipotential import config, ledger, plan

ROOT = Path(__file__).parents[2]
TABLE = runpy.run_path(str(ROOT / "docs" / "ledger_table.py"))
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def head() -> dict[str, str]:
    return TABLE["read"]()[0]


@pytest.fixture(scope="module")
def summary() -> pd.DataFrame:
    return TABLE["read"]()[1]


def basis(raw: dict) -> dict[str, str]:
    return TABLE["basis"](plan.build(config.load(raw)))


def test_it_belongs_to_the_parameters_the_published_values_and_the_rules_of_today(head):
    assert head == basis(DEFAULT), "the table in the README is out of date: run `make gallery`"


def test_it_is_that_of_its_source(summary):
    text = TABLE["README"].read_text(encoding="utf-8")
    assert text == TABLE["placed"](text, TABLE["rendered"](summary))
    assert TABLE["placed"](text, "new").count("\n\nnew\n\n" + TABLE["END"]) == 1


def test_what_it_rests_on_changes_its_basis_and_nothing_else_does():
    for path, value, matters in (
        (("figures", "fig4", "gamma"), [0.0, 0.2], True),
        (("ledger", "annealed", "draws"), 900, True),
        (("sampling", "below", "networks"), 6, False),
        (("figures", "figS5", "beta"), [1.0, 10.0], False),
    ):
        raw = copy.deepcopy(DEFAULT)
        *parents, last = path
        section = raw
        for name in parents:
            section = section[name]
        assert section[last] != value
        section[last] = value
        changed, usual = basis(raw), basis(DEFAULT)
        assert (changed["parameters"] != usual["parameters"]) == matters, path
        assert changed["published"] == usual["published"]


def test_it_counts_every_published_value_once(summary):
    assert summary["points"].sum() == len(pd.read_csv(TABLE["PUBLISHED"]))
    assert (summary[list(ledger.VERDICTS)].sum(axis=1) == summary["points"]).all()
    for row in summary.fillna("").to_dict("records"):
        found = re.findall(r"(.+?) \((\d+)\)(?:; |$)", row["reasons"])
        assert {text for text, _ in found} <= set(ledger.REASONS.values())
        numbers = sum(int(number) for _, number in found)
        assert numbers == row["differs"] + row["not comparable"]


def test_every_difference_has_a_link_that_leads_somewhere(summary):
    assert summary.loc[summary["differs"] > 0, "shown_by"].notna().all()
    links = {link for texts in summary["shown_by"].dropna() for link in texts.split("; ")}
    assert links <= {*ledger.SHOWN_BY.values(), *plan.build(config.load(DEFAULT)).figures}
    targets = re.findall(r"\]\(([^ )]+)", TABLE["rendered"](summary))
    assert len(targets) >= len(links)
    for target in targets:
        assert (ROOT / target).is_file(), target
