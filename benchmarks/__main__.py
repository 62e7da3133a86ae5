"""Run all speed benchmarks one after another; the result is one table and one JSON file.

`python -m benchmarks --json FILE` runs each benchmark in a separate process: evaluation of both bundled models and of
variants of one base, ten commands, beam search, training, a whole set of experiments, ceilings, and scaling. `--path
FOLDER --data FOLDER` adds your own decoder on your own data, `--device cuda` uses a GPU where possible, `--only NAME …`
selects benchmarks. It takes about an hour on one core, half of it for the set (`sharing`). Do not use the machine
meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

NAMES = ("evaluation", "commands", "beams", "training", "sharing", "ceilings", "scaling")
Line = tuple[str, str, str, str, str]
"""What is measured, our figure, their figure, the ratio, the target ratio."""


def run(name: str, *options: str) -> dict[str, Any]:
    """Run one benchmark and return its figures; its output is shown."""
    print(" ".join((name, *options)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options, "--json", str(file)], check=True)
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found


def lines(told: dict[str, Any]) -> Iterator[Line]:
    """The rows of the table."""
    cuda = str(told["device"]).startswith("cuda")
    for name, found in told.get("evaluation", {}).items():
        if "tasks" in found:
            asked = f"{name}, {len(found['tasks'])} evaluations of {found['documents']} documents"
            yield (
                asked,
                f"{found['ours']:.1f} s",
                f"{found['lm-eval']:.1f} s",
                f"{found['ratio']:.2f}",
                "4" if cuda else "3",
            )
        elif "together" in found:
            best = found["ratio"] * found["together"]
            asked = name.replace("variants on", "ten soft prompts in one process,")
            yield asked, f"{found['together']:.2f} s", f"{best:.2f} s", f"{found['ratio']:.1f}", "8"
    for name, found in told.get("commands", {}).items():
        asked = f"{name}, ten runs of `lm_eval` against one process"
        yield asked, f"{found['ours']:.1f} s", f"{found['lm-eval']:.1f} s", f"{found['ratio']:.1f}", "8"
    for name, found in told.get("beams", {}).items():
        asked = f"{name}, 4 beams, against `generate`"
        yield asked, f"{found['ours']:.2f} s", f"{found['generate']:.2f} s", f"{found['ratio']:.2f}", ""
    for model, cases in told.get("training", {}).items():
        for case, found in cases.items():
            sides = (f"{found[side]:,.0f} tokens/s" for side in ("ours", "Trainer"))
            ratio = f"{found['ratio']:.2f} ({found['ratio on our batches']:.2f})"
            yield f"{model}, {case}", *sides, ratio, "1.3"  # type: ignore[misc]
    if found := told.get("sharing"):
        asked = f"ProMoT's set, {found['experiments']} experiments, as a share of each alone"
        yield asked, f"{found['together']:.0f} s", f"{found['alone']:.0f} s", f"{found['ratio']:.2f}", "at most 0.5"
    for model, rows in told.get("ceilings", {}).items():
        for name, found in rows.items():
            if isinstance(found, dict):
                share = "share of bandwidth" if "1 row" in name else "share of arithmetic"
                asked = f"{model}: {name}, {share.removeprefix('share of ')}"
                yield asked, f"{found['seconds'] * 1000:.1f} ms", "", f"{found[share]:.0%}", "the ceiling"
    for name, found in told.get("scaling", {}).items():
        sizes = ", ".join(map(str, found["sizes"]))
        taken = ", ".join(f"{each:.1f}" for each in found["seconds"])
        yield f"{name} {sizes}", f"{taken} s", "", f"exponent {found['exponent of seconds']:.2f}", ""
        taken = ", ".join(f"{each:.0f}" for each in found["MiB"])
        yield f"{name} {sizes}, memory", f"{taken} MiB", "", f"exponent {found['exponent of MiB']:.2f}", ""


def table(told: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    head = ["| measured | ours | theirs | ratio | wanted |", "|---|---|---|---|---|"]
    return "\n".join([*head, *("| " + " | ".join(line) + " |" for line in lines(told))])


def machine(threads: int) -> str:
    """A description of the machine, without its name."""
    import torch

    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = models[0].partition(":")[2].strip() if models else platform.processor()
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{processor}, {os.cpu_count()} cores, {threads} thread(s) used{gpu}, torch {torch.__version__}"


def measure(given: argparse.Namespace, keep: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Run the selected benchmarks. `keep` is called with the figures so far from time to time."""
    told: dict[str, Any] = {"machine": machine(given.threads), "device": given.device}
    common = ["--threads", str(given.threads), "--device", given.device]
    of_yours = ["--path", given.path, "--data", str(given.data)] if given.path else []
    name = Path(given.path).name if given.path else ""
    cuda = given.device.startswith("cuda")
    if "evaluation" in given.only:
        told["evaluation"] = run("evaluation", *common, "--sizes", *(("auto", "64", "128") if cuda else ("16", "64")))
        if of_yours:
            options = ["--documents", str(given.documents), "--times", "1", "--only", "tasks"]
            options += ["--sizes", *(("auto", "64") if cuda else ("8",))]
            for length in given.max_length:
                cut = ["--max-length", str(length)]
                found = run("evaluation", *common, *of_yours, *options, *cut)
                told["evaluation"][f"{name}, prompts cut at {length} tokens"] = found[name]
    if "commands" in given.only:
        keep(told)
        told["commands"] = {"micro decoder": run("commands")}
    if "beams" in given.only:
        told["beams"] = run("beams", *common)
    if "training" in given.only:
        keep(told)
        told["training"] = run("training", *common)
        if of_yours:
            told["training"] |= run("training", *common, *of_yours, "--times", "2")
    if "sharing" in given.only:
        keep(told)
        told["sharing"] = run("sharing", *(["--home", str(given.home)] if given.home else []))
    if "ceilings" in given.only:
        told["ceilings"] = {"micro decoder": run("ceilings", *common)}
        if of_yours:
            dtype = ["--dtype", "bfloat16"] if cuda else []
            told["ceilings"][name] = run("ceilings", *common, "--path", given.path, *dtype)
    if "scaling" in given.only:
        told["scaling"] = run("scaling", "--threads", str(given.threads))
    keep(told)
    return told


def main() -> None:
    """Measure, print the table, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="some of the benchmarks")
    parser.add_argument("--home", type=Path, help="a home that has the set already, for `sharing`")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--path", help="a decoder's folder, besides the bundled models")
    parser.add_argument("--data", type=Path, help="a data folder, for `--path`")
    parser.add_argument("--documents", type=int, default=32, help="of each task, for `--path`")
    parser.add_argument("--max-length", type=int, nargs="+", default=[1024, 4096], help="positions, for `--path`")
    given = parser.parse_args()
    if given.path and not given.data:
        parser.error("--path needs --data")

    def keep(told: dict[str, Any]) -> None:
        for found in told.values():
            if isinstance(found, dict):
                found.pop("machine", None)
        if given.json:
            given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")

    told = measure(given, keep)
    print(f"\n{told['machine']}\n\n{table(told)}")


if __name__ == "__main__":
    main()
