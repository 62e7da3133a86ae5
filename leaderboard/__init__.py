"""The leaderboard: boards to a static site that opens from disk. Reads the store, runs nothing."""

from leaderboard.build.context import SiteContext
from leaderboard.build.writer import render
from leaderboard.data.union_reader import UnionReader

__all__ = ["SiteContext", "UnionReader", "render"]
