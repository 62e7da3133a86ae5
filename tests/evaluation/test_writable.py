"""Right answers that a model cannot write are told: its tokenizer lacks them, or they are longer than the limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.evaluation.writable import unwritable
from suite.models.backbone import Backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import load_task

TASK = """
test_split: test
doc_to_text: "{{text}} answer:"
doc_to_target: "{{label}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 3}
metric_list: [{metric: exact_match}]
metadata: {folder: mine}
"""


@pytest.fixture(scope="module")
def micro() -> Backbone:
    return load_backbone(locate(ModelSource(bundled="micro-llama"), None), "cpu")


def lost_of(folder: Path, micro: Backbone, *labels: str) -> tuple[tuple[int, ...], str] | None:
    (folder / "mine").mkdir()
    (folder / "mine.yaml").write_text(TASK, encoding="utf-8")
    lines = [f'{{"text": "the dog is ill number {at} .", "label": "{label}"}}\n' for at, label in enumerate(labels)]
    (folder / "mine" / "test.jsonl").write_text("".join(lines), encoding="utf-8")
    found = unwritable(micro, load_task(read_task("mine", [folder]), DataLocations((folder,))))
    return found and (found.finding.documents, found.notice)


def test_words_of_the_model_can_be_written(tmp_path: Path, micro: Backbone) -> None:
    assert lost_of(tmp_path, micro, "True", "the dog", "the dog is") is None


def test_a_text_that_the_tokenizer_lacks_is_told_with_what_is_read_instead(tmp_path: Path, micro: Backbone) -> None:
    documents, notice = lost_of(tmp_path, micro, "True", "[3, 5]") or ((), "")
    assert documents == (1,)
    assert "mine: the model cannot write the right answers of 1 of 2 documents" in notice
    assert "document 1: '[3, 5]' is read as" in notice


def test_an_answer_that_is_longer_than_the_limit_is_told(tmp_path: Path, micro: Backbone) -> None:
    documents, _ = lost_of(tmp_path, micro, "the dog is ill", "the dog") or ((), "")
    assert documents == (0,)
