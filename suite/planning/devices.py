"""How many devices a step takes at once."""

from __future__ import annotations

from suite.planning.steps import Train, Work


def device_count_of(work: Work) -> int:
    """The number of devices that train a step together: the track's, or one if the method trains nothing by itself.

    One for `auto`, until it is chosen (`suite.simulation.devices`).
    """
    if not isinstance(work, Train):
        return 1
    needs, count = work.methods.get(work.method).requirements(work.config), work.track.budget.shard
    return 1 if needs.sharding is None or count == "auto" else count
