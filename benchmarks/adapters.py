"""Several LoRA or IA³ adapters of one base: answers in common batches, against one adapter after another.

`python -m benchmarks.adapters` answers two tasks of track `micro` with five adapters of the bundled decoder; `--path
FOLDER` uses SmolLM2-135M-Instruct's folder in bfloat16 (`--dtype`) and the tasks of track `smol-tickets` with written
answers. One side injects an adapter after the other, as `suite run` does. The other side computes the base's products
once for all rows, and each adapter's low-rank product for its rows. Tokens must be equal in float32; in bfloat16 a
product's rounding depends on the batch, and the answers that differ are counted. Seconds are processor time, the
fewest of `--times` alternating runs. Injecting, rendering and tokenising are not counted. `--json FILE` writes the
figures.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from peft import IA3Config, LoraConfig
from peft.config import PeftConfig
from torch import Tensor, nn

from suite.evaluation.lm import StackLM
from suite.inference.decode import Stops, decode
from suite.inference.shared_prefix import _STATE, SharedPrefixCache, SharedPrefixState, read_shared_prefix
from suite.inference.state import Ids
from suite.models.adapted import AdaptedModel
from suite.models.adapter import adapter_state, injected
from suite.models.backbone import Backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.specs import Options, load, shipped
from suite.tasks.data import DataLocations
from suite.tasks.load import LoadedTask, load_task, quiet

COUNT, RANK, ALPHA = 5, 16, 32
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
KINDS: Final[Mapping[str, PeftConfig]] = {
    "q, v": LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["q_proj", "v_proj"]),
    "all linear": LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=LINEAR),
    "ia3": IA3Config(target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"]),
}
SPECS: Final = {"micro": "pretrained.yaml", "smol-tickets": "tickets/pretrained_tickets.yaml"}
TASKS: Final = {
    "micro": {"rte": 0, "wmt16_enro": 1},
    "smol-tickets": {"tickets": 0, "instructions": 4, "arithmetic": 4, "reading": 4},
}
"""Shots of each role."""
SIZES: Final = {"micro": 3.0, "smol-tickets": 1.0}
"""Standard deviation of the adapters' random values: large enough for other answers than the base's."""
State = dict[str, Tensor]
Tokens = list[list[int]]


def adapters(backbone: Backbone, config: PeftConfig, size: float) -> list[State]:
    """PEFT's states of adapters with random values."""
    states = []
    for seed in range(COUNT):
        torch.manual_seed(seed)
        with injected(backbone.model, config):
            state = adapter_state(backbone.model)
        for name, tensor in state.items():
            if "lora_B" in name:
                state[name] = size * torch.randn_like(tensor) * tensor.shape[0] ** -0.5
            if "ia3" in name:
                state[name] = 1 + size * torch.randn_like(tensor)
        states.append(state)
    return states


class RowGroups:
    """The rows of the current call by adapter."""

    def __init__(self) -> None:
        self.alone = 0
        """The adapter of all rows outside a batch of several stacks."""
        self.owners = self.padded = self.back = torch.empty(0, dtype=torch.long)
        self._call: tuple[Any, ...] = ()

    def update(self) -> bool:
        """Group the rows of the call. Returns whether they may have several adapters."""
        state: SharedPrefixState | None = _STATE.get(None)
        if state is None or len(state.cache.stacks) == 1:
            return False
        call = (state.owners, state.suffixes.rows)
        if not self._call or any(one is not other for one, other in zip(call, self._call, strict=True)):
            self._call = call
            self.owners = state.owners if call[1] is None else state.owners[call[1]]
            self._group(self.owners)
        return True

    def _group(self, owners: Tensor) -> None:
        """[K, M]: the rows of each adapter, filled with row 0; and where each row is in it, [B]."""
        sizes, order = torch.bincount(owners, minlength=COUNT), owners.argsort(stable=True)
        most, starts, own = int(sizes.max()), sizes.cumsum(0) - sizes, owners[order]
        within = torch.arange(len(own)) - starts[own]
        self.padded = torch.zeros(COUNT, most, dtype=torch.long)
        self.padded[own, within] = order
        self.back = torch.empty_like(order)
        self.back[order] = own * most + within


def low_rank(rows: RowGroups, first: Tensor, second: Tensor) -> Callable[..., Tensor]:
    """A hook that adds each row's own product; `first` is [K, in, r], `second` [K, r, out]. In float32, as in PEFT."""

    def hook(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        values = inputs[0].to(first.dtype)
        if not rows.update():
            return (output + values @ first[rows.alone] @ second[rows.alone]).to(output.dtype)
        change = torch.bmm(torch.bmm(values[rows.padded].flatten(1, 2), first), second)
        return (output + change.view(-1, *output.shape[1:])[rows.back]).to(output.dtype)

    return hook


def scaled(rows: RowGroups, factors: Tensor) -> Callable[[Tensor], Tensor]:
    """A function that multiplies values [B, T, width] by each row's factors of [K, width]."""

    def scale(values: Tensor) -> Tensor:
        own = factors[rows.owners][:, None] if rows.update() else factors[rows.alone]
        return (values * own).to(values.dtype)

    return scale


@contextmanager
def hooked(model: nn.Module, states: Sequence[State]) -> Iterator[RowGroups]:
    """Let the base's modules apply each row's own adapter."""
    rows, handles = RowGroups(), []
    for path, module in model.named_modules():
        if f"{path}.lora_A.weight" in states[0]:
            first = torch.stack([state[f"{path}.lora_A.weight"].T for state in states])
            second = torch.stack([state[f"{path}.lora_B.weight"].T * (ALPHA / RANK) for state in states])
            handles.append(module.register_forward_hook(low_rank(rows, first.contiguous(), second.contiguous())))
        elif f"{path}.ia3_l" in states[0]:
            scale = scaled(rows, torch.stack([state[f"{path}.ia3_l"].flatten() for state in states]))
            if path.endswith("down_proj"):
                handles.append(module.register_forward_pre_hook(lambda _, inputs, scale=scale: (scale(inputs[0]),)))
            else:
                handles.append(module.register_forward_hook(lambda _, __, output, scale=scale: scale(output)))
    try:
        yield rows
    finally:
        for handle in handles:
            handle.remove()


class TaskPrompts:
    """A task's prompts, and how they are answered by continuous batching."""

    def __init__(self, backbone: Backbone, task: LoadedTask, batch_tokens: int, max_length: int) -> None:
        self.backbone, self.room = backbone, batch_tokens
        lm = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=batch_tokens, max_length=max_length)
        with quiet():
            task.build_all_requests()
        self.limit, until = lm._settings(task.instances[0].args[1])
        self.stops = Stops(backbone.tokenizer, until)
        self.prompts = lm._prompts([str(request.args[0]) for request in task.instances], lm._room(self.limit))

    def alone(self) -> Tokens:
        """The answers of the model as it is."""
        stack = AdaptedModel(self.backbone, self.backbone.model)
        return self._answers([stack], read_shared_prefix([stack], [self.prompts]))

    def together(self, rows: RowGroups) -> Tokens:
        """The answers of all adapters, in their order; each adapter has a shared prefix of its own."""
        stacks, caches = [AdaptedModel(self.backbone, self.backbone.model) for _ in range(COUNT)], []
        for rows.alone, stack in enumerate(stacks):
            caches.append(read_shared_prefix([stack], [self.prompts]))
        layers = tuple(
            (torch.cat([keys for keys, _ in layer]), torch.cat([values for _, values in layer]))
            for layer in zip(*(cache.layers for cache in caches), strict=True)
        )
        mask = torch.cat([cache.mask for cache in caches])
        return self._answers(stacks, SharedPrefixCache(tuple(stacks), caches[0].text, layers, mask))

    def _answers(self, stacks: Sequence[AdaptedModel], cache: SharedPrefixCache) -> Tokens:
        items: list[tuple[AdaptedModel, Ids]] = [(stack, prompt) for stack in stacks for prompt in self.prompts]
        order = sorted(range(len(items)), key=lambda index: (-len(items[index][1]), index))
        completions = decode(
            stacks[0], [items[index][1] for index in order], max_new_tokens=self.limit, stops=self.stops, cache=cache,
            stacks=[items[index][0] for index in order], room=self.room,
        )  # fmt: skip
        return [answer.tokens for _, answer in sorted(zip(order, completions, strict=True), key=lambda pair: pair[0])]


def timed(work: Callable[[], Tokens]) -> tuple[float, Tokens]:
    """Seconds of processor time, and the answers."""
    began = time.process_time()
    tokens = work()
    return time.process_time() - began, tokens


def compare(task: TaskPrompts, config: PeftConfig, states: Sequence[State], times: int) -> dict[str, Any]:
    """Seconds of both sides. Raises SystemExit if an answer differs in float32."""
    model, singly, together = task.backbone.model, [], []
    for _ in range(times):
        answers: list[tuple[float, Tokens]] = []
        for state in states:
            with injected(model, config, state):
                model.eval()
                answers.append(timed(task.alone))
        singly.append(sum(seconds for seconds, _ in answers))
        with hooked(model, states) as rows:
            seconds, tokens = timed(lambda rows=rows: task.together(rows))  # type: ignore[misc]
        together.append(seconds)
    expected = [answer for _, of_adapter in answers for answer in of_adapter]
    different = sum(one != other for one, other in zip(expected, tokens, strict=True))
    if different and next(model.parameters()).dtype == torch.float32:
        raise SystemExit(f"not equal: {different} of {len(expected)} answers differ")
    return {
        "one after another": min(singly), "together": min(together), "ratio": min(singly) / min(together),
        "answers": len(expected), "different": different, "tokens": sum(map(len, expected)) / len(expected),
        "distinct": len({(index % len(task.prompts), *answer) for index, answer in enumerate(expected)}),
    }  # fmt: skip


def main() -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapters", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--path", help="SmolLM2-135M-Instruct's folder, instead of the bundled decoder")
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float32"), help="for `--path`")
    parser.add_argument("--documents", type=int, nargs="+", default=[32, 128], help="the most of each task")
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=["q, v", "all linear"])
    parser.add_argument("--roles", nargs="+", help="some of the tasks")
    parser.add_argument("--size", type=float, help="standard deviation of the adapters' values")
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    name = "smol-tickets" if options.path else "micro"
    (experiment,) = load([shipped() / SPECS[name]], Options(track=name))
    source = ModelSource(bundled="micro-llama")
    if options.path:
        source = ModelSource(path=options.path, dtype=options.dtype)
    backbone, track, figures = load_backbone(locate(source, None), "cpu"), experiment.track, []
    for kind in options.kinds:
        states = adapters(backbone, KINDS[kind], options.size or SIZES[name])
        for role in options.roles or TASKS[name]:
            for documents in options.documents:
                shots = TASKS[name][role]
                task = load_task(experiment.tasks[role], DataLocations(), shots=shots, limit=documents)
                prompts = TaskPrompts(backbone, task, track.decoding.batch_tokens, track.budget.max_length)
                measured = compare(prompts, KINDS[kind], states, options.times)
                figures.append({"kind": kind, "task": f"{role} {shots}-shot", **measured})
                cells = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in figures[-1].values())
                print(f"| {' | '.join(cells)} |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
