"""How many devices a step takes at once."""

from __future__ import annotations

from suite.planning.steps import Evaluate, Train, Work


def device_count_of(work: Work) -> int:
    """The number of devices that train a step together: the track's, or one if the method trains nothing by itself.

    One for `auto`, until it is chosen (`suite.simulation.devices`).
    """
    if not isinstance(work, Train):
        return 1
    needs, count = work.methods.get(work.method).requirements(work.config), work.track.budget.shard
    return 1 if needs.sharding is None or count == "auto" else count


def answering_device_count_of(work: Work) -> int:
    """The number of devices that may answer an evaluation's documents together; one for other steps, and for `auto`."""
    count = work.track.budget.shard
    return count if isinstance(work, Evaluate) and count != "auto" else 1
