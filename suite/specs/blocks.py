"""The blocks of specs and tracks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer

from suite.core.block import Block
from suite.core.board_terms import LEARNED_SHARE
from suite.core.errors import SuiteError
from suite.core.quantities import byte_count
from suite.models.chat import Chat
from suite.models.source import ModelSource
from suite.training.config import Precision

Count = Annotated[int, Field(ge=1)]
Sweep = Annotated[dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]], Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=80)]
TaskName = Annotated[str, Field(pattern=r"^(lm_eval:)?[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=80)]
"""A task, or with `lm_eval:` the task of that name from lm-eval, whatever files here are called."""
Role = TaskName
"""A role of the track. `lm_eval:NAME` needs no role there: it is that task of lm-eval."""


def _checked_size(text: str) -> str:
    try:
        byte_count(text, "")
    except SuiteError as error:
        raise ValueError(str(error)) from None
    return text


DiskSize = Annotated[str, AfterValidator(_checked_size)]
"""Bytes, as `200GB` or `500 MiB`."""
KeepArtifacts = Literal["all", "reported", "best", "none"]
"""Which artifacts stay once their results are stored: all; those in effect in an evaluation (not the tries of a sweep
that were not chosen); of these the best seed's of each row; none."""


class HeldOut(Block):
    """The tasks that show what a model keeps after it was trained for another task."""

    roles: tuple[Role, ...]
    """The held-out tasks, by role. An experiment leaves out a role that is also its target."""
    shots: tuple[Annotated[int, Field(ge=0)], ...] = (1, 4)
    """Exemplars before each document; the held-out average is computed for each of these numbers."""
    documents: Count | None = None
    """Score only this number of documents of each task, the first ones; null: all."""
    draw: Annotated[int, Field(ge=0)] = 0
    """The exemplar draw: another number draws other exemplars from the training split."""


class Target(Block):
    """How the target task is evaluated."""

    shots: Annotated[int, Field(ge=0)] = 0
    """Exemplars before each document of the target task."""
    documents: Count | None = None
    """Score only this number of documents, the first ones; null: all."""


class Selection(Block):
    """How a checkpoint is selected: by its score on the selection rows, which are neither trained on nor reported. They
    are decoded as reported answers are (`decoding`)."""

    documents: Count = 64
    """Number of selection rows for each target: rows of its training split that are scored to select the checkpoint."""
    every: Count | None = None
    """Steps between scores of the selection rows; null: score at the end only, so that the last checkpoint is
    selected."""
    stop_at_score: Annotated[float, Field(gt=0, le=100)] | None = None
    """Stop training when the selection score (0 to 100) reaches this value, to compare methods at equal target
    score."""
    patience: Count | None = None
    """Stop training early after this number of selections in a row without a better score; null: train all steps. The
    best checkpoint is taken either way."""

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out an unset patience, so that it changes neither names nor output."""
        return {key: value for key, value in handler(self).items() if key != "patience" or value is not None}


class Budget(Block):
    """The budget that is equal for all methods."""

    batch_size: Count
    """Examples per optimiser step."""
    max_length: Count
    """Tokens of one input, including exemplars and soft prompt. A longer input is cut at its beginning and counted."""
    micro_batch: Count | None = None
    """Examples per forward pass; gradients are accumulated over the batch. null: the whole batch. Does not change
    results."""
    gradient_checkpointing: Literal["auto"] | bool = Field(default="auto", exclude=True)
    """Whether layers compute their activations again in the backward pass instead of storing them: much less memory for
    about a third more time. auto: once memory does not suffice for a batch, and before micro-batches become smaller.
    Changes results by rounding only."""
    precision: Precision = "float32"
    """Precision in which training computes, on any device: float32, or bf16 (torch's autocast to bfloat16: faster on a
    GPU, rounded results). Weights that are in bfloat16 compute in bfloat16 either way; `method.precision` says in which
    precision full tuning stores them. With bf16, checkpoints are selected as their artifacts will be, rounded to the
    model's `dtype`."""
    shard: Literal["auto"] | Count = Field(default=1, exclude=True)
    """Devices that train a step together, for models whose training does not fit on one: each has its part of the
    batch, and its share of weights, gradients and optimiser state (FSDP). auto: as few GPUs as hold the step's
    predicted memory; 1 on a CPU. Changes results by rounding only, except what is random in training: dropout, the
    rounding of weights in bf16, and answers that SVF samples."""
    checkpoint_minutes: Annotated[float, Field(ge=0)] | None = Field(default=5.0, exclude=True)
    """Minutes between checkpoints, from which an interrupted training goes on; an orderly end (Ctrl-C, SIGTERM,
    `--max-time`) writes one, too. 0: after each step. null: none. Changes neither results nor names."""

    keep_artifacts: KeepArtifacts = Field(default="all", exclude=True)
    """Artifacts that stay on disk; the others are deleted as soon as every planned step that needs them is done, and
    scores stay. all; reported: those in effect in an evaluation; best: of these, the best seed's of each row; none.
    Changes neither results nor names."""
    max_disk: DiskSize | None = Field(default=None, exclude=True)
    """What the home may hold (`200GB`): artifacts, checkpoints, caches and all else. A run is refused if its plan needs
    more at its peak. null: as much as the disk has room for. Changes neither results nor names."""

    @property
    def max_disk_bytes(self) -> int | None:
        """`max_disk` in bytes."""
        return None if self.max_disk is None else byte_count(self.max_disk, "budget.max_disk")

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out float32, so that it changes neither names nor output."""
        return {key: value for key, value in handler(self).items() if (key, value) != ("precision", "float32")}


class Probes(Block):
    """Measurements during training. They do not change what training gives."""

    every: Count
    """Steps between probes; the model is also probed before the first step and after the last one."""
    roles: tuple[Role, ...] = ()
    """Held-out tasks to answer at each probe, besides the targets. Measured are their scores and the share of answers
    that take a target's format."""
    shots: tuple[Annotated[int, Field(ge=0)], ...] = (1,)
    """Exemplars before each document of these tasks."""
    documents: Count = 32
    """Answer only this number of documents of each task, the first ones."""
    gradients: Count | None = None
    """Number of examples of each target for gradient alignment; null: not measured. It is the cosine between the
    gradients on these examples and on the same with shuffled answers, by part of the model."""


class Decoding(Block):
    """How answers are generated."""

    beams: Count = 1
    """Beam width; 1 is greedy."""
    length_penalty: Annotated[float, Field(ge=0)] | None = None
    """With beams: the α of T5X, which ranks answers by log-likelihood / ((5 + length) / 6)^α; null: rank by the mean
    log-likelihood of a token, as `generate` does. (`generate`'s own length penalty is another formula.)"""
    batch_tokens: Count = 16384
    """Tokens in one batch of answers. Changes speed and memory, never an answer."""

    @property
    def search(self) -> dict[str, Any]:
        """The settings that can change an answer; they are part of a step's name."""
        penalised = self.beams > 1 and self.length_penalty is not None
        return {"beams": self.beams, **({"length_penalty": self.length_penalty} if penalised else {})}

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out an unset penalty, so that it changes neither names nor output."""
        return {key: value for key, value in handler(self).items() if key != "length_penalty" or value is not None}


class Track(Block):
    """Equal terms: model, data, tasks, shot counts, budget, seeds. A table of the leaderboard belongs to one track."""

    name: Name
    """The track's name: that of its file. A track that extends another one has to set it."""
    title: str = ""
    """Title on the leaderboard."""
    about: str = ""
    """What readers of the leaderboard should know about the track, including its limits."""
    deviations: tuple[str, ...] = ()
    """Differences from the paper whose setting the track has, one or two sentences each."""
    model: ModelSource
    """The base model of every row."""
    roles: dict[Role, TaskName]
    """Role -> task (`rte: micro_rte`): a task of a file or of lm-eval. `lm_eval:arc_easy` is always lm-eval's task,
    even if a file has the name."""
    chat: Chat | None = None
    """How an instruct model is asked, in training and in evaluation; null: prompts are plain text."""
    held_out: HeldOut
    """The held-out tasks, which show what a method keeps."""
    target: Target = Target()
    """Shots and documents of the target task."""
    retention: TaskName | None = None
    """A task whose training rows stand for pretraining, for methods that keep abilities with data; its answers are the
    texts. It shares no row with tasks that are reported."""
    selection: Selection = Selection()
    """How checkpoints and tries are selected."""
    budget: Budget
    """Batch size and lengths."""
    decoding: Decoding = Decoding()
    """Beam width and batch size of answers."""
    probes: Probes | None = None
    """What is measured during training; null: nothing."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = (0,)
    """The seeds of the board. `suite run` takes the first one; `--seeds all` takes all."""
    learned_share: Annotated[float, Field(gt=0, le=1)] = LEARNED_SHARE
    """The share of the best gain that a row needs to have learned its targets. The board ranks such rows by what they
    keep; this changes the board alone."""
    methods: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Each method's settings on this track."""

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out an empty chat, probes and deviations, and the usual share, so that they change neither names nor
        output."""
        idle = ("chat", "probes", "deviations", "retention")
        fields = {key: value for key, value in handler(self).items() if value or key not in idle}
        return {key: value for key, value in fields.items() if (key, value) != ("learned_share", LEARNED_SHARE)}


class Spec(Block):
    """One row of a leaderboard: a method, its targets, and what differs from the track."""

    name: Name
    """The row's name on the board. On one track, a name belongs to one spec."""
    source: str = ""
    """Source of the method or the row (paper, table)."""
    about: str = ""
    """One sentence for readers of the board."""
    track: str = "micro"
    """The track, unless `--track` names another one: a shipped track's name, or the path of a YAML file."""
    method: dict[str, Any]
    """The method (`{name: promot}`) and the settings that differ from the track's settings of that method."""
    targets: tuple[Role, ...] = ()
    """The roles to train for; empty for a model that is not trained."""
    sweep: Sweep | None = None
    """Lists of values for fields of the method block (`{learning_rate: [1e-4, 1e-3]}`, `prompt.length: [4, 8]`): each
    combination is a try. The try that scores best on the selection rows becomes the row."""


OVERRIDABLE = (
    "model", "chat", "roles", "held_out", "target", "retention", "selection", "budget", "decoding", "probes", "seeds",
)  # fmt: skip
"""The track's blocks that a spec or `--set` may change. Except for probes, the row then says that its terms differ from
the track's."""
