"""`suite.load_model`: the base model with what an experiment trained."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
import torch

import suite
from suite.analysis.board import BASELINE
from suite.tasks.data import DataLocations
from suite.tasks.load import load_task
from suite.tasks.training_text import prompt_text
from tests.api.small import one_line


def test_a_loaded_model_answers_as_the_run_did(home: Path, spec: suite.LoadedSpec) -> None:
    """The same prompts, decoded once more: the very answers that were scored."""
    for experiment in spec:
        task = load_task(experiment.tasks["rte"], DataLocations.of(None), limit=16)
        prompts = [prompt_text(task, doc, 0) for doc in task.eval_docs]
        settings = task.config.generation_kwargs
        with suite.open_store(home) as store:
            (step,) = [link.step_id for link in store.links(experiment.id) if link.role == "rte"]
            outputs = [answer.output for answer in store.answers(step)]
        with suite.load_model(experiment, home=home) as loaded:
            assert loaded.role == "rte"
            answers = loaded.answer(prompts, max_new_tokens=settings["max_gen_toks"], stop=settings["until"])
        assert list(answers) == outputs


def test_a_loaded_model_is_the_base_with_its_artifact(home: Path) -> None:
    with suite.load_model(BASELINE, home=home) as base:
        plain = {name: value.clone() for name, value in base.model.state_dict().items()}
    loaded = suite.load_model("finetune_rte", home=home)
    assert not all(torch.equal(value, plain[name]) for name, value in loaded.model.state_dict().items())
    loaded.close()
    assert all(torch.equal(value, plain[name]) for name, value in loaded.model.state_dict().items())


def test_the_tokenizer_is_the_models(home: Path) -> None:
    with suite.load_model("finetune_rte", home=home) as loaded:
        ids = loaded.tokenizer("the cat", return_tensors="pt")["input_ids"]
        assert loaded.model(input_ids=ids).logits.shape[:2] == ids.shape


def test_a_soft_prompt_is_applied_for_the_target_only(home: Path) -> None:
    with suite.load_model("prompt_tuning_rte", home=home) as loaded:
        assert loaded.adapted.soft is not None
    with suite.load_model("prompt_tuning_rte", home=home, role="triviaqa") as loaded:
        assert loaded.adapted.artifacts == ()


def test_an_experiment_is_found_by_its_id(home: Path, spec: suite.LoadedSpec) -> None:
    with suite.load_model(spec.experiments[0].id[:8], home=home) as loaded:
        assert loaded.experiment.name == "finetune_rte"


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("finetune", {}, "did you mean 'finetune_rte'?"),
        ("finetune_rte", {"seed": 7}, "'finetune_rte' has no seed 7"),
        ("finetune_rte", {"role": "trivia"}, "did you mean 'triviaqa'?"),
        ("finetune_rte", {"device": "cuda:77"}, "'cuda:77' cannot be used"),
    ],
)
def test_a_model_that_is_not_there_is_told(home: Path, name: str, options: dict[str, object], told: str) -> None:
    with pytest.raises(suite.SuiteError) as error:
        suite.load_model(name, home=home, **options)
    assert told in one_line(error)


def test_a_lost_artifact_is_told(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "artifacts")
    with pytest.raises(suite.SuiteError) as error:
        suite.load_model("finetune_rte", home=tmp_path / "copy")
    assert "trains it again" in one_line(error)


def test_an_experiment_that_is_not_finished_is_told(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy" / "suite.db") as connection:
        connection.execute("UPDATE step SET status = 'failed' WHERE kind = 'train'")
    with pytest.raises(suite.SuiteError) as error:
        suite.load_model("finetune_rte", home=tmp_path / "copy")
    assert "'finetune_rte' is not finished" in one_line(error)
