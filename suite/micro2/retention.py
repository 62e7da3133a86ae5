"""Retention data: documents as the base models were trained on, for methods that keep abilities with data."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Final

from suite.micro2.documents import draw_document
from suite.micro2.drawn import Row
from suite.micro2.recipes import DECODER_STAGES
from suite.micro2.world import DATA

DATASET: Final = "micro2_documents"
DOCUMENTS: Final = 2000
LENGTH: Final = 64
"""Maximum number of words in a document, about."""


def documents() -> list[Row]:
    """Documents drawn as in the last stage of pretraining, but shorter; seeded."""
    rng, mixture = Random(DATASET), DECODER_STAGES[-1].mixture
    sorts = rng.choices(tuple(mixture), tuple(mixture.values()), k=DOCUMENTS)
    return [{"sort": sort, "text": draw_document(sort, LENGTH, rng).text} for sort in sorts]


def write(folder: Path = DATA) -> None:
    """Write the documents; the bytes are always the same."""
    (folder / DATASET).mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in documents()]
    (folder / DATASET / "train.jsonl").write_text("".join(lines), encoding="utf-8", newline="")
