"""Parts that training benchmarks share: a run of ours, and a run of transformers' `Trainer` on the same examples."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import PromptTuningConfig, TaskType, get_peft_model
from torch import Tensor
from transformers import DataCollatorForSeq2Seq, PrinterCallback, Trainer, TrainingArguments
from transformers.optimization import Adafactor

from suite.models.adapted import AdaptedModel, swapped
from suite.models.backbone import Backbone
from suite.training.config import FitConfig
from suite.training.data.batches import IGNORE, Batch, Batches, Collator
from suite.training.data.examples import Encoded
from suite.training.loop import fit
from suite.training.objectives.losses import answer_loss
from suite.training.prompts import FlatPrompt
from suite.training.trainable import Trainable


@dataclass(frozen=True)
class Ran:
    """The result of one run."""

    seconds: float
    losses: list[float]
    """Mean loss of a token for each step."""
    held: float
    """Mean loss of a token after training, on examples that were not trained on."""
    positions: int
    """Positions of all batches, including padding."""


@dataclass
class Losses:
    """A log that keeps the losses."""

    found: list[float] = field(default_factory=list)

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Record a step's loss."""
        self.found.append(loss)

    def say(self, text: str) -> None:
        """Fail: no notice is expected."""
        raise SystemExit(f"ours: {text}")


def ours(backbone: Backbone, batches: Batches, budget: FitConfig, start: Tensor | None, held: Sequence[Batch]) -> Ran:
    """A run of `suite`: all weights, or a soft prompt with initial values [P, d]."""
    log = Losses()
    with weights(backbone, start is None) as parameters, tempfile.TemporaryDirectory() as folder:
        if start is None:
            trainable = Trainable(parameters, nullcontext)
        else:
            prompt = FlatPrompt(backbone, start)
            trainable = Trainable({"flat": prompt.flat}, nullcontext, prompt.adapt)
        seconds, _ = clocked(
            lambda: fit(
                backbone.model, trainable.parameters, lambda batch: answer_loss(trainable.adapted(backbone), batch),
                batches, budget, seed=0, score=None, checkpoint=Path(folder), log=log,
            ), backbone.device,
        )  # fmt: skip
        read = sum(
            _positions(vars(part)) for step in range(budget.steps) for part in batches.parts(step, budget.micro_batch)
        )
        return Ran(seconds, log.found, _held(trainable.adapted(backbone), held), read)


def theirs(
    backbone: Backbone, batches: Batches, budget: FitConfig, start: Tensor | None, held: Sequence[Batch],
    *, usual: bool = False, seed: int = 0,
) -> Ran:  # fmt: skip
    """The same run by `Trainer` (a soft prompt through PEFT), without logging, saving and evaluation.

    It gets our batches. With `usual`, it gets the same examples, shuffles them itself, and pads them with transformers'
    collator.
    """
    examples: list[Any] = [example for step in range(budget.steps) for example in batches.examples(step)]
    collate = _collate(backbone)
    if usual:
        examples, collate = [_features(each, backbone) for each in examples], _collator(backbone)
    with weights(backbone, start is None), tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = backbone.model
        if start is not None:
            model = _prompted(backbone, start)
        model.requires_grad_(start is None)
        if start is not None:
            model.prompt_encoder.requires_grad_(True)
        trainer = _Watched(
            model=model, args=_arguments(budget, folder, backbone, "random" if usual else "sequential", seed),
            train_dataset=examples, data_collator=collate, optimizers=(_optimizer(model, budget), None),
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)
        trainer.losses, trainer.positions = [], 0
        seconds, _ = clocked(trainer.train, backbone.device)
        backbone.model.requires_grad_(False).eval()
        soft = None if start is None else model.prompt_encoder["default"].embedding.weight
        after = _held(AdaptedModel(backbone, backbone.model, soft), held)
        return Ran(seconds, torch.stack(trainer.losses).tolist(), after, trainer.positions)


class _Watched(Trainer):  # type: ignore[misc]
    """A `Trainer` that keeps the losses on their device and counts positions."""

    losses: list[Tensor]
    positions: int

    def training_step(self, model: Any, inputs: dict[str, Tensor], *more: Any) -> Tensor:
        """Trainer's step; records its loss and positions."""
        self.positions += _positions(inputs)
        loss: Tensor = super().training_step(model, inputs, *more)
        self.losses.append(loss)
        return loss


def _positions(inputs: Mapping[str, Any]) -> int:
    """Number of positions of a batch; for an encoder-decoder, those of both sides."""
    two_sided = inputs.get("decoder_input_ids") is not None
    return int(inputs["input_ids"].numel()) + (int(inputs["labels"].numel()) if two_sided else 0)


@torch.no_grad()
def _held(current: AdaptedModel, held: Sequence[Batch]) -> float:
    total = sum(float(answer_loss(current, batch.to(current.backbone.device))) for batch in held)
    return total / sum(len(batch.answers) for batch in held)


def _arguments(budget: FitConfig, folder: str, backbone: Backbone, order: str, seed: int) -> TrainingArguments:
    cuda = backbone.device.type == "cuda"
    return TrainingArguments(
        output_dir=folder, max_steps=budget.steps, per_device_train_batch_size=budget.batch_size,
        max_grad_norm=budget.clip or 0.0, lr_scheduler_type=budget.schedule, warmup_steps=budget.warmup,
        learning_rate=budget.learning_rate, logging_strategy="no", save_strategy="no", eval_strategy="no",
        report_to=[], disable_tqdm=True, logging_nan_inf_filter=False, remove_unused_columns=False, seed=seed,
        train_sampling_strategy=order, dataloader_pin_memory=cuda, use_cpu=not cuda,
        bf16=budget.compute_precision == "bf16",
    )  # fmt: skip


def _optimizer(model: Any, budget: FitConfig) -> torch.optim.Optimizer:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if budget.optimizer == "adamw":
        return torch.optim.AdamW(trained, lr=budget.learning_rate, weight_decay=budget.weight_decay, fused=True)
    return Adafactor(  # type: ignore[no-any-return]
        trained, lr=budget.learning_rate, weight_decay=budget.weight_decay, scale_parameter=False, relative_step=False
    )


def _collate(backbone: Backbone) -> Callable[[Sequence[Encoded]], dict[str, Tensor]]:
    """Our padding in Trainer's format; no mask for right padding of a causal model, which is faster."""
    collate = Collator(backbone)

    def inputs(examples: Sequence[Encoded]) -> dict[str, Tensor]:
        batch = collate(examples)
        if batch.decoder_input_ids is not None:
            return {
                "input_ids": batch.input_ids, "attention_mask": batch.attention_mask,
                "labels": batch.labels, "decoder_input_ids": batch.decoder_input_ids,
            }  # fmt: skip
        labels = torch.full_like(batch.labels, IGNORE)  # the model shifts labels itself
        labels[:, 1:] = batch.labels[:, :-1]
        return {"input_ids": batch.input_ids, "labels": labels}

    return inputs


def _features(example: Encoded, backbone: Backbone) -> dict[str, list[int]]:
    """An example in the format of transformers' collators."""
    prompt, target = list(example.prompt), list(example.target)
    if backbone.shape == "encoder-decoder":
        return {"input_ids": prompt, "attention_mask": [1] * len(prompt), "labels": target}
    ids = prompt + target
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [IGNORE] * len(prompt) + target}


def _collator(backbone: Backbone) -> DataCollatorForSeq2Seq:
    """Transformers' collator, which pads to the longest example of a batch."""
    tokenizer = copy(backbone.tokenizer)
    tokenizer.padding_side = "right"
    return DataCollatorForSeq2Seq(tokenizer, model=backbone.model, label_pad_token_id=IGNORE)


def _prompted(backbone: Backbone, start: Tensor) -> Any:
    two_sided = backbone.shape == "encoder-decoder"
    config = PromptTuningConfig(
        task_type=TaskType.SEQ_2_SEQ_LM if two_sided else TaskType.CAUSAL_LM,
        num_virtual_tokens=len(start), num_transformer_submodules=1,
    )  # fmt: skip
    model = get_peft_model(backbone.model, config)
    model.prompt_encoder["default"].embedding.weight.data.copy_(start)
    return model


@contextmanager
def weights(backbone: Backbone, own: bool) -> Iterator[dict[str, torch.nn.Parameter]]:
    """Give the model its own float32 weights temporarily, if they are trained."""
    parameters = dict(backbone.model.named_parameters())
    copies = {name: tensor.detach().to(torch.float32, copy=True) for name, tensor in parameters.items()} if own else {}
    with swapped(backbone.model, copies, cast=False) as given:
        yield given


def clocked(work: Callable[[], Any], device: torch.device) -> tuple[float, Any]:
    """Seconds of processor time (wall time on a GPU), and the result."""
    cuda = device.type == "cuda"
    clock = time.perf_counter if cuda else time.process_time
    begun = clock()
    given = work()
    if cuda:
        torch.cuda.synchronize()
    return clock() - begun, given
