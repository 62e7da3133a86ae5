"""Kill nodes of a Ray cluster during runs, and add others: nothing may be lost or done twice.

Each node has a home of its own; artifacts go through a folder. The node that is killed is one with a running step, at a
moment drawn by the seed. Afterwards the store must equal that of an undisturbed run in one process: a step was tried
once, and once more for each node that it lost.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

import psutil

from benchmarks.faults._cluster import Nodes, missing
from benchmarks.faults._suite import SMALL, badly_told, differing, finished, results, rows, start
from benchmarks.faults.trial import Outcome
from suite.execution.ray_worker import NODE_HOME

COUNT: Final = 20
LOSSES: Final = 3
"""At most so many in a run: a step fails with its fourth."""
RUN: Final = ("run", "specs/finetune_rte.yaml", "specs/lora_rte.yaml", *SMALL, "--set", "method.steps=300")
HANGS_SECONDS: Final = 400.0
LATEST_SECONDS: Final = 6.0
"""A node is killed at most this long after it is chosen."""


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Kill `count` nodes, at most three in a run."""
    reason = missing()
    if reason is not None:
        return Outcome(0, {f"not tried: {reason}": 1}, ())
    random, told, wrong = Random(seed), Counter[str](), list[str]()
    finished(*RUN, "--home", scratch / "alone", "--device", "cpu")
    expected = results(scratch / "alone")
    with Nodes.started(scratch / "nodes", 2) as nodes:
        for number, first in enumerate(range(0, count, LOSSES)):
            home = scratch / f"run{number}"
            lost = _run(home, nodes, min(LOSSES, count - first), random, wrong)
            told.update(lost)
            wrong += [f"run {number}: {each}" for each in _wrong(home, expected, sum(lost.values()))]
    return Outcome(sum(told.values()), dict(sorted(told.items())), tuple(wrong))


def _run(home: Path, nodes: Nodes, losses: int, random: Random, wrong: list[str]) -> Counter[str]:
    """A run that loses nodes: what they did when they were killed."""
    shared = home.with_name(f"{home.name}-artifacts")
    options = ("--executor", "ray", "--address", nodes.address, "--artifacts", shared, "--device", "cpu")
    process = start(*RUN, "--home", home, *options)
    limit = threading.Timer(HANGS_SECONDS, process.kill)
    limit.start()
    lost: Counter[str] = Counter()
    messages: list[str] = []
    reader = threading.Thread(target=lambda: messages.extend(process.stderr or ()))
    reader.start()
    while process.poll() is None and sum(lost.values()) < losses:
        time.sleep(random.uniform(0.0, LATEST_SECONDS))
        chosen = _node_at_work(home, nodes, random)
        if chosen is not None and process.poll() is None:
            where, kind = chosen
            nodes.lose(where)
            lost[f"in {'training' if kind == 'train' else 'an evaluation'}"] += 1
            nodes.add()
    code = process.wait()
    limit.cancel()
    reader.join()
    if code or badly_told(code, "".join(messages)):
        wrong.append(f"{home.name}: exit {code}: {''.join(messages)[-800:]!r}")
    return lost


def _node_at_work(home: Path, nodes: Nodes, random: Random) -> tuple[str, str] | None:
    """(the folder of a node that runs a step, the kind of the step); None if none does."""
    found: list[tuple[str, str]] = []
    with suppress(Exception):  # the store is being made
        for owner, kind in rows(home, "SELECT owner, kind FROM step WHERE status = 'running'"):
            with suppress(psutil.Error):
                where = psutil.Process(int(owner.split(":")[1])).environ().get(NODE_HOME)
                if where in nodes.nodes:
                    found.append((where, kind))
    return random.choice(found) if found else None


def _wrong(home: Path, expected: dict[str, list[tuple[object, ...]]], losses: int) -> Iterator[str]:
    yield from differing(results(home), expected)
    attempts = [count for (count,) in rows(home, "SELECT attempts FROM step")]
    if sum(attempts) > len(attempts) + losses:
        yield f"{sum(attempts) - len(attempts)} attempts more than steps, and {losses} nodes were lost"
    trained = {step for (step,) in rows(home, "SELECT step_id FROM artifact")}
    if {folder.name for folder in (home / "artifacts").iterdir()} != trained:
        yield "an artifact did not come home"
