"""The remaining work of a plan: which step can run next, and what follows from the result of each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from suite.core import signals
from suite.core.errors import ArtifactLost
from suite.execution.progress import PlanProgress
from suite.execution.ready import ReadySteps, path_lengths
from suite.execution.remaining import EstimatedStep
from suite.execution.retention import RunRetention
from suite.execution.tracking import TrackedLog, Tracking
from suite.execution.waiting import Waiting
from suite.execution.worker import Cancelled, Done, Failed, NeedsArtifact, NotOurs, StepLog, StepResult
from suite.planning import Plan, Step
from suite.planning.speed import sort_of
from suite.results.store import Owner, Store
from suite.results.store.writing import LEASE_SECONDS

POLL_SECONDS = 2.0
RENEWALS = 2
"""How often a step runs again for a lost artifact; after that, the step that needs the artifact fails."""
DEATHS = 3
"""How often a step may lose its process in a run; with the next one it fails."""


class Schedule:
    """One pass over a plan's steps. An executor takes steps from it and reports the result of each."""

    def __init__(
        self, plan: Plan, store: Store, progress: PlanProgress, *, statuses: Mapping[str, str],
        lease_seconds: float = LEASE_SECONDS, tracking: Tracking | None = None, retention: RunRetention | None = None,
        workers: int = 1,
    ) -> None:  # fmt: skip
        """`statuses` are the current statuses of the plan's steps in the store. Without `retention`, all artifacts
        stay. `workers` is how many steps run at a time: with several, the longest path is first."""
        self.progress = progress
        self.tracking = tracking
        self.failed: dict[str, str] = {}
        """Step id -> reason."""
        self.blocked: set[str] = set()
        """Steps that need a failed step."""
        self.done = 0
        """Number of steps that were finished here."""
        self.steps: Mapping[str, Step] = {step.id: step for step in plan.steps}
        self._store, self._lease_seconds, self._retention = store, lease_seconds, retention
        self._others = Waiting(store, progress)
        self._counts: Counter[tuple[str, str]] = Counter()
        """(what happened, step) -> how often."""
        self._children: dict[str, list[str]] = {}
        for step in plan.steps:
            for parent in step.parents:
                self._children.setdefault(parent, []).append(step.id)
        paths = path_lengths(plan.steps) if workers > 1 else None
        self._ready = ReadySteps(plan.steps, paths)
        self._undone = {step.id for step in plan.steps if statuses.get(step.id) != "done"}
        """Steps that are to be done: ready, running, or waiting for other steps."""
        self._running: set[str] = set()
        self._waiting: dict[str, set[str]] = {}
        """Step -> the parents that it waits for."""
        self._elsewhere: dict[str, Step] = {}
        """Steps that other processes have."""
        self._polled = 0.0
        progress.steps, progress.remaining.workers = len(self._undone), workers
        progress.remaining.paths = paths or {}
        todo = [step for step in plan.steps if step.id in self._undone]
        self._remain(todo)
        for step in todo:
            self._arrange(step)

    @property
    def over(self) -> bool:
        """Whether nothing is left to do, and nothing runs."""
        return not self._undone

    @property
    def left(self) -> int:
        """Number of steps that run or are to be done."""
        return len(self._undone)

    def is_done(self, step: str) -> bool:
        """Whether a step needs no more work: it is done, failed or blocked."""
        return step not in self._undone

    def log(self, step: Step) -> StepLog:
        """The log of a step: the run's lines, and its trackers."""
        log = self.progress.of_step(step.id)
        return log if self.tracking is None else TrackedLog(log, step, self.tracking)

    def take(self) -> Step | None:
        """The next step that can run; None once nothing is left. Waits while other processes run what remains.

        For executors that run one step after another.
        """
        while True:
            signals.check()
            step = self.ready()
            if step is not None or self.over:
                return step
            self.tell()
            time.sleep(POLL_SECONDS)
            self.poll()

    def ready(self, previous: Step | None = None) -> Step | None:
        """A step that can run now; None if there is none at present: see `over`. Does not wait.

        `previous` is the last step of the worker that will run it, which may go on with what it has loaded.
        """
        while (step := self._ready.take(previous)) is not None:
            statuses = self._store.statuses((step.id, *step.parents))
            if not {step.id, *step.parents} <= set(statuses):
                self._fail(step, "it was removed from the store meanwhile (`suite remove`)", 0.0)
                self._over(step)
            elif reset := [parent for parent in step.parents if statuses[parent] != "done"]:
                self._reopen(reset)  # another process did that
                self._arrange(step)
            else:
                self._running.add(step.id)
                self.progress.remaining.begin(step.id)
                return step
        return None

    def poll(self) -> None:
        """Look at the steps that other processes have, unless that was done just before."""
        if not self._elsewhere or time.monotonic() - self._polled < POLL_SECONDS / 2:
            return
        self._polled = time.monotonic()
        statuses = self._store.statuses(list(self._elsewhere))
        running = [step for step in self._elsewhere if statuses.get(step) == "running"]
        abandoned = self._store.abandoned(running, self._lease_seconds)
        for step in list(self._elsewhere.values()):
            if step.id in abandoned:
                del self._elsewhere[step.id]
                self._ready.add(step)
            elif step.id not in running:
                del self._elsewhere[step.id]
                self._after_elsewhere(step, statuses.get(step.id))

    def tell(self) -> None:
        """Say which processes the run waits for, if there is nothing else to do."""
        if not self._running:
            self._others.tell(list(self._elsewhere.values()), self._lease_seconds)

    def ended(self, step: Step, result: StepResult) -> None:
        """Record the result of a step that was taken. Raises EndedBySignal if it was cancelled."""
        self._running.discard(step.id)
        match result:
            case Done():
                self._done(step, result)
            case Failed():
                self._fail(step, result.reason, result.seconds)
                self._over(step)
            case NeedsArtifact():
                self._renewed(step, result)
            case NotOurs():
                if result.taken_over:
                    self.progress.say(f"{step.title}: left to another process, which took it over")
                self.progress.forget(step.id)
                self._after_elsewhere(step, self._store.statuses([step.id]).get(step.id))
            case Cancelled():
                self.progress.end(step.id, step.title, "cancelled; the next run resumes it", result.seconds)
                raise result.signal

    def died(self, step: Step, how: str, process: Owner | None = None) -> None:
        """The process that ran a step has ended without a result: the step goes back, or fails if that is too often.

        If the process is named, its lease ends now; on another machine it would otherwise run out first.
        """
        lease = None if process is None else self._store.leases([step.id]).get(step.id)
        if process is not None and lease is not None and lease.owner is not None and lease.owner.same_process(process):
            self._store.release(step.id, str(lease.owner))
        self._running.discard(step.id)
        self.progress.forget(step.id)
        self._counts["died", step.id] += 1
        if self._counts["died", step.id] <= DEATHS:
            self.progress.say(f"{step.title}: its process ended ({how}); the step goes on in another one")
            self._arrange(step)
        else:
            self._give_up(step, f"its process ended {DEATHS + 1} times ({how})")

    def _arrange(self, step: Step) -> None:
        """Let a step that is to be done wait for its parents, be blocked by them, or be ready."""
        missing = {parent for parent in step.parents if parent in self._undone}
        if any(parent in self.blocked or parent in self.failed for parent in step.parents):
            self._block(step)
        elif missing:
            self._waiting[step.id] = missing
        else:
            self._ready.add(step)

    def _over(self, step: Step) -> None:
        """Record that a step needs no more work; those that wait for it are ready, or blocked if it failed."""
        self._undone.discard(step.id)
        self.progress.remaining.remove(step.id)
        for child in self._children.get(step.id, ()):
            waits = self._waiting.get(child)
            if waits is not None:
                waits.discard(step.id)
                if not waits or step.id in self.failed or step.id in self.blocked:
                    del self._waiting[child]
                    self._arrange(self.steps[child])
        if self._retention is not None and (line := self._retention.apply(last=self.over)):
            self.progress.say(line)

    def _block(self, step: Step) -> None:
        self.blocked.add(step.id)
        self.progress.end(step.id, step.title, "not run: it needs a step that failed", 0.0)
        self._over(step)

    def _reopen(self, steps: Collection[str]) -> None:
        """Do finished steps again, unless they are to be done anyway."""
        again = [self.steps[step] for step in steps if step in self.steps and step not in self._undone]
        self._undone.update(step.id for step in again)
        self.progress.steps += len(again)
        self._remain(again)
        for step in again:
            self._arrange(step)

    def _remain(self, steps: Iterable[Step]) -> None:
        """Count steps for the time left."""
        estimated = {step.id: EstimatedStep(sort_of(step.kind, step.key), step.estimate.seconds) for step in steps}
        self.progress.remaining.add(estimated)

    def _done(self, step: Step, result: Done) -> None:
        self.done += 1
        self.progress.remaining.finished(step.id, result.seconds)
        if self.tracking is not None:
            self.tracking.ended(step)
        if result.outdated:
            self._reopen(result.outdated)
            count = len(result.outdated)
            self.progress.say(f"{step.title}: its artifact is another one now, so {count} steps that use it run again")
        score = result.score
        text = "done" if score is None else f"{score.metric} {score.value:.1f}"
        self.progress.end(step.id, step.title, text, result.seconds)
        self._over(step)

    def _fail(self, step: Step, reason: str, seconds: float) -> None:
        self.failed[step.id] = reason
        self.progress.end(step.id, step.title, f"FAILED: {reason}", seconds)

    def _give_up(self, step: Step, reason: str) -> None:
        """Let a step fail that no process has, unless another one has claimed it meanwhile."""
        owner = str(Owner.here())
        if self._store.claim(step.id, owner, self._lease_seconds):
            self._store.fail(step.id, owner, reason, spent=self._store.steps([step.id])[step.id].costs)
            self._fail(step, reason, 0.0)
            self._over(step)
        else:
            self._elsewhere[step.id] = step

    def _renewed(self, step: Step, result: NeedsArtifact) -> None:
        """Reset a finished step whose artifact is lost, so that it runs again before this one.

        If repeated resets did not help, the step that needs it fails.
        """
        parent = self.steps[result.parent.id]
        self.progress.forget(step.id)
        self._counts["renewed", parent.id] += 1
        if self._counts["renewed", parent.id] > RENEWALS:
            return self._give_up(step, str(ArtifactLost(parent.id, result.reason)))
        if self._store.invalidate([result.parent]):  # otherwise another process has started it again
            self.progress.say(f"{parent.title}: done again, for its artifact {result.reason}")
        self._reopen([parent.id])
        self._arrange(step)

    def _after_elsewhere(self, step: Step, status: str | None) -> None:
        """Go on with a step that another process has or had, by its status."""
        if status == "running":
            self._elsewhere[step.id] = step
            return
        if status == "failed":
            self.failed[step.id] = str(self._store.steps([step.id])[step.id].reason)
        if status in ("done", "failed"):
            self.progress.end(step.id, step.title, f"{status}, by another process", 0.0)
            return self._over(step)
        if status == "cancelled":
            self._store.requeue([step.id])
        self._ready.add(step)
