"""How a task asks, for code outside of suite: its template, its choices, and where its answers end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, meta

from suite.tasks.definition import TaskFile
from suite.tasks.training_text import new_tokens


@dataclass(frozen=True)
class Asking:
    """A target as it was evaluated."""

    role: str
    task: str
    shots: int
    template: str | None
    """A Jinja template of the prompt, or the name of the field that is the prompt; None: it cannot be written down."""
    fields: tuple[str, ...]
    """The fields of a row that the template reads."""
    is_field: bool
    """Whether `template` is the name of a field."""
    choices: bool
    """Whether the model chooses among given answers, by their likelihood."""
    delimiter: str
    """What stands between a prompt and a choice."""
    stops: tuple[str, ...]
    """An answer ends before any of these."""
    max_new_tokens: int


def asking_of(role: str, task: TaskFile | None, shots: int, description: Mapping[str, Any]) -> Asking:
    """How a role's task asks; without its file (`None`) only what the experiment says of it."""
    config: Mapping[str, Any] = {} if task is None else task.config
    kind = str(description.get("output_type") or "generate_until")
    template, is_field = _template(config)
    settings = dict(config.get("generation_kwargs") or {})
    until = settings.get("until") or [config.get("fewshot_delimiter", "\n\n")]
    return Asking(
        role=role, task=str(description["task"]), shots=shots, template=template,
        fields=_fields(template, is_field=is_field), is_field=is_field, choices=kind == "multiple_choice",
        delimiter=str(config.get("target_delimiter", " ")),
        stops=(until,) if isinstance(until, str) else tuple(map(str, until)), max_new_tokens=new_tokens(settings),
    )  # fmt: skip


def _template(config: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The prompt of one document without exemplars, and whether that is a field's name."""
    question = config.get("doc_to_text")
    if not isinstance(question, str) or question.startswith("!function"):
        return None, False
    before, behind = str(config.get("description") or ""), str(config.get("gen_prefix") or "")
    if question.isidentifier() and not before and not behind:
        return question, True
    question = f"{{{{{question}}}}}" if question.isidentifier() else question
    gap = str(config.get("target_delimiter", " ")) if behind and not question[-1:].isspace() else ""
    return f"{before}{question}{gap}{behind}", False


def _fields(template: str | None, *, is_field: bool) -> tuple[str, ...]:
    if template is None:
        return ()
    if is_field:
        return (template,)
    try:
        return tuple(sorted(meta.find_undeclared_variables(Environment().parse(template))))
    except Exception:  # filters of lm-eval's own
        return ()
