"""Metrics from outside: a workspace's folder, and the example package as an installer leaves it."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "edit_similarity"
METRIC = '''"""The share of the reference's letters that are in the answer."""
from suite.core.metrics import MetricDefinition

from . import _letters


def document_score(reference, answer, settings):
    wanted = _letters.letters(reference)
    return len(wanted & _letters.letters(answer)) / len(wanted)


METRIC = MetricDefinition("letters", document_score=document_score)
'''
LETTERS = "def letters(text):\n    return {letter for letter in text.lower() if letter.isalpha()}\n"
TASK = (EXAMPLE / "tasks" / "enfr_edits.yaml").read_text("utf-8").replace("enfr_edits", "mine")
SPEC = "name: mine\nmethod: {name: pretrained}\ntargets: [wmt14_enfr]\nroles: {wmt14_enfr: mine}\n"
NAMED = "[{metric: edit_similarity, ignore_case: true}, {metric: bleu}]"


def workspace(folder: Path, metrics: str = "[{metric: letters}, {metric: bleu}]", **files: str) -> Path:
    """A spec of a task that names the metric `letters`, which is in `metrics/`; returns the spec."""
    for name, text in {"letters": METRIC, "_letters": LETTERS, **files}.items():
        file = folder / "metrics" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "tasks").mkdir(exist_ok=True)
    assert NAMED in TASK
    (folder / "tasks" / "mine.yaml").write_text(TASK.replace(NAMED, metrics), encoding="utf-8")
    spec = folder / "mine.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    return spec


def installed(folder: Path, points: str = "edit_similarity = suite_edit_similarity") -> Path:
    """The example package as `pip install --no-deps --target` leaves it; returns the folder for `sys.path`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(EXAMPLE / "suite_edit_similarity.py", folder)
    about = folder / "suite_edit_similarity-0.1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: suite-edit-similarity\nVersion: 0.1.0\n")
    (about / "entry_points.txt").write_text(f"[suite.metrics]\n{points}\n")
    return folder
