"""Which part of a model a parameter belongs to, by its name: what a gradient's alignment is grouped by."""

from __future__ import annotations

import re

from suite.core.curves import OfPart, Part

_LAYER = re.compile(r"(?:^|\.)(?:(encoder|decoder)\.)?(?:layers|block|h)\.(\d+)\.")
_KINDS: tuple[tuple[Part, re.Pattern[str]], ...] = (
    ("adapter", re.compile(r"lora_|ia3_|boft_")),
    ("prompt", re.compile(r"^(flat|soft prompt|prefix.*|encoder\.\d.*)$")),
    ("norm", re.compile(r"norm|ln_")),
    ("query", re.compile(r"\.(q_proj|q|query)\.")),
    ("key", re.compile(r"\.(k_proj|k|key)\.")),
    ("value", re.compile(r"\.(v_proj|v|value)\.")),
    ("output", re.compile(r"\.(o_proj|o|out_proj)\.")),
    ("mlp", re.compile(r"mlp|DenseReluDense|feed_forward|fc\d")),
    ("head", re.compile(r"lm_head")),
    ("embedding", re.compile(r"embed|shared|wte|wpe|relative_attention_bias")),
)


def part_of(name: str, encoder_layers: int = 0) -> OfPart | None:
    """The part that a parameter of `model.named_parameters()` belongs to; None if its name tells none.

    A tied head is where its tensor is: with the embeddings.
    """
    kind = next((kind for kind, pattern in _KINDS if pattern.search(name)), None)
    if kind is None:
        return None
    found = _LAYER.search(name)
    if found is None:
        return OfPart(kind)
    return OfPart(kind, int(found[2]) + (encoder_layers if found[1] == "decoder" else 0))
