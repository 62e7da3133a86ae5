"""Training: `fit` against transformers' `Trainer`, in trained tokens per second, in one process.

`python -m benchmarks.training` trains the bundled decoder and the bundled encoder-decoder: all weights by AdamW and by
Adafactor, and a soft prompt (theirs is PEFT's) by AdamW. `--path FOLDER --data FOLDER` uses another model, with the
settings of track `smol-cpu`. Both sides have the same initial values, examples, batch size, optimiser (fused AdamW),
schedule, clipping and precision. `Trainer` runs as usual, with its own order of examples and transformers' collator
(the ratio). It also runs on our batches, for a decoder without a mask, which is faster (the ratio on our batches). It
does not log, save or evaluate.

Losses on our batches must agree to a relative 1e-4 at the first steps. After training, losses on other examples must
agree within the variation over several orders; otherwise it stops. Padding does not count as tokens. Seconds are
processor time on a CPU and wall time on a GPU. The sides run alternately, and the fastest run of each counts. Loading
models and encoding examples is not counted. `--json FILE` writes the figures.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from benchmarks.trainers import Ran, ours, theirs
from suite.models.backbone import Backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.specs import Experiment, Options, load, shipped
from suite.tasks.data import DataLocations
from suite.tasks.load import training_examples
from suite.training.config import FitConfig
from suite.training.data.batches import Batches
from suite.training.data.examples import encode
from suite.training.prompts import start_vectors

SOFT = 20
"""Number of soft vectors, as in the tracks."""
FIRST = 2
"""Number of steps at which losses must agree; later, rounding makes them diverge."""
TOLERANCE = 1e-4
HELD = 128
"""Maximum number of examples for the loss after training; they are not trained on."""
LEAST_SPREAD = 0.15
"""Losses within this share of each other count as equal, however little they vary with the order of examples."""


@dataclass(frozen=True)
class Case:
    """What is trained, on which role of the track, with which settings."""

    name: str
    role: str
    prompt: bool
    settings: dict[str, Any]


CASES = (
    Case("all weights, RTE", "rte", False, {"learning_rate": 5e-4, "schedule": "linear", "clip": 1.0}),
    Case("all weights, En-Fr", "wmt14_enfr", False, {"learning_rate": 5e-4, "schedule": "linear", "clip": 1.0}),
    Case("all weights, RTE, Adafactor", "rte", False, {"learning_rate": 1e-3, "optimizer": "adafactor", "clip": None}),
    Case("soft prompt, RTE", "rte", True, {"learning_rate": 5e-2, "clip": None}),
    Case("soft prompt, En-Fr", "wmt14_enfr", True, {"learning_rate": 5e-2, "clip": None}),
)


def budget(experiment: Experiment, steps: int, settings: dict[str, Any]) -> FitConfig:
    """The track's batch size and length with a case's settings. Nothing is selected, so that only training is
    measured."""
    track = experiment.track.budget
    usual: dict[str, Any] = {
        "optimizer": "adamw", "schedule": "constant", "warmup": 0, "weight_decay": 0.0, "label_smoothing": 0.0,
        "dropout": 0.0, "select_every": None, "stop_at_score": None, "compute_precision": track.precision,
    }  # fmt: skip
    size, length = track.batch_size, track.max_length
    return FitConfig(steps=steps, batch_size=size, micro_batch=size, max_length=length, **{**usual, **settings})


def measure(
    backbone: Backbone, experiment: Experiment, locations: DataLocations, case: Case, steps: int, times: int
) -> dict[str, Any]:
    """Tokens per second of both sides. Raises SystemExit if they do not learn the same."""
    terms = budget(experiment, steps, case.settings)
    count, length = terms.batch_size * steps, terms.max_length
    texts = training_examples(experiment.tasks[case.role], locations)[: count + min(HELD, count)]
    soft = SOFT if case.prompt else 0
    encoded = encode(backbone, texts, max_length=length, soft_length=soft).examples
    trained, rest = encoded[:count], encoded[count:]
    held = Batches(backbone, rest, batch_size=len(rest), seed=0).parts(0, terms.batch_size)
    start = start_vectors(backbone, SOFT, "vocab", 0) if case.prompt else None
    mine: list[Ran] = []
    same: list[Ran] = []
    usual: list[Ran] = []
    for seed in range(times):
        batches = Batches(backbone, trained, batch_size=terms.batch_size, seed=seed)
        if seed == 0:  # one-time costs of the process (imports, kernels, memory pages) are not counted
            for side in (ours, theirs):
                side(backbone, batches, replace(terms, steps=1), start, held[:1])
        mine.append(ours(backbone, batches, terms, start, held))
        same.append(theirs(backbone, batches, terms, start, held))
        usual.append(theirs(backbone, batches, terms, start, held, usual=True, seed=seed))
    apart = [
        [abs(a - b) / abs(b) for a, b in zip(one.losses, other.losses, strict=True)]
        for one, other in zip(mine, same, strict=True)
    ]
    first = max(max(each[:FIRST]) for each in apart)
    if first > TOLERANCE:
        raise SystemExit(f"{case.name}: the losses of the same batches are {first:.1e} of their value apart")
    losses = [[run.held for run in side] for side in (mine, usual)]
    if not alike(*losses):
        raise SystemExit(f"{case.name}: the losses afterwards are {losses[0]}, and {losses[1]} by Trainer")
    tokens = sum(example.length for example in trained)
    ran, their, on_ours = (min(run.seconds for run in side) for side in (mine, usual, same))
    return {
        "tokens": tokens, "steps": steps, "ours": tokens / ran, "Trainer": tokens / their, "ratio": their / ran,
        "Trainer on our batches": tokens / on_ours, "ratio on our batches": on_ours / ran,
        "share of padding": {"ours": 1 - tokens / mine[0].positions, "Trainer": 1 - tokens / usual[0].positions},
        "losses afterwards": {"ours": losses[0], "Trainer": losses[1]},
        "apart at first": first, "apart at last": max(each[-1] for each in apart),
    }  # fmt: skip


def alike(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Whether losses of runs with several orders of examples agree within the variation that the order causes."""
    spread = max(max(side) - min(side) for side in (ours, theirs))
    return abs(fmean(ours) - fmean(theirs)) <= max(2 * spread, LEAST_SPREAD * fmean(theirs))


def compare(
    *,
    device: str | None = None,
    path: str | None = None,
    data: Path | None = None,
    steps: int | None = None,
    times: int = 3,
    only: str = "",
) -> dict[str, Any]:
    """All figures, printed as they are measured: model -> case -> figures. `only` is a part of `model, case`."""
    models = [("micro decoder", "micro", ModelSource(bundled="micro-llama")),
              ("micro encoder-decoder", "micro-t5", ModelSource(bundled="micro-t5", sentinels=True))]  # fmt: skip
    if path:
        models = [(Path(path).name, "smol-cpu", ModelSource(path=path))]
    locations = DataLocations.of(data) if data else DataLocations()
    told: dict[str, Any] = {}
    names = [f"{name}, {case.name}" for name, *_ in models for case in CASES]
    if not any(only in each for each in names):
        raise SystemExit(f"there is no '{only}' in: {'; '.join(names)}")
    for name, track, source in models:
        cases = [case for case in CASES if only in f"{name}, {case.name}"]
        if not cases:
            continue
        # it has both targets
        (experiment,) = load([shipped() / "promot" / "finetune_mix.yaml"], Options(track=track))
        backbone = load_backbone(locate(source, None), device)
        print(f"{name}, batches of {experiment.track.budget.batch_size}", flush=True)
        for case in cases:
            row = measure(backbone, experiment, locations, case, steps or (4 if path else 30), times)
            told.setdefault(name, {})[case.name] = row
            print(
                f"  {case.name:28} ours {row['ours']:9,.0f} tokens/s, Trainer {row['Trainer']:9,.0f}: "
                f"{row['ratio']:.2f}x; on our batches {row['Trainer on our batches']:9,.0f}: "
                f"{row['ratio on our batches']:.2f}x (losses {row['apart at first']:.0e} apart at first, "
                f"{row['apart at last']:.0e} at the end)",
                flush=True,
            )
    return told


def main() -> None:
    """Run the comparisons and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default=None)
    parser.add_argument("--path", help="a model's folder, instead of the bundled models")
    parser.add_argument("--data", type=Path, help="a data folder, for `--path`")
    parser.add_argument("--steps", type=int, help="of a run (30, or 4 with `--path`)")
    parser.add_argument(
        "--times",
        type=int,
        default=3,
        help="orders of the examples, of which the fastest counts",
    )
    parser.add_argument("--only", default="", help="a part of `model, case`, as the table has it")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    machine = f"{platform.machine()}, {given.threads} threads, torch {torch.__version__}"
    print(machine)
    told = compare(
        device=given.device, path=given.path, data=given.data, steps=given.steps, times=given.times, only=given.only
    )
    if given.json:
        given.json.write_text(json.dumps({"machine": machine, **told}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
