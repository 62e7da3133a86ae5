"""An adapter of a base in 4 bits: plain libraries load both, with the bits that the card names, and answer alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import suite
from suite.core.errors import SuiteError
from tests.saving.trained import FAST, LORA, PROMPT, asked, plainly, run

pytest.importorskip("bitsandbytes")
METHODS = {"lora": LORA, "prompt_tuning": PROMPT}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both methods, trained on a base in 4 bits."""
    folder = tmp_path_factory.mktemp("few")
    track = {"extends": "micro", "name": "few", "model": {"bundled": "micro-llama", "quantization": "4bit"}}
    (folder / "specs" / "tracks").mkdir(parents=True)
    (folder / "specs" / "tracks" / "few.yaml").write_text(yaml.safe_dump(track))
    files = []
    for name, settings in METHODS.items():
        spec = {"name": name, "track": "few", "method": {"name": name, **settings}, "targets": ["rte"]}
        files.append(folder / "specs" / f"{name}.yaml")
        files[-1].write_text(yaml.safe_dump(spec))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(files, folder / "home", load={"overrides": FAST})
    return folder / "home"


@pytest.mark.slow
def test_plain_libraries_answer_as_the_evaluation_did(home: Path, tmp_path: Path) -> None:
    saved = {name: suite.save(name, tmp_path / name, home=home) for name in METHODS}
    jobs = [asked(home, each, "rte") for each in saved.values()]
    assert [job.outputs for job in jobs] == list(plainly(jobs, tmp_path))
    card = (tmp_path / "lora" / "README.md").read_text("utf-8")
    assert "BitsAndBytesConfig(load_in_4bit=True" in card
    assert not list((tmp_path / "lora").rglob("model.safetensors"))


def test_weights_in_few_bits_are_not_merged(home: Path, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"\(4bit\) cannot be written.*save the adapter alone"):
        suite.save("lora", tmp_path / "merged", home=home, merge=True)
    assert not (tmp_path / "merged").exists()
