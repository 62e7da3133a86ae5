"""The base model in memory: frozen, in evaluation mode, with its tokenizer and its identity."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    modeling_gguf_pytorch_utils,
)
from transformers.utils import logging

from suite.core.chat import ChatFormat
from suite.core.errors import SuiteError
from suite.models.embedded import check_ids, decoder_start, embeddings_of, refuse_unknown_ids
from suite.models.ids import KnownIds
from suite.models.layers import keeps_states
from suite.models.peft_folder import merged
from suite.models.quantized import is_quantized, keep_as_loaded, quantized_loading
from suite.models.source import LocatedModel

Shape = Literal["decoder", "encoder-decoder"]
UNLIMITED_POSITIONS = 1024
"""Input length for models with relative positions, which have no limit: the length of mT5's pretraining."""


@dataclass(frozen=True, eq=False)
class Backbone:
    """A loaded base model. Code that changes its parameters must restore them (see `suite.models.apply`)."""

    model: PreTrainedModel
    """In evaluation mode; no parameter requires a gradient."""
    tokenizer: PreTrainedTokenizerBase
    shape: Shape
    identity: str
    sentinels: bool
    device: torch.device
    max_length: int
    """Number of positions of the model; of the encoder for an encoder-decoder."""
    probe: Tensor
    """The unchanged model's logits on a few fixed tokens (`probe_logits`), to detect changes of the base."""
    content: Mapping[nn.Parameter, int]
    """`content_sum` of each parameter after loading, for the same purpose."""
    factors: Path | None = None
    """Folder for cached singular value decompositions (`suite.models.singular`); None: no cache."""
    ids: KnownIds = field(default_factory=KnownIds, repr=False)
    """Cache of its tokenizer's ids."""
    chat: ChatFormat | None = None
    """The chat format, if the model is asked as a chat (`suite.models.chat.asked_as`)."""

    @property
    def pad_id(self) -> int:
        """The id for padding, which is always masked: the pad token's, or 0 if that has no embedding."""
        padding = int(self.tokenizer.pad_token_id)
        return padding if padding < self.embeddings else 0

    @property
    def embeddings(self) -> int:
        """Number of ids that have an embedding."""
        return embeddings_of(self.model)

    @property
    def eos_id(self) -> int:
        """The tokenizer's end token."""
        return int(self.tokenizer.eos_token_id)

    @property
    def end_of_answer(self) -> tuple[int, ...]:
        """What a model writes behind an answer: the end of a chat's turn, or else the end token."""
        return self.chat.end if self.chat is not None else (self.eos_id,)

    @property
    def start_id(self) -> int:
        """The id before an encoder-decoder's answer, both in training and in evaluation."""
        _, start = decoder_start(self.model)
        return self.pad_id if start is None else int(start)

    @property
    def width(self) -> int:
        """Width of an embedding vector."""
        return int(self.model.get_input_embeddings().weight.shape[1])

    @property
    def windowed(self) -> bool:
        """Whether some attention layers see only a fixed number of earlier positions, which padding within a text would
        use up."""
        config: Any = self.model.config.get_text_config(decoder=True)
        kinds = getattr(config, "layer_types", None) or ()
        if "local" in (getattr(config, "attention_layers", None) or ()):  # GPT-Neo's name for it
            return True
        return any(kind != "full_attention" for kind in kinds) or bool(
            getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
        )

    @property
    def recurrent(self) -> bool:
        """Whether some layers keep a state of all that came before, not keys and values of each position (Mamba)."""
        return keeps_states(self.model)


def load_backbone(located: LocatedModel, device: str | None = None, factors: Path | None = None) -> Backbone:
    """Load a model on `device` (default: the GPU if there is one). Raises SuiteError if it cannot be loaded
    completely."""
    source = located.source
    location: str = str(located.folder) if located.folder is not None else str(source.hub)
    options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": located.folder is not None}
    if located.folder is None:
        options["revision"] = source.revision or "main"
    if located.file is not None:
        options["gguf_file"] = located.file.name
    try:
        config = AutoConfig.from_pretrained(location, **options)
        is_encoder_decoder = bool(config.is_encoder_decoder)
        loader: Any = AutoModelForSeq2SeqLM if is_encoder_decoder else AutoModelForCausalLM
        tokenizer = AutoTokenizer.from_pretrained(location, **options)
        dtype = getattr(torch, source.dtype)
        # an adapter is merged in float32: rounding each weight before and after would lose small updates
        loaded = dtype if located.adapter is None else torch.float32
        few_bits = quantized_loading(source.quantization, dtype, device_of(device)) if source.quantization else {}
        with _without_progress_bars():
            model, report = loader.from_pretrained(
                location, **options, **few_bits, dtype=loaded, use_safetensors=True, output_loading_info=True
            )
        absent = sorted(set(report["missing_keys"]) | {str(key) for key in report["mismatched_keys"]})
        if absent:  # transformers would fill these with random numbers
            raise SuiteError(f"the weights of {source.title} lack {len(absent)} tensors, {absent[0]} among them")
        if located.adapter is not None:
            model = merged(model, located.adapter).to(dtype)
        keep_as_loaded(model)
        check_ids(model, tokenizer)
        return as_backbone(
            model, tokenizer, located.identity, sentinels=source.sentinels, device=device, factors=factors
        )
    except (SuiteError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # libraries do not document the exceptions for damaged files
        where = located.file or located.folder or f"the hub ({source.hub})"
        raise SuiteError(f"cannot load the model from {where}: {_first_line(error)}", fix=_remedy(located)) from error


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Let transformers draw none while it loads: its switch does not reach the one of GGUF files."""
    logging.disable_progress_bar()
    drawn = modeling_gguf_pytorch_utils.tqdm
    modeling_gguf_pytorch_utils.tqdm = partial(drawn, disable=True)
    try:
        yield
    finally:
        modeling_gguf_pytorch_utils.tqdm = drawn


def as_backbone(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    identity: str,
    *,
    sentinels: bool = False,
    device: str | None = None,
    factors: Path | None = None,
) -> Backbone:
    """Freeze a model that is already in memory and return it as a backbone. Raises SuiteError if it cannot be used."""
    target_device = device_of(device)
    shape: Shape = "encoder-decoder" if model.config.is_encoder_decoder else "decoder"
    if sentinels and (shape == "decoder" or "<extra_id_0>" not in tokenizer.get_vocab()):
        raise SuiteError("this model has no span-corruption sentinels", fix="leave out `sentinels: true`")
    if tokenizer.eos_token_id is None:
        raise SuiteError("the tokenizer has no end token, so no answer could end")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    refuse_unknown_ids(model, tokenizer)
    model.eval().requires_grad_(False)
    if not is_quantized(model):
        model.to(target_device)
    length, probe = positions_of(model, tokenizer), probe_logits(model)
    content = {parameter: content_sum(parameter.data) for parameter in model.parameters()}
    return Backbone(model, tokenizer, shape, identity, sentinels, target_device, length, probe, content, factors)


def device_of(name: str | None) -> torch.device:
    """The device of a name; None: the GPU if there is one."""
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


def content_sum(tensor: Tensor) -> int:
    """Sum of a tensor's bytes, read as 64-bit integers: equal for equal bits, on any processor."""
    raw = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    raw = raw if raw.data_ptr() % 8 == 0 and raw.storage_offset() % 8 == 0 else raw.clone()
    whole = len(raw) // 8 * 8
    return int(raw[:whole].view(torch.int64).sum()) + int(raw[whole:].sum())


def probe_ids(table: Tensor) -> Tensor:
    """A few fixed tokens [1, 8] of an embedding table [V, d]."""
    return (torch.arange(1, 9, device=table.device) * 7919 % table.shape[0]).unsqueeze(0)


@torch.no_grad()
def probe_logits(model: nn.Module, soft: Tensor | None = None, **cached: Any) -> Tensor:
    """Logits [8, V] on a few fixed tokens, after soft vectors [P, d] and the cache of a prefix if given."""
    table: Any = model.get_input_embeddings()  # type: ignore[operator]
    ids = probe_ids(table.weight)
    embeds = table(ids)
    if soft is not None:
        embeds = torch.cat([soft.to(embeds.dtype).unsqueeze(0), embeds], 1)
    config: Any = model.config
    inputs = {"decoder_input_ids": ids} if config.is_encoder_decoder else {}
    # the mask covers everything attended to, including the prefix; an encoder attends to its input only
    before = cached["past_key_values"].get_seq_length() if cached and not inputs else 0
    mask = torch.ones(1, before + embeds.shape[1], dtype=torch.long, device=embeds.device)
    logits: Tensor = model(inputs_embeds=embeds, attention_mask=mask, **inputs, **cached).logits
    return logits[0, -ids.shape[1] :].float().cpu()


def positions_of(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Number of positions of a model; of the encoder for an encoder-decoder."""
    config = model.config.get_text_config(decoder=True) if not model.config.is_encoder_decoder else model.config
    for name in ("max_position_embeddings", "n_positions", "max_sequence_length"):
        if isinstance(getattr(config, name, None), int):
            return int(getattr(config, name))
    claimed = int(tokenizer.model_max_length)
    return claimed if claimed < 1 << 20 else UNLIMITED_POSITIONS


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]


def _remedy(located: LocatedModel) -> str:
    if located.folder is not None:
        return ""
    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    remedy = "put a copy into the folder given by --models, or name a local `path:`"
    return f"unset HF_HUB_OFFLINE, or {remedy}" if offline else remedy
