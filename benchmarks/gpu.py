"""All that a GPU can prove of suite, in order of worth, within some minutes.

`python -m benchmarks.gpu --minutes 8 --json FILE` runs its parts one after another, each in a process of its own that
ends when the time does: equality with the CPU, the tests of what runs on a device, predicted against measured memory,
evaluation and training against lm-eval and `Trainer`, ceilings, a row of three methods, and large models of made-up
weights. The figures are written after each part, so an interrupted run leaves those it has. It needs no network and no
package besides the project's. `--models FOLDER` has SmolLM2-135M-Instruct, which some parts take instead of bundled
models. `--skip PART …` and `--only PART …` choose parts. `--tiny` takes the smallest sizes, to try the command on a CPU
(`--device cpu`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.__main__ import machine

SMOL = "SmolLM2-135M-Instruct"
LINES = 12
"""Last lines of a part's output that are kept."""
NOISE = ("USDT:", "Failed to load CPU")
"""How lines begin that libraries print and nobody needs."""
Command = Callable[[argparse.Namespace, Path], Sequence[str]]


@dataclass(frozen=True)
class Part:
    """A part of the run."""

    name: str
    least: float
    """Seconds without which it is not begun."""
    command: Command
    """Its arguments of Python, for the options and the file that its figures go to; empty: it cannot run here."""


def _own(given: argparse.Namespace) -> str | None:
    """The folder of SmolLM2, if there is one."""
    folder = given.models / SMOL if given.models else None
    return str(folder) if folder is not None and folder.is_dir() else None


def _path(given: argparse.Namespace) -> list[str]:
    return ["--path", own] if (own := _own(given)) else []


def equality(given: argparse.Namespace, figures: Path) -> Sequence[str]:
    """Answers, losses and gradients against the CPU's."""
    count = "8" if given.tiny else "128"
    return ["-m", "benchmarks.equality", "--device", given.device, "--prompts", count, "--json", str(figures),
            *_path(given)]  # fmt: skip


def tests(given: argparse.Namespace, figures: Path) -> Sequence[str]:
    """Tests of what runs on a device: they take the GPU where there is one."""
    files = ["tests/training/test_updates.py"] if given.tiny else [
        "tests/training", "tests/models", "tests/inference", "tests/evaluation", "tests/methods",
    ]  # fmt: skip
    workers = [] if given.tiny else ["-n", str(min(8, os.cpu_count() or 1))]
    return ["-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, *files]


def memory(given: argparse.Namespace, figures: Path) -> Sequence[str]:
    """Predicted against measured memory of three methods."""
    names = ("lora",) if given.tiny else ("finetune", "lora", "prompt_tuning")
    few = ["--set", "method.steps=4", "--set", "held_out.documents=8", "--set", "target.documents=8"]
    few += ["--set", "held_out.roles=[facts]"] if _own(given) else ["--set", "held_out.roles=[cb]"]
    specs = [f"specs/tickets/{name}_tickets.yaml" if _own(given) else f"specs/{name}_rte.yaml" for name in names]
    models = ["--models", str(given.models)] if _own(given) else []
    return ["-m", "benchmarks.memory", *specs, *few, *models, "--trained", "--device", given.device,
            "--json", str(figures)]  # fmt: skip


def evaluation(given: argparse.Namespace, figures: Path) -> Sequence[str]:
    """Evaluation against lm-eval's `hf`."""
    sizes = ["2"] if given.tiny else ["auto", "64", "128"]
    few = ["--documents", "2", "--times", "1", "--shape", "decoder", "--only", "tasks"] if given.tiny else []
    return ["-m", "benchmarks.evaluation", "--device", given.device, "--sizes", *sizes, *few, "--json", str(figures)]


def training(given: argparse.Namespace, figures: Path) -> Sequence[str]:
    """Training against `Trainer`."""
    few = ["--steps", "2", "--times", "2", "--only", "micro decoder, soft prompt, RTE"] if given.tiny else []
    return ["-m", "benchmarks.training", "--device", given.device, *few, "--json", str(figures)]


def ceilings(given: argparse.Namespace, figures: Path) -> Sequence[str]:
    """Decoding and training as shares of the measured bandwidth and arithmetic."""
    size = ["--rows", "2", "--length", "16"] if given.tiny else []
    dtype = [] if given.device == "cpu" else ["--dtype", "bfloat16"]
    return ["-m", "benchmarks.ceilings", "--device", given.device, *dtype, *size, *_path(given), "--json", str(figures)]


def row(given: argparse.Namespace, figures: Path) -> Sequence[str]:
    """A real comparison of three methods, from specs to a board."""
    small = ["--set", "held_out.documents=4", "--set", "target.documents=4", "--set", "held_out.roles=[cb]"]
    few = [*small, "--set", "method.steps=2"] if given.tiny else []
    names = ("lora",) if given.tiny else ("finetune", "lora", "promot")
    own = _own(given) is not None and not given.tiny
    specs = [f"specs/tickets/{name}_tickets.yaml" if own else f"specs/{name}_rte.yaml" for name in names]
    models = ["--models", str(given.models)] if own else []
    return ["-m", "suite", "run", *specs, *models, "--no-pages", "--device", given.device,
            "--home", str(figures.with_suffix("")), *few]  # fmt: skip


def large(layers: int, width: int) -> Command:
    """Memory of full tuning in bfloat16 with a model of made-up weights."""

    def command(given: argparse.Namespace, figures: Path) -> Sequence[str]:
        low = ["method.precision=bf16", "method.optimizer=adafactor", "method.clip=null", "method.steps=3"]
        few = ["selection.documents=4", "target.documents=2", "held_out.documents=2", "held_out.roles=[cb]"]
        sets = [part for each in (*low, *few) for part in ("--set", each)]
        size = ["--layers", "1"] if given.tiny else ["--layers", str(layers), "--width", str(width)]
        return ["-m", "benchmarks.memory", "specs/finetune_rte.yaml", *size, "--dtype", "bfloat16", "--trained",
                "--device", given.device, *sets, "--json", str(figures)]  # fmt: skip

    return command


PARTS = (
    Part("equality", 20, equality),
    Part("tests", 60, tests),
    Part("memory", 20, memory),
    Part("evaluation", 40, evaluation),
    Part("training", 40, training),
    Part("ceilings", 20, ceilings),
    Part("row", 40, row),
    Part("large, 1.1 billion", 40, large(22, 2048)),
    Part("large, 8 billion", 150, large(40, 4096)),
)


def run_part(part: Part, given: argparse.Namespace, folder: Path, seconds: float) -> dict[str, Any]:
    """Run a part for some seconds at most. Returns exit code (None: its time was over), seconds, end and figures."""
    figures = folder / f"{part.name.replace(', ', '_').replace(' ', '_')}.json"
    command = [sys.executable, *part.command(given, figures)]
    begun = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
        )
        code, output = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as error:
        code, output = None, (error.stdout or b"").decode(errors="replace")
    found: dict[str, Any] = {"exit": code, "seconds": round(time.monotonic() - begun, 1)}
    found["end"] = [line for line in output.splitlines() if line.strip() and not line.startswith(NOISE)][-LINES:]
    if figures.is_file():
        found["figures"] = json.loads(figures.read_text(encoding="utf-8"))
    return found


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Run the chosen parts while there is time, writing the figures after each."""
    measured: dict[str, Any] = {"machine": machine(1), "device": given.device, "parts": {}}
    deadline = time.monotonic() + 60 * given.minutes
    with TemporaryDirectory() as folder:
        for part in PARTS:
            if part.name in given.skip or (given.only and part.name not in given.only):
                continue
            left = deadline - time.monotonic()
            if left < part.least:
                measured["parts"][part.name] = {"exit": None, "end": [f"not begun: {left:.0f} s are left"]}
            else:
                print(f"{part.name} …", flush=True)
                found = measured["parts"][part.name] = run_part(part, given, Path(folder), left)
                print("\n".join(found["end"][-4:]), f"\nexit {found['exit']} after {found['seconds']} s", flush=True)
            if given.json:
                given.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return measured


def main() -> None:
    """Run the parts. The exit code is 1 if one of those that came to their end failed."""
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--models", type=Path)
    parser.add_argument("--skip", nargs="+", default=[], choices=names)
    parser.add_argument("--only", nargs="+", default=[], choices=names)
    parser.add_argument("--tiny", action="store_true")
    measured = run(parser.parse_args())
    sys.exit(any(part["exit"] not in (0, None) for part in measured["parts"].values()))


if __name__ == "__main__":
    main()
