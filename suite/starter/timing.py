"""How fast a model trains and reads on this machine: a few steps are made and timed. Nothing is kept of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final, Literal

from suite.core.errors import SuiteError

if TYPE_CHECKING:
    from torch import Tensor

    from suite.models.backbone import Backbone
    from suite.training.data.examples import Encoded

Examples = Sequence["Encoded"]

SECONDS: Final = 8.0
"""Time for each measurement; a slow step is made once."""
FULL_STEP: Final = 1.5
"""A step with a gradient for every weight, in steps without: three passes instead of two."""
ROUNDS: Final = 5
"""Steps of a measurement at most, after one that is not counted."""


@dataclass(frozen=True)
class MeasuredSpeed:
    """What was measured, with the texts of a table."""

    device: str
    batch_size: int
    """Examples of a step."""
    training: float
    """Seconds of a step: forward and backward, with a gradient for every weight (estimated where memory lacks)."""
    reading: float
    """Seconds a token that is read without one."""
    lengths: tuple[int, ...]
    """Tokens of each prompt with its answer."""
    longest_answer: int
    """Tokens of the longest answer."""
    busy: float = 0.0
    """How many processes ran or waited for each core before, on average: above 1 an idle machine is faster."""
    precision: Literal["float32", "bf16"] = "float32"
    """In which training computed (`budget.precision`)."""

    @property
    def mean_length(self) -> float:
        """Tokens of a prompt with its answer, on average."""
        return sum(self.lengths) / len(self.lengths)


def measure(
    backbone: Backbone, pairs: Sequence[tuple[str, str]], batch_size: int, *, full: bool = True
) -> MeasuredSpeed:
    """Time training steps and forward passes on some of these prompts and answers, as training makes them.

    If not `full`, only activations have gradients, not the weights. Raises SuiteError where memory does not hold even
    one example.
    """
    from suite.models.tokens import encode_pair
    from suite.training.data.examples import Encoded

    busy = _load()
    examples: list[Encoded] = []
    for prompt_text, answer_text in pairs:
        prompt, answer = encode_pair(backbone, prompt_text, answer_text)
        target = (*answer, backbone.eos_id)[: backbone.max_length // 2]
        examples.append(Encoded(tuple(prompt[-(backbone.max_length - len(target)) :]), target))
    lengths = tuple(example.length for example in examples)
    batch = Random(0).sample(examples, min(batch_size, len(examples)))
    micro_batch = len(batch)
    while True:
        try:
            parts = [batch[at : at + micro_batch] for at in range(0, len(batch), micro_batch)]
            training = _timed(backbone, _learn, parts) if full else FULL_STEP * _timed(backbone, _pass_back, parts)
            reading = _timed(backbone, _read, parts)
            break
        except Exception as error:
            micro_batch = _smaller(error, micro_batch, full=full)
    tokens = sum(example.length for example in batch)
    device = str(backbone.device) if backbone.device.type != "cpu" else _cpu()
    longest = max(len(example.target) for example in examples)
    return MeasuredSpeed(
        device, batch_size, training * batch_size / len(batch), reading / tokens, lengths, longest, busy,
        precision_on(backbone),
    )  # fmt: skip


def _smaller(error: Exception, micro_batch: int, *, full: bool) -> int:
    """Half of a batch that memory did not hold, as training does. Raises the error if it is another."""
    import torch

    from suite.training.memory import out_of_memory

    if not out_of_memory(error):
        raise error
    torch.cuda.empty_cache()
    if micro_batch == 1:
        what = f"memory does not hold one example{' with a gradient for every weight' if full else ''}"
        raise SuiteError(what, where="--model", fix="choose a smaller model, or another machine") from None
    return micro_batch // 2


def on_cpu(device: str | None) -> bool:
    """Whether a model is trained on the CPU."""
    import torch

    return device == "cpu" or (device is None and not torch.cuda.is_available())


def precision_on(backbone: Backbone) -> Literal["float32", "bf16"]:
    """The precision in which a new workspace's track computes: bf16 on a GPU, which is several times as fast there."""
    return "bf16" if backbone.device.type == "cuda" else "float32"


def _load() -> float:
    """The processes of the last minute for each core; 0 where the system does not say."""
    try:
        return os.getloadavg()[0] / max(os.cpu_count() or 1, 1)
    except (AttributeError, OSError):
        return 0.0


def _cpu() -> str:
    import torch

    threads = torch.get_num_threads()
    return "1 CPU thread" if threads == 1 else f"{threads} CPU threads"


def _timed(backbone: Backbone, work: Callable[[Backbone, Examples], None], parts: Sequence[Examples]) -> float:
    """The seconds of some work on all parts of a batch: the fastest of some times, which other work slowed least."""
    import torch

    taken: list[float] = []
    begun = time.monotonic()
    while len(taken) <= ROUNDS and (len(taken) < 2 or time.monotonic() - begun < SECONDS):
        start = time.perf_counter()
        for part in parts:
            work(backbone, part)
        if backbone.device.type == "cuda":
            torch.cuda.synchronize(backbone.device)
        taken.append(time.perf_counter() - start)
    return min(taken[1:])  # the first also sets things up


def _learn(backbone: Backbone, examples: Examples) -> None:
    model = backbone.model
    model.requires_grad_(True)
    try:
        _loss(backbone, examples).backward()  # type: ignore[no-untyped-call]
    finally:
        model.zero_grad(set_to_none=True)
        model.requires_grad_(False)


def _pass_back(backbone: Backbone, examples: Examples) -> None:
    """A backward pass through all layers to the embeddings, as while adapters are trained."""
    import torch

    hooks = [
        module.register_forward_hook(lambda module, inputs, output: output.requires_grad_())
        for module in backbone.model.modules()  # an encoder and its decoder have one each
        if isinstance(module, torch.nn.Embedding)
    ]
    try:
        _loss(backbone, examples).backward()  # type: ignore[no-untyped-call]
    finally:
        for hook in hooks:
            hook.remove()


def _read(backbone: Backbone, examples: Examples) -> None:
    import torch

    with torch.no_grad():
        _loss(backbone, examples)


def _loss(backbone: Backbone, examples: Examples) -> Tensor:
    from suite.models.adapted import AdaptedModel
    from suite.training.data.batches import Collator
    from suite.training.device import computing
    from suite.training.objectives.losses import answer_loss

    batch = Collator(backbone)(examples).to(backbone.device)
    with computing(backbone.device, precision_on(backbone)):
        return answer_loss(AdaptedModel(backbone, backbone.model), batch)
