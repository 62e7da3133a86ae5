"""A device against the CPU: the same answers, the same losses, the same gradients, with bounds in bfloat16.

`python -m benchmarks.equality --device cuda` loads the bundled models (or `--path FOLDER`) in float32 on the CPU and on
the device, and compares greedy answers to prompts of RTE, the loss of a batch, and its gradient. In float32, at most
`ANSWERS` of the answers may differ, and losses and gradients by at most `FLOAT32` of their size; in bfloat16, losses by
at most `BFLOAT16`. Otherwise the exit code is 1. `--json FILE` writes the figures.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from suite.inference.decode import Stops, decode
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.models.tokens import encode_prompt
from suite.specs import Options, load, shipped
from suite.tasks.data import DataLocations
from suite.tasks.load import Example, training_examples
from suite.training.data.batches import Batches
from suite.training.data.examples import encode
from suite.training.objectives.losses import answer_loss

ANSWERS = 0.02
"""Share of answers that may differ in float32: rounding may decide between two tokens."""
FLOAT32 = 1e-3
BFLOAT16 = 5e-2
NEW_TOKENS = 8


def answers(backbone: Backbone, examples: list[Example]) -> list[tuple[int, ...]]:
    """The tokens of greedy answers to some prompts."""
    adapted = AdaptedModel(backbone, backbone.model)
    prompts = [tuple(encode_prompt(backbone, example.prompt)) for example in examples]
    with torch.no_grad():
        found = decode(adapted, prompts, max_new_tokens=NEW_TOKENS, stops=Stops(backbone.tokenizer, ()))
    return [tuple(each.tokens) for each in found]


def loss_and_gradient(backbone: Backbone, examples: list[Example]) -> tuple[float, torch.Tensor]:
    """The mean loss of a token over a batch, and the gradient of the embeddings."""
    encoded = encode(backbone, examples, max_length=min(256, backbone.max_length), soft_length=0).examples
    (batch,) = Batches(backbone, encoded, batch_size=len(encoded), seed=0).parts(0, len(encoded))
    table = backbone.model.get_input_embeddings().weight
    table.requires_grad_(True)
    try:
        loss = answer_loss(AdaptedModel(backbone, backbone.model), batch.to(backbone.device)) / len(batch.answers)
        loss.backward()  # type: ignore[no-untyped-call]
        gradient = table.grad.detach().float().cpu()
    finally:
        table.grad = None
        table.requires_grad_(False)
    return float(loss.detach()), gradient


def compared(source: ModelSource, device: str, count: int, data: DataLocations) -> dict[str, float]:
    """How far the device is from the CPU with one model."""
    experiment = load([shipped() / "finetune_rte.yaml"], Options())[0]
    examples = list(training_examples(experiment.tasks["rte"], data))[:count]
    found: dict[str, tuple[list[tuple[int, ...]], float, torch.Tensor]] = {}
    for name, place, dtype in (
        ("cpu", "cpu", "float32"), ("float32", device, "float32"), ("bfloat16", device, "bfloat16")
    ):  # fmt: skip
        backbone = load_backbone(locate(source.model_copy(update={"dtype": dtype}), None), place)
        found[name] = (answers(backbone, examples), *loss_and_gradient(backbone, examples[:16]))
        del backbone
    usual = found.pop("cpu")
    figures: dict[str, float] = {"prompts": len(examples)}
    for name, (texts, loss, gradient) in found.items():
        figures[f"answers that differ, {name}"] = sum(a != b for a, b in zip(texts, usual[0], strict=True)) / len(texts)
        figures[f"loss, {name}"] = abs(loss - usual[1]) / abs(usual[1])
        figures[f"gradient, {name}"] = float((gradient - usual[2]).norm() / usual[2].norm())
    return figures


def wrong(figures: dict[str, float]) -> list[str]:
    """The figures that are out of bounds."""
    bounds = {
        "answers that differ, float32": ANSWERS, "loss, float32": FLOAT32, "gradient, float32": FLOAT32,
        "loss, bfloat16": BFLOAT16,
    }  # fmt: skip
    return [f"{name} is {figures[name]:.2g}, more than {bound:g}" for name, bound in bounds.items() if
            not figures[name] <= bound]  # fmt: skip


def main() -> None:
    """Compare, print, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.equality", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--path", help="a model's folder, besides the bundled ones")
    parser.add_argument("--prompts", type=int, default=128)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    sources = {name: ModelSource(bundled=name) for name in ("micro-llama", "micro-t5")}
    if given.path:
        sources[Path(given.path).name] = ModelSource(path=str(Path(given.path).resolve()))
    measured: dict[str, Any] = {}
    for name, source in sources.items():
        measured[name] = compared(source, given.device, given.prompts, DataLocations())
        print(name, {key: f"{value:.3g}" for key, value in measured[name].items()}, flush=True)
    if given.json:
        given.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    problems = [f"{name}: {problem}" for name, figures in measured.items() for problem in wrong(figures)]
    if problems:
        raise SystemExit("\n".join(problems))


if __name__ == "__main__":
    main()
