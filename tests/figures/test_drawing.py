"""The drawing code draws what it drew: every figure from a fixed table against a kept picture.

The tables are small ones of a default run, so that a change of the physics changes nothing here.
After a change of the drawing code that is meant, `make baselines` makes the pictures anew.

TOLERANCE is for the root mean square over all pixels and colours, 255 being black against white.
The same code with the same renderer gives 0; an edge of a line that is rounded otherwise, by 4
levels in 100 pixels of 10^5, gives 0.13.  Without the thinnest of the 75 lines of Fig. 1 it is
0.24, without one mark of Fig. 7 0.22, without a curve of Fig. 4 above 1.  The letters depend on
matplotlib and FreeType and would cost more than that; the pictures know theirs, and under others
the comparison is skipped, not loosened.
"""

from __future__ import annotations

import baselines
import numpy as np
import pandas as pd
import pytest
from matplotlib.testing.compare import compare_images
from PIL import Image

TOLERANCE = 0.15


def compared(name: str, table: pd.DataFrame, folder) -> str | None:
    """What is wrong with the picture of a table, or nothing."""
    picture = baselines.PICTURES / f"{name}.png"
    with Image.open(picture) as image:
        renderer = image.text["Software"]
    if renderer != baselines.RENDERER:
        pytest.skip(f"the pictures are by {renderer}, here is {baselines.RENDERER}")
    drawn = folder / f"{name}.png"
    with baselines.looks():
        baselines.save(baselines.draw(name, table), drawn)
    return compare_images(picture, drawn, TOLERANCE)


@pytest.mark.parametrize("name", baselines.NAMES)
def test_figure_looks_as_before(name, tmp_path):
    assert compared(name, baselines.read_table(name), tmp_path) is None


def test_every_picture_belongs_to_a_figure():
    pictures = sorted(path.stem for path in baselines.PICTURES.glob("*.png"))
    assert pictures == sorted(path.stem for path in baselines.TABLES.glob("*.csv"))
    assert pictures == baselines.NAMES


def without(table: pd.DataFrame, **columns) -> pd.DataFrame:
    """A table without the rows that have these values."""
    return table[~np.logical_and.reduce([table[name] == value for name, value in columns.items()])]


#: One of the faintest curves or marks of each figure.
ELEMENTS = {
    "fig1": {"panel": "activity", "gamma": 0.5, "N": 3},
    "fig2": {"source": "published", "quantity": "mean_square_x", "g": 0.8},
    "fig3": {"source": "published", "quantity": "R", "gamma": 0.2},
    "fig4": {"source": "theory", "quantity": "C", "gamma": 0.2},
    "fig5": {"source": "published", "quantity": "covariance_x_phi", "gamma": 0.2},
    "fig6": {"source": "theory", "quantity": "r_tilde", "gamma": 0.5},
    "fig7": {"source": "sampling", "quantity": "Q", "gamma": 0.8},
    "fig8": {"source": "sampling", "g": 1.0},
    "fig9": {"source": "published", "quantity": "Q", "g": 1.2},
    "figS1": {"panel": "s = 10", "quantity": "C_later"},
    "figS2": {"quantity": "C_x", "g": 3.0},
    "figS3": {"source": "sampling", "quantity": "overlap", "sampler": "euler-maruyama"},
    "figS4": {"quantity": "q", "gamma": 0.0},
    "figS5": {"quantity": "T_upper", "gamma": -0.2},
    "figS6": {"quantity": "G"},
    "figS7": {"quantity": "local_exponent", "gamma": 0.5},
    "figS8": {"panel": "variant", "sampler": "exact, stopped"},
    "figS9": {"panel": "breaking", "g": 2.2},
    "figS10": {"panel": "sizes", "quantity": "fluctuation", "source": "sampling"},
    "figS11": {"panel": "scaled_energy", "quantity": "p_value"},
    "figS12": {"quantity": "law", "g": 3.0},
    "figS13": {"panel": "gamma = 0", "quantity": "C, t_w = 40"},
    "figS14": {"panel": "static", "quantity": "C", "gamma": -0.0025},
    "figS15": {"panel": "noise 0", "quantity": "C0"},
    "figS16": {"panel": "signed", "quantity": "C"},
    "figS17": {"panel": "ratio", "quantity": "mean_square_x", "source": "sampling"},
    "figS18": {"panel": "ratio", "gamma": 0.0},
}


def test_every_figure_has_an_element_to_miss():
    assert sorted(ELEMENTS) == baselines.NAMES


@pytest.mark.parametrize(("name", "gone"), ELEMENTS.items(), ids=ELEMENTS)
def test_something_missing_is_seen(name, gone, tmp_path):
    whole = baselines.read_table(name)
    table = without(whole, **gone)
    assert 0 < len(table) < len(whole)
    assert "RMS" in (compared(name, table, tmp_path) or "no difference")


@pytest.mark.parametrize(
    ("name", "chooser"), [("fig5", "colour_of_gamma"), ("figS2", "colour_of_g")]
)
def test_another_colour_is_seen(name, chooser, tmp_path, monkeypatch):
    """One curve in the colour of its neighbour."""
    right = getattr(baselines.style, chooser)
    other = {0.2: 0.5, 2.0: 3.0}
    monkeypatch.setattr(baselines.style, chooser, lambda value: right(other.get(value, value)))
    assert "RMS" in compared(name, baselines.read_table(name), tmp_path)


def test_another_line_is_seen(tmp_path, monkeypatch):
    """A full line where a broken one lets the curve below it show."""
    monkeypatch.setattr(baselines.style, "DASHES", ("-",) * 3)
    assert "RMS" in compared("fig2", baselines.read_table("fig2"), tmp_path)


def test_letters_are_embedded_as_truetype(tmp_path):
    """Journals refuse Type 3."""
    with baselines.looks():
        baselines.draw("fig8", baselines.read_table("fig8")).savefig(tmp_path / "fig8.pdf")
    content = (tmp_path / "fig8.pdf").read_bytes()
    assert b"/Type3" not in content
    assert content.count(b"/CIDFontType2") == content.count(b"/FontFile2") > 0
