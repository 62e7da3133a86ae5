"""Gradient alignment: how much a step learns only the format of answers (ProMoT, section 3.3, Figures 3 and 7).

It is the cosine between the gradient on some examples and the gradient on the same inputs with shuffled answers.
Shuffled answers share only their format with the right ones. Near 1, the format is what is learned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import torch
from torch import Tensor

from suite.core.curves import OfPart, curve_name
from suite.core.hashing import seed_of
from suite.probes.parts import trained_parts
from suite.training.config import Optimisation
from suite.training.data.batches import Collator, in_parts
from suite.training.data.examples import Encoded, encode
from suite.training.data.exemplars import with_exemplars
from suite.training.device import computing
from suite.training.job import Job
from suite.training.loop import CurvePoint
from suite.training.objectives.losses import answer_loss
from suite.training.trainable import Trainable


class Alignment:
    """Gradient alignment on fixed examples, which are the same for all seeds and methods."""

    def __init__(self, config: Optimisation, job: Job, trainable: Trainable, count: int) -> None:
        """Encode `count` examples of each target as in training."""
        self._config, self._job, self._trainable = config, job, trainable
        parts = trained_parts(trainable, job.backbone, len(job.examples))
        if parts.notice:
            job.log.say(parts.notice)
        self.parts = parts.parts
        self._true: list[Encoded] = []
        self._shuffled: list[Encoded] = []
        for target_index, target in enumerate(job.examples):
            random = Random(seed_of("alignment", target.role))
            chosen = random.sample(range(len(target.examples)), min(count, len(target.examples)))
            prompted = with_exemplars(target, chosen, config.shots, 0, 0)
            before = trainable.reserved(job.backbone, target_index)
            examples = encode(
                job.backbone, prompted, max_length=job.budget.max_length, target_index=target_index, **before
            ).examples
            answers = [each.target for each in examples]
            random.shuffle(answers)
            self._true += examples
            self._shuffled += [replace(each, target=answer) for each, answer in zip(examples, answers, strict=True)]

    def __call__(self, step: int) -> list[CurvePoint]:
        """The cosine (−1 to 1) for each kind of parameters, and for each kind and layer; left out if a gradient is
        0."""
        names = list(self._trainable.parameters)
        first, second = self._gradient(self._true), self._gradient(self._shuffled)
        sums: dict[OfPart, Tensor] = defaultdict(lambda: torch.zeros(3, dtype=torch.float64))
        for name in names:
            part = self.parts.get(name)
            if part is None or name not in first or name not in second:
                continue
            one, two = first[name].double().flatten(), second[name].double().flatten()
            products = torch.stack([one @ two, one @ one, two @ two]).cpu()
            for key in {part, OfPart(part.part)}:
                sums[key] += products
        cosines = {
            key: float(both / (own.sqrt() * other.sqrt())) for key, (both, own, other) in sums.items() if own and other
        }
        # rounding may make products slightly exceed 1
        return [CurvePoint(step, curve_name(key), max(-1.0, min(1.0, value))) for key, value in cosines.items()]

    def _gradient(self, examples: Sequence[Encoded]) -> Mapping[str, Tensor]:
        """Gradient of the loss summed over the examples, by parameter name; parameters without gradient are left
        out."""
        job, trainable = self._job, self._trainable
        names, parameters = list(trainable.parameters), list(trainable.parameters.values())
        collate, most = Collator(job.backbone), job.budget_for(self._config).micro_batch
        total: dict[str, Tensor] = {}
        for rows in in_parts([(each.target_index, at) for at, each in enumerate(examples)], most):
            batch = collate([examples[at] for at in rows]).to(job.backbone.device)
            with computing(job.backbone.device, job.budget.precision):
                current = trainable.adapted(job.backbone, batch.target_index)
                loss = answer_loss(current, batch, self._config.label_smoothing, self._config.z_loss)
            for name, each in zip(names, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True):
                if each is not None:
                    total[name] = each if name not in total else total[name] + each
        return total
