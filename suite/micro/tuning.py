"""Two small trials of a base model on a truth task: fine-tuning, and prompt tuning with the model frozen.

They are used by the card only; the methods that `suite` compares are in `suite/methods`.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from suite.micro import templates, world
from suite.micro.drawn import Row
from suite.micro.vocabulary import SENTINELS


@dataclass(frozen=True)
class TuningTrial:
    """Settings of a trial: `length` soft vectors with the model frozen, or all weights if `length` is 0."""

    steps: int
    learning_rate: float
    length: int = 0
    batch: int = 32
    seed: int = 0


class PromptedModel:
    """A model that answers one-word questions, with an optional soft prompt."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, dataset: str) -> None:
        """Keep `model` unchanged until `tune`."""
        self.model, self.tokenizer, self.dataset = model, tokenizer, dataset
        self.two_sided = bool(model.config.is_encoder_decoder)

    def logits(self, rows: list[Row], soft: Tensor | None) -> Tensor:
        """Logits of the answer's word (rows, vocabulary)."""
        tail = f" {SENTINELS[0]}" if self.two_sided else ""
        texts = [templates.prompt(self.dataset, row) + tail for row in rows]
        inputs = self.tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
        embeds, mask = self.model.get_input_embeddings()(inputs.input_ids), inputs.attention_mask
        if soft is not None:
            embeds = torch.cat([soft.expand(len(rows), -1, -1), embeds], 1)
            mask = torch.cat([mask.new_ones(len(rows), len(soft)), mask], 1)
        if self.two_sided:
            start = [self.model.config.pad_token_id, self.tokenizer.convert_tokens_to_ids(SENTINELS[0])]
            begin = torch.tensor([start] * len(rows))
            logits: Tensor = self.model(inputs_embeds=embeds, attention_mask=mask, decoder_input_ids=begin).logits
            return logits[:, -1]
        logits = self.model(inputs_embeds=embeds, attention_mask=mask).logits
        return logits[torch.arange(len(rows)), mask.sum(1) - 1]

    def expected(self, rows: list[Row]) -> Tensor:
        """Ids of the right answers."""
        return torch.tensor(self.tokenizer.convert_tokens_to_ids([templates.target(self.dataset, row) for row in rows]))

    @torch.no_grad()
    def accuracy(self, rows: list[Row], soft: Tensor | None) -> float:
        """Share of rows whose likeliest next word, among all words, is the right one."""
        self.model.eval()
        hits = [
            (self.logits(part, soft).argmax(-1) == self.expected(part)).float().sum().item()
            for part in (rows[start : start + 64] for start in range(0, len(rows), 64))
        ]
        return sum(hits) / len(rows)


def tune(prompted: PromptedModel, probe: TuningTrial) -> float:
    """Train with the settings of `probe`. Returns the accuracy on the test rows. Fine-tuning changes the model in
    place."""
    torch.manual_seed(probe.seed)
    rng = Random(probe.seed)
    train = world.read(prompted.dataset, "train")
    soft = None
    prompted.model.requires_grad_(probe.length == 0)
    if probe.length:
        table = prompted.model.get_input_embeddings().weight.detach()
        soft = table[torch.randperm(len(table))[: probe.length]].clone().requires_grad_()
    parameters = [soft] if soft is not None else list(prompted.model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=probe.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 20))
    for _ in range(probe.steps):
        rows = rng.sample(train, probe.batch)
        loss = functional.cross_entropy(prompted.logits(rows, soft), prompted.expected(rows))
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return prompted.accuracy(world.read(prompted.dataset, "test"), soft)
