"""One attempt at a step, in any process: claim it, run it, store the result.

`run_step` is a plain function that gets everything it needs as arguments, so an executor can send it to another process
or machine. A process keeps its store connection, its base model and the artifacts in effect between two steps. That
makes the second step faster and changes no result.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from suite.core import signals
from suite.core.cycles import fewer_collections
from suite.core.errors import ArtifactLost, StoreAway, TakenOver
from suite.execution.context import StepContext
from suite.execution.cost import Cost
from suite.execution.exchange import ArtifactExchange
from suite.execution.lease import HeldLease
from suite.execution.outcome import reason_of
from suite.execution.planned_inputs import check_inputs
from suite.execution.provenance import provenance_of, provenance_of_failure
from suite.execution.records import evaluate_outcome, train_outcome
from suite.planning import CopyFromTry, Evaluate, SelectTry, Step, TakePart, Train
from suite.results.store import ArtifactRecord, Owner, ScoreRecord, StepOutcome, StepRecord, Store
from suite.sandbox import bubblewrap

if TYPE_CHECKING:
    from suite.execution.session import Session, TrainOutcome


class StepLog(Protocol):
    """Receives the progress of an attempt. An executor that sends steps away needs one that can be pickled."""

    def begin(self, title: str) -> None:
        """Called when the step was claimed and begins."""

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Called after each optimiser step (from 1): mean loss per answer token, last selection score (0–100)."""

    def answered(self, documents: int, total: int, tokens: int, seconds: float) -> None:
        """Called while an evaluation answers: documents so far and in all, tokens and seconds so far."""

    def say(self, text: str) -> None:
        """Show a message to the user."""

    def say_once(self, text: str) -> None:
        """Show a message to the user, once even if several steps send it."""


@dataclass(frozen=True)
class Done:
    """The step is finished and stored."""

    seconds: float
    score: ScoreRecord | None
    """Its primary score, if it is an evaluation that has one."""
    outdated: tuple[str, ...] = ()
    """Steps that used its earlier artifact, which differs: they must run again."""


@dataclass(frozen=True)
class Failed:
    """The step failed because of the user's input or the machine; the reason is stored."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class NotOurs:
    """Another process is running the step, or has finished it."""

    taken_over: bool = False
    """Whether this process had the step first."""


@dataclass(frozen=True)
class NeedsArtifact:
    """The artifact of a finished step is missing or damaged: that step must run again first."""

    parent: StepRecord
    """The finished step, as stored when the attempt began."""
    reason: str
    """What is wrong with its artifact."""


@dataclass(frozen=True)
class Cancelled:
    """A signal ended the attempt; the next one resumes from its checkpoint."""

    seconds: float
    signal: signals.EndedBySignal


StepResult = Done | Failed | NotOurs | NeedsArtifact | Cancelled


def run_step(step: Step, context: StepContext, log: StepLog) -> StepResult:
    """Make one attempt at a step whose parents are done. The result is in the store before this returns.

    Raises StoreAway if the store can no longer be reached. Also raises the exception of a bug, after storing it as the
    step's reason.
    """
    return _worker(context).attempt(step, log)


@contextmanager
def working(context: StepContext, store: Store) -> Iterator[None]:
    """Context manager in which this thread's `run_step` uses this store. Afterwards even the base model is released."""
    close_worker()
    _HERE.worker = _Worker(context, store)
    try:
        yield
    finally:
        close_worker()


def close_worker() -> None:
    """Release everything that this thread's `run_step` keeps between steps."""
    worker: _Worker | None = getattr(_HERE, "worker", None)
    _HERE.worker = None
    if worker is not None:
        worker.close()


_HERE = threading.local()
"""This thread's worker, kept only for speed: `run_step` creates one if there is none."""


def _worker(context: StepContext) -> _Worker:
    worker: _Worker | None = getattr(_HERE, "worker", None)
    if worker is None or worker.context != context:
        close_worker()
        worker = _HERE.worker = _Worker(context)
    return worker


class _Worker:
    """Runs steps in this process, one after another."""

    def __init__(self, context: StepContext, store: Store | None = None) -> None:
        self.context = context
        self._resources = ExitStack()
        self.store = store or self._resources.enter_context(Store.open(context.home.url))
        self.owner = str(Owner.here())

    @cached_property
    def session(self) -> Session:
        """The session that trains and answers, created for the first claimed step: importing torch takes seconds."""
        with fewer_collections():
            from suite.execution.session import Session

        session = Session(self.context.home, self.context.inputs, self.context.device, self.context.max_disk)
        session.divided = self.context.divided
        session.ours = lambda step: self.store.heartbeat(step, self.owner)
        return session

    @cached_property
    def exchange(self) -> ArtifactExchange | None:
        """Where artifacts of other machines come from, and this one's go."""
        return None if self.context.exchange is None else ArtifactExchange(self.context.exchange)

    def close(self) -> None:
        """Restore the base model and close the connection to the store."""
        if "session" in vars(self):
            self.session.close()
        self._resources.close()

    def attempt(self, step: Step, log: StepLog) -> StepResult:
        cost: Cost | None = None
        try:
            if not self.store.claim(step.id, self.owner, self.context.lease_seconds):
                return NotOurs()
            log.begin(step.title)
            cost = Cost(self.store.steps([step.id])[step.id].costs)
            lease = HeldLease(self.store, step.id, self.owner, cost, self.context.lease_seconds)
            return self._do(step, _Interruptible(log, lease), cost)
        except signals.EndedBySignal as end:
            spent = cost.spent if cost else None
            with suppress(StoreAway), self.store.without_retries():
                if self.store.cancel(step.id, self.owner, str(end), spent):
                    return Cancelled((spent.seconds if spent else None) or 0.0, end)
            raise

    def _do(self, step: Step, log: _Interruptible, cost: Cost) -> StepResult:
        """Run a claimed step and record its result."""
        began = time.monotonic()
        before, parents = self.store.artifacts([step.id]).get(step.id), self.store.steps(step.parents)
        try:
            with log.lease.renewed(), bubblewrap.unsafe(self.context.unsafe_code):
                outcome = self._outcome(step, log, cost)
            outdated = self._outdated(step, outcome, before)
            if not self.store.finish(step.id, self.owner, outcome, outdated):
                return NotOurs(taken_over=True)
            self.session.stored(step.id)
        except (StoreAway, signals.EndedBySignal):  # the store cannot be reached, or the step goes on another time
            raise
        except TakenOver:
            return NotOurs(taken_over=True)
        except ArtifactLost as error:
            self.store.cancel(step.id, self.owner, str(error), cost.spent)
            self.store.requeue([step.id])
            return NeedsArtifact(parents[error.step], error.why)
        except BaseException as error:
            reason = reason_of(error)
            stored = reason or f"{type(error).__name__}: {error}"
            if not self.store.fail(step.id, self.owner, stored, provenance_of_failure(), cost.spent):
                return NotOurs(taken_over=True)  # whatever went wrong, perhaps while the new owner cleans up
            if reason is None:  # a bug: it is recorded, and keeps its traceback
                raise
            return Failed(time.monotonic() - began, reason)
        score = next((score for score in outcome.scores if score.primary and score.value is not None), None)
        return Done(time.monotonic() - began, score, tuple(record.id for record in outdated))

    def _outdated(self, step: Step, outcome: StepOutcome, before: ArtifactRecord | None) -> Sequence[StepRecord]:
        """The steps that were built on a step's earlier artifact, if that differs; they run again.

        Imported results come from elsewhere and stay, unless they are in the plan.
        """
        if before is None or outcome.artifact is None or outcome.artifact.hash == before.hash:
            return ()
        dependents = self.store.dependents(step.id)
        return [record for record in dependents if not record.imported or record.id in self.context.imported]

    def _outcome(self, step: Step, log: StepLog, cost: Cost) -> StepOutcome:
        if self.context.verify:
            check_inputs(step, self.context.inputs)
        device = self.session.device_for(step.work)
        hashes = {parent: artifact.hash for parent, artifact in self.store.artifacts(step.parents).items()}
        if self.exchange is not None:
            for parent, wanted in hashes.items():
                self.exchange.fetch(self.context.home.artifact(parent), wanted)
        if isinstance(step.work, Evaluate):
            with cost.measured(device):
                result = self.session.evaluate(step, step.work, hashes, log.answered)
            for notice in result.notices:
                log.say_once(notice)
            return evaluate_outcome(result, cost, provenance_of(device, step.work, result.devices))
        with cost.measured(device):
            trained = self._trained(step, step.work, log, hashes, cost)
            if self.exchange is not None:
                self.exchange.send(trained.folder, trained.artifact.hash)
        return train_outcome(trained, cost, provenance_of(device, step.work))

    def _trained(
        self, step: Step, work: Train | SelectTry | CopyFromTry | TakePart, log: StepLog, hashes: Mapping[str, str],
        cost: Cost,
    ) -> TrainOutcome:  # fmt: skip
        if isinstance(work, Train):
            return self.session.train(step, work, log, hashes, cost)
        if isinstance(work, TakePart):
            return self.session.take_part(step, work, hashes)
        if isinstance(work, SelectTry):
            copied = self.session.select_try(step, work, log, hashes)
        else:
            copied = self.session.copy_from_try(step, work, hashes)
        source = str(copied.source)
        return replace(copied, trained_parameters=self.store.steps([source])[source].costs.trained_parameters)


@dataclass(frozen=True)
class _Interruptible:
    """A log that ends an attempt after a signal, even if other code swallowed the signal's exception, and once another
    process has taken over its step."""

    log: StepLog
    lease: HeldLease

    def begin(self, title: str) -> None:
        self.log.begin(title)

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        signals.check()
        self.lease.check()
        self.log.progress(step, total, loss, score)

    def answered(self, documents: int, total: int, tokens: int, seconds: float) -> None:
        signals.check()
        self.lease.check()
        self.log.answered(documents, total, tokens, seconds)

    def say(self, text: str) -> None:
        self.log.say(text)

    def say_once(self, text: str) -> None:
        self.log.say_once(text)
