"""A folder for `from_pretrained`: safetensors, configuration, tokenizer and generation settings."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig

from suite.core.errors import SuiteError
from suite.inference.decode import end_tokens
from suite.models.adapted import AdaptedModel
from suite.models.apply import applied
from suite.models.artifacts import Artifact
from suite.models.backbone import Backbone


def write_weights(backbone: Backbone, artifacts: Sequence[Artifact], folder: Path, dtype: torch.dtype) -> None:
    """Write the base model with artifacts in its weights, as numbers of a type, and its tokenizer.

    Artifacts that are no values of the model's own parameters are merged into these, computed in float32. Raises
    SuiteError for one that changes a weight which two parts of the model share.
    """
    merged = _merged(backbone, artifacts)
    with applied(backbone, [each for each in artifacts if each.replaces_values]):
        state = {**backbone.model.state_dict(), **merged}
        _save(backbone, _cast(state, dtype), folder, dtype)
    backbone.tokenizer.save_pretrained(folder)


@torch.no_grad()
def _merged(backbone: Backbone, artifacts: Sequence[Artifact]) -> dict[str, Tensor]:
    """New values of the parameters that artifacts change without giving them values; {} if there are none."""
    if all(each.replaces_values for each in artifacts):
        return {}
    parameters = dict(backbone.model.named_parameters())
    twice = _shared(backbone.model)
    values: dict[str, Tensor] = {}
    with applied(backbone, artifacts) as current:
        names = {parameter.data.data_ptr(): name for name, parameter in parameters.items()}
        for each in current.applied:
            if each.part.replaces_values:
                continue
            for _, weight, change in each.part.changes(current, each.replaced):
                name = names[weight.data.data_ptr()]
                if not bool(change.any()):
                    continue
                if name in twice:
                    what = f"'{name}' cannot be changed alone: other parts of the model share its values"
                    raise SuiteError(what, where="--merge", fix="save without merging")
                values[name] = values.get(name, weight.float()) + change
    return values


def _shared(model: torch.nn.Module) -> frozenset[str]:
    """The parameters that have more than one name."""
    owners: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        owners.setdefault(id(parameter), []).append(name)
    return frozenset(name for names in owners.values() if len(names) > 1 for name in names)


def _cast(state: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Floating-point tensors in another type; those that share memory still do."""
    made: dict[tuple[int, torch.Size], Tensor] = {}
    for tensor in state.values():
        key = (tensor.data_ptr(), tensor.shape)
        if key not in made:
            made[key] = tensor.detach().to(dtype) if tensor.is_floating_point() else tensor.detach()
    return {name: made[tensor.data_ptr(), tensor.shape] for name, tensor in state.items()}


def _save(backbone: Backbone, state: dict[str, Tensor], folder: Path, dtype: torch.dtype) -> None:
    """`save_pretrained` of these values."""
    model: Any = backbone.model
    _forget_quantisation(model)
    own, model.generation_config = model.generation_config, generation_config(backbone)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what transformers will rename
            model.save_pretrained(folder, state_dict=state)
    finally:
        model.generation_config = own
    file = folder / "config.json"  # it has the type in memory, and loading follows it
    config = json.loads(file.read_text(encoding="utf-8"))
    config["dtype"] = str(dtype).removeprefix("torch.")
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _forget_quantisation(model: Any) -> None:
    """A GGUF file's weights are plain numbers once they are loaded; transformers still calls them quantised."""
    model.hf_quantizer = None
    model.is_quantized = False
    if getattr(model.config, "quantization_config", None) is not None:
        del model.config.quantization_config


def generation_config(backbone: Backbone) -> GenerationConfig:
    """Greedy decoding with the end tokens that evaluation stops at: a model's own defaults are not applied there."""
    ends = sorted(end_tokens(AdaptedModel(backbone, backbone.model)))
    ids = {"bos_token_id": backbone.tokenizer.bos_token_id, "pad_token_id": backbone.pad_id}
    if backbone.shape == "encoder-decoder":
        ids["decoder_start_token_id"] = backbone.start_id
    return GenerationConfig(eos_token_id=ends[0] if len(ends) == 1 else ends, do_sample=False, **ids)
