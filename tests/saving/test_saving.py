"""What `suite save` writes, what it refuses, and that nothing is left where it does."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from safetensors.torch import load_file

import suite
from suite.core import hub as network
from suite.saving import hub, writing
from tests.api.small import one_line
from tests.cli.calls import suite as command
from tests.saving.trained import FAST, METHODS, run, write_specs

ROWS = {
    **{name: METHODS[name] for name in ("finetune", "lora", "promot", "prompt_tuning")},
    "tried": {**METHODS["promot"], "name": "promot", "sweep": {"learning_rate": [1e-2, 1e-3]}},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few rows; LoRA with three seeds."""
    folder = tmp_path_factory.mktemp("rows")
    files = write_specs(folder, ROWS, "micro", "micro-llama")
    small = {**FAST, "target.documents": 8, "selection.documents": 8}
    run(files, folder / "home", load={"overrides": small})
    run([folder / "lora.yaml"], folder / "home", load={"overrides": small, "seeds": [0, 1, 2]})
    return folder / "home"


def files_of(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def matter_of(folder: Path) -> dict[str, Any]:
    text = (folder / "README.md").read_text("utf-8")
    found = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(found, dict)
    return found


def test_an_adapter_is_a_folder_of_peft(home: Path, tmp_path: Path) -> None:
    saved = suite.save("lora", tmp_path / "lora", home=home, seed=0)
    assert files_of(saved.folder) == ["README.md", "adapter_config.json", "adapter_model.safetensors"]
    config = json.loads((saved.folder / "adapter_config.json").read_text())
    assert (config["peft_type"], config["task_type"], config["inference_mode"]) == ("LORA", "CAUSAL_LM", True)
    assert Path(config["base_model_name_or_path"]).name == "micro-llama"
    assert [(part.names, part.weights, part.adapter) for part in saved.parts] == [(("rte",), None, "")]
    assert saved.bytes == sum((saved.folder / name).stat().st_size for name in files_of(saved.folder))


def test_promot_is_weights_and_a_prompt_beside_them(home: Path, tmp_path: Path) -> None:
    saved = suite.save("promot", tmp_path / "promot", home=home)
    assert [(part.weights, part.adapter) for part in saved.parts] == [("", "prompt")]
    assert {"model.safetensors", "prompt/adapter_config.json", "tokenizer.json"} <= set(files_of(saved.folder))
    text = (saved.folder / "README.md").read_text("utf-8")
    assert "The held-out tasks were answered without the prompt." in text
    assert "For all other tasks, leave out the line with `PeftModel`" in text
    assert "The evaluation read what it scored from this text with `first_label`." in text


def test_the_chosen_try_of_a_sweep_is_saved(home: Path, tmp_path: Path) -> None:
    saved = suite.save("tried", tmp_path / "tried", home=home)
    with suite.open_store(home) as store:
        (chosen,) = [
            step for step in store.steps(store.step_ids()).values() if step.title.startswith("choose promot on rte")
        ]
        best = store.artifacts([chosen.id])[chosen.id]
    weights = load_file(home / "artifacts" / best.path / "artifact.safetensors")
    written = load_file(saved.folder / "model.safetensors")
    assert all(torch.equal(written[name], tensor) for name, tensor in weights.items())
    assert [part.adapter for part in saved.parts] == ["prompt"]


def test_numbers_are_written_in_the_type_that_is_asked_for(home: Path, tmp_path: Path) -> None:
    for name, options, file in (
        ("finetune", {}, "model"), ("lora", {}, "adapter_model"), ("lora", {"merge": True}, "model"),
    ):  # fmt: skip
        folder = tmp_path / f"{name}{len(options)}"
        suite.save(name, folder, home=home, dtype="bfloat16", **options)
        assert {tensor.dtype for tensor in load_file(folder / f"{file}.safetensors").values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "finetune0" / "config.json").read_text())["dtype"] == "bfloat16"


def test_others_may_read_the_files(home: Path, tmp_path: Path) -> None:
    suite.save("lora", tmp_path / "lora", home=home)
    usual = tmp_path / "usual"
    usual.touch()
    assert {file.stat().st_mode for file in (tmp_path / "lora").iterdir()} == {usual.stat().st_mode}


def test_the_best_seed_on_the_selection_rows_is_saved_and_named(home: Path, tmp_path: Path) -> None:
    with suite.open_store(home) as store:
        best: dict[int, float] = {}
        for record in store.experiments():
            if record.name == "lora":
                (step,) = [link.step_id for link in store.links(record.id) if link.part == "train"]
                best[record.seed] = max(point.value or 0 for point in store.curve(step) if point.name == "selection")
    saved = suite.save("lora", tmp_path / "best", home=home)
    wanted = max(best, key=lambda seed: (best[seed], -seed))
    assert saved.experiment.seed == wanted
    assert saved.seed_note.startswith(f"Seed {wanted} of 0, 1, 2: the highest score on the selection rows")
    assert suite.save("lora", tmp_path / "own", home=home, seed=2).seed_note == "Seed 2 of 0, 1, 2, as asked."


def test_the_card_is_the_hubs_and_says_what_was_measured(home: Path, tmp_path: Path) -> None:
    saved = suite.save("lora", tmp_path / "lora", home=home, seed=1)
    card = ModelCard.load(saved.folder / "README.md")
    results = {each.dataset_name: each for each in card.data.eval_results}
    with suite.open_store(home) as store:
        score = suite.answers(store, saved.experiment.id).score
    assert score is not None
    assert results["rte, 0 shots"].metric_value == pytest.approx(score.value, abs=0.01)
    matter = matter_of(saved.folder)
    assert (matter["base_model"], matter["library_name"]) == ("micro-llama", "peft")
    text = (saved.folder / "README.md").read_text("utf-8")
    for heading in ("Use it", "Scores", "Method", "Data", "Limits", "Make it again"):
        assert f"## {heading}\n" in text
    assert "| **rte** (target) | 0 | accuracy | 8 |" in text
    assert "Over all seeds (0, 1, 2): rte " in text
    assert re.search(r"suite run \S*lora.yaml --track micro --seeds 1 ", text)
    assert "{{premise}} question: {{hypothesis}} Is it true or false? answer:" in text


def test_a_task_that_was_changed_since_gives_the_card_no_template(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = tmp_path / "specs" / "tasks"
    shutil.copytree(Path(__file__).parents[2] / "specs" / "tasks", tasks)
    rte = tasks / "rte.yaml"
    rte.write_text(rte.read_text().replace("Is it true or false?", "True?"))
    monkeypatch.chdir(tmp_path)
    suite.save("lora", tmp_path / "lora", home=home)
    text = (tmp_path / "lora" / "README.md").read_text("utf-8")
    assert "Template" not in text
    assert 'prompt = "…"' in text


def test_a_folder_that_is_not_empty_is_left_alone(home: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    with pytest.raises(suite.SuiteError) as error:
        suite.save("lora", full, home=home)
    assert "exists and is not empty; name a new folder; nothing was overwritten" in one_line(error)
    assert files_of(tmp_path) == ["full/mine.txt"]
    (full / "mine.txt").unlink()
    assert suite.save("lora", full, home=home).folder == full


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no such experiment": ("loraa", {}, "there is no experiment 'loraa' in the store; did you mean 'lora'?"),
    "no such seed": ("lora", {"seed": 7}, "'lora' has no seed 7; name its track and seed (--track, --seed), or its"),
    "no such role": ("lora", {"role": "rtee"}, "'lora' was not asked 'rtee'; did you mean 'rte'?"),
    "nothing trained": ("pretrained", {}, "'pretrained': there is nothing to save: the base model answers as it is"),
    "a prompt to merge": ("prompt_tuning", {"merge": True}, "stands before the text and cannot be merged"),
    "the base of a role": ("prompt_tuning", {"role": "triviaqa"}, "there is nothing to save"),
    "no network": ("lora", {"push": "org/name"}, "--push org/name: the hub cannot be reached (HF_HUB_OFFLINE is set)"),
    "no repository": ("lora", {"push": "name"}, "--push name: is no name of a repository; write it as ORG/NAME"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_saved_is_refused_in_a_line(home: Path, tmp_path: Path, case: str) -> None:
    name, options, said = REFUSED[case]
    with pytest.raises(suite.SuiteError) as error:
        suite.save(name, tmp_path / "new", home=home, **options)
    assert said in one_line(error)
    assert list(tmp_path.iterdir()) == []


def test_a_lost_artifact_and_an_unfinished_row_are_refused(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "artifacts")
    with pytest.raises(suite.SuiteError) as error:
        suite.save("finetune", tmp_path / "new", home=tmp_path / "copy")
    assert " --restore` trains it again" in one_line(error)
    with sqlite3.connect(tmp_path / "copy" / "suite.db") as connection:
        connection.execute("UPDATE step SET status = 'failed' WHERE kind = 'train'")
    with pytest.raises(suite.SuiteError) as error:
        suite.save("finetune", tmp_path / "new", home=tmp_path / "copy")
    assert "'finetune' is not finished" in one_line(error)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_plain_libraries_read_otherwise_is_not_left(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(files: Any, folder: Path, *rest: Any) -> None:
        writes(type(files)(files.settings, {name: 0 * each for name, each in files.tensors.items()}), folder, *rest)

    writes = writing.write_adapter
    monkeypatch.setattr(writing, "write_adapter", forgetful)
    with pytest.raises(suite.SuiteError) as error:
        suite.save("lora", tmp_path / "new", home=home)
    assert "plain transformers and PEFT do not give the answers of this adapter: nothing is saved" in one_line(error)
    assert list(tmp_path.iterdir()) == []


class FakeHub:
    """A hub that takes what it is given, into a list."""

    files: tuple[str, ...] | None = None
    sent: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def list_repo_files(self, repository: str) -> list[str]:
        if self.files is None:
            raise hub.RepositoryNotFoundError.__new__(hub.RepositoryNotFoundError)
        return list(self.files)

    def create_repo(self, repository: str, *, private: bool, exist_ok: bool) -> None:
        assert private

    def upload_folder(self, *, repo_id: str, folder_path: Path, commit_message: str) -> None:
        FakeHub.sent = (*FakeHub.sent, (repo_id, tuple(files_of(folder_path))))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeHub]:
    monkeypatch.setattr(FakeHub, "files", None)
    monkeypatch.setattr(FakeHub, "sent", ())
    monkeypatch.setattr(hub, "HfApi", FakeHub)
    monkeypatch.setattr(hub, "unreachable", lambda: None)
    monkeypatch.setattr(hub, "get_token", lambda: "token")
    assert network.unreachable() is not None
    return FakeHub


def test_a_whole_folder_is_uploaded_with_a_base_that_others_do_not_have(
    home: Path, tmp_path: Path, fake: type[FakeHub]
) -> None:
    saved = suite.save("lora", tmp_path / "lora", home=home, push="org/name")
    assert saved.url == "https://huggingface.co/org/name"
    ((repository, files),) = fake.sent
    assert (repository, files) == ("org/name", tuple(files_of(saved.folder)))
    assert {"adapter_config.json", "base/model.safetensors", "README.md"} <= set(files)
    texts = [(saved.folder / name).read_text("utf-8") for name in files if name.endswith((".md", "config.json"))]
    assert not any("micro/models" in text or str(tmp_path) in text for text in texts)
    assert 'AutoModelForCausalLM.from_pretrained(folder, subfolder="base")' in texts[0]


def test_a_repository_with_files_and_a_missing_token_are_refused(
    home: Path, tmp_path: Path, fake: type[FakeHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "files", (".gitattributes", "model.safetensors"))
    with pytest.raises(suite.SuiteError) as error:
        suite.save("lora", tmp_path / "new", home=home, push="org/name")
    assert one_line(error) == "--push org/name: has files already; name a new repository; nothing was overwritten"
    monkeypatch.setattr(hub, "get_token", lambda: None)
    with pytest.raises(suite.SuiteError) as error:
        suite.save("lora", tmp_path / "new", home=home, push="org/name")
    assert "there is no token" in one_line(error)
    assert (fake.sent, list(tmp_path.iterdir())) == ((), [])


def test_the_command_says_what_was_written(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "promot"
    code, out, err = command(capsys, "save", "promot", folder, "--home", home)
    assert (code, err) == (0, "")
    assert f"rte: prompt in {folder}/prompt, on weights in {folder}\n" in out
    code, out, err = command(capsys, "save", "promot", folder, "--home", home)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_show_says_where_artifacts_are_and_how_the_model_is_saved(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = command(capsys, "show", "promot", "--home", home, "--json")
    (board,) = json.loads(out)
    assert [each["kind"] for each in board["artifacts"]] == ["prompt", "weights"]
    for each in board["artifacts"]:
        assert Path(each["folder"]).is_dir()
        assert each["save"] == "suite save promot FOLDER --track micro"
    _, out, _ = command(capsys, "show", "promot", "--home", home)
    assert "save the model with suite save promot FOLDER --track micro\n" in out


def test_an_experiments_page_says_where_artifacts_are_and_how_the_model_is_saved(home: Path, tmp_path: Path) -> None:
    suite.render(home, out=tmp_path)
    (page,) = [file for file in tmp_path.rglob("*.html") if file.name.startswith("lora-")]
    text = page.read_text("utf-8")
    assert "suite save lora FOLDER --track micro" in text
    assert len(re.findall(r"<code>artifacts/[0-9a-f]{16}</code>", text)) == 3
    assert str(home) not in text
