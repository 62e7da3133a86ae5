"""What an experiment's page says of where time, tokens and memory went."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from leaderboard import render
from suite.results.store import Store
from tests.leaderboard.filled import METHODS, Filling
from tests.leaderboard.reading import Element, experiment_page, read


def costs(page: Element) -> list[list[str]]:
    """The cells of the table, its head first; none without a table."""
    tables = [each for each in page.all("table") if each.all("caption")[0].text.startswith("Time, tokens and memory")]
    return [[cell.text for cell in row.all("th", "td")] for table in tables for row in table.all("tr")]


def altered(store: Store, statement: str) -> None:
    with store.engine.execution_options(write=True).begin() as connection:
        assert connection.execute(text(statement)).rowcount


def page_of(store: Store, folder: Path, name: str = "promot_rte") -> Element:
    return read(experiment_page(render(store, folder / "site").parent, name))


def test_each_step_has_its_costs_and_share_of_the_time_and_sums_follow(store: Store, tmp_path: Path) -> None:
    Filling(store, documents=3).add("promot_rte", "promot", METHODS["promot"], (0, 2))
    head, *lines = costs(page_of(store, tmp_path))
    assert head == ["Step", "Time", "% of time", "Tokens", "Tokens per second", "Peak memory"]
    assert lines[0] == ["Step 1: prompt_tuning", "47 s", "31.7", "320 k", "6.81 k", "412 MB"]
    assert lines[1] == ["Step 2: promot", "47 s", "31.7", "320 k", "6.81 k", "412 MB"]
    assert lines[2] == ["rte, 0 shots", "3.2 s", "2.2", "20 k", "6.25 k", "390 MB"]
    assert len(lines) == 2 + 17 + 3
    assert lines[-3] == ["Training", "94 s", "63.3", "640 k", "6.81 k", "412 MB"]
    assert lines[-2] == ["Evaluation", "54 s", "36.7", "340 k", "6.25 k", "390 MB"]
    assert lines[-1] == ["All steps", "2.5 min", "100.0", "980 k", "6.6 k", "412 MB"]


def test_a_step_that_one_seed_lacks_has_no_mean_and_no_sum_stands_in(store: Store, tmp_path: Path) -> None:
    Filling(store, documents=3).add("lora_rte", "lora", METHODS["lora"], (0, 1))
    altered(store, "update step set seconds = null where id = (select min(id) from step where kind = 'train')")
    lines = {line[0]: line[1:] for line in costs(page_of(store, tmp_path, "lora_rte"))}
    assert [cell[0] for cell in lines["Step 1: lora"]] == ["–", "–", "3", "–", "4"]
    assert [cell[0] for cell in lines["All steps"]] == ["–", "–", "6", "–", "4"]
    assert lines["Evaluation"][0] == "54 s"


def test_without_any_time_there_is_no_table(store: Store, tmp_path: Path) -> None:
    Filling(store, documents=3).add("lora_rte", "lora", METHODS["lora"], (0,))
    altered(store, "update step set seconds = null")
    assert costs(page_of(store, tmp_path, "lora_rte")) == []
