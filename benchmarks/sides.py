"""Parts that evaluation benchmarks share: tasks, lm-eval's own LM, and the comparison of both sides."""

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
    """lm-eval's own LM for a model in memory, without its warning."""
    with quiet():
        return HFLM(pretrained=model, tokenizer=backbone.tokenizer, batch_size=size, max_length=max_length)


def theirs(lm: HFLM, each: Asked, backbone: Backbone) -> dict[str, Any]:
    """A task's scores and answers by an LM of lm-eval."""
    options = each.task.config.generation_kwargs
    if backbone.shape == "encoder-decoder" and options:
        # HFLM lets a decoder write as many tokens as the encoder reads, in addition to the limit
        options["max_length"] = options["max_gen_toks"] + 1
    with quiet(), redirect_stderr(io.StringIO()):  # its progress bar
        found: dict[str, Any] = lm_eval.evaluator.evaluate(
            lm, {"tasks": {each.task.file.name: each.task}}, bootstrap_iters=0
        )
    return found


def differences(found: dict[str, Any], result: EvaluationResult, each: Asked) -> list[str]:
    """One line for each difference of answers or scores."""
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
    if not lines and not any(equal):  # rounding errors such as a BLEU of 100.00000000000004 do not count
        lines.append(f"{each.name}: {metric} is {value} by lm-eval, {score.value} by ours")
    return lines


def timed(work: Callable[[], Any], device: torch.device, times: int) -> tuple[float, Any]:
    """Minimum seconds over several runs, and the result of the last one."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    seconds, given = [], None
    for _ in range(times):
        begun = clock()
        given = work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(clock() - begun)
    return min(seconds), given
