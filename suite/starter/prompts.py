"""The prompt of a new task, as a template and as the text of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from suite.starter.columns import TaskKind
from suite.starter.table import PreparedTable
from suite.tasks.files import Row

LISTED_LABELS: Final = 12
"""Labels that a prompt lists; more would make it long."""
WORDS: Final[Mapping[TaskKind, tuple[str, str]]] = {
    "classification": ("Text", "Label"), "qa": ("Question", "Answer"), "text": ("Input", "Output"),
}  # fmt: skip
"""Kind of task -> what a prompt calls the input and the answer."""


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
