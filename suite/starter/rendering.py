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
from suite.models.chat import Chat
from suite.starter.budget import PROMPT_STEPS, StarterBudget, rates
from suite.starter.columns import KIND_NAMES
from suite.starter.prompts import PromptTemplate
from suite.starter.sources import TEST, TRAIN
from suite.starter.table import PreparedTable
from suite.starter.timing import MeasuredSpeed
from suite.tasks.files import Row

FOLDER: Final = Path(__file__).parent / "files"
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
class WorkspaceNames:
    """What things are called."""

    task: str
    track: str
    source: str
    """Where the rows come from, for people."""


@dataclass(frozen=True)
class StarterModel:
    """The model of the track."""

    source: str
    """As YAML has it."""
    parameters: int
    chat: Chat | None
    """How it is asked as a chat."""
    has_template: bool
    """Whether it could be."""
    toy: bool
    """Whether it is the bundled one."""


def render(
    names: WorkspaceNames, table: PreparedTable, model: StarterModel, held_out: HeldOutSet, speed: MeasuredSpeed,
    budget: StarterBudget, *, minutes: float, left_out: str = "",
) -> dict[str, str]:  # fmt: skip
    """Path -> text of each file but the data. `left_out` says which methods memory does not hold."""
    values = {
        "names": names, "table": table, "model": model, "held_out": held_out, "speed": speed, "budget": budget,
        "left_out": left_out, "asked_minutes": minutes,
        "kind": _kind(table), "summary": _summary(table), "rates": rates(model.parameters),
        "prompt_steps": PROMPT_STEPS * budget.steps, **_task(table, speed),
    }  # fmt: skip
    files = {
        "README.md": "README.md", ".gitignore": "gitignore", f"specs/tasks/{names.task}.yaml": "task.yaml",
        f"specs/tracks/{names.track}.yaml": "track.yaml",
        **{f"specs/{each}.yaml": f"{each}.yaml" for each in budget.methods},
    }  # fmt: skip
    return {path: _filled(template, values) for path, template in files.items()}


def _task(table: PreparedTable, speed: MeasuredSpeed) -> dict[str, Any]:
    """What the task's file says of the rows."""
    until = _until(table)
    return {
        "prompt": PromptTemplate(table).template, "until": until, "ends": ENDS["".join(until)],
        "language": _language(table), "answer_tokens": min(ANSWER_TOKENS, speed.longest_answer + 4),
        "chance": round(100 / max(len(table.labels), 1), 1),
    }  # fmt: skip


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
