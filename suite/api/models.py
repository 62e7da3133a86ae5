"""A stored experiment as a model: the base with the experiment's artifacts applied, and its tokenizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from suite.api.paths import File, folder_of, home_of
from suite.api.stored import define_kind, located_base, stored_record
from suite.core.errors import StepFailed, SuiteError
from suite.core.run_dir import RunDir
from suite.models.source import LocatedModel
from suite.results.commands import restore_command
from suite.results.stacks import answering_step, finished_stack
from suite.results.store import ExperimentRecord, Store
from suite.results.store.experiment_results import ExperimentResults
from suite.specs import Experiment
from suite.specs.blocks import Decoding

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from suite.models.adapted import AdaptedModel


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A base model with an experiment's artifacts applied. A `with` statement restores the base at its end."""

    experiment: ExperimentRecord
    role: str
    """The task for which the artifacts are applied: a method may answer other tasks without some of them."""
    adapted: AdaptedModel
    """The base model and the artifacts applied to it."""
    decoding: Mapping[str, Any]
    """How answers are decoded on the experiment's track."""
    _applied: ExitStack = field(repr=False)

    @property
    def model(self) -> PreTrainedModel:
        """The transformers model, with the experiment's weights and adapters in effect.

        A soft prompt (`adapted.soft`) and a prefix (`adapted.prefix`) are not part of it: they come before each input,
        as in `answer`.
        """
        return self.adapted.backbone.model

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The model's tokenizer."""
        return self.adapted.backbone.tokenizer

    def answer(
        self, prompts: Sequence[str], *, max_new_tokens: int = 64, stop: Sequence[str] = (), raw: bool = False
    ) -> tuple[str, ...]:
        """The model's answer to each prompt, up to a `stop` string, decoded as in the experiment's evaluations.

        If the track asks as a chat, each prompt is a user's message, unless it is `raw`.
        """
        if isinstance(prompts, str) or isinstance(stop, str):
            raise SuiteError("prompts and stop strings are lists of texts", fix="write answer([prompt], stop=[text])")
        if max_new_tokens < 1:
            raise SuiteError("an answer needs a token", where="max_new_tokens", fix="give 1 or more")
        from lm_eval.api.instance import Instance

        from suite.evaluation.lm import StackLM

        lm, chat = StackLM(self.adapted, **self.decoding), self.adapted.backbone.chat
        asked = prompts if chat is None or raw else [chat.asked(prompt) for prompt in prompts]
        settings = {"until": list(stop), "max_gen_toks": max_new_tokens}
        requests = [Instance("generate_until", {}, (prompt, settings), index) for index, prompt in enumerate(asked)]
        return tuple(lm.generate_until(requests)) if requests else ()

    def close(self) -> None:
        """Remove the artifacts, which restores the base."""
        self._applied.close()

    def __enter__(self) -> LoadedModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def load_model(
    experiment: str | Experiment | ExperimentRecord,
    *,
    home: File | None = None,
    db: str | None = None,
    track: str | None = None,
    seed: int | None = None,
    role: str | None = None,
    models: File | None = None,
    device: str | None = None,
) -> LoadedModel:
    """Load the model of a finished experiment: the base with the artifacts for a task, checked to be in effect.

    The experiment is given by its name (with `track` and `seed` if there are several), or by its id or the beginning of
    it. It may also be the object from `load_spec` or the store. `role` is the task to answer: a target (by default the
    first), or a held-out task, which some methods answer with other artifacts. Raises SuiteError if the experiment is
    not stored, is not finished, or answers with several models. Raises it also if an artifact is missing or damaged.
    """
    run_dir = home_of(home, db)
    with Store.open(run_dir.url, create=False) as store:
        results = ExperimentResults.of(store, stored_record(store, experiment, track, seed))
        answers_for, steps, base = _stack(results, role)
        artifacts = store.artifacts(steps)
    for step, artifact in artifacts.items():
        define_kind(artifact.kind, experiment, results, step)
    hashes = {step: artifact.hash for step, artifact in artifacts.items()}
    located = located_base(experiment, results.record, folder_of(models, "SUITE_MODELS"))
    if located.identity != base:
        what = f"the base model {located.source.title} is not the one that '{results.record.name}' was made for"
        raise SuiteError(what, fix="name the folder it is in with models=")
    applied, current = _applied(run_dir, located, results.record, steps, hashes, device)
    return LoadedModel(results.record, answers_for, current, _decoding(results.record), applied)


def _applied(
    home: RunDir, located: LocatedModel, record: ExperimentRecord, steps: Sequence[str], hashes: Mapping[str, str],
    device: str | None,
) -> tuple[ExitStack, AdaptedModel]:  # fmt: skip
    """The steps' artifacts applied to the base and checked to be in effect. Closing the first value removes them."""
    from suite.execution.artifacts import load_published
    from suite.execution.preflight import check_device, fetch
    from suite.models.apply import applied
    from suite.models.backbone import load_backbone
    from suite.models.chat import Chat, asked_as
    from suite.models.in_effect import assert_in_effect

    check_device(device)
    if located.folder is None:
        fetch(located.source)
    given = record.spec["track"].get("chat")
    chat = None if given is None else Chat.model_validate(given)
    backbone = asked_as(load_backbone(located, device, home.factors_of(located.identity)), chat, located.source.title)
    try:
        artifacts = [load_published(home.artifact(step), backbone.identity, hashes.get(step, "")) for step in steps]
    except StepFailed as error:
        fix = f"`{restore_command(record.name, record.spec, record.seed)}` trains it again"
        raise SuiteError(str(error), fix=fix) from error
    with ExitStack() as context:
        current = context.enter_context(applied(backbone, artifacts))
        assert_in_effect(current)
        return context.pop_all(), current


def _stack(results: ExperimentResults, role: str | None) -> tuple[str, tuple[str, ...], str]:
    """The role to answer, the train steps whose artifacts it uses, and the base model's identity."""
    answered, step = answering_step(results, role)
    if "dispatch" in step.config:
        what = f"'{results.record.name}' answers each document of '{answered}' with one of several models"
        raise SuiteError(what, fix="name one of its experts' experiments")
    return answered, finished_stack(results, step.config["stack"]), str(step.config["model"]["identity"])


def _decoding(record: ExperimentRecord) -> dict[str, Any]:
    """The decoding options of a `StackLM` for the experiment's track."""
    track = record.spec["track"]
    decoding = Decoding.model_validate(track["decoding"])
    return {
        "batch_tokens": decoding.batch_tokens, "beams": decoding.beams, "length_penalty": decoding.length_penalty,
        "max_length": track["budget"]["max_length"],
    }  # fmt: skip
