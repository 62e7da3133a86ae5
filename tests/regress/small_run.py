"""A small run from spec to scores, and what is recorded of it; `python -m tests.regress.small_run` records anew."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from tests.cli import start

RECORDED = Path(__file__).parent / "recorded.json"
SPECS = ("specs/finetune_rte.yaml", "specs/promot_rte.yaml")
SETTINGS = (
    "held_out.shots=[1]", "held_out.documents=32", "target.documents=64", "selection.documents=32", "method.steps=20",
    "method.prompt.steps=20",
)  # fmt: skip


def small_run(home: Path) -> dict[str, Any]:
    """Loss curves and scores of fine-tuning and ProMoT on micro, by step title."""
    for spec in SPECS:
        settings = [text for text in SETTINGS if "promot" in spec or "prompt" not in text]
        process = start("run", spec, "--home", home, *(part for text in settings for part in ("--set", text)))
        _, err = process.communicate(timeout=600)
        if process.returncode:
            raise RuntimeError(err)
    with sqlite3.connect(home / "suite.db") as connection:
        curve = "SELECT title, step, value FROM curve_point JOIN step ON id = step_id WHERE name = 'loss' ORDER BY 1, 2"
        score = 'SELECT title, value FROM score JOIN step ON id = step_id WHERE "primary" ORDER BY 1'
        losses: dict[str, list[float]] = {}
        for title, _, value in connection.execute(curve):
            losses.setdefault(title, []).append(value)
        return {"losses": losses, "scores": dict(connection.execute(score).fetchall())}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = small_run(Path(folder))
    RECORDED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{RECORDED}: {len(found['losses'])} curves, {len(found['scores'])} scores")
