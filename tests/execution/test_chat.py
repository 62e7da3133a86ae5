"""A track that asks as a chat, from its plan to its answers; a track that does not is what it was."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import suite
from suite.core.errors import SuiteError
from suite.planning import Inputs, Plan, make_plan
from suite.results.records.consistency import find_inconsistent
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from tests.cli.calls import suite as command
from tests.results.records.test_consistency import unrun

MODEL = Path(suite.__file__).parent / "micro" / "models" / "micro-llama"
TEMPLATE = """{{ bos_token }}{% for message in messages %}{{ message.role }} : {{ message.content }}
{% endfor %}{% if add_generation_prompt %}answer:{% endif %}"""
TRACK = """\
extends: micro
name: chatting
model: {path: ../model}
chat: {system: "be brief ."}
held_out: {roles: [cb, triviaqa], shots: [1], documents: 4}
target: {documents: 8}
selection: {documents: 8}
budget: {batch_size: 4, max_length: 128}
methods: {lora: {steps: 2, select_every: 1}}
"""
SPEC = "name: lora\ntrack: chatting\nmethod: {name: lora}\ntargets: [rte]\nsweep: {learning_rate: [1e-2, 1e-3]}\n"


@dataclass(frozen=True)
class Workspace:
    folder: Path
    spec: Path
    template: Path

    def plan(self, *sets: str) -> Plan:
        return make_plan(load([self.spec], Options(sets=sets)), Inputs(DataLocations()))

    def ids(self, *sets: str) -> list[str]:
        return [step.id for step in self.plan(*sets).steps]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    shutil.copytree(MODEL, tmp_path / "model")
    (tmp_path / "tracks").mkdir()
    (tmp_path / "tracks" / "chatting.yaml").write_text(TRACK)
    (tmp_path / "lora.yaml").write_text(SPEC)
    template = tmp_path / "model" / "chat_template.jinja"
    template.write_text(TEMPLATE)
    return Workspace(tmp_path, tmp_path / "lora.yaml", template)


def test_the_chat_format_is_part_of_every_steps_name(workspace: Workspace) -> None:
    chat, plain = workspace.ids(), workspace.ids("chat=null")
    assert not set(chat) & set(plain)
    assert not set(chat) & set(workspace.ids("chat.system=be kind ."))
    assert not set(chat) & set(workspace.ids("chat.exemplars=text"))
    workspace.template.write_text(TEMPLATE + " ")
    assert not set(chat) & set(workspace.ids())
    assert plain == workspace.ids("chat=null")  # a template that is not used can change nothing


def test_without_a_chat_nothing_of_it_is_in_a_plan(workspace: Workspace) -> None:
    made = workspace.plan("chat=null")
    assert all("chat" not in step.key for step in made.steps)
    assert "chat" not in made.experiments[0].experiment.resolved()["track"]


def test_what_a_run_of_a_chat_would_export_is_accepted_and_nothing_else(workspace: Workspace) -> None:
    record = unrun(workspace.plan())
    assert find_inconsistent(record) is None
    record.experiment.spec["track"]["chat"]["exemplars"] = "text"
    assert "was made with the chat format" in str(find_inconsistent(record))
    del record.experiment.spec["track"]["chat"]
    assert "and its spec says None" in str(find_inconsistent(record))


def test_a_model_without_a_template_is_one_line_at_plan_time(workspace: Workspace) -> None:
    workspace.template.unlink()
    with pytest.raises(SuiteError) as raised:
        workspace.plan()
    what = "chatting.yaml:4: chat: the tokenizer of model has no chat template; leave out `chat`, or add"
    assert what in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{sistem: x}", r"chat\.sistem: unknown key; did you mean 'system'"),
        ("{exemplars: turn}", r"chat\.exemplars: .*'turns' or 'text'"),
        ("{template_args: {tokenize: true}}", r"chat\.template_args: 'tokenize' is no variable of a template"),
        ("true", "chat: "),
    ],
)
def test_what_is_wrong_in_a_chat_block_is_said_with_its_line(workspace: Workspace, text: str, message: str) -> None:
    workspace.spec.write_text(f"{SPEC}chat: {text}\n")
    with pytest.raises(SuiteError, match=rf"lora\.yaml:6: {message}"):
        workspace.plan()


@pytest.mark.slow
def test_a_chat_runs_and_its_prompts_are_shown(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """A sweep of LoRA, its answers with prompts, the loaded model's answers, and their scores once more."""
    home, spec = workspace.folder / "runs", suite.load_spec(workspace.spec)
    outcome = suite.run(suite.plan(spec, home=home))
    assert (outcome.exit_code, dict(outcome.failed)) == (0, {})
    with suite.open_store(home) as store:
        asked = suite.answers(store, "lora", role="cb", prompts=True)
        target = suite.answers(store, "lora", prompts=True)
    assert asked.no_prompts == ()
    prompt = str(asked.answers[0].prompt)
    assert prompt.startswith("<s>system : be brief .\nuser : ")
    assert prompt.count("\nassistant : ") == 1
    assert prompt.endswith("\nanswer:")
    with suite.load_model("lora", home=home) as loaded:
        chat = loaded.adapted.backbone.chat
        assert chat is not None
        again = loaded.answer([each.question for each in target.answers], max_new_tokens=4, stop=["\n\n"])
        assert chat.asked(target.answers[0].question) == target.answers[0].prompt
        raw = loaded.answer([str(each.prompt) for each in target.answers], max_new_tokens=4, stop=["\n\n"], raw=True)
    assert again == raw == tuple(each.output for each in target.answers)
    code, out, err = command(capsys, "doctor", "--deep", "--home", home)
    assert (code, "FAIL" in out + err) == (0, False)
    (workspace.folder / "model").rename(workspace.folder / "elsewhere")
    code, out, err = command(capsys, "answers", "lora", "--prompt", "--json", "--home", home)
    assert "model" in json.loads(out)["no_prompts"][0]
