"""The bundled models of the first edition: they load offline, in float32, and know the words of their rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from suite.micro import MODELS

LOADERS: dict[str, Any] = {"micro-llama": AutoModelForCausalLM, "micro-t5": AutoModelForSeq2SeqLM}


@pytest.fixture(scope="module", params=list(LOADERS))
def base(request: pytest.FixtureRequest) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    folder = MODELS / request.param
    model = LOADERS[request.param].from_pretrained(folder, local_files_only=True)
    return model, AutoTokenizer.from_pretrained(folder, local_files_only=True)


def test_models_load_in_float32(base: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    model, tokenizer = base
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model.config.vocab_size == len(tokenizer)


def test_every_text_is_made_of_known_words(base: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    for file in sorted((MODELS.parent / "data").glob("micro_[rcswx]*/test.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines()[:50]:
            for text in _texts(json.loads(line)):
                assert base[1].unk_token_id not in base[1](text).input_ids, text


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if " " in value else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in inner for text in _texts(part)]
