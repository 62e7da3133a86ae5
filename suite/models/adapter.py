"""PEFT adapters: inject them into a model's modules, read them, and remove them completely."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from peft import get_peft_config, get_peft_model_state_dict, set_peft_model_state_dict
from peft.config import PeftConfig
from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTunerLayer, cast_adapter_dtype
from peft.utils.integrations import dequantize_bnb_weight
from torch import Tensor, nn

from suite.core.errors import SuiteError

NAME = "default"


@contextmanager
def injected(
    model: nn.Module, config: PeftConfig | Mapping[str, Any], state: Mapping[str, Tensor] | None = None
) -> Iterator[dict[str, nn.Parameter]]:
    """Context manager: inject an adapter into a model; yields the adapter's own parameters by name.

    Without `state` the adapter has PEFT's initial values (random: seed torch first). On exit the model's modules are
    the same objects as before. Raises SuiteError if the configuration or the state does not fit the model.
    """
    with _fitting():
        settings = config if isinstance(config, PeftConfig) else get_peft_config(dict(config))
    children = [(parent, name, child) for parent in model.modules() for name, child in parent._modules.items()]
    frozen = [(parameter, parameter.requires_grad, parameter.data) for parameter in model.parameters()]
    training = model.training
    try:
        with _fitting():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                PEFT_TYPE_TO_TUNER_MAPPING[settings.peft_type](model, settings, NAME)
                cast_adapter_dtype(model, NAME)  # float32: a bfloat16 adapter would lose small steps
                _answer_as_asked(model)
            if state is not None:
                _set_state(model, state)
        model.train(training)
        own = {id(parameter) for parameter, *_ in frozen}
        yield {name: value for name, value in model.named_parameters() if id(value) not in own}
    finally:
        for parent, name, child in children:
            parent._modules[name] = child
        for parameter, required, data in frozen:
            parameter.requires_grad_(required)
            parameter.data = data  # PiSSA subtracts a part of it
        if hasattr(model, "peft_config"):
            del model.peft_config


@contextmanager
def _fitting() -> Iterator[None]:
    """Turn errors of PEFT about a configuration or state into a SuiteError of one line."""
    try:
        yield
    except (SuiteError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # an adapter may come from elsewhere, and PEFT does not document its exceptions
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise SuiteError(f"the adapter does not fit this model: {reason}") from error


@contextmanager
def disabled(model: nn.Module) -> Iterator[None]:
    """Let a model with an injected adapter answer as it does without it."""
    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    required = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        for layer in layers:
            layer.enable_adapters(False)
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)
        for parameter, was in required:  # PEFT changes these, too
            parameter.requires_grad_(was)


def is_active(model: nn.Module) -> bool:
    """Whether every layer of the injected adapter is active: neither disabled nor merged."""
    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    on = (NAME in layer.active_adapters and not layer.disable_adapters and not layer.merged for layer in layers)
    return bool(layers) and all(on)


@torch.no_grad()
def merged_changes(model: nn.Module) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(name, value, change) of each parameter that the injected adapter may change; merging it would add the change.

    Names are those without the adapter; changes are float32. A generator; the model's values are restored bit for bit.
    Of weights in 4 or 8 bits, value and change are those of the weights that they stand for.
    """
    for path, module in model.named_modules():
        if not isinstance(module, BaseTunerLayer):
            continue
        if _in_few_bits(module):
            yield f"{path}.weight", *_change_in_few_bits(module)
            continue
        base: Any = module.get_base_layer()
        path = path.removesuffix(".base_layer")  # of experts in one tensor each, PEFT wraps the module once a tensor
        before = {name: parameter.data for name, parameter in base.named_parameters(recurse=False)}
        try:
            for name, parameter in base.named_parameters(recurse=False):
                parameter.data = before[name].float().clone()
            module.merge()
            changes = {
                name: parameter.data - before[name].float() for name, parameter in base.named_parameters(recurse=False)
            }
        finally:
            module.merged_adapters.clear()
            for name, parameter in base.named_parameters(recurse=False):
                parameter.data = before[name]
        for name, change in changes.items():
            yield f"{path}.{name}", before[name], change


def _in_few_bits(module: Any) -> bool:
    """Whether an injected layer is over a weight in 4 or 8 bits."""
    weight = getattr(module.get_base_layer(), "weight", None)
    return isinstance(weight, Tensor) and not weight.is_floating_point()


def _answer_as_asked(model: nn.Module) -> None:
    """Let injected layers over weights in few bits answer in the type of their input; PEFT's IA³ answers in float32."""
    for module in model.modules():
        if isinstance(module, BaseTunerLayer) and _in_few_bits(module):
            module.register_forward_hook(lambda _, inputs, output: output.to(inputs[0].dtype))


def _change_in_few_bits(module: Any) -> tuple[Tensor, Tensor]:
    """(weight, change by LoRA's product or IA³'s factors), both float32, of a layer whose weight is quantised."""
    base = module.get_base_layer()
    weight = dequantize_bnb_weight(base.weight, getattr(base, "state", None)).float()
    if hasattr(module, "ia3_l"):
        return weight, weight * (module.ia3_l[NAME].float() - 1)
    return weight, module.get_delta_weight(NAME).float()


def adapter_state(model: nn.Module) -> dict[str, Tensor]:
    """Copies of the injected adapter's tensors, under PEFT's names."""
    state = get_peft_model_state_dict(model, adapter_name=NAME, save_embedding_layers=False)
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}


def config_as_json(config: PeftConfig) -> dict[str, Any]:
    """PEFT's configuration as plain JSON values, with sorted sets and without paths."""
    plain = {**config.to_dict(), "base_model_name_or_path": None, "inference_mode": False}
    return dict(json.loads(json.dumps(plain, default=_plain)))


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return getattr(value, "value", str(value))


def _set_state(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    expected = set(get_peft_model_state_dict(model, adapter_name=NAME, save_embedding_layers=False))
    if expected != set(state):
        unmatched = sorted(expected ^ set(state))
        raise SuiteError(
            f"the adapter does not fit this model: {len(unmatched)} tensors do not match, {unmatched[0]} among them"
        )
    set_peft_model_state_dict(model, dict(state), adapter_name=NAME)
