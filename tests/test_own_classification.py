"""Own data with labels of several words and a metric of one's own, from the command to JSON and pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calls import suite
from tests.leaderboard.reading import read

TASK = """\
task: mine
test_split: test
doc_to_text: "{{text}} answer:"
doc_to_target: "{{label}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 3}
filter_list: [{name: label, filter: [{function: first_label, labels: [on monday, "True"]}, {function: take_first}]}]
metric_list: [{metric: f1}, {metric: closeness:overlap}, {metric: accuracy, aggregation: mean, higher_is_better: true}]
metadata: {kind: classification, labels: [on monday, "True"], primary: closeness:overlap}
"""
TRACK = """\
name: mini
model: {bundled: micro-llama}
roles: {mine: mine}
held_out: {roles: [mine], shots: [0]}
seeds: [0]
budget: {batch_size: 4, max_length: 128}
"""
OVERLAP = """\
def overlap(references: list[str], answer: str) -> float:
    right, said = set(references[0].split()), set(answer.split())
    return len(right & said) / len(right | said)
"""
FILES = {
    "specs/pretrained.yaml": "name: pretrained\ntrack: mini\nmethod: {name: pretrained}\ntargets: []\n",
    "specs/tasks/mine.yaml": TASK, "specs/tasks/closeness.py": OVERLAP, "specs/tracks/mini.yaml": TRACK,
}  # fmt: skip


def test_own_labels_and_an_own_metric_from_the_command_to_the_page(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"text": f"on sunday the {animal} is ill .", "label": label} for animal, label in
            (("fox", "on monday"), ("dog", "True"), ("wolf", "True"), ("fish", "on monday"))]  # fmt: skip
    for name, text in {**FILES, "data/mine/test.jsonl": "".join(json.dumps(row) + "\n" for row in rows)}.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    code, _, err = suite(capsys, "run", "specs/pretrained.yaml", "--data", "data", "--home", "runs", pages=True)
    assert code == 0, err
    _, out, _ = suite(capsys, "show", "pretrained", "--home", "runs", "--json")
    ((row,),) = (each["rows"] for each in json.loads(out))
    (cell,) = row["held_out"]
    assert cell["metric"] == "closeness:overlap"
    classes = cell["classes"]
    assert [(each["label"], each["support"]) for each in classes["classes"]] == [("on monday", 2), ("True", 2)]
    assert [sum(counts) for counts in classes["confusion"]] == [2, 2]
    assert cell["score"]["value"] == pytest.approx(classes["accuracy"])  # here labels have no word in common
    page = read(tmp_path / "runs" / "site" / "tasks" / "mini" / "mine.html")
    assert "Macro-F1 and F1 by class, 0 shots" in page.text
    assert "def overlap(references: list[str], answer: str) -> float:" in page.text
