"""Whether a record's steps were made on the terms of its spec: for its roles, as its track says, with what it trained.

What a step's config does not name is not compared: configs of older versions name less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from suite.core.hashing import canonical
from suite.results.records.schema import RecordFile, StepPart
from suite.results.store import StepLink

Answered = tuple[StepLink, StepPart]
"""A link to an evaluation, and that."""


def not_on_terms(record: RecordFile) -> str | None:
    """What a run of the record's spec would have done otherwise, or None."""
    spec = record.experiment.spec
    steps = {step.id: step for step in record.steps}
    answered = [(link, steps[link.step_id]) for link in record.links if link.part == "evaluate"]
    trained = {step.id: step for step in record.steps if step.kind == "train"}
    found = chain(
        (wrong for link, step in answered for wrong in _answered_otherwise(spec, link, step)),
        _tasks_mixed_up(spec, answered),
        _several_models(spec, answered),
        (wrong for step in trained.values() for wrong in _trained_otherwise(spec, step)),
        _trained_for_nothing(record, answered, trained),
    )
    return next(found, None)


def built_on(config: Mapping[str, Any]) -> Iterator[str]:
    """The train steps that a step's config names."""
    for name in ("stack", "parents", "candidates"):
        yield from config.get(name) or ()
    for stacks in config.get("choice") or ():
        for stack in stacks.values():
            yield from stack
    if config.get("follows"):
        yield config["follows"]
    dispatch = config.get("dispatch") or {}
    yield from dispatch.get("asker") or ()
    for stack in (dispatch.get("stacks") or {}).values():
        yield from stack


def _answered_otherwise(spec: Mapping[str, Any], link: StepLink, step: StepPart) -> Iterator[str]:
    """What an evaluation was not answered with, and should have been."""
    assert link.role is not None  # as its spec asks for it
    role, track = spec["roles"][link.role], spec["track"]
    if not step.title.startswith(f"{role['task']} {link.shots}-shot ·"):
        yield f"the step '{step.id}' is called '{step.title[:60]}', and '{link.role}' is the task '{role['task']}'"
    metric = next(score.metric for score in step.scores if score.primary).partition(",")[0]
    if role["primary"] not in (None, metric):
        yield f"'{link.role}' is scored by '{role['primary']}', and the step '{step.id}' by '{metric}'"
    terms = track.get("target", {}) if link.role in spec["targets"] else track["held_out"]
    said: dict[str, Any] = {name: terms[name] for name in ("documents",) if name in terms}
    said |= {name: track["held_out"][name] for name in ("draw",) if name in track["held_out"] and link.shots}
    said |= {name: value for name, value in track.get("budget", {}).items() if name == "max_length"}
    said |= {name: value for name, value in track.get("decoding", {}).items() if name in ("beams", "length_penalty")}
    yield from _differing(step, step.config, said)


def _trained_otherwise(spec: Mapping[str, Any], step: StepPart) -> Iterator[str]:
    """The seed and the budget that a train step did not have, and should have had."""
    yield from _differing(step, step.config, {"seed": spec["seed"]})
    yield from _differing(step, step.config.get("budget") or {}, spec["track"].get("budget", {}))


def _differing(step: StepPart, config: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[str]:
    for name, value in said.items():
        if name in config and (type(config[name]), config[name]) != (type(value), value):
            yield f"the step '{step.id}' was made with {name} {str(config[name])[:20]}, and its spec says {value}"


def _tasks_mixed_up(spec: Mapping[str, Any], answered: Sequence[Answered]) -> Iterator[str]:
    """A task that was answered as two, or two as one: a fingerprint of a task has its name in it."""
    prints: dict[str, Any] = {}
    names: dict[Any, str] = {}
    for link, step in answered:
        task, found = spec["roles"][link.role]["task"], (step.config.get("task"), step.config.get("data"))
        if prints.setdefault(task, found) != found or names.setdefault(found, task) != task:
            yield f"the step '{step.id}' was not answered on the task and data of '{link.role}'"


def _several_models(spec: Mapping[str, Any], answered: Sequence[Answered]) -> Iterator[str]:
    """Evaluations of another base model than the first, or loaded otherwise than the spec says."""
    for _, step in answered:
        model = step.config.get("model") or {}
        if canonical(model) != canonical(answered[0][1].config.get("model") or {}):
            yield f"the steps '{answered[0][1].id}' and '{step.id}' were answered by different base models"
        yield from _differing(step, model, spec["track"].get("model", {}))


def _trained_for_nothing(
    record: RecordFile, answered: Sequence[Answered], trained: Mapping[str, StepPart]
) -> Iterator[str]:
    """A target that was not answered with what was trained for it, or a train step that nothing is built on."""
    about = record.experiment
    own = _own(about.spec["method"], trained)
    if own and not any(_has_settings(trained[each].config, about.spec["method"]) for each in own):
        yield f"the step '{min(own)}' was not trained with the settings that its spec has"
    behind = {link.role: _lineage(built_on(step.config), trained) for link, step in answered}
    for role in about.targets:
        # a method without a train step of its own answers with others'; without a family none is trained
        if not (own & behind[role] if own else behind[role] or about.family == "none"):
            yield f"'{role}' was not answered with what '{about.name}' trained"
    used = set().union(*behind.values(), _lineage(own, trained))
    for step in sorted(set(trained) - used):
        yield f"nothing of it was answered with the step '{step}'"


def _own(method: Mapping[str, Any], trained: Mapping[str, StepPart]) -> set[str]:
    """The method's own train step, or the choice of one in a sweep; none where a method only combines others'."""
    chosen = {step for step, each in trained.items() if "choice" in each.config}
    return chosen or {step for step, each in trained.items() if _method(each.config).get("name") == method["name"]}


def _method(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return config.get("method") or {}


def _has_settings(config: Mapping[str, Any], method: Mapping[str, Any]) -> bool:
    """Whether a step was trained with a spec's settings; a model among them is named otherwise there."""
    plain = {name: value for name, value in _method(config).items() if not isinstance(value, dict)}
    return "choice" in config or all(
        canonical(method[name]) == canonical(plain[name]) for name in plain if name in method
    )


def _lineage(steps: Iterable[str], trained: Mapping[str, StepPart]) -> set[str]:
    """Train steps of the record, and all that they are built on."""
    found: set[str] = set()
    left = [*steps]
    while left:
        step = left.pop()
        if step in trained and step not in found:
            found.add(step)
            left += built_on(trained[step].config)
    return found
