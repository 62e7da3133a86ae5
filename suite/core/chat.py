"""How an instruct model is asked: texts of a task as messages, written out by the chat template of its tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ChatFormat:
    """A chat template, and how the texts of a task go into its messages (made by `suite.models.chat`)."""

    template: Callable[..., str]
    """Messages (`role`, `content`) and `add_generation_prompt` -> their text. With False the last message, an
    assistant's, is left open."""
    system: str | None = None
    """The system message, before a task's own description."""
    turns: bool = True
    """Whether each exemplar is a turn of user and assistant, or all stand in the user's message."""
    takes_system: bool = True
    """Whether the template takes a system message; else it is left out, as in lm-eval."""
    before: str = ""
    """What the template puts between its generation prompt and an answer: a space, or nothing."""
    end: tuple[int, ...] = ()
    """The tokens that the template ends an answer with. The last one ends a turn; empty where no model is loaded."""

    def asked(self, text: str) -> str:
        """The prompt of a user's message."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        return self.template([*system, {"role": "user", "content": text}])

    @property
    def of_lm_eval(self) -> Mapping[str, Any]:
        """The same as arguments of lm-eval's `fewshot_context`."""
        return {
            "system_instruction": self.system, "apply_chat_template": True, "fewshot_as_multiturn": self.turns,
            "chat_template": self.template,
        }  # fmt: skip


def unrendered(messages: object, *, add_generation_prompt: bool = True) -> str:
    """A template for stored answers that are scored again: nobody reads their prompts."""
    return ""
