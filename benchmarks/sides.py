"""What benchmarks of evaluation need on both sides: tasks, lm-eval's own LM, and whether the two say the same."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Any

import lm_eval.evaluator
import torch
from lm_eval.models.huggingface import HFLM

from suite.evaluation.evaluate import EvaluationResult
from suite.models.backbone import Backbone
from suite.tasks.load import LoadedTask, quiet


@dataclass(frozen=True)
class Asked:
    """One task at one shot count."""

    name: str
    task: LoadedTask
    max_length: int
    batch_tokens: int


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


def differences(found: dict[str, Any], result: EvaluationResult, each: Asked) -> list[str]:
    """Where answers or the score differ, a line each."""
    name = each.task.file.name
    right = [sample["resps"][0][0] for sample in found["samples"][name]]
    lines = [
        f"{each.name}, document {place}: lm-eval {wanted!r}, ours {answer.output!r}"
        for place, (wanted, answer) in enumerate(zip(right, result.answers, strict=True))
        if wanted != answer.output
    ]
    score, metric = result.primary, result.primary.metric
    (value,) = (value for key, value in found["results"][name].items() if key.partition(",")[0] == metric)
    equal = [score.value is not None and math.isclose(score.value, scaled) for scaled in (value, value * 100)]
    if not lines and not any(equal):  # its own digits at the end, as in a BLEU of 100.00000000000004, are no difference
        lines.append(f"{each.name}: {metric} is {value} by lm-eval, {score.value} by ours")
    return lines


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
