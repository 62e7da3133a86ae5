"""Mixtures of experts in weight space: singular vectors of one base, weighted by α (Transformer², section 3.2).

A mixture's masks are `Σ αₖ mₖ`, mixed after the sigmoid. Its weight `W'(α) = rest + c(α) Σ αₖ Pₖ` is linear in α but
for the scalar c, so the parts `Pₖ = U diag(s ⊙ mₖ) Vᵀ` are built once and a candidate costs one weighted sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import torch
from torch import Tensor

from suite.errors import StepFailed
from suite.hashing import seed_of
from suite.models.artifact import Artifact, Singular
from suite.models.backbone import Backbone
from suite.models.singular import factorise, fitting
from suite.models.stack import Stacked, swapped
from suite.tasks.load import Example
from suite.training.batches import Collator
from suite.training.cem import Value, search
from suite.training.examples import encode
from suite.training.job import Job, Sampling, Trained, TrainingSet
from suite.training.loop import CurvePoint, Fit
from suite.training.losses import answer_loss
from suite.training.searching import Search

LEAST = 1e-6
"""A mixture of less than this in all is none."""


class Mixer:
    """Experts of one base over the same matrices."""

    def __init__(self, backbone: Backbone, experts: Sequence[Artifact]) -> None:
        """Decompose the matrices and build every expert's part. Raises StepFailed if experts do not go together."""
        self.experts = [expert for expert in experts if isinstance(expert, Singular)]
        if not self.experts or len(self.experts) < len(experts):
            raise StepFailed("a mixture is made of singular vectors")
        first = self.experts[0]
        self.names = tuple(first.masks)
        shapes = [[(name, len(mask)) for name, mask in each.masks.items()] for each in self.experts]
        if any(each != shapes[0] for each in shapes) or len({each.renormalise for each in self.experts}) > 1:
            raise StepFailed("the experts of a mixture scale other matrices, ranks, or sums")
        self.backbone, self.renormalise = backbone, first.renormalise
        self._parts: dict[str, Tensor] = {}
        self._rest: dict[str, Tensor] = {}
        self._sums: dict[str, Tensor] = {}
        self._total: dict[str, float] = {}
        weights = dict(backbone.model.named_parameters())
        for name in self.names:
            weight = weights[name].detach()
            factors = factorise(weight, backbone.factors).cut(len(first.masks[name])).to(weight.device)
            if not all(fitting(factors.values, each.values[name]) for each in self.experts):
                raise StepFailed(f"an expert's '{name}' has other singular values than the base")
            masks = torch.stack([each.masks[name] for each in self.experts]).to(weight.device)
            scaled = factors.values * masks
            self._parts[name] = torch.stack([(factors.left * each) @ factors.right for each in scaled])
            self._rest[name] = weight.float() - (factors.left * factors.values) @ factors.right
            self._sums[name] = scaled.sum(1)
            self._total[name] = float(factors.values.sum())

    def weights(self, alpha: Tensor) -> dict[str, Tensor]:
        """The weights of a mixture by α [K], or [K, matrices]; the base's own where α vanishes."""
        new: dict[str, Tensor] = {}
        for name, share in zip(self.names, self._shares(alpha), strict=True):
            if float(share.sum()) < LEAST:
                continue
            share = share.to(self._sums[name].device)
            scale = self._total[name] / float(share @ self._sums[name]) if self.renormalise else 1.0
            new[name] = self._rest[name] + scale * torch.tensordot(share, self._parts[name], dims=1)
        return new

    def artifact(self, alpha: Tensor) -> Singular:
        """The mixture as singular vectors of its own."""
        first = self.experts[0]
        masks: dict[str, Tensor] = {}
        for name, share in zip(self.names, self._shares(alpha), strict=True):
            mixed = (share[:, None] * torch.stack([each.masks[name] for each in self.experts])).sum(0)
            masks[name] = mixed if float(share.sum()) >= LEAST else torch.ones_like(first.masks[name])
        return Singular(masks, dict(first.values), self.renormalise)

    def _shares(self, alpha: Tensor) -> Sequence[Tensor]:
        """α [K] for each matrix."""
        return list(alpha.T) if alpha.ndim == 2 else [alpha] * len(self.names)


def mix_evenly(job: Job) -> Trained:
    """Every expert with the same weight: α = 1 / K."""
    mixer = Mixer(job.backbone, job.parents)
    alpha = torch.full((len(mixer.experts),), 1.0 / len(mixer.experts))
    return Trained(mixer.artifact(alpha), Fit({"alpha": alpha}, 0, None, 0, 0, tuple(_points(0, alpha))), 0)


def mix_by_search(job: Job, *, shots: int, settings: Search, by_matrix: bool) -> Trained:
    """Search α on a few examples of the target: accuracy first, then the likelihood of right answers.

    The examples are drawn from the training split, so none is ever scored.
    """
    mixer = Mixer(job.backbone, job.parents)
    target = job.examples[0]
    few = Random(seed_of(job.seed, "shots", target.role)).sample(target.examples, min(shots, len(target.examples)))
    asking = Asking(job, mixer, target, few)
    count, matrices = len(mixer.experts), len(mixer.names)
    shape = (count, matrices) if by_matrix else (count,)
    start = torch.full(shape, 1.0 / count).flatten()
    found = search(lambda point: asking(point.view(shape)), start, settings, seed_of(job.seed, "mixture", target.role))
    alpha = found.best.view(shape)
    curve = [CurvePoint(step, "selection", value[0]) for step, (value, _) in enumerate(found.history, 1)]
    for step, (_, point) in enumerate(found.history, 1):
        curve += _points(step, point.view(shape))
    fit = Fit(
        {"alpha": alpha}, settings.generations, found.value[0], settings.generations, asking.tokens,
        tuple(curve),
    )  # fmt: skip
    return Trained(mixer.artifact(alpha), fit, alpha.numel())


class Asking:
    """Scores a mixture on a few examples."""

    def __init__(self, job: Job, mixer: Mixer, target: TrainingSet, few: Sequence[Example]) -> None:
        """Encode the examples once."""
        self.job, self.mixer, self.target, self.few = job, mixer, target, list(few)
        encoding = encode(job.backbone, self.few, max_length=job.budget.max_length, soft_length=0)
        self.batch = Collator(job.backbone)(encoding.examples).to(job.backbone.device)
        self.tokens, self.looks = 0, 0

    @torch.no_grad()
    def __call__(self, alpha: Tensor) -> Value:
        """Mean score (0 to 100) of greedy answers, and the log-likelihood of the right ones."""
        backbone = self.job.backbone
        self.looks += 1
        with swapped(backbone.model, self.mixer.weights(alpha)):
            current = Stacked(backbone, backbone.model, None, (f"mixture {self.looks}",))
            rollouts = self.job.roll_out(current, self.target, self.few, Sampling(None, None, 0))
            likely = -float(answer_loss(current, self.batch))
        self.tokens += self.batch.tokens + sum(len(each.prompt) + len(each.answer) for each in rollouts)
        return sum(each.value for each in rollouts) / len(rollouts), likely


def _points(step: int, alpha: Tensor) -> Iterator[CurvePoint]:
    """The weight of each expert after a generation, its mean over matrices where each has its own."""
    shares = alpha.mean(1) if alpha.ndim == 2 else alpha
    for number, share in enumerate(shares, 1):
        yield CurvePoint(step, f"α of expert {number}", float(share))
