"""Tokenizers of any make: a model with one trains and answers, or is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import torch
from lm_eval.api.instance import Instance
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from suite.evaluation.lm import StackLM
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, as_backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.training.data.batches import Collator
from suite.training.data.examples import encode
from tests.fuzz.fuzzing import TEXTS, corrupted, mutated, survive
from tests.models.tiny_models import SHAPES, Example, tiny_model, tiny_tokenizer

LETTERS = "abcdefghijklmnopqrstuvwxyzTFQA0123456789 .:?▁Ġ"
SPECIAL = ["<pad>", "</s>", "<unk>", "<s>", "<extra_id_0>", "<extra_id_1>"]


def made(rng: Random) -> PreTrainedTokenizerFast:
    """A tokenizer with or without each of its parts; its ids may go beyond the model's 59 embeddings."""
    letters = rng.sample(LETTERS, rng.choice([len(LETTERS), 20, 3]))
    names = [*rng.sample(SPECIAL, rng.randrange(len(SPECIAL) + 1)), *letters]
    gap = rng.choice([0, 0, 0, 7])
    words = {name: place + gap * (place > 5) for place, name in enumerate(names)}
    unknown = "<unk>" if "<unk>" in words else None
    kind = rng.randrange(3)
    inner = Tokenizer(
        models.WordLevel(words, unk_token=unknown or names[0]) if kind == 0
        else models.BPE(words, [], unk_token=unknown, byte_fallback=rng.random() < 0.3) if kind == 1
        else models.Unigram([(name, -1.0) for name in names], unk_id=rng.choice([None, 0]))
    )  # fmt: skip
    if rng.random() < 0.5:
        inner.pre_tokenizer = rng.choice([
            pre_tokenizers.Split("", "isolated"), pre_tokenizers.Whitespace(), pre_tokenizers.Metaspace(),
            pre_tokenizers.ByteLevel(), pre_tokenizers.Digits(),
        ])  # fmt: skip
    if rng.random() < 0.3:
        inner.normalizer = rng.choice([
            normalizers.Lowercase(), normalizers.NFKC(), normalizers.Strip(), normalizers.Prepend("▁"),
            normalizers.Replace(" ", ""),
        ])  # fmt: skip
    if rng.random() < 0.5:
        inner.decoder = rng.choice([decoders.ByteLevel(), decoders.Metaspace(), decoders.Fuse(), decoders.WordPiece()])
    if rng.random() < 0.4 and "<s>" in words and "</s>" in words:
        form = rng.choice(["<s> $A", "$A </s>", "<s> $A </s>", "<s> <s> $A"])
        specials = [(name, words[name]) for name in ("<s>", "</s>")]
        inner.post_processor = processors.TemplateProcessing(single=form, special_tokens=specials)
    if rng.random() < 0.1:
        inner.enable_truncation(rng.choice([1, 4, 16]))
    if rng.random() < 0.1:
        inner.enable_padding(length=rng.choice([8, 32]))
    if rng.random() < 0.2:
        inner.add_tokens([AddedToken(rng.choice(["dog", " ", "\n", "answer:"]), special=rng.random() < 0.5)])
    given: dict[str, Any] = {
        f"{name}_token": rng.choice([token, token, token, rng.choice(TEXTS[-12:])])
        for name, token in (("pad", "<pad>"), ("eos", "</s>"), ("unk", "<unk>"), ("bos", "<s>"))
        if rng.random() < 0.75
    }
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, model_max_length=rng.choice([1, 16, 128, 10**30]),
        padding_side=rng.choice(["left", "right"]), truncation_side=rng.choice(["left", "right"]), **given,
    )  # fmt: skip


def use(backbone: Backbone, rng: Random) -> None:
    """Train a batch, answer prompts, and score choices."""
    texts = [Example(" ".join(rng.sample(TEXTS, 2)), rng.choice(TEXTS)) for _ in range(3)]
    encoded = encode(backbone, texts, max_length=64, soft_length=0).examples
    batch = Collator(backbone)(encoded)
    with torch.no_grad():
        more = {} if batch.decoder_input_ids is None else {"decoder_input_ids": batch.decoder_input_ids}
        backbone.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, **more)
    lm = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=200, max_length=64)
    stops = {"until": [rng.choice(TEXTS) or "x"], "max_gen_toks": 3}
    asked = [Instance("generate_until", {}, (rng.choice(TEXTS), stops), 0) for _ in range(2)]
    assert all(isinstance(text, str) for text in lm.generate_until(asked))
    lm.loglikelihood([Instance("loglikelihood", {}, (rng.choice(TEXTS), rng.choice(TEXTS)), 0) for _ in range(2)])
    lm.loglikelihood_rolling([Instance("loglikelihood_rolling", {}, (rng.choice(TEXTS),), 0)])


def test_any_tokenizer_works_or_is_refused_in_one_line() -> None:
    tied = {shape: tiny_model(shape) for shape in SHAPES}

    def once(rng: Random) -> None:
        shape = rng.choice(SHAPES)
        for module in tied[shape].modules():
            module._forward_pre_hooks.clear()
        sentinels = shape == "encoder-decoder" and rng.random() < 0.5
        use(as_backbone(tied[shape], made(rng), "tiny", sentinels=sentinels, device="cpu"), rng)

    survive("tokenizers", once)


def test_a_damaged_model_folder_works_or_is_refused_in_one_line(tmp_path: Path) -> None:
    sound = tmp_path / "sound"
    tiny_model("decoder").save_pretrained(sound)
    tiny_tokenizer().save_pretrained(sound)
    files = sorted(sound.iterdir())

    def once(rng: Random) -> None:
        folder = tmp_path / str(rng.random())
        folder.mkdir()
        damaged = rng.choice(files)
        for file in files:
            data = file.read_bytes()
            if file == damaged:
                changed = rng.random() < 0.7 and file.suffix == ".json"
                data = (
                    json.dumps(mutated(json.loads(data), rng)).encode("utf-8", "replace") if changed
                    else corrupted(data, rng)
                )  # fmt: skip
            (folder / file.name).write_bytes(data)
        use(load_backbone(locate(ModelSource(path=str(folder)), None), "cpu"), rng)

    survive("model folders", once)
