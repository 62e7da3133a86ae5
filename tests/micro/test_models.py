"""The bundled micro models: they load offline, speak the vocabulary, and know something."""

from __future__ import annotations

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

from suite.micro import scoring, templates, world
from suite.micro.pretrain import MODELS
from suite.micro.vocabulary import SENTINELS, build

LOADERS: dict[str, Any] = {"micro-llama": AutoModelForCausalLM, "micro-t5": AutoModelForSeq2SeqLM}


@pytest.fixture(scope="module", params=list(LOADERS))
def base(request: pytest.FixtureRequest) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    folder = MODELS / request.param
    model = LOADERS[request.param].from_pretrained(folder, local_files_only=True)
    return model, AutoTokenizer.from_pretrained(folder, local_files_only=True)


def test_every_row_is_made_of_known_words_and_comes_back() -> None:
    tokenizer = build()
    for dataset in world.TASKS:
        for split in world.SPLITS:
            texts = [
                f"{templates.prompt(dataset, r)} {templates.target(dataset, r)}" for r in world.read(dataset, split)
            ]
            ids = tokenizer(texts).input_ids
            assert tokenizer.unk_token_id not in {token for row in ids for token in row}
            assert tokenizer.batch_decode(ids) == texts


def test_exemplars_come_back_with_their_separator() -> None:
    tokenizer = build()
    text = "Q: red A: blue\n\nQ: green A: <extra_id_0>"
    ids = tokenizer(text).input_ids
    assert len(ids) == 9
    assert tokenizer.decode(ids) == text


def test_bundled_tokenizer_is_the_one_that_is_built(base: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    assert base[1].get_vocab() == build().get_vocab()


def test_models_load_in_float32(base: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    model, tokenizer = base
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model.config.vocab_size == len(tokenizer)


def test_models_answer_questions_they_never_saw(base: tuple[PreTrainedModel, PreTrainedTokenizerBase]) -> None:
    torch.manual_seed(0)
    assert scoring.score(*base, "micro_web_questions", shots=0, count=48) > 0.6


def test_answers_do_not_depend_on_the_neighbours_in_a_batch(
    base: tuple[PreTrainedModel, PreTrainedTokenizerBase],
) -> None:
    rows = world.read("micro_xsum", "test")[:4] + world.read("micro_xsum", "validation")[:2]
    prompts = [templates.prompt("micro_xsum", row) for row in rows] + ["Q: paris A:"]
    assert scoring.answers(*base, prompts) == [scoring.answers(*base, [prompt])[0] for prompt in prompts]


def test_sentinels_come_right_after_the_special_tokens() -> None:
    tokenizer = build()
    assert tokenizer.convert_tokens_to_ids(["<pad>", "</s>", "<unk>", "<s>", *SENTINELS]) == list(range(36))
