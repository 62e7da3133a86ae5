"""Training examples as token ids: the prompt as in evaluation, and the answer with the end token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from suite.core.errors import SuiteError
from suite.core.targets import WrittenTarget
from suite.models.backbone import Backbone
from suite.models.tokens import encode_pair
from suite.training.config import LEAST_INPUT, LEAST_PROMPT


class Text(Protocol):
    """A prompt and the answer to learn (`suite.tasks.load.Example`)."""

    @property
    def prompt(self) -> str: ...  # noqa: D102
    @property
    def target(self) -> str:
        """The answer. A `suite.core.targets.Target` also says how it follows the prompt."""


@dataclass(frozen=True)
class Encoded:
    """One example; only `target` has a loss."""

    prompt: tuple[int, ...]
    target: tuple[int, ...]
    """Ends with the end token, unless it had to be cut."""
    target_index: int = 0
    """Index of its target."""

    @property
    def length(self) -> int:
        """Number of tokens of prompt and answer."""
        return len(self.prompt) + len(self.target)


@dataclass(frozen=True)
class Encoding:
    """Examples as ids, in the given order."""

    examples: tuple[Encoded, ...]
    cut_prompts: int
    """Number of prompts whose beginning was cut because they were too long."""
    cut_answers: int
    """Number of answers whose end was cut."""

    @property
    def notice(self) -> str | None:
        """A notice about cut prompts and answers; None if nothing was cut."""
        if not self.cut_prompts and not self.cut_answers:
            return None
        of = f"of {len(self.examples)} examples are longer than the budget's max_length"
        return f"{self.cut_prompts} prompts (beginning cut) and {self.cut_answers} answers (end cut) {of}"


def encode(
    backbone: Backbone, examples: Iterable[Text], *, max_length: int, soft_length: int, prefix_length: int = 0,
    target_index: int = 0,
) -> Encoding:  # fmt: skip
    """Encode a target's examples as ids within `max_length` and the model's limit, minus a soft prompt's or prefix's.

    In a decoder, prompt and answer (or the longest answer that evaluation allows) share the positions. An
    encoder-decoder has them for each: a soft prompt takes positions of the prompt, a prefix those of the answer. Raises
    SuiteError if there are no examples or no room.
    """
    decoder = backbone.shape == "decoder"
    positions = min(max_length, backbone.max_length)
    room = positions - soft_length - (prefix_length if decoder else 0)
    if positions < LEAST_INPUT:
        what = f"`budget.max_length` of {positions} leaves no room for a prompt and an answer"
        raise SuiteError(what, fix=f"raise it to {LEAST_INPUT} or more")
    if min(room, positions - prefix_length) < LEAST_INPUT:
        kind = "soft prompt" if not prefix_length else "prefix"
        raise SuiteError(f"a {kind} of {soft_length + prefix_length} leaves no room in {positions} positions")
    texts = [(example.prompt, example.target) for example in examples]
    if not texts:
        raise SuiteError("there are no examples to train on")
    encoded: list[Encoded] = []
    cut_prompts = cut_answers = 0
    for prompt_text, answer_text in texts:
        prompt, answer = encode_pair(backbone, prompt_text, answer_text)
        target = [*answer, *backbone.end_of_answer]
        for_answer = room - min(len(prompt), LEAST_PROMPT) if decoder else max_length - prefix_length
        cut_target = target[:for_answer]
        # cut as in evaluation: a decoder's prompt leaves room for the longest answer
        written = min(answer_text.limit, room - LEAST_PROMPT) if isinstance(answer_text, WrittenTarget) else 0
        cut_prompt = prompt[-(room - max(len(cut_target), written) if decoder else room) :]
        cut_prompts += len(cut_prompt) < len(prompt)
        cut_answers += len(cut_target) < len(target)
        encoded.append(Encoded(tuple(cut_prompt), tuple(cut_target), target_index))
    return Encoding(tuple(encoded), cut_prompts, cut_answers)
