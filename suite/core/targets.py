"""The answer that a training example teaches, and how it follows its prompt."""

from __future__ import annotations

from typing_extensions import Self


class WrittenTarget(str):
    """An answer that knows how it follows its prompt; otherwise an ordinary string."""

    before: str
    """The exact delimiter between prompt and answer."""
    scored: bool
    """Whether evaluation scores given answers after the prompt, instead of letting the model write one."""
    limit: int
    """Tokens that evaluation lets the model write; a decoder's prompt leaves room for them."""

    def __new__(cls, answer: str, *, before: str = " ", scored: bool = False, limit: int = 0) -> Self:
        """An answer with its delimiter."""
        made = super().__new__(cls, answer)
        made.before, made.scored, made.limit = before, scored, limit
        return made


def following(prompt: str, answer: str) -> str:
    """The exact text after a prompt: delimiter and answer. A plain text follows a space unless there is white space."""
    if isinstance(answer, WrittenTarget):
        return answer.before + answer
    apart = not prompt or not answer or prompt[-1].isspace() or answer[0].isspace()
    return answer if apart else f" {answer}"
