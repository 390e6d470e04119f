"""Draw docs/rulegraph.svg, the graph of the rules that the README shows: `make rulegraph`."""

from __future__ import annotations

from pathlib import Path

import yaml

from quasipotential import config, page, plan, rule_graph

ROOT = Path(__file__).parents[1]
STANDALONE = 'xmlns="http://www.w3.org/2000/svg" style="background: white" font-family="sans-serif"'
PICTURE = ROOT / "docs" / "rulegraph.svg"


def drawing() -> str:
    """The picture for the default config."""
    settings = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    needs = rule_graph.of_plan(plan.build(config.load(settings)), page.RULE)
    svg = rule_graph.svg(needs, {}, "Graph of the rules")
    return svg.replace("<svg ", f"<svg {STANDALONE} ", 1) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(drawing(), encoding="utf-8")
