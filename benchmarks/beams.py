"""Beam search: ours against transformers' `generate`, on the same prompts, in one process with equal threads.

`python -m benchmarks.beams` answers prompts of held-out tasks with both bundled models. `generate` gets all of them in
one padded batch, and one by one. Both must give the same tokens; otherwise it stops and shows the difference. Seconds
are processor time on a CPU and wall time on a GPU; `--json FILE` writes the sums.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.sides import timed
from suite.evaluation.lm import StackLM
from suite.inference.beam import beam
from suite.inference.decode import end_tokens
from suite.inference.state import Ids, padded
from suite.models.adapted import AdaptedModel
from suite.models.backbone import load_backbone
from suite.models.source import locate
from suite.specs import Options, load, shipped
from suite.tasks.data import DataLocations
from suite.tasks.load import load_task


def generated(adapted: AdaptedModel, prompts: Sequence[Ids], limit: int, width: int) -> list[list[int]]:
    """Answers of `generate` to one batch, up to the end token."""
    ends, two_sided = sorted(end_tokens(adapted)), adapted.backbone.shape == "encoder-decoder"
    ids, mask = padded(prompts, adapted, side="right" if two_sided else "left")
    found = adapted.backbone.model.generate(
        input_ids=ids, attention_mask=mask, num_beams=width, do_sample=False, max_new_tokens=limit, eos_token_id=ends
    )
    new = found[:, 1 if two_sided else ids.shape[1] :].tolist()
    return [next((row[:at] for at, token in enumerate(row) if token in ends), row) for row in new]


def compare(adapted: AdaptedModel, prompts: Sequence[Ids], limit: int, width: int, times: int) -> tuple[float, ...]:
    """Seconds of ours, of `generate` in one batch, and one by one. Raises SystemExit if an answer differs."""
    device = adapted.backbone.device
    ours, said = timed(lambda: beam(adapted, prompts, max_new_tokens=limit, beams=width), device, times)
    batch, right = timed(lambda: generated(adapted, prompts, limit, width), device, times)
    single, alone = timed(lambda: [generated(adapted, [each], limit, width)[0] for each in prompts], device, 1)
    for place, (answer, *others) in enumerate(zip(said, alone, right, strict=True)):
        if any(other != answer for other in others):
            raise SystemExit(f"not equal: prompt {place}: {answer}, by generate {others}")
    return ours, batch, single


def main() -> None:
    """Run the comparisons and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beams", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default=None)
    parser.add_argument("--documents", type=int, default=32)
    parser.add_argument("--width", type=int, default=4)
    parser.add_argument("--times", type=int, default=3, help="runs of each, of which the fastest counts")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    told = {}
    for name, track in (("micro decoder", "micro"), ("micro encoder-decoder", "micro-t5")):
        (experiment,) = load([shipped() / "pretrained.yaml"], Options(track=track))
        backbone = load_backbone(locate(experiment.track.model, None), given.device)
        adapted = AdaptedModel(backbone, backbone.model)
        sums = [0.0, 0.0, 0.0]
        for role, shots in (("triviaqa", 1), ("triviaqa", 4), ("wmt16_ende", 1), ("xsum", 4)):
            task = load_task(experiment.tasks[role], DataLocations(), shots=shots, limit=given.documents)
            task.build_all_requests()
            asked = [each.args for each in task.instances]
            lm = StackLM(adapted, batch_tokens=1, max_length=experiment.track.budget.max_length)
            limit, _ = lm._settings(asked[0][1])
            prompts = lm._prompts([text for text, _ in asked], lm._room(limit))
            seconds = compare(adapted, prompts, limit, given.width, given.times)
            sums = [total + each for total, each in zip(sums, seconds, strict=True)]
            tell(f"{name} {role} {shots}-shot", *seconds)
        tell(f"{name} all", *sums)
        told[name] = {"ours": sums[0], "generate": sums[1], "one by one": sums[2], "ratio": sums[1] / sums[0]}
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def tell(name: str, ours: float, batch: float, single: float) -> None:
    """Print one line of results."""
    print(
        f"{name:36} ours {ours:.2f} s, generate {batch:.2f} s in one batch ({batch / ours:.2f}x), "
        f"{single:.2f} s one by one ({single / ours:.1f}x)",
        flush=True,
    )


if __name__ == "__main__":
    main()
