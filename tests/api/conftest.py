from __future__ import annotations

from pathlib import Path

import pytest

import suite
from tests.api.small import FINETUNE, PROMPT, SMALL


@pytest.fixture(scope="module")
def spec() -> suite.LoadedSpec:
    return suite.load_spec(FINETUNE, PROMPT, track="micro", overrides=SMALL)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, spec: suite.LoadedSpec) -> Path:
    """A folder of runs with a fine-tuned, a prompt-tuned and the pretrained model."""
    folder = tmp_path_factory.mktemp("home")
    outcome = suite.run(suite.plan(spec, home=folder))
    assert (outcome.exit_code, outcome.reused, dict(outcome.failed)) == (0, 0, {})
    return folder
