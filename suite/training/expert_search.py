"""The weights α of a mixture of experts: equal, or searched on a few examples (Transformer², section 3.2)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from suite.core.diagnostics import Mixture
from suite.core.errors import StepFailed
from suite.core.hashing import seed_of
from suite.models.adapted import AdaptedModel, swapped
from suite.models.artifacts import Artifact, Mixer
from suite.models.backbone import Backbone
from suite.tasks.load import Example
from suite.training.cem import Value, search
from suite.training.cem_config import Search
from suite.training.data.batches import Collator
from suite.training.data.examples import encode
from suite.training.data.training_set import TrainingSet
from suite.training.job import Job, Sampling, Trained
from suite.training.loop import CurvePoint, Fit
from suite.training.objectives.losses import answer_loss


def mix_evenly(job: Job, names: Sequence[str]) -> Trained:
    """Give every expert the same weight, α = 1 / K. `names` are the experts' names, for the finding."""
    mixer = mixer_of(job.backbone, job.parents)
    alpha = torch.full((len(names),), 1.0 / len(names))
    fit = Fit({"alpha": alpha}, 0, None, 0, 0, tuple(_points(0, alpha)))
    return Trained(mixer.artifact(alpha), fit, 0, _finding(mixer, names, alpha))


def mix_by_search(job: Job, names: Sequence[str], *, shots: int, settings: Search, by_matrix: bool) -> Trained:
    """Search α on a few examples of the target, by accuracy first, then by the likelihood of right answers.

    The examples come from the training split, so they are never scored. `names` are the experts' names, for the
    finding.
    """
    mixer = mixer_of(job.backbone, job.parents)
    target = job.examples[0]
    score = MixtureScore(job, mixer, target, target.few(shots, job.seed))
    shape = (len(names), len(mixer.names)) if by_matrix else (len(names),)
    start = torch.full(shape, 1.0 / len(names)).flatten()
    result = search(lambda point: score(point.view(shape)), start, settings, seed_of(job.seed, "mixture", target.role))
    alpha = result.best.view(shape)
    curve = [CurvePoint(step, "selection", value[0]) for step, (value, _) in enumerate(result.history, 1)]
    for step, (_, point) in enumerate(result.history, 1):
        curve += _points(step, point.view(shape))
    fit = Fit(
        {"alpha": alpha}, settings.generations, result.value[0], settings.generations, score.tokens,
        tuple(curve),
    )  # fmt: skip
    return Trained(mixer.artifact(alpha), fit, alpha.numel(), _finding(mixer, names, alpha))


def mixer_of(backbone: Backbone, experts: Sequence[Artifact]) -> Mixer:
    """The mixer of these experts. Raises StepFailed if they cannot be mixed."""
    if len({type(each) for each in experts}) != 1:
        raise StepFailed(f"a mixture has experts of one kind, not of {', '.join(each.kind for each in experts)}")
    return type(experts[0]).mixer(backbone, experts)


class MixtureScore:
    """Scores mixtures on a few examples."""

    def __init__(self, job: Job, mixer: Mixer, target: TrainingSet, few: Sequence[Example]) -> None:
        """Encode the examples once."""
        self.job, self.mixer, self.target, self.few = job, mixer, target, list(few)
        encoding = encode(job.backbone, self.few, max_length=job.budget.max_length, soft_length=0)
        self.batch = Collator(job.backbone)(encoding.examples).to(job.backbone.device)
        self.tokens, self.calls = 0, 0

    @torch.no_grad()
    def __call__(self, alpha: Tensor) -> Value:
        """Mean score of its answers (0 to 100), decoded as the track says, and the log-likelihood of the right
        answers."""
        backbone = self.job.backbone
        self.calls += 1
        with swapped(backbone.model, self.mixer.weights(alpha)):
            current = AdaptedModel(backbone, backbone.model, None, (f"mixture {self.calls}",))
            rollouts = self.job.roll_out(current, self.target, self.few, Sampling(None, None, 0, as_reported=True))
            likely = -float(answer_loss(current, self.batch))
        if math.isnan(likely):
            raise StepFailed("the right answers have no likelihood (nan) with a mixture of these experts")
        tokens = self.batch.tokens + sum(len(each.prompt) + len(each.answer) for each in rollouts)
        self.tokens += tokens
        self.job.spending.add_tokens(tokens)
        return sum(each.value for each in rollouts) / len(rollouts), likely


def _points(step: int, alpha: Tensor) -> Iterator[CurvePoint]:
    """The weight of each expert after a generation; its mean over matrices if each matrix has its own weights."""
    shares = alpha.mean(1) if alpha.ndim == 2 else alpha
    for number, share in enumerate(shares, 1):
        yield CurvePoint(step, f"α of expert {number}", float(share))


def _finding(mixer: Mixer, names: Sequence[str], alpha: Tensor) -> tuple[Mixture]:
    by_matrix = alpha.ndim == 2
    rows = (alpha if by_matrix else alpha[:, None]).tolist()
    matrices = mixer.names if by_matrix else ()
    return (Mixture(experts=tuple(names), matrices=matrices, alpha=tuple(map(tuple, rows))),)
