"""Environment of the jobs."""

from __future__ import annotations

import os
from pathlib import Path


def lead_jobs_to(library: Path) -> None:
    """Let every process started from here import the package from ``library``, installed or not."""
    paths = [str(library), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
