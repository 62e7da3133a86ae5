"""Stacks: put on, proven, and taken off bit for bit."""

from __future__ import annotations

import pytest
import torch
from peft import LoraConfig

from suite.core.errors import SuiteError
from suite.models.adapter import adapter_state, config_as_json, injected
from suite.models.apply import applied
from suite.models.artifacts import Artifact
from suite.models.artifacts.adapter import Adapter
from suite.models.artifacts.prefix import Prefix
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.artifacts.weights import Weights
from suite.models.backbone import Backbone, Shape
from suite.models.in_effect import assert_in_effect
from tests.models.tiny_models import bits, tiny_backbone

pytestmark = pytest.mark.numeric


def lora(backbone: Backbone) -> Adapter:
    config = LoraConfig(r=2)
    torch.manual_seed(1)
    with injected(backbone.model, config) as own, torch.no_grad():
        for parameter in own.values():
            parameter.normal_()
        return Adapter(adapter_state(backbone.model), config_as_json(config))


def every_kind(backbone: Backbone) -> dict[str, Artifact]:
    names = [name for name, _ in backbone.model.named_parameters()]
    torch.manual_seed(2)
    return {
        "prompt": SoftPrompt(torch.randn(3, backbone.width)),
        "prefix": Prefix(torch.randn(2, 2, 2, 3, 16)),
        "adapter": lora(backbone),
        "weights": Weights({n: backbone.model.get_parameter(n) + 0.1 for n in (names[0], names[-2])}),
    }


KINDS = ["prompt", "weights", "prefix", "adapter"]


@pytest.mark.parametrize("kinds", [["prompt"], ["prefix"], ["adapter"], ["weights"], KINDS])
def test_the_base_is_what_it_was_after_any_stack(backbone: Backbone, kinds: list[str]) -> None:
    model, artifacts = backbone.model, every_kind(backbone)
    before, modules, parameters = bits(model), dict(model.named_modules()), dict(model.named_parameters())
    with applied(backbone, [artifacts[kind] for kind in kinds]) as current:
        assert_in_effect(current)
    with pytest.raises(ZeroDivisionError), applied(backbone, [artifacts[kind] for kind in kinds]):
        _ = 1 / 0
    assert bits(model) == before
    assert not hasattr(model, "peft_config")
    for old, new in ((modules, dict(model.named_modules())), (parameters, dict(model.named_parameters()))):
        assert list(old) == list(new)
        assert all(old[name] is new[name] for name in old)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    with applied(backbone, []) as current:
        assert_in_effect(current)


def test_tied_weights_stay_tied(backbone: Backbone) -> None:
    name, table = next(iter(backbone.model.named_parameters()))
    assert table is backbone.model.get_input_embeddings().weight
    with applied(backbone, [Weights({name: table + 1.0})]):
        head = backbone.model.get_output_embeddings().weight
        assert torch.equal(head, table)
        assert head is table


def test_identity_names_base_and_artifacts_in_order(backbone: Backbone) -> None:
    artifacts = every_kind(backbone)
    orders = ([], ["prompt"], ["prefix"], ["weights"], ["prompt", "weights"], ["weights", "prompt"])
    identities = []
    for kinds in orders:
        with applied(backbone, [artifacts[kind] for kind in kinds]) as current:
            identities.append(current.identity)
    assert len(set(identities)) == len(orders)


def test_what_does_not_fit_is_refused_and_leaves_nothing(backbone: Backbone) -> None:
    before = bits(backbone.model)
    adapter = lora(backbone)
    lost = Adapter(dict(list(adapter.state.items())[1:]), adapter.peft)
    nowhere = Adapter(adapter.state, {**adapter.peft, "target_modules": ["nowhere"]})
    name = next(iter(backbone.model.state_dict()))
    misfits: list[list[Artifact]] = [
        [SoftPrompt(torch.zeros(2, 5))], [Weights({"nowhere": torch.zeros(1)})], [Weights({name: torch.zeros(1)})],
        [SoftPrompt(torch.zeros(2, backbone.width))] * 2, [lost], [nowhere],
        [Prefix(torch.zeros(2, 2, 2, 16))], [Prefix(torch.zeros(1, 2, 2, 3, 16))], [Prefix(torch.zeros(2, 2, 2, 3, 8))],
    ]  # fmt: skip
    for artifacts in misfits:
        with pytest.raises(SuiteError), applied(backbone, artifacts):
            pass
        assert bits(backbone.model) == before


def padded(rows: list[list[int]], side: str) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, rows))
    pads = [[0] * (longest - len(row)) for row in rows]
    ids = [pad + row if side == "left" else row + pad for pad, row in zip(pads, rows, strict=True)]
    kept = [[0] * len(pad) + [1] * len(row) for pad, row in zip(pads, rows, strict=True)]
    return torch.tensor(ids), torch.tensor(kept if side == "left" else [list(reversed(mask)) for mask in kept])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("length", [0, 3])
def test_padding_stands_outside_of_soft_and_text(backbone: Backbone, side: str, length: int) -> None:
    rows = [[7, 8, 9, 10, 11], [12], [13, 14]]
    soft = torch.randn(length, backbone.width)
    with applied(backbone, [SoftPrompt(soft)] if length else []) as current:
        embeds, mask = current.embed(*padded(rows, side), side=side)  # type: ignore[arg-type]
        table = backbone.model.get_input_embeddings()
        assert current.soft_length == length
        assert embeds.shape[:2] == mask.shape == (3, 5 + length)
        for row, got, kept in zip(rows, embeds, mask, strict=True):
            assert torch.equal(got[kept.bool()], torch.cat([soft, table(torch.tensor(row))]))
            place = slice(5 - len(row), None) if side == "left" else slice(None, len(row) + length)
            assert bool(kept[place].all())
            assert int(kept.sum()) == len(row) + length


def test_a_soft_prompt_acts_alike_in_any_batch() -> None:
    backbone = tiny_backbone("decoder")
    rows = [[7, 8, 9, 10, 11], [12], [13, 14]]
    with applied(backbone, [SoftPrompt(torch.randn(3, backbone.width))]) as current, torch.no_grad():

        def last(batch: list[list[int]]) -> torch.Tensor:
            embeds, mask = current.embed(*padded(batch, "left"), side="left")
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            output = current.model(inputs_embeds=embeds, attention_mask=mask, position_ids=positions)
            return torch.as_tensor(output.logits[:, -1])

        torch.testing.assert_close(last(rows), torch.cat([last([row]) for row in rows]), rtol=1e-4, atol=1e-5)


def test_adapters_are_written_without_paths(shape: Shape) -> None:
    peft = lora(tiny_backbone(shape)).peft
    assert peft["target_modules"] == (["q_proj", "v_proj"] if shape == "decoder" else ["q", "v"])
    assert peft["base_model_name_or_path"] is None
