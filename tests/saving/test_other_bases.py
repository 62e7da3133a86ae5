"""Saved folders answer as the evaluation did: a GGUF file, a base with an adapter, a chat, choices, routed experts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

import suite
from tests.execution.test_chat import MODEL, TEMPLATE
from tests.models.test_backbone import write_gguf
from tests.saving.trained import FAST, LORA, PROMPT, ROWS, SVF, WEIGHTS, Asked, asked, plainly, run

PREFIX = {"steps": 3, "learning_rate": 1.0, "length": 4, "select_every": 3}
ANY_PROMPT = {**PROMPT, "init": "random", "length": 4}
del ANY_PROMPT["text"]
WORDS = """\
task: words
training_split: train
test_split: test
doc_to_text: "{{text}}="
doc_to_target: "{{label}}"
generation_kwargs: {until: [";"], max_gen_toks: 6}
filter_list: [{name: first, filter: [{function: take_first}]}]
metric_list: [{metric: exact_match}]
metadata: {chance: 0.0}
"""
PICK = """\
task: pick
training_split: train
validation_split: validation
test_split: test
output_type: multiple_choice
doc_to_text: "{{premise}} question: {{hypothesis}} Is it true or false? answer:"
doc_to_choice: ["True", "False"]
doc_to_target: "{{label}}"
metric_list: [{metric: acc}]
metadata: {folder: micro_rte, chance: 50.0}
"""
TRACKS: dict[str, dict[str, Any]] = {
    "gguf": {
        "model": {"gguf": "../../tiny.gguf"}, "roles": {"words": "words", "cb": "words"},
        "held_out": {"roles": ["cb"], "shots": [0], "documents": 2}, "budget": {"batch_size": 4, "max_length": 64},
        "selection": {"documents": 2}, "target": {"documents": ROWS},
    },
    "chat": {"extends": "micro", "model": {"path": "../../model"}, "chat": {"system": "be brief ."}},
    "adapted": {"extends": "micro", "model": {"bundled": "micro-llama", "adapter": "../../adapter"}},
    "pick": {"extends": "micro", "roles": {"pick": "pick"}},
    "pick-t5": {"extends": "micro-t5", "roles": {"pick": "pick"}},
    "routed": {
        "extends": "micro-t2", "held_out": {"roles": ["math_hard"], "shots": [0], "documents": 2},
        "target": {"documents": 32},
    },
}  # fmt: skip
SPECS: dict[str, dict[str, Any]] = {
    "gguf_lora": {"track": "gguf", "method": {"name": "lora", **LORA}, "targets": ["words"]},
    "gguf_weights": {"track": "gguf", "method": {"name": "finetune", **WEIGHTS}, "targets": ["words"]},
    "gguf_svf": {"track": "gguf", "method": {"name": "svf", **SVF}, "targets": ["words"]},
    "gguf_prompt": {"track": "gguf", "method": {"name": "prompt_tuning", **ANY_PROMPT}, "targets": ["words"]},
    "chat_lora": {"track": "chat", "method": {"name": "lora", **LORA}},
    "chat_weights": {"track": "chat", "method": {"name": "finetune", **WEIGHTS}},
    "adapted_ia3": {"track": "adapted", "method": {"name": "ia3", "steps": 3, "learning_rate": 0.3}},
    "pick_lora": {"track": "pick", "method": {"name": "lora", **LORA}, "targets": ["pick"]},
    "pick_prefix": {"track": "pick", "method": {"name": "prefix_tuning", **PREFIX}, "targets": ["pick"]},
    "pick_t5": {"track": "pick-t5", "method": {"name": "prompt_tuning", **ANY_PROMPT}, "targets": ["pick"]},
    "routed": {
        "track": "routed", "targets": ["math", "code", "reasoning"],
        "method": {
            "name": "transformer2", "adaptation": "classifier", "expert": {"name": "lora", **LORA},
            "classifier": {"name": "lora", **LORA},
        },
    },
}  # fmt: skip
OWN = {
    "gguf": ("held_out.roles", "held_out.shots", "budget.max_length"),
    "routed": ("held_out.roles", "held_out.shots", "target.documents"),
}
"""Settings of a track that the usual cut does not change."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tasks, tracks, models and data of all rows."""
    folder = tmp_path_factory.mktemp("bases")
    write_gguf(folder / "tiny.gguf")
    shutil.copytree(MODEL, folder / "model")
    (folder / "model" / "chat_template.jinja").write_text(TEMPLATE)
    for name, text in (("words", WORDS), ("pick", PICK)):
        file = folder / "specs" / "tasks" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for name, track in TRACKS.items():
        file = folder / "specs" / "tracks" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump({"name": name, **track}))
    for name, spec in SPECS.items():
        (folder / "specs" / f"{name}.yaml").write_text(yaml.safe_dump({"name": name, "targets": ["rte"], **spec}))
    rows = [{"text": f"cab{number:02d}ab{number * 7 % 10}", "label": "ab"} for number in range(48)]
    (folder / "data" / "words").mkdir(parents=True)
    for split, part in (("train", rows[:16]), ("test", rows[16:])):
        lines = [json.dumps(row) for row in part]
        (folder / "data" / "words" / f"{split}.jsonl").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        _train_adapter(folder)
        for track in TRACKS:
            files = [folder / "specs" / f"{name}.yaml" for name, spec in SPECS.items() if spec["track"] == track]
            cut = {key: value for key, value in FAST.items() if key not in OWN.get(track, ())}
            run(files, folder / "home", data=folder / "data", load={"overrides": cut})
        yield folder


def _train_adapter(folder: Path) -> None:
    """The adapter of a base model: a LoRA that suite saved."""
    file = folder / "specs" / "first.yaml"
    file.write_text(yaml.safe_dump({"name": "first", "method": {"name": "lora", **LORA}, "targets": ["cb"]}))
    run([file], folder / "first", load={"overrides": FAST})
    suite.save("first", folder / "adapter", home=folder / "first")


SAVED: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in SPECS if name != "routed"},
    "gguf_lora merged": ("gguf_lora", {"merge": True}),
    "chat_lora merged": ("chat_lora", {"merge": True}),
}


@pytest.fixture(scope="module")
def answered(workspace: Path) -> dict[str, tuple[Sequence[Asked], Sequence[tuple[str, ...]]]]:
    """What was asked, and the plain answers, of every row."""
    home, data = workspace / "home", workspace / "data"
    jobs: dict[str, list[Asked]] = {}
    for name, (row, options) in SAVED.items():
        saved = suite.save(row, workspace / "saved" / name, home=home, **options)
        jobs[name] = [asked(home, saved, saved.parts[0].names[0], data=data)]
    routed = suite.save("routed", workspace / "saved" / "routed", home=home)
    assert [part.names for part in routed.parts] == [("math",), ("code",), ("reasoning",), ("router",)]
    jobs["routed"] = [*_by_expert(home, routed)]
    flat = iter(plainly([job for of_row in jobs.values() for job in of_row], workspace))
    return {name: (of_row, [next(flat) for _ in of_row]) for name, of_row in jobs.items()}


def _by_expert(home: Path, saved: suite.SavedModel) -> Iterator[Asked]:
    """What each expert was asked: documents whose skill the router read."""
    experts = {part.names[0]: index for index, part in enumerate(saved.parts)}
    with suite.open_store(home) as store:
        for role in ("math", "code", "reasoning"):
            found = suite.answers(store, saved.experiment.id, role=role, prompts=True)
            for skill in {each.skill for each in found.answers} & experts.keys():
                own = [each for each in found.answers if each.skill == skill]
                prompts, outputs = tuple(str(each.prompt) for each in own), tuple(each.output for each in own)
                yield Asked(saved.folder, experts[str(skill)], prompts, outputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SAVED, "routed"])
def test_plain_libraries_answer_as_the_evaluation_did(
    answered: Mapping[str, tuple[Sequence[Asked], Sequence[tuple[str, ...]]]], name: str
) -> None:
    jobs, answers = answered[name]
    assert sum(len(job.outputs) for job in jobs) >= (ROWS if name in SAVED else 8)
    assert [job.outputs for job in jobs] == list(answers)


def files_of(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*.safetensors")}


@pytest.mark.usefixtures("answered")
def test_a_base_without_a_name_goes_along(workspace: Path) -> None:
    saved = workspace / "saved"
    for name in ("gguf_lora", "gguf_prompt", "adapted_ia3"):
        assert files_of(saved / name) == {"adapter_model.safetensors", "base/model.safetensors"}
    for name in ("gguf_weights", "gguf_svf", "gguf_lora merged"):
        assert files_of(saved / name) == {"model.safetensors"}
    assert files_of(saved / "chat_lora") == {"adapter_model.safetensors"}


@pytest.mark.usefixtures("answered")
def test_the_card_asks_a_chat_as_messages(workspace: Path) -> None:
    text = (workspace / "saved" / "chat_lora" / "README.md").read_text("utf-8")
    assert '{"role": "system", "content": "be brief ."},' in text
    assert "tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)" in text
