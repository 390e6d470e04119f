"""Small copies of the figures for the README: results/figures/fig*.png -> docs/gallery."""

from pathlib import Path

from PIL import Image

WIDTH = 560  # pixels
SHOWN = [*(f"fig{number}" for number in range(1, 10)), "figS4", "figS8", "figS9"]
ROOT = Path(__file__).parents[1]

target = ROOT / "docs" / "gallery"
target.mkdir(exist_ok=True)
for name in SHOWN:
    source = ROOT / "results" / "figures" / f"{name}.png"
    with Image.open(source) as image:
        height = round(image.height * WIDTH / image.width)
        small = image.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    small.quantize(256).save(target / source.name, optimize=True)
