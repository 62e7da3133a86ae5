"""Validate settings against blocks; all problems at once, each with its file, line and key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from suite.core.errors import Problem, did_you_mean
from suite.specs.merge import Layered

B = TypeVar("B", bound=BaseModel)


def validate(
    model: type[B], settings: Layered, prefix: tuple[str, ...] = (), also: Sequence[str] = ()
) -> tuple[B | None, list[Problem]]:
    """The block and no problems, or None and the problems.

    `prefix` is the key of the settings in the file; `also` names keys that are allowed beside the block's own.
    """
    try:
        return model.model_validate(settings.value), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # pydantic counts only the valid items of a list: with an invalid one, "should have at least 1" would be wrong
        wrong = {item["loc"][:depth] for item in errors for depth in range(len(item["loc"]))}
        reported = [item for item in errors if item["type"] != "too_short" or item["loc"] not in wrong]
        return None, [_problem(model, settings, prefix, also, item) for item in reported]


def _problem(
    model: type[BaseModel], settings: Layered, prefix: tuple[str, ...], also: Sequence[str], error: Mapping[str, Any]
) -> Problem:
    loc = tuple(part for part in error["loc"] if part != "[key]")
    # a user's key may look like one of pydantic's tags
    location = tuple(part for part in loc if not _is_tag(part)) or tuple(error["loc"][-1:])
    path = ".".join(str(part) for part in (*prefix, *location))
    where, kind, message = settings.where(location), str(error["type"]), str(error["msg"])
    if kind == "extra_forbidden":
        known_keys = [*_fields(model, loc[:-1]), *(also if len(location) == 1 else ())]
        return Problem(where, f"{path}: unknown key", did_you_mean(str(location[-1]), known_keys))
    if kind == "union_tag_invalid":
        tags = [tag.strip("' <>") for tag in str(error["ctx"]["expected_tags"]).split(",")]
        tag_given = str(error["ctx"]["tag"]).strip("<>")
        return Problem(
            settings.where((*location, "name")), f"{path}.name: is '{tag_given}'", f"one of {', '.join(tags)}"
        )
    if kind == "missing":
        return Problem(where, f"{path}: is missing", _expected(model, location))
    if kind == "value_error":
        return Problem(where, f"{path}: {message.removeprefix('Value error, ')}" if path else message[13:])
    shown = _shown(error.get("input"))
    wish = re.sub(
        r"a valid dictionary( or instance of \w+)?", "a block of `key: value`", message.removeprefix("Input ")
    )
    wish = wish.replace("should be a valid tuple", "should be a list")
    wish = re.sub(r"^\w+ (should have at least \d+ items?) .*", r"\1", wish)
    if kind == "string_pattern_mismatch":
        wish = "should be letters, digits and . _ + - (no spaces)"
    return Problem(where, f"{path}: is {shown}", wish)


def sent_below(problems: Iterable[Problem], fields: Iterable[str], block: str) -> list[Problem]:
    """The problems. If a misplaced key is known in a block below, its fix says to write it there."""
    unknown_keys = {f"{field}: unknown key" for field in fields}
    fix = f"write it under `{block}:`"
    return [
        Problem(problem.where, problem.what, fix) if problem.what in unknown_keys else problem for problem in problems
    ]


def _fields(model: type[BaseModel], location: Iterable[Any]) -> list[str]:
    """The keys that the block at a location knows; empty if there is no block."""
    current: Any = model
    for part in location:
        if _is_tag(part):
            current = next(member for member in _members(current) if member.model_fields["name"].default == part[1:-1])
            continue
        fields = getattr(current, "model_fields", {})
        if part not in fields:
            return []
        current = fields[part].annotation
        blocks = list(_members(current))
        current = blocks[0] if len(blocks) == 1 else current  # a block that may be left out
    return list(getattr(current, "model_fields", {}))


def _is_tag(part: Any) -> bool:
    """Whether a part of pydantic's location is not a key but the tag of a union's chosen member (`<lora>`)."""
    return isinstance(part, str) and part.startswith("<") and part.endswith(">")


def _members(union: Any) -> Iterable[type[BaseModel]]:
    for member in get_args(union):
        if isinstance(member, type) and issubclass(member, BaseModel):
            yield member
        else:
            yield from _members(member)


def _expected(model: type[BaseModel], location: tuple[Any, ...]) -> str:
    current: Any = model
    for part in location[:-1]:
        current = getattr(current, "model_fields", {}).get(part)
        current = getattr(current, "annotation", None)
    field = getattr(current, "model_fields", {}).get(location[-1]) if location else None
    return f"add it: {field.description}" if field is not None and field.description else "add it"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 60 else text[:57] + "…"
