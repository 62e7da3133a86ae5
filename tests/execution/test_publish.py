"""A saved artifact is checked before it takes its place, also a large one, which is not loaded for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.core.errors import StepFailed, SuiteError
from suite.execution.artifacts import publish
from suite.models import offload
from suite.models.artifacts import load_artifact
from suite.models.artifacts.weights import Weights


@pytest.mark.parametrize("large", [False, True])
def test_what_is_saved_is_what_was_selected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    if large:
        monkeypatch.setattr(offload, "LARGE", 0)
    artifact = Weights({"a": torch.randn(3, 4), "b": torch.randn(5).bfloat16()})
    folder = publish(tmp_path / "step", artifact, "base")
    assert load_artifact(folder, "base").hash == artifact.hash
    other = Weights({"a": torch.zeros(3, 4)})
    vars(other)["hash"] = artifact.hash  # as if its bytes had changed on their way to the disk
    with pytest.raises((StepFailed, SuiteError), match="differs"):
        publish(tmp_path / "step", other, "base")
    assert load_artifact(folder, "base").hash == artifact.hash
    assert [file.name for file in tmp_path.iterdir()] == ["step"]
