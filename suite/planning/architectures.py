"""What a model's architecture allows, by its config.json: refusals and notes before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from suite.core.errors import Problem
from suite.methods import Prerequisite
from suite.models.architecture import INSTEAD, MIXERS, READ_DIRECTLY, no_prefix, prefix_obstacle, prompt_obstacle
from suite.models.peft_choices import CONV1D, chosen_for
from suite.models.source import LocatedModel, ModelSource
from suite.models.weight_files import config_of
from suite.specs import Experiment
from suite.training.requirements import Requirements


@dataclass(frozen=True)
class ArchitectureCheck:
    """What is wrong with the steps of an experiment, and what is to be noted."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def check_architecture(
    experiment: Experiment,
    steps: Iterable[tuple[Prerequisite, Requirements]],
    locate: Callable[[ModelSource], LocatedModel],
) -> ArchitectureCheck:
    """Check the train steps whose models' files are here."""
    problems: list[Problem] = []
    notes: list[str] = []
    for step, needs in steps:
        model = locate(step.model or experiment.track.model)
        if model.folder is None or model.file is not None:
            continue
        config, title = config_of(model.folder), model.source.title
        problems += _before_the_text(experiment, step, needs, config, title)
        kind = str(config.get("model_type", ""))
        if needs.adapter is not None:
            problems += _untrainable(experiment, step, needs, kind, title)
            notes += _maps(step.method, needs, kind, title)
    return ArchitectureCheck(tuple(dict.fromkeys(problems)), tuple(dict.fromkeys(notes)))


def _before_the_text(
    experiment: Experiment, step: Prerequisite, needs: Requirements, config: Mapping[str, Any], title: str
) -> Iterator[Problem]:
    """Problems for a prefix or a soft prompt that the model cannot have."""
    if experiment.methods.get(step.method).FAMILY == "prefix":
        obstacle = prefix_obstacle(config)
        what, fix = no_prefix(obstacle or ""), INSTEAD
    else:
        obstacle = prompt_obstacle(config) if needs.reserved_positions else None
        what, fix = obstacle or "", "train an adapter (lora)"
    if obstacle is not None:
        yield Problem(experiment.file, f"{step.method} on {title}: {what}", fix)


def _untrainable(
    experiment: Experiment, step: Prerequisite, needs: Requirements, kind: str, title: str
) -> Iterator[Problem]:
    """Problems for maps that PEFT does not take, or that the model reads past an adapter."""
    if needs.adapter == "BOFT" and kind in CONV1D:
        what = f"{step.method} does not take the maps of {title} ({kind}): PEFT has no BOFT of transposed maps"
        yield Problem(experiment.file, what, "train another adapter (lora)")
    for chosen in needs.matrices if kind in MIXERS else ():
        what, where = experiment.field_and_line(*step.field, chosen.field)
        for name in chosen.names or ():
            if name.rpartition(".")[2] in READ_DIRECTLY:
                reason = f"{what}: {title} ({kind}) reads '{name}' without calling it, so an adapter has no effect"
                yield Problem(where, reason, "name others, such as in_proj")


def _maps(method: str, needs: Requirements, kind: str, title: str) -> list[str]:
    """A note for an adapter whose maps PEFT does not choose."""
    chosen = chosen_for(needs.adapter) if needs.adapter and needs.usual_maps and kind else None
    if chosen is None or kind in chosen:
        return []
    maps = "keys, values and MLPs where they have usual names, or else all linear maps"
    maps = maps if needs.adapter == "IA3" else "all linear maps of the layers (`target_modules` names others)"
    return [f"{method} on {title}: PEFT has no choice of maps for {kind}, so it changes {maps}"]
