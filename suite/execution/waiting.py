"""Messages about the processes that a run waits for: printed at once, and again when that changes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timezone

from suite.core.quantities import clock
from suite.execution.progress import PlanProgress
from suite.planning import Step
from suite.results.store import Lease, Store
from suite.results.store.writing import LEASE_SECONDS

SILENT_SECONDS = 15.0
"""If an owner has been silent for longer, the message says when its step is taken over."""


class Waiting:
    """Tells the user which steps other processes are running."""

    def __init__(self, store: Store, progress: PlanProgress) -> None:
        self._store, self._progress = store, progress
        self._told: tuple[object, ...] = ()

    def tell(self, steps: Sequence[Step], lease_seconds: float = LEASE_SECONDS) -> None:
        """Print a line about the first of these steps that another process is running."""
        leases = self._store.leases([step.id for step in steps])
        running = [step for step in steps if step.id in leases and leases[step.id].status == "running"]
        if not running:
            return
        lease = leases[running[0].id]
        silent = lease.silence is None or lease.silence > SILENT_SECONDS
        about = (running[0].id, lease.owner, silent)
        if about != self._told:
            self._told = about
            self._progress.say(line(running[0].title, lease, lease_seconds, len(running) - 1))


def line(title: str, lease: Lease, lease_seconds: float, others: int) -> str:
    """A line about who has a step and since when, and when a silent owner's step is taken over."""
    owner, silence = lease.owner, lease.silence or 0.0
    who = "another process" if owner is None else f"process {owner.pid} on {owner.host}"
    near = owner is not None and owner.near
    if owner is not None and not near:
        who += " (another machine or container)"
    since = "" if lease.since is None else f" since {_shown(lease.since.timestamp())}"
    more = f" (and for {others} more steps)" if others > 1 else " (and for 1 more step)" if others else ""
    if silence > SILENT_SECONDS:
        end = _shown(time.time() + lease_seconds - silence)
        then = f"; nothing heard of it for {clock(silence)}, taken over at {end}"
    else:
        then = "" if near else f"; taken over after {clock(lease_seconds)} of silence"
    return f"waiting for {who}, at work on '{title}'{since}{more}{then}"


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
