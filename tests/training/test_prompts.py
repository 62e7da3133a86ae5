"""Soft prompts: their first values, and the flat parameter behind PEFT's embedding."""

from __future__ import annotations

import pytest
import torch
from peft import PromptEmbedding

from suite.core.errors import SuiteError
from suite.models.backbone import Backbone
from suite.training.data.labels import labels_of
from suite.training.prompts import FlatPrompt, start_vectors
from tests.methods.tiny_jobs import tiny_set
from tests.models.tiny_models import Example


def test_vocabulary_rows_are_drawn_without_replacement(backbone: Backbone) -> None:
    vectors = start_vectors(backbone, 20, "vocab", seed=0)
    table = backbone.model.get_input_embeddings().weight
    rows = [int((table == vector).all(1).nonzero()) for vector in vectors]
    assert len(set(rows)) == 20
    assert not set(rows) & set(backbone.tokenizer.all_special_ids)


def test_labels_come_first(backbone: Backbone) -> None:
    vectors = start_vectors(backbone, 6, "labels", seed=0, labels=("True", "red blue"))
    table = backbone.model.get_input_embeddings().weight
    true, red, blue = backbone.tokenizer.convert_tokens_to_ids(["True", "red", "blue"])
    assert torch.equal(vectors[0], table[true])
    assert torch.allclose(vectors[1], (table[red] + table[blue]) / 2)
    assert vectors.shape == (6, backbone.width)


def test_random_vectors_are_uniform_around_zero(backbone: Backbone) -> None:
    vectors = start_vectors(backbone, 100, "random", seed=0)
    assert -0.5 <= float(vectors.min()) < -0.49
    assert 0.49 < float(vectors.max()) <= 0.5


@pytest.mark.parametrize("start", ["vocab", "labels", "random"])
def test_first_values_are_a_function_of_the_seed(backbone: Backbone, start: str) -> None:
    first, again, other = (start_vectors(backbone, 8, start, seed) for seed in (0, 0, 1))  # type: ignore[arg-type]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_vocabulary_that_is_too_small_is_an_error(backbone: Backbone) -> None:
    with pytest.raises(SuiteError, match="cannot start from a vocabulary"):
        start_vectors(backbone, 500, "vocab", seed=0)


def test_the_flat_prompt_is_pefts_embedding_with_one_vector_of_parameters(backbone: Backbone) -> None:
    vectors = torch.randn(5, backbone.width)
    prompt = FlatPrompt(backbone, vectors)
    assert isinstance(prompt, PromptEmbedding)
    assert [parameter.shape for parameter in prompt.parameters()] == [(5 * backbone.width,)]
    assert torch.equal(prompt.vectors(), vectors)
    assert torch.equal(prompt(torch.tensor([[0, 4]]))[0], vectors[[0, 4]])


def test_labels_are_the_answers_of_a_task_with_few_of_them() -> None:
    few = tiny_set("a", tuple(Example("", target) for target in ["b", "a", "b", "c", "a", "b"]))
    many = tiny_set("b", tuple(Example("", str(number)) for number in range(50)))
    assert labels_of([few, many]) == ("b", "a", "c")
