"""Rows that were computed on different devices say so."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from suite.analysis.board import board
from suite.analysis.board.compare import compare
from suite.analysis.board.named import NamedRows
from suite.cli.commands.boards import _comparison, _notes
from tests.analysis.board.test_board import finetuned, pretrained
from tests.analysis.board.tiny_board import World


def computed_on(world: World, titles: str, device: str, name: str | None) -> None:
    """Let steps with such titles be of another device."""
    with world.store.engine.begin() as connection:
        connection.execute(
            text("UPDATE step SET device = :device, device_name = :name WHERE title LIKE :titles"),
            {"device": device, "name": name, "titles": titles},
        )


def notes(world: World) -> list[str]:
    return [note for note in _notes(board(world.store, "tiny")) if "devices" in note]


def both(world: World, seeds: Sequence[int] = (0,)) -> None:
    pretrained(world)
    for seed in seeds:
        finetuned(world, seed=seed, qa=(100.0, 0.0, 0.0, 0.0), rte=100.0)


def test_rows_of_one_class_of_devices_say_nothing(world: World) -> None:
    both(world)
    computed_on(world, "%finetune%", "cpu", "another processor")
    rows = board(world.store, "tiny")
    assert ([row.devices for row in rows.rows], rows.mixed_devices, notes(world)) == ([("cpu",)] * 2, False, [])


def test_a_row_of_a_gpu_beside_one_of_a_cpu_is_named(world: World) -> None:
    both(world)
    computed_on(world, "%finetune%", "cuda:1", "NVIDIA H200")
    computed_on(world, "train prompt%", "cuda:0", "NVIDIA H200")
    (note,) = notes(world)
    assert note == (
        "! rows are of several devices, whose rounding, seconds and memory differ: "
        "cpu: pretrained; NVIDIA H200: finetune_rte"
    )
    made = compare(NamedRows(world.store, "tiny"), "finetune_rte", "pretrained")
    assert made.devices == (("NVIDIA H200",), ("cpu",))
    assert (
        "! the rows are of several devices, whose rounding, seconds and memory differ: NVIDIA H200; cpu"
        in _comparison(made, (), None).lines
    )


def test_a_row_whose_seeds_ran_on_different_devices_has_both(world: World) -> None:
    both(world, (0, 1))
    computed_on(world, "%finetune · seed 1", "cuda", None)
    rows = board(world.store, "tiny")
    assert {row.name: row.devices for row in rows.rows} == {"pretrained": ("cpu",), "finetune_rte": ("cpu", "cuda")}
    assert rows.mixed_devices


def test_rows_of_unknown_devices_are_not_called_different(world: World) -> None:
    both(world)
    with world.store.engine.begin() as connection:
        connection.execute(text("UPDATE step SET device = NULL WHERE title LIKE '%finetune%' OR title LIKE '%prompt%'"))
    assert not board(world.store, "tiny").mixed_devices
