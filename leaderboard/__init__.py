"""The leaderboard: boards to a static site that opens from disk. Reads the store, runs nothing."""

from leaderboard.sources import Joined
from leaderboard.told import Told
from leaderboard.writer import render

__all__ = ["Joined", "Told", "render"]
