"""The log file of a run: all its messages, with times, including those hidden on the terminal. It never ends a run."""

from __future__ import annotations

import os
import re
import shlex
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from suite.core import signals
from suite.core.console import verbose, visible
from suite.core.errors import SuiteError
from suite.core.run_dir import RunDir
from suite.execution.messages import MessageHandler, heard
from suite.execution.progress import Verbosity
from suite.execution.provenance import git_commit, versions

KEPT: Final = 50
"""The number of log files to keep; the oldest are deleted."""
MAX_BYTES: Final = 4_000_000
RESERVED: Final = 200_000
"""Bytes of them that are reserved for messages at the end of the run."""
NAME: Final = re.compile(r"\d{8}T\d{6}Z-\d+\.log")
_SECRETS: Final = (
    (re.compile(r"(://[^:/@\s]*):[^\s]*@"), r"\1:***@"),
    (re.compile(r"(?i)((?:password|passwd|secret|token|api[_-]?key)=)[^&\s'\"]+"), r"\1***"),
    (re.compile(r"\bhf_\w{8,}"), "hf_***"),
)
"""Secrets that are masked in a log: passwords in URLs, settings whose name marks a secret, and tokens of the hub."""


class RunLog(MessageHandler):
    """A log file for lines and for messages of `logging`. If it cannot be written, it prints one warning."""

    def __init__(self, home: RunDir) -> None:
        super().__init__(self.write)
        started = datetime.now(timezone.utc)
        self.path: Path | None = home.logs / f"{started:%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
        self._file: int | None = None
        self._bytes = 0
        self._secret = _password(home.db)
        try:
            home.logs.mkdir(parents=True, exist_ok=True)
            _clear(home.logs)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            self._give_up(error)

    def write(self, text: str, *, at_the_end: bool = False) -> None:
        """Write a text, line by line. If the log is too long, only messages at the end of the run are still written."""
        if self._file is None:
            return
        time = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        lines = [f"{time} {visible(line)}".rstrip() for line in self._masked(text).rstrip().split("\n")]
        data = ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
        room = MAX_BYTES - self._bytes - (0 if at_the_end else RESERVED)
        if room <= 0:
            return
        if len(data) > room and at_the_end:
            data = data[-room:]
        elif len(data) > room:
            data = f"{time} no more is written before the end: the log is long\n".encode()
            self._bytes = MAX_BYTES - RESERVED
        self._bytes += len(data)
        try:
            os.write(self._file, data)
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                os.close(file)
        super().close()

    def _masked(self, text: str) -> str:
        if self._secret:
            text = text.replace(self._secret, "***")
        for pattern, shown in _SECRETS:
            text = pattern.sub(shown, text)
        return text

    def _give_up(self, error: OSError) -> None:
        path, self.path = self.path, None
        self.close()
        with suppress(OSError, ValueError, AttributeError):
            print(f"warning: {path} is not written ({error.strerror}); the run goes on", file=sys.stderr)


@contextmanager
def run_log(home: RunDir, device: str | None, verbosity: Verbosity = "normal") -> Iterator[RunLog]:
    """A log of the run's messages, libraries' messages, and the error that ends the run.

    Libraries' warnings are also shown, unless the verbosity is quiet.
    """
    log = RunLog(home)
    log.write("\n".join(_opening(device)))
    try:
        with heard(log, shown=verbosity != "quiet"), verbose(verbosity == "verbose"):
            yield log
    except signals.EndedBySignal as end:
        log.write(str(end), at_the_end=True)
        raise
    except SuiteError as error:
        log.write("\n".join(f"error: {problem}" for problem in error.problems), at_the_end=True)
        raise
    except BaseException as error:
        log.write("".join(traceback.format_exception(error)), at_the_end=True)
        if log.path is not None and not isinstance(error, KeyboardInterrupt):
            with suppress(OSError, ValueError, AttributeError):
                print(f"the log of this run is {log.path}", file=sys.stderr)
        raise
    finally:
        log.close()


def newest_log(home: RunDir) -> tuple[int, Path | None]:
    """(number of logs, the newest one)."""
    files = _files(home.logs)
    return len(files), files[-1] if files else None


def _opening(device: str | None) -> Iterable[str]:
    """Yield lines about the command, the folder, versions and the device."""
    own = Path(sys.argv[0]).name in ("suite", "__main__.py")
    # another program's arguments are not logged
    yield f"command: {shlex.join(['suite', *sys.argv[1:]] if own else sys.argv[:1])}"
    yield f"folder: {Path.cwd()}"
    yield f"versions: {', '.join(f'{name} {version}' for name, version in versions().items())}"
    yield f"commit: {git_commit() or 'an installation'}"
    yield f"device: {device or 'a GPU if there is one'}; {os.cpu_count()} cores"


def _files(folder: Path) -> list[Path]:
    """The logs in a folder, the oldest first."""
    try:
        return sorted(file for file in folder.iterdir() if NAME.fullmatch(file.name))
    except OSError:
        return []


def _clear(folder: Path) -> None:
    """Delete the oldest logs, to make room for another one."""
    for file in _files(folder)[: -(KEPT - 1)]:
        with suppress(OSError):
            file.unlink()


def _password(db: str | None) -> str | None:
    """The password in a database's URL, which is masked in messages of drivers."""
    if db is None:
        return None
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    with suppress(ArgumentError, ValueError):
        password = make_url(db).password or ""
        return password if len(password) > 3 else None  # a shorter one is part of many words
    return None
