"""Steps without training: choose a sweep's best try, copy artifacts that belong to it, or save an artifact's part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.methods import OwnPart
from suite.models.source import LocatedModel
from suite.planning.keys import chat_key, model_key
from suite.planning.steps import CopyFromTry, Routing, SelectTry, Step, TakePart, Train
from suite.specs import Experiment

CHOICE = 1
"""Increased whenever a code change may choose another try from the same ones."""


@dataclass(frozen=True)
class Try:
    """The planned steps of one block of settings."""

    own: str | None
    """The method's own train step; None if the method has none."""
    stacks: Mapping[str, tuple[str, ...] | Routing]
    """Role -> the train steps whose artifacts are in effect when the role is answered."""

    def parts(self, role: str) -> tuple[str, ...]:
        """The stack of a role. Only methods without their own train step have routes, and these cannot be swept."""
        stack = self.stacks[role]
        assert not isinstance(stack, Routing)
        return stack


def choose(
    experiment: Experiment, tries: Sequence[Try], model: LocatedModel, tasks: Mapping[str, Any]
) -> tuple[str, SelectTry, dict[str, Any]]:
    """Title, work and key of the choosing step. `tasks` is as in a train step's key."""
    track, targets = experiment.track, experiment.targets
    work = SelectTry(
        tries=tuple({role: attempt.parts(role) for role in targets} for attempt in tries),
        candidates=tuple(attempt.own for attempt in tries if attempt.own is not None),
        targets={role: experiment.tasks[role] for role in targets},
        track=track,
    )
    key = {
        "kind": "train",
        "code": CHOICE,
        "choice": [{role: list(stack) for role, stack in stacks.items()} for stacks in work.tries],
        "candidates": list(work.candidates),
        "model": model_key(track.model, model),
        "tasks": dict(tasks),
        "selection": {**track.selection.model_dump(mode="json", include={"documents"}), **track.decoding.search},
        "target": track.target.model_dump(mode="json", include={"shots"}),
        "max_length": track.budget.max_length,
        **chat_key(track.chat, model),
    }
    title = f"choose {experiment.method} on {'+'.join(targets)}, best of {len(tries)}"
    return f"{title} · {track.name} · seed {experiment.seed}", work, key


def follow(experiment: Experiment, choice: Step, candidates: Sequence[Step]) -> tuple[str, CopyFromTry, dict[str, Any]]:
    """Title, work and key of a step that copies the artifact that belongs to a choice, such as each try's prompt.

    `candidates` are in the order of the tries.
    """
    assert isinstance(choice.work, SelectTry)
    work = CopyFromTry(choice.id, choice.work.candidates, tuple(step.id for step in candidates), experiment.track)
    key = {
        "kind": "train",
        "code": CHOICE,
        "follows": choice.id,
        "candidates": list(work.candidates),
        "model": dict(choice.key["model"]),
    }
    first = candidates[0].work
    assert isinstance(first, Train | TakePart)
    what = f"{first.method} on {'+'.join(first.targets)}, with {experiment.method}'s best of {len(candidates)}"
    return f"choose {what} · {experiment.track.name} · seed {experiment.seed}", work, key


def take_part(whole: Step, part: OwnPart) -> tuple[str, TakePart, dict[str, Any]]:
    """Title, work and key of a step that saves a part of a train step's artifact."""
    assert isinstance(whole.work, Train)
    work = TakePart(whole.id, part.name, whole.work.method, whole.work.targets, whole.work.track)
    method = dict(part.key or {**whole.key["method"], "part": part.name})
    key = {**whole.key, "method": method, "parents": [whole.id]}
    key.pop("probes", None)  # nothing is trained
    return f"take the {part.name} of {whole.title.partition(' ')[2]}", work, key
