"""The folder is the registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from suite import methods
from suite.core.block import Block
from suite.core.errors import SuiteError
from suite.methods import SELF, prompt_tuning


def test_every_module_of_the_folder_is_a_method() -> None:
    files = Path(methods.__file__).parent.glob("[!_]*.py")
    assert set(methods.names()) == {file.stem for file in files}


NEEDED = {"svf_transfer": {"base": {"bundled": "micro-llama"}}}
"""Settings without which a method makes no sense."""


@pytest.mark.parametrize("name", methods.names())
def test_a_method_has_what_the_seam_asks_for(name: str) -> None:
    method = methods.get(name)
    assert method.FAMILY in ("none", "full", "adapter", "prompt", "prefix", "singular", "two-stage", "mixture")
    assert method.VERSION >= 1
    assert issubclass(method.Config, Block)
    assert method.Config(**NEEDED.get(name, {})) == method.Config(**NEEDED.get(name, {}))
    assert all(field.description for field in method.Config.model_fields.values())
    assert re.match(r"[A-Z].*\.?", method.__doc__ or "")


def test_an_unknown_method_is_answered_with_a_close_one() -> None:
    with pytest.raises(SuiteError, match="did you mean 'finetune'"):
        methods.get("finetun")


def test_a_new_file_is_a_new_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brand_new.py").write_text("TRAINS = False\n")
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
    assert "brand_new" in methods.names()
    assert methods.get("brand_new").TRAINS is False


def test_the_prompt_is_on_for_targets_and_off_elsewhere() -> None:
    every = {name: methods.get(name) for name in methods.names()}
    stacks = {
        name: [each.stack(each.Config(**NEEDED.get(name, {})), role, ("rte",)) for role in ("rte", "cb")]
        for name, each in every.items()
    }
    assert stacks["pretrained"] == [(), ()]
    assert stacks["finetune"] == stacks["lora"] == [(SELF,), (SELF,)]
    assert stacks["prompt_tuning"] == stacks["prefix_tuning"] == [(SELF,), ()]
    assert stacks["promot"] == [(0, SELF), (SELF,)]


def test_promot_builds_on_the_prompt_of_the_same_settings() -> None:
    promot = methods.get("promot")
    settings = promot.Config(stage_one={"length": 7})
    (needed,) = promot.prerequisites(settings, ("rte",))
    assert (needed.method, needed.targets) == ("prompt_tuning", ("rte",))
    assert needed.config.model_dump(exclude={"name"}) == prompt_tuning.Config(length=7).model_dump()
    assert methods.MethodRegistry().inherits("promot") == {"stage_one": "prompt_tuning"}
    assert methods.MethodRegistry().inherits("lora") == {}


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 0}, {"steps": 2.5}, {"learning_rate": -1.0}, {"learning_rate": "1e-4"}, {"label_smoothing": 1.0},
        {"dropout": True}, {"clip": 0.0}, {"optimizer": "sgd"}, {"step": 10}, {"warmup": -1},
    ],
)  # fmt: skip
def test_settings_are_strict(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        methods.get("finetune").Config(**settings)
