"""Signals that end a command (SIGINT, SIGTERM, SIGHUP): the first one ends it in order, a second one at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

TYPE_CHECKING = False  # little is imported here, because a signal may come at once
if TYPE_CHECKING:
    import socket
    from types import FrameType
    from typing import Final

ENDING: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
ALARM: Final = getattr(signal, "SIGALRM", -1)
"""The signal of a time limit."""
GRACE_SECONDS: Final = 0.5
"""Signals within this time count as one: a launcher and its process group both receive one and pass it on."""


class EndedBySignal(BaseException):
    """A signal asked the command to end. Not an Exception, so that no handler treats it as its own error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def by_time(self) -> bool:
        """Whether a time limit ended it."""
        return self.number == ALARM

    def __str__(self) -> str:
        if self.by_time:
            return "the time limit was reached (--max-time)"
        if self.number == signal.SIGINT:
            return "interrupted by the user (Ctrl-C)"
        return f"ended by a signal ({signal.Signals(self.number).name})"

    @property
    def exit_code(self) -> int:
        """The shells' convention: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + self.number


class _State:
    """Signals received so far, in the main thread."""

    number: int = 0
    raised: bool = False
    depth: int = 0
    ours: Sequence[signal.Signals] = ()


_state: Final = _State()


def end_at_once() -> None:
    """From now on, a signal prints its line and ends the process: for the start of a command, before `ending`."""
    for each in ENDING:
        if signal.getsignal(each) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(each, _at_once)


def _at_once(number: int, _: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, f"{EndedBySignal(number)}\n".encode())
    os._exit(128 + number)


@contextmanager
def ending() -> Iterator[None]:
    """Context manager in which the first signal raises EndedBySignal in the main thread. Ignored signals stay so
    (`nohup`)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = (signal.SIG_DFL, signal.default_int_handler, _at_once)
    before = {each: signal.getsignal(each) for each in ENDING if signal.getsignal(each) in usual}
    _state.number, _state.raised, _state.depth, _state.ours = 0, False, 0, tuple(before)
    try:
        with _watched(), _kept_where_none_can_be_raised():
            for each in before:
                signal.signal(each, _first)
            try:
                yield
            finally:
                _state.number = _state.number or -1  # too late to be raised
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        _state.number, _state.ours = max(_state.number, 0), ()


@contextmanager
def held() -> Iterator[None]:
    """Context manager that delays signals until its end; for short, atomic operations."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.depth += 1
    try:
        yield
    finally:
        _state.depth -= 1
        if _state.number > 0 and not _state.depth and not _state.raised:
            _raise()


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Context manager, within `ending`, in which EndedBySignal is raised after this time; None: no limit.

    After the context, the command can go on. Raises ValueError outside the main thread and on systems without alarms.
    """
    if seconds is None:
        yield
        return
    if ALARM < 0:
        raise ValueError("this system has no alarms")
    before = signal.signal(ALARM, _first)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(ALARM, before)
        if _state.number == ALARM:
            _state.number, _state.raised = 0, False


def check() -> None:
    """Raises EndedBySignal if a signal came, even if other code has swallowed it."""
    if _state.number > 0 and threading.current_thread() is threading.main_thread():
        _raise()


def received() -> EndedBySignal | None:
    """The signal of the last command, or None."""
    return EndedBySignal(_state.number) if _state.number > 0 else None


def _raise() -> None:
    _state.raised = True
    raise EndedBySignal(_state.number)


def _first(number: int, _: FrameType | None) -> None:
    if _state.number == 0:
        _state.number = number
        if not _state.depth:
            _raise()


@contextmanager
def _kept_where_none_can_be_raised() -> Iterator[None]:
    """Python drops exceptions in finalisers and C callbacks: raise EndedBySignal again later, without printing it."""
    usual = sys.unraisablehook

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if isinstance(dropped.exc_value, EndedBySignal):
            _state.raised = False
        else:
            usual(dropped)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = usual


@contextmanager
def _watched() -> Iterator[None]:
    """Watch signals in a thread, which learns of them at once, whatever the main thread does."""
    import socket

    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=_watch, args=(reader, threading.get_ident()), name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writer.shutdown(socket.SHUT_RDWR)  # closing is not enough if a forked child has a copy
        thread.join()
        writer.close()
        reader.close()


def _watch(reader: socket.socket, main: int) -> None:
    first: float | None = None
    while byte := reader.recv(1):
        if byte[0] not in _state.ours:
            continue
        if first is None:
            first = time.monotonic()
            if hasattr(signal, "pthread_kill"):  # another thread may have received it while the main one waits
                signal.pthread_kill(main, byte[0])
        elif time.monotonic() - first > GRACE_SECONDS:
            os._exit(128 + byte[0])


def _block() -> None:
    if _state.ours:
        signal.pthread_sigmask(signal.SIG_BLOCK, _state.ours)


def _unblock() -> None:
    if _state.ours:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _state.ours)


def _forget() -> None:
    """Restore the default signal handlers in a forked child."""
    if _state.ours:
        signal.set_wakeup_fd(-1)
        for each in _state.ours:
            signal.signal(each, signal.SIG_DFL)
        _unblock()
        _state.ours = ()


if hasattr(os, "register_at_fork"):  # no signal may reach the child while it has its parent's handlers
    os.register_at_fork(before=_block, after_in_parent=_unblock, after_in_child=_forget)
