"""Verdicts on a store's claims, from the user's cache where nothing that they were judged from has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from suite.analysis.claims import Verdict
from suite.core.code_key import code_key
from suite.core.hashing import file_hash, fingerprint
from suite.core.user_cache import cached, keep
from suite.results.store import ResultsReader

KIND: Final = "verdicts"
"""The kind of cached values: a file's verdicts on a track."""


class CachedVerdicts:
    """Judges files on the tracks of a store."""

    def __init__(self, store: ResultsReader) -> None:
        self._store = store
        self._track_key = lru_cache(maxsize=None)(self._key_of)

    def of(self, file: Path, track: str, how: Callable[[], tuple[Verdict, ...]], name: str) -> tuple[Verdict, ...]:
        """What `how` gives for a file on a track; `name` is that of the way in which it judges."""
        key = fingerprint([file_hash(file), name, self._track_key(track)], 32)
        known = cached(KIND, key)
        if known is not None:
            return TypeAdapter(tuple[Verdict, ...]).validate_python(json.loads(known))
        verdicts = how()
        keep(KIND, key, json.dumps([asdict(verdict) for verdict in verdicts]).encode())
        return verdicts

    def _key_of(self, track: str) -> str:
        """A key of all that is stored of a track: of two rows with one name, the one that was made last is judged."""
        records = sorted(self._store.experiments(track), key=lambda record: (record.created or "", record.id))
        links = self._store.links_of([record.id for record in records])
        own = {record.id: links.get(record.id, ()) for record in records}
        return fingerprint([code_key(), track, [*own], self._store.versions(own)], 32)
