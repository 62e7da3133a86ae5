"""About how much memory a step takes on a CPU: the libraries, the weights and their optimiser, and what tokens add."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.models.source import LocatedModel
from suite.models.weight_files import config_of

LIBRARIES: Final = 550_000_000
"""Bytes of a process that has imported torch, transformers and lm-eval."""
NUMBER: Final = 4
"""Bytes of a number in float32."""
KEPT: Final = 18
"""Numbers that a layer keeps of a token for the backward pass, as a multiple of its width: attention, MLP and norms."""
LOGITS: Final = 3
"""Copies of a token's logits: themselves, their softmax, their gradient."""
PADDING: Final = 2
"""How much longer a batch's longest text is than the mean of all texts."""
WAITING: Final = 16384
"""Tokens whose keys and values are in memory at once while answers are written."""
VOCABULARY: Final = 32_000


@dataclass(frozen=True)
class ModelMemory:
    """The sizes of a model that its memory follows from."""

    parameters: int
    layers: int
    width: int
    keys: int
    """Numbers in the keys of a token in one layer, and as many in its values."""
    vocabulary: int

    @classmethod
    def of(cls, model: LocatedModel) -> ModelMemory:
        """By its config.json; from the number of parameters where that is not here, or is of another kind."""
        guessed = cls.of_parameters(model.parameters)
        config: Mapping[str, Any] = {}
        if model.folder is not None and model.file is None:
            with suppress(SuiteError):
                config = config_of(model.folder)
        config = config.get("text_config") or config
        width, heads = (
            _first(config, *names) for names in (("hidden_size", "d_model", "n_embd"), ("num_attention_heads",))
        )
        layers, decoder = (
            _first(config, *names)
            for names in (("num_hidden_layers", "num_layers", "n_layer"), ("num_decoder_layers",))
        )
        if width is None or layers is None:
            return guessed
        share = (_first(config, "num_key_value_heads") or heads or 1) / (heads or 1)
        vocabulary = _first(config, "vocab_size") or VOCABULARY
        return cls(model.parameters, layers + (decoder or 0), width, round(width * share), vocabulary)

    @classmethod
    def of_parameters(cls, parameters: int) -> ModelMemory:
        """A decoder of usual proportions."""
        width = max(round(1.6 * math.pow(parameters, 1 / 3)), 1)  # 200 at 2 million parameters, some 3,000 at 8 billion
        return cls(parameters, max(round(parameters / (12 * width**2)), 1), width, width, VOCABULARY)

    def training(self, texts: int, length: int) -> int:
        """Bytes of a step on a batch: weights, gradients and AdamW's two moments, and what the backward pass needs."""
        of_token = KEPT * self.layers * self.width + LOGITS * self.vocabulary
        return LIBRARIES + NUMBER * (4 * self.parameters + PADDING * texts * length * of_token)

    def answering(self) -> int:
        """Bytes while answers are written: weights, keys and values."""
        return LIBRARIES + NUMBER * (self.parameters + 2 * WAITING * self.layers * self.keys)

    def mixing(self, experts: int) -> int:
        """Bytes while experts are mixed: the model, and the weights of each expert."""
        return LIBRARIES + NUMBER * self.parameters * (experts + 2)


def _first(config: Mapping[str, Any], *names: str) -> int | None:
    return next((config[name] for name in names if isinstance(config.get(name), int)), None)
