"""The training loop: steps, selection scores, and checkpoints to resume from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Generic

import torch
from torch import Tensor, nn

from suite.core.errors import StepFailed
from suite.core.hashing import seed_of
from suite.core.signals import EndedBySignal
from suite.inference.batching import in_lockstep
from suite.models.fused import fused
from suite.models.offload import offloaded
from suite.training.checkpoint import RunCheckpoints
from suite.training.config import FitConfig, Sharding
from suite.training.data.source import UNCOUNTED, P, Source, Spending
from suite.training.device import computing, seed_device
from suite.training.dropout import dropout
from suite.training.memory import out_of_memory
from suite.training.optim import restore_state, state_of
from suite.training.outcome import CurvePoint as CurvePoint
from suite.training.outcome import Fit as Fit
from suite.training.outcome import Log as Log
from suite.training.outcome import ProbeFunction as ProbeFunction
from suite.training.progress import Progress, run_key
from suite.training.ranks import RankDone, ranks
from suite.training.recomputing import Recomputing
from suite.training.shards import Shards, is_divided
from suite.training.updates import Updates, check_loss


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
    sharding: Sharding = "nothing",
) -> Fit:
    """Train the `trainable` parameters of `module` in place. Returns the best-scored checkpoint (ties: the first).

    `forward` returns a batch's loss, summed over its answers' tokens. `score` returns the selection score of the
    current parameters. `checkpoint` is a folder: an interrupted attempt in it is resumed if it has the same `base`
    model and terms; the result is the same as without the interruption. `probe` is called before the first step (0) and
    after each step that is `due`; it must not change what training gives. Where several processes train a step, each
    calls this, `sharding` says what they divide among their devices, and only the first one returns: the others raise
    RankDone. Raises StepFailed if the loss is not finite or memory is too small.
    """
    required = {name: parameter.requires_grad for name, parameter in trainable.items()}
    try:
        recomputing = Recomputing(module, begin=budget.gradient_checkpointing is True)
        with dropout(module, budget.dropout), fused(module), recomputing:
            module.train()
            for parameter in trainable.values():
                parameter.requires_grad_(True)
            shards = Shards(module, trainable, sharding)
            loop = _Loop(
                module, shards, forward, batches, budget, seed, score, checkpoint, log, probe, due, spending, base,
                recomputing,
            )  # fmt: skip
            with in_lockstep() if is_divided(module) else nullcontext():
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
        shards: Shards,
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
        recomputing: Recomputing,
    ) -> None:
        self.module, self.shards, self.forward, self.batches = module, shards, forward, batches
        self.budget, self.seed, self.score, self.log = budget, seed, score, log
        self.probe, self.due, self.spending = probe, due, spending
        self.trainable, self.device, self.ranks = shards.parameters, shards.device, ranks()
        self.updates, self.folder, self.recomputing = Updates(shards, budget, seed), folder, recomputing
        self.state = Progress(micro_batch=budget.micro_batch)
        self.best: Mapping[str, Tensor] = {}
        self.saved = 0  # the last step that a checkpoint holds
        self.between_steps = False  # whether parameters, optimiser and progress belong to the end of the same step
        self.signal, self.save_due = 0, False  # as the first process saw them in the last step
        key = run_key(budget, shards.shapes, seed, batches.fingerprint, base)
        self.checkpoints = RunCheckpoints(folder, key, budget.checkpoint_seconds, spending, log.say)

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
            if self.signal:
                raise EndedBySignal(self.signal)
            if self.save_due if self.ranks.count > 1 else self.checkpoints.due:
                self._save()
        if not self.ranks.first:
            raise RankDone
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
        step, each = self.state.step, -(-self.budget.batch_size // self.ranks.count)
        # depends only on the seed and the step, so that a resumed run drops the same units
        seed_device(self.device, seed_of(self.seed, "step", step, *filter(None, [self.ranks.rank])))
        targets = self.batches.target_tokens(step)
        total = torch.zeros((), device=self.device)
        with self.state.timed("sampling"), computing(self.device, self.budget.compute_precision):
            self.shards.open()
            parts = self.batches.parts(step, min(self.state.micro_batch, each))
        with self.state.timed("update"), self.updates.receiving(step, len(parts)) as updated:
            for part, counts in self.ranks.share(parts):
                self.shards.open()
                with computing(self.device, self.budget.compute_precision):
                    loss = self.forward(part.to(self.device)) * counts / targets
                if updated:
                    check_loss(float(loss.detach()), step + 1, self.budget.steps)
                    self.between_steps = False
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.detach()
            mean = self._agree(total)
            check_loss(mean, step + 1, self.budget.steps)
            self.between_steps = False
            tokens = sum(part.tokens for part in parts)
            self.state.tokens += tokens
            self.spending.add_tokens(tokens)
            return mean, updated

    def _agree(self, loss: Tensor) -> float:
        """The loss summed over all processes; all learn here whether to save and to end after this step."""
        if self.ranks.count == 1:
            return float(loss)
        # 1 means no, as where training is simulated all numbers are read as 1
        said = [1.0 + self.checkpoints.due, 1.0 + self.ranks.end()] if self.ranks.first else [0.0, 0.0]
        agreed = self.ranks.total(torch.tensor([float(loss), *said], device=self.device)).tolist()
        self.save_due, self.signal = agreed[1] > 1, int(agreed[2]) - 1
        return float(agreed[0])

    def _halve(self) -> None:
        state = self.state
        if self.ranks.count > 1:  # the other processes are in the middle of the step
            fix = "set `budget.gradient_checkpointing: true`, lower `budget.micro_batch`, or raise `budget.shard`"
            raise StepFailed(f"memory does not suffice at step {state.step + 1} on {self.device}: {fix}")
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
        if not self.shards.finite():
            raise StepFailed(f"parameters are not finite after step {state.step}: try a lower learning rate")
        value: float | None = None
        if self.score is not None:
            self.module.eval()
            with torch.no_grad(), state.timed("selection"):
                self.shards.open()
                value = self.ranks.from_first(self.score())
            self.module.train()
            if not math.isfinite(value):
                raise StepFailed(f"the selection score after step {state.step} is {value}: no checkpoint can be chosen")
            state.curve.append((state.step, "selection", value))
        if value is None or state.best_score is None or value > state.best_score:
            state.best_step, state.best_score = state.step, value
            self._take(self.shards.whole(self.trainable))
        if value is not None:
            goal, patience = self.budget.stop_at_score, self.budget.patience
            reached = goal is not None and value >= goal
            state.stopped = reached or (patience is not None and state.selections_since_best >= patience)
        if (stop := self.state.early_stop(self.budget.steps)) is not None:
            self.log.say(str(stop))

    def _take(self, tensors: Mapping[str, Tensor]) -> None:
        """Let these be the best so far."""
        self.best = {}  # frees the ones before
        self.best = offloaded(tensors, self.folder, copy=self.ranks.count == 1)

    def _run_probe(self) -> None:
        """Probe the current parameters if a probe is due."""
        state = self.state
        if self.probe is None or self.due is None or not (self.due(state.step) or state.stopped):
            return
        self.module.eval()
        with state.timed("probes"):
            self.shards.open()
            state.curve += [(point.step, point.name, point.value) for point in self.probe(state.step)]
        self.module.train()

    def _save(self) -> None:
        tensors, numbers = state_of(self.updates.optimizer, self.trainable)
        groups = {"now": self.shards.whole(self.trainable), "optimizer": self.shards.whole(tensors)}
        if self.best and self.state.best_step < self.state.step:  # otherwise they are those of now
            groups["best"] = dict(self.best)
        if self.ranks.first:
            self.checkpoints.save(groups, {"progress": asdict(self.state), "optimizer": numbers})
        self.saved = self.state.step

    def _resume(self) -> None:
        checkpoint = self.checkpoints.resume()
        if checkpoint is None:
            return
        progress, groups = checkpoint.state["progress"], checkpoint.groups
        self.state = Progress(**{**progress, "curve": [tuple(point) for point in progress["curve"]]})
        now, optimizer = self.shards.own(groups["now"]), self.shards.own(groups.get("optimizer", {}))
        with torch.no_grad():
            for name, parameter in self.trainable.items():
                parameter.copy_(now[name])
        if self.ranks.first:
            self._take(groups.get("best", groups["now"] if self.state.best_step else {}))
        restore_state(self.updates.optimizer, self.trainable, optimizer, checkpoint.state["optimizer"])
        self.saved = self.state.step
        self.log.say(f"going on after step {self.state.step}")
