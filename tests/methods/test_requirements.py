"""What methods say that they need is what planning goes by: the names of their fields decide nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from suite import methods
from suite.core.errors import SuiteError
from suite.execution import session
from suite.planning import Inputs, Plan, Train, make_plan
from suite.planning.speed import sort_of
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from suite.training.job import Job
from suite.training.requirements import CandidateSearch, GradientSteps, MatrixSelection, Requirements
from tests.methods.test_registry import NEEDED
from tests.models.tiny_budget import Memory
from tests.models.tiny_models import tiny_backbone

OUTSIDE = '''"""A method whose fields have the names of others' settings."""
from suite.core.block import Block
from suite.methods import SELF
from suite.training.requirements import MatrixSelection, Requirements

FAMILY, VERSION, TRAINS = "adapter", 1, True


class Config(Block):
    length: int = 600
    mix: dict[str, float] | None = None
    rewarded: bool = True
    search: int = 3
    target_modules: tuple[str, ...] = ("nope",)


def prerequisites(config, targets):
    return ()


def stack(config, role, targets):
    return (SELF,)


def requirements(config):
    return Requirements({given})


def train(config, job):
    raise NotImplementedError
'''
PROBES = "probes={every: 4, roles: [cb], shots: [1], documents: 8}"


def needs(name: str, **settings: Any) -> Requirements:
    method = methods.get(name)
    return method.requirements(method.Config(**{**NEEDED.get(name, {}), **settings}))


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Plans a spec of a method that says that it needs this."""

    def planned(given: str, *sets: str, settings: str = "") -> Plan:
        folder = tmp_path / "more"
        folder.mkdir(exist_ok=True)
        (folder / "outside.py").write_text(OUTSIDE.replace("{given}", given))
        monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(folder)])
        methods.get.cache_clear()
        monkeypatch.delitem(sys.modules, "suite.methods.outside", raising=False)
        spec = tmp_path / "mine.yaml"
        spec.write_text(f"name: mine\ntargets: [rte]\nmethod: {{name: outside{settings}}}\n")
        return make_plan(load([spec], Options(sets=sets)), Inputs(DataLocations()))

    return planned


@pytest.mark.parametrize("name", methods.names())
def test_what_optimises_looks_at_probes_and_what_does_not_has_none(name: str) -> None:
    found = needs(name)
    assert (
        found.probes == isinstance(found.cost, GradientSteps) == ("objective" in methods.get(name).Config.model_fields)
    )
    if isinstance(found.cost, GradientSteps):
        moments = 2 if methods.get(name).Config().optimizer == "adamw" else 0
        assert needs(name, steps=7).cost == GradientSteps(7, decomposes=name == "svf", moments=moments)
        assert needs(name, objective="reinforce").reward
        assert needs(name, objective="next_token", mix={"a": 1.0, "b": 2.0}).mix == {"a": 1.0, "b": 2.0}


def test_soft_vectors_take_positions_and_an_exemplar_says_none() -> None:
    assert {name: n for name in methods.names() if (n := needs(name).reserved_positions)} == {
        "prompt_tuning": 20, "prefix_tuning": 10, "joint_tuning": 20, "fixed_prompt": 20, "promot": 20,
    }  # fmt: skip
    assert needs("promot", stage_one={"length": 7}).reserved_positions == 7
    assert needs("promot", stage_one={"name": "lora"}).reserved_positions == 0
    assert needs("fixed_prompt", init="exemplar", length=600).reserved_positions == 0


def test_matrices_are_asked_for_by_name_or_by_kind() -> None:
    assert needs("dora", target_modules=("q_proj",)).matrices == (MatrixSelection("target_modules", ("q_proj",)),)
    assert needs("lora", target_modules="all-linear").matrices == ()
    assert needs("svf", matrices="mlp").matrices == (MatrixSelection("matrices", kind="mlp"),)


def test_a_search_scores_its_candidates_answers_and_an_even_mixture_none() -> None:
    searched, even = (
        needs("mixture", shots=5, search={"population": 4, "generations": 3}),
        needs("mixture", weights="uniform"),
    )
    assert (searched.reward, searched.cost) == (True, CandidateSearch(12, 5))
    assert (even.reward, even.cost) == (False, CandidateSearch(0, 10))


def test_names_of_fields_decide_nothing(outside: Any) -> None:
    (step,) = [step for step in outside("").steps if isinstance(step.work, Train)]
    assert step.title == "train outside on rte · micro · seed 0"
    assert step.estimate.tokens == 0
    assert sort_of("train", step.key) == "train adapter"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("reserved_positions=config.length", "a soft prompt of 600 leaves no room in inputs of 512 tokens"),
        ('mix={"cb": 1.0}', "mine.yaml:3: method.mix: 'cb' is no target"),
    ],
)
def test_what_is_said_is_checked(outside: Any, given: str, problem: str) -> None:
    with pytest.raises(SuiteError) as error:
        outside(given)
    assert problem in str(error.value)


def test_matrices_of_another_methods_field_are_checked_where_it_says_so(outside: Any) -> None:
    with pytest.raises(SuiteError, match=r"mine\.yaml:3: method\.parts: there is no matrix 'nope' in micro-llama"):
        outside('matrices=(MatrixSelection("parts", ("nope",)),)')


def test_a_reward_that_a_method_says_it_needs_is_refused_where_there_is_none(outside: Any) -> None:
    outside("reward=True")
    with pytest.raises(SuiteError, match="no answer has a reward for 'outside'"):
        outside("reward=True", "targets=[wmt14_enfr]")


def test_probes_are_a_part_of_the_name_and_of_the_job_where_a_method_asks_for_them(
    outside: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from suite.core.run_dir import RunDir

    jobs: list[Job] = []
    monkeypatch.setattr(session.Session, "backbone", lambda *_: tiny_backbone("decoder"))
    names: dict[bool, set[str]] = {}
    for asked in (False, True):
        for sets in ((), (PROBES,)):
            (step,) = [each for each in outside(f"probes={asked}", *sets).steps if isinstance(each.work, Train)]
            names.setdefault(asked, set()).add(step.id)
        monkeypatch.setattr(methods.get("outside"), "train", lambda config, job: jobs.append(job))
        with pytest.raises(AttributeError):  # nothing was trained
            session.Session(RunDir(tmp_path), Inputs(DataLocations()), "cpu").train(step, step.work, Memory(), {})
    assert {asked: len(ids) for asked, ids in names.items()} == {False: 1, True: 2}
    assert [job.probe is not None for job in jobs] == [False, True]


def test_a_stage_is_checked_under_its_own_key(tmp_path: Path) -> None:
    spec = tmp_path / "mine.yaml"
    spec.write_text(
        "name: mine\ntargets: [rte]\nmethod:\n  name: promot\n"
        "  stage_one:\n    name: lora\n    target_modules: [nope]\n"
    )
    with pytest.raises(SuiteError, match=r"mine\.yaml:7: method\.stage_one\.target_modules: there is no matrix 'nope'"):
        make_plan(load([spec]), Inputs(DataLocations()))


def test_the_sort_of_a_stored_step_survives_settings_of_another_version() -> None:
    key = {"method": {"name": "svf", "version": 1, "objective": "reinforce"}}
    assert sort_of("train", key) == "reinforce singular"
    assert sort_of("train", {"method": {**key["method"], "gone": 1}}) == "train"
    assert sort_of("train", {"method": {"name": "nobodys", "version": 1}}) == "train"
