"""The tokenizer of the micro models: one token for each word, with a shared vocabulary."""

from __future__ import annotations

from itertools import chain, product
from random import Random
from typing import Final, get_args

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from suite.micro2 import wordings, world
from suite.micro2.bilingual import ADJECTIVES, LANGUAGES, POOLS, foreign
from suite.micro2.documents import PHRASINGS, Sort, draw_document
from suite.micro2.drawn import Style
from suite.micro2.lexicon import (
    CLASSES,
    COUNTRIES,
    CRAFTS,
    FOODS,
    HOMES,
    KINDS,
    MATERIALS,
    SENSES,
    STATES,
    STRANGERS,
    UNKNOWN,
)
from suite.micro2.reasoning import LARGEST
from suite.micro2.truth import VAGUE
from suite.micro2.wordings import SEPARATOR

PAD, EOS, UNK, BOS = "<pad>", "</s>", "<unk>", "<s>"
SENTINELS: Final = tuple(f"<extra_id_{number}>" for number in range(32))
_DOCUMENTS: Final = 250
"""Number of documents of each sort from which words are collected."""


def words() -> list[str]:
    """All words of the data sets and of pretraining documents, sorted."""
    vocabulary = {SEPARATOR, "\n", *map(str, range(3 * LARGEST + 1)), *wordings.TRUTH_WORDS, "yes", "no", "maybe"}
    for form in chain(*wordings.WORDINGS.values(), *PHRASINGS.values()):
        vocabulary.update(word for word in form.split() if not word.startswith("{"))
    vocabulary.update((*STRANGERS, UNKNOWN, VAGUE, *chain(*SENSES), *_registers()))
    for language, pool, formal in product(LANGUAGES, POOLS[:4], (True, False)):
        vocabulary.update(pool)
        forms = [foreign(word, pool, language, Style() if formal else Style(frozenset())) for word in pool]
        vocabulary.update(forms)
        if language == "de" and pool is ADJECTIVES:
            vocabulary.update(form + ending for form in forms for ending in ("e", "en"))
    for dataset in world.TASKS:
        for split in world.SPLITS:
            for row in world.rows(dataset, split):
                vocabulary.update(f"{wordings.prompt(dataset, row)} {wordings.target(dataset, row)}".split())
    rng = Random("vocabulary")
    for sort in get_args(Sort):
        for _ in range(_DOCUMENTS):
            vocabulary.update(draw_document(sort, 64, rng).text.split())
    return sorted(vocabulary)


def _registers() -> set[str]:
    """The words of every concept, in both registers."""
    pools = (STATES, FOODS, HOMES, CRAFTS, MATERIALS, tuple(KINDS), tuple(CLASSES), tuple(COUNTRIES))
    found = (*chain(*pools), *(language for language, _ in COUNTRIES.values()))
    return {word for concept in found for word in (concept.plain, concept.formal)}


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
