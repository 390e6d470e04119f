"""The workflow as a module of another one, and what it says of its rules."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import yaml

OUTER = """
module quasipotential:
    snakefile: "quasipotential/Snakefile"
    config: config["networks"]
    {prefix}


use rule * from quasipotential as qp_*


rule answer:
    default_target: True
    input: rules.qp_fig4.output.table
    output: "answer.csv"
    shell: "cp {{input}} {{output}}"
"""
#: What differs from config.yaml; the other key is no business of the module.
CONFIG = {"ours": 3, "networks": {"figures": {"fig4": {"gamma": [0.0], "g": [0.5, 1.2]}}}}


@pytest.fixture
def outer(tmp_path, new_checkout):
    """A workflow that has this one in a folder: ``outer(prefix)``."""

    def make(prefix: str):
        line = f'prefix: "{prefix}"' if prefix else ""
        (tmp_path / "Snakefile").write_text(OUTER.format(prefix=line), encoding="utf-8")
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "test.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
        inner = new_checkout(tmp_path / "quasipotential")
        return type(inner)(tmp_path)

    return make


def test_a_module_gives_its_numbers_to_the_other_workflow(outer):
    workflow = outer("networks")
    workflow.snakemake("--cores", "1")
    table = pd.read_csv(workflow.path / "answer.csv")
    theory = table[(table["source"] == "theory") & (table["quantity"] == "C")]
    # docs/theory.md, section 8; the table has twelve digits.
    assert theory["y"].tolist() == pytest.approx([0.0, 0.1732729446], abs=1e-10)
    folder = workflow.path / "networks" / "results"
    assert (folder / "figures" / "fig4.csv").read_bytes() == (
        workflow.path / "answer.csv"
    ).read_bytes()
    assert "static-gamma0-2g" in (folder / "index.csv").read_text(encoding="utf-8")
    assert not (workflow.path / "results").exists()
    assert not (workflow.path / "quasipotential" / "results").exists()
    assert "Nothing to be done" in workflow.snakemake("--cores", "1")


@pytest.mark.parametrize("prefix", ["", "networks"])
def test_a_module_plans_what_the_workflow_plans(outer, fresh, prefix):
    workflow = outer(prefix)
    (fresh.path / "config" / "test.yaml").write_text(yaml.safe_dump(CONFIG["networks"]))
    jobs = workflow.jobs("qp_all")
    jobs.pop("qp_all")
    assert jobs == {f"qp_{name}": number for name, number in fresh.jobs().items()}


def test_every_rule_is_described(fresh):
    for option in ("--list", "--list-target-rules"):
        output = fresh.snakemake(option)
        rules = dict(re.findall(r"^(\w+)(?: \((.+)\))?$", output, re.M))
        assert {"all", "figures", "fig3", "ledger"} < rules.keys()
        assert [name for name, text in rules.items() if len(text.split()) < 2] == []
    assert rules["fig3"].startswith("Fig. 3: order parameters")
