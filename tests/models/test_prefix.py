"""Prefixes fit the keys and values that a model itself keeps, or are refused."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, MT5Config
from transformers import MT5ForConditionalGeneration as MT5

from suite.core.errors import SuiteError
from suite.models.apply import applied
from suite.models.artifacts.prefix import Prefix
from suite.models.backbone import as_backbone
from suite.models.prefix import key_value_shape
from tests.models.tiny_models import tiny_backbone, tiny_tokenizer


def test_the_shape_is_that_of_the_keys_and_not_of_the_embeddings() -> None:
    llama = LlamaConfig(
        vocab_size=60, hidden_size=32, intermediate_size=8, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, head_dim=6,
    )  # fmt: skip
    mt5 = MT5Config(
        vocab_size=60, d_model=32, d_kv=6, d_ff=8, num_layers=2, num_decoder_layers=3, num_heads=4,
        decoder_start_token_id=0,
    )  # fmt: skip
    for model, wanted in ((LlamaForCausalLM(llama), (3, 2, 6)), (MT5(mt5), (3, 4, 6))):
        assert key_value_shape(as_backbone(model, tiny_tokenizer(), "x", device="cpu")) == wanted


def test_a_model_that_looks_back_a_fixed_number_of_places_is_refused() -> None:
    config = MistralConfig(
        vocab_size=60, hidden_size=32, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, sliding_window=4,
    )  # fmt: skip
    backbone = as_backbone(MistralForCausalLM(config), tiny_tokenizer(), "x", device="cpu")
    with pytest.raises(SuiteError, match="lose sight of it"), applied(backbone, [Prefix(torch.zeros(1, 2, 2, 3, 16))]):
        pass


def test_positions_for_text_are_those_the_prefix_leaves() -> None:
    for shape, wanted in (("decoder", 3), ("encoder-decoder", 0)):
        with applied(tiny_backbone(shape), [Prefix(torch.ones(2, 2, 2, 3, 16))]) as current:  # type: ignore[arg-type]
            assert (current.prefix_length, current.reserved) == (3, wanted)
            assert current.cache(4).get_seq_length() == 3


def test_each_call_goes_on_from_a_cache_of_its_own() -> None:
    with applied(tiny_backbone("decoder"), [Prefix(torch.ones(2, 2, 2, 3, 16))]) as current:
        current.model(input_ids=torch.tensor([[7, 8]]), **current.prefix_inputs(1))
        assert current.prefix_inputs(1)["past_key_values"].get_seq_length() == 3
