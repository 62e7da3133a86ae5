"""Metrics of written answers: the best over the references, and lm-eval's own values where these are right."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import lm_eval.api.metrics as theirs
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from suite.core.metrics import WRITTEN, metrics, names_over
from suite.core.metrics.bleu import bleu, bleu_counts
from suite.core.numbers import number_of
from suite.tasks.scoring import Metric, of_all, score

WORDS = ["the", "a", "cat", "Cat", "dog's", "e.g.", "3.5", "1,000", "é", "naïve", "x_y", "<>", "--", "don't", ",", "."]
SCORED_BY_DOCUMENT = {name for name, metric in metrics().items() if metric.document_score}
LM_EVALS = {"bleu": theirs.bleu, "chrf": theirs.chrf, "chrf++": theirs.chrfpp, "ter": theirs.ter}
CHINESE, HINDI, RUSSIAN, THAI = (
    "今天狗在家里睡觉。",
    "आज कुत्ता घर पर सो रहा है",
    "сегодня собака спит дома",
    "วันนี้สุนัขนอนที่บ้าน",
)


def best(name: str) -> float:
    """The value of right answers."""
    metric = metrics()[name]
    return metric.range[metric.higher_is_better]


def texts(seed: int, count: int, most: int = 9) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(0, most))) for _ in range(count)]


def test_rouge_is_rouge_scores_to_the_digit_but_for_one_word_against_itself() -> None:
    names = ["rouge1", "rouge2", "rougeL"]
    scorer = RougeScorer(names, use_stemmer=False)
    for right, said in zip(texts(1, 300), texts(2, 300), strict=True):
        wanted = scorer.score(right, said)
        for name in names:
            ours = score(Metric(name), [right], said)
            one_word = name == "rouge2" and ours == 1.0 and wanted[name].fmeasure == 0.0
            assert ours == wanted[name].fmeasure or one_word
    assert score(Metric("rouge2"), ["Paris."], "paris") == 1.0
    assert score(Metric("rouge2"), ["Paris"], "Paris is it") == 0.0


@pytest.mark.parametrize("options", [{}, {"ignore_case": True}, {"ignore_punctuation": True}, {"ignore_numbers": True},
                                     {"regexes_to_ignore": [",", r"(?s).*A: "]}])  # fmt: skip
def test_exact_match_is_lm_evals_but_for_white_space_around_an_answer(options: dict[str, Any]) -> None:
    pairs = [("Paris", "paris"), ("1,000", "1000"), ("a-b", "ab"), ("x1", "x2"), ("so A: y", "y"), ("no", "yes")]
    for right, said in pairs:
        wanted = theirs.exact_match_hf_evaluate(predictions=[said], references=[right], **options)["exact_match"]
        assert score(Metric("exact_match", options), [right], said) == wanted
    assert score(Metric("exact_match", options), [" Paris"], "Paris\n") == 1.0


def test_an_empty_list_of_regexes_changes_nothing() -> None:
    metric = Metric("exact_match", {"regexes_to_ignore": []})
    assert score(metric, ["yes", "right"], "right") == 1.0


def test_a_box_is_read_in_the_answer_as_in_the_reference() -> None:
    assert score(Metric("math_equal"), [r"so $\boxed{1/2}$"], r"It is \boxed{0.5}.") == 1.0
    assert score(Metric("math_equal"), [r"\boxed{1/2}"], r"\boxed{2} is not \boxed{1}") == 0.0


@pytest.mark.parametrize("name", sorted(SCORED_BY_DOCUMENT))
def test_each_metric_takes_its_own_best_over_the_references_in_any_order(name: str) -> None:
    references = ["a wholly other text", "7", "the red dog sleeps"]
    for answer in references:
        values = [score(Metric(name), order, answer) for order in (references, references[::-1])]
        assert values == [1.0, 1.0]
    assert score(Metric(name), references, "blue") == 0.0


def test_a_graded_metric_has_the_best_of_its_references_not_any_overlap() -> None:
    references = ["the red dog is asleep now .", "on monday the blue fox in york sees the old lake ."]
    assert score(Metric("rouge2"), references, "the red dog") == pytest.approx(0.571, abs=1e-3)
    assert score(Metric("rouge2"), references[::-1], "the red dog") == pytest.approx(0.571, abs=1e-3)


@pytest.mark.parametrize(
    ("said", "right", "value"),
    [
        ("18.00", "18", 1.0),
        ("2.50", "2.5", 1.0),
        ("1,000", "1000", 1.0),
        ("$1,000.0", "1000", 1.0),
        ("+18", "18.", 1.0),
        ("\u22123", "-3", 1.0),
        ("-3", "3", 0.0),
        ("2.5", "25", 0.0),
        ("1,0", "10", 0.0),
        ("18 €", "18", 1.0),
        ("18€.", "€18", 1.0),
        ("18 %", "18", 1.0),
        ("5%", "$5", 0.0),
        ("£5", "€5", 0.0),
        ("1 000", "1000", 1.0),
        ("1\u202f000.50", "1,000.5", 1.0),
        ("1’000’000", "1000000", 1.0),
        ("1 000,000", "1000000", 0.0),
        ("1 00", "100", 0.0),
        ("1.000", "1", 1.0),
        ("$5 %", "5", 0.0),
        ("no number", "no number", 1.0),
        ("", "0", 0.0),
    ],
)
def test_numbers_are_equal_however_they_are_written(said: str, right: str, value: float) -> None:
    assert score(Metric("number_match"), [right], said) == value


def test_a_text_is_a_number_only_as_a_whole_and_in_bounded_time() -> None:
    assert number_of("18 dogs") is number_of("1e3") is number_of("") is number_of("$") is None
    assert number_of("1" * 10_000) is None


@pytest.mark.parametrize("name", sorted(LM_EVALS))
def test_metrics_of_all_answers_are_lm_evals_where_each_document_has_one_reference(name: str) -> None:
    pairs = list(zip(texts(3, 40), texts(4, 40), strict=True))
    ours = of_all(Metric(name), [((right,), said) for right, said in pairs])
    assert ours == LM_EVALS[name](pairs) > 0


@pytest.mark.parametrize("name", sorted(names_over("corpus")))
def test_documents_of_one_corpus_may_have_unequal_numbers_of_references(name: str) -> None:
    said = ["the red dog sleeps in the house", "a cat", "one two three four five"]
    references: list[Sequence[str]] = [("no such thing at all", said[0]), (said[1],), (said[2], "six", "seven")]
    assert of_all(Metric(name), list(zip(references, said, strict=True))) == pytest.approx(best(name))


def test_the_counts_of_bleu_take_several_references_and_a_tokenizer() -> None:
    pairs = [(("the red dog sleeps", "a red dog is asleep"), "a red dog sleeps"), (("no",), "no")]
    assert float(bleu(bleu_counts(pairs).sum(axis=0))) == pytest.approx(of_all(Metric("bleu"), pairs))
    counts = bleu_counts([(CHINESE, CHINESE)], "zh").sum(axis=0)
    assert float(bleu(counts)) == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("language", "text"),
    [("zh", CHINESE), ("th", THAI), ("ja", "今日は犬が家で寝ています。"), ("ko", "오늘 개가 집에서 자고 있습니다.")],
)
def test_a_sentence_of_a_language_without_spaces_has_words(language: str, text: str) -> None:
    for name in names_over("corpus"):
        assert of_all(Metric(name, language=language), [((text,), text)]) == pytest.approx(best(name))
    part = of_all(Metric("bleu", language=language), [((text,), text[:-3])])
    assert 0 < part < 100
    assert 0 < of_all(Metric("ter", language=language), [((text,), text[:-3])]) < 100


def test_chinese_is_split_as_sacrebleu_splits_it() -> None:
    said = "今天狗在家里睡着。"
    wanted = sacrebleu.corpus_bleu([said], [[CHINESE]], tokenize="zh").score
    assert of_all(Metric("bleu", language="zh"), [((CHINESE,), said)]) == wanted > 50


@pytest.mark.parametrize(("language", "text"), [("ru", RUSSIAN), ("hi", HINDI), ("zh", CHINESE), ("th", THAI)])
@pytest.mark.parametrize("name", ["rouge1", "rouge2", "rougeL"])
def test_rouge_reads_the_words_of_any_script(language: str, text: str, name: str) -> None:
    metric = Metric(name, language=language)
    assert score(metric, [text], text) == 1.0
    assert 0.3 < score(metric, [text], text[: len(text) * 3 // 4]) < 1.0
    assert score(metric, [text], "red dog") == 0.0


@pytest.mark.parametrize(
    ("said", "right", "value"),
    [
        ("it’s", "it's", 1.0),
        ("北京。", "北京", 1.0),
        ("1,000", "1000", 1.0),
        ("C#", "C++", 0.0),
        ("5", "-5", 0.0),
        ("3.5", "35", 0.0),
    ],
)
@pytest.mark.parametrize("name", ["exact_match", "number_match"])
def test_punctuation_that_is_ignored_makes_no_other_number_or_word(
    name: str, said: str, right: str, value: float
) -> None:
    assert score(Metric(name, {"ignore_punctuation": True}), [right], said) == value


@pytest.mark.parametrize(
    ("name", "options", "right"),
    [
        ("exact_match", {"regexes_to_ignore": [".*"]}, "red"),
        ("exact_match", {"ignore_numbers": True}, "5"),
        ("exact_match", {"ignore_punctuation": True}, "++"),
        ("number_match", {"ignore_numbers": True}, "5"),
    ],
)
def test_a_reference_of_which_all_is_ignored_equals_nothing(name: str, options: dict[str, Any], right: str) -> None:
    assert score(Metric(name, options), [right], right) == score(Metric(name, options), [right], "7") == 0.0


@pytest.mark.parametrize("name", ["exact_match", "accuracy", "number_match", "normalised_match", "math_equal"])
def test_two_ways_to_write_an_accent_are_the_same(name: str) -> None:
    assert score(Metric(name), ["café"], "cafe\u0301") == score(Metric(name), ["cafe\u0301"], "café") == 1.0


@pytest.mark.parametrize("name", sorted(names_over("corpus")))
def test_two_ways_to_write_an_accent_are_the_same_in_a_corpus(name: str) -> None:
    pairs = [(("one café at the lake",), "one cafe\u0301 at the lake")]
    assert of_all(Metric(name), pairs) == pytest.approx(best(name))


@pytest.mark.parametrize(("language", "right", "said"), [("de", "fährt", "f hrt"), ("pl", "łódź", "d")])
def test_rouge_keeps_the_letters_of_languages_in_latin_script(language: str, right: str, said: str) -> None:
    assert score(Metric("rouge1", language=language), [right], said) == 0.0
    assert score(Metric("rouge1", language=language), [right.upper()], f"{right}.") == 1.0


def test_every_metric_that_a_task_may_name_for_written_answers_is_computed_here() -> None:
    written = {name: metric for name, metric in metrics().items() if WRITTEN in metric.output_types}
    assert {name for name, metric in written.items() if not (metric.computed or metric.runs_programs)} == {"bypass"}
