"""Answers of stored experiments: the ones that are meant, judged, and with the prompts that were asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import suite
from suite.results.store import Costs, FindingRecord, Store
from tests.analysis.board.tiny_board import World, classified, of_corpus, per_document, translated
from tests.api.small import one_line


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Store.open(f"sqlite:///{tmp_path / 'suite.db'}") as store:
        yield World(store)


def test_the_first_target_is_shown_with_what_was_asked_said_and_read(home: Path) -> None:
    with suite.open_store(home) as store:
        found = suite.answers(store, "finetune_rte")
        (score,) = (each for each in store.scores([found.step])[found.step] if each.primary)
    assert (found.name, found.track, found.seed, found.role, found.task, found.shots) == (
        "finetune_rte", "micro", 0, "rte", "micro_rte", 0,
    )  # fmt: skip
    assert [(each.role, each.shots, each.status) for each in found.evaluations] == [
        ("rte", 0, "done"), ("triviaqa", 1, "done"), ("cb", 1, "done"),
    ]  # fmt: skip
    assert found.score == score
    assert found.documents == found.matching == len(found.answers) == score.n == 16
    assert found.artifacts == ("weights (train finetune on rte · micro · seed 0)",)
    for answer in found.answers:
        assert answer.question.endswith("answer:")
        assert answer.right_answers in (("True",), ("False",))
        assert answer.is_right == (answer.parsed in answer.right_answers) == (answer.score == 100)
        assert answer.prompt is None


def test_prompts_are_whole_and_those_that_were_asked(home: Path) -> None:
    with suite.open_store(home) as store:
        found = suite.answers(store, "finetune_rte", role="triviaqa", shots=1, prompts=True, limit=3)
    assert found.no_prompts == ()
    assert [each.document for each in found.answers] == [0, 1, 2]
    for answer in found.answers:
        assert answer.prompt is not None
        exemplar, _, own = answer.prompt.rpartition("\n\n")
        assert own == answer.question
        assert exemplar.startswith("Q:")


def test_a_document_and_the_wrong_ones_are_chosen(home: Path) -> None:
    with suite.open_store(home) as store:
        every = suite.answers(store, "finetune_rte", role="cb")
        wrong = suite.answers(store, "finetune_rte", role="cb", wrong=True, limit=1)
        (third,) = suite.answers(store, "finetune_rte", role="cb", document=3).answers
    missed = [each for each in every.answers if each.score != 100]
    assert third == every.answers[3]
    assert 0 < len(missed) < len(every.answers)
    assert (wrong.matching, wrong.answers) == (len(missed), (missed[0],))


def test_the_beginning_of_an_id_names_an_experiment(home: Path) -> None:
    with suite.open_store(home) as store:
        found = suite.answers(store, "prompt_tuning_rte")
        assert suite.answers(store, found.experiment[:8]) == found


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("finetune_rt", {}, "there is no experiment 'finetune_rt' in the store; did you mean 'finetune_rte'?"),
        ("finetune_rte", {"role": "triviaq"}, "was not asked 'triviaq'; did you mean 'triviaqa'?"),
        ("finetune_rte", {"role": "cb", "shots": 4}, "was not asked 'cb' with 4 shots; known: 1"),
        ("finetune_rte", {"shots": 4}, "was not asked any task with 4 shots; known: 0, 1"),
        ("finetune_rte", {"document": 16}, "rte 0-shot has no document 16; they are 0 to 15"),
        (
            "finetune_rte",
            {"seed": 7},
            "'finetune_rte' has no seed 7; name its track and seed (--track, --seed), or its id:",
        ),
        (
            "finetune_rte",
            {"track": "smol"},
            "'finetune_rte' has no track 'smol'; name its track and seed (--track, --seed), or its id:",
        ),
    ],
)
def test_what_is_not_there_is_told_in_a_line(home: Path, name: str, options: dict[str, str], told: str) -> None:
    with suite.open_store(home) as store, pytest.raises(suite.SuiteError) as error:
        suite.answers(store, name, **options)  # type: ignore[arg-type]
    assert told in one_line(error)


def test_of_several_seeds_the_first_is_taken(world: World) -> None:
    for seed in (2, 0, 1):
        trained = world.train("lora", seed, Costs())
        world.experiment("lora", {("rte", 0): per_document(100.0)}, seed=seed, train=[trained])
    found = suite.answers(world.store, "lora")
    assert (found.seed, found.seeds) == (0, (0, 1, 2))
    assert suite.answers(world.store, "lora", seed=1).seed == 1


def test_several_settings_of_a_name_are_told_in_a_line(world: World) -> None:
    for seed, changes in ((0, ()), (1, ("budget.steps",))):
        world.changes = changes
        trained = world.train("lora", seed, Costs())
        world.experiment("lora", {("rte", 0): per_document(100.0)}, seed=seed, train=[trained])
    with pytest.raises(suite.SuiteError) as error:
        suite.answers(world.store, "lora")
    assert "2 experiments are named 'lora'; name its track and seed (--track, --seed), or its id:" in one_line(error)
    assert "(tiny, seed 1)" in one_line(error)
    assert suite.answers(world.store, "lora", seed=1).seed == 1


def test_an_evaluation_that_is_not_done_is_told_with_those_that_are(world: World) -> None:
    world.experiment("lora", {("rte", 0): None, ("cb", 1): per_document(100.0)})
    with pytest.raises(suite.SuiteError) as error:
        suite.answers(world.store, "lora")
    assert "'lora' has no answers to rte 0-shot: its step is pending; there are answers to cb 1-shot" in one_line(error)
    assert suite.answers(world.store, "lora", shots=1).role == "cb"


def test_an_answer_without_a_score_of_its_own_is_compared_with_the_right_one(world: World) -> None:
    world.experiment("lora", {("mt", 1): translated("le  Vieux chat noir dort", "un chien dort")}, targets=("mt",))
    found = suite.answers(world.store, "lora", wrong=True)
    assert [(each.output, each.score, each.is_right) for each in found.answers] == [("un chien dort", None, False)]
    assert [each.is_right for each in suite.answers(world.store, "lora").answers] == [True, False]


def test_several_right_answers_are_taken_apart(world: World) -> None:
    world.experiment("lora", {("rte", 0): classified(('["True", "yes"]', "True"), ('["True"]', "True"))})
    found = suite.answers(world.store, "lora")
    assert [each.right_answers for each in found.answers] == [("True", "yes"), ('["True"]',)]


def test_a_record_without_texts_says_so(world: World) -> None:
    world.texts = False
    answers = of_corpus(40.0, 1.0)
    world.experiment("lora", {("rte", 0): per_document(100.0, 0.0), ("mt", 1): answers})
    found = suite.answers(world.store, "lora")
    assert not found.has_texts
    assert [(each.output, each.right_answers, each.is_right) for each in found.answers] == [
        ("paris", (), True), ("paris", (), False),
    ]  # fmt: skip
    with pytest.raises(suite.SuiteError) as error:
        suite.answers(world.store, "lora", role="mt", wrong=True)
    assert "scores no answer alone, and right answers are not stored" in one_line(error)


def test_a_task_that_is_not_here_gives_no_prompt_and_a_reason(world: World) -> None:
    world.experiment("lora", {("rte", 0): per_document(100.0, 0.0)})
    found = suite.answers(world.store, "lora", prompts=True)
    (reason,) = found.no_prompts
    assert "there is no task 't_rte'" in reason
    assert [each.prompt for each in found.answers] == [None, None]


def test_a_routed_document_has_the_skill_that_was_read(world: World) -> None:
    routed = FindingRecord("dispatch", {"skills": ["", "math"], "of_documents": [1, 0], "seconds": [0.1, 0.2]})
    world.experiment("lora", {("rte", 0): per_document(100.0, 0.0)}, findings=(routed,))
    assert [each.skill for each in suite.answers(world.store, "lora").answers] == ["math", ""]


def test_reading_answers_needs_no_torch(home: Path) -> None:
    code = (
        "import sys, suite\n"
        "with suite.open_store(sys.argv[1]) as store:\n"
        "    suite.answers(store, 'finetune_rte', wrong=True)\n"
        "print({'torch', 'transformers', 'peft', 'lm_eval', 'datasets'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code, home], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "set()"
