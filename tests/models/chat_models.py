"""Tiny models with the special tokens and chat templates of Llama 3, Qwen 2.5, Gemma, Mistral and SmolLM2.

The templates are written from the published descriptions of the formats. The words are those of a small text; what
matters is where a tokenizer puts spaces, and which special tokens it adds by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from suite.models.backbone import Backbone, as_backbone

TEXT = (
    "what colour is the thing ? answer with one word. it is red and not blue, be brief. user assistant system model "
    "You are Qwen, a helpful assistant named SmolLM. Question: Answer: 0 1 2 3 4 5 6 7 8 9 [INST] [/INST] "
) * 3


@dataclass(frozen=True)
class ChatStyle:
    """What distinguishes the tokenizers of a family."""

    template: str
    special: tuple[str, ...]
    """Special tokens besides padding; the first one ends a turn."""
    bos: str | None
    eos: str
    bytes: bool
    """Byte-level words, as GPT-2 has them; else words with a mark for the space before them, as SentencePiece has."""
    adds_bos: bool
    takes_system: bool = True


_CHATML = (
    "{% for message in messages %}{% if loop.first and message.role != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
STYLES = {
    "llama3": ChatStyle(
        "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n'"
        " + message.content | trim + '<|eot_id|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
        ("<|eot_id|>", "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"),
        "<|begin_of_text|>", "<|end_of_text|>", bytes=True, adds_bos=True,
    ),
    "qwen2.5": ChatStyle(
        _CHATML.replace("You are a", "You are Qwen, a"), ("<|im_end|>", "<|im_start|>", "<|endoftext|>"),
        None, "<|im_end|>", bytes=True, adds_bos=False,
    ),
    "gemma": ChatStyle(
        "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}"
        "{{ raise_exception('System role not supported') }}{% endif %}"
        "{{ '<start_of_turn>' + ('model' if message.role == 'assistant' else message.role) + '\n'"
        " + message.content | trim + '<end_of_turn>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
        ("<end_of_turn>", "<bos>", "<eos>", "<start_of_turn>"),
        "<bos>", "<eos>", bytes=False, adds_bos=True, takes_system=False,
    ),
    "mistral": ChatStyle(
        "{{ bos_token }}{% set ns = namespace(system='') %}{% for message in messages %}"
        "{% if message.role == 'system' %}{% set ns.system = message.content + '\n\n' %}"
        "{% elif message.role == 'user' %}"
        "{{ '[INST] ' + (ns.system if loop.last or loop.index0 == messages | length - 2 else '') + message.content"
        " + '[/INST]' }}{% else %}{{ ' ' + message.content | trim + eos_token }}{% endif %}{% endfor %}",
        ("</s>", "<s>", "[INST]", "[/INST]"), "<s>", "</s>", bytes=False, adds_bos=True,
    ),
    "smollm2": ChatStyle(
        _CHATML, ("<|im_end|>", "<|im_start|>", "<|endoftext|>"), "<|im_start|>", "<|im_end|>", bytes=True,
        adds_bos=False,
    ),
}  # fmt: skip


def chat_tokenizer(style: ChatStyle) -> PreTrainedTokenizerFast:
    """A tokenizer of a few hundred words with a family's special tokens."""
    inner = Tokenizer(models.BPE(unk_token=None if style.bytes else "<unk>"))
    special = ["<pad>", "<unk>", *style.special]
    if style.bytes:
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        letters = pre_tokenizers.ByteLevel.alphabet()
    else:
        inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=True)
        inner.decoder = decoders.Metaspace(prepend_scheme="never")
        letters = sorted({*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:?!\n<>[]/{}|_'-"})
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=special, initial_alphabet=letters, show_progress=False)
    inner.train_from_iterator([TEXT], trainer)
    if style.adds_bos and style.bos is not None:
        bos = (style.bos, inner.token_to_id(style.bos))
        inner.post_processor = processors.TemplateProcessing(single=f"{style.bos} $A", special_tokens=[bos])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", bos_token=style.bos, eos_token=style.eos,
        additional_special_tokens=list(style.special), chat_template=style.template,
        clean_up_tokenization_spaces=False,
    )  # fmt: skip


def chat_backbone(style: ChatStyle, seed: int = 0) -> Backbone:
    """A tiny random decoder with such a tokenizer."""
    torch.manual_seed(seed)
    words = chat_tokenizer(style)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1024, pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id, bos_token_id=words.bos_token_id, initializer_range=0.4,
    )  # fmt: skip
    return as_backbone(LlamaForCausalLM(config), words, f"tiny chat {seed}", device="cpu")
