"""A stack that is put on is the artifacts', all of them, and nothing else; no verdict leans on the last digits."""

from __future__ import annotations

import pytest
import torch
from peft import LoraConfig

from suite.core.errors import SuiteError
from suite.models.adapted import AdaptedModel
from suite.models.adapter import adapter_state, config_as_json, disabled, injected
from suite.models.apply import applied
from suite.models.artifacts import Artifact
from suite.models.artifacts.adapter import Adapter
from suite.models.artifacts.joint import Joint
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.artifacts.weights import Weights
from suite.models.backbone import Backbone, as_backbone
from suite.models.in_effect import assert_in_effect
from tests.models.tiny_models import SHAPES, tiny_backbone

pytestmark = pytest.mark.numeric

PROBED = 8
"""Token ids that the probe reads: 1 × 7919, 2 × 7919 … modulo the vocabulary."""


def lora(backbone: Backbone, config: LoraConfig | None = None, *, size: float = 1.0) -> Adapter:
    """A LoRA whose `B` (or `A`, of an embedding) has entries of this size; as PEFT starts it they are 0."""
    config = config or LoraConfig(r=2, init_lora_weights=True)
    with injected(backbone.model, config) as own, torch.no_grad():
        for name, parameter in own.items():
            if "lora_B" in name or "embedding_A" in name:
                parameter.fill_(size)
        return Adapter(adapter_state(backbone.model), config_as_json(config))


def unprobed(backbone: Backbone) -> int:
    """A token that the probe does not read."""
    size = backbone.model.get_input_embeddings().weight.shape[0]
    return next(each for each in range(size) if each not in {place * 7919 % size for place in range(1, PROBED + 1)})


def accepted(backbone: Backbone, *artifacts: Artifact) -> None:
    with applied(backbone, artifacts) as current:
        assert_in_effect(current)


def refused(backbone: Backbone, *artifacts: Artifact, match: str = "changes nothing") -> None:
    with applied(backbone, artifacts) as current, pytest.raises(SuiteError, match=match):
        assert_in_effect(current)


def own_weights(backbone: Backbone) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in backbone.model.named_parameters()}


def test_weights_that_are_the_bases_own_are_refused(backbone: Backbone) -> None:
    refused(backbone, Weights(own_weights(backbone)))
    refused(backbone, Weights({}))


def test_an_adapter_that_was_not_trained_is_refused(backbone: Backbone) -> None:
    refused(backbone, lora(backbone, size=0.0))


def test_an_adapter_too_small_to_act_is_refused_even_where_a_weight_is_zero() -> None:
    loaded = tiny_backbone("decoder")
    with torch.no_grad():
        loaded.model.get_parameter("model.layers.0.self_attn.v_proj.weight")[3, 4] = 0.0
    backbone = as_backbone(loaded.model, loaded.tokenizer, "with a zero", device="cpu")
    refused(backbone, lora(backbone, size=1e-30))
    accepted(backbone, lora(backbone, size=1e-3))


def test_a_method_that_hardly_learned_is_in_effect_whatever_its_logits_are(backbone: Backbone) -> None:
    state = own_weights(backbone)
    name = next(name for name in state if state[name].ndim == 2)
    smallest = state[name].abs().argmin()
    state[name].view(-1)[smallest] += 1e-9  # no sum over a row shows it
    accepted(backbone, Weights({name: state[name]}))


def test_an_adapter_on_embeddings_is_in_effect_though_the_probe_has_none_of_its_tokens() -> None:
    backbone = tiny_backbone("decoder")
    token = unprobed(backbone)
    whole = lora(backbone, LoraConfig(r=2, target_modules=["embed_tokens"]))
    state = {
        name: torch.where(torch.arange(tensor.shape[1]) == token, tensor, 0.0) if "embedding_A" in name else tensor
        for name, tensor in whole.state.items()
    }
    accepted(backbone, Adapter(state, whole.peft))


@pytest.mark.parametrize("table", ["model.embed_tokens.weight", "lm_head.weight"])
def test_one_row_of_the_embeddings_or_of_the_head_is_enough(table: str) -> None:
    backbone = tiny_backbone("decoder", tied=False)
    weight = own_weights(backbone)[table]
    weight[unprobed(backbone)] += 0.5
    accepted(backbone, Weights({table: weight}))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_artifact_of_a_stack_has_to_act(shape: str) -> None:
    backbone = tiny_backbone(shape)  # type: ignore[arg-type]
    prompt = SoftPrompt(torch.randn(3, backbone.width))
    refused(backbone, prompt, Weights(own_weights(backbone)))
    refused(backbone, prompt, lora(backbone, size=0.0))
    accepted(backbone, prompt, lora(backbone))
    accepted(backbone, Joint(prompt.vectors, {}))


def test_an_adapter_that_is_switched_off_or_overwritten_is_noticed() -> None:
    backbone = tiny_backbone("decoder")
    with applied(backbone, [lora(backbone)]) as current:
        with disabled(backbone.model), pytest.raises(SuiteError, match="does not hold the values"):
            assert_in_effect(current)
        assert_in_effect(current)
        with torch.no_grad():
            next(tensor for name, tensor in current.model.named_parameters() if "lora_B" in name).zero_()
        with pytest.raises(SuiteError, match="does not hold the values"):
            assert_in_effect(current)


def test_weights_that_were_overwritten_are_noticed() -> None:
    backbone = tiny_backbone("decoder")
    name, base = next(iter(own_weights(backbone).items()))
    with applied(backbone, [Weights({name: base + 0.1})]) as current:
        backbone.model.get_parameter(name).data = base
        with pytest.raises(SuiteError, match="does not hold the values"):
            assert_in_effect(current)


def test_a_stack_without_its_artifacts_is_noticed() -> None:
    backbone = tiny_backbone("decoder")
    with pytest.raises(SuiteError, match="are not those on the model"):
        assert_in_effect(AdaptedModel(backbone, backbone.model, None, ("another",)))


def test_what_was_left_on_the_base_is_noticed_under_any_stack(backbone: Backbone) -> None:
    prompt = SoftPrompt(torch.randn(3, backbone.width))
    with torch.no_grad():
        list(backbone.model.parameters())[1].view(-1)[0] += 1e-3
    refused(backbone, match="left on it")
    refused(backbone, prompt, match="left on it")
    refused(backbone, lora(backbone), match="left on it")


def test_a_module_that_was_left_on_the_base_is_noticed(backbone: Backbone) -> None:
    with injected(backbone.model, LoraConfig(r=2)):
        refused(backbone, match="left on it")
    accepted(backbone)
