"""Transformer²: one expert for each target, combined for every task (Sun et al., ICLR 2025).

Each target trains one expert, by SVF unless another method is named. `adaptation` says what answers a document.
`prompt`: the expert of the skill that the base model names in a short first pass. `classifier`: the same, but a trained
expert names the skill. `few_shot`: a mixture that is searched on a few examples of the task. `uniform`: all experts
with equal weights. `oracle`: the expert of the task's skill, which the spec has to name; an upper bound.

Deviations: the base model answers a document whose skill has no expert (the reference code forgets to restore it). The
classifier learns from training rows.
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
    """How the expert or mixture for a task, or for each of its documents, is chosen."""
    expert: Expert = SvfExpert()
    """Settings of the experts. Defaults come from the track's settings of their method."""
    dispatch: str = "skills"
    """For `prompt` and `classifier`: the role whose task asks which skill a prompt needs. Skills have the names of the
    targets; the base model answers other skills."""
    classifier: Expert = SvfExpert()
    """For `classifier`: settings of the expert that names the skill."""
    shots: Count = 10
    """Examples of a task to search its weights on; they come from its training split and are never scored."""
    each_matrix: bool = False
    """One weight for each expert and matrix, instead of one for each expert."""
    search: Search = Search()
    """Settings of the cross-entropy method."""
    skills: Mapping[str, str] = Field(default_factory=dict)
    """For `oracle`: held-out role -> the target whose expert answers it. The base model answers roles that are left
    out."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """This method has no prerequisites: the experts are needed when a task is answered."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...] | Dispatch:
    """The mixture for this role, the expert of its skill, or a routing for each document."""
    if config.adaptation in ("prompt", "classifier"):
        named = config.classifier
        router = (Prerequisite(named.name, named, (config.dispatch,), field=("classifier",)),)
        experts = {skill: (_expert(config, skill),) for skill in targets}
        return Dispatch(config.dispatch, router if config.adaptation == "classifier" else (), experts)
    if config.adaptation == "oracle":
        skill = config.skills.get(role, role)
        return (_expert(config, skill),) if skill in targets else ()
    if config.adaptation == "uniform":  # one mixture for all tasks
        even = mixture.Config(experts=targets, expert=config.expert, weights="uniform")
        return (Prerequisite("mixture", even, ()),)
    searched = mixture.Config(
        experts=targets, expert=config.expert, shots=config.shots, each_matrix=config.each_matrix, search=config.search
    )
    return (Prerequisite("mixture", searched, (role,)),)


def _expert(config: Config, skill: str) -> Prerequisite:
    return Prerequisite(config.expert.name, config.expert, (skill,), field=("expert",))


def requirements(config: Config) -> Requirements:
    """Nothing: other methods' steps do the training."""
    return Requirements()


train: Final = None
"""Other methods' steps train the experts and the mixtures."""
