"""What transformers itself answers and scores, one prompt at a time, and the prompts that it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from suite.inference.state import Ids
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.models.prefix import key_value_shape

_RNG: Final = Random(1)


def _words(count: int) -> Ids:
    return tuple(_RNG.randrange(6, 55) for _ in range(count))


BEGINNING: Final = _words(18)
PROMPTS: Final[dict[str, list[Ids]]] = {
    "ragged": [_words(count) for count in (3, 21, 1, 12)],
    "shared": [(*BEGINNING, *_words(count)) for count in (2, 9, 1)],
}
"""Prompts of different lengths, longer and shorter than the windows of attention; and such with a common beginning."""
CONTINUATIONS: Final = [_words(count) for count in (1, 4)]
LIMIT: Final = 8


def plain(backbone: Backbone) -> AdaptedModel:
    """The base model."""
    return AdaptedModel(backbone, backbone.model)


def with_soft(backbone: Backbone) -> AdaptedModel:
    """The model behind a soft prompt whose vectors are like those of words."""
    generator, table = torch.Generator().manual_seed(2), backbone.model.get_input_embeddings().weight
    vectors = torch.randn(5, backbone.width, generator=generator) * table.std()
    return AdaptedModel(backbone, backbone.model, soft=vectors)


def with_prefix(backbone: Backbone) -> AdaptedModel:
    """The model behind a prefix. Raises SuiteError for a model that can have none."""
    layers, heads, width = key_value_shape(backbone)
    generator = torch.Generator().manual_seed(3)
    return AdaptedModel(backbone, backbone.model, prefix=torch.randn(layers, 2, heads, 4, width, generator=generator))


def generated(adapted: AdaptedModel, prompt: Ids, *, beams: int = 1) -> list[int]:
    """The answer of `generate` to one prompt alone, without its end token."""
    two_sided, ids = adapted.backbone.shape == "encoder-decoder", torch.tensor([prompt])
    if adapted.soft is None and adapted.prefix is None:
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        skipped = 1 if two_sided else len(prompt)
    else:
        embeds, _ = adapted.embed(ids, torch.ones_like(ids), side="left")
        if not two_sided:  # `generate` leaves out what the cache holds already
            embeds = functional.pad(embeds, (0, 0, adapted.prefix_length, 0))
        mask = torch.ones(embeds.shape[:2], dtype=torch.long)
        inputs = {"inputs_embeds": embeds, "attention_mask": mask, **adapted.prefix_inputs(1)}
        skipped = int(two_sided)
    model: Any = adapted.model
    out = model.generate(**inputs, max_new_tokens=LIMIT, do_sample=False, num_beams=beams)[0].tolist()[skipped:]
    return out[: out.index(1)] if 1 in out else out


@torch.no_grad()
def logits(adapted: AdaptedModel, prompt: Ids, continuation: Ids) -> Tensor:
    """Logits [T, V] before each token of a continuation, by one call without a cache of what was read."""
    two_sided = adapted.backbone.shape == "encoder-decoder"
    ids = torch.tensor([prompt if two_sided else (*prompt, *continuation)])
    inputs: dict[str, Any] = {"input_ids": ids}
    if adapted.soft is not None:
        inputs = {"inputs_embeds": adapted.embed(ids, torch.ones_like(ids), side="left")[0]}
    inputs |= adapted.prefix_inputs(1) or {"use_cache": False}
    if two_sided:
        inputs["decoder_input_ids"] = torch.tensor([[adapted.backbone.start_id, *continuation[:-1]]])
    model: Any = adapted.model
    out: Tensor = model(**inputs).logits[0].float()
    return out if two_sided else out[-len(continuation) - 1 : -1]


def greedy_by_calls(adapted: AdaptedModel, prompt: Ids) -> list[int]:
    """The greedy answer by one call for each token: for models whose `generate` does otherwise."""
    answer: list[int] = []
    while len(answer) < LIMIT:
        token = int(logits(adapted, prompt, (*answer, 0))[-1].argmax())
        if token == 1:
            break
        answer.append(token)
    return answer


def likelihood(adapted: AdaptedModel, prompt: Ids, continuation: Ids) -> float:
    """The log-likelihood of a continuation, by one call."""
    shares = logits(adapted, prompt, continuation).log_softmax(-1)
    return float(shares.gather(1, torch.tensor(continuation)[:, None]).sum())


def likelihoods(adapted: AdaptedModel, prompts: Sequence[Ids]) -> list[float]:
    """Those of all continuations of all prompts."""
    return [likelihood(adapted, prompt, each) for prompt in prompts for each in CONTINUATIONS]
