"""Ten prompt-tuned variants of one base on one task: in common batches, against ten runs of `HFLM` on PEFT models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from peft import PromptTuningConfig, TaskType, get_peft_model

from benchmarks.sides import Asked, differences, hflm, theirs, timed
from suite.evaluation.evaluate import evaluate
from suite.evaluation.multi_adapter import evaluate_together
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone

T = TypeVar("T")
COUNT, LENGTH = 10, 20


def variants(backbone: Backbone) -> list[AdaptedModel]:
    """Soft prompts with prompt tuning's initial values: embeddings of words drawn from the vocabulary."""
    table: Any = backbone.model.get_input_embeddings().weight
    made = []
    for seed in range(COUNT):
        words = torch.randint(len(table), (LENGTH,), generator=torch.Generator().manual_seed(seed))
        made.append(AdaptedModel(backbone, backbone.model, table.detach()[words.to(table.device)], (f"prompt {seed}",)))
    return made


def compare_variants(backbone: Backbone, each: Asked, sizes: list[int], times: int) -> dict[str, Any]:
    """Seconds of all variants on both sides. Raises SystemExit if lm-eval with PEFT at batch size 1 differs.

    PEFT puts the soft prompt before the padding, so in a larger batch a shorter prompt is farther from it. The changed
    answers are counted; such runs are shown but do not count as the best.
    """
    stacks = variants(backbone)
    options: Any = {"batch_tokens": each.batch_tokens, "max_length": each.max_length}
    terms = (backbone.device, times)

    def anew(work: Callable[[], T]) -> T:
        backbone.ids.forget()
        return work()

    evaluate(stacks[0], each.task, **options)  # one-time costs of the process are not counted
    together, results = timed(lambda: anew(lambda: evaluate_together(stacks, each.task, **options)), *terms)
    singly, alone = timed(lambda: anew(lambda: [evaluate(s, each.task, **options) for s in stacks]), *terms)
    for one, other in zip(results, alone, strict=True):
        if one.answers != other.answers:
            raise SystemExit("not equal: stacks together answer otherwise than each alone")
    found: dict[str, Any] = {"together": together, "one after another": singly}
    best = float("inf")
    for size in (1, *sizes):
        seconds, wrong = 0.0, 0
        for stack, result in zip(stacks, results, strict=True):
            config = PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=LENGTH)
            model: Any = get_peft_model(backbone.model, config).eval()
            model.prompt_encoder["default"].embedding.weight.data = stack.soft
            lm = hflm(model, backbone, size, each.max_length - LENGTH)
            took, said = timed(lambda lm=lm: theirs(lm, each, backbone), backbone.device, times)
            seconds += took
            different = differences(said, result, each)
            if different and size == 1:
                raise SystemExit(f"not equal: {different[0]}")
            wrong += len(different)
        found |= {f"lm-eval {size}": seconds, f"other answers at {size}": wrong}
        best = best if wrong else min(best, seconds)
        print(f"  {COUNT} variants, HFLM and PEFT at {size}: {seconds:.2f} s, {wrong} answers differ", flush=True)
    found["ratio"] = best / together
    print(f"  {COUNT} variants on {each.name}: together {together:.2f} s, one after another {singly:.2f} s, "
          f"lm-eval {best:.2f} s: {found['ratio']:.1f}x", flush=True)  # fmt: skip
    return found
