"""Seeded fuzzing: each input works or is refused in one line; `SUITE_FUZZ=1000` tries a thousand of each kind."""

from __future__ import annotations

import copy
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from types import FrameType
from typing import Any

from lm_eval.api.model import LM

from suite.execution.outcome import reason_of as reason

COUNT = int(os.environ.get("SUITE_FUZZ", "60"))
SECONDS = 30
"""One input may take so long on a busy machine; more is a hang."""

TEXTS = [
    "", " ", "\n", "\n\n", "x", "True", "yes", "no", "null", "nan", "0", "1", "-1", "1.5", "1e999", "[1, 2]", "[", "]",
    "[]", "{}", "{{", "}}", "{{ x }}", "{{question}}", "{{ answers[0] }}", "{{ question.upper }}", "{{ 1/0 }}",
    "{{ nothing.at.all }}", "{{ answers[9] }}", "{{ question | unknown }}", "{% if %}", "{% for a in answers %}",
    "{{ question | int }}", "{{ none }}", "{{ answers | length }}", "{{ question.split()[7] }}", "!function a.b",
    "é", "狗", "\u202e", "\u2028", "\ufeff", "\x7f", "\x1b[31m", "<script>", "../x", "/dev/null", "/", ".", "a/b", "%s",
    "(?P<", "(a", "[[:", "\\", "'", '"', "train", "test", "nowhere", "micro_rte", "x" * 3000, "<extra_id_0>", "</s>",
]  # fmt: skip
JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 3, 10**30, -(10**18), 0.5, float("nan"), float("inf"), [], [[]], [None], [1, "a"], {},
    {"a": 1}, {"a": {"b": []}}, {"x": None}, [{"a": 1}], [[1, [2]]], *TEXTS,
]  # fmt: skip


def survive(name: str, once: Callable[[Random], None], count: int = COUNT) -> None:
    """Try `once` with one seed after another; fails with all inputs that end in anything but a refusal in one line."""
    faults: list[str] = []
    done = 0
    for seed in range(count):
        try:
            with limit():
                once(Random(f"{name}/{seed}"))
            done += 1
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            told = reason(error)  # as a run says it
            if told is None:
                faults.append(f"seed {seed}: {type(error).__name__}: {str(error)[:150]} ({_place(error)})")
            elif not told.strip() or "\n" in told:
                faults.append(f"seed {seed}: refused without a clear line: {told!r}")
    if faults:
        raise AssertionError("\n".join([f"{len(faults)} of {count} inputs:", *faults]))
    assert done > count // 50, f"{done} of {count} inputs work: the generator tries nothing"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/suite/" in frame.filename][-1:] + frames[-1:]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in own)


@contextmanager
def limit() -> Iterator[None]:
    """Raises TimeoutError in what takes too long."""

    def late(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"took more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def junk(rng: Random, depth: int = 0) -> Any:
    """A value of no particular sense."""
    kind = rng.random()
    if kind < 0.8 or depth > 3:
        return copy.deepcopy(rng.choice(JUNK))
    if kind < 0.9:
        return [junk(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(TEXTS): junk(rng, depth + 1) for _ in range(rng.randrange(4))}


def mutated(value: Any, rng: Random, changes: int | None = None, keys: Sequence[str] = ()) -> Any:
    """A copy with a few places changed: replaced, taken away, doubled, renamed, or a key of `keys` added."""
    found = copy.deepcopy(value)
    for _ in range(rng.choice([1, 1, 2, 3]) if changes is None else changes):
        _change(found, rng, keys)
    return found


def _change(value: Any, rng: Random, keys: Sequence[str]) -> None:
    places = list(_places(value))
    if not places:
        return
    holder, key = rng.choice(places)
    kind = rng.random()
    if kind < 0.5:
        holder[key] = junk(rng)
    elif kind < 0.65:
        del holder[key]
    elif isinstance(holder, dict):
        name = rng.choice([*keys, *keys, *TEXTS]) if keys else rng.choice(TEXTS)
        holder[name] = junk(rng) if kind < 0.9 else holder.pop(key)
    else:
        holder.insert(key, copy.deepcopy(holder[key]) if kind < 0.8 else junk(rng))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def corrupted(data: bytes, rng: Random) -> bytes:
    """Bytes with a few places overwritten, cut off, doubled or put in."""
    kind, at = rng.random(), rng.randrange(len(data) + 1)
    if kind < 0.3:
        return data[:at]
    if kind < 0.5:
        return data[:at] + rng.randbytes(rng.randrange(1, 9)) + data[at:]
    if kind < 0.6:
        return data + data[at:]
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


class Answers(LM):  # type: ignore[misc]
    """Says anything."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self.rng = rng
        self.truncated: set[str] = set()
        self.tokens = 0

    def generate_until(self, requests: list[Any], **_: Any) -> list[str]:
        return [self.rng.choice(TEXTS) for _ in requests]

    def loglikelihood(self, requests: list[Any], **_: Any) -> list[tuple[float, bool]]:
        return [(-self.rng.random(), self.rng.random() < 0.5) for _ in requests]

    def loglikelihood_rolling(self, requests: list[Any], **_: Any) -> list[float]:
        return [-self.rng.random() for _ in requests]
