"""A saved folder answers in plain transformers and PEFT as suite's own evaluation did: every method, both shapes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import suite
from suite.methods import names
from tests.saving.trained import FAST, METHODS, MODELS, ROWS, TRACKS, Asked, asked, plainly, run, write_specs

SHAPES = tuple(TRACKS)
MERGED = ("lora", "boft", "promot_lora")
"""Rows that are saved with merged adapters, too."""


@dataclass(frozen=True)
class Answered:
    """What suite's evaluation and plain libraries answer."""

    expected: tuple[str, ...]
    plain: tuple[str, ...]
    parts: tuple[suite.SavedModel, ...]


@pytest.fixture(scope="module", params=SHAPES)
def answered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answered]:
    """Every row, saved (`NAME`, and `NAME merged`) and answered in one fresh process."""
    shape: str = request.param
    folder = tmp_path_factory.mktemp(shape)
    files = write_specs(folder, METHODS, TRACKS[shape], MODELS[shape])
    home = folder / "home"
    run(files, home, load={"overrides": FAST})
    saved = {name: suite.save(name, folder / name, home=home) for name in METHODS}
    saved |= {f"{name} merged": suite.save(name, folder / f"{name}-merged", home=home, merge=True) for name in MERGED}
    jobs: dict[str, list[Asked]] = {}
    for name, model in saved.items():
        for index, part in enumerate(model.parts):
            jobs.setdefault(name, []).append(asked(home, model, part.names[0], index))
    flat = [job for of_name in jobs.values() for job in of_name]
    answers = iter(plainly(flat, folder))
    return {
        name: Answered(
            tuple(output for job in of_name for output in job.outputs),
            tuple(answer for _ in of_name for answer in next(answers)),
            (saved[name],),
        )
        for name, of_name in jobs.items()
    }


def test_every_method_that_trains_is_here() -> None:
    tested = {str(settings.get("name", name)) for name, settings in METHODS.items()}
    assert tested == set(names()) - {"pretrained"}


@pytest.mark.parametrize("name", [*METHODS, *(f"{name} merged" for name in MERGED)])
def test_plain_libraries_answer_as_the_evaluation_did(answered: dict[str, Answered], name: str) -> None:
    found = answered[name]
    assert len(found.plain) % ROWS == 0
    assert found.plain == found.expected
