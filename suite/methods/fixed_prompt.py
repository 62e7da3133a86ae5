"""An untrained prompt: random vectors, words, a text, or an exemplar (controls of ProMoT's first stage).

The vectors stand before a target's inputs; the base model answers every other task unchanged. Used alone, it prompts
the base model. As ProMoT's first stage it is the paper's "fixed random prompt" (`init: random`) or its one-shot text
(`init: exemplar`: one row of the training split, drawn by the seed, the same before every input). Deviation: a text is
given as the base model's token embeddings. They do not change while the model is trained, and they stand before the
begin-of-text token if there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from suite.core.block import Block
from suite.methods import Family, prompt_tuning
from suite.training.config import Count
from suite.training.requirements import Requirements

if TYPE_CHECKING:
    from torch import Tensor

    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "prompt"
VERSION: Final = 1
TRAINS: Final = True
prerequisites, stack = prompt_tuning.prerequisites, prompt_tuning.stack


class Config(Block):
    """Settings of an untrained prompt."""

    init: Literal["vocab", "labels", "random", "text", "exemplar"] = "random"
    """The vectors: one of prompt tuning's initialisations, or an exemplar of the target."""
    length: Count = 20
    """Number of soft vectors. Ignored for an exemplar, which has one for each of its tokens."""
    text: Annotated[str, Field(min_length=1)] | None = None
    """With `init: text`: the text."""

    @model_validator(mode="after")
    def _text_with_init_text(self) -> Self:
        if (self.init == "text") != (self.text is not None):
            raise ValueError("`init: text` and a `text` go together")
        return self


def requirements(config: Config) -> Requirements:
    """Positions for the prompt. The length of an exemplar is known only when it is drawn."""
    return Requirements(reserved_positions=0 if config.init == "exemplar" else config.length)


def train(config: Config, job: Job) -> Trained:
    """Make the prompt without training."""
    from suite.models.artifacts.prompt import SoftPrompt
    from suite.training.job import Trained
    from suite.training.loop import Fit

    return Trained(SoftPrompt(_vectors(config, job)), Fit({}, 0, None, 0, 0, ()), 0)


def _vectors(config: Config, job: Job) -> Tensor:
    from suite.training.data.labels import labels_of
    from suite.training.prompts import start_vectors, text_vectors

    backbone, target = job.backbone, job.examples[0]
    if config.init == "exemplar":
        return text_vectors(backbone, target.prompts.exemplar(target.few(1, job.seed)[0].doc))
    labels = labels_of(job.examples) if config.init == "labels" else ()
    return start_vectors(backbone, config.length, config.init, job.seed, labels, config.text or "")
