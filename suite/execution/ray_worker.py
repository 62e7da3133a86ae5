"""What runs on a node of a Ray cluster: an actor with a worker process, which runs one step after another."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Final

from suite.core.errors import SuiteError
from suite.core.hashing import fingerprint
from suite.core.run_dir import RunDir
from suite.execution.context import StepContext
from suite.execution.process import ProcessDied, WorkerProcess, preload, starting
from suite.execution.worker_process import StepEnded, StepRaised
from suite.planning import Step
from suite.results.store import Store

LOG_SECONDS: Final = 1.0
"""Seconds between two messages about the progress of a step, at least."""
WAIT_SECONDS: Final = 1.0
NODE_HOME: Final = "SUITE_NODE_HOME"
"""The environment variable of a node that names the folder of its homes (default: the system's temporary folder)."""


class RayWorker:
    """The actor. Its methods may be called at the same time."""

    def __init__(self, context: StepContext, threads: int, folder: Path) -> None:
        """`folder` is the working directory of the run: where it is here, too, relative paths mean the same."""
        if folder.is_dir():
            os.chdir(folder)
        self._context = context if context.exchange is None else replace(context, home=node_home(context))
        begin = starting()
        preload(begin, threads)
        self._process = WorkerProcess(begin, self._context, threads, LOG_SECONDS)
        self._ended_by: int | None = None

    def problem(self, token: str, step: str) -> str | None:
        """Why steps cannot run on this node, or None. `token` is a file in the home; `step` is one in the store."""
        home, node = self._context.home, platform.node()
        if self._context.exchange is None and not (home.folder / token).is_file():
            return f"node {node} does not see the folder {home.folder}: name one that all nodes see with --artifacts"
        try:
            home.create()
            with Store.open(home.url, create=False) as store:
                if not store.statuses([step]):
                    return f"node {node} sees another store: name one on a server with --db"
        except SuiteError as error:
            return f"node {node} cannot open the store ({error}): name one on a server with --db"
        return None

    def run(self, step: Step) -> Iterator[object]:
        """Yield the messages of a step's attempt; the last one is its result, or that its process died."""
        self._process.send(step)
        if self._ended_by is not None:  # it came before there was a process
            self._process.signal(self._ended_by)
        while True:
            wait(self._process.handles, timeout=WAIT_SECONDS)
            for message in self._process.messages():
                yield message
                if isinstance(message, StepEnded | StepRaised | ProcessDied):
                    return

    def signal(self, number: int) -> None:
        """Send the worker process a signal, which cancels its step. It gets no other one."""
        self._ended_by = number
        self._process.signal(number)

    def close(self) -> None:
        """End the worker process, which has no step any more."""
        self._process.close()


def node_home(context: StepContext) -> RunDir:
    """This machine's own home for runs with this exchange: fetched artifacts stay there for other steps and runs."""
    name = f"suite-{fingerprint([context.exchange, str(context.home.url)])}"
    return RunDir(Path(os.environ.get(NODE_HOME) or tempfile.gettempdir()) / name, context.home.db)
