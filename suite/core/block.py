"""The base class of everything that is read from YAML: strict, frozen, and without unknown keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A block of a spec: types are exact, values cannot be changed, and an unknown key is an error.

    Sequences are tuples. The string under a field documents it (and appears in `suite schema`).
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, allow_inf_nan=False
    )
