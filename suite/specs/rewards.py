"""Reject roles that are only scored as a whole if a method needs a reward for each answer (reinforcement, mixtures)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from suite.core.block import Block
from suite.core.errors import Problem
from suite.methods import MethodRegistry
from suite.specs.merge import Layered
from suite.tasks.definition import TaskFile
from suite.training.config import Optimisation


def reward_problems(
    registry: MethodRegistry,
    method: str,
    config: Block,
    targets: Sequence[str],
    held_out: Sequence[str],
    tasks: Mapping[str, TaskFile],
    spec: Layered,
    merged: Layered,
) -> Iterator[Problem]:
    """A problem, with its line, for each role that needs rewards but whose task gives none."""
    roles = (*targets, *(role for role in held_out if role not in targets))
    steps = registry.train_steps(method, config, tuple(targets), roles)
    rewarded = [step for step in steps if registry.get(step.method).requirements(step.config).reward]
    for role in roles:
        by = " and ".join(dict.fromkeys(f"'{step.method}'" for step in rewarded if role in step.targets))
        reason = tasks[role].no_reward if by and role in tasks else None
        if reason is None:
            continue
        what = f"'{role}' is task '{tasks[role].name}', which {reason}: no answer has a reward for {by}"
        if role in targets:
            other = ", or `objective: next_token`" if isinstance(config, Optimisation) else ""
            where, key = spec.where(("targets", list(targets).index(role))), "targets"
            fix = f"choose a role whose answers are written and scored one by one{other}"
        else:
            where, key = merged.where(("held_out", "roles", list(held_out).index(role))), "held_out.roles"
            fix = "leave the role out, or take another `adaptation`"
        yield Problem(where, f"{key}: {what}", fix)
