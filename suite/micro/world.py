"""All data sets of the micro world, and their files."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Final

from suite.micro.drawn import Draw, Row, Split, draw_from
from suite.micro.knowledge import KNOWLEDGE_TASKS
from suite.micro.language import LANGUAGE_TASKS
from suite.micro.reasoning import REASONING_TASKS
from suite.micro.templates import prompt
from suite.micro.truth import RELATION_OF_LABEL, TRUTH_TASKS

DATA: Final = Path(__file__).parent / "data"
TASKS: Final[dict[str, Draw]] = {**TRUTH_TASKS, **KNOWLEDGE_TASKS, **LANGUAGE_TASKS, **REASONING_TASKS}
TRAINED: Final = ("micro_rte", "micro_snli", "micro_openbookqa", "micro_wmt14_enfr")
"""Data sets that methods are trained on; they have the largest train splits."""

SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test")


def size(dataset: str, split: Split) -> int:
    """The number of rows of a split."""
    if split == "train":
        return 2000 if dataset in TRAINED else 800 if dataset.endswith("_easy") else 400
    return 128 if split == "validation" else 256


def rows(dataset: str, split: Split) -> list[Row]:
    """The rows of a split: seeded, distinct, with equal numbers of each label."""
    rng = Random(f"{dataset} {split}")
    count = size(dataset, split)
    labels = len(RELATION_OF_LABEL.get(dataset, (0,)))
    room = [count // labels + (label < count % labels) for label in range(labels)]
    by_question: dict[str, Row] = {}
    while len(by_question) < count:
        row = draw_from(TASKS[dataset], split, rng).row
        label, question = row["label"] if labels > 1 else 0, prompt(dataset, row)
        if question not in by_question and room[label] > 0:
            room[label] -= 1
            by_question[question] = row
    return list(by_question.values())


def read(dataset: str, split: Split, folder: Path = DATA) -> list[Row]:
    """Read the rows of a split from its file."""
    lines = (folder / dataset / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def write(folder: Path = DATA) -> None:
    """Write every split of every data set; the bytes are always the same."""
    for dataset in TASKS:
        (folder / dataset).mkdir(parents=True, exist_ok=True)
        for split in SPLITS:
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows(dataset, split)]
            (folder / dataset / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8", newline="")
