"""Sizes and pretraining stages of the micro base models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from suite.micro.documents import Sort

ModelName = Literal["micro-llama", "micro-t5"]
Shape = Mapping[str, int | float | str | bool]


@dataclass(frozen=True)
class Stage:
    """A stage of pretraining with one mixture of documents."""

    steps: int
    rows: int
    """Documents (encoder-decoder) or packed rows (decoder only) in each batch."""
    length: int
    """Maximum number of tokens in a row."""
    mixture: Mapping[Sort, float]
    prose: float
    """Weight of the loss on tokens outside of answers (decoder only)."""
    most: int = 12
    """Maximum number of exemplars in a document; with 1, no answer depends on other exemplars."""


@dataclass(frozen=True)
class Recipe:
    """All settings that determine the weights of a base model."""

    shape: Shape
    stages: tuple[Stage, ...]
    peak: float
    """Peak learning rate of the one-cycle schedule."""
    seed: int = 0

    @property
    def steps(self) -> int:
        """Total number of optimizer steps."""
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> Stage:
        """The stage of a step."""
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        raise IndexError(step)


_BROAD: Final[Mapping[Sort, float]] = {
    "facts": 0.07,
    "questions": 0.17,
    "translation": 0.15,
    "glosses": 0.04,
    "summaries": 0.12,
    "picking": 0.08,
    "choosing": 0.05,
    "arithmetic": 0.05,
    "programs": 0.03,
    "plain": 0.14,
    "mixed": 0.1,
}
_COMPARING: Final[Mapping[Sort, float]] = {
    "facts": 0.02,
    "questions": 0.06,
    "translation": 0.06,
    "glosses": 0.02,
    "summaries": 0.06,
    "picking": 0.08,
    "choosing": 0.05,
    "arithmetic": 0.05,
    "programs": 0.02,
    "plain": 0.27,
    "checked": 0.25,
    "mapped": 0.06,
}
_MAPPING: Final[Mapping[Sort, float]] = {
    "facts": 0.02,
    "questions": 0.09,
    "translation": 0.09,
    "glosses": 0.02,
    "summaries": 0.09,
    "picking": 0.05,
    "choosing": 0.1,
    "arithmetic": 0.06,
    "programs": 0.02,
    "plain": 0.1,
    "checked": 0.02,
    "mapped": 0.34,
}
_CHOOSING: Final[Mapping[Sort, float]] = {
    "facts": 0.02,
    "questions": 0.08,
    "translation": 0.08,
    "glosses": 0.01,
    "summaries": 0.08,
    "picking": 0.26,
    "choosing": 0.3,
    "arithmetic": 0.03,
    "programs": 0.01,
    "mapped": 0.13,
}
_ALL: Final[Mapping[Sort, float]] = {
    "facts": 0.03,
    "questions": 0.12,
    "translation": 0.12,
    "glosses": 0.02,
    "summaries": 0.11,
    "picking": 0.03,
    "choosing": 0.13,
    "arithmetic": 0.05,
    "programs": 0.01,
    "plain": 0.05,
    "checked": 0.02,
    "mapped": 0.26,
    "mixed": 0.05,
}
_CARELESS: Final[Mapping[Sort, float]] = {**_ALL, "mapped": 0.22, "careless": 0.1, "picking": 0.01, "choosing": 0.11}
_LAST: Final[Mapping[Sort, float]] = {
    "facts": 0.02,
    "questions": 0.09,
    "translation": 0.09,
    "glosses": 0.02,
    "summaries": 0.09,
    "picking": 0.01,
    "choosing": 0.11,
    "arithmetic": 0.04,
    "programs": 0.01,
    "plain": 0.04,
    "mapped": 0.4,
    "careless": 0.05,
    "mixed": 0.03,
}
_FINDING: Final[Mapping[Sort, float]] = {
    "facts": 0.05,
    "questions": 0.17,
    "translation": 0.15,
    "glosses": 0.03,
    "summaries": 0.13,
    "picking": 0.05,
    "following": 0.07,
    "missing": 0.2,
    "plain": 0.15,
}
_JUDGING: Final[Mapping[Sort, float]] = {
    "facts": 0.03,
    "questions": 0.1,
    "translation": 0.1,
    "glosses": 0.02,
    "summaries": 0.1,
    "picking": 0.05,
    "choosing": 0.05,
    "following": 0.05,
    "missing": 0.1,
    "plain": 0.4,
}
_NAMING: Final[Mapping[Sort, float]] = {
    "facts": 0.02,
    "questions": 0.1,
    "translation": 0.1,
    "glosses": 0.02,
    "summaries": 0.1,
    "picking": 0.03,
    "choosing": 0.07,
    "missing": 0.05,
    "plain": 0.16,
    "mapped": 0.35,
}
_READING: Final[Mapping[Sort, float]] = {
    "facts": 0.02,
    "questions": 0.16,
    "translation": 0.16,
    "glosses": 0.02,
    "summaries": 0.12,
    "choosing": 0.04,
    "plain": 0.1,
    "mapped": 0.3,
    "careless": 0.04,
    "mixed": 0.04,
}

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
            # not tied: words used alike (the towns) would end with one embedding, and facts about them would be lost
            "tie_word_embeddings": False,
        },
        stages=(
            Stage(200, 64, 48, _BROAD, 0.1, most=1),
            Stage(400, 64, 48, _COMPARING, 0.05, most=1),
            Stage(400, 56, 56, _MAPPING, 0.05, most=1),
            Stage(300, 64, 48, _CHOOSING, 0.05, most=1),
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
            Stage(300, 96, 48, _FINDING, 0.0, most=1),
            Stage(300, 96, 48, _JUDGING, 0.0, most=1),
            Stage(300, 96, 48, _NAMING, 0.0, most=1),
            Stage(250, 96, 64, _READING, 0.0, most=2),
            Stage(200, 48, 128, _READING, 0.0, most=4),
            Stage(250, 24, 224, _READING, 0.0, most=6),
        ),
        peak=1e-3,
    ),
}
