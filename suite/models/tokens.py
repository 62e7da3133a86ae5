"""Text to token ids: the one place that makes them, for training, for answers to be written and for answers scored.

What is trained is what is asked: the ids of a prompt do not depend on the answer behind it, and those of prompt and
answer together read as the text that evaluation has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from suite.core.errors import SuiteError
from suite.core.targets import WrittenTarget, following
from suite.models.embedded import reading_texts
from suite.models.ids import KnownIds

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from suite.models.backbone import Shape

SENTINEL_BEGIN, SENTINEL_END = "<extra_id_0>", "<extra_id_1>"
_ANCHORS: Final = ("", "\n", ":", "0")
"""Texts behind which the beginning of an answer may be read as it is within a text."""
_PROBES: Final = ("a", "0", ".")
"""Texts; any tokenizer turns at least one of them into a token."""

Ids = tuple[int, ...]


class Tokenizing(Protocol):
    """What turns texts into ids: a loaded base model, or its tokenizer alone (`suite.models.tokenizer`)."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Of transformers."""

    @property
    def shape(self) -> Shape:
        """Whether answers continue the prompt, or are a text of their own."""

    @property
    def sentinels(self) -> bool:
        """Whether answers stand between the sentinels of span corruption."""

    @property
    def eos_id(self) -> int:
        """The id that ends an answer."""

    @property
    def ids(self) -> KnownIds:
        """What was read before."""


def encode_text(backbone: Tokenizing, text: str) -> list[int]:
    """Ids of a text with the special tokens that the tokenizer puts before it, unless the text has its BOS already.

    A decoder goes on from a text, so what the tokenizer would close one with is left out; an encoder reads it.
    """
    return list(_read(backbone, [text])[0])


def encode_prompts(backbone: Tokenizing, prompts: Sequence[str]) -> list[Ids]:
    """Ids of prompts as the model reads them before it answers.

    An encoder-decoder with sentinels gets ` <extra_id_0>` appended. An empty prompt is the begin or end token.
    """
    marked = [f"{prompt} {SENTINEL_BEGIN}" if backbone.sentinels else prompt for prompt in prompts]
    keys = [("prompt", text) for text in marked]
    ids_of_each = backbone.ids.of(keys, lambda indices: _read(backbone, [marked[index] for index in indices]))
    return [ids or (_first_id(backbone),) for ids in ids_of_each]


def encode_prompt(backbone: Tokenizing, prompt: str) -> list[int]:
    """Ids of one prompt."""
    return list(encode_prompts(backbone, [prompt])[0])


def encode_answer(backbone: Tokenizing, prompt: str, answer: str) -> list[int]:
    """Ids of an answer after a prompt, without the end token: the second part of `encode_pair`."""
    return encode_pair(backbone, prompt, answer)[1]


def encode_pair(backbone: Tokenizing, prompt: str, answer: str) -> tuple[list[int], list[int]]:
    """Ids of a prompt and of the answer that follows it, without the end token.

    Where the model writes its answers, the first are those of `encode_prompt`, and the second are what joining the
    texts adds to them; where the tokenizer merges across the seam, ids that read the same behind the prompt as it is.
    An encoder-decoder's answer begins a text, without the white space of a delimiter, and stands between sentinels if
    it has them. A `WrittenTarget` that is scored is split as `encode_choices` splits it.
    """
    if isinstance(answer, WrittenTarget) and answer.scored:
        context, (continuation,) = encode_choices(backbone, prompt, [following(prompt, answer)])
        if not continuation:
            raise no_token(answer)
        return context, _between_sentinels(backbone, continuation)
    if backbone.shape == "decoder":
        text = following(prompt, answer)
        (ids,) = backbone.ids.of([("answer", prompt, text)], lambda _: [_continued(backbone, prompt, text)])
    else:
        text = answer.before.lstrip() + answer if isinstance(answer, WrittenTarget) else answer
        text = f"{SENTINEL_BEGIN} {text} {SENTINEL_END}" if backbone.sentinels else text
        (ids,) = backbone.ids.of([("answer", text)], lambda _: [_plain(backbone, text)])
    return encode_prompt(backbone, prompt), list(ids)


def encode_choices(
    backbone: Tokenizing, context: str, continuations: Sequence[str]
) -> tuple[list[int], list[list[int]]]:
    """Ids of a context and of each of some continuations to be scored, split as lm-eval does: white space at the end of
    the context goes to the continuation.

    Where the tokenizer merges across the seam of any, the context of all ends before it, so that all are scored on
    their own tokens from the same place. A continuation that adds no token is empty: see `no_token`.
    """
    prompt = context.rstrip()
    texts = [context[len(prompt) :] + continuation for continuation in continuations]
    ids = encode_prompts(backbone, [prompt])[0]
    if backbone.shape == "encoder-decoder":
        return list(ids), [list(_plain(backbone, text)) for text in texts]
    keys = [("whole", prompt + text) for text in texts]
    wholes = backbone.ids.of(keys, lambda indices: _read(backbone, [prompt + texts[index] for index in indices]))
    if not prompt:  # the token that stands for nothing is not in the text
        wholes = [whole if whole[: len(ids)] == ids else ids + whole for whole in wholes]
    split = min(_common(ids, whole) for whole in wholes)
    return list(ids[:split]) or [_first_id(backbone)], [list(whole[split:]) for whole in wholes]


def encode_word(backbone: Tokenizing, word: str) -> list[int]:
    """Ids of a word as it stands within a text, behind a space."""
    decoder = backbone.shape == "decoder"
    return list(_continued(backbone, _ANCHORS[-1], f" {word}") if decoder else _plain(backbone, word))


def no_token(answer: str, where: str = "") -> SuiteError:
    """The error for an answer that cannot be scored, because the tokenizer makes nothing of it behind its prompt."""
    what = f"the answer {str(answer)!r} adds no token to its prompt, so it has no likelihood"
    return SuiteError(f"{where}: {what}" if where else what, fix="give each answer a text that the tokenizer keeps")


def _read(backbone: Tokenizing, texts: Sequence[str]) -> list[Ids]:
    """`encode_text` of some, all at once: one call for each takes as long as a small model's answer."""
    start = backbone.tokenizer.bos_token
    (closing,) = backbone.ids.of([("closing",)], lambda _: [closing_ids(backbone)])
    ids_by_index: dict[int, Ids] = {}
    for begun in (False, True):
        indices = [index for index, text in enumerate(texts) if begun == bool(start and text.startswith(start))]
        if not indices:
            continue
        with reading_texts():
            read = backbone.tokenizer([texts[index] for index in indices], add_special_tokens=not begun)["input_ids"]
        if backbone.shape == "decoder":
            closed = 0 if begun else len(closing)
            ids_by_index |= {index: tuple(ids[: len(ids) - closed]) for index, ids in zip(indices, read, strict=True)}
        else:
            more = closing if begun else ()
            ids_by_index |= {index: (*ids, *more) for index, ids in zip(indices, read, strict=True)}
    return [ids_by_index[index] for index in range(len(texts))]


def closing_ids(backbone: Tokenizing) -> Ids:
    """What the tokenizer appends to each text."""
    for text in _PROBES:
        bare = _plain(backbone, text)
        with reading_texts():
            whole = tuple(backbone.tokenizer.encode(text))
        for at in range(len(whole) - len(bare) + 1):
            if bare and whole[at : at + len(bare)] == bare:
                return whole[at + len(bare) :]
    return ()


def _continued(backbone: Tokenizing, prompt: str, text: str) -> Ids:
    """What a text adds to the ids of a decoder's prompt."""
    if not text:
        return ()
    context = encode_prompts(backbone, [prompt])[0]
    (whole,) = _read(backbone, [prompt + text])
    if whole[: len(context)] == context:
        return whole[len(context) :]
    decode, expected = backbone.tokenizer.decode, backbone.tokenizer.decode(whole)
    for anchor in _ANCHORS:
        before, both = _plain(backbone, anchor), _plain(backbone, anchor + text)
        continuation = both[len(before) :]
        if both[: len(before)] == before and decode([*context, *continuation]) == expected:
            return continuation
    return _plain(backbone, text)


def _between_sentinels(backbone: Tokenizing, answer: Iterable[int]) -> list[int]:
    if not backbone.sentinels:
        return list(answer)
    begin, end = backbone.tokenizer.convert_tokens_to_ids([SENTINEL_BEGIN, SENTINEL_END])
    return [begin, *answer, end]


def _plain(backbone: Tokenizing, text: str) -> Ids:
    """Ids of a text without special tokens but its own."""
    with reading_texts():
        return tuple(int(token) for token in backbone.tokenizer.encode(text, add_special_tokens=False))


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids both begin with."""
    limit = min(len(one), len(other))
    return next((at for at in range(limit) if one[at] != other[at]), limit)


def _first_id(backbone: Tokenizing) -> int:
    bos = backbone.tokenizer.bos_token_id
    return int(bos) if bos is not None else backbone.eos_id
