"""Records without the data sets' own texts."""

from __future__ import annotations

import json
from pathlib import Path

from suite.core.hashing import canonical
from suite.results.records import export_records, import_records, verify_records
from suite.results.store import Store
from tests.analysis.board.tiny_board import World


def test_a_bleu_whose_texts_were_left_out_is_taken_and_said_to_be_unchecked(
    world: World, tmp_path: Path, other: Store
) -> None:
    whole, bare = (
        export_records(world.store, tmp_path / str(texts), ["pretrained"], texts=texts)[0] for texts in (True, False)
    )
    assert verify_records([whole]) == ["pretrained (track tiny, seed 0): is what it says"]
    told = "pretrained (track tiny, seed 0): is what it says; bleu cannot be computed again from what is stored"
    assert verify_records([bare]) == [told]
    assert canonical(json.loads(bare.read_text()))
    assert import_records(other, [bare]) == ["pretrained (track tiny, seed 0): imported"]


def test_the_data_sets_own_texts_can_stay_out(world: World, tmp_path: Path, other: Store) -> None:
    (file,) = export_records(world.store, tmp_path, ["prompt_rte"], texts=False, report=lambda line: None)[:1]
    answers = [answer for step in json.loads(file.read_text())["steps"] for answer in step["answers"]]
    assert answers
    assert not any(answer["question"] or answer["target"] for answer in answers)
    assert all(answer["doc_hash"] for answer in answers)
    assert import_records(other, [file])
