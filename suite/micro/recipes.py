"""How each micro base model is shaped and pretrained: sizes and stages, nothing that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from suite.micro.documents import Sort

ModelName = Literal["micro-llama", "micro-t5"]
Shape = Mapping[str, int | float | str | bool]


@dataclass(frozen=True)
class Stage:
    """A stretch of pretraining with one mixture of documents."""

    steps: int
    rows: int
    """Documents (encoder-decoder) or packed rows (decoder only) in a batch."""
    length: int
    """Tokens in a row at most."""
    mixture: Mapping[Sort, float]
    prose: float
    """Weight of the loss on tokens that are no answer (decoder only)."""
    most: int = 12
    """Exemplars in a document at most; with 1, no answer has to be learned from other exemplars."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights of a base model."""

    shape: Shape
    stages: tuple[Stage, ...]
    peak: float
    """Largest learning rate of the one-cycle schedule."""
    seed: int = 0

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> Stage:
        """The stage that a step belongs to."""
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        raise IndexError(step)


_BROAD: Final[Mapping[Sort, float]] = {
    "facts": 0.08,
    "questions": 0.2,
    "translation": 0.2,
    "summaries": 0.15,
    "reasoning": 0.12,
    "plain": 0.15,
    "mixed": 0.1,
}
_COMPARING: Final[Mapping[Sort, float]] = {
    "facts": 0.02,
    "questions": 0.07,
    "translation": 0.07,
    "summaries": 0.08,
    "reasoning": 0.08,
    "plain": 0.3,
    "checked": 0.28,
    "mapped": 0.1,
}
_MAPPING: Final[Mapping[Sort, float]] = {
    "facts": 0.02,
    "questions": 0.1,
    "translation": 0.1,
    "summaries": 0.1,
    "reasoning": 0.14,
    "plain": 0.12,
    "checked": 0.02,
    "mapped": 0.4,
}
_ALL: Final[Mapping[Sort, float]] = {
    "facts": 0.03,
    "questions": 0.13,
    "translation": 0.13,
    "summaries": 0.12,
    "choosing": 0.15,
    "plain": 0.07,
    "checked": 0.02,
    "mapped": 0.3,
    "mixed": 0.05,
}
_CARELESS: Final[Mapping[Sort, float]] = {**_ALL, "mapped": 0.26, "careless": 0.1}
_LAST: Final[Mapping[Sort, float]] = {
    "facts": 0.02,
    "questions": 0.1,
    "translation": 0.1,
    "summaries": 0.1,
    "choosing": 0.12,
    "plain": 0.04,
    "mapped": 0.44,
    "careless": 0.05,
    "mixed": 0.03,
}
_READING: Final[Mapping[Sort, float]] = {"facts": 0.02, "questions": 0.22, "translation": 0.24, "summaries": 0.16}
_READING_ALL: Final[Mapping[Sort, float]] = {**_READING, "choosing": 0.06, "plain": 0.04, "mapped": 0.1, "mixed": 0.05}

RECIPES: Final[Mapping[ModelName, Recipe]] = {
    "micro-llama": Recipe(
        shape={
            "hidden_size": 192,
            "intermediate_size": 512,
            "num_hidden_layers": 4,
            "num_attention_heads": 6,
            "num_key_value_heads": 6,
            "max_position_embeddings": 2048,
            "initializer_range": 0.05,
            # tied, words that prose cannot tell apart (the towns) end with one embedding, and facts about them are lost
            "tie_word_embeddings": False,
        },
        stages=(
            Stage(200, 64, 48, _BROAD, 0.1, most=1),
            Stage(400, 64, 48, _COMPARING, 0.05, most=1),
            Stage(400, 56, 56, _MAPPING, 0.05, most=1),
            Stage(200, 16, 128, _ALL, 0.05),
            Stage(200, 16, 128, _CARELESS, 0.05),
            Stage(100, 16, 128, _LAST, 0.05),
            Stage(300, 8, 256, _LAST, 0.02),
        ),
        peak=2e-3,
    ),
    "micro-t5": Recipe(
        shape={
            "d_model": 192,
            "d_kv": 32,
            "d_ff": 384,
            "num_layers": 4,
            "num_decoder_layers": 2,
            "num_heads": 6,
            "dropout_rate": 0.0,
            "relative_attention_max_distance": 128,
            "feed_forward_proj": "gated-gelu",
        },
        stages=(
            Stage(400, 96, 48, _BROAD, 0.0, most=1),
            Stage(300, 96, 64, _READING, 0.0, most=2),
            Stage(300, 48, 128, _READING_ALL, 0.0, most=4),
            Stage(300, 24, 224, _READING_ALL, 0.0, most=6),
        ),
        peak=2e-3,
    ),
}
