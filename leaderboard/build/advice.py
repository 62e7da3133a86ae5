"""Advice on a track's rows: made anew when something that it was made from has changed, else as the cache has it."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import TypeAdapter

from leaderboard.build.cache import CacheEntry, PageCache, Written, cache_key
from leaderboard.data.recording_reader import RecordingReader
from leaderboard.view.urls import TrackUrls
from suite.analysis.advice import Advice, advise, trained_targets


def track_advice(reader: RecordingReader, urls: TrackUrls, cache: PageCache) -> tuple[tuple[Advice, ...], CacheEntry]:
    """The advice for each target that a row of the track was trained for, and its entry of the cache.

    `urls` has the recorded board, so that the entry has all reads.
    """
    name, inputs = f"advice/{urls.slug}", cache_key()
    cached = cache.of(reader, name, inputs)
    if cached is not None:
        return TypeAdapter(tuple[Advice, ...]).validate_python(cached.extra), cached
    with reader.recording() as reads:
        targets = trained_targets(urls.board)
        advice = tuple(advise(reader, urls.board, target, records=reader.records) for target in targets)
    plain = [asdict(of_target) for of_target in advice]
    return advice, CacheEntry.of(reader, name, inputs, reads, Written((), plain))
