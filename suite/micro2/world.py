"""All data sets of the micro world, and their files."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Final

from suite.micro2.drawn import Draw, Row, Split, draw_from
from suite.micro2.knowledge import KNOWLEDGE_TASKS
from suite.micro2.language import LANGUAGE_TASKS
from suite.micro2.reasoning import REASONING_TASKS
from suite.micro2.truth import RELATION_OF_LABEL, TRUTH_TASKS
from suite.micro2.wordings import prompt

DATA: Final = Path(__file__).parent / "data"
TASKS: Final[dict[str, Draw]] = {**TRUTH_TASKS, **KNOWLEDGE_TASKS, **LANGUAGE_TASKS, **REASONING_TASKS}
TARGETS: Final = ("micro2_rte", "micro2_snli", "micro2_openbookqa", "micro2_wmt14_enfr")
"""Data sets that methods are trained on; they have the largest train splits."""
HELD_OUT: Final = tuple(
    f"micro2_{name}"
    for name in ("cb", "wic", "triviaqa", "web_questions", "wmt16_ende", "wmt16_enro", "xsum", "wikilingua")
)
SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test")


def size(dataset: str, split: Split) -> int:
    """The number of rows of a split."""
    if split == "train":
        return 2000 if dataset in TARGETS else 800 if dataset.endswith("_easy") else 400
    if split == "validation":
        return 256
    # an answer that is right or wrong needs more rows than a graded one for the same error
    if dataset in ("micro2_xsum", "micro2_wikilingua"):
        return 704
    return 512 if "wmt" in dataset or "programs" in dataset else 1152


def rows(dataset: str, split: Split) -> list[Row]:
    """The rows of a split: seeded, distinct, with equal numbers of each label."""
    rng = Random(f"{dataset} {split}")
    count = size(dataset, split)
    labels = len(RELATION_OF_LABEL.get(dataset, (0,)))
    room = [count // labels + (label < count % labels) for label in range(labels)]
    by_question: dict[str, Row] = {}
    while len(by_question) < count:
        drawn = draw_from(TASKS[dataset], split, rng)
        row = drawn.row
        label = row["label"] if labels > 1 else 0
        # the same choices in another order are no other question
        question = " ".join(drawn.content) if "choices" in row else prompt(dataset, row)
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
