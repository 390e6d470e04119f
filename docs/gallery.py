"""Small copies of figures for the README: results/figures/fig*.png -> docs/gallery.

python docs/gallery.py                                       # after the default run
"""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

WIDTH = 560  # pixels
SHOWN = [*(f"fig{number}" for number in range(1, 10)), "figS4", "figS8", "figS9"]
SHOWN += ["figS13", "figS14", "figS15", "figS16", "figS17"]
ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "results" / "figures"


def copy_small(names: Iterable[str], target: Path) -> None:
    """Pictures of these figures in the folder, WIDTH pixels wide."""
    for name in names:
        source = FIGURES / f"{name}.png"
        with Image.open(source) as image:
            height = round(image.height * WIDTH / image.width)
            small = image.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
        small.quantize(256).save(target / source.name, optimize=True)


if __name__ == "__main__":
    copy_small(SHOWN, ROOT / "docs" / "gallery")
