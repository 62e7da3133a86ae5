"""Check right answers without a model: a task's references must get full marks from its own filters and metrics.

A reference is treated as a perfect model's output: target delimiter and reference, cut at a stop string. Each of
several references has to get the best value by itself. For programs, only a few are run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from suite.core.diagnostics import Gold, GoldMisses
from suite.core.errors import Problem, SuiteError, did_you_mean
from suite.sandbox import bubblewrap
from suite.sandbox.judging import parted, run_programs
from suite.tasks.data import Rows
from suite.tasks.definition import TaskFile
from suite.tasks.label_check import unknown_labels
from suite.tasks.language_check import lost_words
from suite.tasks.reading import Read, readers, written
from suite.tasks.rendering import Texts, fields_of
from suite.tasks.scoring import Metric, metrics_of, of_all, score, words
from suite.tasks.templates import Row, Unfit, as_text, compiled, names_in

COLUMNS: Final = 12
"""Columns that an error names."""
LISTED: Final = 5
"""Maximum number of rows that do not fit their templates in a message."""
PROGRAMS: Final = 4
"""Number of programs of a split that are run; each needs its own process."""
OF_THE_USER: Final = 256
"""Number of rows of a split that are checked with a user's metric, whose cost is unknown."""
BEST: Final = 1 - 1e-9

References = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Miss:
    """A row with a reference that does not get a metric's best value."""

    index: int
    place: str
    reference: str
    read: str
    """What the filters read from it."""


@dataclass(frozen=True)
class Misses:
    """The rows whose references do not get a metric's best value."""

    metric: str
    pipeline: str
    primary: bool
    rows: tuple[Miss, ...]
    tried: int
    """Number of rows that were checked: all, except for programs and users' metrics."""
    corpus: float | None = None
    """For a corpus metric: the references' own score (0 to 100) if it is not the best value; otherwise None."""

    @property
    def share(self) -> float:
        """Share of the checked rows; 1 if the corpus score misses the best value."""
        return 1.0 if self.corpus is not None else len(self.rows) / max(self.tried, 1)


@dataclass(frozen=True)
class Marks:
    """Checks whether an output gets full marks by a task's primary metric."""

    task: TaskFile
    read: Read
    metric: Metric
    chat: bool = False
    """Whether the outputs answer a chat."""

    def full(self, row: Row, right: Sequence[str], one: str, output: str) -> bool:
        """Whether an output gets the best value in place of one of the right answers."""
        return _is_best(self.metric, right, one, self.read(output, row))

    def text_is_full(self, row: Row, right: Sequence[str], one: str) -> bool:
        """Whether the right answer itself gets the best value, as in `gold`."""
        return self.full(row, right, one, written(self.task, one, chat=self.chat))


def marks_of(task: TaskFile, *, chat: bool = False) -> Marks | None:
    """The full marks of a task with written answers; None for programs and for lm-eval's own tasks."""
    if task.builtin or task.config.get("output_type", "generate_until") != "generate_until":
        return None
    primary = next((metric for metric in metrics_of(task) if metric.name == task.metadata["primary"]), None)
    if primary is None or not primary.computed:
        return None
    return Marks(task, next(iter(readers(task, chat=chat).values())), primary, chat)


_DONE: dict[tuple[str, str, str], tuple[Misses, ...]] = {}
_KEPT: Final = 256


def gold(task: TaskFile, rows: Rows) -> tuple[Misses, ...]:
    """The metrics whose best value some reference of the rows misses; empty for lm-eval's own tasks.

    Raises SuiteError, with locations, for rows that the templates do not fit.
    """
    if task.builtin:
        return ()
    key = (task.fingerprint, rows.content_hash, rows.place(0))
    if key not in _DONE:
        while len(_DONE) >= _KEPT:
            _DONE.pop(next(iter(_DONE)))
        _DONE[key] = tuple(misses for misses in _judged(task, rows) if misses.rows or misses.corpus is not None)
    return _DONE[key]


def gold_finding(task: TaskFile, rows: Rows, documents: int | None = None) -> Gold | None:
    """The finding for an evaluation of the first `documents` rows; None if all right answers get full marks."""
    limit = len(rows.docs) if documents is None else min(documents, len(rows.docs))
    several = len(readers(task)) > 1 if gold(task, rows) else False
    by_metric = [
        GoldMisses(
            metric=f"{misses.metric},{misses.pipeline}" if several else misses.metric,
            documents=tuple(miss.index for miss in misses.rows if miss.index < limit),
            tried=min(misses.tried, limit),
        )
        for misses in gold(task, rows)
    ]
    by_metric = [misses for misses in by_metric if misses.documents]
    return Gold(misses=tuple(by_metric)) if by_metric else None


def _judged(task: TaskFile, rows: Rows) -> Iterator[Misses]:
    answers = _references(task, rows)
    problems = [*unknown_labels(task, rows, answers), *lost_words(task, rows, answers)]
    if problems:
        raise SuiteError.of(problems)
    if task.config.get("output_type", "generate_until") != "generate_until":
        return
    primary, first = str(task.metadata["primary"]), True
    for pipeline, read in readers(task).items():
        for metric in metrics_of(task):
            is_primary = first and metric.name == primary
            if metric.of_programs:
                missed, tried = _programs(task, rows, answers, read)
                yield Misses(metric.name, pipeline, is_primary, missed, tried)
            elif metric.computed:
                tried = min(len(rows.docs), OF_THE_USER) if metric.of_the_user else len(rows.docs)
                missed = tuple(_missed(task, rows, answers[:tried], read, metric))
                whole = _of_corpus(metric, answers) if metric.of_corpus else None
                yield Misses(metric.name, pipeline, is_primary, missed, tried, whole)
        first = False


def _references(task: TaskFile, rows: Rows) -> References:
    """The right answers of each row. Raises SuiteError for rows that the templates do not fit."""
    texts, references = Texts(task, fields_of(rows.docs)), list[tuple[str, ...]]()
    program = task.metadata.get("program")
    problems: list[Problem] = []
    if constant := [*_constants(task, rows)]:
        raise SuiteError.of(constant)
    asked, keys = list[str | int](), set[str]()
    for index, row in enumerate(rows.docs):
        key = ""
        try:
            for key in (key for key in ("description", "gen_prefix") if key in task.config):
                texts.before(key, row)
            key = "doc_to_choice"
            texts.choices(row)
            key = "doc_to_text"
            asked.append(texts.question(row))
            key = "doc_to_target"
            references.append(texts.references(row))
            if program is not None:
                key = "metadata.program"
                compiled(str(program))({**row, "answer": references[-1][0]})
        except Unfit as error:
            fix = f"fix or remove the row, or fix the template ({task.where(*key.split('.'))})"
            problems.append(Problem(rows.place(index), f"{key} of task '{task.name}' {error}", fix))
            keys.add(key)
    if 1 < len(rows.docs) == len(problems) and len(keys) == 1:  # it is the template that is wrong
        raise SuiteError.of([_of_all_rows(task, rows, key, problems[0])])
    problems = problems or [*_mixed(task, rows, asked)]
    if problems:
        more = len(problems) - LISTED
        if more > 0:
            last = f"and {more} more {'row' if more == 1 else 'rows'} of {rows.source}, which '{task.name}' cannot use"
            problems = [*problems[:LISTED], Problem("", last)]
        raise SuiteError.of(problems)
    return tuple(references)


def _constants(task: TaskFile, rows: Rows) -> Iterator[Problem]:
    """Problems of texts that are the same for all rows: a right answer without field or template, or a misspelt
    field."""
    fields = fields_of(rows.docs)
    for key in ("doc_to_text", "doc_to_target"):
        text = task.config.get(key)
        if not isinstance(text, str) or not text.strip() or "{{" in text or "{%" in text or text in fields:
            continue
        near = did_you_mean(text, fields)
        if key == "doc_to_text" and not near.endswith("?"):  # a question may be the same for all rows
            continue
        if len(rows.docs) > 1 and not (
            "doc_to_choice" in task.config and text.isdecimal()
        ):  # the first choice is right
            what = f"{key} of task '{task.name}' is the text '{text[:40]}' for all rows, since no field has this name"
            yield Problem(rows.place(0), what, f"write a field's name ({near}), or a template, `{{{{answer}}}}`")


def _mixed(task: TaskFile, rows: Rows, asked: Sequence[str | int]) -> Iterator[Problem]:
    """Problems of rows in the minority: their choices are in the prompt while most rows' choices follow it, or vice
    versa."""
    chosen = [index for index, question in enumerate(asked) if isinstance(question, int)]
    if 0 < len(chosen) < len(asked):
        others = [index for index, question in enumerate(asked) if not isinstance(question, int)]
        few, kind = (others, "no place of a choice") if len(others) < len(chosen) else (chosen, "the place of a choice")
        for index in few:
            what = f"doc_to_text of task '{task.name}' gives {str(asked[index])[:40]!r}, {kind}, other than most rows"
            fix = f"fix or remove the row, or fix the template ({task.where('doc_to_text')})"
            yield Problem(rows.place(index), f"{what}; or doc_to_target is none of the choices", fix)


def _of_all_rows(task: TaskFile, rows: Rows, key: str, first: Problem) -> Problem:
    """What is wrong with a template that fits no row: a column that is not there, or what the first row says."""
    where = task.where(*key.split("."))
    template = task.metadata.get("program") if key == "metadata.program" else task.config.get(key)
    columns = sorted(map(str, fields_of(rows.docs)))
    missing = sorted(names_in(str(template)) - set(columns))
    if not missing:
        what = f"{key} fits none of the {len(rows.docs)} rows of {rows.source}; the first one: {first.what}"
        return Problem(where, what, f"fix the template, or the rows ({first.where})")
    named = ", ".join(columns[:COLUMNS]) + (f" and {len(columns) - COLUMNS} more" if len(columns) > COLUMNS else "")
    near = did_you_mean(missing[0], columns)
    what = f"{key}: the data of task '{task.name}' have no column '{missing[0]}'; the columns are {named}"
    return Problem(where, what, near if near.endswith("?") else "")


def _missed(task: TaskFile, rows: Rows, answers: References, read: Read, metric: Metric) -> Iterator[Miss]:
    """The rows with a reference that misses the best value, each with its first such reference."""
    for index, (row, right) in enumerate(zip(rows.docs, answers, strict=False)):
        for one in right:
            answer = read(written(task, one), row)
            try:
                is_best = _is_best(metric, right, one, answer)
            except SuiteError as error:  # of a metric that the user wrote
                (problem,) = error.problems
                what = f"{problem.what}, on {rows.place(index)} with the right answer {one[:40]!r}"
                raise SuiteError(what, where=problem.where, fix=problem.fix) from error
            if not is_best:
                yield Miss(index, rows.place(index), one, answer)
                break


def _is_best(metric: Metric, right: Sequence[str], one: str, answer: str) -> bool:
    if metric.of_classes:
        return answer.strip() in {reference.strip() for reference in right}
    if metric.of_corpus:
        return answer == one or words(metric, answer) == words(metric, one)
    return score(metric, (one,), answer) > BEST or score(metric, right, answer) > BEST


def _of_corpus(metric: Metric, answers: References) -> float | None:
    """The score of the first references against themselves; None if it is the best value (BLEU: any has four words)."""
    least = 0 if metric.definition is None else metric.definition.shortest_full_marks
    if not least or any(len(words(metric, right[0])) >= least for right in answers):
        return None
    return of_all(metric, [(right, right[0]) for right in answers])


def _programs(task: TaskFile, rows: Rows, answers: References, read: Read) -> tuple[tuple[Miss, ...], int]:
    """The first rows whose own program fails its test, and the number of programs run (0 without a sandbox)."""
    if not bubblewrap.available():
        return (), 0
    program = compiled(str(task.metadata["program"]))
    few = list(zip(rows.docs, answers, strict=False))[:PROGRAMS]
    outputs = [read(written(task, right[0]), row) for row, right in few]
    outcomes = run_programs(
        [parted(lambda row: as_text(program(row)), row, one, one) for (row, _), one in zip(few, outputs, strict=True)]
    )
    return tuple(
        Miss(index, rows.place(index), few[index][1][0], outcome.reason)
        for index, outcome in enumerate(outcomes)
        if not outcome.passed
    ), len(few)
