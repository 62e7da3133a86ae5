"""What the columns of a table are: which is asked, which answers, and what kind of task that makes."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Literal, get_args

from suite.core.errors import Problem, SuiteError, did_you_mean
from suite.tasks.files import Row

TaskKind = Literal["classification", "qa", "text"]
KIND_NAMES: Final[Mapping[TaskKind, str]] = {
    "classification": "classification", "qa": "question and answer", "text": "free text",
}  # fmt: skip

OPTIONS: Final = {
    "input": "--input COLUMN (may be repeated)", "target": "--target COLUMN",
    "kind": f"--kind {'|'.join(get_args(TaskKind))}",
}  # fmt: skip
"""How the command line names what is not plain."""
INPUT_NAMES: Final = frozenset({
    "text", "input", "question", "prompt", "instruction", "sentence", "ticket", "message", "body", "content", "query",
    "review", "comment", "document", "article", "utterance", "description", "request", "email", "abstract", "context",
})  # fmt: skip
"""Names by which a column says that it is asked."""
TARGET_NAMES: Final = frozenset(
    {"label", "labels", "target", "answer", "answers", "output", "response", "completion", "summary"}
)
"""Names by which a column says that it answers."""
CLASS_NAMES: Final = frozenset({"category", "class", "intent", "sentiment", "topic", "type"})
"""Names of columns that answer where no other column holds labels."""
IDENTIFIER_NAMES: Final = frozenset(["id", "idx", "index", "uid", "uuid", "guid", "key", "no", "nr", "number", "row"])
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}(\D|$)")
MOST_LABELS: Final = 30
"""Different answers of a column that is plainly one of labels."""
ROWS_A_LABEL: Final = 5
"""Rows that a label of such a column has on average at least."""
LABEL_WORDS: Final = 6
"""Words that a label has at most."""
SHORT, LONG = 6, 12
"""Mean words of an answer: up to these many it is plainly a short one, from these many on plainly a text."""


@dataclass(frozen=True)
class DataColumn:
    """A column of a table."""

    name: str
    values: tuple[Any, ...]
    """Its cells that are not empty."""

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Its cells as texts."""
        return tuple(cell_text(value) for value in self.values)

    @cached_property
    def distinct(self) -> int:
        """How many different texts it holds."""
        return len(set(self.texts))

    @cached_property
    def words(self) -> float:
        """Mean number of words in a cell."""
        return sum(len(text.split()) for text in self.texts) / max(len(self.texts), 1)

    @property
    def nested(self) -> bool:
        """Whether some cell holds a list, a mapping, or something else that is no plain value."""
        return any(not isinstance(value, (str, int, float, bool, date, Decimal)) for value in self.values)

    @property
    def dates(self) -> bool:
        """Whether all cells are dates or times."""
        return all(isinstance(value, date) or _DATE.match(str(value)) for value in self.values)

    @property
    def identifies(self) -> bool:
        """Whether it only names the rows: by its own name, or by whole numbers that are all different."""
        name = self.name.strip().lower()
        named = name in IDENTIFIER_NAMES or name.endswith("_id") or name.startswith("unnamed:")
        numbered = all(type(value) is int for value in self.values) and self.distinct == len(self.values)
        return (named and self.distinct > len(self.values) / 2) or (numbered and len(self.values) > 2)

    @property
    def is_of_labels(self) -> bool:
        """Whether it plainly holds labels: a few short texts, each many times."""
        few = 2 <= self.distinct <= MOST_LABELS and len(self.values) >= ROWS_A_LABEL * self.distinct
        return few and max(len(text.split()) for text in set(self.texts)) <= LABEL_WORDS

    def __str__(self) -> str:
        if self.nested:
            return f"{self.name} (nested)"
        if self.identifies or self.dates:
            return f"{self.name} ({'dates' if self.dates else 'names rows'})"
        if self.is_of_labels:
            return f"{self.name} ({self.distinct} labels)"
        return f"{self.name} ({self.words:.0f} words)" if self.words >= 2 else f"{self.name} ({self.distinct} values)"


@dataclass(frozen=True)
class ChosenColumns:
    """What a user said of the columns; what was left out is None, or no input."""

    inputs: tuple[str, ...] = ()
    target: str | None = None
    kind: TaskKind | None = None


@dataclass(frozen=True)
class ColumnReading:
    """What the columns are taken for."""

    inputs: tuple[str, ...]
    target: str
    kind: TaskKind


class NotPlain(SuiteError):
    """Columns that can be read in more than one way: it is for the user to say."""

    def __init__(self, missing: Literal["target", "input", "kind"], what: str, *, where: str, fix: str) -> None:
        super().__init__(what, where=where, fix=fix)
        self.missing = missing


def columns_of(names: Iterable[str], rows: Sequence[Row]) -> dict[str, DataColumn]:
    """The columns by name; those whose cells are all empty are left out."""
    found = {name: tuple(row[name] for row in rows if not is_empty(row.get(name))) for name in names}
    return {name: DataColumn(name, values) for name, values in found.items() if values}


def read_columns(columns: Mapping[str, DataColumn], chosen: ChosenColumns, where: str) -> ColumnReading:
    """What the columns are, as far as they are plain or chosen. Raises NotPlain for the first that is neither."""
    for option, name in [*(("--input", name) for name in chosen.inputs), ("--target", chosen.target)]:
        _check(columns, name, option, where)
    target = chosen.target or _target(columns, chosen.inputs, where)
    inputs = chosen.inputs or (_input(columns, target, where),)
    if target in inputs:
        raise SuiteError(f"'{target}' cannot be input and target", where=where, fix=f"columns: {_list(columns)}")
    return ColumnReading(inputs, target, chosen.kind or _kind(columns[target], where))


def missing_options(
    columns: Mapping[str, DataColumn], chosen: ChosenColumns, where: str, first: NotPlain
) -> SuiteError:
    """The error that names all options that a user has to give, where `read_columns` stops at the first."""
    options: list[str] = [first.missing]
    what = [first.problems[0].what]
    if first.missing == "target":
        options = ["target"] if chosen.inputs else ["input", "target"]
        candidates = [column for column in _usable(columns) if column.name not in chosen.inputs]
    else:
        candidates = [columns[chosen.target or _target(columns, chosen.inputs, where)]]
    if chosen.kind is None and first.missing != "kind":
        unclear = [problem.what for column in candidates for problem in _kind_problems(column, where)]
        options += ["kind"] * bool(unclear)
        what += unclear if first.missing == "input" else []
    return SuiteError("; ".join(what), where=where, fix=f"name {' '.join(OPTIONS[option] for option in options)}")


def _check(columns: Mapping[str, DataColumn], name: str | None, option: str, where: str) -> None:
    if name is None:
        return
    if name not in columns:
        raise SuiteError(f"there is no column '{name}' in {where}", where=option, fix=did_you_mean(name, columns))
    if columns[name].nested:
        what = f"the column '{name}' of {where} holds lists or mappings"
        raise SuiteError(what, where=option, fix="write its text into a column of its own")


def _usable(columns: Mapping[str, DataColumn]) -> list[DataColumn]:
    return [column for column in columns.values() if not (column.nested or column.identifies or column.dates)]


def _target(columns: Mapping[str, DataColumn], inputs: Sequence[str], where: str) -> str:
    """The column that plainly answers."""
    usable = [column for column in _usable(columns) if column.name not in inputs]
    if not usable or (len(usable) == 1 and not inputs):
        what = f"a task needs a column that is asked and one that answers; columns: {_list(columns)}"
        raise SuiteError(what, where=where, fix="add one, or name both with --input and --target")
    labels = [column for column in usable if column.is_of_labels]
    names = TARGET_NAMES if len(labels) > 1 else TARGET_NAMES | CLASS_NAMES
    named = [column for column in usable if column.name.strip().lower() in names]
    if len(named) == 1:
        return named[0].name
    if not named and len(labels) == 1:
        return labels[0].name
    if not named and inputs and len(usable) == 1:
        return usable[0].name
    what = f"which column answers is not plain; columns: {_list(columns)}"
    raise NotPlain("target", what, where=where, fix=f"name {OPTIONS['target']}")


def _input(columns: Mapping[str, DataColumn], target: str, where: str) -> str:
    """The column that is plainly asked: the only one that is left, or the only text."""
    usable = [column for column in _usable(columns) if column.name != target]
    texts = [column for column in usable if column.words >= 2 or column.name.strip().lower() in INPUT_NAMES]
    if len(texts) == 1:
        return texts[0].name
    if not texts and len(usable) == 1:
        return usable[0].name
    what = f"which column is asked is not plain; columns: {_list(columns)}"
    raise NotPlain("input", what, where=where, fix=f"name {OPTIONS['input']}")


def _kind(column: DataColumn, where: str) -> TaskKind:
    """What the answers plainly are."""
    if column.is_of_labels:
        return "classification"
    if column.distinct > len(column.values) / 2 and column.distinct > 1:
        if column.words <= SHORT:
            return "qa"
        if column.words >= LONG:
            return "text"
    what = (
        f"what the answers in '{column.name}' are is not plain: {column.distinct} different ones in "
        f"{len(column.values)} rows, {column.words:.1f} words on average"
    )
    raise NotPlain("kind", what, where=where, fix=f"name {OPTIONS['kind']}")


def _kind_problems(column: DataColumn, where: str) -> tuple[Problem, ...]:
    """Why it is not plain what the answers in a column are; empty if it is."""
    try:
        _kind(column, where)
    except NotPlain as error:
        return tuple(error.problems)
    return ()


def labels_in(texts: Iterable[str]) -> tuple[str, ...]:
    """The labels in the order of how often they occur, those of equal number by name."""
    counts = Counter(texts)
    return tuple(sorted(counts, key=lambda label: (-counts[label], label)))


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing: no value, no number, or white space alone."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and not value.strip())


def cell_text(value: Any) -> str:
    """A cell as a text, as a template writes it; white space around it is left out."""
    return str(value).strip()


def _list(columns: Mapping[str, DataColumn]) -> str:
    return ", ".join(map(str, columns.values()))
