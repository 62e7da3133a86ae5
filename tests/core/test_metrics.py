"""The table of metrics: one entry is all that a metric of a corpus needs, from the plan to the page."""

from __future__ import annotations

import importlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lm_eval.api import registry

import suite.core.metrics as table
from suite.core.metrics import MetricDefinition, metric_named, metrics, register
from tests.cli.calls import suite

WORD_RECALL = '''
import numpy as np

from suite.core.metrics import WRITTEN, MetricDefinition, Resampling, register


def counts(pairs, tokenizer):
    """Words of the first reference that are in the answer, and all its words."""
    words = [(references[0].split(), answer.split()) for references, answer in pairs]
    return np.array([[sum(each in said for each in right), len(right)] for right, said in words], dtype=float)


def recall(sums):
    return 100 * sums[..., 0] / np.maximum(sums[..., 1], 1)


register(
    MetricDefinition(
        "word_recall", over="corpus", output_types=frozenset({WRITTEN}), resampling=Resampling(counts, recall),
    )
)
'''
FIRST_WORD = '''
from suite.core.metrics import MetricDefinition, register


def first_word(reference, answer, settings):
    """1 if both begin with the same word."""
    return float(answer.split()[:1] == reference.split()[:1])


register(MetricDefinition("first_word", document_score=first_word))
'''
TASK = """task: mine
training_split: train
test_split: test
doc_to_text: "{{text}} answer:"
doc_to_target: "{{right}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 6}
metric_list: [{metric: word_recall}, {metric: first_word}]
metadata: {folder: mine, kind: translation, chance: 0.0}
"""
TRACK = """name: mini
model: {bundled: micro-llama}
roles: {mine: mine, cb: micro_cb}
held_out: {roles: [cb], shots: [1], documents: 2}
selection: {documents: 4}
budget: {batch_size: 4, max_length: 256}
methods: {finetune: {steps: 12, learning_rate: 3e-3}}
"""
OWN = "name: own\ntrack: mini\nmethod: {name: finetune}\ntargets: [mine]\n"


@pytest.fixture
def two_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two files more in the folder of metrics: one of a corpus, one of documents."""
    importlib.import_module("suite.tasks.metrics")  # what is registered now stays so after the test
    metrics()
    monkeypatch.setattr(table, "_METRICS", dict(table._METRICS))
    for known in (registry.metric_registry, registry.metric_agg_registry, registry.higher_is_better_registry,
                  registry.aggregation_registry):  # fmt: skip
        monkeypatch.setattr(known, "_objs", dict(known._objs))
    folder = tmp_path / "metrics"
    folder.mkdir()
    monkeypatch.setattr(table, "__path__", [*table.__path__, str(folder)])
    for name, text in {"word_recall": WORD_RECALL, "first_word": FIRST_WORD}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        importlib.import_module(f"suite.core.metrics.{name}")
    yield
    for name in ("word_recall", "first_word"):
        del sys.modules[f"suite.core.metrics.{name}"]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    days, colours, beasts = ("monday", "friday", "sunday"), ("blue", "red", "white"), ("dog", "fish", "wolf", "fox")
    rows = [(day, colour, beast) for day in days for colour in colours for beast in beasts]
    asked = [(f"on {day} the {colour} {beast} is ill .", f"the {colour} {beast}") for day, colour, beast in rows]
    # no text tells the last word of every second right answer among the test's
    asked[24::2] = [(text, f"{right.rpartition(' ')[0]} paris") for text, right in asked[24::2]]
    texts = [json.dumps({"text": text, "right": right}) for text, right in asked]
    files = {
        "specs/tasks/mine.yaml": TASK,
        "specs/tracks/mini.yaml": TRACK,
        "specs/own.yaml": OWN,
        "data/mine/train.jsonl": "\n".join(texts[:24]),
        "data/mine/test.jsonl": "\n".join(texts[24:]),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUITE_DATA", "data")
    return tmp_path


@pytest.mark.usefixtures("two_more")
def test_a_metric_in_one_file_goes_from_the_plan_to_the_page(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = suite(capsys, "run", "specs/own.yaml")
    assert code == 0, out + err
    query = "SELECT value, stderr FROM score WHERE metric = 'word_recall' ORDER BY value"
    stored = sqlite3.connect("runs/suite.db").execute(query).fetchall()
    assert stored
    value, stderr = stored[-1]
    assert 0 < value < 100
    assert 0 < stderr < 50
    of_documents = "SELECT value, stderr FROM score WHERE metric = 'first_word' ORDER BY value"
    (*_, (value_of_documents, stderr_of_documents)) = sqlite3.connect("runs/suite.db").execute(of_documents)
    assert 0 < value_of_documents <= 100
    assert stderr_of_documents is not None
    code, out, _ = suite(capsys, "doctor", "--deep")
    assert code == 0, out
    assert "were scored again" in out
    assert f"{value:.1f}" in suite(capsys, "show", "own")[1]
    (board,) = json.loads(suite(capsys, "board", "--json")[1])
    assert board["rows"][-1]["change"]["1"] is not None
    assert suite(capsys, "export", "records")[0] == 0
    code, out, err = suite(capsys, "import", "records", "--verify")
    assert code == 0, out + err
    assert "unchecked" not in out
    assert suite(capsys, "import", "records", "--home", "other")[0] == 0
    assert sqlite3.connect("other/suite.db").execute(query).fetchall() == stored
    assert suite(capsys, "render", "--out", "site")[0] == 0
    pages = [page.read_text("utf-8") for page in Path("site").rglob("*.html")]
    assert any("word_recall" in page and "first_word" in page for page in pages)


def test_a_name_stands_for_one_metric() -> None:
    with pytest.raises(ValueError, match="'bleu' already"):
        register(MetricDefinition("bleu"))


def test_a_metric_of_a_corpus_says_how_it_is_computed() -> None:
    with pytest.raises(ValueError, match="needs `score` or `resampling`"):
        MetricDefinition("nothing", over="corpus")


def test_a_name_may_have_a_filter_behind_it() -> None:
    assert metric_named("bleu,first") is metrics()["bleu"]
    assert metric_named("mine:close") is None
