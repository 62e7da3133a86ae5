"""Parts of steps' keys. Models are identified by their content, never by their location."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from suite.core.block import Block
from suite.core.hashing import fingerprint
from suite.models.architecture import STATEFUL, decoder_settings
from suite.models.chat import Chat, template_in
from suite.models.source import LocatedModel, ModelSource
from suite.models.weight_files import config_of

READING: Final = 2
"""Of models that keep states, and of GPT-Neo and MPT: answers or scores before 2 were wrong."""


def model_key(source: ModelSource, located: LocatedModel) -> dict[str, Any]:
    """A base model's key: its content, how it is loaded, and for some architectures how they are read."""
    key = {"identity": located.identity, "dtype": source.dtype, "sentinels": source.sentinels}
    return {**key, "reading": READING} if _was_read_wrongly(located) else key


def _was_read_wrongly(located: LocatedModel) -> bool:
    if located.folder is None or located.file is not None:
        return False
    return decoder_settings(config_of(located.folder)).get("model_type") in STATEFUL | {"gpt_neo", "mpt"}


def chat_key(chat: Chat | None, located: LocatedModel) -> dict[str, Any]:
    """How tasks are asked of an instruct model, its template by content; nothing where they are plain text."""
    if chat is None:
        return {}
    template = template_in(located)  # of a model that is not here yet, its name stands for it
    return {"chat": {**chat.model_dump(mode="json"), "template": template and fingerprint(template)}}


def settings_key(config: Block, locate: Callable[[ModelSource], LocatedModel]) -> dict[str, Any]:
    """A method's settings; a model among them that is read from local files is identified by its content."""
    key = config.model_dump(mode="json")
    for name in key:
        inner = getattr(config, name, None)
        if isinstance(inner, ModelSource) and (inner.path or inner.gguf or inner.adapter):
            key[name] = model_key(inner, locate(inner))
        elif isinstance(inner, Block):
            key[name] = settings_key(inner, locate)
    return key
