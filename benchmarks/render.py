"""Render a large store: seconds, memory and files; and render it again after one new experiment.

`python -m benchmarks.render` makes a store of 1,000 experiments × 20 tasks × 3 seeds with 2 million answers in a
temporary folder and renders it twice, each time in a separate process. `--rows N` makes a smaller store, `--json FILE`
writes the figures. The target is less than 60 s and 1 GiB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from leaderboard import render
from suite.analysis.board import boards
from suite.results.store import ExperimentRecord, StepLink, StepRecord, Store
from suite.results.store.mapping import experiment_row, link_row, step_row
from suite.results.store.tables import AnswerRow, CurvePointRow, ExperimentRow, ExperimentStepRow, ScoreRow, StepRow

ROLES = tuple(f"task{number:02}" for number in range(20))
TARGET, SEEDS, DOCUMENTS, SHOTS = ROLES[0], (0, 1, 2), 33, 4
METHODS = ("finetune", "lora", "dora", "ia3", "prompt_tuning", "svf")


def fill(store: Store, rows: range) -> None:
    """Insert experiments into a store in bulk."""
    for row in rows:
        found: dict[Any, list[dict[str, Any]]] = {}
        for table, values in _rows(row):
            found.setdefault(table, []).append(values)
        with store.engine.execution_options(write=True).begin() as connection:
            for table in (ExperimentRow, StepRow, ExperimentStepRow, ScoreRow, AnswerRow, CurvePointRow):
                if table in found:
                    connection.execute(insert(table), found[table])


def _rows(row: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    """One experiment's rows in all tables; experiment 0 is the pretrained model."""
    method = METHODS[row % len(METHODS)] if row else "pretrained"
    name = f"{method}_{row:04}" if row else method
    for seed in SEEDS if row else (0,):
        spec = _spec(name, method, row)
        family = "none" if not row else "adapter"
        record = ExperimentRecord(_id(name, seed), name, "large", seed, method, family, (TARGET,), "a paper", spec)
        yield ExperimentRow, experiment_row(record)
        links = [] if not row else [("train", None, None)]
        links += [("evaluate", role, 0 if role == TARGET else SHOTS) for role in ROLES]
        for position, (part, role, shots) in enumerate(links):
            step = _id(name, seed, part, role)
            config = {"kind": part, "task": role, "shots": shots, "stack": name}
            config |= {"method": {"name": method}} if role is None else {}
            costs = {"seconds": 60.0 + row % 50, "trained_parameters": 1000 * (1 + row % 900), "artifact_bytes": 4000}
            done = {
                "status": "done",
                "attempts": 1,
                "peak_memory": 10**9,
                "tokens": 10**6,
                **(costs if role is None else {}),
            }
            yield StepRow, {**step_row(StepRecord(step, part, f"{part} {role} · {name}", config)), **done}
            yield ExperimentStepRow, link_row(record.id, StepLink(step, part, role, shots, position))
            if role is None:
                for at in range(0, 100, 5):
                    yield CurvePointRow, {"step_id": step, "name": "loss", "step": at, "value": 3.0 / (1 + at)}
            else:
                yield from _answers(step, role, row)


def _answers(step: str, role: str, row: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    draw = random.Random(step)
    rights = [draw.random() < 0.3 + 0.4 * (row % 97) / 97 for _ in range(DOCUMENTS)]
    score = {"value": 100 * sum(rights) / DOCUMENTS, "stderr": 8.0, "n": DOCUMENTS, "primary": True}
    yield ScoreRow, {"step_id": step, "metric": "accuracy", **score, "unparsable": 0, "truncated": 0}
    for number, right in enumerate(rights):
        said = f"the answer {number}" if right else f"another answer, {draw.randrange(1000)}, that is wrong"
        yield AnswerRow, {
            "step_id": step, "doc_id": number, "doc_hash": _id(role, number), "prompt_hash": _id(role, number, "p"),
            "question": f"{role}: a question of some length, number {number}, as tasks have them?",
            "target": f"the answer {number}", "output": said, "parsed": said, "value": 100.0 * right,
            "unparsable": False, "truncated": False,
        }  # fmt: skip


def _spec(name: str, method: str, row: int) -> dict[str, Any]:
    held_out = {"roles": list(ROLES[1:]), "shots": [SHOTS], "documents": DOCUMENTS}
    return {
        "name": name, "about": "An experiment.", "method": {"name": method, "rank": row}, "targets": [TARGET],
        "track": {"name": "large", "title": "A large track", "about": "", "held_out": held_out},
        "roles": {
            role: {"task": role, "kind": "qa", "labels": [], "chance": 0.0, "primary": "accuracy"} for role in ROLES
        },
        "variant": _id(name), "changes": [], "file": f"specs/{name}.yaml", "sets": [],
    }  # fmt: skip


def _id(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def measured(database: Path, out: Path) -> dict[str, float]:
    """Render in this process. Returns wall and processor seconds (and those of the boards alone), and peak memory."""
    with Store.open(database, create=False) as store:
        worked = time.process_time()
        boards(store)
        board = time.process_time() - worked
        before = os.times()
        render(store, out)
        after = os.times()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "render_s": round(after.elapsed - before.elapsed, 1),
        "of_one_core_s": round(after.user + after.system - before.user - before.system, 1),
        "of_these_in_the_kernel_s": round(after.system - before.system, 1),
        "boards_of_one_core_s": round(board, 1),
        "peak_mib": round(peak),
    }


def sizes(out: Path) -> dict[str, Path]:
    """All files of the site."""
    return {str(file.relative_to(out)): file for file in out.rglob("*") if file.is_file()}


def weight(page: Path) -> int:
    """Bytes of a page with the scripts and styles that it loads."""
    text = page.read_text(encoding="utf-8")
    loaded = re.findall(r'(?:src|href)="([^"]*static/[^"]*)"', text)
    return sum(file.stat().st_size for file in (page, *(page.parent / name for name in loaded)))


def main() -> None:
    """Make the store, render it, add an experiment, and render again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measured(*given.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        database, out = Path(folder) / "suite.db", Path(folder) / "site"
        command = [sys.executable, "-m", "benchmarks.render", "--measure", str(database), str(out)]
        began = time.perf_counter()
        with Store.open(database) as store:
            fill(store, range(given.rows))
        found: dict[str, Any] = {"rows": given.rows, "filling_s": round(time.perf_counter() - began, 1)}
        found["first"] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        before = {path: file.stat().st_ino for path, file in sizes(out).items()}
        pages = {path: file.stat().st_size for path, file in sizes(out).items() if path.endswith(".html")}
        found |= {"files": len(before), "mib": round(sum(file.stat().st_size for file in sizes(out).values()) / 2**20)}
        found["largest_page_kib"] = round(max(pages.values()) / 1024)
        found["its_weight_kib"] = round(weight(out / max(pages, key=lambda path: pages[path])) / 1024)
        with Store.open(database) as store:
            fill(store, range(given.rows, given.rows + 1))
        found["again"] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        now = {path: file.stat().st_ino for path, file in sizes(out).items()}
        found["rewritten"] = sum(before[path] != number for path, number in now.items() if path in before)
        found["new"] = len(now.keys() - before.keys())
    print(json.dumps(found, indent=1))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
