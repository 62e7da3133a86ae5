"""Prefixes: answers and scores are those of PEFT's own model with the same prefix, whatever the batch."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from peft import PrefixTuningConfig, TaskType, get_peft_model
from torch import Tensor

from suite.evaluation.lm import StackLM
from suite.inference.decode import Stops
from suite.inference.reading import read
from suite.inference.state import Ids
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.training.prefixes import TrainedPrefix
from tests.evaluation.tiny import RAGGED, greedy

pytestmark = pytest.mark.numeric


@pytest.fixture
def both(backbone: Backbone) -> tuple[Any, AdaptedModel]:
    """PEFT's model with a prefix, and ours with the same."""
    encoder = TrainedPrefix(backbone, 5, None, seed=7)
    two_sided = backbone.shape == "encoder-decoder"
    kind = TaskType.SEQ_2_SEQ_LM if two_sided else TaskType.CAUSAL_LM
    peft = get_peft_model(deepcopy(backbone.model), PrefixTuningConfig(task_type=kind, num_virtual_tokens=5)).eval()
    peft.prompt_encoder["default"].load_state_dict(encoder.state_dict())
    vectors = encoder.vectors()
    if two_sided:  # PEFT 0.21 gives layer i the vectors of place 2i, round and round: half of them have no effect
        vectors = vectors[[2 * layer % len(vectors) for layer in range(len(vectors))]]
    return peft, AdaptedModel(backbone, backbone.model, prefix=vectors)


def prompts(stack: AdaptedModel) -> list[Ids]:
    return [tuple(stack.backbone.tokenizer.encode(text)) for text in RAGGED]


def pefts_logits(peft: Any, stack: AdaptedModel, prompt: Ids, answer: Ids) -> Tensor:
    """PEFT's logits [T + 1, V] before each token of an answer to one prompt alone, and after the last."""
    ids = torch.tensor([prompt if stack.backbone.shape == "encoder-decoder" else (*prompt, *answer)])
    extra = {"decoder_input_ids": torch.tensor([[0, *answer]])} if stack.backbone.shape == "encoder-decoder" else {}
    with torch.no_grad():
        logits: Tensor = peft(input_ids=ids, attention_mask=torch.ones_like(ids), **extra).logits[0]
    return logits[-len(answer) - 1 :]


@torch.no_grad()
def test_logits_of_ragged_batches_are_pefts_of_single_rows(both: tuple[Any, AdaptedModel]) -> None:
    peft, stack = both
    answer = (7, 8, 9)
    state = read(stack, prompts(stack))
    first = state.logits[:, None]
    got = torch.cat([first, state.score(torch.tensor([answer] * len(RAGGED)))], 1)
    wanted = torch.stack([pefts_logits(peft, stack, prompt, answer) for prompt in prompts(stack)])
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=2e-3)


@torch.no_grad()
def test_greedy_answers_are_pefts(both: tuple[Any, AdaptedModel]) -> None:
    peft, stack = both
    wanted = []
    for prompt in prompts(stack):
        ids = torch.tensor([prompt])
        out = peft.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False)
        new = out[0, 1 if stack.backbone.shape == "encoder-decoder" else len(prompt) :].tolist()
        wanted.append(new[: new.index(1)] if 1 in new else new)
    stops = Stops(stack.backbone.tokenizer, ())
    assert greedy(stack, prompts(stack), max_new_tokens=8, stops=stops) == wanted
    base = AdaptedModel(stack.backbone, stack.model)
    assert greedy(base, prompts(base), max_new_tokens=8, stops=stops) != wanted


def test_whole_texts_are_scored_behind_the_prefix(both: tuple[Any, AdaptedModel]) -> None:
    peft, stack = both
    request = Instance("loglikelihood_rolling", {}, (RAGGED[1],), 0)
    (got,) = StackLM(stack, batch_tokens=1000).loglikelihood_rolling([request])
    ids = stack.backbone.tokenizer.encode(RAGGED[1])
    logs = pefts_logits(peft, stack, (1,), tuple(ids[:-1])).log_softmax(-1)
    assert got == pytest.approx(float(logs.gather(1, torch.tensor(ids)[:, None]).sum()), rel=1e-4, abs=1e-3)
