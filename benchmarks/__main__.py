"""All benchmarks of speed, one after another, as one table and one JSON file.

`python -m benchmarks --json FILE` runs each in a process of its own: evaluation (this decoder, this encoder-decoder,
ten variants of one base), training, a whole set of experiments, ceilings, and how cost grows. `--path FOLDER --data
FOLDER` adds a decoder of yours on data of yours. `--only NAME …` and `--skip NAME …` choose. It takes about an hour on
one core, most of it the set (`sharing`): let the machine do nothing else.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NAMES = ("evaluation", "commands", "training", "sharing", "ceilings", "scaling")


def run(name: str, *options: str) -> dict[str, Any]:
    """One benchmark's figures; what it prints is shown as it goes."""
    print(f"{name} {' '.join(options)}".rstrip(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options, "--json", str(file)], check=True)
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found
