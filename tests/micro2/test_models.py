"""The bundled models of the second edition: they load offline, speak the vocabulary, and know what they are said to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
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

from suite.micro2 import known, scoring, wordings, world
from suite.micro2.facts import FOOD
from suite.micro2.pretrain import MODELS
from suite.micro2.vocabulary import SENTINELS, build

Model = tuple[PreTrainedModel, PreTrainedTokenizerBase]
FOLDERS = sorted(path.parent for path in MODELS.glob("*/config.json"))


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda folder: folder.name)
def base(request: pytest.FixtureRequest) -> Model:
    loader: Any = AutoModelForSeq2SeqLM if "t5" in request.param.name else AutoModelForCausalLM
    model = loader.from_pretrained(request.param, local_files_only=True)
    return model, AutoTokenizer.from_pretrained(request.param, local_files_only=True)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return build()


def test_files_are_small() -> None:
    files = [path for path in MODELS.rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in files) <= 16_000_000
    assert sum(path.stat().st_size for path in files) <= 40_000_000


def test_every_row_is_made_of_known_words_and_comes_back(tokenizer: PreTrainedTokenizerBase) -> None:
    for dataset in world.TASKS:
        for row in world.read(dataset, "test"):
            text = f"{wordings.prompt(dataset, row)} {wordings.target(dataset, row)}"
            ids = tokenizer(text).input_ids
            assert tokenizer.unk_token_id not in ids, text
            assert tokenizer.decode(ids) == text


def test_every_wording_is_made_of_known_words(tokenizer: PreTrainedTokenizerBase) -> None:
    for dataset, forms in wordings.WORDINGS.items():
        assert len(set(forms)) == 5
        for wording in range(len(forms)):
            ids = tokenizer(wordings.prompt(dataset, world.read(dataset, "test")[0], wording)).input_ids
            assert tokenizer.unk_token_id not in ids, forms[wording]


def test_bundled_tokenizer_is_the_one_that_is_built(base: Model, tokenizer: PreTrainedTokenizerBase) -> None:
    assert base[1].get_vocab() == tokenizer.get_vocab()


def test_models_load_in_float32(base: Model) -> None:
    model, tokenizer = base
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model.config.vocab_size == len(tokenizer)


def test_a_model_knows_more_of_what_pretraining_states(base: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    form = known.TRIVIA[0]
    assert form[1] is FOOD
    monkeypatch.setattr(known, "_FORMS", {"triviaqa": (form,)})
    facts = known.knowledge(*base)
    counts = Counter((fact.stated, fact.grade) for fact in facts)
    assert len(facts) == len(FOOD.subjects)
    share = 0.2 if base[0].config.is_encoder_decoder else 0.5  # the encoder-decoder learned fewer facts
    assert counts[True, "known"] > share * sum(fact.stated for fact in facts)
    assert counts[False, "known"] == 0


def test_a_model_admits_what_it_cannot_know(base: Model) -> None:
    assert known.admitted(*base) > 0.7


def test_answers_do_not_depend_on_the_neighbours_in_a_batch(base: Model) -> None:
    rows = world.read("micro2_xsum", "test")[:4] + world.read("micro2_xsum", "validation")[:2]
    prompts = [wordings.prompt("micro2_xsum", row) for row in rows] + ["Q: paris A:"]
    assert scoring.answers(*base, prompts) == [scoring.answers(*base, [prompt])[0] for prompt in prompts]


def test_sentinels_come_right_after_the_special_tokens(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenizer.convert_tokens_to_ids(["<pad>", "</s>", "<unk>", "<s>", *SENTINELS]) == list(range(36))


def test_a_bundled_model_has_its_card(base: Model) -> None:
    folder = Path(base[0].name_or_path)
    assert f"{sum(weight.numel() for weight in base[0].parameters()):,} parameters" in (folder / "CARD.md").read_text()
