"""The methods that can train an expert: each gives one artifact whose change to the weights can be weighted and
summed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from suite.methods import ia3, lora, svf, svf_transfer


class SvfExpert(svf.Config):
    """Settings of an expert that is trained by SVF."""

    name: Literal["svf"] = "svf"
    """Name of the method."""


class LoraExpert(lora.Config):
    """Settings of an expert that is trained by LoRA."""

    name: Literal["lora"] = "lora"
    """Name of the method."""


class Ia3Expert(ia3.Config):
    """Settings of an expert that is trained by IA³."""

    name: Literal["ia3"] = "ia3"
    """Name of the method."""


class TransferredExpert(svf_transfer.Config):
    """Settings of an expert that was trained by SVF on another base model."""

    name: Literal["svf_transfer"] = "svf_transfer"
    """Name of the method."""


def _svf_unless_named(block: Any) -> str:
    return f"<{_name(block, 'svf')}>"


def _ia3_unless_named(block: Any) -> str:
    return f"<{_name(block, 'ia3')}>"


def _name(block: Any, usual: str) -> str:
    return str(block.get("name", usual)) if isinstance(block, Mapping) else str(getattr(block, "name", usual))


_Any = Annotated[SvfExpert, Tag("<svf>")] | Annotated[LoraExpert, Tag("<lora>")] | Annotated[Ia3Expert, Tag("<ia3>")]
Expert = Annotated[
    _Any | Annotated[TransferredExpert, Tag("<svf_transfer>")],
    Discriminator(_svf_unless_named),
]
"""`{name: svf | lora | ia3 | svf_transfer, …}` with that method's settings; SVF if no name is given."""
Tuner = Annotated[_Any, Discriminator(_ia3_unless_named)]
"""`{name: svf | lora | ia3, …}`; IA³ if no name is given."""
