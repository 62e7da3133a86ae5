"""The leaderboard: boards to a static site that opens from disk. Reads the store, runs nothing."""

from leaderboard.told import Judged, Told
from leaderboard.writer import render

__all__ = ["Judged", "Told", "render"]
