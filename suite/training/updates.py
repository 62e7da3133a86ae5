"""An optimiser's updates: after the backward pass, or one parameter at a time within it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from suite.core.errors import StepFailed
from suite.training.config import FitConfig
from suite.training.offload import is_large
from suite.training.optim import learning_rate, make_optimizer, shrink


class Updates:
    """Updates parameters by their gradients.

    Large parameters are updated within the backward pass, each as soon as its gradient is there, which is dropped then:
    all gradients are never in memory at once. The values are the same. It needs a batch in one part, and no clipping
    by the norm of all gradients.
    """

    def __init__(self, trainable: Mapping[str, nn.Parameter], budget: FitConfig) -> None:
        self.trainable, self.budget = trainable, budget
        self.optimizer = make_optimizer(trainable, budget)
        self.begun = False
        """Whether some parameters have been updated in a step that is not complete."""
        self._immediate = budget.clip is None and is_large(trainable)

    @contextmanager
    def receiving(self, step: int, parts: int) -> Iterator[bool]:
        """In it, the gradients of a step's `parts` are computed. Yields whether parameters are updated meanwhile."""
        self.optimizer.zero_grad(set_to_none=True)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.budget)
        within = self._immediate and parts == 1
        with ExitStack() as undo:
            for parameter in self.trainable.values() if within else ():
                hook = parameter.register_post_accumulate_grad_hook(self._update)  # type: ignore[no-untyped-call]
                undo.callback(hook.remove)
            yield within
        self.begun = False

    def finish(self, *, within: bool) -> None:
        """Update the parameters after the backward pass, if they were not updated within it."""
        if within:
            return
        if self.budget.clip is not None:
            torch.nn.utils.clip_grad_norm_(list(self.trainable.values()), self.budget.clip)
        shrink(self.trainable.values(), self.budget)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)  # selection needs the memory

    def check_repeatable(self) -> None:
        """Raises StepFailed if memory ran out while parameters were being updated: the step cannot be repeated."""
        if self.begun:
            raise StepFailed("memory does not suffice for the batch: lower batch_size or max_length")

    def _update(self, parameter: Tensor) -> None:
        self.begun = True
        assert isinstance(parameter, nn.Parameter)
        shrink([parameter], self.budget)
        self.optimizer.step()  # the others have no gradient
        parameter.grad = None
