"""A track's board: made anew when an experiment of the track has changed, else as the cache has it."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import TypeAdapter

from leaderboard.build.cache import CacheEntry, PageCache, Written, cache_key
from leaderboard.data.recording_reader import RecordingReader
from leaderboard.view.urls import slug
from suite.analysis.board import Board, board


def track_board(reader: RecordingReader, track: str, cache: PageCache) -> tuple[Board, CacheEntry]:
    """The board of a track, whose experiments the reader has, and its entry of the cache."""
    name, inputs = f"board/{slug(track)}", cache_key(track)
    entry = cache.of(reader, name, inputs)
    if entry is not None:
        return TypeAdapter(Board).validate_python(entry.extra), entry
    made = board(reader, track)
    return made, CacheEntry.of(reader, name, inputs, reader.everything(), Written((), asdict(made)))
