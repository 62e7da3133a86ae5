"""Handles a database server that goes away and comes back: calls are retried for a minute, and users see the reason."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from suite.core.errors import StoreAway, StoreConflict, SuiteError

Result = TypeVar("Result")

AWAY_SECONDS: Final = 60.0
"""If a server is away for longer, the command ends."""
PAUSES_SECONDS: Final = (0.1, 1.0)
"""The first and the longest pause between two tries; each pause is twice the one before."""
ENDED: Final = ("57P01", "57P02", "57P03")
"""PostgreSQL's error codes for an administrator's shutdown, a crash, and not ready yet. Class 08: connection errors."""
CONFLICTS: Final = ("40001", "40P01")
"""Codes of transactions that conflict. In a deadlock PostgreSQL aborts one transaction, which then changes nothing."""
RESTARTING: Final = ("starting up", "shutting down", "recovery", "not yet accepting connections")
"""Parts of the messages of a server that will answer soon."""
CONNECTION: Final = {
    "connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}  # fmt: skip
"""Options of libpq, in seconds; the last one in milliseconds. A silent host is noticed within half a minute."""


def is_away(url: URL, error: BaseException) -> bool:
    """Whether an error means that there is no connection to the server (any more)."""
    if url.get_backend_name() == "sqlite" or not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    code = _code(error)
    if code is None:
        return isinstance(error, OperationalError)  # no answer at all: refused, timed out, or starting up
    return code.startswith("08") or code in ENDED


def is_conflict(error: BaseException) -> bool:
    """Whether a server aborted a transaction in favour of another one."""
    return isinstance(error, DBAPIError) and _code(error) in CONFLICTS


def _code(error: DBAPIError) -> str | None:
    """The server's error code; None if it did not answer or has no codes."""
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    return None if code is None else str(code)


def away_error(message: str, where: str) -> StoreAway:
    """The error for a server that is away. For several addresses, a driver's message has one line for each."""
    lines = [" ".join(line.split()) for line in message.splitlines()]
    reason = next((line for line in lines if line and not line.endswith(":")), "no connection")[:200]
    restarting = any(word in message for word in RESTARTING)
    return StoreAway(f"cannot be used as a database ({reason})", reason, where=where, soon=restarting)


def connection_options(url: URL) -> dict[str, Any]:
    """Options of a driver's connections, without those that the URL sets."""
    if url.get_driver_name() not in ("psycopg", "psycopg2"):
        return {}
    return {name: value for name, value in CONNECTION.items() if name not in url.query}


def without_driver(url: URL, where: str, error: ImportError) -> SuiteError:
    """The error for a driver that is not installed, or lacks a library that it needs."""
    if url.get_backend_name() == "sqlite":
        return SuiteError(f"needs the package {error.name}", where=where, fix=f"pip install {error.name}")
    also = "" if url.get_driver_name() == "psycopg" else ", and write postgresql+psycopg://…"
    reason = " ".join(str(error).split())[:120]
    fix = f'pip install "finetune-suite[postgres]"{also}'
    return SuiteError(f"its driver cannot be loaded ({reason})", where=where, fix=fix)


class _Thread(threading.local):
    """The state of one thread's call."""

    retrying = False
    retried = False
    single_try = False


class Server:
    """The state of a server, as this process knows it. Threads may share it."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.notify: Callable[[str], None] = _print
        self._reached = False
        self._thread = _Thread()
        self._lock = threading.Lock()
        self._since: float | None = None
        """When it was first found to be away, in seconds since 1970; None while it answers."""
        self._notified = ""

    def with_retries(self, call: Callable[[], Result]) -> Result:
        """Call a function, and retry it while the server is away. The function must be one transaction.

        A transaction that the server aborted in favour of another one is also retried.

        Raises StoreAway if that takes too long; also at once if the server was never reached, since the address may be
        wrong.
        """
        thread = self._thread
        if thread.retrying:  # part of a larger call, which is retried as a whole
            return call()
        thread.retrying = True
        try:
            return self._with_retries(call)
        finally:
            thread.retrying = thread.retried = False

    @property
    def retried(self) -> bool:
        """Whether this thread is retrying its call: the earlier try may have succeeded with its reply lost."""
        return self._thread.retried

    @contextmanager
    def without_retries(self) -> Iterator[None]:
        """Context manager in which this thread tries only once."""
        before, self._thread.single_try = self._thread.single_try, True
        try:
            yield
        finally:
            self._thread.single_try = before

    @contextmanager
    def notifying(self, notify: Callable[[str], None]) -> Iterator[None]:
        """Context manager in which messages to users go to `notify` instead of standard error."""
        before, self.notify = self.notify, notify
        try:
            yield
        finally:
            self.notify = before

    def _with_retries(self, call: Callable[[], Result]) -> Result:
        until, pause = 0.0, PAUSES_SECONDS[0]
        while True:
            began = time.time()
            try:
                answer = call()
            except StoreConflict:
                until = until or time.time() + AWAY_SECONDS
                if time.time() > until:
                    raise
                time.sleep(pause)
            except StoreAway as error:
                self._reached = self._reached or error.soon
                if not self._reached:
                    raise
                until = until or time.time() + AWAY_SECONDS
                since = self._report_away(error.reason, None if self._thread.single_try else until)
                if self._thread.single_try:
                    raise
                if time.time() + pause > until:
                    raise self._gave_up(error.reason, since) from error
                self._thread.retried = True
                time.sleep(pause)
                pause = min(2 * pause, PAUSES_SECONDS[1])
            else:
                self._report_back(began)
                return answer

    def _report_away(self, reason: str, until: float | None) -> float:
        """Return since when the server is away. Notify users once for all threads, and again when a thread waits."""
        with self._lock:
            since = self._since = self._since or time.time()
            kind = "waits" if until else "seen"
            if self._notified not in ("waits", kind):
                again = f"; it is asked again until {_shown(until)}" if until else ""
                self.notify(f"{self.where} is away since {_shown(since)} ({reason}){again}")
                self._notified = kind
        return since

    def _report_back(self, began: float) -> None:
        """Notify users that the server is back, if this call began after the server went away."""
        self._reached = True
        if self._since is None:
            return
        with self._lock:
            if self._since is not None and began >= self._since:
                self.notify(f"{self.where} is back after {time.time() - self._since:.1f} s")
                self._since, self._notified = None, ""

    def _gave_up(self, reason: str, since: float) -> StoreAway:
        what = f"is away since {_shown(since)} ({reason}) and was asked again until {_shown(time.time())}"
        fix = "what was done is kept: start the server, then run the same command again"
        return StoreAway(what, reason, where=self.where, fix=fix)


@cache
def server_at(url: URL, where: str) -> Server:
    """The server of a database: one object for the whole process."""
    return Server(where)


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
