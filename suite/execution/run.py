"""Executing a plan: claim a step, do it, record it; a failure stops only what needs the step."""

from __future__ import annotations

import platform
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from suite.core import signals
from suite.core.errors import ArtifactLost, StoreAway, SuiteError, TakenOver
from suite.core.run_dir import RunDir
from suite.execution.cost import Cost
from suite.execution.healing import lost_artifacts
from suite.execution.leftovers import clear
from suite.execution.outcome import Outcome, reason_of
from suite.execution.progress import PlanProgress
from suite.execution.provenance import git_commit, versions
from suite.execution.records import evaluate_outcome, experiment_records, step_record, train_outcome
from suite.execution.waiting import Waiting
from suite.planning import CopyFromTry, Evaluate, Inputs, Plan, SelectTry, Step, TakePart, Train
from suite.results.store import ArtifactRecord, Costs, Owner, Provenance, StepOutcome, StepRecord, Store

if TYPE_CHECKING:
    from suite.execution.session import Session, TrainOutcome

LEASE_SECONDS = 120.0
HEARTBEAT_SECONDS = 2.0
"""As long at most is what a killed attempt spent and nobody knows of."""
POLL_SECONDS = 2.0


def run_plan(plan: Plan, inputs: Inputs, home: RunDir, *, device: str | None = None, again: bool = False) -> Outcome:
    """Run every step that is not done. Several processes may run overlapping plans on one store."""
    ids = [step.id for step in plan.steps]
    with Store.open(home.url) as store:
        store.add_steps([step_record(step) for step in plan.steps])
        for experiment, links in experiment_records(plan):
            store.add_experiment(experiment, links)
        store.requeue(ids, include_done=again)
        if again:
            for step in ids:
                shutil.rmtree(home.work(step), ignore_errors=True)
            shutil.rmtree(home.answers, ignore_errors=True)
        seen = store.steps(ids)
        clear(home, {step for step, record in seen.items() if record.status == "done"})
        lost = lost_artifacts(plan, seen, store, home, read=True)
        store.invalidate([seen[step] for step in lost])
        statuses = store.statuses(ids)
        if all(statuses.get(step) == "done" for step in ids):
            return Outcome(0, len(ids))

        def session() -> Session:
            from suite.execution.session import Session  # imports torch, which takes seconds

            return Session(home, inputs, device)

        return _Run(plan, store, session, lost).run()


class _Run:
    """One pass over a plan's steps."""

    def __init__(self, plan: Plan, store: Store, opened: Callable[[], Session], lost: Mapping[str, str]) -> None:
        self.plan, self.store, self.opened, self.lost = plan, store, opened, lost
        self.steps = {step.id: step for step in plan.steps}
        self.owner = str(Owner.here())
        self.failed: dict[str, str] = {}
        self.blocked: set[str] = set()
        self.again: dict[str, Step] = {}
        """Finished steps that turned out to be needed again."""
        self.healed: Counter[str] = Counter()
        self.done = 0
        self.spent: Costs | None = None
        """What an interrupted step took."""

    @cached_property
    def session(self) -> Session:
        """What does steps, made for the first of them: a run that only waits says so at once."""
        session = self.opened()
        session.ours = lambda step: self.store.heartbeat(step, self.owner)
        return session

    def run(self) -> Outcome:
        """Steps in order; those another process is at work on are waited for."""
        began = time.monotonic()
        statuses = self.store.statuses([step.id for step in self.plan.steps])
        todo = [step for step in self.plan.steps if statuses.get(step.id) != "done"]
        reused = len(self.plan.steps) - len(todo)
        progress = PlanProgress(len(todo))
        for step, why in self.lost.items():
            progress.say(f"{self.steps[step].title}: done again, for {why}")
        interrupted: signals.EndedBySignal | None = None
        try:
            with self.store.notifying(progress.say):
                self._all(todo, progress)
        except signals.EndedBySignal as end:
            interrupted = end
        finally:
            if "session" in vars(self):
                self.session.release()
        failed = {self.steps[step].title: reason for step, reason in self.failed.items()}
        return Outcome(self.done, reused, failed, len(self.blocked), interrupted, time.monotonic() - began)

    def _all(self, waiting: Sequence[Step], progress: PlanProgress) -> None:
        """Do steps, and those that turn out to be needed again."""
        others = Waiting(self.store, progress)
        while waiting:
            left = [step for step in waiting if not self._attempt(step, waiting, progress)]
            if len(left) == len(waiting) and not self.again:  # all that is left is another process's
                others.tell(left, LEASE_SECONDS)
                time.sleep(POLL_SECONDS)
            progress.steps += len(self.again)
            waiting, self.again = [*self.again.values(), *left], {}

    def _attempt(self, step: Step, waiting: Sequence[Step], progress: PlanProgress) -> bool:
        """Do a step if it can be done now. True when nothing more is to be done about it."""
        signals.check()
        if any(parent in self.blocked or parent in self.failed for parent in step.parents):
            self.blocked.add(step.id)
            progress.end(step.title, "not run: it needs a step that failed", 0.0)
            return True
        known = self.store.statuses((step.id, *step.parents))
        if not {step.id, *step.parents} <= set(known):
            return self._removed(step, progress)
        if any(known[parent] != "done" for parent in step.parents):
            return False
        self.spent = None
        try:
            if self.store.claim(step.id, self.owner, LEASE_SECONDS):
                self.done += self._do(step, waiting, progress)
                return True
        except (ArtifactLost, TakenOver):  # what it needs is done again first; or its new owner is waited for
            return False
        except signals.EndedBySignal as end:
            with suppress(StoreAway), self.store.without_retries():
                if self.store.cancel(step.id, self.owner, str(end), self.spent):
                    seconds = (self.spent or Costs()).seconds or 0.0
                    progress.end(step.title, "cancelled; the next run resumes it", seconds)
            raise
        return self._elsewhere(step, progress)

    def _removed(self, step: Step, progress: PlanProgress) -> bool:
        """Somebody took the step, or what it needs, out of the store."""
        self.failed[step.id] = "it was removed from the store meanwhile (`suite remove`)"
        progress.end(step.title, f"FAILED: {self.failed[step.id]}", 0.0)
        return True

    def _elsewhere(self, step: Step, progress: PlanProgress) -> bool:
        """Another process has the step, or had it: True once it has come to an end there."""
        status = self.store.statuses([step.id])[step.id]
        if status == "failed":
            self.failed[step.id] = str(self.store.steps([step.id])[step.id].reason)
        if status in ("done", "failed"):
            progress.end(step.title, f"{status}, by another process", 0.0)
        elif status == "cancelled":
            self.store.requeue([step.id])
        return status in ("done", "failed")

    def _do(self, step: Step, waiting: Sequence[Step], progress: PlanProgress) -> int:
        """Do a claimed step and record what came of it: 1 if it was done, else 0."""
        after = sum(each.estimate.seconds for each in waiting[waiting.index(step) + 1 :])
        progress.begin(step.title, after)
        began = time.monotonic()
        cost = Cost(self.store.steps([step.id])[step.id].costs)
        before, parents = self.store.artifacts([step.id]).get(step.id), self.store.steps(step.parents)
        try:
            with self._alive(step, cost):
                outcome = self._outcome(step, progress, cost)
            stale = self._measured_with_another(step, outcome, before)
            if not self.store.finish(step.id, self.owner, outcome, stale):
                raise TakenOver
            self.session.stored(step.id)
        except StoreAway:  # nobody can be told that it failed: the next run takes it over, and resumes it
            raise
        except signals.EndedBySignal:
            self.spent = cost.spent
            raise
        except BaseException as error:
            if isinstance(error, ArtifactLost) and self._heal(error, parents[error.step], progress):
                self.store.cancel(step.id, self.owner, str(error), cost.spent)
                self.store.requeue([step.id])
                raise
            reason = reason_of(error)
            told = reason or f"{type(error).__name__}: {error}"
            if not self.store.fail(step.id, self.owner, told, _provenance(None), cost.spent):
                progress.end(step.title, "left to another process, which took it over", time.monotonic() - began)
                raise TakenOver from error  # whatever went wrong, maybe as the new owner clears up
            if reason is None:  # a bug: it is recorded, and it keeps its traceback
                raise
            self.failed[step.id] = reason
            progress.end(step.title, f"FAILED: {reason}", time.monotonic() - began)
            return 0
        if stale:
            self.again.update({each.id: self.steps[each.id] for each in stale if each.id in self.steps})
            progress.say(f"{step.title}: its artifact is another one now, so {len(stale)} steps that use it run again")
        score = next((each for each in outcome.scores if each.primary and each.value is not None), None)
        progress.end(step.title, f"{score.metric} {score.value:.1f}" if score else "done", time.monotonic() - began)
        return 1

    def _heal(self, error: ArtifactLost, seen: StepRecord, progress: PlanProgress) -> bool:
        """Have a finished step done again whose artifact is lost. False where that was tried before, in vain."""
        step = self.steps[error.step]
        self.healed[step.id] += 1
        if self.healed[step.id] > 2:
            return False
        if self.store.invalidate([seen]):  # else another process has begun it anew
            self.again[step.id] = step
            progress.say(f"{step.title}: done again, for its artifact {error.why}")
        return True

    def _measured_with_another(
        self, step: Step, outcome: StepOutcome, before: ArtifactRecord | None
    ) -> Sequence[StepRecord]:
        """What was built on a step's earlier artifact, where that was another one: it is done again.

        Imported results are another place's, and stay, unless this run asks for them.
        """
        if before is None or outcome.artifact is None or outcome.artifact.hash == before.hash:
            return ()
        return [each for each in self.store.dependents(step.id) if not each.imported or each.id in self.steps]

    def _outcome(self, step: Step, progress: PlanProgress, cost: Cost) -> StepOutcome:
        device = str(self.session.backbone(step.work.track).device)
        hashes = {parent: artifact.hash for parent, artifact in self.store.artifacts(step.parents).items()}
        if isinstance(step.work, Evaluate):
            with cost.measured(device):
                result = self.session.evaluate(step, step.work, hashes)
            for notice in result.notices:
                progress.say_once(notice)
            return evaluate_outcome(result, cost, _provenance(device))
        with cost.measured(device):
            trained = self._trained(step, step.work, progress, hashes, cost)
        return train_outcome(trained, cost, _provenance(device))

    def _trained(
        self, step: Step, work: Train | SelectTry | CopyFromTry | TakePart, progress: PlanProgress,
        hashes: Mapping[str, str], cost: Cost,
    ) -> TrainOutcome:  # fmt: skip
        if isinstance(work, Train):
            return self.session.train(step, work, progress, hashes, cost)
        if isinstance(work, TakePart):
            return self.session.take_part(step, work, hashes)
        if isinstance(work, SelectTry):
            kept = self.session.choose(step, work, progress, hashes)
        else:
            kept = self.session.follow(step, work, hashes)
        source = str(kept.source)
        return replace(kept, trained_parameters=self.store.steps([source])[source].costs.trained_parameters)

    @contextmanager
    def _alive(self, step: Step, cost: Cost) -> Iterator[None]:
        """Tell the store now and then that this process is still at it, and what that took so far."""
        end = threading.Event()

        def beat() -> None:
            while not end.wait(HEARTBEAT_SECONDS):
                with suppress(SuiteError), self.store.without_retries():  # busy, or away: the next beat comes in time
                    self.store.heartbeat(step.id, self.owner, cost.spent)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()


def _provenance(device: str | None) -> Provenance:
    return Provenance(platform.node(), device, versions(), git_commit())
