"""Many records in one file: the same as the records, much smaller, and nothing false gets in."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.results import record_bundles
from suite.results.records import export_records, import_records, texts
from suite.results.store import Store
from tests.analysis.board.tiny_board import World
from tests.results.records.test_records import contents


@pytest.fixture
def bundle(world: World, tmp_path: Path) -> Path:
    (file,) = export_records(world.store, tmp_path / "bundles", bundle=True, report=lambda line: None)
    return file


def read(path: Path) -> list[object]:
    with Store.open("sqlite://") as store:
        import_records(store, [path])
        return [str(each).partition("created=")[0] for each in contents(store)]


def rewritten(file: Path, change: Callable[[list[str]], list[str]]) -> Path:
    lines = lzma.decompress(file.read_bytes()).decode().splitlines()
    file.write_bytes(lzma.compress("".join(f"{line}\n" for line in change(lines)).encode()))
    return file


def test_a_bundle_is_its_records(world: World, bundle: Path, tmp_path: Path) -> None:
    files = export_records(world.store, tmp_path / "files", report=lambda line: None)
    assert bundle.name == "tiny.jsonl.xz"
    assert len(files) > 1
    assert read(bundle) == read(tmp_path / "files")
    again = export_records(world.store, tmp_path / "again", bundle=True, report=lambda line: None)
    assert [file.read_bytes() for file in again] == [bundle.read_bytes()]


def test_its_first_line_says_what_it_has(world: World, bundle: Path, tmp_path: Path) -> None:
    files = export_records(world.store, tmp_path / "files", report=lambda line: None)
    named = {f"{name.name}--seed{name.seed}--{name.variant}" for name in record_bundles.names_in(bundle)}
    assert named == {file.name.partition(".json")[0] for file in files}


def renamed(lines: list[str]) -> list[str]:
    header = json.loads(lines[0])
    header["records"][0][1] = "another"
    return [json.dumps(header), *lines[1:]]


def of_version_2(lines: list[str]) -> list[str]:
    return [lines[0].replace('"bundle":1', '"bundle":2'), *lines[1:]]


def changed(lines: list[str]) -> list[str]:
    return [lines[0], *(line.replace('"value":100.0', '"value":0.0') for line in lines[1:])]


FALSE: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "a record is missing": (lambda lines: lines[:-1], "ends before "),
    "one too many": (lambda lines: [*lines, lines[-1]], "has more records than its first line names"),
    "another name": (renamed, "is refused: its bundle gives it another name"),
    "no first line": (lambda lines: lines[1:], "is not a bundle of records"),
    "empty": (lambda _: [], "is not a bundle of records"),
    "a newer one": (of_version_2, "is a bundle of version '2', and this one knows 1"),
    "a changed answer": (changed, "its content does not have the hash it states"),
}  # fmt: skip


@pytest.mark.parametrize("lie", FALSE)
def test_what_is_false_is_refused_in_one_line(bundle: Path, lie: str) -> None:
    change, message = FALSE[lie]
    with Store.open("sqlite://") as store, pytest.raises(SuiteError) as raised:
        import_records(store, [rewritten(bundle, change)])
    first = str(raised.value).splitlines()[0]
    assert message in first
    assert bundle.name in first


def test_damage_is_told_and_the_other_records_are_imported(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-20])
    with Store.open("sqlite://") as store, pytest.raises(SuiteError, match="cannot be decompressed") as raised:
        import_records(store, [bundle])
    assert "\n" not in str(raised.value)


def test_a_small_file_does_not_fill_the_memory(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_BYTES", 1_000_000)
    with Store.open("sqlite://") as store, pytest.raises(SuiteError, match="has a line longer than 1 MB"):
        import_records(store, [rewritten(bundle, lambda lines: [lines[0], " " * 1_000_001])])
