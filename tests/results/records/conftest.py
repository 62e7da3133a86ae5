from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.results.records import export_records
from suite.results.store import Costs, FindingRecord, Store
from tests.analysis.board.tiny_board import World, per_document, translated


@pytest.fixture
def world() -> Iterator[World]:
    """Two finished experiments that share a step, and one that is not finished."""
    with Store.open("sqlite://") as store:
        made = World(store, held_out=("qa", "mt"))
        shared = {
            ("qa", 1): per_document(100.0, 0.0, said=["paris", "<script>é"]),
            ("mt", 1): translated("le vieux chat dort", "un chat noir dort"),
        }
        made.experiment("pretrained", shared, targets=())
        mixed = FindingRecord("mixture", {"experts": ["math", "code"], "matrices": [], "alpha": [[0.25], [0.75]]})
        prompt = made.train("prompt", 0, Costs(5.0, 10, 100, 3, 8), findings=(mixed,))
        made.experiment(
            "prompt_rte",
            {("rte", 0): per_document(100.0, 100.0), **shared},
            train=[prompt],
            file="/home/me/specs/a.yaml",
        )
        made.experiment("lora_rte", {("rte", 0): None}, train=[made.train("lora", 0, None)])
        yield made


@pytest.fixture
def other() -> Iterator[Store]:
    """An empty store."""
    with Store.open("sqlite://") as store:
        yield store


@pytest.fixture
def file(world: World, tmp_path: Path) -> Path:
    return export_records(world.store, tmp_path / "out", ["prompt_rte"], report=lambda line: None)[0]
