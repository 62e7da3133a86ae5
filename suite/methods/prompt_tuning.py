"""Prompt tuning: soft vectors before the input, the model frozen (Lester et al., EMNLP 2021; first stage of ProMoT).

The prompt stands before a target's inputs only; the base model answers every other task unchanged. In an
encoder-decoder the prompt is on the encoder's input. The vectors are stored flat, so that Adafactor does not factor its
second moment, as in the original. Several targets share one prompt. Deviations: none in the procedure.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from suite.methods import SELF, Family, Part, Prerequisite
from suite.training.config import Count, Optimisation, Optimizer, Positive
from suite.training.requirements import Requirements, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "prompt"
VERSION: Final = 1
TRAINS: Final = True


class Config(Optimisation):
    """Settings of prompt tuning."""

    IDLE: ClassVar[dict[str, Any]] = {**Optimisation.IDLE, "text": None}

    length: Count = 20
    """Number of soft vectors; each takes one position of the input."""
    init: Literal["vocab", "labels", "random", "text"] = "vocab"
    """Initial values: embeddings of common words, drawn without replacement (`vocab`); embeddings of the task's labels,
    then of common words (`labels`); U(-0.5, 0.5) (`random`); or embeddings of `text`, repeated (`text`)."""
    text: Annotated[str, Field(min_length=1)] | None = None
    """With `init: text`: the initial text."""
    optimizer: Optimizer = "adafactor"
    """`adafactor` (the original's) or `adamw`."""
    learning_rate: Positive = 0.3
    """Peak learning rate; soft prompts need rates about a hundred times those of weights."""
    clip: Positive | None = None
    """Maximum norm of the gradient; null: no clipping (Adafactor limits its step size itself)."""

    @model_validator(mode="after")
    def _text_with_init_text(self) -> Self:
        if (self.init == "text") != (self.text is not None):
            raise ValueError("`init: text` and a `text` go together")
        return self


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """This method has no prerequisites."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The prompt for the targets; nothing for other tasks."""
    return (SELF,) if role in targets else ()


def requirements(config: Config) -> Requirements:
    """Positions for the soft vectors, and gradient steps."""
    return optimisation_requirements(config, reserved_positions=config.length, sharding="base")


def train(config: Config, job: Job) -> Trained:
    """Train the prompt. Gradients of the weights are not computed."""
    from suite.models.artifacts.prompt import SoftPrompt
    from suite.training.data.labels import labels_of
    from suite.training.job import Trained
    from suite.training.objectives.optimise import optimise
    from suite.training.prompts import FlatPrompt, start_vectors
    from suite.training.trainable import Trainable

    labels = labels_of(job.examples) if config.init == "labels" else ()
    start = start_vectors(job.backbone, config.length, config.init, job.seed, labels, config.text or "")
    prompt = FlatPrompt(job.backbone, start)
    own = {"flat": prompt.flat}
    fit = optimise(config, job, Trainable(own, nullcontext, prompt.adapt, elsewhere=nullcontext, kind=SoftPrompt))
    return Trained(SoftPrompt(fit.best["flat"].view(prompt.shape)), fit, prompt.flat.numel())
