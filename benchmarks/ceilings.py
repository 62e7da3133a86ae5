"""Utilisation of the machine: memory bandwidth in decoding, arithmetic in prefill and training.

`python -m benchmarks.ceilings` measures the ceilings on this machine instead of taking them from a datasheet. Bandwidth
is the maximum over products of a large matrix with a vector and copies; arithmetic is the maximum over products of
square matrices in the model's dtype. Then a decoder (the bundled one, or `--path FOLDER`) decodes one row and `--rows`
rows, reads prompts, and trains. `--device cuda` uses a GPU, `--dtype bfloat16` sets the dtype for it, `--json FILE`
writes the figures.

The bytes of a decoding step are those of the weights (without the embedding table, of which one row is read) and of the
keys and values attended to; the shared prefix counts once. Operations are two for each weight and token, and four for
each key and value read and unit of the layer's width. Training takes three times as many.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from suite.inference.shared_prefix import SharedPrefixState, read_shared_prefix
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.training.data.batches import Collator
from suite.training.data.examples import Encoded
from suite.training.objectives.losses import answer_loss

SHARED, OWN, STEPS = 256, 64, 16


def best(work: Callable[[], Any], device: torch.device, times: int = 5) -> float:
    """Minimum seconds over several runs."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - began)
    return min(found)


def bandwidth(device: torch.device, dtype: torch.dtype) -> float:
    """Bytes per second: the maximum over reading a large matrix and copying one (read and written)."""
    side = 16384 if device.type == "cuda" else 8192
    matrix, vector = torch.ones(side, side, device=device, dtype=dtype), torch.ones(side, device=device, dtype=dtype)
    into, size = torch.empty_like(matrix), matrix.nbytes
    return max(size / best(lambda: matrix @ vector, device), 2 * size / best(lambda: into.copy_(matrix), device))


def arithmetic(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second of products of square matrices, the maximum over several sizes."""
    found = []
    for side in (8192, 4096, 2048) if device.type == "cuda" else (2048, 1024, 512):
        matrix = torch.randn(side, side, device=device, dtype=dtype)
        found.append(2 * side**3 / best(lambda matrix=matrix: matrix @ matrix, device))  # type: ignore[misc]
    return max(found)


class Work:
    """Counts bytes and operations of a decoder."""

    def __init__(self, backbone: Backbone) -> None:
        model: Any = backbone.model
        config = model.config
        table = model.get_input_embeddings().weight
        self.weights = sum(each.numel() for each in model.parameters()) - table.numel()
        # tokens that are only read do not need the logits' weights
        self.logits = table.numel()
        if model.get_output_embeddings().weight is not table:
            self.weights -= self.logits
        self.size, self.layers = table.element_size(), config.num_hidden_layers
        head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self.width = config.num_attention_heads * head
        self.kept = self.width * config.num_key_value_heads // config.num_attention_heads
        # reading ends with the keys and values of the last layer
        self.last = self.weights // self.layers - config.hidden_size * (self.width + 2 * self.kept)

    def step_bytes(self, rows: int, seen: float) -> float:
        """Bytes of one decoding step of rows that attend to `seen` own tokens and the shared prefix."""
        keys = 2 * self.layers * self.kept * (SHARED + rows * seen)
        return float(self.size * (self.weights + self.logits + keys))

    def step_operations(self, rows: int, seen: float) -> float:
        """Operations of one decoding step."""
        return float(rows * (2 * (self.weights + self.logits) + 4 * self.layers * self.width * (SHARED + seen)))

    def read_operations(self, rows: int, length: int, ends: int) -> float:
        """Operations of reading texts; the last layer is computed at `ends` tokens only, except for keys and values."""
        attention = 2 * self.width * length * ((self.layers - 1) * length + ends)
        return float(rows * (2 * self.weights * length - 2 * self.last * (length - ends) + attention))


def decoding(backbone: Backbone, work: Work, rows: int) -> dict[str, float]:
    """Seconds, bytes and operations of one step."""
    stack, words = AdaptedModel(backbone, backbone.model), len(backbone.tokenizer)
    cache = tuple(place % words for place in range(7, 7 + SHARED))
    prompts = [(*cache, *((row + place) % words for place in range(OWN))) for row in range(rows)]
    known = read_shared_prefix([stack], [[*prompts, (*cache, 1, 2)]])
    tokens = torch.ones(rows, dtype=torch.long, device=backbone.device)
    found = []
    for _ in range(5):
        with torch.no_grad():
            state = SharedPrefixState(known, prompts, [stack] * rows, STEPS)
            found.append(best(lambda state=state: [state.step(tokens) for _ in range(STEPS)], backbone.device, 1))  # type: ignore[misc]
    seconds, seen = min(found) / STEPS, OWN + (1 + STEPS) / 2
    return {"seconds": seconds, "bytes": work.step_bytes(rows, seen), "operations": work.step_operations(rows, seen)}


def reading(backbone: Backbone, work: Work, rows: int, length: int) -> dict[str, float]:
    """Seconds to read texts without a shared prefix, up to the first answer token."""
    stack, words = AdaptedModel(backbone, backbone.model), len(backbone.tokenizer)
    draw = torch.Generator().manual_seed(0)
    prompts = [tuple(torch.randint(words, (length,), generator=draw).tolist()) for _ in range(rows)]
    cache = read_shared_prefix([stack], [prompts])
    seconds = best(lambda: SharedPrefixState(cache, prompts, [stack] * rows, 1), backbone.device, 3)
    # plus the first step
    operations = work.read_operations(rows, length - 1, ends=0) + rows * 2 * (work.weights + work.logits)
    return {"seconds": seconds, "operations": operations}


def training(backbone: Backbone, work: Work, rows: int, length: int) -> dict[str, float]:
    """Seconds of one step of full fine-tuning with AdamW; a fifth of the text is the answer."""
    model: Any = backbone.model
    asked, said = length * 4 // 5, tuple(range(5, 5 + length // 5))
    # no two prompts begin alike, because a shared prefix would be read once
    prompts = [tuple(5 + (row + place) % asked for place in range(asked)) for row in range(rows)]
    examples = [Encoded(prompt, said, 0) for prompt in prompts]
    batch = Collator(backbone)(examples).to(backbone.device)
    model.requires_grad_(True).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
    stack = AdaptedModel(backbone, model)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        answer_loss(stack, batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    seconds = best(step, backbone.device, 3)
    answered = length // 5
    operations = work.read_operations(rows, length, answered) + rows * answered * 2 * work.logits
    return {"seconds": seconds, "operations": 3 * operations}


def measure(backbone: Backbone, rows: int, length: int) -> dict[str, Any]:
    """The ceilings, the measured figures, and their shares."""
    device, dtype = backbone.device, next(iter(backbone.model.parameters())).dtype
    bytes_most, most, work = bandwidth(device, dtype), arithmetic(device, dtype), Work(backbone)
    told: dict[str, Any] = {"bytes per second": bytes_most, "operations per second": most}
    print(f"  ceilings: {bytes_most / 1e9:.1f} GB/s, {most / 1e9:.0f} GFLOP/s")
    jobs: dict[str, Callable[[], dict[str, float]]] = {
        "decoding, 1 row": lambda: decoding(backbone, work, 1),
        f"decoding, {rows} rows": lambda: decoding(backbone, work, rows),
        f"reading, {rows} x {length}": lambda: reading(backbone, work, rows, length),
        f"training, {rows} x {length}": lambda: training(backbone, work, rows, length),
    }
    for name, job in jobs.items():
        found = job()
        found["share of arithmetic"] = found["operations"] / found["seconds"] / most
        if "bytes" in found:
            found["share of bandwidth"] = found["bytes"] / found["seconds"] / bytes_most
        told[name] = found
        shares = [f"{share:.0%} of {of.removeprefix('share of ')}" for of, share in found.items() if "share" in of]
        print(f"  {name:20} {found['seconds'] * 1000:8.2f} ms: {', '.join(shares)}", flush=True)
    return told


def main() -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ceilings", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--path", help="a decoder's folder, instead of the bundled one")
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--length", type=int, default=256)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    chosen = {"path": given.path} if given.path else {"bundled": "micro-llama"}
    source = ModelSource.model_validate({**chosen, "dtype": given.dtype})
    told = measure(load_backbone(locate(source, None), given.device), given.rows, given.length)
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
