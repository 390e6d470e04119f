"""The graph of the rules: which rule reads what other rules write, and a drawing of it.

The drawing is in layers: every rule stands as far to the right as its users allow.  An arrow that
follows from others is left out, figures with the same arrows share a box, and an arrow over several
layers passes between the boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from itertools import chain, pairwise

from .plan import Plan, figure_file

Graph = Mapping[str, set[str]]  # rule -> rules that it needs
Box = tuple[str, ...]  # rules that share it

# Lengths in pixels.
FONT = 14
LETTER = 7.6  # width of one on average, with room to spare
LINE = 19.0
PADDING = 9.0
GAP = 14.0  # between two boxes of a layer
CHANNEL = 76.0  # between two layers
NAMES_IN_LINE = 3
TIP = 7.0
SWEEPS = 8  # of the ordering within layers
#: Of the arrows from one box; all dark enough on white.
COLOURS = ("#0072b2", "#b34a00", "#00735a", "#a0447d", "#5a5a5a", "#7a5c00")


@dataclass(frozen=True)
class Passage:
    """Where an arrow passes a layer."""

    start: Box
    end: Box
    layer: int


Place = Box | Passage


def of_plan(plan: Plan, report: str) -> dict[str, set[str]]:
    """What each rule needs, from a plan; the rule named ``report`` shows figures and tables."""
    needs: dict[str, set[str]] = {
        f"{stage}_one": {f"{need.stage}_one" for spec in specs.values() for need in spec.inputs()}
        for stage, specs in plan.stages.items()
        if specs
    }
    tables = {figure_file(figure, "csv"): name for name, figure in plan.figures.items()}
    for name, spec in plan.named.items():
        paths = chain.from_iterable(paths for _, paths in spec.sources)
        needs[name] = {tables.get(path) or f"{path.split('/')[1]}_one" for path in paths}
    return needs | {report: set(plan.named)}


def reduced(needs: Graph) -> dict[str, set[str]]:
    """The graph without arrows that follow from others."""
    behind: dict[str, set[str]] = {}

    def all_behind(rule: str) -> set[str]:
        if rule not in behind:
            behind[rule] = set().union(*({need} | all_behind(need) for need in needs[rule]))
        return behind[rule]

    return {
        rule: {need for need in direct if not any(need in all_behind(other) for other in direct)}
        for rule, direct in needs.items()
    }


def boxed(needs: Graph) -> dict[Box, set[Box]]:
    """The graph of boxes: figures with the same arrows share one."""
    users = {rule: frozenset(user for user in needs if rule in needs[user]) for rule in needs}
    groups: dict[tuple, list[str]] = {}
    for rule in needs:
        own = "" if rule.startswith("fig") else rule
        groups.setdefault((own, frozenset(needs[rule]), users[rule]), []).append(rule)
    box = {rule: tuple(group) for group in groups.values() for rule in group}
    return {box[rule]: {box[need] for need in needs[rule]} for rule in needs}


def ways(needs: Mapping[Box, set[Box]]) -> tuple[list[list[Place]], list[list[Place]]]:
    """Layers from left to right, and the way of each arrow through them.

    Returns
    -------
    columns : list of list
        Boxes and passages of each layer, in an order with few crossings.
    arrows : list of list
        From box to box, by the passages between them.
    """
    steps: dict[Box, int] = {}  # to the last layer

    def steps_from(box: Box) -> int:
        if box not in steps:
            users = [user for user in needs if box in needs[user]]
            steps[box] = 1 + max(map(steps_from, users), default=-1)
        return steps[box]

    last = max(map(steps_from, needs))
    columns: list[list[Place]] = [[] for _ in range(last + 1)]
    arrows = []
    for box in needs:
        columns[last - steps[box]].append(box)
        for need in sorted(needs[box]):
            passed = range(last - steps[need] + 1, last - steps[box])
            passages = [Passage(need, box, layer) for layer in passed]
            for passage in passages:
                columns[passage.layer].append(passage)
            arrows.append([need, *passages, box])
    beside: dict[Place, set[Place]] = {}
    for one, other in chain.from_iterable(map(pairwise, arrows)):
        beside.setdefault(one, set()).add(other)
        beside.setdefault(other, set()).add(one)
    for sweep in range(SWEEPS):
        to_right = sweep % 2 == 0
        for layer in range(1, last + 1) if to_right else range(last - 1, -1, -1):
            fixed = columns[layer - 1 if to_right else layer + 1]
            height = {place: (i + 0.5) / len(fixed) for i, place in enumerate(fixed)}
            near = {
                place: sorted(height[other] for other in beside.get(place, ()) if other in height)
                for place in columns[layer]
            }
            columns[layer].sort(
                key=lambda place, near=near: sum(near[place]) / max(len(near[place]), 1)
            )
    return columns, arrows


def _lines(box: Box, notes: Mapping[str, str]) -> list[str]:
    """Text in a box: its rules, some on a line, and the note of a rule that stands alone."""
    rows = [box[i : i + NAMES_IN_LINE] for i in range(0, len(box), NAMES_IN_LINE)]
    return [", ".join(row) for row in rows] + [notes[name] for name in box if name in notes]


def svg(needs: Graph, notes: Mapping[str, str], title: str) -> str:
    """Drawing of the graph as an SVG element.

    Parameters
    ----------
    needs : mapping
        Rule -> rules that it needs.
    notes : mapping
        Rule that has a box of its own -> text below its name.
    title : str
        What the picture shows, for those who do not see it.
    """
    graph = boxed(reduced(needs))
    columns, arrows = ways(graph)
    texts = {box: _lines(box, notes) for box in graph}
    width = {box: LETTER * max(map(len, lines)) + 2 * PADDING for box, lines in texts.items()}
    height = {box: LINE * len(lines) + 2 * PADDING for box, lines in texts.items()}
    stack = [sum(height.get(place, 0.0) + GAP for place in column) for column in columns]

    left: dict[Place, float] = {}
    right: dict[Place, float] = {}
    middle: dict[Place, float] = {}
    x = 1.0
    for column, used in zip(columns, stack, strict=True):
        wide = max(width.get(place, 0.0) for place in column)
        y = (max(stack) - used) / 2
        for place in column:
            left[place], right[place] = x, x + wide
            middle[place] = y + (GAP + height.get(place, 0.0)) / 2
            y += GAP + height.get(place, 0.0)
        x += wide + CHANNEL

    colour = {box: COLOURS[i % len(COLOURS)] for i, box in enumerate(graph)}
    lines = []
    for arrow in arrows:
        first, *_, final = arrow
        path = f"M{right[first]:.1f},{middle[first]:.1f}"
        for one, other in pairwise(arrow):
            start, end = right[one], left[other] - (TIP if other is final else 0)
            bend = (start + end) / 2
            path += f"C{bend:.1f},{middle[one]:.1f} {bend:.1f},{middle[other]:.1f} "
            path += f"{end:.1f},{middle[other]:.1f}"
            if other is not final:
                path += f"H{right[other]:.1f}"
        lines.append(f'<path d="{path}" stroke="{colour[first]}" marker-end="url(#tip)"/>')
    boxes = []
    for box, rows in texts.items():
        top = middle[box] - height[box] / 2
        boxes.append(
            f'<rect x="{left[box]:.1f}" y="{top:.1f}" width="{right[box] - left[box]:.1f}" '
            f'height="{height[box]:.1f}" rx="4" fill="#fff" stroke="{colour[box]}"/>'
        )
        boxes += [
            f'<text x="{(left[box] + right[box]) / 2:.1f}" '
            f'y="{top + PADDING + LINE * (i + 0.72):.1f}">{escape(row)}</text>'
            for i, row in enumerate(rows)
        ]
    size = f"{max(right.values()) + 1:.0f}", f"{max(stack):.0f}"
    return (
        f'<svg role="img" aria-label="{escape(title)}" width="{size[0]}" height="{size[1]}" '
        f'viewBox="0 0 {size[0]} {size[1]}" font-size="{FONT}" text-anchor="middle">'
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="3" refY="4" markerWidth="{TIP}" '
        f'markerHeight="{TIP}" orient="auto"><path d="M0,0L8,4L0,8z" fill="context-stroke"/>'
        f'</marker></defs><g fill="none" stroke-width="1.4">{"".join(lines)}</g>'
        f'<g stroke-width="1.2">{"".join(boxes)}</g></svg>'
    )
