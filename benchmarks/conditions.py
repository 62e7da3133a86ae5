"""Whether a micro track is a good instrument: its conditions, measured, as a table of Markdown.

`python -m benchmarks.conditions micro2 --home runs/conditions --seeds 5` runs the pretrained model, fine-tuning and
prompt tuning on every target, and fine-tuning again up to nine tenths of its gain, and says of every condition what
was measured. The conditions were fixed before any method was run (docs/micro2.md). Stored steps are not run again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import stdev

import suite
from suite.analysis.board.schema import Board, Row
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Estimate

SPECS = Path(__file__).parents[1] / "specs"
TARGETS = ("rte", "wmt14_enfr", "snli", "openbookqa")
TWO_CHOICE = ("wic",)
ALL_ROWS = 1152
"""Documents of the largest held-out task: the base model is measured on all of every task."""
SHARE = 0.9
"""Forgetting is measured where fine-tuning has this share of its gain."""


@dataclass(frozen=True)
class Condition:
    """A condition with what was measured."""

    name: str
    measured: str
    wanted: str
    met: bool

    def __str__(self) -> str:
        return f"| {self.name} | {self.measured} | {self.wanted} | {'yes' if self.met else 'no'} |"


def board_of(
    track: str, home: Path, names: Sequence[str], seeds: Sequence[int], overrides: dict[str, object] | None = None
) -> Board:
    """The board after these specs have run, with their rows alone: others may have the same names."""
    files = [SPECS / "promot" / f"{name}.yaml" for name in names]
    spec = suite.load_spec(*files, track=track, seeds=seeds, overrides=overrides)
    plan = suite.plan(spec, home=home)
    outcome = suite.run(plan)
    if outcome.failed:
        raise SystemExit("\n".join(outcome.failed.values()))
    with suite.open_store(home) as store:
        board = suite.board(store, track)
    planned = {each.id for each in plan.experiments}
    return replace(board, rows=tuple(row for row in board.rows if planned & set(row.experiments)))


def row(board: Board, name: str) -> Row:
    """The row of a name."""
    return next(row for row in board.rows if row.name == name)


def written(score: Estimate | None) -> str:
    """A score with half of its interval."""
    if score is None or score.low is None or score.high is None:
        return "not measured" if score is None else f"{score.value:.1f}"
    return f"{score.value:.1f} ± {(score.high - score.low) / 2:.1f}"


def held_out(base: Row) -> Iterator[Condition]:
    """The base model on the held-out tasks: room above and below, better with more examples, a small error."""
    scores = {(cell.role, cell.shots): cell.score for cell in base.held_out if cell.score is not None}
    few, many = min(shots for _, shots in scores), max(shots for _, shots in scores)
    for role in dict.fromkeys(role for role, _ in scores):
        low, high = (60, 80) if role in TWO_CHOICE else (25, 75)
        score = scores[role, few]
        yield Condition(f"{role}, {few}-shot", written(score), f"{low} to {high}", low <= score.value <= high)
        error = max((each.high or 100) - (each.low or 0) for (name, _), each in scores.items() if name == role) / 2
        yield Condition(f"{role}, error of documents", f"± {error:.1f}", "at most ± 3", error <= 3)
    better = [role for role, shots in scores if shots == few and scores[role, many].value > scores[role, few].value]
    yield Condition(f"tasks better {many}-shot", f"{len(better)}: {', '.join(better)}", "at least 5", len(better) >= 5)


def learning(board: Board, target: str) -> Iterator[Condition]:
    """The pretrained model at chance, fine-tuning high with room above, prompt tuning between."""
    names = "pretrained", f"finetune_{target}", f"prompt_tuning_{target}"
    base, tuned, prompt = (row(board, name) for name in names)
    start = next(cell for cell in base.target_scores if cell.role == target)
    chance = start.chance or 0.0
    value = start.score.value if start.score else 0.0
    idle = start.at_chance or value < 2
    yield Condition(f"{target}, pretrained", written(start.score), f"chance ({chance:.0f})", idle)
    full = tuned.target_scores[0].score
    yield Condition(f"{target}, fine-tuning", written(full), "85 to 97", full is not None and 85 <= full.value <= 97)
    some = prompt.target_scores[0].score
    between = some is not None and full is not None and (some.low or 0) > chance and some.value < full.value
    yield Condition(f"{target}, prompt tuning", written(some), "above chance, below fine-tuning", between)


def seed_scores(home: Path, found: Row, role: str, shots: int) -> list[float]:
    """A row's primary scores of a task, one for each seed."""
    with suite.open_store(home) as store:
        records = [record for record in store.experiments() if record.id in found.experiments]
        results = ExperimentResults.of_many(store, records, [(role, shots)])
        return [score.value for result in results if (score := result.primary(role, shots)) is not None]


def apart(home: Path, board: Board, target: str) -> Condition:
    """How far the seeds of prompt tuning are apart on the target."""
    found = row(board, f"prompt_tuning_{target}")
    scores = seed_scores(home, found, target, found.target_scores[0].shots)
    distance = max(scores) - min(scores)
    shown = ", ".join(f"{score:.0f}" for score in sorted(scores))
    said = f"{distance:.1f} apart ({shown})"
    return Condition(f"{target}, prompt tuning's seeds", said, "at most 10", distance <= 10)


def forgetting(track: str, home: Path, seeds: Sequence[int], board: Board, target: str) -> Iterator[Condition]:
    """The change of the held-out average where fine-tuning has most of its gain, and its spread over seeds."""
    base, full = (row(board, name).target_scores for name in ("pretrained", f"finetune_{target}"))
    start = next(cell.score.value for cell in base if cell.role == target and cell.score)
    gained = (full[0].score.value if full[0].score else start) - start
    stop = {"selection.stop_at_score": round(start + SHARE * gained, 1), "method.select_every": 5}
    stopped = board_of(track, home, [f"finetune_{target}"], seeds, stop)
    found = row(stopped, f"finetune_{target}")
    for shots, change in found.change.items():
        ends = (change.low, change.high) if change else (None, None)
        moved = None not in ends and not (ends[0] or 0) <= 0 <= (ends[1] or 0)
        yield Condition(f"{target}, change {shots}-shot", written(change), "more than its interval", moved)
        by_role = [seed_scores(home, found, cell.role, shots) for cell in found.held_out if cell.shots == shots]
        averages = [sum(scores) / len(scores) for scores in zip(*by_role, strict=True)]
        spread = stdev(averages) if len(averages) > 1 else float("nan")
        yield Condition(f"{target}, its deviation over seeds", f"{spread:.1f}", "at most 4", spread <= 4)


def measured(track: str, home: Path, seeds: Sequence[int], targets: Sequence[str]) -> Iterator[Condition]:
    """All conditions of a track."""
    names = [f"{method}_{target}" for method in ("finetune", "prompt_tuning") for target in targets]
    board = board_of(track, home, ["pretrained", *names], seeds)
    complete = board_of(track, home / "all-rows", ["pretrained"], seeds[:1], {"held_out.documents": ALL_ROWS})
    yield from held_out(row(complete, "pretrained"))
    for target in targets:
        yield from learning(board, target)
        yield apart(home, board, target)
    for target in targets:
        if target in ("rte", "wmt14_enfr"):
            yield from forgetting(track, home, seeds, board, target)


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conditions")
    parser.add_argument("track")
    parser.add_argument("--home", type=Path, default=Path("runs/conditions"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--targets", nargs="*", default=TARGETS)
    parser.add_argument("--write", type=Path, help="a file of Markdown for the table")
    arguments = parser.parse_args()
    lines = ["| condition | measured | wanted | met |", "|---|---|---|---|"]
    for condition in measured(arguments.track, arguments.home, range(arguments.seeds), arguments.targets):
        print(condition, flush=True)
        lines.append(str(condition))
    if arguments.write:
        command = f"python -m benchmarks.conditions {arguments.track} --seeds {arguments.seeds}"
        if tuple(arguments.targets) != TARGETS:
            command += f" --targets {' '.join(arguments.targets)}"
        text = "\n".join([f"# Conditions of {arguments.track}", "", f"Written by `{command}`.", "", *lines, ""])
        arguments.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
