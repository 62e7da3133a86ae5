"""The training settings that every trained method has, and the budget they make together with the track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, Protocol

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from typing_extensions import Self

from suite.core.block import Block

LEAST_PROMPT: Final = 8
"""Tokens of the prompt that a long answer leaves."""
LEAST_INPUT: Final = LEAST_PROMPT + 2
"""Tokens of a prompt and an answer: one of the answer, and its end."""
Optimizer = Literal["adamw", "adafactor"]
Schedule = Literal["constant", "linear", "cosine"]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
NonNegative = Annotated[float, Field(ge=0)]


class Reinforce(Block):
    """Training by reward: REINFORCE on the model's own answers (Williams 1992; Transformer², section 3.2)."""

    sampling: Literal["temperature", "greedy"] = "temperature"
    """How answers are drawn. `greedy` (the reference code's) makes it likelihood weighted by reward, which is no
    unbiased policy gradient."""
    temperature: Positive = 1.0
    """Of sampling."""
    baseline: Literal["none", "batch_mean", "leave_one_out"] = "none"
    """What is taken off each reward: nothing (as published), the mean of the batch, or that of the others in it."""
    kl: NonNegative = 0.0
    """Coefficient of the divergence from the base model, summed over an answer's tokens."""
    kl_direction: Literal["policy_base", "base_policy"] = "policy_base"
    """KL(policy‖base), as the paper has it, or KL(base‖policy), as its code has it."""
    max_new_tokens: Count | None = None
    """Tokens in an answer at most while training; null: as the task says."""


Objective = Literal["next_token", "reinforce"]
Mix = Annotated[dict[str, Positive], Field(min_length=1)]


class Optimisation(Block):
    """How a method's parameters are optimised. Each method's Config starts from this one."""

    IDLE: ClassVar[dict[str, Any]] = {
        "examples": None, "shots": 0, "mix": None, "scale_parameter": False, "decay_by_rate": True, "z_loss": 0.0,
    }  # fmt: skip
    """Fields that came later, and the value with which each does nothing."""

    steps: Count = 1000
    """Optimiser steps; each takes one batch of the track's size."""
    learning_rate: Positive = 1e-3
    """Peak learning rate."""
    optimizer: Optimizer = "adamw"
    """`adamw` (betas 0.9 and 0.999), or `adafactor` with the given rate (no relative step)."""
    scale_parameter: bool = False
    """With `adafactor`: the rate is a share of the root mean square of each parameter (of 0.001 at least), as T5X
    trains models; otherwise it is the size of the step itself."""
    schedule: Schedule = "constant"
    """What the rate does after the warm-up: stays, falls linearly to 0, or falls along half a cosine to 0."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Steps over which the rate rises linearly from 0."""
    weight_decay: NonNegative = 0.0
    """Decoupled weight decay, on all trained parameters; a step shrinks them by rate times decay."""
    decay_by_rate: bool = True
    """False: a step shrinks parameters by the decay alone, whatever the rate, as T5X's Adafactor does."""
    clip: Positive | None = 1.0
    """Largest norm of the gradient of all trained parameters together; null: as it is."""
    label_smoothing: Share = 0.0
    """Share of the target's probability that is spread evenly over the vocabulary in the loss."""
    z_loss: NonNegative = 0.0
    """Coefficient of the square of log Σ exp(logits), added to the loss of each answer token (T5X: 1e-4)."""
    dropout: Share = 0.0
    """Dropout wherever the model has it (Llama: attention; T5: everywhere), while training only."""
    select_every: Count | None = None
    """Score the selection rows each time after this number of steps; null: as the track says."""
    examples: Count | None = None
    """Train on this many examples of each target, those that a mixture would be searched on (a batch is no larger);
    null: all."""
    shots: Annotated[int, Field(ge=0)] = 0
    """Exemplars before each training input, drawn from the training split and never the input itself (ProMoT's
    "+1-shot" with 1)."""
    mix: Mix | None = None
    """With several targets: in which ratio a batch holds their examples (`{rte: 1, wmt14_enfr: 1}`); null: the examples
    of all are one pool."""
    objective: Objective = "next_token"
    """What is optimised: the likelihood of the right answers, or the reward of the model's own."""
    reinforce: Reinforce = Reinforce()
    """Settings of `objective: reinforce`."""

    @model_validator(mode="after")
    def _of_right_answers(self) -> Self:
        if self.objective == "reinforce" and (self.shots or self.mix is not None):
            raise ValueError("`shots` and `mix` are for `objective: next_token`")
        return self

    @model_validator(mode="after")
    def _scaled_by_adafactor(self) -> Self:
        if self.scale_parameter and self.optimizer != "adafactor":
            raise ValueError("`scale_parameter` is for `optimizer: adafactor`")
        return self

    @property
    def rewarded(self) -> bool:
        """Whether the model's own answers are scored, one by one, while training."""
        return self.objective == "reinforce"

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is not in effect is not part of a step's name, nor of what is shown."""
        fields: dict[str, Any] = handler(self)
        if self.objective == "next_token":
            fields.pop("objective", None)
            fields.pop("reinforce", None)
        for name, idle in self.IDLE.items():
            if getattr(self, name) == idle:
                fields.pop(name, None)
        return fields


class TrackBudget(Protocol):
    """What the track gives every method alike (`budget:` in a track)."""

    @property
    def batch_size(self) -> int: ...  # noqa: D102
    @property
    def max_length(self) -> int: ...  # noqa: D102
    @property
    def micro_batch(self) -> int | None: ...  # noqa: D102


class SelectionRule(Protocol):
    """How a checkpoint is selected (`selection:` in a track)."""

    @property
    def every(self) -> int | None: ...  # noqa: D102
    @property
    def stop_at_score(self) -> float | None: ...  # noqa: D102


_OTHER: Final = ("select_every", "examples", "shots", "mix", "objective", "reinforce")


@dataclass(frozen=True)
class FitConfig:
    """Everything `suite.training.loop.fit` needs to know: the track's terms and the method's settings."""

    steps: int
    batch_size: int
    micro_batch: int
    max_length: int
    optimizer: Optimizer
    learning_rate: float
    schedule: Schedule
    warmup: int
    weight_decay: float
    clip: float | None
    label_smoothing: float
    dropout: float
    select_every: int | None
    stop_at_score: float | None
    checkpoint_seconds: float = 60.0
    scale_parameter: bool = False
    decay_by_rate: bool = True
    z_loss: float = 0.0

    @classmethod
    def of(
        cls, config: Optimisation, track: TrackBudget, rule: SelectionRule, checkpoint_seconds: float = 60.0
    ) -> FitConfig:
        """The method's settings within the track's terms."""
        batch = min(track.batch_size, config.examples or track.batch_size)
        return cls(
            batch_size=batch,
            micro_batch=min(track.micro_batch or batch, batch),
            max_length=track.max_length,
            select_every=config.select_every or rule.every,
            stop_at_score=rule.stop_at_score,
            checkpoint_seconds=checkpoint_seconds,
            **{name: getattr(config, name) for name in Optimisation.model_fields if name not in _OTHER},
        )


FREE: Final = ("micro_batch", "checkpoint_seconds")
"""Settings of a budget that do not change what training gives."""
