"""Every architecture: a saved model loads as it was, and its config.json says what its layers keep."""

from __future__ import annotations

from pathlib import Path

import torch

from suite.core.errors import SuiteError
from suite.models.architecture import STATEFUL, decoder_settings, prefix_obstacle
from suite.models.backbone import Backbone, load_backbone
from suite.models.prefix import key_value_shape
from suite.models.source import ModelSource, locate
from suite.models.weight_files import config_of
from tests.models.tiny_models import tiny_tokenizer


def test_a_saved_model_loads_as_it_was_and_says_what_it_keeps(backbone: Backbone, tmp_path: Path) -> None:
    backbone.model.save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    loaded = load_backbone(locate(ModelSource(path=str(tmp_path)), None), "cpu")
    torch.testing.assert_close(loaded.probe, backbone.probe, rtol=1e-5, atol=1e-5)
    assert (loaded.start_id, loaded.windowed) == (backbone.start_id, backbone.windowed)
    config = config_of(tmp_path)
    assert (decoder_settings(config).get("model_type") in STATEFUL) is loaded.recurrent
    assert (prefix_obstacle(config) is None) is _has_prefix(loaded)


def _has_prefix(backbone: Backbone) -> bool:
    try:
        return all(size > 0 for size in key_value_shape(backbone))
    except SuiteError:
        return False
