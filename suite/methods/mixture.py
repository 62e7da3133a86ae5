"""A part of `transformer2`, not a row by itself: weights α for the changes of several experts (section 3.2).

It is the second step of `adaptation: few_shot` and `uniform`; a spec that names this method has to name `experts`. Each
expert is an SVF run on its own role. LoRA or IA³ experts are possible, too: the updates that they add to the weights
are weighted and summed. Deviations: masks are mixed after the sigmoid (the reference code mixes before it and never
applies it). Ties are broken by likelihood. The few examples come from the training split and are never scored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal

from suite.core.block import Block
from suite.methods import SELF, Family, Part, Prerequisite
from suite.methods._experts import Expert, SvfExpert
from suite.training.cem_config import Search
from suite.training.config import Count
from suite.training.requirements import CandidateSearch, Requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "mixture"
VERSION: Final = 1
TRAINS: Final = True


class Config(Block):
    """Settings of a mixture."""

    INHERITS: ClassVar[dict[str, str]] = {"expert": "svf"}

    experts: tuple[str, ...] = ()
    """Roles; one expert is trained on each."""
    expert: Expert = SvfExpert()
    """Settings of the experts. Defaults come from the track's settings of their method."""
    weights: Literal["few_shot", "uniform"] = "few_shot"
    """Search the weights on a few examples of the target, or give each of the K experts the weight 1 / K."""
    shots: Count = 10
    """Examples to search on."""
    each_matrix: bool = False
    """One weight for each expert and matrix, instead of one for each expert."""
    search: Search = Search()
    """Settings of the cross-entropy method."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """The experts."""
    expert = config.expert
    return tuple(Prerequisite(expert.name, expert, (role,), field=("expert",)) for role in config.experts)


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The mixture, for every task."""
    return (SELF,)


def requirements(config: Config) -> Requirements:
    """Rewards for each candidate's answers if the weights are searched."""
    searched = config.weights == "few_shot"
    candidates = config.search.population * config.search.generations if searched else 0
    return Requirements(reward=searched, full_weights=True, cost=CandidateSearch(candidates, config.shots))


def train(config: Config, job: Job) -> Trained:
    """Find the mixing weights; the model's own weights do not change."""
    from suite.training.expert_search import mix_by_search, mix_evenly

    if config.weights == "uniform":
        return mix_evenly(job, config.experts)
    return mix_by_search(job, config.experts, shots=config.shots, settings=config.search, by_matrix=config.each_matrix)
