"""Whether a stack is in effect: the model holds its artifacts' very values, they change it, and nothing else does.

Values are compared bit by bit where the artifacts act, and logits within a tolerance: no verdict depends on the last
digits of a sum, which differ between processors. A method that hardly learned is in effect, and its scores say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor, nn

from suite.core.errors import SuiteError
from suite.models.adapter import adapter_state, is_active, merged_changes
from suite.models.artifact import Adapter, Prefix, SoftPrompt
from suite.models.backbone import content_sum, probe_logits
from suite.models.stack import Mounted, Stacked

NOISE: Final = 1e-2
"""How far logits of one model may differ between two calls, as a share of the largest: far more than rounding does."""

LEAST: Final = 1e-13
"""A change of a weight by less than this share of what its matrix typically holds is none. A weight of exactly 0 takes
any number, while beside a typical one float32 notices a share of 1e-7."""


def assert_in_effect(stacked: Stacked) -> None:
    """Check a stack that was put on a backbone; to be called for every stack before it answers.

    Raises SuiteError when the base is not what was loaded, when the model does not hold what an artifact says, or when
    an artifact leaves the base as it is: an untuned model is never scored as a tuned one, nor a tuned one as the base.
    """
    if {each.artifact for each in stacked.mounted} != set(stacked.artifacts):
        raise SuiteError("the artifacts of the stack are not those on the model")
    if not _base_is_untouched(stacked):
        raise SuiteError("the base model is not what it was: something was left on it")
    replaced: set[int] = set()
    for each in reversed(stacked.mounted):  # what was put on last stands
        if not _held(each, stacked, replaced):
            raise SuiteError(f"the model does not hold the values of {_name(each)}")
        replaced |= {id(parameter) for parameter in each.parameters.values()}
    for artifact in stacked.artifacts:
        _assert_acts(stacked, [each for each in stacked.mounted if each.artifact == artifact])


def _base_is_untouched(stacked: Stacked) -> bool:
    """Whether the model's own parameters are those that were loaded, aside from what the stack replaced."""
    backbone = stacked.backbone
    before: dict[int, Tensor] = {}
    for each in stacked.mounted:
        for name, parameter in each.parameters.items():
            before.setdefault(id(parameter), each.before[name])
    current, own = ({id(parameter) for parameter in some} for some in (backbone.model.parameters(), backbone.content))
    adapted = any(isinstance(each.part, Adapter) for each in stacked.mounted)
    if not (own <= current if adapted else own == current):
        return False
    sums = backbone.content.items()
    if any(content_sum(before.get(id(parameter), parameter.data)) != expected for parameter, expected in sums):
        return False
    if stacked.mounted:
        return True
    now, then = probe_logits(stacked.model), backbone.probe
    return torch.allclose(now, then, rtol=0.0, atol=NOISE * float(then.abs().max()), equal_nan=True)


def _held(mounted: Mounted, stacked: Stacked, replaced: set[int]) -> bool:
    """Whether the model holds what a part says, where no later part stands on top."""
    part = mounted.part
    if isinstance(part, SoftPrompt):
        return stacked.soft is not None and _same_bits(stacked.soft, part.vectors)
    if isinstance(part, Prefix):
        return stacked.prefix is not None and _same_bits(stacked.prefix, part.vectors)
    if isinstance(part, Adapter):
        state = adapter_state(stacked.model)
        same = set(state) == set(part.state) and all(_same_bits(state[name], part.state[name]) for name in state)
        return same and is_active(stacked.model)
    return all(
        _same_bits(parameter.data, mounted.values[name])
        for name, parameter in mounted.parameters.items()
        if id(parameter) not in replaced
    )


def _assert_acts(stacked: Stacked, parts: list[Mounted]) -> None:
    """Raises SuiteError if no part of an artifact changes anything that the model uses."""
    if any(isinstance(each.part, (SoftPrompt, Prefix)) for each in parts):
        return
    changed = [module for each in parts for module in _changed(stacked.model, each)]
    if not changed:
        raise SuiteError(
            f"{_name(parts[0])} changes nothing: the model answers exactly as the base does",
            fix="raise its learning rate or its number of steps",
        )
    if not _runs_any(stacked, changed):
        raise SuiteError(f"{_name(parts[0])} changes only what the model does not use")


def _changed(model: nn.Module, mounted: Mounted) -> Iterator[nn.Module]:
    """The modules that a part gives other weights than stood there before it."""
    if isinstance(mounted.part, Adapter):
        for path, weight, change in merged_changes(model):
            if _noticed(change, weight):
                yield model.get_submodule(path.rpartition(".")[0])
        return
    owners = {id(own): module for module in model.modules() for own in module.parameters(recurse=False)}
    for name, parameter in mounted.parameters.items():
        before, after = mounted.before[name], mounted.values[name].to(parameter.device, parameter.dtype)
        if _noticed(after.float() - before.float(), before):
            yield owners[id(parameter)]


def _noticed(change: Tensor, weight: Tensor) -> bool:
    typical = float(weight.float().square().mean().sqrt()) or 1.0
    return change.numel() > 0 and not float(change.abs().max()) <= LEAST * typical


def _runs_any(stacked: Stacked, modules: list[nn.Module]) -> bool:
    """Whether the model calls one of these modules when it answers."""
    called: list[nn.Module] = []
    hooks = [module.register_forward_hook(lambda module, *_: called.append(module)) for module in modules]
    try:
        probe_logits(stacked.model, stacked.soft, **stacked.behind(1))
    finally:
        for hook in hooks:
            hook.remove()
    return bool(called)


def _same_bits(found: Tensor, expected: Tensor) -> bool:
    found, expected = found.detach().cpu(), expected.detach().to(found.dtype).cpu()
    return found.shape == expected.shape and torch.equal(_bits(found), _bits(expected))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def _name(mounted: Mounted) -> str:
    return f"artifact {mounted.artifact[:12]} ({mounted.part.kind})"
