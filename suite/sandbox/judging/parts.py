"""Split a program from its tests: the template's text before an answer, the answer, and the text after it."""

from __future__ import annotations

import ast
import builtins
import dis
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any, Final

_MARK: Final = "\ue0a1\ue0a2\ue0a3"
"""Placeholder for the answer when a template is split: characters that no text contains."""
_AT_WORK: Final = frozenset({
    "asyncio", "atexit", "builtins", "contextlib", "ctypes", "gc", "importlib", "inspect", "io", "logging",
    "multiprocessing", "os", "pathlib", "pickle", "pytest", "shutil", "signal", "subprocess", "tempfile", "threading",
    "unittest", "warnings", "weakref",
})  # fmt: skip
"""Modules with which tests inspect or change the process that they run in."""
_LOADS: Final = frozenset({"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"})
"""Instructions that look up a name that may be the module's."""
_ONE_AT_A_TIME: Final = threading.Lock()
"""Lock for syntax trees: CPython 3.11 counts their depth for all threads together, and raises SystemError."""
_UNREADABLE: Final = (SyntaxError, ValueError, MemoryError, RecursionError)
_CHANGING: Final = frozenset({
    "add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "move_to_end", "pop",
    "popitem", "popleft", "remove", "reverse", "rotate", "setdefault", "sort", "subtract", "update",
})  # fmt: skip
"""Methods that change containers."""
_OPENING: Final = ("def ", "class ", "async def ")
_OF_TEXT: Final = frozenset(
    {"compile", "eval", "exec", "importlib", "marshal", "pickle", "runpy", "shelve", "__import__"}
)
"""Functions and modules that execute given text or bytes."""
_RUNNING: Final = frozenset({"globals", "input", "locals", "open", "vars"}) | _OF_TEXT
"""Functions that execute text, or access names or files of their process."""
_OF_SYS: Final = frozenset({"getsizeof", "maxsize", "float_info", "version_info"})


@dataclass(frozen=True)
class Program:
    """A program to judge."""

    before: str
    """The text before the answer."""
    answer: str
    tests: str = ""
    """The text after the answer."""
    reference: str | None = None
    """The row's own right answer: other answers get only the access that it needs."""

    @property
    def text(self) -> str:
        """The whole text as one program."""
        return self.before + self.answer + self.tests


@dataclass(frozen=True)
class Nature:
    """How tests can be run."""

    whole: bool
    """Whether they are valid Python without the text before them."""
    near: bool = False
    """Whether they inspect the process that they run in, or may pass values that are not plain data."""
    names: tuple[str, ...] = ()
    """Names that they use and do not define, except builtins."""
    called: tuple[str, ...] = ()
    """Builtins that they call with arguments that contain no calls."""
    alike: bool = False
    """Whether they may distinguish an object from an equal one, so that a copy is not enough."""
    runs: bool = False
    """Whether they may execute text that comes from the program."""


def parted(
    render: Callable[[Mapping[str, Any]], str], row: Mapping[str, Any], answer: str, reference: str | None = None
) -> Program:
    """The program of a row; without separate tests if the template does more with the answer than insert it once."""
    whole = render({**row, "answer": answer})
    before, mark, tests = render({**row, "answer": _MARK}).partition(_MARK)
    fits = len(whole) >= len(before) + len(tests) and whole.startswith(before) and whole.endswith(tests)
    if not mark or _MARK in tests or not fits:
        return Program("", whole)
    right = None
    if reference is not None:
        text = render({**row, "answer": reference})
        right = text[len(before) : len(text) - len(tests)]
    return Program(before, whole[len(before) : len(whole) - len(tests)], tests, right)


def parsed(text: str | bytes) -> ast.Module:
    """The syntax tree of a text; safe with several threads. Raises as `ast.parse` does."""
    with _ONE_AT_A_TIME:
        return ast.parse(text)


def compiled(tree: ast.Module, name: str, flags: int = 0) -> CodeType:
    """The code of a syntax tree; safe with several threads. Raises as `compile` does."""
    with _ONE_AT_A_TIME:
        code: CodeType = compile(tree, name, "exec", flags, dont_inherit=True, optimize=0)
    return code


@lru_cache(maxsize=4096)
def nature(tests: str) -> Nature:
    """How tests can be run, judged by their text."""
    try:
        tree = parsed(tests)
        free, _ = _names(tree)
    except _UNREADABLE:  # it continues the answer's text
        return Nature(whole=False)
    if not tree.body:
        return Nature(whole=False)
    innermost = {name for name, inner in _calls(tree) if inner}
    names = {name for name in free if not hasattr(builtins, name)}
    called = {name for name in innermost & free if hasattr(builtins, name)}
    alike = any(_identity(tree)) or bool(_handed_over(tree))
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | set(_imported(tree))
    runs = bool(words & _OF_TEXT)
    return Nature(True, any(_near(tree)), tuple(sorted(names)), tuple(sorted(called)), alike, runs)


def helpers(before: str, names: Collection[str]) -> str:
    """The text before an answer, without the part that the answer continues or replaces.

    Empty if it is not valid by itself, or binds none of the names.
    """
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    last = max((at for at, line in enumerate(lines) if line.startswith(_OPENING)), default=len(lines))
    if any(line[:1].strip() and line[:1] not in "#)" for line in lines[last + 1 :]):  # statements follow: it is whole
        last = len(lines)
    while 0 < last < len(lines) and lines[last - 1].startswith("@"):
        last -= 1
    whole = "\n".join(lines[:last])
    try:
        tree = parsed(whole)
        _, bound = _names(tree)
    except _UNREADABLE:
        return ""
    everything = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
    return whole if everything or bound & {*names} else ""


def _near(tree: ast.Module) -> Iterator[bool]:
    """Signs that tests may have to run in the program's process."""
    yield bool({*_imported(tree)} & (_AT_WORK | _OF_TEXT))
    for node in ast.walk(tree):
        yield isinstance(node, (ast.ClassDef, ast.AsyncFunctionDef, ast.Await))
        if isinstance(node, ast.Name):
            yield node.id in _RUNNING or node.id in _AT_WORK
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id == "sys" and node.attr not in _OF_SYS


def _imported(tree: ast.Module) -> Iterator[str]:
    """The packages that tests import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def _identity(tree: ast.Module) -> Iterator[bool]:
    """Signs that tests distinguish an object from an equal one: they compare identity, or change given objects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            plain = any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
            yield not plain and any(isinstance(operator, (ast.Is, ast.IsNot)) for operator in node.ops)
        elif isinstance(node, (ast.Subscript, ast.Attribute)):
            yield not isinstance(node.ctx, ast.Load)
        elif isinstance(node, ast.Call):
            yield isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING
            yield isinstance(node.func, ast.Name) and node.func.id == "id"
        else:
            yield isinstance(node, ast.AugAssign)


def _handed_over(tree: ast.Module) -> set[str]:
    """Names that tests assign, pass to a call, and read again: the call may have changed the value."""
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    stored = {node.id for node in named if isinstance(node.ctx, ast.Store)}
    read = Counter(node.id for node in named if isinstance(node.ctx, ast.Load))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    parts = [part for call in calls for part in (*call.args, *(keyword.value for keyword in call.keywords))]
    handed = {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}
    return {name for name in stored & handed if read[name] > 1}


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Names that a module uses before binding them, and names that it binds. Raises as `compile` does."""
    free, bound, later = set[str](), set[str](), set[str]()
    module = compiled(tree, "<module>")
    for step in dis.get_instructions(module):
        if step.opname == "LOAD_NAME" and step.argval not in bound:
            free.add(step.argval)
        elif step.opname in ("STORE_NAME", "STORE_GLOBAL"):
            bound.add(step.argval)
    waiting = _inner(module)
    while waiting:  # functions, comprehensions and classes: everything may be bound when they run
        code = waiting.pop()
        waiting += _inner(code)
        steps = list(dis.get_instructions(code))
        bound |= {step.argval for step in steps if step.opname == "STORE_GLOBAL"}
        own = {step.argval for step in steps if step.opname == "STORE_NAME"}
        later |= {step.argval for step in steps if step.opname in _LOADS} - own
    return free | (later - bound), bound


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _calls(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Names that are called, and whether their arguments contain no calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, not any(isinstance(inner, ast.Call) for part in node.args for inner in ast.walk(part))
