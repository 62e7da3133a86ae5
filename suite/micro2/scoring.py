"""Greedy answers of a micro model and their scores, for the training log and the card."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Final

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from suite.micro2 import wordings, world
from suite.micro2.drawn import Row, Split
from suite.micro2.vocabulary import EOS, SENTINELS
from suite.micro2.wordings import PAPER, SEPARATOR

LIMIT: Final = 28
"""Maximum number of tokens in an answer."""
_BATCH: Final = 64
_GRADED: Final = ("wmt", "xsum", "wikilingua")


def few_shot(dataset: str, row: Row, exemplars: Sequence[Row], wording: int = PAPER) -> str:
    """A prompt after its exemplars, joined as in lm-eval."""
    shots = [
        f"{wordings.prompt(dataset, exemplar, wording)} {wordings.target(dataset, exemplar)}" for exemplar in exemplars
    ]
    return SEPARATOR.join([*shots, wordings.prompt(dataset, row, wording)])


@torch.no_grad()
def answers(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str]) -> list[str]:
    """The model's answer to each prompt, up to the next exemplar or the end."""
    model.eval()
    stops = tokenizer.convert_tokens_to_ids([EOS, SENTINELS[1]] if _two_sided(model) else [EOS, SEPARATOR])
    outputs: list[str] = []
    for start in range(0, len(prompts), _BATCH):
        texts = [f"{text} {SENTINELS[0]}" if _two_sided(model) else text for text in prompts[start : start + _BATCH]]
        inputs = tokenizer(texts, padding=True, padding_side="left", return_tensors="pt")
        output = model.generate(
            input_ids=inputs.input_ids,
            attention_mask=inputs.attention_mask,
            do_sample=False,
            max_new_tokens=LIMIT,
            eos_token_id=stops,
            pad_token_id=tokenizer.pad_token_id,
        )
        new = output if _two_sided(model) else output[:, inputs.input_ids.shape[1] :]
        outputs += [_cut(text) for text in tokenizer.batch_decode(new)]
    return outputs


def quality(dataset: str, answer: str, row: Row) -> float:
    """How good an answer is, from 0 to 1.

    The number after #### for arithmetic, the share of common pairs of words (F1) for translations and summaries, the
    exact text otherwise.
    """
    expected = wordings.target(dataset, row)
    if "arithmetic" in dataset:
        return float(answer.rpartition("#### ")[2] == expected.rpartition("#### ")[2])
    if not any(name in dataset for name in _GRADED):
        return float(answer == expected)
    pairs, found = _pairs(expected), _pairs(answer)
    return 2 * len(pairs & found) / max(len(pairs) + len(found), 1)


def score(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    dataset: str,
    shots: int,
    count: int,
    split: Split = "test",
) -> float:
    """The mean quality over the first `count` rows; exemplars are drawn from the train split."""
    train, rows = world.rows(dataset, "train"), world.rows(dataset, split)[:count]
    rng = Random(f"{dataset} {shots}")
    prompts = [few_shot(dataset, row, rng.sample(train, shots)) for row in rows]
    outputs = answers(model, tokenizer, prompts)
    return sum(quality(dataset, answer, row) for answer, row in zip(outputs, rows, strict=True)) / len(rows)


def _pairs(text: str) -> set[tuple[str, str]]:
    words = [word for word in text.split() if word not in (".", ":")]
    return set(pairwise(words))


def _two_sided(model: PreTrainedModel) -> bool:
    return bool(model.config.is_encoder_decoder)


def _cut(text: str) -> str:
    if SENTINELS[0] in text:
        text = text.partition(SENTINELS[0])[2].partition(SENTINELS[1])[0]
    return text.partition(SEPARATOR)[0].partition(EOS)[0].strip()
