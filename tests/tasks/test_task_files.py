"""Reading task files: includes are merged, and whatever is wrong is said on a line of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.tasks.definition import read_task, task_names

Write = Callable[..., Path]
SHIPPED = Path(__file__).parents[2] / "specs" / "tasks"
SCORED = tuple(name for name in task_names([SHIPPED]) if name != "micro2_documents")
"""The shipped tasks that have questions: all but retention data, which is for training alone."""


def problems(folder: Path, name: str = "colours") -> str:
    with pytest.raises(SuiteError) as caught:
        read_task(name, [folder])
    return str(caught.value)


@pytest.mark.parametrize(
    ("metric", "kind"),
    [("acc", "generate_until"), ("likelihood", "generate_until"), ("accuracy", "multiple_choice"),
     ("bleu", "multiple_choice"), ("acc_norm", "loglikelihood")],
)  # fmt: skip
def test_a_metric_that_answers_of_a_kind_do_not_have_is_refused(write: Write, metric: str, kind: str) -> None:
    folder = write(text=CHOOSING.replace("multiple_choice", kind), **{"metric: acc,": f"metric: {metric},"})
    assert f"metric_list.0: {metric} is not a metric of `output_type: {kind}`" in problems(folder)


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("metric: f1", ""),
        ("metric: f1, aggregation: f1, higher_is_better: true, pos_label: no joy", ""),
        ("metric: mcc, aggregation: matthews_corrcoef", ""),
        ("metric: f1, aggregation: mean", "f1 scores all answers, and has no aggregation 'mean'; write `f1`"),
        ("metric: f1, average: weighted", "metric_list.0: f1 has no option 'average'"),
        ("metric: f1}, {metric: f1, pos_label: joy", "metric_list.1: 'f1' is listed twice; one result would hide"),
        ("metric: mcc, pos_label: joy", "metric_list.0: mcc has no option 'pos_label'"),
        ("metric: f1, pos_label: joi", "pos_label: 'joi' is none of the task's labels; did you mean 'joy'?"),
    ],
)
def test_metrics_of_classes_take_the_options_that_they_have(write: Write, metric: str, said: str) -> None:
    given = {"metric: normalised_match, aggregation: mean, higher_is_better: true": metric}
    folder = write(**given, **{"kind: qa": "labels: [joy, no joy]"})
    if said:
        assert said in problems(folder)
    else:
        assert read_task("colours", [folder]).no_reward
    assert "is for classification, and the task has no labels" in problems(write(**given))
    assert "metadata.labels: should be" in problems(write(**given, **{"kind: qa": "labels: 3"}))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("doc_to_text:", "doc_to_txt:", 4, "doc_to_txt: unknown key; did you mean 'doc_to_text'?"),
        ("test_split: test\n", "", 1, "has neither test_split nor validation_split"),
        ("test_split: test", "test_split: 3", 3, "test_split: is not a split's name"),
        ("doc_to_target:", "description:", 1, "doc_to_target: is missing"),
        ("{{question}}", "{{question", 4, "doc_to_text: is no template"),
        ("cut_answer", "cut_anser", 7, "there is no filter 'cut_anser'; did you mean 'cut_answer'?"),
        (", {function: take_first}", "", 7, "leaves a list of answers"),
        ("normalised_match", "normalized_match", 8, "there is no metric 'normalized_match'; did you mean"),
        (
            "metric_list: [{metric: normalised_match, aggregation: mean, higher_is_better: true}]",
            "metric_list: 3",
            8,
            "metric_list: is not a list of metrics",
        ),
        ("metric: normalised_match", "metric: perplexity", 8, "has no metric that lies between 0 and 100"),
        ('cut_answer, prefix: "Q:"', "first_label, labels: [yes]", 7, "first_label's labels is (True,); write"),
        ('cut_answer, prefix: "Q:"', "named_label", 7, "named_label has no labels; add them"),
        (
            "normalised_match",
            "normalised_match, ignore_cases: true",
            8,
            "normalised_match has no option 'ignore_cases'",
        ),
        ("normalised_match", "exact_match, ignore_case: 1", 8, "exact_match's ignore_case is 1; write `true` or"),
        (
            "normalised_match",
            "exact_match, regexes_to_ignore: ','",
            8,
            "exact_match's regexes_to_ignore is ','; write a",
        ),
        ("normalised_match", "exact_match, regexes_to_ignore: ['(']", 8, "has '(', which is no regular expression"),
        ("aggregation: mean", "aggregation: median", 8, "normalised_match is averaged over answers, and has no agg"),
        ("better: true", "better: false", 8, "normalised_match: higher is better, not False; write `higher_is_bet"),
        ("better: true", "better: 1", 8, "normalised_match: higher is better, not 1"),
        ("better: true", "better: true, hf_evaluate: true", 8, "normalised_match is computed here, not by"),
        ("better: true", "better: true, foo: bar", 8, "normalised_match has no option 'foo'"),
        ("normalised_match", "exact_match, ignore_case: 'false'", 8, "exact_match's ignore_case is 'false'; write"),
        ("normalised_match", "exact_match, regexes_to_ignore: [5]", 8, "exact_match's regexes_to_ignore is (5,)"),
        ("normalised_match", "bleu, tokenize: zh", 8, "bleu has no option 'tokenize'"),
        ("cut_answer", "custom}, {function: cut_answer", 7, "custom is a function of Python"),
        ("kind: qa", "gold_misses: 2", 9, "metadata.gold_misses: should be less than or equal to 1"),
        ("kind: qa", "kind: quiz", 9, "metadata.kind: should be 'entailment', 'classification', 'qa'"),
        ("kind: qa", "sort: qa", 9, "metadata.sort: unknown key"),
        ("kind: qa", "kind: entailment", 9, "metadata.labels: is missing"),
        ("kind: qa", "kind: classification", 9, "metadata.labels: is missing"),
        ("kind: qa", 'labels: ["half-true", "half-true"]', 9, "'half-true' and 'half-true' are not distinct"),
        (
            "kind: qa",
            'labels: ["a b", "a  b "]',
            9,
            "metadata.labels: 'a b' and 'a b ' are not distinct",
        ),
        (
            "kind: qa",
            'labels: ["a", " "]',
            9,
            "' ' and ' ' are not distinct; list each label once",
        ),
        ("kind: qa", "primary: acc", 9, "metadata.primary: 'acc' is not among its metrics"),
        ("kind: qa", "labels: [yes, no]", 9, "metadata.labels.0: should be a valid string; put it in quotes"),
        ("kind: qa", 'splits: {test: "test[5"}', 9, "metadata.splits.test: 'test[5' is no cut of a split"),
        (
            "kind: qa",
            "language: french",
            9,
            "metadata.language: 'french' is no language that can be told; write its ISO",
        ),
        ("chance: 0.0", "chance: 101", 9, "metadata.chance: should be less than 100"),
        ('until: ["\\n\\n"]', "until: stop", 6, "generation_kwargs.until: is not a list of texts"),
        ('until: ["\\n\\n"], ', "", 6, "generation_kwargs.until: is not a list of texts"),
        ("prefix:", "prefx:", 7, "filter_list.0: cut_answer has no option 'prefx'; did you mean 'prefix'?"),
        ('"Q:"}', '"Q:", occurrence: 0}', 7, "cut_answer's occurrence is 0; write a whole number from 1"),
        ('"Q:"}', '"Q:", blank_line: 1}', 7, "cut_answer's blank_line is 1; write `true` or `false`"),
        ("max_gen_toks: 4", "max_gen_toks: four", 6, "generation_kwargs.max_gen_toks: is not a number"),
        ("max_gen_toks: 4", "max_gen_toks: 4, do_sample: true", 6, "generation_kwargs: asks for sampling"),
        ("max_gen_toks: 4", "max_gen_toks: 4, top: 4", 6, "generation_kwargs.top: unknown key"),
        ("task: colours", "task: colors", 1, "task: is 'colors' in a file called colours.yaml"),
        (
            "task: colours",
            "task: colours\nnum_fewshot: 5",
            2,
            "num_fewshot: is not for task files here; the track says",
        ),
        ("task: colours", "task: colours\noutput_type: rank", 2, "output_type: there is no 'rank'"),
        (
            "kind: qa",
            'kind: qa, splits: {tset: "test[1:]"}',
            9,
            "metadata.splits.tset: the task uses no such split; did you mean 'test'?",
        ),
        ("kind: qa", "known_overlap: {count: 3}", 9, "metadata.known_overlap.reason: Field required"),
        ("kind: qa", "kind: qa, program: x", 9, "metadata.program: a program to run and the metric pass@1 belong"),
        ("normalised_match", "pass@1", 9, "metadata.program: a program to run and the metric pass@1 belong"),
        ("doc_to_text:", "task:", 4, "task: is set twice"),
        ("kind: qa", "kind: [qa", 9, "is not YAML"),
    ],
)
def test_a_wrong_file_is_told_by_line_with_a_remedy(write: Write, old: str, new: str, line: int, said: str) -> None:
    folder = write(**{old: new})
    lines = problems(folder).splitlines()
    assert any(each.startswith(f"{folder / 'colours.yaml'}:{line}: ") and said in each for each in lines), lines


def test_all_problems_come_at_once(write: Write) -> None:
    folder = write(**{"test_split": "tset_split", "cut_answer": "cut", "normalised_match": "match"})
    assert len(problems(folder).splitlines()) == 5


def test_an_unknown_task_names_a_close_one(write: Write) -> None:
    assert "there is no task 'colour_'; did you mean 'colours'?" in problems(write(), "colour_")


def test_an_include_is_merged_deeply_and_null_takes_a_key_away(write: Write) -> None:
    write(**{"task: colours": "task: colours\ndataset_path: some/where"})
    child = "include: colours.yaml\ntask: hues\ndataset_path: null\nmetadata: {folder: hues}\n"
    task = read_task("hues", [write("hues", child)])
    assert task.folder == "hues"
    assert task.metadata["kind"] == "qa"
    assert "dataset_path" not in task.config
    assert task.config["doc_to_text"] == "Q: {{question}} A:"


def test_a_problem_in_an_included_file_is_told_there(write: Write) -> None:
    folder = write(**{"cut_answer": "cut"})
    write("hues", "include: colours.yaml\ntask: hues\n")
    assert problems(folder, "hues").startswith(f"{folder / 'colours.yaml'}:7: ")


def test_includes_that_are_absent_or_run_in_circles_are_errors(write: Write) -> None:
    folder = write("hues", "include: hue.yaml\n")
    write("a", "include: b.yaml\n")
    write("b", "include: a.yaml\n")
    assert "hues.yaml:1: include: there is no file 'hue.yaml' beside it" in problems(folder, "hues")
    assert "includes itself; break the circle" in problems(folder, "a")


def test_the_fingerprint_follows_what_is_scored_only(write: Write) -> None:
    first = read_task("colours", [write()]).fingerprint
    assert (
        read_task("colours", [write(**{"task: colours": "task: colours\ntag: nice # a comment"})]).fingerprint == first
    )
    assert read_task("colours", [write(**{"A:": "Answer:"})]).fingerprint != first


def test_the_nearest_folder_wins(write: Write, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "colours.yaml").write_text((write() / "colours.yaml").read_text().replace("A:", "B:"))
    assert "B:" in read_task("colours", [other, write()]).config["doc_to_text"]


def test_a_task_says_why_its_answers_give_no_reward(write: Write) -> None:
    assert read_task("colours", [write()]).no_reward is None
    assert read_task("micro_wmt16_ende", [SHIPPED]).no_reward == "scores all answers together (bleu)"
    assert read_task("copa", []).no_reward == "has the model choose, not write"


def test_reading_tasks_imports_neither_torch_nor_lm_eval() -> None:
    code = (
        "import sys; from pathlib import Path; from suite.tasks.definition import read_task; "
        "import suite.tasks.data, suite.tasks.splits, suite.tasks.contamination; "
        f"read_task('micro_rte', [Path({str(SHIPPED)!r})]); read_task('copa', []); "
        "print([name for name in ('torch', 'lm_eval', 'datasets', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SHIPPED.parents[1]
    )
    assert done.stdout.strip() == "[]"


CHOOSING = """\
task: colours
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_target: "{{label}}"
doc_to_choice: [joy, no joy]
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
metadata: {kind: classification}
"""


def test_labels_are_those_of_the_task_or_the_choices_that_all_its_rows_have(write: Write) -> None:
    assert read_task("colours", [write(**{"kind: qa": "labels: [joy, no joy]"})]).labels == ("joy", "no joy")
    assert read_task("colours", [write(text=CHOOSING)]).labels == ("joy", "no joy")
    letters = write(text=CHOOSING, **{"[joy, no joy]": "[A, B]", "classification": "choice"})
    assert read_task("colours", [letters]).labels == ()  # names of places


def test_the_language_of_answers_is_inherited_and_english_by_default(write: Write) -> None:
    plain = read_task("colours", [write()])
    french = read_task("colours", [write(**{"kind: qa": "kind: qa, language: fr"})])
    assert (plain.language, french.language) == ("en", "fr")
    assert plain.fingerprint == french.fingerprint  # no score depends on it
    assert [read_task(name, [SHIPPED]).language for name in ("micro_wmt14_enfr", "wmt16_ende", "wmt16_enro_recut")] == [
        "fr", "de", "ro",
    ]  # fmt: skip


@pytest.mark.parametrize("metric", ["rouge2", "bleu", "ter, aggregation: ter}, {metric: bleu"])
def test_the_fingerprint_knows_how_a_language_is_split_into_words(write: Write, metric: str) -> None:
    def named(language: str) -> str:
        changes = {"normalised_match": metric, "aggregation: mean, ": "", "kind: qa": f"language: {language}"}
        return read_task("colours", [write(**changes)]).fingerprint

    assert (named("en") == named("fr")) == (metric != "rouge2")  # ROUGE's usual way is right for English alone
    assert named("fr") != named("zh")
    assert (named("zh") != named("th")) == (metric != "rouge2")
    assert (named("ru") != named("en")) == (metric == "rouge2")  # BLEU's usual way is right for Russian


@pytest.mark.parametrize(
    ("name", "known"),
    [("wmt14_enfr", "b38b58fad93dd3d3"), ("micro_wmt16_enro", "bc07ac434c50908b"), ("rte", "cb7731ab9e3859cf")],
)
def test_shipped_tasks_keep_the_fingerprints_that_stores_know_them_by(name: str, known: str) -> None:
    assert read_task(name, [SHIPPED]).fingerprint == known
