"""A workspace with a classification task of one's own, a track, a spec, and right rows."""

from __future__ import annotations

import json
from pathlib import Path

TASK = """\
task: mine
training_split: train
test_split: test
doc_to_text: "{{text}} answer:"
doc_to_target: "{{label}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
filter_list: [{name: label, filter: [{function: first_label, labels: ["yes", "no"]}, {function: take_first}]}]
metric_list: [{metric: accuracy, aggregation: mean, higher_is_better: true}]
metadata: {folder: mine}
"""
TRACK = """\
name: mini
title: mini
model: {bundled: micro-llama}
roles: {mine: mine, cb: micro_cb}
held_out: {roles: [cb], shots: [1], documents: 2}
target: {shots: 0}
selection: {documents: 4}
seeds: [0]
budget: {batch_size: 4, max_length: 128}
methods: {lora: {steps: 2, learning_rate: 1e-3, rank: 2}}
"""


def make_workspace(folder: Path) -> Path:
    """Specs and data in a folder: 40 rows to train on and 10 to report."""
    for name, text in (("tasks/mine", TASK), ("tracks/mini", TRACK)):
        file = folder / "specs" / f"{name}.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    (folder / "specs" / "own.yaml").write_text("name: own\ntrack: mini\nmethod: {name: lora}\ntargets: [mine]\n")
    write(folder, train=["yes"] * 40, test=["no"] * 10)
    return folder


def write(folder: Path, **splits: list[object]) -> None:
    place = folder / "data" / "mine"
    place.mkdir(parents=True, exist_ok=True)
    for split, labels in splits.items():
        lines = [json.dumps({"text": f"{split} {number}", "label": each}) for number, each in enumerate(labels)]
        (place / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
