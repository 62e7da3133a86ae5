"""The settings of the Transformer² paper and of its reference code can be written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.methods import svf
from suite.specs import Options, load
from suite.specs.load import load_track
from suite.specs.workspace import Workspace
from suite.training.cem_config import Search


def config(specs: Path, name: str, track: str | None = None, *sets: str) -> svf.Config:
    (experiment,) = load([specs / "transformer2" / f"{name}.yaml"], Options(track=track, sets=sets))
    assert isinstance(experiment.config, svf.Config)
    return experiment.config


def test_the_reference_codes_settings(specs: Path) -> None:
    found = config(specs, "svf_as_published")
    assert (found.matrices, found.mask, found.renormalise) == ("mlp", "sigmoid", True)
    assert (found.start, found.spread) == (0.1, 0.01)
    assert (found.optimizer, found.learning_rate, found.schedule, found.clip) == ("adamw", 2e-3, "constant", 1e-3)
    assert (found.weight_decay, found.reinforce.kl) == (0.0, 0.0)  # without decay, AdamW is Adam
    assert (found.reinforce.sampling, found.reinforce.baseline) == ("greedy", "none")


@pytest.mark.parametrize("track", ["paper-t2", "paper-t2-mistral", "paper-t2-70b"])
def test_the_papers_settings(specs: Path, track: str) -> None:
    found = config(specs, "svf_math", track, "method.renormalise=false", "method.spread=0.0316")
    assert (found.matrices, found.renormalise) == ("all", False)
    assert (found.learning_rate, found.schedule, found.clip) == (2e-3, "cosine", 1e-3)
    assert config(specs, "svf_math", track, "method.reinforce.kl=0.3").reinforce.kl_direction == "policy_base"
    assert load_track(Workspace.around(), track).deviations


def test_the_published_search_is_an_option() -> None:
    published = Search(floor=0.0, tie_break=False)
    assert (published.population, published.generations, published.spread) == (32, 50, 0.5)
    assert int(published.elite * published.population) == 6
