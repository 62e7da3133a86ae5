"""The executor that runs steps on the nodes of a Ray cluster. Needs the extra `ray`."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from suite.core import signals
from suite.core.devices import CUDA
from suite.core.errors import SuiteError
from suite.core.run_dir import RunDir
from suite.execution.context import StepContext
from suite.execution.exchange import ArtifactExchange
from suite.execution.placement import Workers, checked
from suite.execution.ray_team import RayTeam
from suite.execution.schedule import Schedule
from suite.execution.transfer import ArtifactTransfer
from suite.planning.devices import device_count_of
from suite.results.store import Store
from suite.results.store.urls import database_url

CONNECT_SECONDS: Final = 10.0


class RayExecutor:
    """Runs steps in Ray actors, one for each GPU of the cluster, or for each core if it has none.

    An actor has a worker process, which keeps the base model between steps; a task of Ray would load it for each step.
    """

    def __init__(self, address: str | None = None, workers: Workers = "auto", artifacts: str | None = None) -> None:
        """`address` is that of a cluster (`auto`: the one of this machine); without one, RAY_ADDRESS names it, or a
        cluster of this machine alone is started. `artifacts` is a folder or bucket that all nodes see, as a URL of
        fsspec; without it, all nodes must see the home folder. Raises SuiteError if Ray is not installed, and for a
        number of workers below 1."""
        try:
            import ray
        except ImportError:
            fix = 'pip install "finetune-suite[ray]"'
            raise SuiteError("Ray is not installed", where="--executor ray", fix=fix) from None
        self._ray: Any = ray
        self.address, self._wanted = address, checked(workers)
        self.artifacts = artifacts if artifacts is None or "://" in artifacts else str(Path(artifacts).absolute())

    @property
    def workers(self) -> int:
        """How many steps run at a time, as far as that is known before the cluster is."""
        return 2 if self._wanted == "auto" else self._wanted

    def check(self, device: str | None) -> None:
        """Raises SuiteError for a single GPU: Ray gives each worker its own."""
        kind, _, number = (device or "").partition(":")
        if kind == CUDA and number:
            what = f"'{device}' names a GPU, and Ray gives each worker its own"
            raise SuiteError(what, where="--device", fix=f"write {CUDA}, or leave it out")

    def run(self, schedule: Schedule, context: StepContext) -> None:
        """Run all steps of the schedule. The step of a node that is lost goes to another one.

        Raises SuiteError if there is no cluster, or if its nodes do not see the store and the artifacts; EndedBySignal
        after a signal, once all steps are cancelled.
        """
        exchange = None if self.artifacts is None else ArtifactExchange(self.artifacts)
        if exchange is not None:
            exchange.check()
        there = replace(context, exchange=self.artifacts, verify=True, home=_absolute(context))
        with self._connected(), _token(context) as token, Store.open(there.home.url) as store:
            devices = max(device_count_of(step.work) for step in schedule.steps.values())
            team = RayTeam(self._ray, self._wanted, there, token, devices)
            transfer = None if exchange is None else ArtifactTransfer(exchange, context.home, schedule.progress.say)
            try:
                if transfer is not None:
                    transfer.send(schedule, store)
                while not schedule.over:
                    signals.check()
                    team.fill(schedule)
                    team.listen(schedule)
                    if transfer is not None:
                        transfer.fetch(team.ended, store)
                    team.ended.clear()
                    schedule.poll()
                    if not team.working:
                        schedule.tell()
            except signals.EndedBySignal as end:
                team.cancel(schedule, end.number)
                raise
            except BaseException:
                team.cancel(schedule, signal.SIGTERM)
                raise
            finally:
                team.close()
                if transfer is not None:
                    transfer.close()

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Context manager with a connection to the cluster; one that was there before stays connected."""
        if self._ray.is_initialized():
            yield
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        _check_address(self.address)
        before = {each: signal.getsignal(each) for each in signals.ENDING}
        try:
            self._ray.init(
                address=self.address, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=None
            )
        except Exception as error:  # ConnectionError, RuntimeError, ValueError …
            raise _no_cluster(str(error)) from error
        finally:
            for number, handler in before.items():  # Ray has handlers of its own
                with suppress(ValueError, TypeError):
                    signal.signal(number, handler)
        try:
            yield
        finally:
            with signals.held():
                self._ray.shutdown()


def _check_address(address: str | None) -> None:
    """Raises SuiteError if nothing listens at HOST:PORT: Ray would try for more than a minute."""
    host, _, port = (address or "").rpartition(":")
    if not host or not port.isdecimal() or "://" in host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(str(error)) from error


def _no_cluster(reason: str) -> SuiteError:
    fix = "start one with `ray start --head`, or leave --address out"
    return SuiteError(f"no Ray cluster can be used ({' '.join(reason.split())[:200]})", where="--address", fix=fix)


def _absolute(context: StepContext) -> RunDir:
    """The home with paths that do not depend on the working directory, and its store as a URL, for nodes with homes of
    their own. Raises SuiteError for a folder whose name would be another one in a URL."""
    home = context.home
    folder = Path(home.folder).absolute()
    if home.db is not None:
        return replace(home, folder=folder)
    file = folder / "suite.db"
    url = f"sqlite:///{file}"
    if database_url(url).database != str(file):
        fix = "use another --home, or name a store with --db"
        raise SuiteError("has a character that a URL reads otherwise (such as ?)", where=str(folder), fix=fix)
    return replace(home, folder=folder, db=url)


@contextmanager
def _token(context: StepContext) -> Iterator[str]:
    """Context manager with the name of a file in the home folder, by which nodes find that they see it."""
    name = f".nodes-{secrets.token_hex(8)}"
    file = context.home.folder / name
    file.touch()
    try:
        yield name
    finally:
        with suppress(OSError):
            file.unlink()
