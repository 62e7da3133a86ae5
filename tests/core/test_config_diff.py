"""Settings beside each other."""

from __future__ import annotations

from suite.core.config_diff import describe, split


def test_settings_are_split_into_what_is_shared_and_what_is_not() -> None:
    blocks = [{"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 2, "d": 4}, "e": None}]
    assert split(blocks) == ({"a": 1, "b": {"c": 2}}, [{"b": {"d": 3}}, {"b": {"d": 4}, "e": None}])


def test_settings_are_described_by_their_dotted_names() -> None:
    settings = {"rate": 0.001, "prompt": {"length": 8, "kinds": []}}
    assert describe(settings) == "rate 0.001, prompt.length 8, prompt.kinds []"
