"""Checks that a record's steps agree with its spec: roles, track settings, and what it trained.

Settings that a step's config lacks are not compared: configs of older versions have fewer settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from suite.core.hashing import canonical
from suite.results.records.schema import RecordFile, StepPart
from suite.results.store import StepLink

Answered = tuple[StepLink, StepPart]
"""A link to an evaluation, and its step."""


def find_inconsistent(record: RecordFile) -> str | None:
    """The first disagreement between a step and the spec; None if there is none."""
    spec = record.experiment.spec
    steps = {step.id: step for step in record.steps}
    answered = [(link, steps[link.step_id]) for link in record.links if link.part == "evaluate"]
    trained = {step.id: step for step in record.steps if step.kind == "train"}
    faults = chain(
        (wrong for link, step in answered for wrong in _answered_otherwise(spec, link, step)),
        _tasks_mixed_up(spec, answered),
        _several_models(spec, answered),
        (wrong for step in trained.values() for wrong in _trained_otherwise(spec, step)),
        _trained_for_nothing(record, answered, trained),
    )
    return next(faults, None)


def built_on(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of the train steps that a step's config names."""
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
    """Yield the settings of an evaluation that differ from the spec."""
    assert link.role is not None  # the check before this one ensures it
    role, track = spec["roles"][link.role], spec["track"]
    if not step.title.startswith(f"{role['task']} {link.shots}-shot ·"):
        yield f"the step '{step.id}' is called '{step.title[:60]}', and '{link.role}' is the task '{role['task']}'"
    metric = next(score.metric for score in step.scores if score.primary).partition(",")[0]
    if role["primary"] not in (None, metric):
        yield f"'{link.role}' is scored by '{role['primary']}', and the step '{step.id}' by '{metric}'"
    terms = track.get("target", {}) if link.role in spec["targets"] else track["held_out"]
    expected: dict[str, Any] = {name: terms[name] for name in ("documents",) if name in terms}
    expected |= {name: track["held_out"][name] for name in ("draw",) if name in track["held_out"] and link.shots}
    expected |= {name: value for name, value in track.get("budget", {}).items() if name == "max_length"}
    expected |= {
        name: value for name, value in track.get("decoding", {}).items() if name in ("beams", "length_penalty")
    }
    yield from _differing(step, step.config, expected)
    yield from _asked_otherwise(spec, step)


def _asked_otherwise(spec: Mapping[str, Any], step: StepPart) -> Iterator[str]:
    """A step that was asked as a chat, or as plain text, or by another chat format, and should not have been."""
    stated, config = spec["track"].get("chat"), step.config.get("chat")
    asked = {name: value for name, value in config.items() if name != "template"} if config else None
    if canonical(asked) != canonical(stated or None):
        said = f"with the chat format {str(asked)[:60]}, and its spec says {str(stated)[:60]}"
        yield f"the step '{step.id}' was made {said}"


def _trained_otherwise(spec: Mapping[str, Any], step: StepPart) -> Iterator[str]:
    """Yield a message if the seed or the budget of a train step differs from the spec."""
    yield from _differing(step, step.config, {"seed": spec["seed"]})
    yield from _differing(step, step.config.get("budget") or {}, spec["track"].get("budget", {}))
    if "follows" not in step.config:  # nothing is asked there
        yield from _asked_otherwise(spec, step)


def _differing(step: StepPart, config: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        if name in config and (type(config[name]), config[name]) != (type(value), value):
            yield f"the step '{step.id}' was made with {name} {str(config[name])[:20]}, and its spec says {value}"


def _tasks_mixed_up(spec: Mapping[str, Any], answered: Sequence[Answered]) -> Iterator[str]:
    """Yield a message if one task has two fingerprints, or two tasks have one: fingerprints include the task's name."""
    fingerprints: dict[str, Any] = {}
    names: dict[Any, str] = {}
    for link, step in answered:
        task, fingerprint = spec["roles"][link.role]["task"], (step.config.get("task"), step.config.get("data"))
        if fingerprints.setdefault(task, fingerprint) != fingerprint or names.setdefault(fingerprint, task) != task:
            yield f"the step '{step.id}' was not answered on the task and data of '{link.role}'"


def _several_models(spec: Mapping[str, Any], answered: Sequence[Answered]) -> Iterator[str]:
    """Yield a message for evaluations of different base models, or of one loaded with settings other than the
    spec's."""
    for _, step in answered:
        model = step.config.get("model") or {}
        if canonical(model) != canonical(answered[0][1].config.get("model") or {}):
            yield f"the steps '{answered[0][1].id}' and '{step.id}' were answered by different base models"
        yield from _differing(step, model, spec["track"].get("model", {}))


def _trained_for_nothing(
    record: RecordFile, answered: Sequence[Answered], trained: Mapping[str, StepPart]
) -> Iterator[str]:
    """Yield a message for a target that was not answered with its own training, and for unused train steps."""
    experiment = record.experiment
    own = _own(experiment.spec["method"], trained)
    if own and not any(_has_settings(trained[step].config, experiment.spec["method"]) for step in own):
        yield f"the step '{min(own)}' was not trained with the settings that its spec has"
    lineages = {link.role: _lineage(built_on(step.config), trained) for link, step in answered}
    for role in experiment.targets:
        # A method without a train step of its own uses the steps of others. The family "none" trains nothing.
        if not (own & lineages[role] if own else lineages[role] or experiment.family == "none"):
            yield f"'{role}' was not answered with what '{experiment.name}' trained"
    used = set().union(*lineages.values(), _lineage(own, trained))
    for step in sorted(set(trained) - used):
        yield f"nothing of it was answered with the step '{step}'"


def _own(method: Mapping[str, Any], trained: Mapping[str, StepPart]) -> set[str]:
    """The method's own train steps, or the choosing step of a sweep; empty if a method only combines artifacts."""
    chosen = {step for step, part in trained.items() if "choice" in part.config}
    return chosen or {step for step, part in trained.items() if _method(part.config).get("name") == method["name"]}


def _method(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return config.get("method") or {}


def _has_settings(config: Mapping[str, Any], method: Mapping[str, Any]) -> bool:
    """Whether a step was trained with a spec's settings.

    Nested settings are not compared: a step names models differently there.
    """
    plain = {name: value for name, value in _method(config).items() if not isinstance(value, dict)}
    return "choice" in config or all(
        canonical(method[name]) == canonical(plain[name]) for name in plain if name in method
    )


def _lineage(steps: Iterable[str], trained: Mapping[str, StepPart]) -> set[str]:
    """These train steps of the record, and all train steps that they build on."""
    lineage: set[str] = set()
    pending = [*steps]
    while pending:
        step = pending.pop()
        if step in trained and step not in lineage:
            lineage.add(step)
            pending += built_on(trained[step].config)
    return lineage
