"""The leaderboard: renders boards as a static site that opens from disk. It reads the store and runs nothing."""

from leaderboard.build.context import SiteContext
from leaderboard.build.writer import render
from leaderboard.data.union_reader import UnionReader

__all__ = ["SiteContext", "UnionReader", "render"]
