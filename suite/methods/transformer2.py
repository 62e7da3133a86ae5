"""Transformer²: an expert for each target by SVF, put together anew for every task (Sun et al., ICLR 2025).

Each target trains one expert. A task is answered by a mixture that is searched on a few of its examples (`few_shot`),
by all experts in equal parts (`uniform`), or by the expert of its skill (`oracle`, an upper bound that must be told).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from pydantic import Field

from suite.block import Block
from suite.methods import Family, Part, Prerequisite, mixture, svf
from suite.training.config import Count
from suite.training.searching import Search

FAMILY: Final[Family] = "mixture"
VERSION: Final = 1
TRAINS: Final = True


class Config(Block):
    """Settings of Transformer²."""

    INHERITS: ClassVar[dict[str, str]] = {"expert": "svf"}

    adaptation: Literal["few_shot", "uniform", "oracle"] = "few_shot"
    """How a task's weights are found."""
    expert: svf.Config = svf.Config()
    """How experts are trained; what is left out is as for `svf` on the same track."""
    shots: Count = 10
    """Examples of a task to search its weights on; they come from its training split and are never scored."""
    each_matrix: bool = False
    """A weight for each expert and matrix, not for each expert alone."""
    search: Search = Search()
    """The cross-entropy method."""
    skills: Mapping[str, str] = Field(default_factory=dict)
    """For `oracle`: the target whose expert answers a held-out role; the base answers those that are not named."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """None: experts are needed where a task is answered."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The mixture for this role, or the expert of its skill."""
    if config.adaptation == "oracle":
        skill = config.skills.get(role, role)
        return (Prerequisite("svf", config.expert, (skill,)),) if skill in targets else ()
    if config.adaptation == "uniform":  # one for all tasks
        even = mixture.Config(experts=targets, expert=config.expert, weights="uniform")
        return (Prerequisite("mixture", even, ()),)
    searched = mixture.Config(
        experts=targets, expert=config.expert, shots=config.shots, each_matrix=config.each_matrix, search=config.search
    )
    return (Prerequisite("mixture", searched, (role,)),)


train: Final = None
"""What is trained are the experts and the mixtures."""
