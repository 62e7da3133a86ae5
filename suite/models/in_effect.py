"""Verify that a stack is in effect: the model holds its artifacts' values, they change it, and nothing else does.

Values are compared bit by bit where artifacts act, and logits within a tolerance, so no verdict depends on rounding
that differs between processors. A method that hardly learned is still in effect, and its scores show it.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from suite.core.errors import SuiteError
from suite.models.adapted import AdaptedModel, AppliedPart
from suite.models.backbone import content_sum, probe_logits

NOISE: Final = 1e-2
"""Tolerance between logits of one model in two calls, as a share of the largest: far above rounding."""

LEAST: Final = 1e-13
"""Smallest change of a weight that counts, as a share of its matrix's typical value. A weight of exactly 0 can hold any
number; beside a typical one, float32 resolves a share of 1e-7."""


def assert_in_effect(adapted: AdaptedModel) -> None:
    """Check the artifacts applied to a backbone. Call it for every stack before it answers.

    Raises SuiteError if the base model was changed, if the model does not hold an artifact's values, or if an artifact
    has no effect. An untuned model is therefore never scored as a tuned one, nor a tuned one as the base.
    """
    if {each.artifact for each in adapted.applied} != set(adapted.artifacts):
        raise SuiteError("the artifacts of the stack are not those on the model")
    if not _base_is_untouched(adapted):
        raise SuiteError("the base model is not what it was: something was left on it")
    later: set[int] = set()
    for each in reversed(adapted.applied):  # the last one applied is in effect
        if not each.part.is_held(adapted, [own for own in each.replaced if id(own.parameter) not in later]):
            raise SuiteError(f"the model does not hold the values of {_name(each)}")
        later |= {id(own.parameter) for own in each.replaced}
    for artifact in adapted.artifacts:
        _assert_acts(adapted, [each for each in adapted.applied if each.artifact == artifact])


def _base_is_untouched(adapted: AdaptedModel) -> bool:
    """Whether the model's own parameters are as loaded, except for those that the stack replaced or added."""
    backbone = adapted.backbone
    before: dict[int, Tensor] = {}
    for each in adapted.replaced:
        before.setdefault(id(each.parameter), each.before)
    current = {id(parameter) for parameter in backbone.model.parameters()}
    if current != {id(parameter) for parameter in (*backbone.content, *adapted.added)}:
        return False
    sums = backbone.content.items()
    if any(content_sum(before.get(id(parameter), parameter.data)) != expected for parameter, expected in sums):
        return False
    if adapted.applied:
        return True
    now, then = probe_logits(adapted.model), backbone.probe
    return torch.allclose(now, then, rtol=0.0, atol=NOISE * float(then.abs().max()), equal_nan=True)


def _assert_acts(adapted: AdaptedModel, parts: list[AppliedPart]) -> None:
    """Raises SuiteError if no part of an artifact changes anything that the model uses."""
    if any(each.part.only_before_text for each in parts):
        return
    changed = [
        module
        for each in parts
        for module, weight, change in each.part.changes(adapted, each.replaced)
        if _noticed(change, weight)
    ]
    if not changed:
        raise SuiteError(
            f"{_name(parts[0])} changes nothing: the model answers exactly as the base does",
            fix="raise its learning rate or its number of steps",
        )
    if not _runs_any(adapted, changed):
        raise SuiteError(f"{_name(parts[0])} changes only what the model does not use")


def _noticed(change: Tensor, weight: Tensor) -> bool:
    typical = float(weight.float().square().mean().sqrt()) or 1.0
    return change.numel() > 0 and not float(change.abs().max()) <= LEAST * typical


def _runs_any(adapted: AdaptedModel, modules: list[nn.Module]) -> bool:
    """Whether the model calls one of these modules when it answers."""
    called: list[nn.Module] = []
    hooks = [module.register_forward_hook(lambda module, *_: called.append(module)) for module in modules]
    try:
        probe_logits(adapted.model, adapted.soft, **adapted.prefix_inputs(1))
    finally:
        for hook in hooks:
            hook.remove()
    return bool(called)


def _name(applied: AppliedPart) -> str:
    return f"artifact {applied.artifact[:12]} ({applied.part.kind})"
