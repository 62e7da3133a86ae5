"""The training loop: steps, selection scores, and checkpoints to resume from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Generic, Protocol

import torch
from torch import Tensor, nn

from suite.core.diagnostics import EarlyStop
from suite.core.errors import StepFailed
from suite.core.hashing import fingerprint, seed_of
from suite.core.signals import EndedBySignal
from suite.models.fused import fused
from suite.models.offload import offloaded
from suite.training.checkpoint import RunCheckpoints
from suite.training.config import FREE, FitConfig
from suite.training.data.source import UNCOUNTED, P, Source, Spending
from suite.training.device import computing, seed_device
from suite.training.dropout import dropout
from suite.training.memory import out_of_memory
from suite.training.optim import restore_state, state_of
from suite.training.progress import Progress
from suite.training.recomputing import Recomputing
from suite.training.updates import Updates, check_loss

ProbeFunction = Callable[[int], "Sequence[CurvePoint]"]


class Log(Protocol):
    """Reports the progress of training."""

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Called after each optimiser step (from 1) with the mean loss of an answer token and the last selection score
        (0–100)."""

    def say(self, text: str) -> None:
        """Show a notice."""


@dataclass(frozen=True)
class CurvePoint:
    """One point of a training curve: `loss` or `reward` (means since the last point), or `selection` (0–100)."""

    step: int
    name: str
    value: float


@dataclass(frozen=True)
class Fit:
    """The selected checkpoint and how training went."""

    best: Mapping[str, Tensor]
    """The trainable tensors at the selected step, on the CPU."""
    best_step: int
    best_score: float | None
    """The selection score (0–100) at that step; None without selection."""
    steps_done: int
    tokens: int
    """Tokens of prompts and answers in these steps, without padding. Tokens lost to an interruption count in `Spending`
    only."""
    curve: tuple[CurvePoint, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Seconds by phase: sampling (the model's own answers, or making batches), update, selection, probes."""
    early_stop: EarlyStop | None = None
    """Why training ended before its last step; None if it did not."""


def fit(
    module: nn.Module,
    trainable: Mapping[str, nn.Parameter],
    forward: Callable[[P], Tensor],
    batches: Source[P],
    budget: FitConfig,
    *,
    seed: int,
    score: Callable[[], float] | None,
    checkpoint: Path,
    log: Log,
    probe: ProbeFunction | None = None,
    due: Callable[[int], bool] | None = None,
    spending: Spending = UNCOUNTED,
    base: str = "",
) -> Fit:
    """Train the `trainable` parameters of `module` in place. Returns the best-scored checkpoint (ties: the first).

    `forward` returns a batch's loss, summed over its answers' tokens. `score` returns the selection score of the
    current parameters. `checkpoint` is a folder: an interrupted attempt in it is resumed if it has the same `base`
    model and terms; the result is the same as without the interruption. `probe` is called before the first step (0) and
    after each step that is `due`; it must not change what training gives. Raises StepFailed if the loss is not finite
    or memory is too small.
    """
    loop = _Loop(module, trainable, forward, batches, budget, seed, score, checkpoint, log, probe, due, spending, base)
    required = {name: parameter.requires_grad for name, parameter in trainable.items()}
    try:
        with dropout(module, budget.dropout), fused(module), loop.recomputing:
            module.train()
            for parameter in trainable.values():
                parameter.requires_grad_(True)
            return loop.run()
    finally:
        module.eval()
        for name, parameter in trainable.items():
            parameter.requires_grad_(required[name])
            parameter.grad = None


class _Loop(Generic[P]):
    def __init__(
        self,
        module: nn.Module,
        trainable: Mapping[str, nn.Parameter],
        forward: Callable[[P], Tensor],
        batches: Source[P],
        budget: FitConfig,
        seed: int,
        score: Callable[[], float] | None,
        folder: Path,
        log: Log,
        probe: ProbeFunction | None,
        due: Callable[[int], bool] | None,
        spending: Spending,
        base: str,
    ) -> None:
        self.module, self.trainable, self.forward, self.batches = module, trainable, forward, batches
        self.budget, self.seed, self.score, self.log = budget, seed, score, log
        self.probe, self.due, self.spending = probe, due, spending
        self.device = next(iter(trainable.values())).device
        self.updates, self.folder = Updates(trainable, budget, seed), folder
        self.recomputing = Recomputing(module, begin=budget.gradient_checkpointing is True)
        self.state = Progress(micro_batch=budget.micro_batch)
        self.best: Mapping[str, Tensor] = {}
        self.saved = 0  # the last step that a checkpoint holds
        self.between_steps = False  # whether parameters, optimiser and progress belong to the end of the same step
        self.checkpoints = RunCheckpoints(folder, self._key(base), budget.checkpoint_seconds, spending, log.say)

    def run(self) -> Fit:
        with self.checkpoints:
            try:
                return self._run()
            except EndedBySignal:
                if self.checkpoints.written and self.between_steps and self.state.step > self.saved:
                    self._save()
                raise

    def _run(self) -> Fit:
        self._resume()
        self.between_steps = True
        state, budget = self.state, self.budget
        if state.recomputing:
            self.recomputing.begin()
        if state.step == 0:
            self._run_probe()
        while state.step < budget.steps and not state.stopped:
            loss = self._step()
            state.step += 1
            state.note({"loss": loss, **self.batches.measured()}, budget.steps)
            if state.step == budget.steps or (budget.select_every and state.step % budget.select_every == 0):
                self._select()
            self._run_probe()
            self.between_steps = True
            self.log.progress(state.step, budget.steps, loss, state.best_score)
            if self.checkpoints.due:
                self._save()
        return Fit(
            self.best, state.best_step, state.best_score, state.step, state.tokens,
            tuple(CurvePoint(*point) for point in state.curve), dict(state.seconds), state.early_stop(budget.steps),
        )  # fmt: skip

    def _step(self) -> float:
        """One optimiser step, in smaller micro-batches if memory is too small. Returns the mean loss of a token."""
        while True:
            try:
                loss, updated = self._gradients()
                break
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
            self.updates.abandon()
            self._halve()  # outside of the handler: its traceback still holds the failed pass's tensors
        with self.state.timed("update"):
            self.updates.finish(within=updated)
        return loss

    def _gradients(self) -> tuple[float, bool]:
        """Compute gradients of the mean loss over all answer tokens of the step's batch, whatever the parts' sizes.

        Returns that loss, and whether the parameters were updated within the backward pass.
        """
        step = self.state.step
        # depends only on the seed and the step, so that a resumed run drops the same units
        seed_device(self.device, seed_of(self.seed, "step", step))
        targets = self.batches.target_tokens(step)
        total, tokens = torch.zeros((), device=self.device), 0
        with self.state.timed("sampling"), computing(self.device, self.budget.compute_precision):
            parts = self.batches.parts(step, self.state.micro_batch)
        with self.state.timed("update"), self.updates.receiving(step, len(parts)) as updated:
            for part in parts:
                with computing(self.device, self.budget.compute_precision):
                    loss = self.forward(part.to(self.device)) / targets
                if updated:
                    check_loss(float(loss.detach()), step + 1, self.budget.steps)
                    self.between_steps = False
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.detach()
                tokens += part.tokens
            check_loss(float(total), step + 1, self.budget.steps)
            self.between_steps = False
            self.state.tokens += tokens
            self.spending.add_tokens(tokens)
            return float(total), updated

    def _halve(self) -> None:
        state = self.state
        if self.budget.gradient_checkpointing == "auto" and self.recomputing.begin():
            state.recomputing = True
            self.log.say(f"out of memory at step {state.step + 1}: going on with gradient checkpointing")
            return
        if state.micro_batch == 1:
            raise StepFailed(f"memory does not suffice for one example at step {state.step + 1}: lower max_length")
        state.micro_batch = (state.micro_batch + 1) // 2
        self.log.say(f"out of memory at step {state.step + 1}: going on with micro-batches of {state.micro_batch}")

    def _select(self) -> None:
        """Score the current parameters and keep them if they are the best so far."""
        state = self.state
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.trainable.values()):
            raise StepFailed(f"parameters are not finite after step {state.step}: try a lower learning rate")
        value: float | None = None
        if self.score is not None:
            self.module.eval()
            with torch.no_grad(), state.timed("selection"):
                value = self.score()
            self.module.train()
            if not math.isfinite(value):
                raise StepFailed(f"the selection score after step {state.step} is {value}: no checkpoint can be chosen")
            state.curve.append((state.step, "selection", value))
        if value is None or state.best_score is None or value > state.best_score:
            state.best_step, state.best_score = state.step, value
            self._take(self.trainable)
        if value is not None:
            goal, patience = self.budget.stop_at_score, self.budget.patience
            reached = goal is not None and value >= goal
            state.stopped = reached or (patience is not None and state.selections_since_best >= patience)
        if (stop := self.state.early_stop(self.budget.steps)) is not None:
            self.log.say(str(stop))

    def _take(self, tensors: Mapping[str, Tensor]) -> None:
        """Let these be the best so far."""
        self.best = {}  # frees the ones before
        self.best = offloaded(tensors, self.folder, copy=True)

    def _run_probe(self) -> None:
        """Probe the current parameters if a probe is due."""
        state = self.state
        if self.probe is None or self.due is None or not (self.due(state.step) or state.stopped):
            return
        self.module.eval()
        with state.timed("probes"):
            state.curve += [(point.step, point.name, point.value) for point in self.probe(state.step)]
        self.module.train()

    def _key(self, base: str) -> str:
        """A hash of everything that a checkpoint must have in common with this run."""
        terms = {name: value for name, value in asdict(self.budget).items() if name not in FREE}
        shapes = {name: list(parameter.shape) for name, parameter in self.trainable.items()}
        return fingerprint(
            [terms, shapes, self.seed, self.batches.fingerprint, base, [f.name for f in fields(Progress)]]
        )

    def _save(self) -> None:
        tensors, numbers = state_of(self.updates.optimizer, self.trainable)
        groups = {"now": self.trainable, "optimizer": tensors}
        if self.best and self.state.best_step < self.state.step:  # otherwise they are those of now
            groups["best"] = self.best
        self.checkpoints.save(groups, {"progress": asdict(self.state), "optimizer": numbers})
        self.saved = self.state.step

    def _resume(self) -> None:
        checkpoint = self.checkpoints.resume()
        if checkpoint is None:
            return
        progress, groups = checkpoint.state["progress"], checkpoint.groups
        self.state = Progress(**{**progress, "curve": [tuple(point) for point in progress["curve"]]})
        with torch.no_grad():
            for name, parameter in self.trainable.items():
                parameter.copy_(groups["now"][name])
        best = groups.get("best", groups["now"] if self.state.best_step else {})
        self._take(best)
        restore_state(
            self.updates.optimizer, self.trainable, groups.get("optimizer", {}), checkpoint.state["optimizer"]
        )
        self.saved = self.state.step
        self.log.say(f"going on after step {self.state.step}")
