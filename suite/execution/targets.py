"""A step's targets: training rows, selection rows, and how both are answered (as when the target is reported)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from suite.core.chat import ChatFormat
from suite.evaluation.evaluate import measured, selection_task
from suite.evaluation.multi_adapter import evaluate_together
from suite.evaluation.rollout import Rollout, roll_out
from suite.models.adapted import AdaptedModel
from suite.planning.steps import SelectTry, Train
from suite.probes import ProbeCallback
from suite.specs.blocks import Track
from suite.specs.experiment import describe
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile
from suite.tasks.load import Example, LoadedTask, Prompts, load_task, training_examples
from suite.training.data.training_set import TrainingSet
from suite.training.job import Sampling

Scorer = Callable[[Sequence[AdaptedModel]], list[float]]
"""A function from stacks to their scores in a target's own metric, 0 to 100."""


def training_sets(
    work: Train | SelectTry, data: DataLocations, chat: ChatFormat | None = None
) -> tuple[tuple[TrainingSet, ...], dict[str, tuple[Example, ...]]]:
    """Training sets, and the selection rows: rows of the same split on which checkpoints are selected."""
    sets: list[TrainingSet] = []
    selection_rows: dict[str, tuple[Example, ...]] = {}
    for role, task in work.targets.items():
        examples = list(training_examples(task, data, chat))
        # Not seeded by the experiment: every seed and every method selects on the same rows.
        Random(f"selection/{task.name}").shuffle(examples)
        count = min(work.track.selection.documents, len(examples) // 4)
        selection_rows[role] = tuple(examples[:count])
        selecting = {example.hash for example in selection_rows[role]}
        trained = tuple(example for example in examples[count:] if example.hash not in selecting)
        sets.append(TrainingSet(role, task, trained, Prompts(task, data, chat)))
    return tuple(sets), selection_rows


def retention_set(work: Train, data: DataLocations, chat: ChatFormat | None = None) -> TrainingSet | None:
    """The track's retention data, if the step uses it."""
    task = work.retention
    if task is None:
        return None
    return TrainingSet("retention", task, training_examples(task, data, chat), Prompts(task, data, chat))


def decoding_of(track: Track) -> dict[str, Any]:
    """The decoding options of a `StackLM` for a track."""
    return {
        "batch_tokens": track.decoding.batch_tokens, "beams": track.decoding.beams,
        "length_penalty": track.decoding.length_penalty, "max_length": track.budget.max_length,
    }  # fmt: skip


def scorers(
    work: Train | SelectTry, selection_rows: Mapping[str, Sequence[Example]], data: DataLocations,
    chat: ChatFormat | None = None,
) -> dict[str, Scorer]:  # fmt: skip
    """Target -> a function that scores stacks on its selection rows.

    A scorer raises SuiteError if the metric gives no number: a missing score must not count as a low one.
    """
    track = work.track

    def scorer(role: str, task: TaskFile) -> Scorer:
        docs = [example.doc for example in selection_rows[role]]
        selecting = selection_task(task, data, docs, shots=track.target.shots, chat=chat)

        def score(stacks: Sequence[AdaptedModel]) -> list[float]:
            return [
                measured(result, selecting) for result in evaluate_together(stacks, selecting, **decoding_of(track))
            ]

        return score

    return {role: scorer(role, task) for role, task in work.targets.items()}


def roll_outs(
    work: Train, data: DataLocations, chat: ChatFormat | None = None
) -> Callable[[AdaptedModel, TrainingSet, Sequence[Example], Sampling], list[Rollout]]:
    """A function that samples the model's answers to training examples, with the target's prompts and scoring."""
    track = work.track

    def answers(
        current: AdaptedModel, target: TrainingSet, examples: Sequence[Example], sampling: Sampling
    ) -> list[Rollout]:
        docs = [example.doc for example in examples]
        task = selection_task(target.task, data, docs, shots=track.target.shots, chat=chat)
        options = decoding_of(track)
        if not sampling.as_reported:
            options |= {"beams": 1, "length_penalty": None}
        return roll_out(
            current, task, max_new_tokens=sampling.max_new_tokens, temperature=sampling.temperature,
            seed=sampling.seed, **options,
        )  # fmt: skip

    return answers


def probe_callback(work: Train, data: DataLocations, chat: ChatFormat | None) -> ProbeCallback | None:
    """The callback for the measurements of the track's probes while this step trains; None without probes."""
    track, probes = work.track, work.track.probes
    if probes is None:
        return None
    role_shots = [(role, track.target.shots) for role in work.targets]
    role_shots += [(role, shots) for role in work.probed for shots in probes.shots]
    files = {**work.targets, **work.probed}

    def tasks() -> dict[tuple[str, int], LoadedTask]:
        options = {"draw": track.held_out.draw, "limit": probes.documents}
        return {
            (role, shots): load_task(files[role], data, shots=shots, chat=chat, **options) for role, shots in role_shots
        }

    descriptions = {role: describe(task) for role, task in files.items()}
    return ProbeCallback(probes, track, tuple(work.targets), tasks, descriptions)
