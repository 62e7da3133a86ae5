"""Moves artifacts between the home of a run and the exchange that its machines share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from suite.core.run_dir import RunDir
from suite.execution.exchange import ArtifactExchange
from suite.execution.schedule import Schedule
from suite.planning import Step
from suite.results.store import Store


class ArtifactTransfer:
    """Moves artifacts between the home of the run and the exchange."""

    def __init__(self, exchange: ArtifactExchange, home: RunDir, say: Callable[[str], None]) -> None:
        self._exchange, self._home, self._say = exchange, home, say
        self._pool = ThreadPoolExecutor(1)
        self._fetches: list[tuple[Step, Future[None]]] = []

    def send(self, schedule: Schedule, store: Store) -> None:
        """Send the artifacts of finished steps that steps to do need."""
        todo = [step for step in schedule.steps.values() if not schedule.is_done(step.id)]
        needed = dict.fromkeys(parent for step in todo for parent in step.parents if schedule.is_done(parent))
        for step, artifact in store.artifacts(list(needed)).items():
            if self._home.artifact(step).is_dir():
                self._exchange.send(self._home.artifact(step), artifact.hash)

    def fetch(self, steps: Sequence[Step], store: Store) -> None:
        """Begin to fetch the artifacts of steps that were finished elsewhere."""
        trained = {step.id: step for step in steps if step.kind == "train"}
        for step, artifact in (store.artifacts(list(trained)) if trained else {}).items():
            if artifact.path:
                task = self._pool.submit(self._exchange.fetch, self._home.artifact(step), artifact.hash)
                self._fetches.append((trained[step], task))

    def close(self) -> None:
        """Wait for all artifacts; a line says which ones are missing."""
        self._pool.shutdown()
        for step, task in self._fetches:
            if (error := task.exception()) is not None:
                self._say(f"{step.title}: its artifact is not here, so another run trains it again ({error})")
