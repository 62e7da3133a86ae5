"""What everyday commands cost before and besides training: planning, a run with nothing to do, the first step.

`python -m benchmarks.everyday` starts each command in a process of its own, as a user does, and takes the least seconds
of processor time of several tries (`--times`), which other work on the machine inflates less than the clock. The cache
folder is a new one: the first try fills it and does not count. A fixed loop in Python is timed, too: it compares
machines, or quiet and busy times of one. `--json FILE` writes the figures. It takes some minutes; the store of the run
with nothing to do is made first, unless `--home` names one that has all of `promot_rte`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from suite.specs import shipped

SPEC = "promot_rte"
WANTED = {"run, nothing to do": 2.0, "plan of all specs": 0.5, "first evaluation": 5.0, "first training step": 5.0}
"""Seconds on a machine with nothing else to do."""
LOOP = 5_000_000


def seconds(arguments: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of processor time (of the user and the system) and by the clock that a command took."""
    before, began = _children(), time.perf_counter()
    ended = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed: {ended.stderr[-2000:]}")
    return _children() - before, time.perf_counter() - began


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def measured(name: str, arguments: Sequence[str], environment: dict[str, str], times: int) -> dict[str, float]:
    """The least of several tries, after one that does not count."""
    tries = [seconds(arguments, environment) for _ in range(times + 1)]
    cpu, wall = (min(column) for column in zip(*tries[1:], strict=True))
    print(f"  {name}: {cpu:.2f} s of processor time, {wall:.2f} s by the clock; first {tries[0][0]:.2f} s", flush=True)
    return {"processor": cpu, "clock": wall, "first": tries[0][0]}


def until(kind: str, home: Path) -> None:
    """Run in this process until the first evaluation answers, or the first optimiser step is done, and end it there."""
    import suite
    from suite.execution.progress import StepProgress

    def ended(*_: object, **__: object) -> None:
        os._exit(0)

    if kind == "training":
        StepProgress.progress = ended  # type: ignore[method-assign]
    else:
        StepProgress.answered = ended  # type: ignore[method-assign]
    spec = shipped() / f"{SPEC}.yaml"
    suite.run(suite.plan(spec, home=home, baseline=kind == "evaluation"))


def reference() -> float:
    """Seconds of processor time of a fixed loop in Python: the least of three."""

    def loop() -> float:
        began, total = time.process_time(), 0
        for number in range(LOOP):
            total += number
        return time.process_time() - began

    return min(loop() for _ in range(3))


def figures(home: Path | None, folder: Path, times: int) -> dict[str, dict[str, float]]:
    """Seconds of each command, in a cache folder of its own."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    specs = sorted(map(str, shipped().glob("*.yaml")))
    if home is None:
        home = folder / "done"
        print("  making the store …", flush=True)
        seconds(["-m", "suite", "run", SPEC, "--home", str(home), "--quiet"], environment)
    commands = {
        "--help": ["-m", "suite", "--help"],
        "list": ["-m", "suite", "list"],
        "show": ["-m", "suite", "show", "--home", str(home)],
        "plan of all specs": ["-m", "suite", "plan", *specs, "--home", str(folder / "none")],
        "run, nothing to do": ["-m", "suite", "run", SPEC, "--home", str(home)],
    }
    made = {name: measured(name, arguments, environment, times) for name, arguments in commands.items()}
    words = f"suite show --home {home} pro"
    asked = {"_SUITE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "4"}
    code = "import sys; sys.argv = ['suite']; from suite.cli import main; main()"
    made["completion"] = measured("completion of a name", ["-c", code], {**environment, **asked}, times)
    for kind, name in (("evaluation", "first evaluation"), ("training", "first training step")):
        code = "import sys; from benchmarks.everyday import until; from pathlib import Path; "
        code += "import tempfile; until(sys.argv[1], Path(tempfile.mkdtemp(dir=sys.argv[2])))"
        made[name] = measured(name, ["-c", code, kind, str(folder)], environment, times)
    return made


def main() -> None:
    """Measure, print, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.everyday", description=__doc__)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    parser.add_argument("--home", type=Path, help=f"a folder of runs that has all steps of {SPEC}")
    parser.add_argument("--times", type=int, default=3, help="tries of each command (3)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        before = reference()
        made = figures(given.home, Path(folder), given.times)
    loop = min(before, reference())
    print(f"  a loop of {LOOP:,} additions: {loop:.2f} s")
    if given.json:
        content = {"loop": loop, "commands": made, "wanted": WANTED}
        given.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
