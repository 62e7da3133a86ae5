"""Evaluation: ours against lm-eval's own `HFLM`, on the same tasks, documents and threads, in one process.

`python -m benchmarks.evaluation` answers the eight held-out tasks at 1 and 4 shots with the bundled decoder and the
bundled encoder-decoder, and ten prompt-tuned variants of the decoder. `--path FOLDER --data FOLDER` uses a decoder's
folder and the tasks of track `smol-cpu` instead. It prints ratios of seconds; `--json FILE` writes them. Every answer
and score must be equal first; otherwise it stops and shows the difference. `HFLM` runs at each of `--sizes`, and its
best size counts for each task. On a CPU its "auto" is 64 rows plus the time to find that, so 64 is its better setting.
Seconds are processor time on a CPU and wall time on a GPU. Loading models and tasks is not counted.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.sides import Asked, differences, hflm, theirs, timed
from benchmarks.variants import compare_variants
from suite.evaluation.evaluate import EvaluationResult, evaluate
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.specs import Experiment, Options, load, shipped
from suite.tasks.data import DataLocations
from suite.tasks.load import load_task

SHOTS = (1, 4)


@dataclass(frozen=True)
class Case:
    """A comparison: a model, and tasks with a track's settings."""

    name: str
    track: str
    source: ModelSource


def asked(
    experiment: Experiment, locations: DataLocations, documents: int | None, roles: Sequence[str],
    shots: Sequence[int], max_length: int | None = None,
) -> list[Asked]:  # fmt: skip
    """Tasks of a track at each shot count, with the track's settings except for the given ones."""
    track = experiment.track
    limit = documents or track.held_out.documents
    return [
        Asked(
            f"{role} {count}-shot", load_task(experiment.tasks[role], locations, shots=count, limit=limit),
            max_length or track.budget.max_length, track.decoding.batch_tokens,
        )
        for role in roles for count in shots
    ]  # fmt: skip


def ours(adapted: AdaptedModel, each: Asked) -> EvaluationResult:
    """The same evaluation by `suite`; each run tokenises its prompts again, as `HFLM` does."""
    adapted.backbone.ids.forget()
    return evaluate(adapted, each.task, batch_tokens=each.batch_tokens, max_length=each.max_length)


def compare(backbone: Backbone, tasks: Sequence[Asked], sizes: Sequence[int | str], times: int) -> dict[str, Any]:
    """Seconds of both sides for each task. Raises SystemExit if an answer or a score differs."""
    adapted, rows = AdaptedModel(backbone, backbone.model), {}
    ours(adapted, tasks[0])  # one-time costs of the process (imports, kernels) are not counted
    for each in tasks:
        mine, result = timed(lambda each=each: ours(adapted, each), backbone.device, times)
        by_size = {}
        for size in sizes:
            lm = hflm(backbone.model, backbone, size, each.max_length)
            by_size[str(size)], found = timed(
                lambda lm=lm, each=each: theirs(lm, each, backbone), backbone.device, times
            )
            if lines := differences(found, result, each):
                raise SystemExit(f"not equal: {lines[0]}")
        rows[each.name] = {"ours": mine, **{f"lm-eval {size}": took for size, took in by_size.items()},
                           "ratio": min(by_size.values()) / mine}  # fmt: skip
        print(
            f"  {each.name:22} ours {mine:7.2f} s, lm-eval "
            + ", ".join(f"{took:.2f} s at {size}" for size, took in by_size.items())
            + f": {rows[each.name]['ratio']:.1f}x",
            flush=True,
        )
    best = sum(min(took for key, took in row.items() if key.startswith("lm-eval")) for row in rows.values())
    total = sum(row["ours"] for row in rows.values())
    print(f"  all: ours {total:.2f} s, lm-eval {best:.2f} s: {best / total:.2f}x", flush=True)
    return {"tasks": rows, "ours": total, "lm-eval": best, "ratio": best / total}


def main() -> None:
    """Run the comparisons and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default=None)
    parser.add_argument("--path", help="a decoder's folder, instead of the bundled models")
    parser.add_argument("--data", type=Path, help="a data folder, for `--path`")
    parser.add_argument("--documents", type=int, help="of each task, instead of the track's number")
    parser.add_argument("--max-length", type=int, help="positions, instead of the track's number")
    parser.add_argument("--sizes", nargs="+", default=["16", "64"], help="batch sizes of HFLM, `auto` among them")
    parser.add_argument("--times", type=int, default=2, help="runs of each, of which the fastest counts")
    parser.add_argument("--only", choices=("tasks", "variants"), help="one of the two parts")
    parser.add_argument("--shape", choices=("decoder", "encoder-decoder"), help="one of the bundled models")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    sizes = [size if size == "auto" else int(size) for size in given.sizes]
    cases = [Case("micro decoder", "micro", ModelSource(bundled="micro-llama")),
             Case("micro encoder-decoder", "micro-t5", ModelSource(bundled="micro-t5"))]  # fmt: skip
    if given.path:
        cases = [Case(Path(given.path).name, "smol-cpu", ModelSource(path=given.path))]
    if given.shape and not given.path:
        cases = [case for case in cases if case.name.endswith(f" {given.shape}")]
    told: dict[str, Any] = {"machine": f"{platform.machine()}, {given.threads} threads, torch {torch.__version__}"}
    print(told["machine"])
    for case in cases:
        (experiment,) = load([shipped() / "pretrained.yaml"], Options(track=case.track))
        backbone = load_backbone(locate(case.source, None), given.device)
        locations = DataLocations.of(given.data) if given.data else DataLocations()
        terms: dict[str, Any] = {"max_length": given.max_length}
        tasks = asked(experiment, locations, given.documents, roles=experiment.held_out, shots=SHOTS, **terms)
        print(f"{case.name}, {len(tasks)} evaluations of {len(tasks[0].task.eval_docs)} documents", flush=True)
        if given.only != "variants":
            told[case.name] = {
                "documents": len(tasks[0].task.eval_docs),
                **compare(backbone, tasks, sizes, given.times),
            }
        if given.only != "tasks" and backbone.shape == "decoder":
            targets = asked(experiment, locations, given.documents, roles=["rte"], shots=[0], **terms)
            targets += asked(experiment, locations, given.documents, roles=["xsum"], shots=[4], **terms)
            fixed = [size for size in sizes if isinstance(size, int) and size > 1]
            for target in targets:
                told[f"{case.name}, variants on {target.name}"] = compare_variants(backbone, target, fixed, given.times)
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
