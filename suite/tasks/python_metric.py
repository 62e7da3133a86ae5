"""Metrics that a task file names as `module:function`: functions in a Python file of the user's workspace.

Such a file runs with the user's own rights. Therefore it is only searched beside the task file: in its folder, or in
the workspace around `tasks/`. Data and lm-eval's own tasks can never name one.
"""

from __future__ import annotations

import ast
import hashlib
import math
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from suite.core.errors import Problem, SuiteError, did_you_mean
from suite.tasks import lm_eval_names

Function = Callable[[list[str], str], Any]
SIGNATURE = "def {}(references: list[str], answer: str) -> float"
LONGEST = 200
"""Maximum number of characters of an error's text that are shown."""
TOLERANCE = 1e-9
"""Tolerance for values outside of 0 to 1 by rounding."""


@dataclass(frozen=True)
class PythonMetric:
    """A metric of a Python file."""

    name: str
    """`module:function`."""
    file: Path
    hash: str
    """SHA-256 of the file, part of the task's fingerprint."""

    def score(self, references: Sequence[str], answer: str) -> float:
        """An answer's score, 0 to 1. Raises SuiteError, with the file's line if known."""
        function = _loaded(self.file, self.hash, self.name)
        try:
            with redirect_stdout(sys.stderr):  # its output is not part of a command's output
                value = function(list(references), answer)
        except (Exception, SystemExit) as error:
            raise self._error(f"fails ({_said(error)})", _line(error, self.file)) from error
        return self._checked(value)

    def _checked(self, value: Any) -> float:
        try:
            number = math.nan if isinstance(value, str) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not -TOLERANCE <= number <= 1 + TOLERANCE:  # nan fails both comparisons
            raise self._error(f"gives {str(value)[:40]!r}" if isinstance(value, str) else f"gives {value!r:.40}")
        return min(max(number, 0.0), 1.0)

    def _error(self, what: str, line: int | None = None) -> SuiteError:
        where = str(self.file) if line is None else f"{self.file}:{line}"
        return SuiteError(f"metric '{self.name}' {what}", where=where, fix="return a number from 0 to 1, 1 being best")


def find(config: Mapping[str, Any], path: Path) -> Iterator[tuple[int, PythonMetric | Problem]]:
    """The Python metrics of a task file, or their problems, by index in `metric_list`.

    No code runs: the file is only parsed, and scoring imports it.
    """
    given = config.get("metric_list")
    for position, entry in enumerate(given if isinstance(given, (tuple, list)) else ()):
        name = entry.get("metric") if isinstance(entry, Mapping) else None
        if isinstance(name, str) and lm_eval_names.is_python(name):
            yield position, _wrong(entry, config) or _found(name, path)


def _wrong(given: Mapping[str, Any], config: Mapping[str, Any]) -> Problem | None:
    """A problem of the entry's settings; None if there is none."""
    name = given["metric"]
    if config.get("output_type", "generate_until") != "generate_until":
        return Problem("", f"'{name}' scores written answers", "use it with `output_type: generate_until`")
    if given.get("aggregation", "mean") != "mean":
        return Problem("", f"'{name}' is averaged over documents", "write `aggregation: mean`, or leave it out")
    if given.get("higher_is_better", True) is not True:
        return Problem("", f"'{name}' goes from 0 to 1, 1 being best", "return 1 minus the value")
    for key in given:
        if key not in ("metric", "aggregation", "higher_is_better"):
            return Problem("", f"'{name}' has the unknown key '{key}'", "write settings into the function")
    return None


def _found(name: str, path: Path) -> PythonMetric | Problem:
    module, _, function = name.partition(":")
    inside = Path(*module.split(".")).with_suffix(".py")
    folders = _folders(path)
    file = next((folder / inside for folder in folders if (folder / inside).is_file()), None)
    if file is None:
        there = sorted({module.stem for folder in folders for module in folder.glob("*.py")})
        return Problem("", f"there is no {inside} in {' or '.join(map(str, folders))}", did_you_mean(module, there))
    try:
        content = file.read_bytes()
        tree = ast.parse(content, str(file))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two: nested too deeply
        line = getattr(error, "lineno", None) or 1
        return Problem(f"{file}:{line}", f"is not Python ({error.msg if isinstance(error, SyntaxError) else error})")
    except OSError as error:
        return Problem(str(file), f"cannot be read ({error.strerror})")
    return _unfit(tree, function, file) or PythonMetric(name, file, hashlib.sha256(content).hexdigest())


def _folders(path: Path) -> list[Path]:
    """The folders for a task file's metrics: its own folder, and the workspace around `tasks/`."""
    own = path.resolve().parent
    return [own, own.parent] if own.name == "tasks" else [own]


def _unfit(tree: ast.Module, function: str, file: Path) -> Problem | None:
    """Why a file has no such function; None if it has one, or if only running the file could show it."""
    defined = {
        statement.name: statement
        for statement in tree.body
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    if function not in defined:
        if function in _bound(tree):
            return None
        return Problem(str(file), f"has no function '{function}'", did_you_mean(function, defined))
    definition = defined[function]
    arguments = definition.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    takes_two = required <= 2 and (len(positional) >= 2 or arguments.vararg is not None)
    if isinstance(definition, ast.AsyncFunctionDef) or not takes_two or None in arguments.kw_defaults:
        what = f"'{function}' does not take references and an answer"
        return Problem(f"{file}:{definition.lineno}", what, f"write `{SIGNATURE.format(function)}`")
    return None


def _bound(tree: ast.Module) -> set[str]:
    """Names that a module binds by assignment or import, or inside a condition."""
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    imported = {(alias.asname or alias.name).partition(".")[0] for node in imports for alias in node.names}
    deeper = {
        node.name for part in tree.body if isinstance(part, (ast.If, ast.Try, ast.With)) for node in ast.walk(part)
        if isinstance(node, ast.FunctionDef)
    }  # fmt: skip
    return stored | imported | deeper


@lru_cache(maxsize=64)
def _loaded(file: Path, digest: str, name: str) -> Function:
    """The function, from a file that is imported once. Raises SuiteError if the file has changed since planning."""
    function = getattr(_module(file, digest), name.partition(":")[2], None)
    if not callable(function):
        raise SuiteError(f"has no function '{name.partition(':')[2]}'", where=str(file), fix="define it in this file")
    made: Function = function
    return made


@lru_cache(maxsize=64)
def _module(file: Path, digest: str) -> types.ModuleType:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SuiteError(f"cannot be read ({error.strerror})", where=str(file), fix="put it back") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise SuiteError("was changed after the run was planned", where=str(file), fix="run the same command again")
    # a unique name: it hides no package, and no package hides it
    module = types.ModuleType(f"suite_metric_{digest[:16]}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # dataclasses look up their module there
    try:
        with redirect_stdout(sys.stderr):
            exec(compile(content, str(file), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        fix = "a metric is one file: it may import installed packages, and no other file of the workspace"
        where = f"{file}:{_line(error, file) or 1}"
        raise SuiteError(f"cannot be imported ({_said(error)})", where=where, fix=fix) from error
    return module


def _line(error: BaseException, file: Path) -> int | None:
    """The last line of a file in an error's traceback; None if it is not in it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return lines[-1] if lines else None


def _said(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # a user's exception may fail to produce text
        text = ""
    return f"{type(error).__name__}: {text[:LONGEST]}" if text else type(error).__name__
