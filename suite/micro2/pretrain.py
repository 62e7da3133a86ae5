"""Pretrain a micro base model: one command, seeded, resumable, with a log beside the weights."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MT5Config,
    MT5ForConditionalGeneration,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from suite.micro2 import elementary, vocabulary, world
from suite.micro2.batches import Encoder, TokenBatch, causal_batch, masked_batch
from suite.micro2.recipes import RECIPES, ModelName, Recipe
from suite.micro2.scoring import answers, score
from suite.micro2.truth import sort_of

MODELS: Final = Path(__file__).parent / "models"
PROBES: Final = (
    *((dataset, shots) for dataset in world.HELD_OUT for shots in (1, 4)),
    *((dataset, shots) for dataset in world.TARGETS for shots in (0, 1)),
    *((dataset, 0) for dataset in world.TASKS if dataset.endswith(("_easy", "_hard"))),
)
"""Data sets and numbers of exemplars that the log has scores of."""
POSITIONS: Final = "relative_attention_bias"
"""Parameters that give an encoder-decoder word order."""
_PROBED: Final = 64
"""Number of validation rows in a probe."""
_PROBE_EVERY: Final = 400
_SAVE_EVERY: Final = 100
"""Steps between two checkpoints."""


def pretrain(name: ModelName, work: Path, folder: Path | None = None) -> None:
    """Train `name` to the end of its recipe, from the checkpoint in `work` if there is one.

    The model and its ages are saved in `folder`, each under its name.
    """
    torch.set_num_threads(1)
    recipe, tokenizer = RECIPES[name], vocabulary.build()
    run = Run.begin(name, recipe, tokenizer)
    work.mkdir(parents=True, exist_ok=True)
    checkpoint = work / f"{name}.pt"
    if checkpoint.exists():
        run.resume(torch.load(checkpoint, weights_only=True))
    encode = Encoder(tokenizer.get_vocab())
    models = folder or MODELS
    begun = time.monotonic() - run.seconds
    while run.step < recipe.steps:
        if run.step >= recipe.cycle:
            run.set_rate(recipe.closing_rate(run.step))
        run.losses.append(run.advance(make_batch(name, recipe, run.step, encode)))
        run.seconds = time.monotonic() - begun
        if run.step % _PROBE_EVERY == 0 or run.step == recipe.steps:
            run.note(probe(run.model, tokenizer))
        if run.step in recipe.ages:
            save(run, models / age_name(name, run.step))
        if run.step % _SAVE_EVERY == 0 or run.step == recipe.steps:
            torch.save(run.state(), checkpoint)
    save(run, models / name)


_PLAIN_STATE: Final = ("step", "seconds", "losses", "log")


def age_name(name: ModelName, step: int) -> str:
    """The name of a model that is another one after a step of its pretraining."""
    return f"{name}-step{step}"


@dataclass
class Run:
    """The state of a pretraining run."""

    model: PreTrainedModel
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.OneCycleLR
    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    """The losses since the last entry of the log."""
    log: list[Mapping[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Compile a decoder: a small one takes a third less time, since most of it is not in matrix products.

        An encoder-decoder gains nothing, and its batches differ in shape.
        """
        self.forward = self.model if self.model.config.is_encoder_decoder else torch.compile(self.model)

    @classmethod
    def begin(cls, name: ModelName, recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> Run:
        """Start from fresh weights."""
        model = blank(name, recipe, tokenizer)
        fast = [weight for key, weight in model.named_parameters() if POSITIONS in key]
        slow = [weight for key, weight in model.named_parameters() if POSITIONS not in key]
        # Adam moves a position bias by at most its rate, and one must grow by several units to select a position
        groups = [
            {"params": slow, "weight_decay": 0.05, "peak": 1.0},
            {"params": fast, "weight_decay": 0.0, "peak": 10.0},
        ]
        groups = [group for group in groups if group["params"]]
        optimizer = torch.optim.AdamW(groups, lr=recipe.peak, betas=(0.9, 0.98))
        peaks = [recipe.peak * group.pop("peak") for group in optimizer.param_groups]
        # one more step than is taken, because the last step of a cycle has a rate near zero
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, peaks, total_steps=recipe.steps + 1, pct_start=0.1)
        return cls(model, optimizer, cycle)

    def state(self) -> dict[str, Any]:
        """The state that `resume` needs."""
        parts = {key: getattr(self, key).state_dict() for key in ("model", "optimizer", "schedule")}
        return {**parts, **{key: getattr(self, key) for key in _PLAIN_STATE}}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Restore a state."""
        for key in ("model", "optimizer", "schedule"):
            getattr(self, key).load_state_dict(state[key])
        for key in _PLAIN_STATE:
            setattr(self, key, state[key])

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of all parameters; position biases keep their multiple."""
        usual = min(group["max_lr"] for group in self.optimizer.param_groups)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["max_lr"] / usual

    def note(self, scores: Mapping[str, float]) -> None:
        """Add an entry to the log."""
        loss = round(sum(self.losses) / len(self.losses), 4)
        self.losses.clear()
        self.log.append({"step": self.step, "seconds": round(self.seconds), "loss": loss, **scores})

    def advance(self, batch: TokenBatch) -> float:
        """Take one optimizer step. Returns the loss before it."""
        self.model.train()
        loss = weighted_loss(self.forward, batch, self.model.config)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        if self.step < self.schedule.total_steps - 1:
            self.schedule.step()
        self.optimizer.zero_grad()
        self.step += 1
        return loss.item()


def blank(name: ModelName, recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """The model of a recipe with fresh seeded weights."""
    torch.manual_seed(recipe.seed)
    common: dict[str, Any] = {
        **recipe.shape,
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
    }
    with torch.no_grad():
        if "llama" in name:
            model: PreTrainedModel = LlamaForCausalLM(LlamaConfig(**common))
            # words must differ by more than the first steps shift them together
            model.get_input_embeddings().weight.mul_(10.0)
        else:
            model = MT5ForConditionalGeneration(MT5Config(**common, decoder_start_token_id=tokenizer.pad_token_id))
            _prepare_t5(model)
    return model


def _prepare_t5(model: PreTrainedModel) -> None:
    """Initialise so that a small encoder-decoder needs hundreds of steps instead of thousands."""
    shrink = model.config.d_model**-0.5
    # transformers ties the head to embeddings of deviation 1, whose logits take hundreds of steps to shrink;
    # what layers add to the embeddings is shrunk, too: otherwise no layer distinguishes words
    model.get_output_embeddings().weight.mul_(shrink)
    heads = model.config.num_heads // 2
    for key, weight in model.named_parameters():
        if key.endswith((".o.weight", ".wo.weight")):
            weight.mul_(shrink)
        if POSITIONS in key:
            # half of the heads use word order from the start; near 0, none does for a thousand steps
            weight.mul_(2.0 / shrink)
            weight[:, heads:] = 0.0
            if key.startswith("encoder"):
                weight[0, heads:] = -8.0  # the others ignore their own position
    for block in model.encoder.block:
        # and find the same word elsewhere: keys equal to queries, at the scale of keys
        attention = block.layer[0].SelfAttention
        own = heads * model.config.d_kv
        attention.k.weight[own:] = attention.q.weight[own:] * model.config.d_kv**0.5


def make_batch(name: ModelName, recipe: Recipe, step: int, encode: Encoder) -> TokenBatch:
    """The batch of a step, which does not depend on resumption."""
    rng = Random(f"{name} {recipe.seed} {step}")
    return (causal_batch if "llama" in name else masked_batch)(recipe.stage(step), encode, rng)


def weighted_loss(model: Callable[..., Any], batch: TokenBatch, config: PretrainedConfig) -> Tensor:
    """Cross-entropy, weighted by token."""
    if config.is_encoder_decoder:
        pad = config.pad_token_id
        begin = torch.full_like(batch.labels[:, :1], pad)
        inputs = torch.cat([begin, batch.labels[:, :-1]], 1)
        logits = model(input_ids=batch.ids, attention_mask=(batch.ids != pad).long(), decoder_input_ids=inputs).logits
        labels, weights = batch.labels, batch.weights
    else:
        logits = model(input_ids=batch.ids, use_cache=False).logits[:, :-1]
        labels, weights = batch.labels[:, 1:], batch.weights[:, 1:]
    losses = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()


def probe(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Mapping[str, float]:
    """Scores on validation rows: some tasks, and the comparison skill in other forms."""
    scores = {
        f"{dataset.removeprefix('micro2_')}@{shots}": score(model, tokenizer, dataset, shots, _PROBED, "validation")
        for dataset, shots in PROBES
    }
    for ask in elementary.PLAIN:
        for dataset in ("micro2_rte", "micro2_cb"):
            rows = [row for row in world.rows(dataset, "validation") if sort_of(dataset, row) == "literal"][:_PROBED]
            exemplars = [ask(dataset, row) for row in rows]
            outputs = answers(model, tokenizer, [exemplar.prompt for exemplar in exemplars])
            right = sum(answer == exemplar.answer for answer, exemplar in zip(outputs, exemplars, strict=True))
            scores[f"{dataset.removeprefix('micro2_')} {ask.__name__}"] = right / len(rows)
    return {way: round(share, 3) for way, share in scores.items()}


def save(run: Run, folder: Path) -> None:
    """Save half-precision weights, marked as float32 in the configuration so that they load as float32, and the log."""
    half = {key: value.detach().half().clone() for key, value in run.model.state_dict().items()}
    run.model.save_pretrained(folder, state_dict=half)
    (folder / "model.safetensors").chmod(0o644)
    vocabulary.build().save_pretrained(folder)  # a used tokenizer would save its last padding
    (folder / "training_log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in run.log), encoding="utf-8")
