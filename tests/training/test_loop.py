"""The loop: exact accumulation, selection, interruption without a trace, and honest failure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.core.errors import StepFailed
from suite.models.adapted import AdaptedModel, swapped
from suite.models.backbone import Backbone, Shape
from suite.training import checkpoint as checkpoint_module
from suite.training.checkpoint import checkpoint_files
from suite.training.data.batches import Batch, Batches
from suite.training.data.examples import encode
from suite.training.data.source import UNCOUNTED, Spending
from suite.training.loop import Fit, fit
from suite.training.objectives.losses import answer_loss
from suite.training.optim import make_optimizer
from tests.models.tiny_budget import Memory, Stop, budget
from tests.models.tiny_models import tiny_backbone, tiny_examples


def train(
    backbone: Backbone,
    folder: Path,
    *,
    log: Memory | None = None,
    scores: Sequence[float] | None = None,
    by_size: bool = False,
    loss: Callable[[AdaptedModel, Batch], torch.Tensor] = answer_loss,
    seed: int = 0,
    spending: Spending = UNCOUNTED,
    base: str = "",
    **changes: Any,
) -> Fit:
    """Fine-tune all weights on twenty examples."""
    terms = budget(**changes)
    encoding = encode(backbone, tiny_examples(20), max_length=64, soft_length=0)
    batches = Batches(backbone, encoding.examples, batch_size=terms.batch_size, seed=seed)
    values: Iterator[float] = chain(scores or (), repeat(0.0))

    def score() -> float:
        table = backbone.model.get_input_embeddings().weight
        return float(table.double().abs().sum() * 1e6 % 100) if by_size else next(values)

    adapted = AdaptedModel(backbone, backbone.model)
    copies = {name: parameter.detach().clone() for name, parameter in backbone.model.named_parameters()}
    with swapped(backbone.model, copies) as trainable:
        return fit(
            backbone.model, trainable, lambda batch: loss(adapted, batch), batches, terms, seed=seed,
            score=score if by_size or scores is not None else None, checkpoint=folder, log=log or Memory(),
            spending=spending, base=base,
        )  # fmt: skip


def same(first: Fit, second: Fit) -> bool:
    tensors = first.best.keys() == second.best.keys() and all(
        torch.equal(first.best[name], second.best[name]) for name in first.best
    )
    rest = [(f.best_step, f.best_score, f.steps_done, f.tokens, f.curve) for f in (first, second)]
    return tensors and rest[0] == rest[1]


def test_the_loss_falls(backbone: Backbone, tmp_path: Path) -> None:
    log = Memory()
    train(backbone, tmp_path, log=log, steps=30)
    assert sum(log.losses[-5:]) < 0.5 * sum(log.losses[:5])


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_the_same_seed_gives_the_same_bits(backbone: Backbone, tmp_path: Path, optimizer: str) -> None:
    first, again, other = (
        train(backbone, tmp_path / str(number), seed=seed, dropout=0.2, optimizer=optimizer)
        for number, seed in enumerate((0, 0, 1))
    )
    assert same(first, again)
    assert not same(first, other)


@pytest.mark.parametrize("micro_batch", [1, 3])
def test_accumulated_gradients_are_those_of_the_whole_batch(
    backbone: Backbone, tmp_path: Path, micro_batch: int
) -> None:
    # plain gradients would hide behind AdamW's scaling, so one step of each is compared at the parameters
    whole = train(backbone, tmp_path / "a", steps=3, clip=None, optimizer="adafactor")
    parts = train(backbone, tmp_path / "b", steps=3, clip=None, optimizer="adafactor", micro_batch=micro_batch)
    for name, tensor in whole.best.items():
        torch.testing.assert_close(parts.best[name], tensor, rtol=1e-3, atol=1e-4)
    assert parts.tokens == whole.tokens
    assert [p.value for p in parts.curve] == pytest.approx([p.value for p in whole.curve], rel=1e-4)


@pytest.mark.parametrize("stops", [(1,), (3,), (4, 5), (2, 2)])
@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_an_interrupted_run_ends_as_if_it_had_not_been(
    shape: Shape, tmp_path: Path, stops: tuple[int, ...], optimizer: str
) -> None:
    backbone = tiny_backbone(shape)
    settings: dict[str, Any] = {"steps": 7, "dropout": 0.1, "optimizer": optimizer, "warmup": 2, "schedule": "cosine"}
    settings |= {"weight_decay": 1e-3, "decay_by_rate": False, "scale_parameter": optimizer == "adafactor"}
    settings["by_size"] = True  # selection by a function of the parameters, erratic enough to choose any step
    whole = train(backbone, tmp_path / "whole", **settings)
    for stop in stops:
        with pytest.raises(Stop):
            train(backbone, tmp_path / "cut", log=Memory(stop), checkpoint_seconds=0.0, **settings)
    log = Memory()
    resumed = train(backbone, tmp_path / "cut", log=log, checkpoint_seconds=0.0, **settings)
    assert same(whole, resumed)
    assert len(log.losses) == 7 - (stops[-1] - 1)


def test_a_kill_while_the_checkpoint_is_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, written = tiny_backbone("decoder"), []

    def torn(tensors: Any, path: Path, metadata: Any = None) -> None:
        written.append(path)
        if len(written) == 3:
            Path(path).write_bytes(b"half of it")
            raise Stop
        save(tensors, path, metadata=metadata)

    save = checkpoint_module.save_file
    monkeypatch.setattr(checkpoint_module, "save_file", torn)
    with pytest.raises(Stop):
        train(backbone, tmp_path / "cut", checkpoint_seconds=0.0)
    log = Memory()
    resumed = train(backbone, tmp_path / "cut", log=log, checkpoint_seconds=0.0)
    assert log.said == ["going on after step 2"]
    assert same(resumed, train(backbone, tmp_path / "whole"))


def test_a_checkpoint_that_does_not_belong_here_is_not_used(tmp_path: Path) -> None:
    backbone, log = tiny_backbone("decoder"), Memory()
    train(backbone, tmp_path / "a", checkpoint_seconds=0.0)
    other = train(backbone, tmp_path / "a", learning_rate=2e-2, log=log)
    assert "another configuration" in log.said[0]
    assert same(other, train(backbone, tmp_path / "b", learning_rate=2e-2))
    (file,) = checkpoint_files(tmp_path / "a")
    file.write_bytes(b"damaged")
    again, log = train(backbone, tmp_path / "a", log=(log := Memory())), log
    assert "cannot be read" in log.said[0]
    assert same(again, train(backbone, tmp_path / "c"))


def test_the_best_checkpoint_is_kept_and_ties_go_to_the_earliest(backbone: Backbone, tmp_path: Path) -> None:
    chosen = train(backbone, tmp_path / "a", steps=8, scores=[10.0, 50.0, 50.0, 20.0])
    assert (chosen.best_step, chosen.best_score, chosen.steps_done) == (4, 50.0, 8)
    until_there = train(backbone, tmp_path / "b", steps=4, scores=[10.0, 50.0])
    assert all(torch.equal(chosen.best[name], until_there.best[name]) for name in chosen.best)
    assert [(p.step, p.value) for p in chosen.curve if p.name == "selection"] == [(2, 10), (4, 50), (6, 50), (8, 20)]


def test_training_stops_when_the_score_is_reached(backbone: Backbone, tmp_path: Path) -> None:
    found = train(backbone, tmp_path, steps=100, scores=[10.0, 95.0], stop_at_score=90.0)
    assert (found.steps_done, found.best_step, found.best_score) == (4, 4, 95.0)
    assert str(found.early_stop) == "stopped after step 4 of 100: the selection score reached the goal"


def test_training_stops_when_the_score_no_longer_rises(backbone: Backbone, tmp_path: Path) -> None:
    log = Memory()
    scores = [10.0, 50.0, 20.0, 60.0, 60.0, 30.0, 99.0]
    found = train(backbone, tmp_path / "a", log=log, steps=100, scores=scores, patience=2)
    assert (found.steps_done, found.best_step, found.best_score) == (12, 8, 60.0)
    assert log.said == ["stopped after step 12 of 100: 2 selections without a better score than at step 8"]
    assert str(found.early_stop) == log.said[0]
    until_there = train(backbone, tmp_path / "b", steps=8, scores=scores, patience=2)
    assert all(torch.equal(found.best[name], until_there.best[name]) for name in found.best)
    assert until_there.early_stop is None


def test_training_that_stops_at_its_last_step_ended_in_time(backbone: Backbone, tmp_path: Path) -> None:
    found = train(backbone, tmp_path, steps=6, scores=[50.0, 20.0, 10.0], patience=2)
    assert (found.steps_done, found.early_stop) == (6, None)


def test_without_selection_scores_no_patience_stops(backbone: Backbone, tmp_path: Path) -> None:
    assert train(backbone, tmp_path, steps=6, patience=1).steps_done == 6


@pytest.mark.parametrize("stop", [1, 4, 5, 8])
def test_an_interrupted_run_loses_its_patience_at_the_same_step(shape: Shape, tmp_path: Path, stop: int) -> None:
    backbone = tiny_backbone(shape)
    settings: dict[str, Any] = {"steps": 60, "by_size": True, "patience": 3, "select_every": 1, "dropout": 0.1}
    whole = train(backbone, tmp_path / "whole", **settings)
    assert whole.early_stop is not None
    assert whole.steps_done < 60
    with suppress(Stop):
        train(backbone, tmp_path / "cut", log=Memory(stop), checkpoint_seconds=0.0, **settings)
    resumed = train(backbone, tmp_path / "cut", checkpoint_seconds=0.0, **settings)
    assert same(whole, resumed)
    assert resumed.early_stop == whole.early_stop


@pytest.mark.parametrize("clip", [1e-3, None])
def test_the_gradient_of_all_parameters_together_is_clipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: float | None
) -> None:
    norms: list[float] = []

    def watched(trainable: Any, terms: Any) -> Any:
        optimizer = make_optimizer(trainable, terms)
        whole = lambda *_: norms.append(float(sum(p.grad.square().sum() for p in trainable.values()) ** 0.5))  # noqa: E731
        optimizer.register_step_pre_hook(whole)
        return optimizer

    monkeypatch.setattr("suite.training.updates.make_optimizer", watched)
    train(tiny_backbone("decoder"), tmp_path, steps=3, clip=clip)
    assert len(norms) == 3
    assert all((norm <= 1.001e-3) == (clip is not None) for norm in norms)


def test_a_decay_that_does_not_go_by_the_rate_shrinks_at_every_step(tmp_path: Path) -> None:
    backbone = tiny_backbone("decoder")
    start = {name: parameter.detach().clone() for name, parameter in backbone.model.named_parameters()}
    found = train(backbone, tmp_path, steps=3, learning_rate=1e-12, weight_decay=0.5, decay_by_rate=False)
    for name, tensor in found.best.items():
        torch.testing.assert_close(tensor, start[name] / 8, rtol=1e-5, atol=1e-6)


def test_without_selection_the_last_step_is_taken(backbone: Backbone, tmp_path: Path) -> None:
    found = train(backbone, tmp_path, select_every=None)
    assert (found.best_step, found.best_score) == (6, None)


def test_a_loss_that_is_not_a_number_is_a_failure_at_its_step(backbone: Backbone, tmp_path: Path) -> None:
    log = Memory()
    with pytest.raises(StepFailed, match=r"loss is nan at step 3 of 6"):
        train(
            backbone,
            tmp_path,
            log=log,
            loss=lambda s, b: answer_loss(s, b) * (float("nan") if len(log.losses) == 2 else 1),
        )
    assert len(log.losses) == 2
    assert not backbone.model.training


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_selection_score_that_is_no_number_is_a_failure(value: float, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=f"the selection score after step 4 is {value}: no checkpoint can be chosen"):
        train(tiny_backbone("decoder"), tmp_path, steps=6, select_every=2, scores=[10.0, value, 20.0])


def test_parameters_that_are_not_finite_are_never_selected(tmp_path: Path) -> None:
    backbone = tiny_backbone("decoder")
    with pytest.raises(StepFailed, match="not finite after step 1"):
        train(backbone, tmp_path, steps=1, learning_rate=1e39, clip=None)


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("no"), RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried …")],
)
def test_out_of_memory_halves_the_micro_batch_and_says_so(tmp_path: Path, error: RuntimeError) -> None:
    backbone, log = tiny_backbone("decoder"), Memory()

    def hungry(adapted: AdaptedModel, batch: Batch) -> torch.Tensor:
        if len(batch.input_ids) > 1:
            raise error
        return answer_loss(adapted, batch)

    found = train(backbone, tmp_path / "a", log=log, loss=hungry, gradient_checkpointing=False)
    assert [text.rpartition(" ")[2] for text in log.said] == ["2", "1"]
    assert same(found, train(backbone, tmp_path / "b", micro_batch=1))


def test_out_of_memory_with_one_example_is_a_failure(tmp_path: Path) -> None:
    def hungry(adapted: AdaptedModel, batch: Batch) -> torch.Tensor:
        raise torch.OutOfMemoryError("no")

    with pytest.raises(StepFailed, match="memory does not suffice"):
        train(tiny_backbone("decoder"), tmp_path, loss=hungry)


def test_other_errors_are_not_swallowed(tmp_path: Path) -> None:
    def broken(adapted: AdaptedModel, batch: Batch) -> torch.Tensor:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        train(tiny_backbone("decoder"), tmp_path, loss=broken)


def test_a_curve_of_a_long_run_stays_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.training.progress.CURVE_POINTS", 10)
    found = train(tiny_backbone("decoder"), tmp_path, steps=45, batch_size=1, micro_batch=1, select_every=None)
    losses = [point for point in found.curve if point.name == "loss"]
    assert len(losses) == 12
    assert losses[-1].step == 45
