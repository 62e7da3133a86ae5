"""Sizes and pretraining stages of the micro base models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from suite.micro2.documents import Sort

ModelName = Literal["micro2-llama-0.5m", "micro2-llama-2m", "micro2-llama-8m", "micro2-t5-3m"]
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
    document: int = 0
    """Maximum number of words in a document, about; a single exemplar may be longer."""


@dataclass(frozen=True)
class Recipe:
    """All settings that determine the weights of a base model."""

    shape: Shape
    stages: tuple[Stage, ...]
    peak: float
    """Peak learning rate of the one-cycle schedule."""
    closing: Stage | None = None
    """A stage after the cycle; its learning rate falls linearly from CLOSING_PEAK of the peak to 0."""
    ages: tuple[int, ...] = ()
    """Steps before the last one after which the weights are kept as models of their own."""
    seed: int = 0

    @property
    def cycle(self) -> int:
        """Number of optimizer steps of the one-cycle schedule."""
        return sum(stage.steps for stage in self.stages)

    @property
    def steps(self) -> int:
        """Total number of optimizer steps."""
        return self.cycle + (self.closing.steps if self.closing else 0)

    def closing_rate(self, step: int) -> float:
        """The learning rate of a step after the cycle."""
        return self.peak * CLOSING_PEAK * (self.steps - step) / (self.steps - self.cycle)

    def stage(self, step: int) -> Stage:
        """The stage of a step."""
        for stage in (*self.stages, *filter(None, [self.closing])):
            if step < stage.steps:
                return stage
            step -= stage.steps
        raise IndexError(step)


_BROAD: Final[Mapping[Sort, float]] = {
    "facts": 0.08, "synonyms": 0.07, "questions": 0.12,
    "translation": 0.14, "french": 0.03, "glosses": 0.04, "summaries": 0.12,
    "picking": 0.08, "choosing": 0.03, "arithmetic": 0.05, "programs": 0.04, "senses": 0.03, "plain": 0.12,
    "missing": 0.06, "following": 0.05,
}  # fmt: skip
_COMPARING: Final[Mapping[Sort, float]] = {
    "facts": 0.03, "synonyms": 0.03, "questions": 0.06,
    "translation": 0.06, "french": 0.02, "glosses": 0.01, "summaries": 0.06,
    "picking": 0.08, "choosing": 0.02, "arithmetic": 0.03, "programs": 0.02, "senses": 0.02, "plain": 0.31,
    "checked": 0.14, "missing": 0.1, "following": 0.04,
}  # fmt: skip
_CHECKING: Final[Mapping[Sort, float]] = {
    "facts": 0.03, "synonyms": 0.04, "questions": 0.04, "translation": 0.03, "summaries": 0.03, "senses": 0.02,
    "plain": 0.3, "checked": 0.48, "missing": 0.03,
}  # fmt: skip
_CONTEXT: Final[Mapping[Sort, float]] = {
    "facts": 0.04, "synonyms": 0.04, "questions": 0.12, "translation": 0.12, "french": 0.02, "glosses": 0.02,
    "summaries": 0.13, "picking": 0.06, "choosing": 0.05, "arithmetic": 0.04, "programs": 0.03, "senses": 0.03,
    "plain": 0.09, "checked": 0.04, "shown": 0.16, "careless": 0.03, "mixed": 0.02,
}  # fmt: skip

DECODER_STAGES: Final = (
    Stage(400, 64, 48, _BROAD, 0.05, document=40),
    Stage(400, 64, 48, _COMPARING, 0.03, document=40),
    Stage(450, 64, 48, _CHECKING, 0.03, document=40),
    Stage(450, 32, 96, _CONTEXT, 0.03, document=90),
    Stage(450, 20, 160, _CONTEXT, 0.03, document=160),
    Stage(450, 14, 256, _CONTEXT, 0.03, document=256),
)


_CLOSING: Final[Mapping[Sort, float]] = {**_CONTEXT, "judged": 0.16}
"""The last documents teach what the paper's wording of WiC asks for, which a model that knows the senses may miss."""
DECODER_CLOSING: Final = Stage(300, 14, 256, _CLOSING, 0.03, document=256)
CLOSING_PEAK: Final = 0.25
"""Learning rate at the beginning of the closing stage, as a share of the peak."""

ENCODER_DECODER_STAGES: Final = (
    Stage(400, 96, 64, _BROAD, 0.0, document=40),
    Stage(400, 96, 64, _COMPARING, 0.0, document=40),
    Stage(450, 96, 64, _CHECKING, 0.0, document=40),
    Stage(450, 48, 128, _CONTEXT, 0.0, document=90),
    Stage(450, 28, 192, _CONTEXT, 0.0, document=160),
    Stage(450, 16, 288, _CONTEXT, 0.0, document=256),
)


ENCODER_DECODER_CLOSING: Final = Stage(300, 16, 288, _CLOSING, 0.0, document=256)


def _decoder(width: int, heads: int, peak: float, ages: tuple[int, ...] = ()) -> Recipe:
    shape: Shape = {
        "hidden_size": width,
        "intermediate_size": width * 8 // 3,
        "num_hidden_layers": 4,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "max_position_embeddings": 2048,
        "initializer_range": 0.05,
        # not tied: words used alike (the towns) would end with one embedding, and facts about them would be lost
        "tie_word_embeddings": False,
    }
    return Recipe(shape, DECODER_STAGES, peak, DECODER_CLOSING, ages)


def _encoder_decoder() -> Recipe:
    shape: Shape = {
        "d_model": 192,
        "d_kv": 32,
        "d_ff": 384,
        "num_layers": 4,
        "num_decoder_layers": 2,
        "num_heads": 6,
        "dropout_rate": 0.0,
        "relative_attention_max_distance": 128,
        "feed_forward_proj": "gated-gelu",
    }
    return Recipe(shape, ENCODER_DECODER_STAGES, 1e-3, ENCODER_DECODER_CLOSING)


RECIPES: Final[Mapping[ModelName, Recipe]] = {
    "micro2-llama-0.5m": _decoder(96, 3, 3e-3),
    "micro2-llama-2m": _decoder(192, 6, 2e-3, ages=(1700, 2150)),
    "micro2-llama-8m": _decoder(384, 12, 1e-3),
    "micro2-t5-3m": _encoder_decoder(),
}
