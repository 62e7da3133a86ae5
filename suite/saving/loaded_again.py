"""A saved folder, loaded as a user would with transformers and PEFT alone: it must answer as what was evaluated."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

import torch
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from suite.core.errors import SuiteError
from suite.models.backbone import probe_ids
from suite.saving.base_model import BaseModel
from suite.saving.layout import AnsweringModel

TOLERANCE: Final = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""How far logits may differ, as a share of the largest, by the type that numbers were written in."""


def assert_same(answering: AnsweringModel, root: Path, base: BaseModel, expected: Tensor, dtype: torch.dtype) -> None:
    """Raises SuiteError if what was written does not give the expected logits [8, V] on a few fixed tokens."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what these libraries will rename
        found = plain_logits(answering, root, base)
    computed = torch.bfloat16 if base.quantization else dtype  # some processors multiply few bits in bfloat16
    limit = TOLERANCE[computed] * float(expected.abs().max())
    if found.shape != expected.shape or not float((found - expected).abs().max()) <= limit:
        kinds = " and ".join(artifact.kind for artifact in answering.artifacts)
        raise SuiteError(f"plain transformers and PEFT do not give the answers of this {kinds}: nothing is saved")


@torch.no_grad()
def plain_logits(answering: AnsweringModel, root: Path, base: BaseModel) -> Tensor:
    """Logits [8, V] of a saved model on the tokens that `suite.models.backbone.probe_logits` asks."""
    loader: Any = AutoModelForSeq2SeqLM if base.two_sided else AutoModelForCausalLM
    if answering.weights is None:
        model = loader.from_pretrained(base.location, **base.options)
    else:
        model = loader.from_pretrained(root / answering.weights.path)
    ids = probe_ids(model.get_input_embeddings().weight)
    if answering.adapter is not None:
        model = PeftModel.from_pretrained(model, str(root / answering.adapter.path))
    inputs = {"decoder_input_ids": ids} if base.two_sided else {}
    logits: Tensor = model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids), **inputs).logits
    return logits[0, -ids.shape[1] :].float()
