"""The model of a new workspace: what the command line names, as a track writes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite.core.errors import SuiteError
from suite.models.peft_folder import settings_of
from suite.models.source import ModelSource, check_gguf_reader
from suite.models.weight_files import ADAPTER

if TYPE_CHECKING:
    from suite.models.backbone import Backbone
    from suite.models.chat import Chat

_HUB_ID = re.compile(r"(?P<hub>[A-Za-z0-9][\w.-]*/[\w.-]+)(@(?P<revision>[\w./-]+))?")


def model_named(text: str) -> ModelSource:
    """A folder, a GGUF file, or a model on the hub (`org/name`, `org/name@revision`).

    Raises SuiteError for what can be none of them.
    """
    path = Path(text).expanduser()
    if (path / ADAPTER).is_file():
        return _adapted(path.resolve())
    if path.is_dir():
        return ModelSource(path=str(path.resolve()))
    if path.suffix.lower() == ".gguf":
        if not path.is_file():
            raise SuiteError("there is no such file", where=f"--model {text}", fix="check the path")
        check_gguf_reader()
        return ModelSource(gguf=str(path.resolve()))
    found = _HUB_ID.fullmatch(text)
    if found is None or path.exists() or text.startswith((".", "~", "/")):
        fix = "name a folder with config.json, a GGUF file, or org/name of the hub"
        raise SuiteError("is no model", where=f"--model {text}", fix=fix)
    return ModelSource(hub=found["hub"], revision=found["revision"])


def _adapted(folder: Path) -> ModelSource:
    """An adapter on the base that its settings name. Raises SuiteError if that is neither here nor a hub id."""
    base = str(settings_of(folder).get("base_model_name_or_path") or "")
    path = Path(base)
    if base and path.is_dir():
        return ModelSource(path=str(path.resolve()), adapter=str(folder))
    if not _HUB_ID.fullmatch(base):
        what = f"is an adapter whose base is '{base}', which is neither a folder here nor a model of the hub"
        fix = f"correct base_model_name_or_path in {folder / ADAPTER}"
        raise SuiteError(what, where=f"--model {folder}", fix=fix)
    return ModelSource(hub=base, adapter=str(folder))


def written(source: ModelSource) -> str:
    """A model as a track has it, on one line."""
    fields = source.model_dump(exclude_defaults=True)
    return "{" + ", ".join(f"{name}: {_quoted(value)}" for name, value in fields.items()) + "}"


def chat_of(backbone: Backbone, title: str) -> Chat | None:
    """How a model is asked as a chat so that training has what evaluation asks; None if its template cannot do that."""
    from suite.models.chat import Chat, asked_as

    if backbone.tokenizer.chat_template is None:
        return None
    for chat in (Chat(), Chat(template_args={"enable_thinking": False})):
        try:
            asked = asked_as(backbone, chat, title).chat
        except SuiteError:
            continue
        if asked is not None and not asked.before.strip():
            return chat
    return None


def as_asked(
    backbone: Backbone, chat: Chat | None, title: str, pairs: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Prompts and answers as a track asks them."""
    if chat is None:
        return [(prompt, f" {answer}") for prompt, answer in pairs]
    from suite.models.chat import prompt_format

    template = prompt_format(backbone.tokenizer, chat, title).template
    return [(template([{"role": "user", "content": prompt}]), answer) for prompt, answer in pairs]


def _quoted(value: object) -> str:
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z/][\w./@+-]*", text) is not None
    return text if plain else "'" + text.replace("'", "''") + "'"
