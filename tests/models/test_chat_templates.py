"""The chat template that a plan reads from a model's files is the one that its tokenizer has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.models.chat import Chat, load_tokenizer, prompt_format, template_in
from suite.models.source import LocatedModel, ModelSource
from tests.models.chat_models import STYLES, chat_tokenizer

TEMPLATE = STYLES["llama3"].template
OTHER = "{{ messages }}"


def located(folder: Path | None, file: Path | None = None) -> LocatedModel:
    return LocatedModel(ModelSource(hub="org/model"), folder, file, f"identity of {file}", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tokenizer = chat_tokenizer(STYLES["llama3"])
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def configure(folder: Path, template: Any) -> None:
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "chat_template": template}), encoding="utf-8")


def write(folder: Path, name: str, template: str) -> None:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(template, encoding="utf-8")


@pytest.mark.parametrize("form", ["none", "file", "config", "list", "both", "several", "no default"])
def test_a_plan_finds_the_template_that_the_tokenizer_has(folder: Path, form: str) -> None:
    if form in ("file", "both", "several"):
        write(folder, "chat_template.jinja", TEMPLATE)
    if form in ("config", "both"):
        configure(folder, TEMPLATE if form == "config" else OTHER)
    if form == "list":
        configure(folder, [{"name": "tool_use", "template": OTHER}, {"name": "default", "template": TEMPLATE}])
    if form in ("several", "no default"):
        write(folder, "additional_chat_templates/tool_use.jinja", OTHER)
    tokenizer = load_tokenizer(located(folder))
    found = template_in(located(folder))
    if form in ("none", "no default"):
        assert found is None
        with pytest.raises(SuiteError, match="chat: the tokenizer of tiny has no chat template"):
            prompt_format(tokenizer, Chat(), "tiny")
    else:
        assert found == tokenizer.get_chat_template() == TEMPLATE
        assert prompt_format(tokenizer, Chat(), "tiny").asked("red").count("red<|eot_id|>") == 1


def test_the_template_of_a_gguf_file_is_found(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    for name, template in (("with", TEMPLATE), ("without", None)):
        writer = gguf.GGUFWriter(tmp_path / f"{name}.gguf", "llama")
        if template is not None:
            writer.add_chat_template(template)
        for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.close):
            step()
        assert template_in(located(tmp_path, tmp_path / f"{name}.gguf")) == template


def test_nothing_is_known_of_a_model_that_is_not_here() -> None:
    assert template_in(located(None)) is None


def test_a_tokenizer_that_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="cannot load the tokenizer from ") as raised:
        load_tokenizer(located(tmp_path))
    assert "\n" not in str(raised.value)
