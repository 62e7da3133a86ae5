"""Notes for tasks of files that share a name with a task of lm-eval: they say which of the two is used."""

from __future__ import annotations

from collections.abc import Iterable

from suite.specs.experiment import Experiment
from suite.specs.workspace import shipped, shown
from suite.tasks import lm_eval_names
from suite.tasks.definition import OF_LM_EVAL, TaskFile

FEW = 4
"""Maximum number of files in a message."""


def shared_names(experiments: Iterable[Experiment]) -> tuple[str, ...]:
    """Notes about tasks in use whose names lm-eval has, too."""
    tasks = {task.name: task for experiment in experiments for task in experiment.tasks.values()}
    files = [task for _, task in sorted(tasks.items()) if _hides(task)]
    theirs = [name for name in sorted(tasks) if name.startswith(OF_LM_EVAL)]
    notes: list[str] = []
    if files:
        listed = [f"{task.name} ({shown(task.path)})" for task in files[:FEW]]
        listed += [task.name for task in files[FEW:]]
        notes.append(
            f"tasks of files that lm-eval has, too: {', '.join(listed)}; lm-eval's own is {OF_LM_EVAL}{files[0].name}"
        )
    return (*notes, *([f"lm-eval's own tasks: {', '.join(theirs)}"] if theirs else []))


def _hides(task: TaskFile) -> bool:
    """Whether a task of a file hides a task of lm-eval. Reading lm-eval's names takes a second; shipped tasks avoid
    it."""
    if task.builtin:
        return False
    if task.path.resolve().is_relative_to(shipped().resolve()):
        return task.name in lm_eval_names.ALSO_OF_LM_EVAL
    from suite.tasks.builtin import builtin_names

    return task.name in builtin_names()
