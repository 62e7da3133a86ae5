"""Models that keep a state: answers continue from it where that is right, and read whole texts where it is not."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from suite.inference.reading import LENGTHS, fastest, read
from suite.inference.recurrent import Recurrent
from suite.inference.state import DecoderState
from suite.inference.whole_texts import WholeTexts, agrees
from suite.models.layers import keeps_states
from tests.architectures.answers import PROMPTS, plain
from tests.architectures.families import backbone_of, tiny

pytestmark = pytest.mark.numeric


@pytest.mark.parametrize(
    ("name", "kind"), [("Llama", DecoderState), ("Mamba", Recurrent), ("RecurrentGemma", WholeTexts)]
)
@torch.no_grad()
def test_a_state_is_continued_from_where_that_is_right(name: str, kind: type) -> None:
    assert type(read(plain(backbone_of(name)), PROMPTS["ragged"])) is kind


def test_a_model_whose_state_is_wrong_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    adapted = plain(backbone_of("Mamba"))
    assert agrees(Recurrent, adapted, LENGTHS)
    real = Recurrent.keep

    def forgetting(self: Recurrent, rows: torch.Tensor) -> None:
        real(self, rows)
        self.cache.reorder_cache(torch.zeros_like(rows))  # all rows go on from one row's state

    monkeypatch.setattr(Recurrent, "keep", forgetting)
    assert fastest(adapted) is WholeTexts


def test_a_beginning_is_not_shared_where_padding_behind_it_changes_answers() -> None:
    sharing = {name: fastest(plain(backbone_of(name))) for name in ("BLOOM", "MPT")}
    assert sharing["BLOOM"] is DecoderState
    assert getattr(sharing["MPT"], "keywords", None) == {"sharing": False}


@pytest.mark.parametrize("kind", [Recurrent, WholeTexts])
@torch.no_grad()
def test_scores_are_those_of_texts_without_padding(kind: Any) -> None:
    adapted = plain(backbone_of("Falcon-H1"))
    prompts, tokens = PROMPTS["ragged"], torch.tensor([[7, 8, 9]] * 4)
    state = kind(adapted, prompts)
    state.step(torch.tensor([6, 6, 6, 6]))
    state.keep(torch.tensor([3, 1, 2, 0]))
    found = state.score(tokens)
    for row, at in enumerate((3, 1, 2, 0)):
        whole: Any = adapted.model
        expected = whole(input_ids=torch.tensor([[*prompts[at], 6, 7, 8, 9]]), use_cache=False).logits[0, -3:]
        torch.testing.assert_close(found[row], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Llama", False), ("Gemma 3", False), ("DeepSeek-V3", False), ("T5", False), ("Mamba 2", True), ("LFM 2", True)],
)
def test_which_models_keep_states(name: str, expected: bool) -> None:
    assert keeps_states(tiny(name)) is expected
