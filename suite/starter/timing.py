"""How fast a model trains and reads on this machine: a few steps are made and timed. Nothing is kept of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from suite.core.errors import SuiteError

if TYPE_CHECKING:
    from torch import Tensor

    from suite.models.backbone import Backbone

Texts = Sequence[Sequence[int]]

SECONDS: Final = 8.0
"""Time for each measurement; a slow step is made once."""
ROUNDS: Final = 5
"""Steps of a measurement at most, after one that is not counted."""


@dataclass(frozen=True)
class MeasuredSpeed:
    """What was measured, with the texts of a table."""

    device: str
    batch_size: int
    """Examples of a step."""
    micro_batch: int
    """Examples of a forward pass: as many of a batch as memory holds."""
    training: float
    """Seconds of a step: forward and backward, with a gradient for every weight."""
    reading: float
    """Seconds a token of a forward pass."""
    lengths: tuple[int, ...]
    """Tokens of each prompt with its answer."""
    longest_answer: int
    """Tokens of the longest answer."""


def measure(backbone: Backbone, pairs: Sequence[tuple[str, str]], batch_size: int) -> MeasuredSpeed:
    """Time training steps and forward passes on some of these prompts and answers.

    Raises SuiteError where not even one example fits into memory.
    """
    from suite.models.tokens import encode_pair

    encoded = [encode_pair(backbone, prompt, answer) for prompt, answer in pairs]
    limit = backbone.max_length
    texts = [(*prompt, *answer)[:limit] for prompt, answer in encoded]
    batch = Random(0).sample(texts, min(batch_size, len(texts)))
    answers = max(len(answer) for _, answer in encoded)
    micro_batch = len(batch)
    while True:
        try:
            parts = [batch[at : at + micro_batch] for at in range(0, len(batch), micro_batch)]
            training, reading = _timed(backbone, _learn, parts), _timed(backbone, _read, parts)
            break
        except Exception as error:
            micro_batch = _smaller(error, micro_batch)
    tokens = sum(map(len, batch))
    device = str(backbone.device) if backbone.device.type != "cpu" else _cpu()
    return MeasuredSpeed(
        device, batch_size, min(micro_batch, batch_size), training * batch_size / len(batch), reading / tokens,
        tuple(map(len, texts)), answers,
    )  # fmt: skip


def _smaller(error: Exception, micro_batch: int) -> int:
    """Half of a batch that memory did not hold. Raises the error if it is another."""
    import torch

    from suite.training.memory import out_of_memory

    if not out_of_memory(error):
        raise error
    torch.cuda.empty_cache()
    if micro_batch == 1:
        what = "memory does not hold one example with a gradient for every weight"
        raise SuiteError(what, where="--model", fix="choose a smaller model, or another machine") from None
    return micro_batch // 2


def _cpu() -> str:
    import torch

    threads = torch.get_num_threads()
    return "1 CPU thread" if threads == 1 else f"{threads} CPU threads"


def _timed(backbone: Backbone, work: Callable[[Backbone, Texts], None], parts: Sequence[Texts]) -> float:
    """The median seconds of some work on all parts of a batch."""
    import torch

    taken: list[float] = []
    begun = time.monotonic()
    while len(taken) <= ROUNDS and (not taken or time.monotonic() - begun < SECONDS):
        start = time.perf_counter()
        for part in parts:
            work(backbone, part)
        if backbone.device.type == "cuda":
            torch.cuda.synchronize(backbone.device)
        taken.append(time.perf_counter() - start)
    counted = sorted(taken[1:] or taken)  # the first also sets things up
    return counted[len(counted) // 2]


def _learn(backbone: Backbone, texts: Texts) -> None:
    model = backbone.model
    model.requires_grad_(True)
    try:
        _loss(backbone, texts).backward()  # type: ignore[no-untyped-call]
    finally:
        model.zero_grad(set_to_none=True)
        model.requires_grad_(False)


def _read(backbone: Backbone, texts: Texts) -> None:
    import torch

    with torch.no_grad():
        _loss(backbone, texts)


def _loss(backbone: Backbone, texts: Texts) -> Tensor:
    import torch

    longest = max(map(len, texts))
    ids = torch.tensor([[*text, *[backbone.pad_id] * (longest - len(text))] for text in texts], device=backbone.device)
    mask = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in texts], device=backbone.device)
    autocast = torch.autocast(backbone.device.type, torch.bfloat16, enabled=backbone.device.type == "cuda")
    with autocast:
        labels = ids if backbone.shape == "decoder" else ids[:, :8]
        loss: Tensor = backbone.model(input_ids=ids, attention_mask=mask, labels=labels).loss
    return loss
