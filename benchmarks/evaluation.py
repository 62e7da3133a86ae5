"""Evaluation: ours against lm-eval's own `HFLM`, on the same task objects, documents and threads, in one process.

`python -m benchmarks.evaluation` answers the eight held-out tasks at 1 and 4 shots with the bundled decoder and the
bundled encoder-decoder, and ten prompt-tuned variants of the decoder; `--path FOLDER --data FOLDER` takes a decoder's
folder and the tasks of track `smol-cpu` instead. It prints ratios of seconds and keeps them with `--json FILE`. Every
answer and score must be equal first: it stops and says where they are not. `HFLM` runs at each of `--sizes` and counts
with its best, task by task; on a CPU its "auto" is 64 rows and the time to find that out, so 64 is its better form.
Seconds are of processor time on a CPU, of the clock on a GPU; loading models and tasks is nobody's.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lm_eval.evaluator
import torch
from lm_eval.models.huggingface import HFLM

from suite.evaluation.evaluate import EvaluationResult, evaluate
from suite.models.backbone import Backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.models.stack import Stacked
from suite.specs import Experiment, Options, load, shipped
from suite.tasks.data import DataLocations
from suite.tasks.load import LoadedTask, load_task, quiet

SHOTS = (1, 4)


@dataclass(frozen=True)
class Case:
    """What is compared: a model, and tasks as a track asks them."""

    name: str
    track: str
    source: ModelSource


@dataclass(frozen=True)
class Asked:
    """One task at one shot count."""

    name: str
    task: LoadedTask
    max_length: int
    batch_tokens: int


def asked(experiment: Experiment, locations: DataLocations, documents: int | None) -> list[Asked]:
    """The held-out tasks of a track at each shot count."""
    track = experiment.track
    limit = documents or track.held_out.documents
    return [
        Asked(
            f"{role} {shots}-shot", load_task(experiment.tasks[role], locations, shots=shots, limit=limit),
            track.budget.max_length, track.decoding.batch_tokens,
        )
        for role in experiment.held_out for shots in SHOTS
    ]  # fmt: skip


def hflm(model: Any, backbone: Backbone, size: int | str, max_length: int) -> HFLM:
    """lm-eval's own LM of a model in memory, without its warning about one."""
    with quiet():
        return HFLM(pretrained=model, tokenizer=backbone.tokenizer, batch_size=size, max_length=max_length)


def theirs(lm: HFLM, each: Asked, backbone: Backbone) -> dict[str, Any]:
    """A task's scores and answers by an LM of lm-eval's."""
    options = each.task.config.generation_kwargs
    if backbone.shape == "encoder-decoder" and options:
        # HFLM lets a decoder write as much as the encoder reads, on top of the limit
        options["max_length"] = options["max_gen_toks"] + 1
    with quiet(), redirect_stderr(io.StringIO()):  # its progress bar
        found: dict[str, Any] = lm_eval.evaluator.evaluate(
            lm, {"tasks": {each.task.file.name: each.task}}, bootstrap_iters=0
        )
    return found


def ours(stacked: Stacked, each: Asked) -> EvaluationResult:
    """The same by `suite`."""
    return evaluate(stacked, each.task, batch_tokens=each.batch_tokens, max_length=each.max_length)


def differences(found: dict[str, Any], result: EvaluationResult, each: Asked) -> str | None:
    """Where answers or scores differ, in a line; None where they do not."""
    name = each.task.file.name
    right = [sample["resps"][0][0] for sample in found["samples"][name]]
    for place, (wanted, answer) in enumerate(zip(right, result.answers, strict=True)):
        if wanted != answer.output:
            return f"{each.name}, document {place}: lm-eval {wanted!r}, ours {answer.output!r}"
    score, metric = result.primary, result.primary.metric
    (value,) = (value for key, value in found["results"][name].items() if key.partition(",")[0] == metric)
    if score.value not in (value, value * 100):
        return f"{each.name}: {metric} is {value} by lm-eval, {score.value} by ours"
    return None


def timed(work: Callable[[], Any], device: torch.device, times: int) -> tuple[float, Any]:
    """The least seconds of some runs, and what the last gave."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    seconds, given = [], None
    for _ in range(times):
        begun = clock()
        given = work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(clock() - begun)
    return min(seconds), given


def compare(backbone: Backbone, tasks: Sequence[Asked], sizes: Sequence[int | str], times: int) -> dict[str, Any]:
    """Seconds of both sides for each task. Raises SystemExit where they do not say the same."""
    stacked, rows = Stacked(backbone, backbone.model), {}
    ours(stacked, tasks[0])  # what is done once in a process (imports, kernels) is nobody's
    for each in tasks:
        mine, result = timed(lambda each=each: ours(stacked, each), backbone.device, times)
        by_size = {}
        for size in sizes:
            lm = hflm(backbone.model, backbone, size, each.max_length)
            by_size[str(size)], found = timed(
                lambda lm=lm, each=each: theirs(lm, each, backbone), backbone.device, times
            )
            if said := differences(found, result, each):
                raise SystemExit(f"not equal: {said}")
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
    parser.add_argument("--sizes", nargs="+", default=["16", "64"], help="batch sizes of HFLM, `auto` among them")
    parser.add_argument("--times", type=int, default=2, help="runs of each, of which the fastest counts")
    parser.add_argument("--only", choices=("tasks", "variants"), help="one of the two parts")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    sizes = [size if size == "auto" else int(size) for size in given.sizes]
    cases = [Case("micro decoder", "micro", ModelSource(bundled="micro-llama")),
             Case("micro encoder-decoder", "micro-t5", ModelSource(bundled="micro-t5"))]  # fmt: skip
    if given.path:
        cases = [Case(Path(given.path).name, "smol-cpu", ModelSource(path=given.path))]
    told: dict[str, Any] = {"machine": f"{platform.machine()}, {given.threads} threads, torch {torch.__version__}"}
    print(told["machine"])
    for case in cases:
        (experiment,) = load([shipped() / "pretrained.yaml"], Options(track=case.track))
        backbone = load_backbone(locate(case.source, None), given.device)
        tasks = asked(experiment, DataLocations.of(given.data) if given.data else DataLocations(), given.documents)
        print(f"{case.name}, {len(tasks)} evaluations of {len(tasks[0].task.eval_docs)} documents", flush=True)
        if given.only != "variants":
            told[case.name] = compare(backbone, tasks, sizes, given.times)
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
