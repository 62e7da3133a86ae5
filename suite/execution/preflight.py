"""Checks before a run writes anything: device, sandbox and models are available, and can write the answers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from suite.core.errors import Problem, SuiteError
from suite.core.hub import reason_of, unreachable
from suite.models.source import CONFIG_FILES, TOKENIZER_FILES, ModelSource, locate
from suite.planning import CopyFromTry, Evaluate, Inputs, Plan, Step, TakePart, Train
from suite.planning.writable import check_writable
from suite.sandbox import bubblewrap
from suite.tasks.definition import TaskFile

WANTED_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")


def prepare(plan: Plan, inputs: Inputs, device: str | None) -> bool:
    """Raises SuiteError with all problems. Downloads models that are only on the hub; returns whether there were any.

    A plan that was made before a download names steps by the model's name. Make it anew: names follow from its content.
    """
    problems: list[Problem] = []
    downloaded = False
    for check in (check_launcher, partial(check_device, device)):
        try:
            check()
        except SuiteError as error:
            problems += error.problems
    for count in groups_of(plan):
        try:
            check_devices(device, count)
        except SuiteError as error:
            problems += error.problems
    for source in dict.fromkeys(step.work.track.model for step in plan.steps):
        try:
            located = locate(source, inputs.models)
            if located.folder is None:
                fetch(source)
                downloaded = True
        except SuiteError as error:
            problems += error.problems
    tasks = {task.name: task for step in plan.steps for task in tasks_of(step) if task.metadata.get("program")}
    for name in tasks:
        try:
            bubblewrap.require(f"task '{name}'")
        except SuiteError as error:
            problems += error.problems
    if problems:
        raise SuiteError.of(problems)
    return downloaded


def check_answers(steps: Iterable[Step], inputs: Inputs) -> None:
    """Raises SuiteError for every task of which a model can write no right answer. Most were asked at plan time."""
    works = [step.work for step in steps if isinstance(step.work, Evaluate)]
    asked = {(work.task.fingerprint, work.documents, work.track.model, str(work.track.chat)): work for work in works}
    problems: list[Problem] = []
    for work in asked.values():
        try:
            located = locate(work.track.model, inputs.models)
            check_writable(work.task, work.documents, located, inputs.data, work.track.chat, before_run=True)
        except SuiteError as error:
            problems += error.problems
    if problems:
        raise SuiteError.of(problems)


def tasks_of(step: Step) -> tuple[TaskFile, ...]:
    """The tasks whose answers a step scores."""
    if isinstance(step.work, Evaluate):
        return (step.work.task,)
    return () if isinstance(step.work, CopyFromTry | TakePart) else tuple(step.work.targets.values())


def check_device(device: str | None) -> None:
    """Raises SuiteError for a device that is not available."""
    if device is None:
        return
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        here = "cpu" + "".join(f", cuda:{index}" for index in range(torch.cuda.device_count()))
        raise SuiteError(f"'{device}' cannot be used ({reason})", where="--device", fix=f"here: {here}") from None


def groups_of(plan: Plan) -> set[int]:
    """How many devices train steps of a plan together, where it is more than one."""
    counts = {step.work.track.budget.shard for step in plan.steps if isinstance(step.work, Train)}
    return {count for count in counts if count != "auto"} - {1}


def check_launcher() -> None:
    """Raises SuiteError in a process that a launcher started beside others, which libraries would wait for."""
    count = os.environ.get("WORLD_SIZE", "1")
    if count not in ("", "1"):
        what = f"a launcher such as torchrun has started {count} processes, and suite starts its own"
        fix = "start `suite` alone: `--workers N` runs N steps at a time, `budget.shard: N` trains one on N GPUs"
        raise SuiteError(what, where="WORLD_SIZE", fix=fix)


def check_devices(device: str | None, count: int) -> None:
    """Raises SuiteError if fewer devices are available than train a step together."""
    from suite.execution.group import devices_of

    devices_of(device, count)


def absent_models(sources: Iterable[ModelSource], models: Path | None) -> list[Problem]:
    """Problems for models that are only on the hub, while the hub cannot be reached."""
    problems: list[Problem] = []
    for source in dict.fromkeys(sources):
        with suppress(SuiteError):  # planning reports problems with models that are here
            if locate(source, models).folder is None and unreachable():
                problems.append(_absent(source, reason_of()))
    return problems


def undescribed_models(sources: Iterable[ModelSource], models: Path | None) -> list[Problem]:
    """Fetch config and tokenizer of models that are only on the hub. Problems for those that cannot be fetched."""
    problems: list[Problem] = []
    for source in dict.fromkeys(sources):
        with suppress(SuiteError):  # planning reports problems with models that are here
            if locate(source, models, described=True).folder is not None:
                continue
            try:
                fetch(source, (*CONFIG_FILES, *TOKENIZER_FILES, "*.jinja"))
            except SuiteError as error:
                problems += error.problems
    return problems


def _absent(source: ModelSource, reason: str) -> Problem:
    name = source.title if source.adapter is None else f"{source.title}' or its adapter '{source.adapter}"
    what = f"the model '{name}' is neither in the models folder nor in the cache, and cannot be fetched ({reason})"
    return Problem("", what, "connect to the hub, or pass a folder that has a copy with --models (or SUITE_MODELS)")


def fetch(source: ModelSource, files: Sequence[str] = WANTED_FILES) -> None:
    """Download a model's files from the hub into its cache. Raises SuiteError if that fails."""
    if unreachable():  # the client would retry for minutes
        raise SuiteError.of([_absent(source, reason_of())])
    from huggingface_hub import snapshot_download

    try:
        if source.hub is not None:
            snapshot_download(source.hub, revision=source.revision, allow_patterns=list(files))
        if source.adapter is not None and locate(source, None).folder is None:
            snapshot_download(source.adapter, allow_patterns=list(files))
    except Exception as error:  # the hub's client raises dozens of kinds: no such name, no access, a full disk …
        raise SuiteError.of([_absent(source, reason_of(error))]) from error
