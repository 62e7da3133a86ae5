"""Check a spec's training settings against its targets and track: the ratio of targets, and probes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from suite.core.block import Block
from suite.core.errors import Problem, did_you_mean
from suite.methods import MethodRegistry
from suite.specs.blocks import Track
from suite.specs.merge import Layered


def mix_problems(
    registry: MethodRegistry, method: str, configs: Iterable[Block], targets: tuple[str, ...], batch_size: int,
    layer: Layered,
) -> list[Problem]:  # fmt: skip
    """Problems of ratios. A ratio names each target of its step once, and a batch has room for one example of each."""
    problems: list[Problem] = []
    for step in (step for config in configs for step in registry.train_steps(method, config, targets, targets)):
        mix = registry.get(step.method).requirements(step.config).mix
        if mix is not None:
            problems += _mix(mix, step.targets, batch_size, ("method", *step.field), layer)
    return list(dict.fromkeys(problems))


def _mix(
    mix: Mapping[str, float], targets: tuple[str, ...], batch_size: int, block: tuple[str, ...], layer: Layered
) -> Iterable[Problem]:
    key = ".".join((*block, "mix"))
    where = layer.where((*block, "mix")) or layer.where(("method",))
    for role in mix:
        if role not in targets:
            yield Problem(where, f"{key}: '{role}' is no target", did_you_mean(role, targets))
    for role in targets:
        if role not in mix:
            yield Problem(where, f"{key}: '{role}' is a target and has no share", "name every target once")
    if len(targets) > batch_size:
        what = f"{key}: a batch of {batch_size} cannot hold examples of {len(targets)} targets"
        yield Problem(where, what, "raise `budget.batch_size`, or leave out `mix`")


def probe_problems(track: Track, merged: Layered) -> Iterable[Problem]:
    """Problems of probes: each of their roles has to be held out on the track."""
    for number, role in enumerate(track.probes.roles if track.probes else ()):
        if role not in track.held_out.roles:
            where, fix = merged.where(("probes", "roles", number)), did_you_mean(role, track.held_out.roles)
            yield Problem(where, f"probes.roles: '{role}' is not held out on track '{track.name}'", fix)
