"""The formats of targets' answers."""

from __future__ import annotations

from typing import Any

import pytest

from suite.core.formats import Format, foreign, formats_of, takes
from suite.core.labels import first_label


def about(kind: str, *labels: str, language: str = "en", **more: Any) -> dict[str, Any]:
    return {"task": "t", "kind": kind, "labels": list(labels), "language": language, **more}


ROLES = {
    "rte": about("entailment", "True", "False"),
    "cb": about("entailment", "True", "False", "Neither"),
    "arc": about("choice", "A", "B"),
    "qa": about("qa"),
    "fr": about("translation", language="fr"),
    "de": about("translation", language="de"),
    "xsum": about("summarisation"),
    "likely": about("choice", "True", "False", output_type="multiple_choice"),
}


def looked_at(*targets: str) -> dict[str, tuple[str, ...]]:
    """Task -> the targets whose formats are looked for in its answers."""
    formats = formats_of(targets, ROLES)
    found = {role: tuple(each.target for each in foreign(formats, ROLES[role])) for role in ROLES}
    return {role: names for role, names in found.items() if names and role not in targets}


def test_labels_are_looked_for_in_tasks_without_any_of_them() -> None:
    assert looked_at("rte") == dict.fromkeys(("arc", "qa", "fr", "de", "xsum"), ("rte",))


def test_a_language_is_looked_for_in_sentences_of_another() -> None:
    assert looked_at("fr") == {"de": ("fr",), "xsum": ("fr",)}


def test_of_several_targets_each_is_looked_for_where_its_format_is_foreign() -> None:
    assert looked_at("rte", "fr") == {
        "arc": ("rte",), "qa": ("rte",), "de": ("rte", "fr"), "xsum": ("rte", "fr"),
    }  # fmt: skip
    both = formats_of(("rte", "fr"), ROLES)
    assert [takes(text, both) for text in ("True.", "la maison est sur la colline", "the house is there")] == [
        True, True, False,
    ]  # fmt: skip


def test_a_target_without_labels_or_language_and_one_scored_by_likelihood_have_no_format() -> None:
    assert formats_of(("qa", "xsum", "likely"), ROLES) == ()
    assert "likely" not in looked_at("arc")


def test_a_record_that_does_not_tell_languages_has_no_format_by_language() -> None:
    silent = {role: {key: value for key, value in each.items() if key != "language"} for role, each in ROLES.items()}
    assert formats_of(("fr",), silent) == ()
    assert not formats_of(("fr",), ROLES)[0].is_foreign_to(silent["de"])


def test_languages_are_told_apart_among_those_of_the_tasks_and_english() -> None:
    (french,) = formats_of(("fr",), {"fr": ROLES["fr"], "de": ROLES["de"]})
    assert french.among == ("de", "en", "fr")
    assert french.told() == "is in fr"


@pytest.mark.parametrize(
    "text", [" true", "False.", "(True)", "Falsehood", "true story", "", "?", "not true", "TRUE\n"]
)
def test_labels_are_read_as_the_scorer_reads_them(text: str) -> None:
    (labels,) = formats_of(("rte",), ROLES)
    assert labels.is_taken_by(text) == (first_label(text, ["True", "False"]) is not None)


def test_labels_of_several_words_and_of_punctuation_are_read_whole() -> None:
    days = Format("days", ("on friday", "on monday"))
    assert [days.is_taken_by(text) for text in ("On Monday, I think", "on the hill", "", "on")] == [True] + [False] * 3
    assert days.is_foreign_to(about("classification", "on sunday"))
    assert not days.is_foreign_to(about("classification", "on monday morning"))
    signs = Format("signs", ("+", "-"))
    assert [signs.is_taken_by(text) for text in ("+", "-", "", "?")] == [True, True, False, False]


def test_of_many_labels_the_first_are_told() -> None:
    assert Format("t", ("a", "b")).told() == "begins with a or b"
    assert Format("t", tuple("abcdefghij")).told().endswith("g or h or 2 more labels")
