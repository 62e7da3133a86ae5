"""Settings of a track that concern its board alone: they change neither results nor their names."""

from typing import Final

LEARNED_SHARE: Final = 0.9
"""The share of the best gain that a row needs to have learned its targets, unless the track says another one."""
BOARD_TERMS: Final = ("title", "about", "deviations", "learned_share")
"""The track's fields of this kind."""
