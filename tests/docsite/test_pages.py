"""What the pages of the documentation have readers write is right as it stands."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import pytest

from tests.cli.calls import suite

DOCS = Path(__file__).parents[2] / "docs"
MICRO = DOCS.parent / "suite" / "micro" / "models" / "micro-llama"
FILE = re.compile(r"^```\w+ ([\w/.-]+\.\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_files(page: str) -> list[str]:
    """The files that a page shows, in the working directory."""
    files = FILE.findall((DOCS / page).read_text("utf-8"))
    for name, text in files:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    return [name for name, _ in files]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("page", "spec", "steps"),
    [
        ("howto/task.md", "specs/lora_missing.yaml", "2 experiments ask for 5 steps"),
        ("howto/metric.md", "specs/lora_ages.yaml", "2 experiments ask for 5 steps"),
        ("howto/track.md", "specs/finetune_long.yaml", "2 experiments ask for"),
    ],
)
def test_the_files_of_a_page_are_a_plan(page: str, spec: str, steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert spec in write_files(page)
    code, out, err = suite(capsys, "plan", spec, "--data", "data" if Path("data").exists() else ".")
    assert (code, err) == (0, "")
    assert steps in out


@pytest.mark.usefixtures("folder")
def test_the_page_on_chats_is_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    write_files("howto/chat.md")
    model = Path("models/SmolLM2-135M-Instruct")
    shutil.copytree(MICRO, model)
    code, _, err = suite(capsys, "plan", "specs/lora_chatting.yaml", "--models", "models")
    assert (code, "chat: the tokenizer of HuggingFaceTB/SmolLM2-135M-Instruct has no chat template" in err) == (2, True)
    (model / "chat_template.jinja").write_text("{{ messages[0].content }}")
    code, out, err = suite(capsys, "plan", "specs/lora_chatting.yaml", "--models", "models")
    assert (code, err, "2 experiments ask for" in out) == (0, "", True)


@pytest.mark.usefixtures("folder")
def test_the_tutorial_prints_what_it_shows(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DOCS / "tutorial.md").read_text("utf-8")
    script = dict(FILE.findall(text))["make_csv.py"]
    Path("make_csv.py").write_text(script, encoding="utf-8")
    runpy.run_path("make_csv.py")
    code, out, err = suite(capsys, "new", "shop", "--data", "tickets.csv")
    assert (code, err) == (0, "")
    assert out.partition("measured on")[0] in text
    write_files("tutorial.md")
    monkeypatch.chdir("shop")
    code, out, err = suite(capsys, "plan", "--seeds", "all")
    assert (code, err) == (0, "")
    (line,) = (line for line in out.splitlines() if " experiments ask for " in line)
    assert f"\n{line}\n" in text
    task = Path("specs/tasks/tickets.yaml")
    task.write_text(task.read_text("utf-8").replace("{{team}}", "{{taem}}"), "utf-8")
    code, _, err = suite(capsys, "plan")
    assert code == 2
    assert "tickets.yaml:" in err
    assert "did you mean 'team'?" in err
