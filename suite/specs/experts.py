"""Problems of specs that combine several experts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from suite.core.block import Block
from suite.core.errors import Problem, did_you_mean
from suite.methods import Dispatch, MethodRegistry
from suite.specs.blocks import Spec
from suite.specs.merge import Layered
from suite.tasks.definition import TaskFile


def mixture_problems(
    registry: MethodRegistry, method: str, configs: Sequence[Block | None], spec: Spec, layer: Layered
) -> Iterable[Problem]:
    """Problems of a spec that uses a mixture as its method without naming experts."""
    if method not in registry.names():
        return
    definition = registry.get(method)
    if definition.FAMILY != "mixture" or definition.train is None:
        return
    if any(config is not None and not definition.prerequisites(config, spec.targets) for config in configs):
        what = f"method.experts: is missing, and {method} only puts experts together that others train"
        fix = "name roles to train them on: `experts: [cb, wic]`, or use transformer2, which trains one for each target"
        yield Problem(layer.where(("method",)), what, fix)


def dispatch_problems(
    registry: MethodRegistry, method: str, config: Block | None, spec: Spec, tasks: Mapping[str, TaskFile],
    layer: Layered,
) -> Iterable[Problem]:  # fmt: skip
    """Problems of a routing: a first pass whose task asks for no skill, or an expert of a skill that it cannot name."""
    if config is None:
        return
    stacks = (registry.get(method).stack(config, role, spec.targets) for role in (*spec.targets, *tasks))
    stack = next((candidate for candidate in stacks if isinstance(candidate, Dispatch)), None)
    if stack is None or stack.role not in tasks:
        return
    task = tasks[stack.role]
    skills = {skill for of_source in task.sources.values() for skill in of_source}
    if not skills:
        what = f"method.dispatch: '{stack.role}' is task '{task.name}', which asks for no skill"
        yield Problem(layer.where(("method",)), what, "name a role whose task has `metadata.made_of`")
    for role in (role for role in stack.experts if skills and role not in skills):
        what = f"targets: '{role}' is no skill of task '{task.name}', so no prompt would be sent to its expert"
        yield Problem(layer.where(("targets",)), what, did_you_mean(role, skills))
