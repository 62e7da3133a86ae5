"""Live charts by accelerate's trackers, a run for each experiment and seed. They never change or end a run of suite."""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from suite.core.errors import Problem, SuiteError, did_you_mean
from suite.planning import Plan, Planned, Step, Train
from suite.results.store import ScoreRecord, Store
from suite.training.config import FitConfig, Optimisation

TRACKERS: Final = ("tensorboard", "wandb", "mlflow", "trackio")
"""The trackers of accelerate that a run can log to; each is an extra of the package."""
WITHOUT_STEPS: Final = ("wandb", "trackio")
"""Trackers that count one step for a whole run: several trainings and their scores do not share one."""
Chart = tuple["TrackerRun", str]
"""A run, and the beginning of a chart's name in it."""


def check_trackers(names: Sequence[str]) -> None:
    """Raises SuiteError, with all problems, for trackers that are unknown or not installed."""
    problems: list[Problem] = []
    for name in names:
        if name not in TRACKERS:
            problems.append(Problem("--track-with", f"no tracker is named '{name}'", did_you_mean(name, TRACKERS)))
        elif importlib.util.find_spec(name) is None:
            fix = f"pip install {name}"
            problems.append(Problem("--track-with", f"{name} is not installed", fix))
    if problems:
        raise SuiteError.of(problems)


class Tracker(Protocol):
    """The part of `accelerate.tracking.GeneralTracker` that is used here."""

    @property
    def tracker(self) -> Any: ...  # noqa: D102
    def start(self) -> None: ...  # noqa: D102
    def log(self, values: dict[str, float], step: int | None = None, **kwargs: Any) -> None: ...  # noqa: D102
    def finish(self) -> None: ...  # noqa: D102


class Say(Protocol):
    """Shows a line."""

    def __call__(self, text: str) -> None: ...  # noqa: D102


@dataclass(eq=False)
class TrackerRun:
    """The trackers' run of an experiment with a seed."""

    track: str
    name: str
    planned: Planned
    trackers: dict[str, Tracker] = field(default_factory=dict)
    step: int = 0
    """The last training step that was logged."""
    scored: set[str] = field(default_factory=set)
    """Steps whose scores were logged."""


class Tracking:
    """Sends losses, selection scores, learning rates and scores to trackers. One that fails gets no more."""

    def __init__(self, plan: Plan, names: Sequence[str], folder: Path, store: Store, say: Say) -> None:
        self._names, self._folder, self._store, self._say = list(dict.fromkeys(names)), folder, store, say
        self._runs = [
            TrackerRun(each.track.name, f"{each.name}-seed{each.seed}-{each.id[:8]}", planned)
            for planned in plan.experiments
            for each in [planned.experiment]
        ]
        steps = {step.id: step for step in plan.steps}
        self._charts: dict[str, list[Chart]] = {}
        for run in self._runs:
            for step, prefix in _prefixes(run.planned, steps).items():
                self._charts.setdefault(step, []).append((run, prefix))

    def trained(self, step: Step, done: int, loss: float, score: float | None) -> None:
        """Log the loss, the last selection score and the learning rate of a training step."""
        if not self._names:
            return
        values = {"loss": loss, **({} if score is None else {"selection_score": score})}
        config = getattr(step.work, "config", None)
        if isinstance(config, Optimisation):
            from suite.training.optim import learning_rate

            terms = FitConfig.of(config, step.work.track.budget, step.work.track.selection)
            values["learning_rate"] = learning_rate(done - 1, terms)
        for run, prefix in self._charts.get(step.id, ()):
            run.step = done
            self._log(run, {f"{prefix}/{name}": value for name, value in values.items()}, done, f"{prefix}/step")

    def ended(self, step: Step) -> None:
        """Log the scores of a finished evaluation, in all experiments that it belongs to."""
        self._scores(self._runs, [step.id])

    def close(self) -> None:
        """Log scores of evaluations that were not done again in runs that have begun, and end all runs."""
        begun = [run for run in self._runs if run.trackers]
        self._scores(begun, [link.step for run in begun for link in run.planned.links])
        for run in reversed(begun):
            for name, tracker in run.trackers.items():
                self._attempt(name, tracker.finish)

    def _scores(self, runs: Iterable[TrackerRun], steps: Sequence[str]) -> None:
        scores: Mapping[str, Sequence[ScoreRecord]] = self._store.scores(steps) if self._names else {}
        for run in runs:
            for link in run.planned.links:
                found = scores.get(link.step, ())
                if link.part != "evaluate" or not found or link.step in run.scored:
                    continue
                run.scored.add(link.step)
                begin = f"{link.role}/{link.shots}-shot".replace(":", ".")
                values = {f"{begin}/{_plain(each.metric)}": each.value for each in found if each.value is not None}
                self._log(run, values, run.step)

    def _log(self, run: TrackerRun, values: dict[str, float], step: int, counted: str = "") -> None:
        """Log values at a step. `counted` is the chart that holds the step where a tracker counts for itself."""
        for name in list(self._names):
            tracker = run.trackers.get(name) or self._attempt(name, lambda name=name: self._begun(run, name))
            if tracker is None:
                continue
            if name in WITHOUT_STEPS:
                own = {**values, **({counted: step} if counted else {})}
                self._attempt(name, lambda tracker=tracker, own=own: tracker.log(own))
            else:
                more = {"run_id": tracker.tracker.info.run_id} if name == "mlflow" else {}
                self._attempt(name, lambda tracker=tracker, more=more: tracker.log(values, step=step, **more))

    def _begun(self, run: TrackerRun, name: str) -> Any:
        """Begin a run in a tracker."""
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS

        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        first = not any(name in other.trackers for other in self._runs)
        tracker = LOGGER_TYPE_TO_CLASS[name](**_settings(run, name, folder, first=first))
        tracker.start()
        run.trackers[name] = tracker
        if first and name == "tensorboard":
            self._say(f"charts: tensorboard --logdir {folder}")
        return tracker

    def _attempt(self, name: str, call: Any) -> Any:
        """The result of a tracker's call; if it fails, one line says so and the tracker is used no more."""
        from accelerate import PartialState

        if name not in self._names:
            return None
        try:
            PartialState()  # accelerate's trackers log through it; training resets it
            return call()
        except Exception as error:  # a tracker's own: no network, no key, a full disk …
            self._names.remove(name)
            what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            self._say(f"{name} gets no more values ({what}); the run goes on")
            return None


def _settings(run: TrackerRun, name: str, folder: Path, *, first: bool) -> dict[str, Any]:
    """The arguments of a tracker of accelerate, so that its files are in the folder."""
    project = f"suite-{run.track}"
    if name == "tensorboard":
        return {"run_name": run.name, "logging_dir": folder / run.track}
    if name == "wandb":
        return {
            "run_name": project, "name": run.name, "id": f"{run.track}-{run.name}", "resume": "allow",
            "dir": str(folder), "reinit": "create_new",
        }  # fmt: skip
    if name == "mlflow":
        import mlflow

        if "MLFLOW_TRACKING_URI" not in os.environ:
            mlflow.set_tracking_uri(f"sqlite:///{folder.resolve()}/mlflow.db")
        files = str(folder.resolve() / "files")
        return {"experiment_name": project, "logging_dir": files, "run_name": run.name, "nested_run": not first}
    os.environ.setdefault("TRACKIO_DIR", str(folder.resolve()))  # read on import
    from trackio import context_vars

    context_vars.current_run.set(None)  # a new run ends the current one, and a shared training is in several
    return {"run_name": project, "name": run.name, "resume": "allow", "embed": False}


def _prefixes(planned: Planned, steps: Mapping[str, Step]) -> Mapping[str, str]:
    """Train step -> the beginning of its charts' names: `train` for the experiment's own method, else the method."""
    prefixes: dict[str, str] = {}
    count: Counter[str] = Counter()
    for link in planned.links:
        work = steps[link.step].work
        if not isinstance(work, Train) or link.step in prefixes:
            continue
        own = work.method == planned.experiment.method
        base = "train" if own else "_".join([work.method, *map(_plain, work.targets)])
        count[base] += 1
        prefixes[link.step] = base if count[base] == 1 else f"{base}_{count[base]}"
    return prefixes


def _plain(name: str) -> str:
    """A name without characters that trackers refuse."""
    return "".join(each if each.isalnum() or each in "-_." else "_" for each in name)


@dataclass(frozen=True)
class TrackedLog:
    """The log of a step that trackers follow."""

    log: Any
    step: Step
    tracking: Tracking

    def begin(self, title: str) -> None:
        """Pass it on."""
        self.log.begin(title)

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Pass it on, and log it."""
        self.log.progress(step, total, loss, score)
        self.tracking.trained(self.step, step, loss, score)

    def answered(self, documents: int, total: int, tokens: int, seconds: float) -> None:
        """Pass it on."""
        self.log.answered(documents, total, tokens, seconds)

    def say(self, text: str) -> None:
        """Pass it on."""
        self.log.say(text)

    def say_once(self, text: str) -> None:
        """Pass it on."""
        self.log.say_once(text)
