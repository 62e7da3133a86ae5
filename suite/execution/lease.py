"""The lease of a step that this process works on: renewed by heartbeats, and noticed when it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from suite.core.errors import SuiteError, TakenOver
from suite.execution.cost import Cost
from suite.results.store import Store

HEARTBEAT_SECONDS = 2.0
"""At most this many seconds of a killed attempt are missing from the stored costs."""


class HeldLease:
    """A claimed step's lease. Another process takes it over when this one is silent for longer than `seconds`."""

    def __init__(self, store: Store, step: str, owner: str, cost: Cost, seconds: float) -> None:
        self._store, self._step, self._owner, self._cost, self._seconds = store, step, owner, cost, seconds
        self._asked = _now()
        """When the store was last asked, whether it answered or not."""
        self._lost = threading.Event()

    def check(self) -> None:
        """Raises TakenOver if another process has taken over the step.

        After a silence as long as the lease, such as that of a stopped process or a machine that slept, the store is
        asked first.
        """
        if _now() - self._asked > self._seconds:
            self._renew()
        if self._lost.is_set():
            raise TakenOver

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Context manager that regularly tells the store that this process is alive, and the costs so far."""
        end = threading.Event()

        def beat() -> None:
            while not self._lost.is_set() and not end.wait(HEARTBEAT_SECONDS):
                self._renew()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()

    def _renew(self) -> None:
        """Renew the lease, or note that it is lost. If the store is busy or away, the next heartbeat is in time."""
        with suppress(SuiteError), self._store.without_retries():
            if not self._store.heartbeat(self._step, self._owner, self._cost.spent):
                self._lost.set()
        self._asked = _now()


def _now() -> float:
    """Seconds of a clock that goes on while the machine sleeps, if the system has one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
