"""Memory: what the plan says of each step against the peak of PyTorch's allocator, in one process.

`python -m benchmarks.memory SPEC …` runs the steps of specs on their track, one after another, in a temporary home, and
prints for each training step the predicted and the measured peak of tensors, in MB and in bytes for each parameter of
the base. `--layers N --width D` uses a Llama of made-up weights with N layers of D units (768: 7.1 million parameters
each; 4,096: 201 million) instead: memory needs no real weights. `--set KEY=VALUE` changes settings, `--models FOLDER`
has the models, `--json FILE` writes the figures. On a GPU (`--device cuda`) the peak is that of CUDA's allocator. Files
that are mapped into memory do not count.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from suite.core.run_dir import RunDir
from suite.execution.session import Session
from suite.micro import MODELS
from suite.models.source import locate
from suite.planning import Inputs, Plan, make_plan
from suite.planning.steps import Evaluate, TakePart, Train
from suite.simulation.steps import PlanSimulation
from suite.simulation.training import without_values
from suite.specs import Options, load
from suite.specs.blocks import Track
from suite.tasks.data import DataLocations

BEGUN = "[begun]"


class Quiet:
    """A log that says nothing."""

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Called after each step."""

    def answered(self, done: int, total: int, tokens: int) -> None:
        """Called while an evaluation goes on."""

    def say(self, text: str) -> None:
        """Called with notices."""


def peak(prepare: Callable[[], Any], work: Callable[[], Any], device: str) -> tuple[int, Any]:
    """The most bytes that tensors took at once in `work`, with those of `prepare` before it; and its result."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated(device)
        prepare()
        torch.cuda.reset_peak_memory_stats(device)
        result = work()
        return torch.cuda.max_memory_allocated(device) - before, result
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        prepare()
        gc.collect()
        with record_function(BEGUN):
            pass
        result = work()
    events = profiled.profiler.kineto_results.events()  # type: ignore[union-attr]
    begun = next(event.start_ns() for event in events if event.name() == BEGUN)
    most = now = 0
    for at, change in sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]"):
        now += change
        most = max(most, now) if at >= begun else now
    return most, result


def made_up_model(folder: Path, layers: int, width: int, dtype: torch.dtype) -> None:
    """Write a Llama with the bundled tokenizer, whose weights are all equal."""
    tokenizer = AutoTokenizer.from_pretrained(MODELS / "micro-llama")
    config = LlamaConfig(
        hidden_size=width, intermediate_size=width * 8 // 3, num_hidden_layers=layers, num_attention_heads=width // 64,
        num_key_value_heads=width // 64, max_position_embeddings=512, vocab_size=len(tokenizer),
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, bos_token_id=tokenizer.bos_token_id,
    )  # fmt: skip
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model = model.to(dtype).to_empty(device="cpu")  # to draw billions of numbers would take minutes
    for name, parameter in model.named_parameters():
        parameter.data.fill_(1.0 if "norm" in name else 1 / width)
    model.tie_weights()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def loaded(session: Session, track: Track) -> None:
    """Load the base into memory: its tensors may be files that are mapped into memory, which would count."""
    for parameter in session.backbone(track).model.parameters():
        parameter.data = parameter.data.clone()


def measured(plan: Plan, session: Session, device: str) -> Iterator[dict[str, Any]]:
    """Yield the predicted and the measured bytes of each step in turn; the base is loaded within each."""
    hashes: dict[str, str] = {}
    steps = {step.id: step for step in plan.steps}
    on_gpu = device.startswith("cuda")
    with without_values(on_gpu=on_gpu) as tracker:
        simulation = PlanSimulation(session.inputs, tracker, on_gpu)
        predicted = {name: simulation.of(step, steps).total for name, step in steps.items()}
    for step in plan.steps:
        work, parents = step.work, {name: hashes[name] for name in step.parents}
        if isinstance(work, TakePart):
            hashes[step.id] = session.take_part(step, work, parents).artifact.hash
        if not isinstance(work, Train | Evaluate):
            continue
        session.release()
        session._backbones.clear()
        loading = partial(loaded, session, work.track)
        if isinstance(work, Train):
            most, outcome = peak(loading, partial(session.train, step, work, Quiet(), parents), device)
            hashes[step.id] = outcome.artifact.hash
        else:
            most, _ = peak(loading, partial(session.evaluate, step, work, parents), device)
        session.stored(step.id)
        parameters = locate(work.track.model, session.inputs.models).parameters
        yield {
            "title": step.title, "kind": step.kind, "predicted": predicted[step.id], "measured": most,
            "parameters": parameters,
        }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", nargs="+", type=Path)
    parser.add_argument("--track")
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--models", type=Path)
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--trained", action="store_true", help="leave out evaluations")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    with TemporaryDirectory() as folder:
        sets = list(arguments.sets)
        if arguments.layers:
            made = Path(folder) / "model"
            made_up_model(made, arguments.layers, arguments.width, getattr(torch, arguments.dtype))
            sets.append(f"model={{path: {made}, dtype: {arguments.dtype}}}")
        inputs = Inputs(DataLocations(tuple(arguments.data)), arguments.models)
        plan = make_plan(load(arguments.specs, Options(arguments.track, sets=tuple(sets))), inputs)
        session = Session(RunDir(Path(folder) / "home"), inputs, arguments.device)
        for row in measured(plan, session, arguments.device):
            if arguments.trained and row["kind"] != "train":
                continue
            rows.append(row)
            ratio, each = row["predicted"] / row["measured"], row["measured"] / row["parameters"]
            sizes = f"{row['predicted'] / 1e6:9.1f} {row['measured'] / 1e6:9.1f} MB {ratio:6.2f} {each:7.2f}"
            print(f"{sizes}  {row['title']}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
