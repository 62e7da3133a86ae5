"""The rows of the tickets: each team as often as each other, nothing twice, and no word that gives a team away."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import yaml

from suite.tickets import DATA

TEAMS = ("account", "advice", "billing", "delivery", "repair", "returns")
SPEC = Path(__file__).parents[2] / "specs" / "tasks" / "appliance_tickets.yaml"


def rows(split: str) -> list[dict[str, str]]:
    text = (DATA / "appliance_tickets" / f"{split}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_each_team_has_the_same_number_of_tickets() -> None:
    assert Counter(row["team"] for row in rows("train")) == dict.fromkeys(TEAMS, 50)
    assert Counter(row["team"] for row in rows("test")) == dict.fromkeys(TEAMS, 44)


def test_no_ticket_stands_twice_or_begins_like_another() -> None:
    tickets = [row["ticket"] for split in ("train", "test") for row in rows(split)]
    assert len({" ".join(ticket.lower().split()) for ticket in tickets}) == len(tickets)
    begins = {" ".join(ticket.lower().split()[:4]) for ticket in tickets}
    assert len(begins) > len(tickets) - 6


def test_a_teams_name_does_not_give_it_away() -> None:
    """Hardly any ticket has the name of its team in it."""
    named = [row for split in ("train", "test") for row in rows(split) if row["team"] in row["ticket"].lower()]
    assert len(named) == 3


def test_the_task_names_the_teams_in_prompt_filter_and_labels() -> None:
    spec = yaml.safe_load(SPEC.read_text("utf-8"))
    assert tuple(spec["metadata"]["labels"]) == TEAMS
    assert tuple(spec["filter_list"][0]["filter"][0]["labels"]) == TEAMS
    assert f"one of: {', '.join(TEAMS)}." in spec["doc_to_text"]
