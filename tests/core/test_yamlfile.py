"""YAML as it is read: lines for keys, and one clear line for everything that is no spec."""

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.core.yamlfile import parse_value, read_yaml


def write(tmp_path: Path, text: str | bytes) -> Path:
    file = tmp_path / "spec.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_every_key_knows_its_line(tmp_path: Path) -> None:
    document = read_yaml(write(tmp_path, "name: a\nbudget:\n  steps: 5\n  shots: [1, 4]\n"))
    assert document.value == {"name": "a", "budget": {"steps": 5, "shots": (1, 4)}}
    assert document.lines["budget", "shots"] == 4
    assert document.where(("budget", "shots", 1)) == f"{tmp_path}/spec.yaml:4"
    assert document.where(("budget", "nothing")).endswith(":2")


def test_numbers_are_numbers_and_other_words_are_texts(tmp_path: Path) -> None:
    value = read_yaml(write(tmp_path, "a: 5e-4\nb: 1E3\nc: 2026-01-01\non: 1\nd: .5\ne: '5e-4'\n")).value
    assert value == {"a": 5e-4, "b": 1000.0, "c": "2026-01-01", "on": 1, "d": 0.5, "e": "5e-4"}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)

BAD = {
    "empty": ("", "is empty"),
    "only a comment": ("# nothing\n", "is empty"),
    "a list": ("- a\n- b\n", ":1: holds a list"),
    "a text": ("hello\n", ":1: holds a text"),
    "twice": ("name: a\nb: 1\nname: c\n", ":3: name: is set twice (first in line 1)"),
    "twice within": ("a:\n  b: 1\n  b: 2\n", ":3: a.b: is set twice"),
    "python object": ("a: !!python/object/apply:os.system [x]\n", ":1: a: the tag `!!python/object/apply:os.system`"),
    "python name": ("a: 1\nb: !!python/name:os.system\n", ":2: b: the tag"),
    "custom tag": ("a: !function x.y\n", ":1: a: the tag `!function`"),
    "merge key": ("x: &x {a: 1}\ny:\n  <<: *x\n", ":3: y: YAML merges"),
    "bomb": (BOMB, "unfolds to more than"),
    "itself": ("a: &a [*a]\n", "nested more than 40 levels"),
    "broken": ("a: [1\nb: 2\n", "spec.yaml:2: is not YAML"),
    "tabs": ("a:\n\tb: 1\n", "spec.yaml:2: is not YAML"),
    "list as key": ("? [a]\n: 1\n", ":1: the tag"),
    "binary": (b"\x00\x01\x02", "is binary"),
    "not utf-8": (b"\xff\xfe\x00a", "is not UTF-8"),
    "large": ("a: " + "x" * 1_100_000, "is larger than"),
    "deep": ("a: " + "[" * 5000 + "]" * 5000, "nested"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_spec_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    text, wanted = BAD[name]
    with pytest.raises(SuiteError) as caught:
        read_yaml(write(tmp_path, text))
    assert wanted in str(caught.value)
    assert str(caught.value).count("\n") == 0
    assert len(str(caught.value)) < 400


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as caught:
        read_yaml(write(tmp_path, "a: 1\na: 2\nb: !!python/none x\nc: 1\nc: 1\n"))
    assert [problem.where[-1] for problem in caught.value.problems] == ["2", "3", "5"]


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, "a: 1")
    with pytest.raises(SuiteError, match=r"there is no such file; .* has: spec\.yaml"):
        read_yaml(tmp_path / "spek.yaml")
    with pytest.raises(SuiteError, match="is a directory"):
        read_yaml(tmp_path)


def test_set_values_are_read_as_yaml() -> None:
    assert [parse_value(text) for text in ("5e-4", "[1, 4]", "true", "null", "word", "")] == [
        5e-4, (1, 4), True, None, "word", None,
    ]  # fmt: skip
