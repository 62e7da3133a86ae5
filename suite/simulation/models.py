"""A base model without values, made from its config alone: the same modules with the same shapes."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoTokenizer, GenerationConfig

from suite.models.backbone import Backbone, Shape, positions_of
from suite.models.described import described_model
from suite.models.source import ModelSource
from suite.simulation.few_bits import in_few_bits


def backbone_without_values(source: ModelSource, folder: Path, identity: str) -> Backbone:
    """The base model of a folder with config.json and a tokenizer. Call it where tensors have no values.

    Raises SuiteError if transformers cannot make it.
    """
    model = described_model(folder, getattr(torch, source.dtype))
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if (folder / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if source.quantization is not None:
        in_few_bits(model, source.quantization)
    model.eval().requires_grad_(False)
    shape: Shape = "encoder-decoder" if model.config.is_encoder_decoder else "decoder"
    length = positions_of(model, tokenizer)
    nothing = torch.zeros(0)
    return Backbone(model, tokenizer, shape, identity, source.sentinels, torch.device("cpu"), length, nothing, {})
