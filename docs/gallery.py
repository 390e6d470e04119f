"""Small copies of figures for the README: results/figures/fig*.png -> a folder of docs.

python docs/gallery.py                                       # the default run -> docs/gallery
python docs/gallery.py study figS10 figS11 figS12 figS17     # config/sampling.yaml -> docs/study
"""

import sys
from pathlib import Path

from PIL import Image

WIDTH = 560  # pixels
SHOWN = ["gallery", *(f"fig{number}" for number in range(1, 10)), "figS4", "figS8", "figS9"]
SHOWN += ["figS13", "figS14", "figS15", "figS16", "figS17"]
ROOT = Path(__file__).parents[1]

folder, *names = sys.argv[1:] or SHOWN
target = ROOT / "docs" / folder
target.mkdir(exist_ok=True)
for name in names:
    source = ROOT / "results" / "figures" / f"{name}.png"
    with Image.open(source) as image:
        height = round(image.height * WIDTH / image.width)
        small = image.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    small.quantize(256).save(target / source.name, optimize=True)
