"""Small tokenizers of the kinds that models come with, trained here on a few sentences."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

import suite
from suite.models.backbone import Backbone, Shape
from suite.models.ids import KnownIds
from tests.models.tiny_models import tiny_backbone

BOS, EOS, PAD = "<s>", "</s>", "<pad>"
SENTINELS = ["<extra_id_0>", "<extra_id_1>", "<extra_id_2>"]
SPECIAL = ["<unk>", EOS, BOS, PAD, *SENTINELS]
SENTENCES = (
    "on monday the red dog in seville is ill . question: the dog is hungry . Is it true or false? answer: True",
    "Q: who wrote the book? A: nobody knows.\n\nQ: what's 12 + 30? A: 42",
    "Translate English to German: the cat sees a fox.\nverdict: answer:\nFalse\n\n",
    "Äpfel, naïve façade, 東京 and λ=3.5; label: yes => no, never; not yet!",
)
BYTES: Final = [f"<0x{byte:02X}>" for byte in range(256)]


def _fast(inner: Tokenizer, **special: str) -> PreTrainedTokenizerFast:
    special = {"eos_token": EOS, "bos_token": BOS, "unk_token": "<unk>", "pad_token": PAD, **special}
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, additional_special_tokens=SENTINELS, model_max_length=1024,
        clean_up_tokenization_spaces=False, **{name: token for name, token in special.items() if token},
    )  # fmt: skip


def _around(inner: Tokenizer, form: str) -> None:
    """What the tokenizer puts around a text: `<s> $A`, `$A </s>` …"""
    ids = [(token, inner.token_to_id(token)) for token in (BOS, EOS)]
    inner.post_processor = processors.TemplateProcessing(single=form, special_tokens=ids)


def llama_2(form: str = "<s> $A") -> PreTrainedTokenizerFast:
    """SentencePiece BPE as Llama 2 has it: a dummy space before each text, bytes for what it does not know."""
    inner = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    inner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trainer = trainers.BpeTrainer(vocab_size=620, special_tokens=[*SPECIAL, *BYTES], show_progress=False)
    # SentencePiece merges no piece across a space
    inner.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    inner.train_from_iterator(SENTENCES, trainer)
    inner.pre_tokenizer = None
    inner.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    _around(inner, form)
    return _fast(inner)


def metaspace(form: str = "<s> $A") -> PreTrainedTokenizerFast:
    """SentencePiece as newer conversions have it: a dummy space before the first piece alone."""
    inner = Tokenizer(models.Unigram())
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False, initial_alphabet=[]
    )
    inner.train_from_iterator(SENTENCES, trainer)
    inner.decoder = decoders.Metaspace(prepend_scheme="first")
    _around(inner, form)
    return _fast(inner)


def byte_level(form: str = "$A", *, across: bool = False, prefix: bool = False, **special: str) -> Any:
    """Byte-level BPE as GPT-2 has it; `across` merges over spaces, `prefix` puts a space before a text."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=not across)
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    inner.train_from_iterator(SENTENCES, trainer)
    inner.decoder = decoders.ByteLevel()
    _around(inner, form)
    return _fast(inner, **special)


def t5() -> PreTrainedTokenizerFast:
    """Unigram as T5 has it: white space collapses, and the end token closes a text."""
    inner = Tokenizer(models.Unigram())
    inner.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("\n", " ")])
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False)
    inner.train_from_iterator(SENTENCES, trainer)
    inner.decoder = decoders.Metaspace()
    _around(inner, "$A </s>")
    return _fast(inner, bos_token="")


def word_level() -> Any:
    """The bundled models' own: a token a word."""
    return AutoTokenizer.from_pretrained(Path(suite.__file__).parent / "micro" / "models" / "micro-llama")


DECODERS: Final = {
    "word-level": word_level,
    "Llama 2": llama_2,
    "Llama 2 that appends EOS": lambda: llama_2("<s> $A </s>"),
    "Metaspace": metaspace,
    "byte-level": byte_level,
    "byte-level without BOS": lambda: byte_level(bos_token=""),
    "byte-level that adds BOS": lambda: byte_level("<s> $A"),
    "byte-level that appends EOS": lambda: byte_level("$A </s>"),
    "byte-level that merges across words": lambda: byte_level("<s> $A", across=True),
    "byte-level with a prefix space": lambda: byte_level(prefix=True),
}
ENCODER_DECODERS: Final = {"T5": t5, "BART": lambda: byte_level("<s> $A </s>"), "word-level T5": word_level}
NAMES: Final = (
    *DECODERS,
    *ENCODER_DECODERS,
    *(f"{name} with sentinels" for name in ENCODER_DECODERS if name != "BART"),
)


@cache
def _tokenizer(name: str) -> Any:
    return {**DECODERS, **ENCODER_DECODERS}[name]()


def backbone_of(name: str) -> Backbone:
    """A tiny model with one of the tokenizers; it is not to be called."""
    name, sentinels = name.removesuffix(" with sentinels"), name.endswith(" with sentinels")
    shape: Shape = "decoder" if name in DECODERS else "encoder-decoder"
    made = tiny_backbone(shape)
    return replace(made, tokenizer=_tokenizer(name), ids=KnownIds(), sentinels=sentinels, max_length=1 << 20)
