"""Batched greedy decoding and sampling: the tokens of transformers' `generate`, without its cost for each token."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor

from suite.inference.prefix_support import supports_shared_prefix
from suite.inference.reading import read
from suite.inference.shared_prefix import SharedPrefixCache, SharedPrefixState, read_shared_prefix
from suite.inference.state import EncoderDecoderState, Ids, Steps
from suite.models.adapted import AdaptedModel

SENTINELS: Final = ("<extra_id_0>", "<extra_id_1>")
"""A model pretrained by span corruption writes its answer between these two."""


class Stops:
    """Finds stop strings in answers; a stop string may start in one token and end in another.

    It may contain special tokens, which are not part of an answer's text. As in lm-eval, they are found in the text
    with special tokens.
    """

    def __init__(self, tokenizer: Any, strings: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._strings = tuple(string for string in strings if string)
        self._ends = frozenset(string[-1] for string in self._strings)
        self._may_end: dict[int, bool] = {}
        self._special: dict[int, bool] = {}

    def reached(self, answer: Sequence[int]) -> bool:
        """Whether an answer contains a stop string, given that it did not without its last token."""
        return self._ends_one(answer[-1]) and (
            any(stop in self.text(answer) for stop in self._strings) or self._stop_among_special(answer) is not None
        )

    def text(self, answer: Sequence[int]) -> str:
        """The text of an answer without special tokens, as lm-eval decodes it."""
        return str(self._tokenizer.decode(answer, skip_special_tokens=True))

    def cut(self, text: str) -> str:
        """Cut a text at the first stop string."""
        for stop in self._strings:
            text = text.partition(stop)[0]
        return text

    def before(self, answer: Sequence[int]) -> str:
        """The text of an answer up to its first stop string, which may contain special tokens."""
        stop = self._stop_among_special(answer)
        if stop is None:
            return self.cut(self.text(answer))
        lengths = [len(self._with_special(answer[:count])) for count in range(len(answer))]
        whole = max(count for count, length in enumerate(lengths) if length <= stop)
        # cut the token in which the stop string begins; white space before a special token is not part of the answer
        begun = "" if self._is_special(answer[whole]) else self._with_special(answer)[lengths[whole] : stop]
        return self.cut(self.text(answer[:whole]) + begun)

    def _stop_among_special(self, answer: Sequence[int]) -> int | None:
        """Start of the first stop string in the text with special tokens; None if there are no special tokens or no
        stop string."""
        if not any(map(self._is_special, answer)):
            return None
        text = self._with_special(answer)
        return min((text.index(stop) for stop in self._strings if stop in text), default=None)

    def _with_special(self, answer: Sequence[int]) -> str:
        return str(self._tokenizer.decode(answer, skip_special_tokens=False))

    def _is_special(self, token: int) -> bool:
        if token not in self._special:
            self._special[token] = self._with_special([token]) != self.text([token])
        return self._special[token]

    def _ends_one(self, token: int) -> bool:
        """Whether a token can end a stop string. Decoding the whole answer at each token would be slow."""
        if token not in self._may_end:
            piece = self._with_special([token])
            # a token that is not text by itself (half a character, a space) may complete one within others
            unclear = not piece.strip() or "\ufffd" in piece
            self._may_end[token] = unclear or any(end in piece for end in self._ends)
        return self._may_end[token]


def end_tokens(adapted: AdaptedModel) -> frozenset[int]:
    """The tokens that end an answer: those of the generation config, the tokenizer's, the closing sentinel, and the end
    of a chat's turn."""
    backbone = adapted.backbone
    configured = getattr(backbone.model.generation_config, "eos_token_id", None)
    ends = {*configured} if isinstance(configured, (list, tuple)) else {configured}
    ends |= {backbone.tokenizer.eos_token_id, backbone.end_of_answer[-1]}
    if backbone.sentinels:
        ends.add(backbone.tokenizer.convert_tokens_to_ids(SENTINELS[1]))
    return frozenset(int(end) for end in ends if end is not None)


@dataclass
class Completion:
    """A decoded answer."""

    tokens: list[int] = field(default_factory=list)
    """New token ids, without the end token."""
    end: int | None = None
    """The end token; None if a stop string or the limit ended the answer."""


Sampler = Callable[[Tensor], Tensor]
"""Function from float32 logits [B, V] to next tokens [B]."""


def greedy(logits: Tensor) -> Tensor:
    """Greedy decoding."""
    return logits.argmax(-1)


def temperature_sampler(temperature: float, generator: torch.Generator) -> Sampler:
    """A sampler from the softmax of logits / temperature."""

    def sample(logits: Tensor) -> Tensor:
        return torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator).squeeze(1)

    return sample


@torch.no_grad()
def decode(
    adapted: AdaptedModel, prompts: Sequence[Ids], *, max_new_tokens: int, stops: Stops, sampler: Sampler = greedy,
    cache: SharedPrefixCache | None = None, stacks: Sequence[AdaptedModel] | None = None, room: int | None = None,
    ended: Callable[[int, int], None] | None = None,
) -> list[Completion]:  # fmt: skip
    """Decode an answer to each prompt token by token, as `sampler` selects tokens.

    An ended prompt leaves the batch, so that one long answer does not slow down many short ones. `cache` holds the
    shared prefix of these and other prompts. `stacks` are the prompts' stacks if there are several on one base model.
    With a cache, a batch holds `room` tokens, read or to be written: continuous batching, in which waiting prompts join
    as others leave. Give the prompts longest first. `ended` is called as answers end: their number, and the tokens of
    prompts and answers.
    """
    answers = [Completion() for _ in prompts]
    if max_new_tokens < 1 or not prompts:
        return answers
    ends = end_tokens(adapted)
    if cache is None and sampler is greedy and supports_shared_prefix(adapted) and stacks is None:
        cache = read_shared_prefix([adapted], [prompts])
    waiting = deque(range(len(prompts)))
    sizes = [len(prompt) - (cache.text if cache else 0) + max_new_tokens for prompt in prompts]
    alive = _entering(waiting, [], sizes, room if cache else None)
    state: Steps
    if cache is not None:
        owners = stacks or [adapted] * len(prompts)
        state = SharedPrefixState(
            cache, [prompts[index] for index in alive], [owners[index] for index in alive], max_new_tokens
        )
    else:
        state = read(adapted, prompts) if stacks is None else EncoderDecoderState(stacks, prompts)
    while True:
        tokens = sampler(state.logits)
        continuing = [
            row
            for row, (index, token) in enumerate(zip(alive, tokens.tolist(), strict=True))
            if not _ended(answers[index], token, ends, stops) and len(answers[index].tokens) < max_new_tokens
        ]
        if ended is not None and len(continuing) < len(alive):
            leaving = set(alive).difference(alive[row] for row in continuing)
            ended(len(leaving), sum(len(prompts[index]) + len(answers[index].tokens) for index in leaving))
        any_ended = len(continuing) < len(alive)
        alive = [alive[row] for row in continuing]
        entering = _entering(waiting, alive, sizes, room)
        if not alive and not entering:
            return answers
        if any_ended:
            rows = torch.tensor(continuing, dtype=torch.long, device=tokens.device)
            state.keep(rows)
            tokens = tokens[rows]
        if entering:
            assert isinstance(state, SharedPrefixState)
            last = state.join([prompts[index] for index in entering], [owners[index] for index in entering])
            tokens, alive = torch.cat([tokens, last]), alive + entering
        state.step(tokens)


def _entering(waiting: deque[int], alive: Sequence[int], sizes: Sequence[int], room: int | None) -> list[int]:
    """Remove the prompts that join now from those that wait: as many as fit, once a quarter of the batch is free."""
    if not waiting or room is None:
        return [waiting.popleft() for _ in range(len(waiting))]
    capacity = max(1, room // max(sizes[index] for index in (*alive, waiting[0])))
    free = capacity - len(alive)
    if alive and 4 * free < capacity:
        return []
    return [waiting.popleft() for _ in range(min(free, len(waiting)))]


def _ended(answer: Completion, token: int, ends: frozenset[int], stops: Stops) -> bool:
    """Append a token to an answer unless it is an end token. Returns whether the answer ends with it."""
    if token in ends:
        answer.end = token
        return True
    answer.tokens.append(token)
    return stops.reached(answer.tokens)
