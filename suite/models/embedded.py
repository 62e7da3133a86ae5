"""Tokens that a tokenizer has but a model does not: reading one ends the step with an error that names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from suite.core.errors import SuiteError

FIX = "resize the model's embeddings to its tokenizer (`resize_token_embeddings`), or take these tokens out of it"


def refuse_unknown_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Let the model's embedding reject ids that it lacks, if its tokenizer has such ids.

    A pad token is masked, so another id can replace it. The end token is required: raises SuiteError if it has no
    embedding.
    """
    rows = embeddings_of(model)
    end = tokenizer.eos_token_id
    if end is not None and int(end) >= rows:
        raise SuiteError(f"the end token has the id {end}, and the model has {rows} embeddings", fix=FIX)
    if max(tokenizer.get_vocab().values(), default=0) < rows:
        return

    def check(_: Any, given: tuple[Any, ...]) -> None:
        ids = given[0] if given else None
        if isinstance(ids, Tensor) and ids.numel() and int(ids.max()) >= rows:
            raise SuiteError(missing(tokenizer, int(ids.max()), rows), fix=FIX)

    shared = model.get_input_embeddings().weight
    for module in model.modules():  # an encoder and a decoder may each have a module with the same weights
        if isinstance(module, nn.Embedding) and module.weight is shared:
            module.register_forward_pre_hook(check)


def check_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raises SuiteError for invalid ids in the model's configuration, and for a tokenizer that cannot read a text."""
    ends = getattr(model.generation_config, "eos_token_id", None)
    given = {"eos_token_id": ends if isinstance(ends, (list, tuple)) else [ends]}
    if model.config.is_encoder_decoder:
        name, start = decoder_start(model)
        if start is None:
            raise SuiteError("the model has no decoder_start_token_id", fix="set it in config.json: T5's is 0")
        given[name] = [start]
    for name, ids in given.items():
        wrong = [each for each in ids if each is not None and (type(each) is not int or each < 0)]
        if wrong:
            raise SuiteError(f"{name} of the model is {wrong[0]!r}, which is no token's id", fix="fix its config.json")
    tokenizer.decode(tokenizer.encode("a"))


def decoder_start(model: PreTrainedModel) -> tuple[str, int | None]:
    """The id before an encoder-decoder's answer, as transformers' `generate` finds it, and the name of its setting."""
    for name in ("decoder_start_token_id", "bos_token_id"):
        for config in (model.config, model.generation_config):
            if getattr(config, name, None) is not None:
                return name, getattr(config, name)
    return "decoder_start_token_id", None


@contextmanager
def reading_texts() -> Iterator[None]:
    """Turn errors of the tokenizer into a SuiteError of one line (such as an unknown character)."""
    try:
        yield
    except SuiteError:
        raise
    except Exception as error:  # tokenizers raise plain exceptions
        reason = " ".join(str(error).split())[:160]
        fix = "give it an unknown token, or take the letters that it does not know out of the data"
        raise SuiteError(f"the tokenizer cannot read a text ({reason})", fix=fix) from error


def embeddings_of(model: PreTrainedModel) -> int:
    """Number of ids that have an embedding."""
    table: Any = model.get_input_embeddings()
    return int(table.weight.shape[0])


def missing(tokenizer: PreTrainedTokenizerBase, token: int, rows: int) -> str:
    """The error message for an id without an embedding."""
    word = tokenizer.convert_ids_to_tokens(token)
    return f"the token {word!r} has the id {token}, and the model has {rows} embeddings"
