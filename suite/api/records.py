"""Checks imported records against the tracks that are known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.results.records.reading import Check
from suite.results.records.schema import RecordFile
from suite.specs.blocks import OVERRIDABLE, Track
from suite.specs.tracks import load_track
from suite.specs.workspace import Workspace

NOT_TERMS: Final = ("model.path", "model.gguf", "model.revision", "model.adapter")
"""Settings that are not terms of a track: where a machine keeps its models."""


def off_its_track() -> Check:
    """A check for terms of a track that a record changed without naming them in its `changes`.

    Tracks that are neither shipped nor in the workspace are not checked. Each track is read once.
    """
    workspace = Workspace.here()

    @cache
    def track_named(name: str) -> Track | None:
        try:
            return load_track(workspace, name)
        except SuiteError:
            return None

    def check(record: RecordFile) -> str | None:
        spec = record.experiment.spec
        track = track_named(str(spec["track"]["name"]))
        return None if track is None else _unnamed(spec, track)

    return check


def _unnamed(spec: Mapping[str, Any], track: Track) -> str | None:
    """A message about the first term that differs and is not named; None if there is none."""
    for key, stated, here in _differing(spec, track):
        if not any(key == change or key.startswith(f"{change}.") for change in spec["changes"]):
            difference = f"its track '{track.name}' has {key} {str(stated)[:40]}, and here that has {str(here)[:40]}"
            return f"{difference}; its `changes` do not say so"
    return None


def _differing(spec: Mapping[str, Any], track: Track) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted key, the record's value, the value here) for each common key whose values differ."""
    terms = track.model_dump(mode="json", exclude={"methods", "seeds", "roles"})
    chats = spec["track"].get("chat"), terms.get("chat")
    if (chats[0] is None) != (chats[1] is None):  # the one block that either may be without
        yield "chat", *chats
    for block in OVERRIDABLE:
        if block != "probes" and block in spec["track"] and block in terms:
            yield from _within(spec["track"][block], terms[block], block)
    for role, description in spec["roles"].items():
        if track.roles.get(role, description["task"]) != description["task"]:
            yield f"roles.{role}", description["task"], track.roles[role]


def _within(stated: Any, here: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(stated, Mapping) and isinstance(here, Mapping):
        for name, value in stated.items():
            if name in here:
                yield from _within(value, here[name], f"{key}.{name}")
    elif stated != here and key not in NOT_TERMS:
        yield key, stated, here
