"""A model as its config.json describes it, without its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, PreTrainedModel

from suite.core.errors import SuiteError
from suite.models.weight_files import config_of


def described_model(folder: Path, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """Make the model of a folder's config.json, with whatever its initial values are.

    Raises SuiteError if transformers cannot make it.
    """
    stored = config_of(folder)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        made: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        model: PreTrainedModel = made.from_config(config, dtype=dtype, trust_remote_code=False)
    except Exception as error:  # libraries do not document the exceptions for damaged files
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SuiteError(f"{folder / 'config.json'} describes no model: {first}") from error
    head: Any = model.get_output_embeddings()
    if stored.get("tie_word_embeddings") is False and head is not None:
        # transformers ties them in all of T5's family, and unties them once a file has both (mT5, T5 v1.1)
        head.weight = nn.Parameter(torch.empty_like(head.weight))
    return model


def parameters_by_config(folder: Path) -> int:
    """Number of parameters of the model that a folder's config.json describes, made without memory for its tensors."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in described_model(folder).parameters())
