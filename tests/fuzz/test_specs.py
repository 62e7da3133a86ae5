"""Specs and tracks of any content: they are loaded and planned, or refused in one line each."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import yaml

from suite import methods
from suite.planning import Inputs, make_plan
from suite.specs import Options, Spec, Track, load
from suite.specs.baseline import baselines
from suite.specs.workspace import shipped
from suite.tasks.data import DataLocations
from tests.fuzz.fuzzing import corrupted, mutated, survive

TRACK: dict[str, Any] = {
    "name": "own", "model": {"bundled": "micro-llama"}, "roles": {"rte": "micro_rte", "cb": "micro_cb"},
    "held_out": {"roles": ["cb"], "shots": [0, 1], "documents": 8}, "target": {"documents": 8},
    "budget": {"batch_size": 4, "max_length": 128}, "selection": {"documents": 8}, "seeds": [0, 1],
}  # fmt: skip
SETTINGS = sorted({name for each in methods.names() for name in methods.get(each).Config.model_fields})
KEYS = sorted(
    {*Spec.model_fields, *Track.model_fields, *SETTINGS, "lora", "stage_one", "search", "hub", "path", "gguf"}
)


def spec(rng: Random) -> dict[str, Any]:
    method: dict[str, Any] = {"name": rng.choice(methods.names())}
    if rng.random() < 0.5:
        method["steps"] = 3
    value: dict[str, Any] = {"name": "mine", "track": "own", "method": method, "targets": ["rte"]}
    if rng.random() < 0.2:
        value["sweep"] = {"learning_rate": [1e-3, 1e-2]}
    return value


def written(value: dict[str, Any], rng: Random) -> bytes:
    text = yaml.safe_dump(value, allow_unicode=rng.random() < 0.5, sort_keys=False)
    data = text.encode("utf-8", "surrogatepass")
    return corrupted(data, rng) if rng.random() < 0.1 else data


def test_any_spec_and_track_are_planned_or_refused_in_one_line(tmp_path: Path) -> None:
    def once(rng: Random) -> None:
        folder = tmp_path / str(rng.random())
        (folder / "tracks").mkdir(parents=True)
        which = rng.random()  # some are sound: then their method is what varies
        track = mutated(TRACK, rng, keys=KEYS) if which < 0.4 else TRACK
        mine = mutated(spec(rng), rng, keys=KEYS) if 0.3 < which < 0.8 else spec(rng)
        (folder / "tracks" / "own.yaml").write_bytes(written(track, rng))
        (folder / "mine.yaml").write_bytes(written(mine, rng))
        options = Options(sets=("held_out.documents=4",) if rng.random() < 0.1 else ())
        experiments = load([folder / "mine.yaml"], options)
        added, _ = baselines(experiments, options, {})
        plan = make_plan((*added, *experiments), Inputs(DataLocations()))
        json.dumps([step.key for step in plan.steps], allow_nan=False)

    survive("specs", once)


def test_any_change_of_a_shipped_spec_is_planned_or_refused_in_one_line(tmp_path: Path) -> None:
    files = sorted(file for file in shipped().glob("*.yaml"))

    def once(rng: Random) -> None:
        value = yaml.safe_load(rng.choice(files).read_text(encoding="utf-8"))
        file = tmp_path / f"{rng.random()}.yaml"
        file.write_bytes(written(mutated(value, rng, keys=KEYS), rng))
        make_plan(load([file], Options()), Inputs(DataLocations()))

    survive("shipped specs", once)
