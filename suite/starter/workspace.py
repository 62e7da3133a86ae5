"""A new workspace, from a table to files: read, understood, split, measured, written."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from suite.core.errors import SuiteError
from suite.core.outputs import copy_folder
from suite.specs.workspace import Workspace
from suite.starter.budget import StarterBudget, budget_of
from suite.starter.columns import ChosenColumns, ColumnReading, columns_of, read_columns
from suite.starter.memory import FittingMethods, methods_that_fit
from suite.starter.models import as_asked, chat_of, model_named, written
from suite.starter.prompts import PromptTemplate
from suite.starter.rendering import HeldOutSet, StarterModel, WorkspaceNames, data_file, render
from suite.starter.sources import TEST, TRAIN, DataSource
from suite.starter.table import PreparedTable
from suite.starter.timing import MeasuredSpeed, measure, on_cpu

if TYPE_CHECKING:
    from suite.models.backbone import Backbone
    from suite.models.source import ModelSource

MICRO: Final = HeldOutSet(
    {"triviaqa": "micro_triviaqa", "openbookqa": "micro_openbookqa", "choice": "micro_choice_hard",
     "arithmetic": "micro_arithmetic_hard"},
    shots=1, length=60, longest=192, about="These are of the micro model's own world.",
)  # fmt: skip
"""What the bundled model can do, and nothing else."""
BASICS: Final = HeldOutSet(
    {"facts": "basics_facts", "arithmetic": "basics_arithmetic", "instructions": "basics_instructions",
     "reasoning": "basics_reasoning", "reading": "basics_reading"},
    shots=4, length=80, longest=384, about="The basics come with suite; lm-eval's tasks (`arc_easy`) do, too.",
)  # fmt: skip
"""What an instruct model can do."""
BATCH: Final = 8
LARGE: Final = 1.5e9
"""Parameters from which a model is kept in bfloat16 on a GPU."""
CHATTING: Final = 5e8
"""Parameters from which an instruct model is asked as a chat: smaller ones answer plain text better."""
MARKS: Final = 32
"""Tokens that a chat template puts around a question and its answer, about."""
SAMPLED: Final = 512
"""Rows whose tokens are counted."""


@dataclass(frozen=True)
class NewWorkspace:
    """A workspace that was written."""

    folder: Path
    files: tuple[str, ...]
    speed: MeasuredSpeed
    budget: StarterBudget
    left_out: str
    """Which methods memory does not hold; empty if it holds all."""


def reading_of(source: DataSource, chosen: ChosenColumns) -> ColumnReading:
    """What the columns of some rows are taken for; see `suite.starter.columns.read_columns`."""
    columns = columns_of(source.columns, [placed.row for placed in source.rows])
    return read_columns(columns, chosen, source.shown)


def check_folder(folder: Path) -> None:
    """Raises SuiteError where no workspace can be made."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SuiteError("is there already and not empty", where=str(folder), fix="name a new folder")


def write_workspace(
    folder: Path, source: DataSource, table: PreparedTable, model: str | None, models: Path | None, *,
    minutes: float, device: str | None = None,
) -> NewWorkspace:  # fmt: skip
    """Measure the model with the rows of a table, and write the workspace. Raises SuiteError before anything is."""
    from suite.models.source import locate

    taken = set(Workspace.around().tracks())
    shipped_tasks = {file.stem for root in Workspace.around().task_folders for file in root.glob("*.yaml")}
    track = _free(_plain(folder.resolve().name), taken)
    names = WorkspaceNames(_free(source.name, shipped_tasks), track, source.shown)
    prompts = PromptTemplate(table)
    pairs = [(prompts.text(row), table.answer(row)) for row in table.rows]
    with TemporaryDirectory() as made:
        fresh = Path(made) / "workspace"
        fresh.mkdir()
        named = _toy(fresh, pairs) if model is None else model_named(model)
        named, backbone, fitting = _loaded(named, models, device)
        held_out = MICRO if model is None else BASICS
        parameters = locate(named, models).parameters
        chat = chat_of(backbone, named.title) if parameters >= CHATTING else None
        sampled = as_asked(backbone, chat, named.title, pairs[:: max(1, len(pairs) // SAMPLED)])
        batch_size = min(_batch(backbone), max(2, len(table.splits[TRAIN]) // 4))
        speed = measure(backbone, sampled, batch_size, full="finetune" in fitting.methods)
        budget = budget_of(
            speed, train=len(table.splits[TRAIN]), tested=len(table.splits[TEST]), held_out=len(held_out.tasks),
            minutes=minutes, positions=backbone.max_length, held_out_length=held_out.length,
            longest=held_out.longest + (MARKS * (held_out.shots + 1) if chat else 0),
            methods=fitting.methods,
        )  # fmt: skip
        source_text = "{path: ../../models/micro}" if model is None else written(named)
        has_template = backbone.tokenizer.chat_template is not None
        starter = StarterModel(source_text, parameters, chat, has_template=has_template, toy=model is None)
        texts = render(names, table, starter, held_out, speed, budget, minutes=minutes, left_out=fitting.note)
        texts |= {f"data/{names.task}/{split}.jsonl": data_file(rows) for split, rows in table.splits.items()}
        _write(fresh, texts)
        if folder.exists():  # and is empty
            for child in fresh.iterdir():
                shutil.move(child, folder / child.name)
        else:
            copy_folder(fresh, folder, "name another folder")
    return NewWorkspace(folder, tuple(texts), speed, budget, fitting.note)


def _toy(folder: Path, pairs: list[tuple[str, str]]) -> ModelSource:
    """The bundled model with the words of the data, in the workspace."""
    from suite.micro.words import with_words
    from suite.models.source import ModelSource, locate

    source = locate(ModelSource(bundled="micro-llama"), None).folder
    assert source is not None
    target = folder / "models" / "micro"
    with_words([prompt for prompt, _ in pairs], source, target, always=[answer for _, answer in pairs])
    return ModelSource(path=str(target))


def _loaded(
    source: ModelSource, models: Path | None, device: str | None
) -> tuple[ModelSource, Backbone, FittingMethods]:
    """The model in memory, in bfloat16 where it is large and on a GPU, and the methods that memory can hold with it.

    Raises SuiteError if it holds none.
    """
    from suite.execution.preflight import check_device, fetch
    from suite.models.backbone import load_backbone
    from suite.models.source import locate

    check_device(device)
    located = locate(source, models)
    if located.folder is None:
        fetch(source)
        located = locate(source, models)
    large = located.parameters > LARGE and not on_cpu(device)
    source = source.model_copy(update={"dtype": "bfloat16"}) if large else source
    located = locate(source, models)
    fitting = methods_that_fit(located.parameters, source.dtype, device)
    return source, load_backbone(located, device), fitting


def _batch(backbone: Backbone) -> int:
    """Examples of a step."""
    return BATCH if backbone.device.type == "cpu" else 4 * BATCH


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")


def _free(name: str, taken: set[str]) -> str:
    """A name that is not that of something shipped, which it would hide."""
    return f"my_{name}" if name in taken else name


def _plain(text: str) -> str:
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_-.+") else "_" for letter in text)
    return plain.strip("_.+-")[:60] or "mine"
