"""Chat templates of tokenizers: found in a model's files, applied as lm-eval applies them, and what ends an answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import jinja2
from pydantic import Field, field_validator

from suite.core.block import Block
from suite.core.chat import ChatFormat
from suite.core.errors import SuiteError
from suite.core.targets import WrittenTarget
from suite.models.source import LocatedModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from suite.models.backbone import Backbone

Message = dict[str, str]

FILE: Final = "chat_template.jinja"
FOLDER: Final = "additional_chat_templates"
"""Where transformers keeps the further templates of a tokenizer that has several."""
_QUESTION: Final = [{"role": "user", "content": "Is it?"}]
_ANSWER: Final = "Yes"
_CLOCK: Final = (
    '{% macro strftime_now(format) %}{{ format | replace("%d", "26") | replace("%b", "Jul") | replace("%B", "July")'
    ' | replace("%m", "07") | replace("%Y", "2024") | replace("%y", "24") | replace("%a", "Fri")'
    ' | replace("%A", "Friday") | replace("%H", "00") | replace("%M", "00") | replace("%S", "00") }}{% endmacro %}'
    "{{ '' }}"
)
"""A clock for templates that ask for today's date: it stands at 26 July 2024, the date that Llama 3.1 falls back on."""


_TAKEN: Final = frozenset(
    {"add_generation_prompt", "chat_template", "continue_final_message", "conversation", "documents", "max_length",
     "messages", "padding", "return_assistant_tokens_mask", "return_dict", "return_tensors", "sanitize_control_tokens",
     "tokenize", "tokenizer_kwargs", "tools", "truncation"}
)  # fmt: skip
"""Arguments of `apply_chat_template`, and what it sets itself."""


class Chat(Block):
    """How tasks are asked of an instruct model: as messages, by the chat template of its tokenizer."""

    system: str | None = None
    """The system message (lm-eval's `system_instruction`); a task's `description` follows it. null: the template's."""
    exemplars: Literal["turns", "text"] = "turns"
    """How exemplars are shown: `turns` of user and assistant (lm-eval's `fewshot_as_multiturn`), or `text` before the
    question, in the user's message."""
    template_args: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Further variables of the template (lm-eval's `chat_template_args`), as in `{enable_thinking: false}`."""

    @field_validator("template_args")
    @classmethod
    def _variables(cls, given: dict[str, Any]) -> dict[str, Any]:
        taken = sorted(_TAKEN & given.keys())
        if taken:
            raise ValueError(f"'{taken[0]}' is no variable of a template, but suite's own to set")
        return given


def template_in(located: LocatedModel) -> str | None:
    """The chat template in a model's files, as transformers finds it. None: there is none, or no file is here."""
    if located.file is not None:
        return _template_in_gguf(located.file, located.identity)
    if located.folder is None:
        return None
    file, further = located.folder / FILE, located.folder / FOLDER
    if file.is_file():
        return _text(file)
    if any(further.glob("*.jinja")):
        default = further / "default.jinja"
        return _text(default) if default.is_file() else None
    try:
        given = json.loads((located.folder / "tokenizer_config.json").read_text(encoding="utf-8"))["chat_template"]
        if isinstance(given, list):
            given = {each["name"]: each["template"] for each in given}["default"]
    except (OSError, ValueError, LookupError, TypeError):  # loading the tokenizer says if something is wrong with it
        return None
    return given if isinstance(given, str) else None


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


@lru_cache(maxsize=8)
def _template_in_gguf(file: Path, identity: str) -> str | None:
    """That of a file with this content: to read one takes a second, and a plan asks for each step."""
    from gguf import GGUFReader  # it is installed: the file was located with it

    field = GGUFReader(file).get_field("tokenizer.chat_template")
    return None if field is None else bytes(field.parts[field.data[0]]).decode("utf-8")


def no_template(title: str) -> SuiteError:
    """The error for a model that cannot be asked as a chat."""
    fix = "leave out `chat`, or add chat_template.jinja to the model's folder"
    return SuiteError(f"chat: the tokenizer of {title} has no chat template", fix=fix)


def render(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, add_generation_prompt: bool = True, **more: Any
) -> str:
    """Messages as one prompt, as lm-eval's `hf` model makes it: a system message is left out where the template has no
    place for it, and without a generation prompt the last message is left open.

    Raises SuiteError if the template refuses the other messages, too, or fails on them.
    """
    options = {"tokenize": False, "add_generation_prompt": add_generation_prompt, **more}
    options.setdefault("continue_final_message", not add_generation_prompt)
    own = [message for message in messages if message["role"] != "system"]
    try:
        try:
            return str(tokenizer.apply_chat_template(list(messages), **options))
        except jinja2.TemplateError:  # many templates know no system message
            return str(tokenizer.apply_chat_template(own, **options))
    except Exception as error:  # a template is a program, and may fail in any way
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise SuiteError(f"the chat template of this model's tokenizer refuses the messages: {reason}") from error


@dataclass(frozen=True, eq=False)
class Template:
    """A tokenizer's chat template with a track's settings."""

    tokenizer: PreTrainedTokenizerBase
    chat: Chat

    def __call__(self, messages: Sequence[Message], *, add_generation_prompt: bool = True, **more: Any) -> str:
        """As `render`; a template that asks for the date sees the same day whenever it is asked."""
        options = {**self.chat.template_args, **more}
        text = self.tokenizer.get_chat_template()
        if "strftime_now" in text:
            options["chat_template"] = _CLOCK + text
        return render(self.tokenizer, messages, add_generation_prompt=add_generation_prompt, **options)

    @property
    def takes_system(self) -> bool:
        """Whether it has a place for a system message."""
        with_system = [{"role": "system", "content": "Be brief."}, *_QUESTION]
        return self(with_system) != self(_QUESTION)


def load_tokenizer(located: LocatedModel) -> PreTrainedTokenizerBase:
    """The tokenizer of a model that is here, without its weights. Raises SuiteError where it cannot be loaded."""
    from transformers import AutoTokenizer

    assert located.folder is not None
    options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    if located.file is not None:
        options["gguf_file"] = located.file.name
    try:
        return AutoTokenizer.from_pretrained(str(located.folder), **options)
    except Exception as error:  # the files are the user's, and libraries raise whatever they stumble over in them
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SuiteError(f"cannot load the tokenizer from {located.file or located.folder}: {reason}") from error


def prompt_format(tokenizer: PreTrainedTokenizerBase, chat: Chat, title: str) -> ChatFormat:
    """How prompts are made, for who needs no answers. Raises SuiteError without a template, or one for the messages."""
    given = tokenizer.chat_template
    if not (given.get("default") if isinstance(given, dict) else given):
        raise no_template(title)
    template = Template(tokenizer, chat)
    if chat.system and not template.takes_system:
        what = f"chat.system: the chat template of {title} takes no system message"
        raise SuiteError(what, fix="leave it out, and put the text into the tasks' `doc_to_text`")
    return ChatFormat(template, chat.system, chat.exemplars == "turns", template.takes_system)


def asked_as(backbone: Backbone, chat: Chat | None, title: str) -> Backbone:
    """The same base model, asked as a track says. Raises SuiteError if it has no chat template and is to have one."""
    if chat is None:
        return backbone
    asked = prompt_format(backbone.tokenizer, chat, title)
    prompt = asked.template(_QUESTION)
    answered = [*_QUESTION, {"role": "assistant", "content": _ANSWER}]
    whole = asked.template(answered, add_generation_prompt=False, continue_final_message=False)
    at = whole.rfind(_ANSWER)
    if at < 0:
        raise SuiteError(f"chat: the chat template of {title} shows no answer of the assistant", fix="leave out `chat`")
    before = whole[len(prompt) : at] if whole.startswith(prompt) else ""
    end = _end(backbone, whole[: at + len(_ANSWER)], whole[at + len(_ANSWER) :])
    return replace(backbone, chat=replace(asked, before=before, end=end))


def _end(backbone: Backbone, text: str, after: str) -> tuple[int, ...]:
    """The ids of what follows an answer up to its first special token; without one, the tokenizer's end token."""
    from suite.models.tokens import encode_answer

    special = {token for token, added in backbone.tokenizer.added_tokens_decoder.items() if added.special}
    special |= set(backbone.tokenizer.all_special_ids)
    ids = encode_answer(backbone, text, WrittenTarget(after, before=""))
    length = next((at + 1 for at, token in enumerate(ids) if token in special), 0)
    return tuple(ids[:length]) or (backbone.eos_id,)
