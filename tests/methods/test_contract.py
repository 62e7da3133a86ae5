"""What holds for every method, on decoders and encoder-decoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from suite.core.errors import SuiteError
from suite.methods import SELF
from suite.models.adapted import AdaptedModel
from suite.models.apply import applied
from suite.models.artifacts import load_artifact
from suite.models.backbone import Backbone, Shape
from suite.models.in_effect import assert_in_effect
from suite.models.singular import matrices
from suite.training.data.batches import Collator
from suite.training.objectives import losses, optimise
from tests.methods.tiny_jobs import (
    TRAINED,
    Rule,
    config_of,
    job_for,
    lengths,
    method_of,
    objective_of,
    parents_of,
    selected_by,
    tiny_set,
)
from tests.models.tiny_budget import Memory, Stop
from tests.models.tiny_models import bits, tiny_backbone, tiny_examples

KINDS = {
    "full": "weights", "two-stage": "weights", "adapter": "adapter", "prompt": "prompt", "prefix": "prefix",
    "singular": "singular",
}  # fmt: skip


def kind_of(name: str) -> str:
    """What a method leaves."""
    return "joint" if name.startswith("joint_tuning") else KINDS[method_of(name).FAMILY]


@pytest.fixture(params=TRAINED)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def train(name: str, backbone: Backbone, folder: Path, settings: dict[str, Any] | None = None, **changes: Any) -> Any:
    return method_of(name).train(config_of(name, **settings or {}), job_for(name, backbone, folder, **changes))


def logits(current: AdaptedModel) -> torch.Tensor:
    ids = torch.tensor([[7, 8, 9, 10], [11, 12, 13, 14]])
    embeds, _ = current.embed(ids, torch.ones_like(ids), side="left")
    extra = {"decoder_input_ids": ids} if current.backbone.shape == "encoder-decoder" else {}
    with torch.no_grad():
        return torch.as_tensor(current.model(inputs_embeds=embeds, **extra, **current.prefix_inputs(2)).logits)


def test_training_leaves_the_base_as_it_was(name: str, backbone: Backbone, tmp_path: Path) -> None:
    model = backbone.model
    before, modules, parameters = bits(model), list(model.modules()), list(model.parameters())
    settings = [{k: v for k, v in vars(module).items() if k in ("p", "dropout")} for module in modules]
    trained = train(name, backbone, tmp_path, {"dropout": 0.1})
    assert bits(model) == before
    assert settings == [{k: v for k, v in vars(module).items() if k in ("p", "dropout")} for module in modules]
    assert all(a is b for a, b in zip(modules, model.modules(), strict=True))
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    assert not model.training
    assert not any(p.requires_grad or p.grad is not None for p in parameters)
    assert trained.artifact.kind == kind_of(name)
    assert trained.trained_parameters > 0


def test_only_what_should_train_trains(
    name: str, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = set(), losses.answer_logits

    def watch(current: AdaptedModel, *rest: Any) -> Any:
        # an object may not outlive the run, so count numbers
        asked.add(sum(p.numel() for p in current.model.parameters() if p.requires_grad))
        before = [each for each in (current.soft, current.prefix) if each is not None and each.requires_grad]
        asked.add(-sum(each.numel() for each in before))
        return real(current, *rest)

    for module in ("losses", "reinforce"):
        monkeypatch.setattr(f"suite.training.objectives.{module}.answer_logits", watch)
    trained = train(name, backbone, tmp_path)
    every = sum(parameter.numel() for parameter in backbone.model.parameters())
    whole = trained.trained_parameters if method_of(name).FAMILY == "full" else every
    wanted = {
        "full": {whole, 0}, "two-stage": {every, 0}, "adapter": {trained.trained_parameters, 0},
        "prompt": {0, -trained.trained_parameters}, "prefix": {0, -trained.trained_parameters}, "singular": {0},
    }  # fmt: skip
    prompt = 4 * backbone.width
    assert asked == ({every, -prompt} if kind_of(name) == "joint" else wanted[method_of(name).FAMILY])
    assert trained.trained_parameters == every or not name.startswith("finetune")
    twice = name.startswith("pissa")  # what was learned, and the start that is taken away
    assert trained.trained_parameters * (1 + twice) == trained.artifact.parameters


def test_a_saved_artifact_answers_as_the_trained_one(name: str, backbone: Backbone, tmp_path: Path) -> None:
    trained = train(name, backbone, tmp_path / "work")
    trained.artifact.save(tmp_path / "kept", base=backbone.identity, extra={"step": "x"})
    loaded = load_artifact(tmp_path / "kept", backbone.identity)
    assert loaded.hash == trained.artifact.hash
    with applied(backbone, [trained.artifact]) as current:
        assert_in_effect(current)
        wanted = logits(current)
    fresh = tiny_backbone(backbone.shape)
    with applied(fresh, [loaded]) as current:
        assert torch.equal(logits(current), wanted)
    with pytest.raises(SuiteError, match="another base model"):
        load_artifact(tmp_path / "kept", "someone else")


def test_the_selected_checkpoint_is_the_artifact(name: str, backbone: Backbone, tmp_path: Path) -> None:
    trained = train(name, backbone, tmp_path, {"steps": 8})
    parts = method_of(name).stack(config_of(name), "rte", ("rte",))
    parents = parents_of(name, backbone)
    artifacts = [trained.artifact if part is SELF else parents[part] for part in parts]  # type: ignore[index]
    with applied(backbone, artifacts) as current, torch.no_grad():
        assert lengths(current) == pytest.approx(trained.fit.best_score, abs=1e-3)
    curve = {point.step: point.value for point in trained.fit.curve if point.name == "selection"}
    assert trained.fit.best_score == max(curve.values()) == curve[trained.fit.best_step]


def test_the_same_seed_gives_the_same_artifact(name: str, backbone: Backbone, tmp_path: Path) -> None:
    first, again, other = (
        train(name, backbone, tmp_path / str(number), {"dropout": 0.1}, seed=seed)
        for number, seed in enumerate((0, 0, 1))
    )
    assert first.artifact.hash == again.artifact.hash != other.artifact.hash


def test_an_interrupted_step_ends_as_if_it_had_not_been(name: str, backbone: Backbone, tmp_path: Path) -> None:
    whole = train(name, backbone, tmp_path / "whole", {"dropout": 0.1})
    with pytest.raises(Stop):
        train(name, backbone, tmp_path / "cut", {"dropout": 0.1}, log=Memory(3), checkpoint_seconds=0.0)
    log = Memory()
    resumed = train(name, backbone, tmp_path / "cut", {"dropout": 0.1}, log=log)
    assert log.said == ["going on after step 2"]
    assert (resumed.artifact.hash, resumed.fit.curve) == (whole.artifact.hash, whole.fit.curve)


def test_rows_held_out_for_selection_are_in_no_batch(
    name: str, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[tuple[int, ...]] = set()
    real = Collator.__call__

    def watch(self: Collator, examples: Any) -> Any:
        seen.update(example.prompt for example in examples)
        return real(self, examples)

    monkeypatch.setattr(Collator, "__call__", watch)
    rows = tiny_examples(24)
    sets = (tiny_set("rte", rows[4:14]), tiny_set("cb", rows[14:]))
    train(name, backbone, tmp_path, {"steps": 5}, examples=sets)
    from suite.models.tokens import encode_prompt

    assert seen == {tuple(encode_prompt(backbone, row.prompt)) for row in rows[4:]}


def test_training_stops_at_the_tracks_score(name: str, backbone: Backbone, tmp_path: Path) -> None:
    rule = Rule(every=1, stop_at_score=50.0)
    trained = train(name, backbone, tmp_path, selection=lambda answering: 60.0, selection_rule=rule)
    assert (trained.fit.steps_done, trained.fit.best_score) == (1, 60.0)


def test_training_stops_after_selections_without_a_better_score(name: str, backbone: Backbone, tmp_path: Path) -> None:
    scores = iter([50.0, 60.0, 60.0, 40.0])
    rule = Rule(every=1, patience=7)
    changes = {"steps": 20, "patience": 2, "select_every": 1}  # the method's own patience comes before the track's
    trained = train(name, backbone, tmp_path, changes, selection=lambda answering: next(scores), selection_rule=rule)
    assert (trained.fit.steps_done, trained.fit.best_step) == (4, 2)
    assert str(trained.fit.early_stop).endswith("2 selections without a better score than at step 2")


def test_a_target_is_learned(name: str, backbone: Backbone, tmp_path: Path) -> None:
    if objective_of(name) == "reinforce":
        pytest.skip("what is learned from reward is tested where rewards can be had (tests/training)")
    # little can be had of a random model from outside, but its loss must fall
    rate = {"prompt": 0.3, "prefix": 0.3, "adapter": 0.05, "singular": 0.3}.get(method_of(name).FAMILY, 0.01)
    if method_of(name).FAMILY == "singular":  # the matrices of a fresh model hardly act
        for weight in matrices(backbone.model, "all"):
            backbone.model.get_parameter(weight).mul_(5.0)
    log = Memory()
    train(name, backbone, tmp_path, {"steps": 40, "learning_rate": rate, "select_every": 40}, log=log)
    assert sum(log.losses[-10:]) / 10 < 0.985 * log.losses[0]


def test_a_few_examples_are_those_that_a_mixture_is_searched_on(
    name: str, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, seen = job_for(name, backbone, tmp_path), set[str]()

    for way in ("supervised", "reward"):
        trainer = getattr(optimise, f"train_{'by_' if way == 'reward' else ''}{way}")

        def note(config: Any, given: Any, trainable: Any, trainer: Any = trainer) -> Any:
            seen.update(example.prompt for example in given.examples[0].examples)
            return trainer(config, given, trainable)

        monkeypatch.setattr(optimise, trainer.__name__, note)
    method_of(name).train(config_of(name, examples=3), job)
    assert seen == {example.prompt for example in job.examples[0].few(3, job.seed)}
    assert len(seen) == 3


def test_promot_trains_behind_its_parents_prompt(backbone: Backbone, tmp_path: Path, monkeypatch: Any) -> None:
    softs, real = [], losses.answer_loss

    def watch(current: AdaptedModel, *rest: Any) -> torch.Tensor:
        softs.append(None if current.soft is None else current.soft.clone())
        return real(current, *rest)

    monkeypatch.setattr("suite.training.objectives.supervised.answer_loss", watch)
    (prompt,) = parents_of("promot", backbone)
    looks: list[AdaptedModel] = []
    train("promot", backbone, tmp_path, selection=selected_by(lambda adapted: float(looks.append(adapted) or 0)))
    assert len(softs) == 4
    assert all(torch.equal(soft, prompt.vectors) for soft in softs)
    assert looks
    assert all(look.soft_length == 4 for look in looks)
    assert len({look.identity for look in looks}) == len(looks)


def test_fine_tuning_saves_a_tied_tensor_once_and_only_what_changed(shape: Shape, tmp_path: Path) -> None:
    for tied in (True, False):
        backbone = tiny_backbone(shape, tied=tied)
        trained = train("finetune", backbone, tmp_path / str(tied))
        names = {name for name, _ in backbone.model.named_parameters()}
        assert set(trained.artifact.state) <= names
        assert ("lm_head.weight" in trained.artifact.state) is not tied


def test_a_lora_for_modules_that_are_not_there_is_an_error(backbone: Backbone, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="does not fit this model"):
        train("lora", backbone, tmp_path, {"target_modules": ("nowhere",)})


@pytest.mark.parametrize("modules", ["all-linear", ("v_proj", "o_proj")])
def test_a_lora_goes_where_it_is_told(modules: Any, tmp_path: Path) -> None:
    backbone = tiny_backbone("decoder")
    trained = train("lora", backbone, tmp_path, {"target_modules": modules})
    touched = {key.split(".")[-3] for key in trained.artifact.state}
    every = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert touched == (every if modules == "all-linear" else set(modules))


def test_small_steps_add_up_in_a_bfloat16_model(name: str, shape: Shape, tmp_path: Path) -> None:
    backbone = tiny_backbone(shape, dtype=torch.bfloat16)
    before = {key: tensor.clone() for key, tensor in backbone.model.state_dict().items()}
    # factors near 1 act on nothing in bfloat16 before they have moved some way
    rate = 1e-2 if name.startswith("ia3") else 1e-3 if method_of(name).FAMILY == "singular" else 1e-4
    rate = 3e-4 if kind_of(name) == "joint" else rate  # its prompt takes a share of the clipped gradient
    trained = train(name, backbone, tmp_path, {"steps": 12, "learning_rate": rate})
    assert all(torch.equal(before[key], tensor) for key, tensor in backbone.model.state_dict().items())
    for key, tensor in trained.artifact.tensors.items():
        weights = trained.artifact.kind == "weights" or key.startswith("weights|")
        assert tensor.dtype == (torch.bfloat16 if weights else torch.float32)
        dense = key.endswith(("v_proj.weight", "SelfAttention.v.weight")) and objective_of(name) == "next_token"
        if dense:  # each step alone is lost on most of a matrix
            assert float((tensor != before[key.removeprefix("weights|")]).float().mean()) > 0.4, key
    with applied(backbone, [trained.artifact]) as current:
        assert_in_effect(current)
