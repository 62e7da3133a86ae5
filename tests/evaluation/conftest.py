"""Both shapes of tiny models, with and without a soft prompt, and a task of a few rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from tests.evaluation.tiny import MakeTask, llama, mt5, with_both, with_prefix, with_soft


@pytest.fixture(params=["decoder", "encoder-decoder"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return llama() if request.param == "decoder" else mt5()


@pytest.fixture(params=["bare", "soft", "prefix", "both"])
def stack(request: pytest.FixtureRequest, backbone: Backbone) -> AdaptedModel:
    made = {"soft": with_soft, "prefix": with_prefix, "both": with_both}
    return made[request.param](backbone) if request.param in made else AdaptedModel(backbone, backbone.model)


@pytest.fixture
def make_task(tmp_path: Path) -> MakeTask:
    """Write a task file and its rows."""

    def makes(text: str, docs: Sequence[dict[str, Any]], train: Sequence[dict[str, Any]] = ()) -> Any:
        (tmp_path / "tiny.yaml").write_text("task: tiny\ntest_split: test\ntraining_split: train\n" + text)
        (tmp_path / "tiny").mkdir(exist_ok=True)
        for split, rows in (("test", docs), ("train", train)):
            (tmp_path / "tiny" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return read_task("tiny", [tmp_path]), DataLocations.of(tmp_path)

    return makes
