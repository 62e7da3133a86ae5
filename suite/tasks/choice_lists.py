"""Lists of texts in a row, and which of them are the choices in its prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from suite.tasks.sameness import normalised

Path = tuple[str, ...]
"""The keys that lead to a list in a row."""
_MARKS: Final = " ).:]>*-\u2013"
"""Characters allowed between a label and its choice, at most `_WIDEST` of them."""
_WIDEST: Final = 4


def behind_labels(texts: Sequence[str], labels: Sequence[str], asked: str) -> bool:
    """Whether each text follows its label in a prompt, as in `A) red B) blue`."""
    if not 1 < len(texts) <= len(labels):
        return False
    return all(
        _behind(normalised(text).casefold(), label.casefold(), asked)
        for text, label in zip(texts, labels, strict=False)
    )


def _behind(text: str, label: str, asked: str) -> bool:
    at = asked.find(text) if text else -1
    while at >= 0:
        before = asked[max(0, at - len(label) - _WIDEST) : at]
        stem = before.rstrip(_MARKS)
        if stem != before and stem.endswith(label) and not stem.removesuffix(label)[-1:].isalnum():
            return True
        at = asked.find(text, at + 1)
    return False


def lists(value: Any, path: Path = ()) -> Iterator[tuple[Path, Sequence[str]]]:
    """Each list of texts in a row, with its keys."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from lists(each, (*path, str(key)))
    elif path and isinstance(value, list) and all(isinstance(each, str) for each in value):
        yield path, value


def in_order(value: Any, free: frozenset[Path], path: Path = ()) -> Any:
    """The row with its lists of choices sorted."""
    if free and isinstance(value, Mapping):
        return {key: in_order(each, free, (*path, str(key))) for key, each in value.items()}
    return sorted(value) if path in free else value
