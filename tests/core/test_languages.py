"""Which language a text is in."""

from __future__ import annotations

import subprocess
import sys

import pytest

from suite.core.languages import CODES, LONGEST, language_of

AMONG = ("de", "en", "fr", "ro")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The house on the hill was built by her grandfather.", "en"),
        ("La maison sur la colline a été construite par son grand-père.", "fr"),
        ("Das Haus auf dem Hügel wurde von ihrem Großvater gebaut.", "de"),
        ("Casa de pe deal a fost construită de bunicul ei.", "ro"),
        ("  \n le chien dort dans la maison\nThe dog sleeps in the house all day", "fr"),
    ],
)
def test_a_sentence_has_a_language_told_by_its_first_line(text: str, language: str) -> None:
    assert language_of(text, AMONG) == language


@pytest.mark.parametrize("text", ["", "la maison", "True", "12 34 56 78", "? ! .", "\n \n"])
def test_fewer_than_three_words_have_none(text: str) -> None:
    assert language_of(text, AMONG) is None


def test_a_text_is_in_one_of_those_that_it_may_be_in() -> None:
    assert language_of("La maison sur la colline a été construite", ("de", "en")) in ("de", "en")


def test_a_text_without_end_takes_no_longer() -> None:
    language_of.cache_clear()
    assert language_of("le chien dort dans la maison " * 100_000, AMONG) == "fr"
    assert (
        language_of("le chien dort dans la maison".ljust(LONGEST) + "the dog sleeps in the house " * 50, AMONG) == "fr"
    )


def test_the_codes_are_those_that_the_library_tells_apart() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    assert set(LanguageIdentifier.from_model_file(MODEL_FILE).labels) == CODES | {"zxx"}  # zxx: no language


def test_nothing_is_loaded_before_a_language_is_asked_for() -> None:
    code = "import sys, suite.cli, suite.analysis.board, leaderboard; print('py3langid' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
