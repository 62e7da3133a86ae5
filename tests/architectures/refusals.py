"""What is refused of which architecture, and with which words."""

from __future__ import annotations

import json
from typing import Any

from suite.models.architecture import prefix_obstacle
from suite.models.backbone import Backbone
from tests.methods.tiny_jobs import method_of


def refusal(backbone: Backbone, name: str) -> str | None:
    """What the refusal of a method says; None if it is not refused."""
    config: Any = backbone.model.config
    if method_of(name).FAMILY == "prefix":
        return prefix_obstacle(json.loads(config.to_json_string(use_diff=True)))
    if name == "boft" and config.model_type == "gpt2":
        return "Conv1D"
    return None
