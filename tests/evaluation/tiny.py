"""Tiny random models of both shapes with a tokenizer of single characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MT5Config,
    MT5ForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from suite.inference.decode import decode
from suite.inference.state import Ids
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, as_backbone
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile
from suite.training.prefixes import TrainedPrefix

MakeTask = Callable[..., tuple[TaskFile, DataLocations]]

CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:?!'-#()\n"
SPECIAL = ["<pad>", "</s>", "<unk>", "<extra_id_0>", "<extra_id_1>"]


def tokenizer(*, ends: bool = False) -> PreTrainedTokenizerFast:
    """One token a character; `ends` appends the end token, as T5's does."""
    words = {word: number for number, word in enumerate([*SPECIAL, *CHARACTERS])}
    inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    inner.decoder = decoders.Fuse()
    if ends:
        inner.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=SPECIAL[3:], clean_up_tokenization_spaces=False,
    )  # fmt: skip


def llama(seed: int = 0) -> Backbone:
    torch.manual_seed(seed)
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, initializer_range=0.4, bos_token_id=None, eos_token_id=1,
        pad_token_id=0,
    )  # fmt: skip
    return as_backbone(LlamaForCausalLM(config), words, "tiny-llama", device="cpu")


def mt5(seed: int = 0, *, sentinels: bool = False) -> Backbone:
    torch.manual_seed(seed)
    words = tokenizer(ends=True)
    config = MT5Config(
        vocab_size=len(words), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0,
        eos_token_id=1, pad_token_id=0, initializer_factor=2.0,
    )  # fmt: skip
    return as_backbone(MT5ForConditionalGeneration(config), words, "tiny-mt5", sentinels=sentinels, device="cpu")


def with_soft(backbone: Backbone, length: int = 5) -> AdaptedModel:
    """A random soft prompt of the size of real embeddings."""
    size = backbone.model.get_input_embeddings().weight.std()
    vectors = torch.randn(length, backbone.width, generator=torch.Generator().manual_seed(7)) * size
    return AdaptedModel(backbone, backbone.model, vectors, ("a soft prompt",))


def with_prefix(backbone: Backbone, length: int = 5) -> AdaptedModel:
    """A random prefix, as training starts from."""
    prefix = TrainedPrefix(backbone, length, None, seed=7).vectors()
    return AdaptedModel(backbone, backbone.model, None, ("a prefix",), prefix)


def with_both(backbone: Backbone) -> AdaptedModel:
    """A soft prompt behind a prefix."""
    return replace(with_prefix(backbone, 3), soft=with_soft(backbone).soft)


RAGGED = (
    "a",
    "Q: what is this ? A:",
    "the cat sat on the mat and said nothing at all, for it had nothing to say. A:",
    "b c",
    "Translate English to French: the dog",
    "Q: why ?",
    "x" * 60,
    "Article: one two three One sentence summary:",
)


def greedy(stack: AdaptedModel, prompts: Sequence[Ids], **options: Any) -> list[list[int]]:
    """The tokens of greedy answers."""
    return [said.tokens for said in decode(stack, prompts, **options)]
