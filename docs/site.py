"""Hooks of the site: equations become MathML when it is built, so that it needs no script."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

FENCE = re.compile(r"^( *)```math\n(.*?)^ *```$", re.M | re.S)
INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.S)
BLOCK = re.compile(r'<div class="arithmatex">\\\[(.*?)\\\]</div>', re.S)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Blocks of equations as GitHub writes them, in the form that the site's parser reads."""
    return FENCE.sub(r"\1$$\n\2\1$$", markdown)


def on_post_page(output: str, **_: object) -> str:
    """Equations, now in LaTeX, as MathML."""
    output = INLINE.sub(lambda match: _mathml(match[1], "inline"), output)
    return BLOCK.sub(lambda match: _mathml(match[1], "block"), output)


def _mathml(text: str, display: str) -> str:
    latex = html.unescape(text).strip()
    # Aligned equations at the top level need an environment of their own.
    if ("&" in latex or r"\\" in latex) and r"\begin" not in latex:
        latex = rf"\begin{{aligned}}{latex}\end{{aligned}}"
    mathml = convert(latex, display=display)
    return mathml if display == "inline" else f'<div class="equation">{mathml}</div>'
