"""The pictures of docs/results: ProMoT's Figures 1, 2, 3, 5 and 6 as measured here, and what scale does.

`python -m benchmarks.figures --home runs` reads stored runs and writes docs/results/figures.json, then draws it: the
probes along training of the tracks in `PROBED`, and the boards of the tracks in `SIZES`. Without `--home`, it draws the
figures.json that is there. The same numbers give the same bytes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import suite
from benchmarks import figure_drawing as drawing
from benchmarks.figure_drawing import Line, Panel, Whisker
from suite.analysis.board.schema import Row
from suite.results.store import ExperimentRecord, ResultsReader
from suite.stats import Estimate

RESULTS = Path(__file__).parents[1] / "docs" / "results"
PROBED = {"micro2-probes": "decoder, 2 M", "micro2-t5-probes": "encoder-decoder, 2.7 M"}
SIZES = {"micro2-small": "0.7 M", "micro2": "2 M", "micro2-t5": "2.7 M, encoder-decoder"}
PROBED_ROWS = ("finetune_rte", "promot_rte", "finetune_wmt14_enfr", "promot_wmt14_enfr")
METHODS = {"finetune": "fine-tuning", "lora": "LoRA", "prompt_tuning": "prompt tuning", "promot": "ProMoT"}
TARGETS = {"rte": "RTE", "wmt14_enfr": "En-Fr"}
PARTS = {"mlp": "feed-forward", "value": "values", "query": "queries"}

Seeds = dict[str, list[tuple[int, float]]]
"""Seed -> (training step, value)."""


def measured(homes: Sequence[Path]) -> dict[str, Any]:
    """All numbers of the figures, from the stores that have their tracks."""
    found: dict[str, Any] = {"curves": {}, "boards": {}}
    for home in homes:
        with suite.open_store(home) as store:
            for track in store.tracks():
                if track in PROBED:
                    found["curves"][track] = dict(_probed(store, track))
                elif track in SIZES:
                    found["boards"][track] = dict(_scored(suite.board(store, track).rows))
    return found


def _probed(store: ResultsReader, track: str) -> Iterable[tuple[str, dict[str, Seeds]]]:
    """Row -> curve -> its seeds, of the last stage of training."""
    for name in PROBED_ROWS:
        curves: dict[str, Seeds] = {}
        for record in store.experiments(track):
            if record.name == name:
                for point in store.curve(_last_training(store, record)):
                    if ":" in point.name and "." not in point.name and point.value is not None:
                        seeds = curves.setdefault(point.name, {})
                        seeds.setdefault(str(record.seed), []).append((point.step, round(point.value, 4)))
        if curves:
            yield name, {curve: _shared_steps(seeds) for curve, seeds in curves.items()}


def _shared_steps(seeds: Seeds) -> Seeds:
    """The points at steps that every seed has: means are over all seeds, at the same step."""
    steps = set.intersection(*({step for step, _ in points} for points in seeds.values()))
    return {seed: [point for point in points if point[0] in steps] for seed, points in seeds.items()}


def _last_training(store: ResultsReader, record: ExperimentRecord) -> str:
    links = store.links(record.id)
    steps = store.steps([link.step_id for link in links])
    return [link for link in links if steps[link.step_id].kind == "train"][-1].step_id


def _scored(rows: Sequence[Row]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Row -> what it gained and what it kept, for the four methods on the two targets."""
    names = {f"{method}_{target}" for method in METHODS for target in TARGETS}
    for row in rows:
        if row.name in names and not row.changes:
            scored = {"target": _ends(row.target_scores[0].score)}
            yield row.name, scored | {f"change@{shots}": _ends(change) for shots, change in row.change.items()}


def _ends(score: Estimate | None) -> list[float | None] | None:
    if score is None:
        return None
    return [None if end is None else round(end, 3) for end in (score.value, score.low, score.high)]


def figures(data: dict[str, Any]) -> dict[str, bytes]:
    """File name -> SVG."""
    curves = data["curves"]
    drawn = {
        "figure-1": _along(curves, {"score:rte@0": "RTE", "score:triviaqa@1": "TriviaQA"}, "rte", "score"),
        "figure-2": _along(
            curves, {"format:triviaqa@1": "TriviaQA", "format:wmt16_ende@1": "En-De"}, "rte", "% True or False"
        ),
        "figure-3": _along(
            curves, {f"cosine:{part}": name for part, name in PARTS.items()}, "rte", "cosine of gradients"
        ),
        "figure-5": _against(curves, "cb", "CB"),
        "figure-6": _against(curves, "wmt16_ende", "En-De"),
        "scale": _scale(data["boards"]),
    }
    return {f"{name}.svg": drawing.svg(panels) for name, panels in drawn.items() if panels}


def _along(curves: dict[str, Any], names: dict[str, str], target: str, label: str) -> list[Panel]:
    """A panel for each track: fine-tuning solid, ProMoT dashed, by training step."""
    panels = []
    for track, rows in curves.items():
        drawn = [
            Line(f"{title}, {METHODS[method]}", rows[row][name], color, dashed=method == "promot")
            for method in ("finetune", "promot")
            if (row := f"{method}_{target}") in rows
            for color, (name, title) in enumerate(names.items())
            if name in rows[row]
        ]
        panels.append(Panel(PROBED[track], "training step", label, drawn))
    return panels


def _against(curves: dict[str, Any], role: str, title: str) -> list[Panel]:
    """A panel for each track: a held-out task against the target, along training on En-Fr."""
    panels = []
    for track, rows in curves.items():
        drawn = []
        for color, method in enumerate(("finetune", "promot")):
            of_row = rows.get(f"{method}_wmt14_enfr", {})
            target, kept = (of_row.get(name) for name in ("score:wmt14_enfr@0", f"score:{role}@1"))
            if target and kept:
                drawn.append(Line(METHODS[method], _joined(target, kept), color, dashed=method == "promot"))
        panels.append(Panel(PROBED[track], "En-Fr, BLEU", f"{title}, 1-shot", drawn))
    return panels


def _joined(target: Seeds, kept: Seeds) -> dict[str, list[tuple[float, float]]]:
    """Seed -> (score of the target, score of the held-out task), at the steps that have both."""
    return {
        seed: [(score, dict(kept[seed])[step]) for step, score in points if step in dict(kept[seed])]
        for seed, points in target.items()
        if seed in kept
    }


def _scale(boards: dict[str, Any]) -> list[Panel]:
    """A panel for each target: score of the target against the change of the held-out average, by model."""
    panels = []
    for target, title in TARGETS.items():
        whiskers = [
            Whisker(f"{METHODS[method]}, {SIZES[track]}", row["target"], row["change@1"], color, marker)
            for marker, track in enumerate(SIZES)
            for color, method in enumerate(METHODS)
            if (row := boards.get(track, {}).get(f"{method}_{target}")) and row["target"] and row["change@1"]
        ]
        panels.append(Panel(title, f"{title}, score", "change of the held-out average, 1-shot", whiskers))
    return panels if any(panel.content for panel in panels) else []


def main() -> None:
    """Read what there is to read, and draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description=__doc__)
    parser.add_argument("--home", type=Path, nargs="+", default=[], help="folders of runs that have the tracks")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / "figures.json"
    if given.home:
        file.write_text(json.dumps(measured(given.home), sort_keys=True, separators=(",", ":")) + "\n", "utf-8")
    for name, picture in figures(json.loads(file.read_text("utf-8"))).items():
        (given.out / name).write_bytes(picture)
        print(given.out / name)


if __name__ == "__main__":
    main()
