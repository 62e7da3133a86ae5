"""Runs one step: trains and saves an artifact, or loads a stack and answers a task. The base model is loaded once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from suite.core.disk import DiskSpace
from suite.core.errors import StepFailed, SuiteError
from suite.core.run_dir import RunDir
from suite.evaluation.answer_cache import AnswerCache
from suite.evaluation.answered import Answered, Report
from suite.evaluation.dispatch import evaluate_dispatched
from suite.evaluation.evaluate import EvaluationResult, evaluate_with
from suite.evaluation.lm import StackLM
from suite.evaluation.writable import Lost, unwritable
from suite.execution.answer_messages import Ask, Setup
from suite.execution.answer_team import AnswerTeam, DividedLM
from suite.execution.artifacts import TrainOutcome as TrainOutcome
from suite.execution.artifacts import load_published, publish
from suite.execution.group import train_in_group
from suite.execution.group_messages import RankTask
from suite.execution.jobs import job_of, mean
from suite.execution.jobs import trained as trained_by_method
from suite.execution.targets import decoding_of, scorers, training_sets
from suite.models.adapted import AdaptedModel
from suite.models.apply import applied
from suite.models.artifacts import Artifact
from suite.models.backbone import Backbone, device_of, load_backbone
from suite.models.chat import Chat, asked_as
from suite.models.in_effect import assert_in_effect
from suite.models.source import ModelSource, locate
from suite.planning.devices import answering_device_count_of, device_count_of
from suite.planning.make import Inputs
from suite.planning.steps import CopyFromTry, Evaluate, SelectTry, Step, TakePart, Train, Work
from suite.specs.blocks import Track
from suite.stats import first_of_the_best
from suite.tasks.gold import gold_finding
from suite.tasks.load import LoadedTask, load_task
from suite.tasks.splits import reported_rows
from suite.training.data.source import UNCOUNTED, Spending
from suite.training.loop import Log
from suite.training.objectives.optimise import time_spent


@dataclass
class Session:
    """Runs steps in this process, one after another."""

    home: RunDir
    inputs: Inputs
    device: str | None
    max_disk: int | None = None
    """Bytes that the home may hold in all; None: as much as the disk has room for."""
    ours: Callable[[str], bool] = lambda step: True
    """Whether a step still belongs to this process."""
    divided: bool = False
    """Whether other devices answer evaluations, too (`budget.shard`)."""
    _team: AnswerTeam = field(default_factory=AnswerTeam)
    _backbones: dict[ModelSource, list[tuple[Chat | None, Backbone]]] = field(default_factory=dict)
    _current: tuple[tuple[str, ...], AdaptedModel, ExitStack] | None = None
    _answers: AnswerCache | None = None
    _unwritable_answers: dict[tuple[Hashable, ...], Lost | None] = field(default_factory=dict)

    def train(
        self, step: Step, work: Train, log: Log, hashes: Mapping[str, str], spending: Spending = UNCOUNTED
    ) -> TrainOutcome:
        """Train, select a checkpoint and save the artifact. `hashes` are the required hashes of the parents' artifacts.

        Raises StepFailed with the reason.
        """
        self.release()
        checkpoint = self.home.work(step.id)
        checkpoint.mkdir(parents=True, exist_ok=True)
        if (count := device_count_of(work)) > 1:
            self._backbones.clear()  # the processes that train need the memory
            self._team.close()
            task = RankTask(
                step, self.home, self.inputs, self.max_disk, hashes, 0, count, self.device or "", checkpoint, {}
            )
            trained, base = train_in_group(task, checkpoint, log, spending)
        else:
            backbone = self.backbone(work.track)
            parents, base = self.parents(work, backbone, hashes), backbone.identity
            job = job_of(
                work, backbone, self.inputs.data, parents, checkpoint, disk=self._disk, log=log, spending=spending
            )
            trained = trained_by_method(step, work, job)
        needs = work.methods.get(work.method).requirements(work.config)
        folder = self._publish(step, trained.artifact, base)
        size = sum(file.stat().st_size for file in folder.iterdir())
        curve = [(point.step, point.name, point.value) for point in trained.fit.curve]
        return TrainOutcome(
            trained.artifact, folder, curve, trained.trained_parameters, size, base,
            (*trained.findings, *time_spent(needs, trained.fit), *filter(None, [trained.fit.early_stop])),
        )  # fmt: skip

    def parents(self, work: Train, backbone: Backbone, hashes: Mapping[str, str]) -> tuple[Artifact, ...]:
        """The artifacts of a train step's parents, in the method's order."""
        return tuple(self._artifact(each, backbone, hashes, work.bases.get(each)) for each in work.parents)

    def device_for(self, work: Work) -> str:
        """The device of a step's work. The base model is loaded on it, unless other processes do that."""
        if isinstance(work, Train) and device_count_of(work) > 1:
            return str(device_of(self.device))
        return str(self.backbone(work.track).device)

    def select_try(self, step: Step, work: SelectTry, log: Log, hashes: Mapping[str, str]) -> TrainOutcome:
        """Score every try like its targets, and keep the artifact of the first of the best.

        Raises StepFailed with the reason if a try cannot be scored: the choice might be another one without it.
        """
        scores = self._scores_of_tries(work, log, hashes)
        best = first_of_the_best(scores)
        curve = [(number, "selection", score) for number, score in enumerate(scores, 1)]
        return self._copied(step, work.candidates[best], work.track, hashes, curve)

    def _scores_of_tries(self, work: SelectTry, log: Log, hashes: Mapping[str, str]) -> list[float]:
        """The mean score of each try. Soft prompts leave the base unchanged: these tries share batches."""
        data, chat = self.inputs.data, self.backbone(work.track).chat
        role_scorers = scorers(work, training_sets(work, data, chat)[1], data, chat)
        role_scores: list[dict[str, float]] = [{} for _ in work.tries]
        prompts: dict[str, list[tuple[int, AdaptedModel]]] = {role: [] for role in role_scorers}
        try:
            for index, stacks in enumerate(work.tries):
                scored = f"try {index + 1} of {len(work.tries)}"
                for role, steps in stacks.items():
                    current = self.stack(steps, work.track, hashes)
                    if current.in_model:
                        role_scores[index][role] = role_scorers[role]([current])[0]
                    else:
                        prompts[role].append((index, current))
            self.release()
            scored = "one of the tries that are soft prompts"
            for role, indexed in prompts.items():
                values = role_scorers[role]([current for _, current in indexed])
                for (index, _), value in zip(indexed, values, strict=True):
                    role_scores[index][role] = value
        except SuiteError as error:
            raise StepFailed(f"{scored} cannot be scored: {error}") from error
        by_try = zip(role_scores, work.tries, strict=True)
        scores = [mean([values[role] for role in stacks]) for values, stacks in by_try]
        for number, score in enumerate(scores, 1):
            log.say(f"try {number} of {len(scores)} · score {score:.1f} on the selection rows")
        return scores

    def copy_from_try(self, step: Step, work: CopyFromTry, hashes: Mapping[str, str]) -> TrainOutcome:
        """Copy the artifact that belongs to a choice. Raises StepFailed if it is ambiguous."""
        tries = zip(work.among, work.candidates, strict=True)
        matching = [candidate for own, candidate in tries if hashes[own] == hashes[work.choice]]
        if len({hashes[candidate] for candidate in matching}) != 1:
            raise StepFailed("two tries left the very same artifact beside different others: give one of them up")
        return self._copied(step, matching[0], work.track, hashes, [])

    def take_part(self, step: Step, work: TakePart, hashes: Mapping[str, str]) -> TrainOutcome:
        """Save a part of a step's artifact, without training. Raises StepFailed if the artifact has no such part."""
        backbone = self.backbone(work.track)
        part = self._artifact(work.step, backbone, hashes).part(work.part)
        folder = self._publish(step, part, backbone.identity)
        size = sum(file.stat().st_size for file in folder.iterdir())
        return TrainOutcome(part, folder, [], 0, size, backbone.identity)

    def evaluate(
        self, step: Step, work: Evaluate, hashes: Mapping[str, str], report: Report | None = None
    ) -> EvaluationResult:
        """Answer and score a task's documents with a stack, whose artifacts must have these hashes.

        `report` receives the progress of answering.
        Answers are cached until `stored` is called: if an attempt fails after decoding, the next one only scores them.
        """
        decoding, chat = decoding_of(work.track), self.backbone(work.track).chat
        task = load_task(
            work.task, self.inputs.data, shots=work.shots, draw=work.track.held_out.draw, limit=work.documents,
            chat=chat,
        )  # fmt: skip
        key = {**step.key, "task": None, "hashes": dict(hashes)}
        self._answers = cache = AnswerCache(self.home.answers, key, step.id)

        answered = None if report is None else Answered(len(task.eval_docs), report)
        count = answering_device_count_of(work) if self.divided else 1
        setup = Setup(self.home, self.inputs, self.device or "", torch.get_num_threads(), work.track)
        self._team.begin(setup, count, step.estimate.seconds)

        def language_model(current: AdaptedModel) -> StackLM:
            stack = () if self._current is None else self._current[0]
            return DividedLM(current, self._team, Ask(step, stack, hashes, decoding), answered)

        routes = work.routes
        if routes is None:
            current = self.stack(work.stack, work.track, hashes)
            result = cache.scoring(lambda: evaluate_with(cache.cached(language_model(current)), task))
            return self._with_findings(work, task, result)
        dispatched = partial(
            evaluate_dispatched, task, routes.task, self.inputs.data, lm_for=language_model, cached=cache.cached,
            router=lambda: self.stack(routes.router, work.track, hashes),
            stack_of=lambda skill: self.stack(routes.stacks.get(skill, ()), work.track, hashes),
        )  # fmt: skip
        return self._with_findings(work, task, cache.scoring(dispatched))

    def _with_findings(self, work: Evaluate, task: LoadedTask, result: EvaluationResult) -> EvaluationResult:
        """The result with findings about right answers that miss full marks, or that the model cannot write."""
        result = replace(result, devices=self._team.used, notices=(*result.notices, *self._team.notices))
        rows = reported_rows(work.task, self.inputs.data)
        missed, lost = gold_finding(work.task, rows, work.documents), self._unwritable(work, task, rows.content_hash)
        if missed is not None:
            result = replace(result, findings=(*result.findings, missed))
        if lost is not None:
            result = replace(result, findings=(*result.findings, lost.finding), notices=(*result.notices, lost.notice))
        return result

    def _unwritable(self, work: Evaluate, task: LoadedTask, rows: str) -> Lost | None:
        """The right answers that the base's tokenizer cannot write; computed once for all stacks and shot counts."""
        backbone = self.backbone(work.track)
        key = (backbone.identity, backbone.chat, work.task.fingerprint, rows, work.documents)
        if key not in self._unwritable_answers:
            self._unwritable_answers[key] = unwritable(backbone, task)
        return self._unwritable_answers[key]

    def stored(self, step: str) -> None:
        """Remove the cached answers and checkpoints of a stored step; other attempts would have resumed from them."""
        if self._answers is not None and self._answers.step == step:
            self._answers.scored()
            self._answers = None
        shutil.rmtree(self.home.work(step), ignore_errors=True)

    def backbone(self, track: Track) -> Backbone:
        """The base model, loaded once, as the track asks it."""
        if track.model not in self._backbones:
            self._backbones.clear()  # one base at a time: two large ones may not fit
            located = locate(track.model, self.inputs.models)
            self._backbones[track.model] = [
                (None, load_backbone(located, self.device, self.home.factors_of(located.identity)))
            ]
        known = self._backbones[track.model]
        for chat, backbone in known:
            if chat == track.chat:
                return backbone
        known.append((track.chat, asked_as(known[0][1], track.chat, track.model.title)))
        return known[-1][1]

    def stack(self, steps: tuple[str, ...], track: Track, hashes: Mapping[str, str]) -> AdaptedModel:
        """The base model with a stack applied, until another one is requested: an experiment's evaluations share it."""
        backbone = self.backbone(track)
        if self._current and self._current[0] == steps and self._current[1].backbone is backbone:
            return self._current[1]
        self.release()
        artifacts = [self._artifact(step, backbone, hashes) for step in steps]
        with ExitStack() as context:  # a stack that is refused is removed, and loaded again next time
            current = context.enter_context(applied(backbone, artifacts))
            assert_in_effect(current)
            self._current = (steps, current, context.pop_all())
        return current

    def close(self) -> None:
        """Restore the base, and end the processes that answer together with this one."""
        self.release()
        self._team.close()

    def release(self) -> None:
        """Remove the current stack, which restores the base."""
        if self._current:
            self._current[2].close()
            self._current = None

    def _artifact(self, step: str, backbone: Backbone, hashes: Mapping[str, str], base: str | None = None) -> Artifact:
        """A train step's artifact: the selected checkpoint, made for this base or for the base `base`."""
        return load_published(self.home.artifact(step), base or backbone.identity, hashes[step])

    def _copied(
        self, step: Step, source: str, track: Track, hashes: Mapping[str, str], curve: Sequence[tuple[int, str, float]]
    ) -> TrainOutcome:
        """Save a copy of another step's artifact under this step's id."""
        backbone = self.backbone(track)
        artifact = self._artifact(source, backbone, hashes)
        folder = self._publish(step, artifact, backbone.identity)
        size = sum(file.stat().st_size for file in folder.iterdir())
        return TrainOutcome(artifact, folder, curve, None, size, backbone.identity, source=source)

    def _publish(self, step: Step, artifact: Artifact, base: str) -> Path:
        size = sum(tensor.numel() * tensor.element_size() for tensor in artifact.tensors.values())
        self._disk.require(size, "the artifact")
        return publish(self.home.artifact(step.id), artifact, base, lambda: self.ours(step.id))

    @property
    def _disk(self) -> DiskSpace:
        return DiskSpace(self.home.folder, self.max_disk)
