"""How cost grows with the number of documents, the number of methods, and a model's width.

`python -m benchmarks.scaling` measures each quantity at 1, 4 and 16 times its minimum (width: 1, 2 and 4 times). Each
point runs in a separate process. It prints processor seconds, peak memory, and the exponent of the power law that fits
them by least squares of logarithms (1: proportional, below 1: cheaper). `--json FILE` writes the figures.

Documents: the bundled decoder answers the eight held-out tasks of track `micro` at 4 shots. Methods: `suite run` on
this number of specs (each with 20 steps of fine-tuning on `rte` and 17 evaluations), from start to rendered pages.
Width: decoders with the bundled one's depth and vocabulary and random weights answer 32 documents of XSum at 4 shots.
Seconds exclude starting for documents and width; peak memory is that of the whole process.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from benchmarks.evaluation import asked, ours
from benchmarks.sides import timed
from suite.models.adapted import AdaptedModel
from suite.models.backbone import as_backbone, load_backbone
from suite.models.source import ModelSource, locate
from suite.specs import Experiment, Options, load, shipped
from suite.tasks.data import DataLocations

LEAST = {"documents": 16, "methods": 1, "width": 192}
TIMES = {"documents": (1, 4, 16), "methods": (1, 4, 16), "width": (1, 2, 4)}
SPEC = """\
name: rate_{number}
track: micro
method: {{name: finetune, steps: 20, select_every: 20, warmup: 2, learning_rate: {rate}}}
targets: [rte]
held_out: {{documents: 32}}
target: {{documents: 32}}
"""


def _pretrained() -> Experiment:
    (experiment,) = load([shipped() / "pretrained.yaml"], Options(track="micro"))
    return experiment


def documents(count: int) -> float:
    """Seconds for this number of documents of each task."""
    experiment, backbone = _pretrained(), load_backbone(locate(ModelSource(bundled="micro-llama"), None), "cpu")
    tasks = asked(experiment, DataLocations(), count, roles=experiment.held_out, shots=(4,))
    stack = AdaptedModel(backbone, backbone.model)
    return timed(lambda: [ours(stack, each) for each in tasks], backbone.device, 3)[0]


def methods(count: int) -> float:
    """Seconds of `suite run` on this number of specs."""
    with tempfile.TemporaryDirectory() as folder:
        specs = [Path(folder) / f"rate_{number}.yaml" for number in range(count)]
        for number, spec in enumerate(specs):
            spec.write_text(SPEC.format(number=number, rate=1e-4 * (1 + number / 16)), encoding="utf-8")
        main = "import sys; from suite.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", main, "run", *map(str, specs), "--home", f"{folder}/home", "--device", "cpu"]
        environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
        subprocess.run(command, check=True, capture_output=True, env=environment)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def width(size: int) -> float:
    """Seconds of a decoder of this width."""
    bundled = locate(ModelSource(bundled="micro-llama"), None)
    small: Any = load_backbone(bundled, "cpu")
    config: Any = AutoConfig.from_pretrained(small.model.name_or_path)
    factor = size // config.hidden_size
    for name in ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads"):
        setattr(config, name, getattr(config, name) * factor)
    torch.manual_seed(0)
    backbone = as_backbone(AutoModelForCausalLM.from_config(config), small.tokenizer, f"width {size}", device="cpu")
    (each,) = asked(_pretrained(), DataLocations(), 32, roles=["xsum"], shots=(4,))
    return timed(lambda: ours(AdaptedModel(backbone, backbone.model), each), backbone.device, 2)[0]


POINTS: dict[str, Callable[[int], float]] = {"documents": documents, "methods": methods, "width": width}


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Slope of the least-squares line of the logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    middle, height = sum(x) / len(x), sum(y) / len(y)
    above = sum((one - middle) * (other - height) for one, other in zip(x, y, strict=True))
    return above / sum((one - middle) ** 2 for one in x)


def _point(name: str, size: int, threads: int) -> dict[str, float]:
    """Measure one point in a separate process."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--point", name, str(size), "--threads", str(threads)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    found: dict[str, float] = json.loads(said)
    return found


def scale(name: str, threads: int) -> dict[str, Any]:
    """All points of a quantity, and the exponents of seconds and memory."""
    sizes = [LEAST[name] * times for times in TIMES[name]]
    points = [_point(name, size, threads) for size in sizes]
    found: dict[str, Any] = {"sizes": sizes}
    for of in ("seconds", "MiB"):
        values = [point[of] for point in points]
        found |= {of: values, f"exponent of {of}": exponent(sizes, values)}
    print(
        f"  {name:10} " + ", ".join(f"{size}: {point['seconds']:.1f} s, {point['MiB']:.0f} MiB"
                                    for size, point in zip(sizes, points, strict=True))
        + f"; exponents {found['exponent of seconds']:.2f} and {found['exponent of MiB']:.2f}",
        flush=True,
    )  # fmt: skip
    return found


def main() -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=tuple(POINTS), help="one of the three")
    parser.add_argument("--point", nargs=2, metavar=("NAME", "SIZE"), help="one point, in this process")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.point:
        name, size = given.point
        seconds = POINTS[name](int(size))
        who = resource.RUSAGE_CHILDREN if name == "methods" else resource.RUSAGE_SELF
        print(json.dumps({"seconds": seconds, "MiB": resource.getrusage(who).ru_maxrss / 1024}))
        return
    told = {name: scale(name, given.threads) for name in POINTS if given.only in (None, name)}
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
