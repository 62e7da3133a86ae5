"""Artifacts and checkpoints of any content: they are put on a model and answer, or are refused in one line."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from random import Random

import torch
from peft import IA3Config, LoraConfig
from safetensors.torch import save_file

from suite.inference.decode import Stops, decode
from suite.models.adapter import adapter_state, config_as_json, injected
from suite.models.apply import applied
from suite.models.artifact_files import RECORD, TENSORS
from suite.models.artifacts import Artifact, load_artifact
from suite.models.artifacts.adapter import Adapter
from suite.models.artifacts.joint import Joint
from suite.models.artifacts.prefix import Prefix
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.artifacts.singular import Singular
from suite.models.artifacts.weights import Weights
from suite.models.backbone import Backbone
from suite.models.singular import matrices
from suite.training.checkpoint import Checkpoint, Writer, read_checkpoint
from suite.training.prefixes import TrainedPrefix
from tests.fuzz.fuzzing import corrupted, junk, mutated, survive
from tests.models.tiny_models import tiny_backbone


def artifacts(backbone: Backbone) -> list[Artifact]:
    """One of each kind that fits the model."""
    torch.manual_seed(0)
    weights = {
        name: value.detach() + 0.1 for name, value in backbone.model.named_parameters() if "layers.0.mlp" in name
    }
    adapters = []
    configs = (LoraConfig(r=2, target_modules=["q_proj"]), IA3Config(target_modules=["v_proj"], feedforward_modules=[]))
    for config in configs:
        with injected(backbone.model, config):
            adapters.append(Adapter(adapter_state(backbone.model), config_as_json(config)))
    names = matrices(backbone.model, "mlp")[:2]
    own = dict(backbone.model.named_parameters())
    values = {name: torch.linalg.svdvals(own[name].detach()) for name in names}
    masks = {name: torch.full_like(each, 0.5) for name, each in values.items()}
    vectors = torch.randn(3, backbone.width)
    return [
        SoftPrompt(vectors), Prefix(TrainedPrefix(backbone, 3, None, seed=0).vectors()), *adapters, Weights(weights),
        Singular(masks, values, True), Joint(vectors, weights),
    ]  # fmt: skip


def odd(tensors: dict[str, torch.Tensor], rng: Random) -> dict[str, torch.Tensor]:
    """Tensors with another shape, type, name or value, or without one."""
    found, name = dict(tensors), rng.choice(sorted(tensors))
    value = found.pop(name)
    kind = rng.randrange(6)
    if kind == 0:
        found[name] = value.flatten()
    elif kind == 1:
        found[name] = value[..., :1].contiguous()
    elif kind == 2:
        found[name] = value.to(rng.choice([torch.int64, torch.bfloat16, torch.bool, torch.float64]))
    elif kind == 3:
        found[rng.choice(["x", "", "a|b", f"{name}.x"])] = value
    elif kind == 4:
        found[name] = value * rng.choice([float("nan"), float("inf")])
    return found


def test_any_artifact_works_or_is_refused_in_one_line(tmp_path: Path) -> None:
    backbone = tiny_backbone("decoder")
    kinds = artifacts(backbone)
    for place, artifact in enumerate(kinds):
        artifact.save(tmp_path / f"sound{place}", base="base")

    def once(rng: Random) -> None:
        sound = tmp_path / f"sound{rng.randrange(len(kinds))}"
        folder = tmp_path / str(rng.random())
        folder.mkdir()
        record, tensors = (sound / RECORD).read_bytes(), (sound / TENSORS).read_bytes()
        kind = rng.random()
        if kind < 0.2:
            tensors = corrupted(tensors, rng)
        elif kind < 0.3:
            record = corrupted(record, rng)
        elif kind < 0.5:
            record = json.dumps(mutated(json.loads(record), rng)).encode("utf-8", "replace")
        (folder / RECORD).write_bytes(record)
        (folder / TENSORS).write_bytes(tensors)
        if kind > 0.5:  # one that is sound by itself and does not fit, as a bundle made elsewhere may be
            remade(load_artifact(folder, "base"), rng, folder)
        artifact = load_artifact(folder, "base")
        with applied(backbone, [artifact]) as stack:
            decode(stack, [(7, 8, 9)], max_new_tokens=2, stops=Stops(backbone.tokenizer, ()))

    survive("artifacts", once)
    assert all(not module._forward_pre_hooks for module in backbone.model.modules())


def remade(artifact: Artifact, rng: Random, folder: Path) -> None:
    """Save the artifact with other tensors or settings, and with the hash that these have."""
    from suite.models import artifacts as module

    settings, tensors = dict(artifact.settings), dict(artifact.tensors)
    if rng.random() < 0.5 and settings:
        changed = mutated(json.loads(json.dumps(settings)), rng)
        settings = changed if "NaN" not in json.dumps(changed) and "Infinity" not in json.dumps(changed) else settings
    else:
        tensors = odd(tensors, rng)
    made = module._from_saved(artifact.kind, tensors, settings, folder)
    if rng.random() < 0.2 and tensors:
        save_file({name: each.contiguous() for name, each in tensors.items()}, folder / TENSORS)
    made.save(folder, base="base")


def test_any_checkpoint_is_read_or_refused(tmp_path: Path) -> None:
    sound = Checkpoint({"a": {"x": torch.ones(3)}, "b": {"y": torch.zeros(2, 2)}}, {"step": 3, "loss": [1.0]})
    writer = Writer(tmp_path)
    writer.write(sound)
    assert writer.close() is None
    (file,) = tmp_path.glob("*.safetensors")
    whole = file.read_bytes()

    def once(rng: Random) -> None:
        file.write_bytes(corrupted(whole, rng) if rng.random() < 0.9 else str(junk(rng)).encode("utf-8", "replace"))
        with suppress(ValueError):  # what its callers expect: they begin anew, and say so
            assert read_checkpoint(tmp_path) is not None

    survive("checkpoints", once)
