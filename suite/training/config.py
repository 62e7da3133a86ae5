"""Training settings that all trained methods share, and the budget that follows from them and the track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, Protocol

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from typing_extensions import Self

from suite.core.block import Block

LEAST_PROMPT: Final = 8
"""Minimum number of prompt tokens that a long answer leaves."""
LEAST_INPUT: Final = LEAST_PROMPT + 2
"""Minimum number of input tokens: the prompt's, one token of the answer, and the end token."""
Optimizer = Literal["adamw", "adafactor", "adamw8bit"]
MOMENTS: Final = {"adamw": 2.0, "adamw8bit": 0.5, "adafactor": 0.0}
"""Numbers of 4 bytes that an optimiser keeps for each trained one, about."""
Precision = Literal["float32", "bf16"]
"""Of the trained weights (`method.precision`), or of training's computing (`budget.precision`)."""
Sharding = Literal["weights", "base", "nothing"]
"""What devices that train a step together divide: the model with its trained weights, the frozen model around what is
trained, or nothing (each has all)."""
Schedule = Literal["constant", "linear", "cosine"]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
NonNegative = Annotated[float, Field(ge=0)]


class Reinforce(Block):
    """Settings of REINFORCE on the model's own answers (Williams 1992; Transformer², section 3.2)."""

    sampling: Literal["temperature", "greedy"] = "temperature"
    """How answers are drawn. `greedy` (the reference code's) gives likelihood weighted by reward, which is not an
    unbiased policy gradient."""
    temperature: Positive = 1.0
    """Sampling temperature."""
    baseline: Literal["none", "batch_mean", "leave_one_out"] = "none"
    """What is subtracted from each reward: nothing (as published), the batch mean, or the mean of the batch's other
    rewards."""
    kl: NonNegative = 0.0
    """Coefficient of the KL divergence from the base model, summed over an answer's tokens."""
    kl_direction: Literal["policy_base", "base_policy"] = "policy_base"
    """KL(policy‖base), as in the paper, or KL(base‖policy), as in its code."""
    max_new_tokens: Count | None = None
    """Maximum number of answer tokens in training; null: the task's limit."""


Objective = Literal["next_token", "reinforce"]
Mix = Annotated[dict[str, Positive], Field(min_length=1)]


class Optimisation(Block):
    """How a method's parameters are optimised. The Config of each trained method extends this class."""

    IDLE: ClassVar[dict[str, Any]] = {
        "patience": None, "examples": None, "shots": 0, "mix": None, "scale_parameter": False, "decay_by_rate": True,
        "z_loss": 0.0,
    }  # fmt: skip
    """Fields that were added later, and their values without effect."""

    steps: Count = 1000
    """Optimiser steps; each takes one batch of the track's size."""
    learning_rate: Positive = 1e-3
    """Peak learning rate."""
    optimizer: Optimizer = "adamw"
    """`adamw` (betas 0.9 and 0.999), `adamw8bit` (its moments in 8 bits, by bitsandbytes), or `adafactor` with the
    given rate (no relative step)."""
    scale_parameter: bool = False
    """With `adafactor`: scale the rate by the root mean square of each parameter (at least 0.001), as T5X does;
    otherwise the rate is the step size."""
    schedule: Schedule = "constant"
    """Learning-rate schedule after the warm-up: constant, linear decay to 0, or cosine decay to 0."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Warm-up steps, in which the rate rises linearly from 0."""
    weight_decay: NonNegative = 0.0
    """Decoupled weight decay on all trained parameters: each step shrinks them by rate times decay."""
    decay_by_rate: bool = True
    """False: each step shrinks parameters by the decay alone, whatever the rate, as T5X's Adafactor does."""
    clip: Positive | None = 1.0
    """Maximum norm of the gradient of all trained parameters together; null: no clipping."""
    label_smoothing: Share = 0.0
    """Share of the target's probability that the loss spreads evenly over the vocabulary."""
    z_loss: NonNegative = 0.0
    """Coefficient of the square of log Σ exp(logits), added to the loss of each answer token (T5X: 1e-4)."""
    dropout: Share = 0.0
    """Dropout in training, wherever the model has it (Llama: attention; T5: everywhere)."""
    select_every: Count | None = None
    """Steps between scores of the selection rows; null: as the track says."""
    patience: Count | None = None
    """Stop training early after this number of selections in a row without a better score; null: as the track says."""
    examples: Count | None = None
    """Train on this many examples of each target: those on which a mixture would be searched (a batch is no larger);
    null: all."""
    shots: Annotated[int, Field(ge=0)] = 0
    """Exemplars before each training input. They are drawn from the training split and are never the input itself
    (ProMoT's "+1-shot" with 1)."""
    mix: Mix | None = None
    """With several targets: the ratio of their examples in a batch (`{rte: 1, wmt14_enfr: 1}`); null: pool the examples
    of all targets."""
    objective: Objective = "next_token"
    """The objective: likelihood of the right answers, or reward of the model's own answers."""
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
        """Whether training scores the model's own answers one by one."""
        return self.objective == "reinforce"

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out settings that have no effect, so that they change neither names nor output."""
        fields: dict[str, Any] = handler(self)
        if self.objective == "next_token":
            fields.pop("objective", None)
            fields.pop("reinforce", None)
        for name, idle in self.IDLE.items():
            if getattr(self, name) == idle:
                fields.pop(name, None)
        return fields


class WeightOptimisation(Optimisation):
    """How the model's own weights are optimised, by methods that train all of them."""

    IDLE: ClassVar[dict[str, Any]] = {**Optimisation.IDLE, "precision": "float32"}

    precision: Precision = "float32"
    """Precision of the weights in training: `float32` copies of them, or `bf16`, for a base in bfloat16 (a third of the
    memory): an update is computed in float32 for one parameter at a time, and rounded to bfloat16 stochastically. The
    track's `budget.precision` says in which precision forward and backward passes compute."""


def precision_of(config: Optimisation) -> Precision:
    """The precision of trained weights: float32 for methods without a setting of it."""
    return config.precision if isinstance(config, WeightOptimisation) else "float32"


class TrackBudget(Protocol):
    """The budget that a track gives to all methods (`budget:` in a track)."""

    @property
    def batch_size(self) -> int: ...  # noqa: D102
    @property
    def max_length(self) -> int: ...  # noqa: D102
    @property
    def micro_batch(self) -> int | None: ...  # noqa: D102
    @property
    def gradient_checkpointing(self) -> Literal["auto"] | bool: ...  # noqa: D102
    @property
    def precision(self) -> Precision: ...  # noqa: D102


class SelectionRule(Protocol):
    """How a checkpoint is selected (`selection:` in a track)."""

    @property
    def every(self) -> int | None: ...  # noqa: D102
    @property
    def stop_at_score(self) -> float | None: ...  # noqa: D102
    @property
    def patience(self) -> int | None: ...  # noqa: D102


_OTHER: Final = ("select_every", "patience", "examples", "shots", "mix", "objective", "reinforce")


@dataclass(frozen=True)
class FitConfig:
    """All settings of `suite.training.loop.fit`: the track's terms and the method's settings."""

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
    patience: int | None = None
    checkpoint_seconds: float = 60.0
    scale_parameter: bool = False
    decay_by_rate: bool = True
    z_loss: float = 0.0
    precision: Precision = "float32"
    """Of the trained weights."""
    compute_precision: Precision = "float32"
    """Of computing: `bf16` autocasts."""
    gradient_checkpointing: Literal["auto"] | bool = "auto"

    @classmethod
    def of(
        cls, config: Optimisation, track: TrackBudget, rule: SelectionRule, checkpoint_seconds: float = 60.0
    ) -> FitConfig:
        """Combine the method's settings with the track's terms."""
        batch = min(track.batch_size, config.examples or track.batch_size)
        return cls(
            batch_size=batch,
            micro_batch=min(track.micro_batch or batch, batch),
            max_length=track.max_length,
            gradient_checkpointing=track.gradient_checkpointing,
            compute_precision=track.precision,
            select_every=config.select_every or rule.every,
            stop_at_score=rule.stop_at_score,
            patience=config.patience or rule.patience,
            checkpoint_seconds=checkpoint_seconds,
            precision=precision_of(config),
            **{name: getattr(config, name) for name in Optimisation.model_fields if name not in _OTHER},
        )


FREE: Final = ("micro_batch", "checkpoint_seconds", "gradient_checkpointing")
"""Settings of a budget that do not change the result of training."""
