"""An optimiser's updates: after the backward pass, or one parameter at a time within it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from suite.core.errors import StepFailed
from suite.core.hashing import seed_of
from suite.models.offload import is_large
from suite.training.blockwise import adafactor_step, in_blocks
from suite.training.config import FitConfig
from suite.training.optim import learning_rate, make_optimizer, shrink
from suite.training.shards import Shards


class Updates:
    """Updates parameters by their gradients.

    Large parameters are updated within the backward pass, each as soon as its gradient is there, which is dropped then:
    all gradients are never in memory at once. The values are the same. It needs a batch in one part, and no clipping
    by the norm of all gradients.

    Parameters in bfloat16 are updated in float32, one at a time (large ones block by block with Adafactor), and rounded
    stochastically: up with the probability of the distance, so that small steps are not lost on average. What is
    rounded up depends on seed, step, name and block.
    """

    def __init__(self, trained: Mapping[str, nn.Parameter] | Shards, budget: FitConfig, seed: int = 0) -> None:
        """Of parameters that are divided among processes (`Shards`), this one updates its rows."""
        self.shards = trained if isinstance(trained, Shards) else None
        trainable = trained.parameters if isinstance(trained, Shards) else trained
        self.alone = self.shards is None or self.shards.ranks.count == 1
        self.trainable, self.budget, self.seed, self.step = trainable, budget, seed, 0
        self.low = {id(each): name for name, each in trainable.items() if each.dtype == torch.bfloat16}
        """Names of the parameters in bfloat16, by identity."""
        divided = {} if self.alone else {"shards": self.shards}
        self.optimizer = make_optimizer(trainable, budget, **divided)
        self._where = [] if self.alone or self.shards is None else [self.shards.ranks.rank]
        self.begun = False
        """Whether some parameters have been updated in a step that is not complete."""
        self._immediate = self.alone and budget.clip is None and is_large(trainable)

    @contextmanager
    def receiving(self, step: int, parts: int) -> Iterator[bool]:
        """In it, the gradients of a step's `parts` are computed. Yields whether parameters are updated meanwhile."""
        self.step, self.begun = step, False
        self.optimizer.zero_grad(set_to_none=True)
        if self.shards is not None:
            self.shards.forget()
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
        if self.shards is not None and not self.alone:
            self.shards.collect()
        self._clip()
        if self.low:
            self._update_low()
        shrink([each for each in self.trainable.values() if id(each) not in self.low], self.budget)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)  # selection needs the memory

    def _clip(self) -> None:
        """Scale all gradients so that their norm is at most the budget's."""
        most, parameters = self.budget.clip, list(self.trainable.values())
        if most is None:
            return
        if self.shards is None or self.alone:
            torch.nn.utils.clip_grad_norm_(parameters, most)
        else:
            torch.nn.utils.clip_grads_with_norm_(parameters, most, self.shards.norm())

    def abandon(self) -> None:
        """Drop the gradients of a step that memory did not hold, which is repeated then.

        Raises StepFailed if parameters were being updated already: the step cannot be repeated.
        """
        if self.begun:
            fix = "set `budget.gradient_checkpointing: true`, or lower batch_size or max_length"
            raise StepFailed(f"memory does not suffice for the batch: {fix}")
        self.optimizer.zero_grad(set_to_none=True)
        if next(iter(self.trainable.values())).device.type == "cuda":
            torch.cuda.empty_cache()

    def _update_low(self) -> None:
        """Update the parameters in bfloat16 one by one, while the others have no gradient."""
        gradients = {name: parameter.grad for name, parameter in self.trainable.items()}
        self.optimizer.zero_grad(set_to_none=True)
        for name, parameter in self.trainable.items():
            if id(parameter) in self.low:
                parameter.grad, gradients[name] = gradients[name], None
                self._update(parameter)
        for name, parameter in self.trainable.items():
            parameter.grad = gradients[name]

    def _update(self, parameter: Tensor) -> None:
        """Update one parameter. The others have no gradient."""
        self.begun = True
        assert isinstance(parameter, nn.Parameter)
        name = self.low.get(id(parameter))
        if name is not None and self.budget.optimizer == "adafactor" and self.alone and in_blocks(parameter):
            self._update_in_blocks(parameter, name)
            return
        with self._in_float32(parameter, name) if name is not None else nullcontext():
            shrink([parameter], self.budget)
            self.optimizer.step()
        parameter.grad = None

    def _update_in_blocks(self, parameter: nn.Parameter, name: str) -> None:
        """Update a large parameter in bfloat16, without a copy of it in float32."""
        gradient, parameter.grad = parameter.grad, None
        if gradient is None:
            return
        decay = self.budget.weight_decay if not self.budget.decay_by_rate else 0.0
        state: dict[str, Any] = self.optimizer.state[parameter]
        adafactor_step(
            parameter.data, gradient, state, self.optimizer.param_groups[0], decay,
            lambda values, block: rounded(values, seed_of(self.seed, "rounding", self.step, name, block)),
        )  # fmt: skip

    @contextmanager
    def _in_float32(self, parameter: nn.Parameter, name: str) -> Iterator[None]:
        """Let a parameter and its gradient be in float32; then round it."""
        low, gradient = parameter.data, parameter.grad
        parameter.grad = None  # it has to have the parameter's dtype
        parameter.data = low.float()
        parameter.grad = None if gradient is None else gradient.float()
        del gradient
        yield
        parameter.grad, new = None, parameter.data
        low.copy_(rounded(new, seed_of(self.seed, "rounding", self.step, name, *self._where)))
        parameter.data = low


def check_loss(loss: float, step: int, steps: int) -> None:
    """Raises StepFailed if the loss of a step, counted from 1, is no finite number."""
    if not math.isfinite(loss):
        raise StepFailed(f"the loss is {loss} at step {step} of {steps}: try a lower learning rate")


def rounded(values: Tensor, seed: int) -> Tensor:
    """float32 values as bfloat16, each rounded up or down with the probability of the distance to the other."""
    generator = torch.Generator(values.device).manual_seed(seed)
    noise = torch.randint(0, 1 << 16, values.shape, generator=generator, device=values.device, dtype=torch.int32)
    return ((values.contiguous().view(torch.int32) + noise) & -(1 << 16)).view(torch.float32).to(torch.bfloat16)
