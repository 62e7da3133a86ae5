"""Answers as data: whole, in chunks, once for all who show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from leaderboard import UnionReader, render
from suite.results.store import Store
from tests.leaderboard.filled import BASE, METHODS, Filling, Rendered
from tests.leaderboard.reading import chunk, files, scores


def test_a_rows_answers_are_the_stores(rendered: Rendered) -> None:
    task = scores(rendered.folder, "promot_rte")["cb.1"]
    assert [column["seeds"] for column in task["columns"]] == [[0], [1], [2]]
    record = next(each for each in rendered.store.experiments() if each.name == "promot_rte" and each.seed == 1)
    step = next(link.step_id for link in rendered.store.links(record.id) if (link.role, link.shots) == ("cb", 1))
    said = rendered.store.answers(step)
    column = task["columns"][1]
    outputs, asked = chunk(rendered.folder, task["sheet"])[1], chunk(rendered.folder, column["documents"])
    assert outputs["outputs"] == [answer.output for answer in said]
    assert asked["questions"] == [answer.question for answer in said]
    assert column["values"] == "".join("1" if answer.value else "0" for answer in said)
    assert outputs["marks"]["0"] & 2


def test_a_metric_over_all_documents_has_no_values(rendered: Rendered) -> None:
    assert scores(rendered.folder, "promot_rte")["wmt16_ende.1"]["columns"][0]["values"] is None


def test_what_was_asked_is_written_once_for_all_rows(rendered: Rendered) -> None:
    rows = [scores(rendered.folder, name)["cb.1"]["columns"] for name in ("promot_rte", "finetune_rte", "pretrained")]
    assert len({column["documents"] for columns in rows for column in columns}) == 1
    assert len({column["asked"] for columns in rows for column in columns}) == 1


def test_long_tasks_are_split_into_chunks(store: Store, tmp_path: Path) -> None:
    filling = Filling(store, documents=201)
    filling.add("pretrained", "pretrained", BASE, (0,))
    site = render(store, tmp_path / "site").parent
    task = scores(site, "pretrained")["rte.0"]
    column = task["columns"][0]
    assert column["count"] == 201
    assert [len(chunk(site, task["sheet"], number)[0]["outputs"]) for number in (0, 1)] == [200, 1]
    assert [len(chunk(site, column["documents"], number)["ids"]) for number in (0, 1)] == [200, 1]


def test_answers_are_read_a_few_tasks_at_a_time(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filling = Filling(store, documents=4)
    filling.add("lora_rte", "lora", METHODS["lora"], (0, 1))
    whole = files(render(store, tmp_path / "whole").parent)
    read: list[int] = []

    def noted(store: Store, steps: Sequence[str], real: Callable[..., Any] = Store.answer_columns) -> Any:
        found = real(store, steps)
        read.append(sum(map(len, found.values())))
        return found

    monkeypatch.setattr(Store, "answer_columns", noted)
    monkeypatch.setattr("leaderboard.data.answers.AT_ONCE", 20)
    assert files(render(store, tmp_path / "parts").parent) == whole
    assert max(read) == 16  # two tasks of two seeds; a third would be too many


def test_published_answers_are_there_beside_local_ones(store: Store, tmp_path: Path) -> None:
    Filling(store, documents=3).add("pretrained", "pretrained", BASE, (0,))
    with Store.open("sqlite://") as published:
        Filling(published, documents=3, imported=True).add("lora_rte", "lora", METHODS["lora"], (0,))
        site = render(UnionReader(store, published), tmp_path / "site").parent
    assert len(chunk(site, scores(site, "lora_rte")["cb.1"]["sheet"])[0]["outputs"]) == 3
    assert not any("published" in path for path in files(site))
