"""Tiny random models with a word-level tokenizer, as the micro models have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, MT5Config, MT5ForConditionalGeneration, PreTrainedTokenizerFast

from suite.models.backbone import Backbone, Shape, as_backbone

SPECIAL = ("<pad>", "</s>", "<unk>", "<s>", "<extra_id_0>", "<extra_id_1>")
WORDS = ("True", "False", "red", "blue", "green", "dog", "cat", "is", "a", "the", "on", "question:", "answer:")
SHAPES: tuple[Shape, ...] = ("decoder", "encoder-decoder")


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    names = [*SPECIAL, *WORDS, *(f"w{number}" for number in range(40))]
    inner = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", bos_token="<s>",
        additional_special_tokens=["<extra_id_0>", "<extra_id_1>"], model_max_length=128,
    )  # fmt: skip


def tiny_model(shape: Shape, *, seed: int = 0, tied: bool = True) -> Any:
    torch.manual_seed(seed)
    common: dict[str, Any] = {
        "vocab_size": len(tiny_tokenizer()), "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 3,
        "tie_word_embeddings": tied,
    }  # fmt: skip
    if shape == "decoder":
        config = LlamaConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
            max_position_embeddings=128, **common,
        )  # fmt: skip
        return LlamaForCausalLM(config)
    config = MT5Config(
        d_model=32, d_kv=16, d_ff=48, num_layers=2, num_decoder_layers=2, num_heads=2, dropout_rate=0.1,
        decoder_start_token_id=0, **common,
    )  # fmt: skip
    model = MT5ForConditionalGeneration(config)
    if not tied:  # the configuration cannot say so; real mT5 weights have a head of their own all the same
        model.lm_head.weight = torch.nn.Parameter(model.shared.weight.detach() * 0.2)
    return model


def tiny_backbone(shape: Shape, *, seed: int = 0, tied: bool = True, dtype: torch.dtype = torch.float32) -> Backbone:
    model = tiny_model(shape, seed=seed, tied=tied).to(dtype)
    sentinels = shape == "encoder-decoder"
    return as_backbone(model, tiny_tokenizer(), f"tiny {shape} {seed}", sentinels=sentinels, device="cpu")


@dataclass(frozen=True)
class Example:
    prompt: str
    target: str
    doc: dict[str, Any] = field(default_factory=dict)
    hash: str = ""


def tiny_examples(count: int, *, seed: int = 0) -> tuple[Example, ...]:
    rng = Random(seed)
    found = []
    for _ in range(count):
        words = " ".join(f"w{rng.randrange(40)}" for _ in range(rng.randint(2, 9)))
        colour: Literal["red", "blue"] = rng.choice(["red", "blue"])
        prompt, target = f"{words} {colour} question: answer:", "True" if colour == "red" else "False"
        found.append(Example(prompt, target, {"prompt": prompt, "target": target}, prompt))
    return tuple(found)


def bits(model: Any) -> dict[str, bytes]:
    """Every tensor's bytes by name."""
    return {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}
