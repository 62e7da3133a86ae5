"""Transformer²: an expert for each target, put together anew for every task (Sun et al., ICLR 2025).

Each target trains one expert, by SVF unless another method is named. What a document is answered with: the expert of
the skill that the base model names in a short first pass (`prompt`), or that an expert of its own names (`classifier`);
a mixture that is searched on a few examples of the task (`few_shot`); all experts in equal parts (`uniform`); or the
expert of the task's skill, which must be told (`oracle`, an upper bound). Deviations: a document whose skill has no
expert is answered by the base, which the reference code forgets to restore; the classifier learns from training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from pydantic import Field

from suite.core.block import Block
from suite.methods import Dispatch, Family, Part, Prerequisite, mixture
from suite.methods._experts import Expert, SvfExpert
from suite.training.cem_config import Search
from suite.training.config import Count
from suite.training.requirements import Requirements

FAMILY: Final[Family] = "mixture"
VERSION: Final = 1
TRAINS: Final = True


class Config(Block):
    """Settings of Transformer²."""

    INHERITS: ClassVar[dict[str, str]] = {"expert": "svf", "classifier": "svf"}

    adaptation: Literal["prompt", "classifier", "few_shot", "uniform", "oracle"] = "few_shot"
    """How it is found what a task, or each of its documents, is answered with."""
    expert: Expert = SvfExpert()
    """How experts are trained; what is left out is as for their method on the same track."""
    dispatch: str = "skills"
    """For `prompt` and `classifier`: the role whose task asks which skill a prompt wants; skills are named as the
    targets are, and any other is answered by the base."""
    classifier: Expert = SvfExpert()
    """For `classifier`: how the expert that names the skill is trained."""
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


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...] | Dispatch:
    """The mixture for this role, the expert of its skill, or one for each document."""
    if config.adaptation in ("prompt", "classifier"):
        named = config.classifier
        router = (Prerequisite(named.name, named, (config.dispatch,), field=("classifier",)),)
        experts = {skill: (_expert(config, skill),) for skill in targets}
        return Dispatch(config.dispatch, router if config.adaptation == "classifier" else (), experts)
    if config.adaptation == "oracle":
        skill = config.skills.get(role, role)
        return (_expert(config, skill),) if skill in targets else ()
    if config.adaptation == "uniform":  # one for all tasks
        even = mixture.Config(experts=targets, expert=config.expert, weights="uniform")
        return (Prerequisite("mixture", even, ()),)
    searched = mixture.Config(
        experts=targets, expert=config.expert, shots=config.shots, each_matrix=config.each_matrix, search=config.search
    )
    return (Prerequisite("mixture", searched, (role,)),)


def _expert(config: Config, skill: str) -> Prerequisite:
    return Prerequisite(config.expert.name, config.expert, (skill,), field=("expert",))


def requirements(config: Config) -> Requirements:
    """Nothing of its own: what it trains are steps of other methods."""
    return Requirements()


train: Final = None
"""What is trained are the experts and the mixtures."""
