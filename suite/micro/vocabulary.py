"""The tokenizer of the micro models: one token for each word, with a shared vocabulary."""

from __future__ import annotations

from random import Random
from typing import Final, get_args

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from suite.micro import templates, world
from suite.micro.documents import LABEL_WORDS, Sort, draw_document
from suite.micro.reasoning import LARGEST
from suite.micro.templates import SEPARATOR

PAD, EOS, UNK, BOS = "<pad>", "</s>", "<unk>", "<s>"
SENTINELS: Final = tuple(f"<extra_id_{number}>" for number in range(32))
_DOCUMENTS: Final = 2000
"""Number of documents of each sort from which words are collected."""


def words() -> list[str]:
    """All words of the data sets and of pretraining documents, sorted."""
    vocabulary = {*LABEL_WORDS, SEPARATOR, "\n", *map(str, range(3 * LARGEST + 1))}
    for dataset in world.TASKS:
        for split in world.SPLITS:
            for row in world.rows(dataset, split):
                vocabulary.update(f"{templates.prompt(dataset, row)} {templates.target(dataset, row)}".split())
    rng = Random("vocabulary")
    for sort in get_args(Sort):
        for _ in range(_DOCUMENTS):
            vocabulary.update(draw_document(sort, 4, rng).text.split())
    return sorted(vocabulary)


def build() -> PreTrainedTokenizerFast:
    """The tokenizer. It adds no special tokens, so contexts and continuations can be joined."""
    ordered = [PAD, EOS, UNK, BOS, *SENTINELS, *words()]
    inner = Tokenizer(models.WordLevel({word: number for number, word in enumerate(ordered)}, unk_token=UNK))
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex("\n\n|\n"), "isolated"),
            pre_tokenizers.Split(" ", "removed"),
        ]
    )
    # joined by single spaces, with none around a line break
    inner.decoder = decoders.Sequence(
        [
            decoders.Replace(Regex(r"\A"), " "),
            decoders.Fuse(),
            decoders.Replace(Regex(" \n\n ?"), "\n\n"),
            decoders.Replace(Regex(" \n ?"), "\n"),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNK,
        bos_token=BOS,
        additional_special_tokens=list(SENTINELS),
        clean_up_tokenization_spaces=False,
        padding_side="left",
        model_max_length=1024,
    )
