"""Data files of any content: rows are read, rendered, trained on and scored, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from suite.evaluation.evaluate import evaluate_with
from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import load_task, training_examples
from tests.fuzz.fuzzing import Answers, corrupted, junk, mutated, survive

GENERATE = """\
task: mine
training_split: train
test_split: test
doc_to_text: "Q: {{question}} A:"
doc_to_target: "{{answers}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
metric_list: [{metric: METRIC}]
"""
LABELS = """\
task: mine
training_split: train
test_split: test
doc_to_text: "{{question}} true or false?"
doc_to_target: "{{label}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
filter_list: [{name: answer, filter: [{function: first_label, labels: ["True", "False"]}, {function: take_first}]}]
metric_list: [{metric: accuracy}]
metadata: {kind: entailment, labels: ["True", "False"]}
"""
CHOICE = """\
task: mine
output_type: multiple_choice
training_split: train
test_split: test
doc_to_text: question
doc_to_choice: choices
doc_to_target: "{{index}}"
metric_list: [{metric: acc}, {metric: acc_norm}]
"""
TASKS = [
    *(GENERATE.replace("METRIC", name) for name in ("exact_match", "normalised_match", "rouge2", "bleu", "math_equal")),
    LABELS, CHOICE, CHOICE.replace("doc_to_text: question", 'doc_to_text: "{{question}}"'),
]  # fmt: skip


def row(number: int) -> dict[str, Any]:
    return {
        "question": f"what is {number} ?", "answers": [f"{number}", "many"], "label": ["True", "False"][number % 2],
        "choices": ["red", "blue", "a b"], "index": number % 3, "more": {"a": [number]},
    }  # fmt: skip


def content(rng: Random, start: int) -> tuple[str, bytes]:
    """A suffix and a file's bytes."""
    rows: list[Any] = [row(start + number) for number in range(rng.choice([0, 1, 2, 3, 8, 8, 8]))]
    kind = rng.random()
    if kind < 0.6 and rows:
        place = rng.randrange(len(rows))
        rows[place] = mutated(rows[place], rng)
    elif kind < 0.8:
        rows = [mutated(each, rng) for each in rows]
    elif kind < 0.85:
        rows.append(junk(rng))
    form = rng.random()
    ascii_only = rng.random() < 0.5
    if form < 0.7:
        end = rng.choice(["\n", "\r\n", "\n\n"])
        text = end.join(json.dumps(each, ensure_ascii=ascii_only) for each in rows)
        suffix = "jsonl"
    elif form < 0.85:
        text, suffix = json.dumps(rows, ensure_ascii=ascii_only, indent=rng.choice([None, 1])), "json"
    else:
        separator = rng.choice([",", ",", "\t"])
        cells = [[json.dumps(str(each.get(key, ""))) for key in row(0)] for each in rows if isinstance(each, dict)]
        text = "\n".join(separator.join(line) for line in [list(row(0)), *cells])
        suffix = "tsv" if separator == "\t" else "csv"
    data = text.encode(rng.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le"]), "surrogatepass")
    return suffix, corrupted(data, rng) if rng.random() < 0.15 else data


@pytest.mark.parametrize("split", ["train", "test"])
def test_any_data_file_works_or_is_refused_in_one_line(tmp_path: Path, split: str) -> None:
    def once(rng: Random) -> None:
        folder = tmp_path / str(rng.random())
        (folder / "data" / "mine").mkdir(parents=True)
        (folder / "mine.yaml").write_text(rng.choice(TASKS))
        good = "\n".join(json.dumps(row(100 + number)) for number in range(8))
        for each in ("train", "test"):
            (folder / "data" / "mine" / f"{each}.jsonl").write_text(good.replace("what", each))
        suffix, data = content(rng, 0)
        (folder / "data" / "mine" / f"{split}.jsonl").unlink()
        (folder / "data" / "mine" / f"{split}.{suffix}").write_bytes(data)
        task, locations = read_task("mine", [folder]), DataLocations.of(folder / "data")
        examples = training_examples(task, locations)
        assert all(isinstance(each.prompt, str) and isinstance(each.target, str) for each in examples)
        evaluate_with(Answers(rng), load_task(task, locations, shots=rng.choice([0, 1, 3])))

    survive(f"rows {split}", once)
