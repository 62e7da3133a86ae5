"""The table of docs/architectures.md, made from the tiny models: `python -m tests.architectures.table` writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from peft import IA3Config, LoraConfig

from suite.inference.prefix_support import supports_shared_prefix
from suite.inference.reading import fastest
from suite.inference.recurrent import Recurrent
from suite.inference.whole_texts import WholeTexts
from suite.models.adapter_targets import choose_targets
from suite.models.architecture import prefix_obstacle
from suite.models.backbone import Backbone
from suite.models.linear_maps import covered
from suite.models.singular import matrices
from suite.training.singular import MOST
from tests.architectures.answers import plain
from tests.architectures.families import FAMILIES, backbone_of

PAGE: Final = Path(__file__).parents[2] / "docs" / "architectures.md"
BEGIN: Final = "<!-- begin: python -m tests.architectures.table -->\n"
END: Final = "<!-- end -->"
HEAD: Final = ("architecture", "model type", "answers from", "beginning read once", "LoRA", "IA³", "SVF", "prefix")


def made() -> str:
    """The table in Markdown."""
    return f"{line(HEAD)}|{'---|' * len(HEAD)}\n{''.join(line(cells(name)) for name in FAMILIES)}"


def line(row: Iterable[str]) -> str:
    """A line of the table."""
    return f"| {' | '.join(row)} |\n"


def cells(name: str) -> Iterator[str]:
    """The cells of a family."""
    backbone = backbone_of(name)
    yield name
    yield f"`{FAMILIES[name].kind}`"
    yield _answers(backbone)
    shares = "yes" if supports_shared_prefix(plain(backbone)) else "no"
    yield "–" if backbone.shape == "encoder-decoder" else shares
    for config in (LoraConfig(), IA3Config()):
        notice = choose_targets(config, backbone.model)
        yield "PEFT's" if not notice else "all" if "all linear maps" in notice else notice.partition("scales ")[2]
    yield "all" if covered(backbone.model, matrices(backbone.model, "all")) > MOST else "part"
    yield "yes" if prefix_obstacle(_config(backbone).to_dict()) is None else "no"


def _answers(backbone: Backbone) -> str:
    if backbone.shape == "encoder-decoder":
        return "keys and values"
    return {Recurrent: "state", WholeTexts: "whole text"}.get(fastest(plain(backbone)), "keys and values")


def _config(backbone: Backbone) -> Any:
    return backbone.model.config


def page(text: str, table: str) -> str:
    """The page with this table in place of the old one."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8"), made()), encoding="utf-8")
