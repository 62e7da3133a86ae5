"""Checks that a record has the steps and links that its spec requires, and that its numbers are in range."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from suite.results.records.consistency import built_on
from suite.results.records.schema import RecordFile, StepPart
from suite.stats import scale_of

LARGEST: Final = 2**53
"""The largest integer that is exact in every JSON reader: some read integers as floats."""
ROUNDING: Final = 1e-9
"""Tolerance for rounding errors in sums of floats, as in a BLEU of 100.00000000000004."""


def find_incomplete(record: RecordFile) -> str | None:
    """The first missing or unexpected step or link, compared with the spec; None if there is none."""
    spec = record.experiment.spec
    track, targets = spec["track"], spec["targets"]
    held_out = [role for role in track["held_out"]["roles"] if role not in targets]
    target_shots = track.get("target", {}).get("shots", 0)
    expected = {(role, target_shots) for role in targets} | {
        (role, shots) for role in held_out for shots in track["held_out"]["shots"]
    }
    steps = {step.id: step for step in record.steps}
    linked: set[tuple[str | None, int | None]] = set()
    for link in record.links:
        key = (link.role, link.shots)
        if link.part == "train":
            if key != (None, None):
                return "it links to a train step as the answer to a role"
            continue
        if key not in expected:
            return f"its spec asks for no evaluation of '{link.role}' with {link.shots} exemplars"
        if key in linked:
            return f"it links to two evaluations of '{link.role}' with {link.shots} exemplars"
        if steps[link.step_id].config.get("shots") != link.shots:
            return f"the step '{link.step_id}' was not answered with {link.shots} exemplars"
        linked.add(key)
    for role, shots in sorted(expected - linked):
        return f"its spec asks for an evaluation of '{role}' with {shots} exemplars, which is not in it"
    if not expected:
        return "its spec asks for no evaluation"
    trained = {step.id for step in record.steps if step.kind == "train"}
    for step in record.steps:
        missing = next((parent for parent in built_on(step.config) if parent not in trained), None)
        if missing is not None:
            return f"step '{step.id}' builds on the step '{missing}', which is not in it"
    return None


def out_of_range(record: RecordFile) -> str | None:
    """The first number that no run can produce; None if there is none."""
    for role, description in record.experiment.spec["roles"].items():
        chance = description["chance"]
        if chance is not None and not 0 <= chance < 100:
            return f"chance of the role '{role}' is {chance}, and not between 0 and 100"
    for link in record.links:
        if not 0 <= link.position <= LARGEST:
            return f"a link is at the place {link.position}"
    for step in record.steps:
        for name, value, least, most in _numbers(step):
            if value is not None and not least <= value <= most:
                return f"step '{step.id}': {name} is {value:g}, and not between {least:.6g} and {most:.6g}"
    return None


def _numbers(step: StepPart) -> Iterator[tuple[str, float | None, float, float]]:
    """Yield (name, value, minimum, maximum) for each number of a step."""
    yield "attempts", step.attempts, 0, LARGEST
    for name, value in vars(step.costs).items():
        yield name, value, 0, LARGEST
    if step.artifact is not None:
        yield "the artifact's parameters", step.artifact.parameters, 0, LARGEST
        yield "the artifact's bytes", step.artifact.bytes, 0, LARGEST
    for score in step.scores:
        least, most = scale_of(score.metric)
        yield f"'{score.metric}'", score.value, least - ROUNDING, most + ROUNDING
        yield f"the standard error of '{score.metric}'", score.stderr, 0, most
        yield f"documents of '{score.metric}'", score.n, 0, LARGEST
        yield f"unparsable answers of '{score.metric}'", score.unparsable, 0, score.n
        yield f"truncated answers of '{score.metric}'", score.truncated, 0, score.n
    primary = next((score.metric for score in step.scores if score.primary), "")
    least, most = scale_of(primary)
    for answer in step.answers:
        yield "the number of a document", answer.doc_id, 0, LARGEST
        yield f"the score of document {answer.doc_id}", answer.value, least - ROUNDING, most + ROUNDING
    for point in step.curve:
        yield f"a training step of the curve '{point.name}'", point.step, 0, LARGEST
