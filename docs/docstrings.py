"""Docstrings for the site: equations and examples, in reStructuredText, become Markdown."""

from __future__ import annotations

import re
from textwrap import dedent

import griffe

MATH = re.compile(r"^\.\. math::\n\n((?:[ \t]+.*\n|\n)+)", re.M)
EXAMPLE = re.compile(r"^>>> .*(?:\n(?!$).*)*", re.M)
ROLE = re.compile(r":(?:class|func|mod):`~?([^`]+)`")
ANGLE = re.compile(r"(`[^`]*`)|<(?=[^\s=-])")  # as of <phi>, which is no tag


def markdown(text: str, keep_indented: bool) -> str:
    """A docstring with equations, examples and roles as Markdown has them.

    Indented lines are code in the docstring of a module, and words in that of a function.
    """
    code = (">>>", "...", "    ") if keep_indented else (">>>", "...")
    lines = [line if line.startswith(code) else _plain(line) for line in text.splitlines()]
    text = MATH.sub(_equations, "\n".join(lines) + "\n")
    text = EXAMPLE.sub(lambda match: f"```pycon\n{match[0]}\n```", text)
    return ROLE.sub(r"`\1`", text)


def _plain(line: str) -> str:
    return ANGLE.sub(lambda match: match[1] or "&lt;", line)


def _equations(match: re.Match) -> str:
    """One block for each equation; blank lines part them."""
    parts = re.split(r"\n\s*\n", dedent(match[1]).strip())
    return "".join(f"$$\n{part}\n$$\n\n" for part in parts)


class Docstrings(griffe.Extension):
    """Rewrites every docstring that is read."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value, keep_indented=obj.is_module)
