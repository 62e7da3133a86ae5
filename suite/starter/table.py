"""A table as a task needs it: rows with a question and an answer, split so that no question is on both sides."""

from __future__ import annotations

import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.core.labels import as_label
from suite.starter.columns import ColumnReading, cell_text, is_empty, labels_in
from suite.starter.sources import TEST, TRAIN, VALIDATION, WHOLE, DataSource
from suite.tasks.files import Placed, Row
from suite.tasks.sameness import near_keys, normalised

TEST_SHARE: Final = 0.25
"""The share of rows that is reported."""
MOST_TEST: Final = 1000
"""Rows that are reported at most."""
FEWEST: Final = 8
"""Rows with which a comparison can begin: some to train on, some to select on, some to report."""
TAKEN: Final = frozenset({
    "range", "dict", "lipsum", "cycler", "joiner", "namespace", "loop", "self", "varargs", "kwargs", "caller", "true",
    "false", "none",
})  # fmt: skip
"""Names that mean something else in a template."""


@dataclass(frozen=True)
class PreparedTable:
    """Rows of each split, with the columns that a task names."""

    reading: ColumnReading
    """Its columns by the names that they have here."""
    labels: tuple[str, ...]
    """The labels of a classification, the most frequent first."""
    splits: Mapping[str, tuple[Row, ...]]
    """`TRAIN`, `TEST`, and `VALIDATION` where there was one."""
    notes: tuple[str, ...]
    """What was done to the rows, a line each."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all splits."""
        return tuple(row for rows in self.splits.values() for row in rows)

    def question(self, row: Row) -> str:
        """What a row asks: its input columns."""
        return question_of(row, self.reading.inputs)

    def answer(self, row: Row) -> str:
        """What a row answers."""
        return str(row[self.reading.target])


def prepare(source: DataSource, reading: ColumnReading, seed: int) -> PreparedTable:
    """Rows without question or answer left out, labels written alike, splits made where there were none.

    Raises SuiteError where too few rows or labels are left.
    """
    notes = list(source.notes)
    splits = {split: _filled(rows, reading, notes) for split, rows in source.splits.items()}
    splits, labels = _labelled(splits, reading, notes) if reading.kind == "classification" else (splits, ())
    count = sum(len(rows) for rows in splits.values())
    if count < FEWEST:
        what = f"has {count} rows with '{reading.target}' and {', '.join(map(repr, reading.inputs))}"
        raise SuiteError(what, where=source.shown, fix=f"give {FEWEST} at least: some are trained on, some reported")
    _count_doubles([placed.row for rows in splits.values() for placed in rows], reading, notes)
    if set(splits) == {WHOLE}:
        made = split_rows([placed.row for placed in splits[WHOLE]], reading, seed)
        notes.append(f"split by seed {seed}: {len(made[TRAIN])} rows to train on, {len(made[TEST])} to report")
    else:
        made = _kept_apart({split: [placed.row for placed in rows] for split, rows in splits.items()}, reading, notes)
        counts = ", ".join(f"{len(rows)} {split}" for split, rows in made.items())
        notes.append(f"the splits are those of the data: {counts}")
    for split, rows in made.items():
        if not rows:
            raise SuiteError(f"leaves no rows for '{split}'", where=source.shown, fix="give more rows")
    reading, renamed = _with_names(made, source.columns, reading, notes)
    return PreparedTable(reading, labels, renamed, tuple(notes))


def question_of(row: Row, inputs: Sequence[str]) -> str:
    """The input columns of a row as one text."""
    return "\n".join(cell_text(row[name]) for name in inputs if not is_empty(row.get(name)))


def _filled(rows: Iterable[Placed], reading: ColumnReading, notes: list[str]) -> list[Placed]:
    """The rows that ask and answer something; white space around both is left out."""
    kept: list[Placed] = []
    lost: list[str] = []
    for placed in rows:
        row = dict(placed.row)
        if is_empty(row.get(reading.target)) or not question_of(row, reading.inputs):
            lost.append(placed.place)
            continue
        row[reading.target] = cell_text(row[reading.target])
        for name in reading.inputs:
            row[name] = "" if is_empty(row.get(name)) else cell_text(row[name])
        kept.append(Placed(placed.place, row))
    if lost:
        notes.append(f"{_many(len(lost))} without input or target left out, first {lost[0]}")
    return kept


def _labelled(
    splits: Mapping[str, Sequence[Placed]], reading: ColumnReading, notes: list[str]
) -> tuple[dict[str, list[Placed]], tuple[str, ...]]:
    """The rows with each label written in one way: that of most rows. Raises SuiteError where there is one label."""
    labels: list[str] = []
    spelling: dict[str, str] = {}
    texts = [str(placed.row[reading.target]) for rows in splits.values() for placed in rows]
    for text in labels_in(texts):
        spelling[text] = as_label(text, labels) or text
        if spelling[text] == text:
            labels.append(text)
        else:
            notes.append(f"the label {text!r} is written {spelling[text]!r} ({_many(texts.count(text))})")
    if len(labels) < 2:
        what = f"'{reading.target}' has {'no' if not labels else 'one'} label"
        raise SuiteError(what, where="--target", fix="a classification needs two labels at least")
    rare = [label for label in labels if texts.count(label) == 1]
    if rare:
        few = ", ".join(map(repr, rare[:3]))
        notes.append(f"{len(rare)} labels occur once ({few}): they are trained on or reported, never both")
    written = {
        split: [Placed(at, {**row, reading.target: spelling[str(row[reading.target])]}) for at, row in rows]
        for split, rows in splits.items()
    }
    return written, tuple(labels)


def _count_doubles(rows: Sequence[Row], reading: ColumnReading, notes: list[str]) -> None:
    """Say how many rows ask the same again, and how many questions have answers that differ."""
    groups = [group for group in _groups(rows, reading) if len(group) > 1]
    again = sum(len(group) - 1 for group in groups)
    at_odds = sum(len({str(row[reading.target]) for row in group}) > 1 for group in groups)
    if again:
        notes.append(f"{_many(again)} ask what another row asks: they stay on one side of the split")
    if at_odds:
        what = "1 question has" if at_odds == 1 else f"{at_odds} questions have"
        notes.append(f"{what} answers that differ: no model can give all of them")


def _groups(rows: Sequence[Row], reading: ColumnReading) -> list[list[Row]]:
    """Rows that ask the same, or nearly: in other case, spacing or punctuation. In the order of their first rows."""
    groups: list[list[Row]] = []
    by_key: dict[object, list[Row]] = {}
    for row in rows:
        question = question_of(row, reading.inputs)
        keys: Collection[object] = near_keys(question) or (normalised(question),)
        group = next((by_key[key] for key in keys if key in by_key), None)
        if group is None:
            groups.append(group := [])
        group.append(row)
        by_key.update((key, group) for key in keys if key not in by_key)
    return groups


def split_rows(rows: Sequence[Row], reading: ColumnReading, seed: int) -> dict[str, list[Row]]:
    """Training and test rows, shuffled by a seed: each label has its share of both, equal questions are on one side."""
    wanted = min(TEST_SHARE, MOST_TEST / max(len(rows), 1))
    strata: dict[str, list[list[Row]]] = defaultdict(list)
    for group in _groups(rows, reading):
        answers = Counter(str(row[reading.target]) for row in group)
        strata[min(answers, key=lambda answer: (-answers[answer], answer)) if reading.kind == "classification" else
               ""].append(group)  # fmt: skip
    rng = Random(seed)
    sides: dict[str, list[Row]] = {TRAIN: [], TEST: []}
    for _, groups in sorted(strata.items()):
        rng.shuffle(groups)
        limit = wanted * sum(map(len, groups))
        count = 0
        for index, group in enumerate(groups):
            # the first of several is reported, so that each label is, and the last is trained on
            report = count + len(group) / 2 <= limit or (index == 0 and len(groups) > 1)
            report = report and index < len(groups) - 1
            count += len(group) if report else 0
            sides[TEST if report else TRAIN] += group
    for side in sides.values():
        rng.shuffle(side)
    return sides


def _kept_apart(splits: Mapping[str, list[Row]], reading: ColumnReading, notes: list[str]) -> dict[str, list[Row]]:
    """The splits as they are, without the training rows that are reported, too: `suite plan` would refuse them."""
    made = {split: list(splits[split]) for split in (TRAIN, VALIDATION, TEST) if split in splits}
    if TEST not in made:
        made[TEST] = made.pop(VALIDATION)
        notes.append("the rows for validation are reported, as there are none for testing")
    reported = {id(row) for row in made[TEST]}
    asked = {id(row) for group in _groups([*made[TEST], *made[TRAIN]], reading) for row in group
             if any(id(one) in reported for one in group)}  # fmt: skip
    train = [row for row in made[TRAIN] if id(row) not in asked]
    if len(train) < len(made[TRAIN]):
        lost = len(made[TRAIN]) - len(train)
        notes.append(f"{_many(lost)} of the training split left out, as the test split asks the same")
    return {**made, TRAIN: train}


def _with_names(
    splits: Mapping[str, Sequence[Row]], columns: Sequence[str], reading: ColumnReading, notes: list[str]
) -> tuple[ColumnReading, dict[str, tuple[Row, ...]]]:
    """The rows with column names that a template can use, and the columns that are used by these names."""
    names: dict[str, str] = {}
    for column in columns:
        plain = re.sub(r"\W+", "_", column.strip()).strip("_") or "column"
        plain = f"_{plain}" if plain[0].isdigit() else plain
        plain = f"{plain}_" if keyword.iskeyword(plain) or plain.lower() in TAKEN else plain
        while plain in names.values():
            plain = f"{plain}_"
        names[column] = plain
    for column in (*reading.inputs, reading.target):
        if names[column] != column:
            notes.append(f"the column '{column}' is called '{names[column]}' here, as templates need it")
    used = (*reading.inputs, reading.target)
    other = {key for rows in splits.values() for row in rows for key, value in row.items()
             if key not in used and not isinstance(value, _FLAT)}  # fmt: skip
    if other:
        notes.append(f"not copied, as their cells are no plain values: {', '.join(map(repr, sorted(other)))}")
    renamed = {
        split: tuple({names[key]: _plain(value) for key, value in row.items() if key not in other} for row in rows)
        for split, rows in splits.items()
    }
    inputs = tuple(names[name] for name in reading.inputs)
    return replace(reading, inputs=inputs, target=names[reading.target]), renamed


_FLAT: Final = (str, int, float, bool, type(None), date, Decimal)


def _plain(value: Any) -> Any:
    """A cell as JSON has it."""
    if isinstance(value, (date, Decimal)):
        return str(value)
    return None if isinstance(value, float) and is_empty(value) else value


def _many(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
