"""Train a PEFT adapter that is injected into the frozen model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from peft import LoraConfig
from peft.config import PeftConfig
from torch import Tensor

from suite.core.hashing import seed_of
from suite.models.adapter import adapter_state, config_as_json, disabled, injected
from suite.models.adapter_targets import choose_targets
from suite.models.artifacts.adapter import Adapter
from suite.training.config import Optimisation
from suite.training.job import Job, Trained
from suite.training.objectives.optimise import optimise
from suite.training.shards import values_here, with_values
from suite.training.trainable import Trainable


def train_lora(config: Any, job: Job, **options: Any) -> Trained:
    """Train a LoRA (the block of `suite.methods.lora`) or a variant that is set by PEFT's further `options`."""
    # PEFT treats an alpha without a fraction as an integer and writes it as one
    alpha = int(config.alpha) if config.alpha.is_integer() else config.alpha
    chosen = modules(config.target_modules)
    peft = LoraConfig(r=config.rank, lora_alpha=alpha, lora_dropout=config.dropout, target_modules=chosen, **options)
    return train_adapter(config, job, peft)


def modules(chosen: Any) -> list[str] | str | None:
    """Module names in the form that PEFT accepts."""
    return list(chosen) if isinstance(chosen, tuple) else chosen


def train_adapter(
    config: Optimisation, job: Job, peft: PeftConfig, start: Mapping[str, Tensor] | None = None
) -> Trained:
    """Train the adapter's own parameters. Their initial values depend on the seed only, or are those of `start`."""
    model = job.backbone.model
    before = {name: parameter.data for name, parameter in model.named_parameters()}
    parameters = dict(model.named_parameters())
    notice = choose_targets(peft, model)
    if notice:
        job.log.say(notice)
    torch.manual_seed(seed_of(job.seed, "adapter"))
    with injected(model, peft, start) as own:
        first = adapter_state(model)
        moved = {
            name: parameters[name] for name, tensor in before.items() if _storage(parameters[name]) != _storage(tensor)
        }

        @contextmanager
        def as_base() -> Iterator[None]:
            with with_values(model, moved, lambda name, _: values_here(model, before[name])), disabled(model):
                yield

        fit = optimise(config, job, Trainable(own, as_base, kind=Adapter))
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(fit.best[name])
        state, settings = adapter_state(model), config_as_json(peft)
        if moved:  # PiSSA moves its initial values out of the weights
            state, settings = _difference(state, first), _plain(settings)
        return Trained(Adapter(state, settings), fit, sum(parameter.numel() for parameter in own.values()))


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _difference(state: Mapping[str, Tensor], start: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The difference between the trained LoRA and its initial values, as a LoRA of twice the rank: `[B, −B₀] [A;
    A₀]`."""
    return {
        name: torch.cat([tensor, -start[name]], 1) if "lora_B" in name else torch.cat([tensor, start[name]], 0)
        for name, tensor in state.items()
    }


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a plain LoRA with twice the rank and the same scale."""
    return {**settings, "r": 2 * settings["r"], "lora_alpha": 2 * settings["lora_alpha"], "init_lora_weights": True}
