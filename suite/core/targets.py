"""The answer that a training example teaches, as text, and how it follows its prompt."""

from __future__ import annotations

from typing_extensions import Self


class WrittenTarget(str):
    """An answer that knows how it follows its prompt; to all who read it, it is the answer alone."""

    before: str
    """What stands between the prompt and the answer, to the letter: a delimiter."""
    scored: bool
    """Whether evaluation scores given answers behind the prompt, instead of letting the model write one."""
    limit: int
    """Tokens that evaluation lets the model write: a decoder's prompt leaves room for them."""

    def __new__(cls, answer: str, *, before: str = " ", scored: bool = False, limit: int = 0) -> Self:
        """A text with what stands before it."""
        made = super().__new__(cls, answer)
        made.before, made.scored, made.limit = before, scored, limit
        return made


def following(prompt: str, answer: str) -> str:
    """What follows a prompt, to the letter. A plain text is set off by a space, unless white space is there already."""
    if isinstance(answer, WrittenTarget):
        return answer.before + answer
    apart = not prompt or not answer or prompt[-1].isspace() or answer[0].isspace()
    return answer if apart else f" {answer}"
