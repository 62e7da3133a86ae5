"""What `--model` names, and how it is asked as a chat."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.models.chat import Chat
from suite.models.source import ModelSource
from suite.starter.models import as_asked, chat_of, model_named, written
from tests.models.chat_models import STYLES, chat_backbone
from tests.models.tiny_models import tiny_backbone


def test_a_model_is_a_folder_a_file_or_a_name_of_the_hub(tmp_path: Path) -> None:
    (tmp_path / "it's mine").mkdir()
    (tmp_path / "a.gguf").touch()
    assert model_named(str(tmp_path / "it's mine")) == ModelSource(path=str(tmp_path / "it's mine"))
    assert model_named(str(tmp_path / "a.gguf")) == ModelSource(gguf=str(tmp_path / "a.gguf"))
    assert model_named("org/name") == ModelSource(hub="org/name")
    assert model_named("org/name@v1") == ModelSource(hub="org/name", revision="v1")
    assert written(ModelSource(hub="org/name", dtype="bfloat16")) == "{hub: org/name, dtype: bfloat16}"
    assert written(ModelSource(path="/it's: mine")) == "{path: '/it''s: mine'}"


def test_a_gguf_file_needs_a_package_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.gguf").touch()
    monkeypatch.setattr("suite.models.source.find_spec", lambda name: None)
    with pytest.raises(SuiteError, match="reading a GGUF file needs the package gguf; pip install gguf"):
        model_named(str(tmp_path / "a.gguf"))


def test_an_adapter_of_an_unknown_base_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "../gone"}', encoding="utf-8")
    with pytest.raises(SuiteError, match=r"whose base is '\.\./gone'.*correct base_model_name_or_path"):
        model_named(str(tmp_path))


def test_a_model_with_a_template_is_asked_as_a_chat_that_can_be_trained() -> None:
    assert chat_of(tiny_backbone("decoder"), "tiny") is None
    for style in STYLES.values():
        backbone = chat_backbone(style)
        chat = chat_of(backbone, "tiny")
        assert chat is not None
        ((prompt, answer),) = as_asked(backbone, chat, "tiny", [("is it red", "True")])
        assert "is it red" in prompt
        assert answer == "True"


def test_a_template_that_puts_a_thought_before_answers_is_told_not_to() -> None:
    template = (
        "{% for m in messages %}<s>{% if m.role == 'assistant' and enable_thinking is not defined %}"
        "a dog {% endif %}{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<s>{% endif %}"
    )
    backbone = tiny_backbone("decoder")
    backbone.tokenizer.chat_template = template
    assert chat_of(backbone, "tiny") == Chat(template_args={"enable_thinking": False})
    backbone.tokenizer.chat_template = "{{ raise_exception('no') }}"
    assert chat_of(backbone, "tiny") is None
