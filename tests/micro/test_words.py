"""The bundled decoder with new words."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from suite.micro import MODELS
from suite.micro.words import with_words

SOURCE = MODELS / "micro-llama"


def test_new_words_can_be_read_and_written_and_old_texts_give_the_same_logits(tmp_path: Path) -> None:
    count = with_words(["Größe of ticket-3?\nLabel: abc"], SOURCE, tmp_path, always=["half true"])
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    text = "Größe of ticket-3?\nLabel: half true"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert count == 5  # half, Größe, ticket-3?, Label:, abc; `true` was there
    before, after = (AutoModelForCausalLM.from_pretrained(folder) for folder in (SOURCE, tmp_path))
    ids = torch.tensor([AutoTokenizer.from_pretrained(SOURCE).encode("Q: where does the fox live ? A:")])
    assert tokenizer.encode("Q: where does the fox live ? A:") == ids[0].tolist()
    with torch.no_grad():
        torch.testing.assert_close(before(ids).logits, after(ids).logits[..., : before.config.vocab_size])


def test_the_same_words_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with_words(["a few words more"], SOURCE, tmp_path / name)
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
