"""How a task asks, for code outside of suite: its templates, its choices, and where its answers end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment, TemplateError, meta

from suite.models.chat import Chat
from suite.tasks.definition import TaskFile
from suite.tasks.training_text import new_tokens

EXAMPLE: Final = "…"
"""A field of a row in the code of a card."""


@dataclass(frozen=True)
class Asking:
    """A task as it was evaluated."""

    role: str
    shots: int
    question: str | None
    """A Jinja template of a row's question; None: it cannot be written down."""
    description: str
    """A template of what stands before it; empty for nothing."""
    prefix: str
    """A template of what the answer begins with; empty for nothing."""
    gap: str
    """What stands between the question and the prefix."""
    choices: bool
    """Whether the model chooses among given answers, by their likelihood."""
    delimiter: str
    """What stands between a prompt and a choice."""
    stops: tuple[str, ...]
    """An answer ends before any of these."""
    max_new_tokens: int
    filters: tuple[str, ...]
    """The filters that read what is scored from an answer."""
    chat: Chat | None
    """How the model is asked as a chat; None: prompts are plain text."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a row that the templates read."""
        texts = (self.description, self.question or "", self.prefix)
        return tuple(sorted({name for text in texts for name in _fields(text)}))

    @property
    def takes_texts(self) -> bool:
        """Whether its templates can be filled with texts alone: some want lists or numbers."""
        row = dict.fromkeys(self.fields, EXAMPLE)
        try:
            for text in (self.description, self.question or "", self.prefix):
                Environment().from_string(text).render(row)
        except Exception:  # a template is a program of the user's: anything may happen
            return False
        return True


def asking_of(role: str, task: TaskFile | None, shots: int, output_type: str, chat: Chat | None) -> Asking:
    """How a role's task asks. Without its file (`None`) its templates are not known."""
    config: Mapping[str, Any] = {} if task is None else task.config
    settings = dict(config.get("generation_kwargs") or {})
    until = settings.get("until") or [config.get("fewshot_delimiter", "\n\n")]
    delimiter, prefix = str(config.get("target_delimiter", " ")), str(config.get("gen_prefix") or "")
    question = _question(config.get("doc_to_text"))
    # in a chat a choice follows without a delimiter, unless behind a prefix, as in lm-eval
    delimited = chat is None or bool(prefix and not prefix[-1].isspace())
    return Asking(
        role=role, shots=shots, question=question, description=str(config.get("description") or ""), prefix=prefix,
        gap=delimiter if prefix and question and not question[-1].isspace() else "",
        choices=output_type == "multiple_choice", delimiter=delimiter if delimited else "",
        stops=(until,) if isinstance(until, str) else tuple(map(str, until)), max_new_tokens=new_tokens(settings),
        filters=tuple(_filters(config)), chat=chat,
    )  # fmt: skip


def _filters(config: Mapping[str, Any]) -> Iterator[str]:
    """Those of the first pipeline, less what only takes the first of several answers."""
    for pipeline in tuple(config.get("filter_list") or ())[:1]:
        for step in pipeline["filter"]:
            name = step if isinstance(step, str) else str(step["function"])
            if name != "take_first":
                yield name


def _question(text: object) -> str | None:
    """`doc_to_text` as a template: it may be the name of a field. None for a Python function."""
    if not isinstance(text, str) or text.startswith("!function"):
        return None
    return f"{{{{{text}}}}}" if text.isidentifier() else text


def _fields(template: str) -> frozenset[str]:
    try:
        return frozenset(meta.find_undeclared_variables(Environment().parse(template)))
    except TemplateError:  # filters of lm-eval's own
        return frozenset()
