"""The remaining work of a plan: which step can run next, and what follows from the result of each."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping

from suite.core import signals
from suite.core.errors import ArtifactLost
from suite.execution.progress import PlanProgress
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


class Schedule:
    """One pass over a plan's steps. An executor takes steps from it and reports the result of each."""

    def __init__(
        self, plan: Plan, store: Store, progress: PlanProgress, *, statuses: Mapping[str, str],
        lease_seconds: float = LEASE_SECONDS, tracking: Tracking | None = None, retention: RunRetention | None = None,
    ) -> None:  # fmt: skip
        """`statuses` are the current statuses of the plan's steps in the store. Without `retention`, all artifacts
        stay."""
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
        self._renewals: Counter[str] = Counter()
        self._round = deque(step for step in plan.steps if statuses.get(step.id) != "done")
        self._again: dict[str, Step] = {}
        """Finished steps that turned out to be needed again."""
        self._later: list[Step] = []
        """Steps of this round that could not run yet."""
        self._moved = False
        """Whether this round made progress."""
        self._remain(self._round)
        progress.steps = len(self._round)

    def log(self, step: Step) -> StepLog:
        """The log of a step: the run's lines, and its trackers."""
        return self.progress if self.tracking is None else TrackedLog(self.progress, step, self.tracking)

    def take(self) -> Step | None:
        """The next step that can run; None once nothing is left. Waits while other processes run what remains."""
        while self._round or self._later or self._again:
            signals.check()
            if not self._round:
                self._next_round()
                continue
            step = self._round.popleft()
            statuses = self._store.statuses((step.id, *step.parents))
            if self._settled(step, statuses):
                self._over(step)
            elif any(statuses[parent] != "done" for parent in step.parents):
                self._later.append(step)
            else:
                self.progress.remaining.begin(step.id)
                return step
        return None

    def ended(self, step: Step, result: StepResult) -> None:
        """Record the result of a step that was taken. Raises EndedBySignal if it was cancelled."""
        over = True
        match result:
            case Done():
                self._done(step, result)
            case Failed():
                self._fail(step, result.reason, result.seconds)
            case NeedsArtifact():
                over = not self._renewed(step, result)
                self._moved = True
            case NotOurs():
                if result.taken_over:
                    self.progress.say(f"{step.title}: left to another process, which took it over")
                over = self._ended_elsewhere(step)
            case Cancelled():
                self.progress.end(step.title, "cancelled; the next run resumes it", result.seconds)
                raise result.signal
        if over:
            self._over(step)
        else:
            self._later.append(step)

    def _over(self, step: Step) -> None:
        """Record that a step needs no more work."""
        self._moved = True
        self.progress.remaining.remove(step.id)
        if self._retention is not None and (line := self._retention.apply()):
            self.progress.say(line)

    def _remain(self, steps: Iterable[Step]) -> None:
        """Count steps for the time left."""
        estimated = {step.id: EstimatedStep(sort_of(step.kind, step.key), step.estimate.seconds) for step in steps}
        self.progress.remaining.steps.update(estimated)

    def _next_round(self) -> None:
        """Start another round over the remaining steps, after a pause if other processes are running all of them."""
        if not self._moved:
            self._others.tell(self._later, self._lease_seconds)
            time.sleep(POLL_SECONDS)
        self.progress.steps += len(self._again)
        self._remain(self._again.values())
        self._round = deque([*self._again.values(), *self._later])
        self._again, self._later, self._moved = {}, [], False

    def _settled(self, step: Step, statuses: Mapping[str, str]) -> bool:
        """Whether a step needs no more work: a step that it needs failed, or it was removed."""
        if any(parent in self.blocked or parent in self.failed for parent in step.parents):
            self.blocked.add(step.id)
            self.progress.end(step.title, "not run: it needs a step that failed", 0.0)
            return True
        if not {step.id, *step.parents} <= set(statuses):
            self._fail(step, "it was removed from the store meanwhile (`suite remove`)", 0.0)
            return True
        return False

    def _done(self, step: Step, result: Done) -> None:
        self.done += 1
        self.progress.remaining.finished(step.id, result.seconds)
        if self.tracking is not None:
            self.tracking.ended(step)
        if result.outdated:
            self._again.update({other: self.steps[other] for other in result.outdated if other in self.steps})
            count = len(result.outdated)
            self.progress.say(f"{step.title}: its artifact is another one now, so {count} steps that use it run again")
        score = result.score
        text = "done" if score is None else f"{score.metric} {score.value:.1f}"
        self.progress.end(step.title, text, result.seconds)

    def _fail(self, step: Step, reason: str, seconds: float) -> None:
        self.failed[step.id] = reason
        self.progress.end(step.title, f"FAILED: {reason}", seconds)

    def _renewed(self, step: Step, result: NeedsArtifact) -> bool:
        """Reset a finished step whose artifact is lost, so that it runs again.

        Returns False if `step` fails: repeated resets did not help.
        """
        parent = self.steps[result.parent.id]
        self._renewals[parent.id] += 1
        if self._renewals[parent.id] > RENEWALS:
            owner, reason = str(Owner.here()), str(ArtifactLost(parent.id, result.reason))
            if not self._store.claim(step.id, owner, self._lease_seconds):
                return True  # another process tries it
            spent = self._store.steps([step.id])[step.id].costs
            self._store.fail(step.id, owner, reason, spent=spent)
            self._fail(step, reason, 0.0)
            return False
        if self._store.invalidate([result.parent]):  # otherwise another process has started it again
            self._again[parent.id] = parent
            self.progress.say(f"{parent.title}: done again, for its artifact {result.reason}")
        return True

    def _ended_elsewhere(self, step: Step) -> bool:
        """Whether a step that another process has or had has ended there."""
        status = self._store.statuses([step.id]).get(step.id)
        if status == "failed":
            self.failed[step.id] = str(self._store.steps([step.id])[step.id].reason)
        if status in ("done", "failed"):
            self.progress.end(step.title, f"{status}, by another process", 0.0)
        elif status == "cancelled":
            self._store.requeue([step.id])
        return status in ("done", "failed")
