"""The files of a new workspace as texts: templates in `files/`, filled with what was read and measured."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2

from suite.core.languages import CODES, DEFAULT, language_of
from suite.starter.budget import METHODS, PROMPT_STEPS, StarterBudget, rates
from suite.starter.columns import KIND_NAMES, TaskKind
from suite.starter.sources import TEST, TRAIN, VALIDATION
from suite.starter.table import PreparedTable
from suite.starter.timing import MeasuredSpeed
from suite.tasks.files import Row

FOLDER: Final = Path(__file__).parent / "files"
LISTED_LABELS: Final = 12
"""Labels that a prompt lists; more would make it long."""
WORDS: Final[Mapping[TaskKind, tuple[str, str]]] = {
    "classification": ("Text", "Label"), "qa": ("Question", "Answer"), "text": ("Input", "Output"),
}  # fmt: skip
"""Kind of task -> what a prompt calls the input and the answer."""
ENDS: Final = {"\n": "at a line break", "\n\n": "at a blank line", "": "where the model ends it"}
LANGUAGE_ROWS: Final = 200
"""Rows whose language is looked at."""
ANSWER_TOKENS: Final = 256
"""Tokens of a free answer at most."""


@dataclass(frozen=True)
class HeldOutSet:
    """Tasks that show what is kept, by role."""

    tasks: Mapping[str, str]
    shots: int
    length: int
    """Tokens of a document, about."""
    longest: int
    """Tokens of the longest prompt with its exemplars, about."""
    about: str


@dataclass(frozen=True)
class PromptTemplate:
    """The prompt of a task, as a template and as texts."""

    table: PreparedTable

    @property
    def template(self) -> str:
        """The Jinja template."""
        lines: list[str] = []
        for column, name in self._names().items():
            line = f"{name}: {{{{{column}}}}}\n"
            optional = any(not row[column] for row in self.table.rows)
            lines.append(f"{{% if {column} %}}{line}{{% endif %}}" if optional else line)
        return "".join([*self._instruction(), *lines, self._end()])

    def text(self, row: Row) -> str:
        """The prompt of a row."""
        lines = [f"{name}: {row[column]}\n" for column, name in self._names().items() if row[column]]
        return "".join([*self._instruction(), *lines, self._end()])

    def _names(self) -> dict[str, str]:
        """Each input column -> what the prompt calls it."""
        inputs = self.table.reading.inputs
        if len(inputs) == 1:
            return {inputs[0]: WORDS[self.table.reading.kind][0]}
        return {column: column.replace("_", " ").strip().capitalize() for column in inputs}

    def _end(self) -> str:
        return f"{WORDS[self.table.reading.kind][1]}:"

    def _instruction(self) -> list[str]:
        """The labels, which a model that was not trained cannot guess."""
        labels = self.table.labels
        if not 0 < len(labels) <= LISTED_LABELS or any("{" in label for label in labels):
            return []
        return [f"Label the text with one of: {', '.join(labels)}.\n"]


@dataclass(frozen=True)
class WorkspaceNames:
    """What things are called."""

    task: str
    track: str
    source: str
    """Where the rows come from, for people."""


def render(
    names: WorkspaceNames, table: PreparedTable, model: str, *, bundled: bool, parameters: int, held_out: HeldOutSet,
    speed: MeasuredSpeed, budget: StarterBudget, minutes: float,
) -> dict[str, str]:  # fmt: skip
    """Path -> text of each file but the data."""
    reading, splits = table.reading, table.splits
    shared = {
        "task": names.task, "track": names.track, "name": names.track, "title": f"{names.task}: {_kind(table)}",
        "bundled": bundled, "minutes": budget.minutes,
    }  # fmt: skip
    task = {
        "name": names.task, "splits": " and ".join(f"{split}.jsonl" for split in splits), "inputs": reading.inputs,
        "validation": VALIDATION in splits, "prompt": PromptTemplate(table).template,
        "target": f"{{{{{reading.target}}}}}", "kind": reading.kind, "labels": table.labels,
        "chance": round(100 / max(len(table.labels), 1), 1), "until": _until(table),
        "ends": ENDS["".join(_until(table))],
        "language": _language(table), "answer_tokens": min(ANSWER_TOKENS, speed.longest_answer + 4),
    }  # fmt: skip
    track = {
        **shared, "model": model, "held_out": list(held_out.tasks.items()), "held_out_note": held_out.about,
        "shots": held_out.shots, "documents": budget.documents, "selection": budget.selection,
        "every": max(10, budget.steps // 4), "device": speed.device, "batch_size": speed.batch_size,
        "step_seconds": f"{speed.training:.2g}", "max_length": budget.max_length, "steps": budget.steps,
        "prompt_steps": PROMPT_STEPS * budget.steps, "warmup": max(1, budget.steps // 10), "rates": rates(parameters),
        "within": f"within the {minutes:g} min that were asked for" if budget.seconds <= minutes * 60 * 1.05 else
                  f"more than the {minutes:g} min that were asked for: fewer steps teach nothing",
    }  # fmt: skip
    counts = ", ".join(f"{split}.jsonl ({len(rows)} rows)" for split, rows in splits.items())
    readme = {**shared, "source": names.source, "summary": _summary(table), "counts": counts, "notes": table.notes}
    files = {
        f"specs/tasks/{names.task}.yaml": _filled("task.yaml", task),
        f"specs/tracks/{names.track}.yaml": _filled("track.yaml", track),
        "README.md": _filled("README.md", readme), ".gitignore": _filled("gitignore", {}),
    }  # fmt: skip
    return files | {f"specs/{method}.yaml": _filled(f"{method}.yaml", shared) for method in METHODS}


def data_file(rows: tuple[Row, ...]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _until(table: PreparedTable) -> list[str]:
    """What ends a free answer: a line break or a blank line, unless right answers have one."""
    ends = ["\n", "\n\n"] if table.reading.kind == "qa" else ["\n\n"]
    return next(([end] for end in ends if not any(end in table.answer(row) for row in table.rows)), [])


def _language(table: PreparedTable) -> str | None:
    """The language of most answers, if it is not English: ROUGE splits words by it."""
    if table.reading.kind != "text":
        return None
    found = Counter(language_of(table.answer(row), tuple(sorted(CODES))) for row in table.rows[:LANGUAGE_ROWS])
    language, count = found.most_common(1)[0]
    return language if language not in (None, DEFAULT) and count > found.total() / 2 else None


def _kind(table: PreparedTable) -> str:
    labels = f" with {len(table.labels)} labels" if table.labels else ""
    return f"{KIND_NAMES[table.reading.kind]}{labels}"


def _summary(table: PreparedTable) -> str:
    asked, counts = " and ".join(table.reading.inputs), [len(table.splits[split]) for split in (TRAIN, TEST)]
    return f"{_kind(table)}, {asked} → {table.reading.target}; {counts[0]} rows to train on, {counts[1]} to report"


def _yaml(value: Any) -> str:
    """A value as YAML in one line: JSON, which YAML includes."""
    return json.dumps(value, ensure_ascii=False)


def _filled(name: str, values: Mapping[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    environment.filters["yaml"] = _yaml
    return environment.get_template(f"{name}.j2").render(values)
