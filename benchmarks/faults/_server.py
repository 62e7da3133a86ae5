"""A temporary PostgreSQL server, and a proxy that restarts it at chosen commits."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import create_engine, text

SECONDS: Final = 60.0
"""A server that takes longer to start or stop is considered hung."""
Mode = Literal["immediate", "fast"]
When = Literal["before", "reply", "later"]


@dataclass(frozen=True)
class Restart:
    """When and how a server is restarted, relative to the n-th commit."""

    when: When
    """Before the server gets the commit; after it has committed but before its reply; or some time later."""
    mode: Mode
    pause: float
    """Seconds of downtime."""
    later: float = 0.0
    """Seconds after the commit."""

    def __str__(self) -> str:
        where = {"before": "before a commit", "reply": "reply to a commit lost", "later": "at any moment"}
        return f"{self.mode}, {where[self.when]}"


def program(name: str) -> str | None:
    """The path of a PostgreSQL program: on PATH, or in Debian's folder of the newest version; None if missing."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda file: file.parts[-3].zfill(4))
    return shutil.which(name) or (str(kept[-1]) if kept else None)


def missing() -> str | None:
    """Why no server can run here; None if one can."""
    if program("initdb") is None or program("pg_ctl") is None:
        return "no PostgreSQL here: initdb and pg_ctl are not on the path"
    try:
        import psycopg
    except ImportError as error:
        return f"no driver of PostgreSQL here: {error}"
    del psycopg
    if not hasattr(os, "geteuid"):
        return "no PostgreSQL here: this system has no users as it wants them"
    if os.geteuid() == 0 and not _user():
        return "no PostgreSQL here: it does not run as root, and there is no user 'postgres'"
    return None


def _user() -> dict[str, Any]:
    """The user of the server, as arguments of `subprocess`: it refuses to run as root."""
    if os.geteuid():
        return {}
    import pwd

    with suppress(KeyError):
        found = pwd.getpwnam("postgres")
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    return {}


@dataclass(frozen=True)
class Server:
    """A server that listens on this machine only and needs no password."""

    folder: Path
    port: int

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Server]:
        """A new server, removed on exit. Raises RuntimeError with its output if it does not start."""
        folder = Path(tempfile.mkdtemp(prefix="suite-postgres-"))
        try:
            who = _user()
            if who:
                os.chown(folder, who["user"], who["group"])
            server = cls(folder, free_port())
            server._do("initdb", "-U", "suite", "-A", "trust", "--locale=C", "--encoding=UTF8", "--no-sync")
            server.start()
            try:
                yield server
            finally:
                with suppress(RuntimeError):
                    server.stop("immediate")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def start(self, wait: bool = True) -> None:
        """Start it; with `wait`, until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        log = str(self.folder / "log")
        self._do("pg_ctl", "start", "-w" if wait else "-W", "-s", "-l", log, "-o", options)

    def stop(self, mode: Mode) -> None:
        """Stop it in order (`fast`), or as in a crash (`immediate`)."""
        self._do("pg_ctl", "stop", "-w", "-s", "-m", mode)

    def url(self, database: str, port: int | None = None) -> str:
        """The URL of a database, optionally on a proxy's port."""
        return f"postgresql+psycopg://suite@127.0.0.1:{port or self.port}/{database}"

    def database(self, name: str) -> str:
        """Create a database and return its name."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
        finally:
            engine.dispose()
        return name

    def wait(self) -> None:
        """Wait until it answers. Raises RuntimeError if that takes too long."""
        until = time.monotonic() + SECONDS
        engine = create_engine(self.url("postgres"))
        while True:
            try:
                with engine.connect():
                    return engine.dispose()
            except Exception as error:
                if time.monotonic() > until:
                    raise RuntimeError(f"PostgreSQL does not start: {error}") from error
                time.sleep(0.05)

    def _do(self, name: str, *arguments: str) -> None:
        command = [str(program(name)), *arguments, "-D", str(self.folder / "data")]
        with tempfile.TemporaryFile() as said:  # a file: the server keeps the descriptor, so a pipe would never end
            ended = subprocess.run(command, cwd=self.folder, stdout=said, stderr=said, timeout=SECONDS, **_user())
            said.seek(0)
            if ended.returncode:
                raise RuntimeError(f"{name}: {said.read().decode(errors='replace').strip()[-300:]}")


def free_port() -> int:
    """A port that is not in use."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Proxy:
    """A proxy between a program and its server: counts commits, and restarts the server at some of them."""

    server: Server
    plan: Mapping[int, Restart | None]
    """Number of the commit -> restart; None: stop the server for good."""
    commits: int = 0
    done: list[Restart | None] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    begun: threading.Event = field(default_factory=threading.Event)
    """Commits are counted once this is set."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _socket: socket.socket | None = None
    _threads: list[threading.Thread] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[Proxy]:
        """Context manager in which it accepts connections."""
        self._listen()
        try:
            yield self
        finally:
            for thread in self._threads:
                thread.join()
            with self._lock:  # a restart may still run when the command has ended
                self._close()

    def _listen(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._socket,), daemon=True).start()

    def _close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # otherwise the accepting thread keeps it open
            self._socket.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                client = listener.accept()[0]
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Forward data of a client and the server until one of them closes."""
        with client, suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self.server.port))
            with server:
                mute, answered = threading.Event(), threading.Event()
                threading.Thread(target=_replies, args=(server, client, mute, answered), daemon=True).start()
                while said := client.recv(1 << 16):
                    hand_on = partial(server.sendall, said)
                    if b"COMMIT\0" in said and self.begun.is_set():
                        self._commit(hand_on, mute, answered)
                    else:
                        hand_on()

    def _commit(self, hand_on: Callable[[], None], mute: threading.Event, answered: threading.Event) -> None:
        with self._counting:
            self.commits += 1
            number = self.commits
        if number not in self.plan:
            return hand_on()
        restart = self.plan[number]
        if restart is not None and restart.when == "later":
            thread = threading.Thread(target=self._later, args=(restart,), daemon=True)
            self._threads.append(thread)
            hand_on()
            return thread.start()
        if restart is not None and restart.when == "reply":
            mute.set()
            hand_on()
            answered.wait(SECONDS)
        self._restart(restart)
        raise ConnectionResetError

    def _later(self, restart: Restart) -> None:
        time.sleep(restart.later)
        self._restart(restart)

    def _restart(self, restart: Restart | None) -> None:
        """Stop the server, and start it again after a pause; no connections are accepted meanwhile."""
        with self._lock:
            self._close()
            self.server.stop("fast" if restart is None else restart.mode)
            if restart is not None:
                time.sleep(restart.pause)
                self.server.start(wait=False)
                self._listen()
                self.server.wait()
            self.done.append(restart)


def _replies(server: socket.socket, client: socket.socket, mute: threading.Event, answered: threading.Event) -> None:
    """Forward the server's replies, unless they are to be lost."""
    with suppress(OSError):
        while said := server.recv(1 << 16):
            if mute.is_set():
                answered.set()
            else:
                client.sendall(said)
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
