"""What a spec and a track may say, block by block."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from suite.core.block import Block
from suite.models.source import ModelSource

Count = Annotated[int, Field(ge=1)]
Sweep = Annotated[dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]], Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=80)]
TaskName = Annotated[str, Field(pattern=r"^(lm_eval:)?[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=80)]
"""A task, or lm-eval's own of that name, whatever files here are called."""
Role = TaskName
"""A role of the track; `lm_eval:NAME` needs none there, and is that task."""


class HeldOut(Block):
    """What the model should still be able to do after it has been trained for something else."""

    roles: tuple[Role, ...]
    """The held-out tasks, by role. A role that is also a target of the experiment is left out for it."""
    shots: tuple[Annotated[int, Field(ge=0)], ...] = (1, 4)
    """How many exemplars precede each document; the held-out average is given for each."""
    documents: Count | None = None
    """Report only the first documents of each task, this number of them; null: all."""
    draw: Annotated[int, Field(ge=0)] = 0
    """Which draw of exemplars: another number draws other exemplars from the training split."""


class Target(Block):
    """How the task that was trained for is tested."""

    shots: Annotated[int, Field(ge=0)] = 0
    """Exemplars before each document of the target task."""
    documents: Count | None = None
    """Report only the first documents, this number of them; null: all."""


class Selection(Block):
    """How a checkpoint is chosen: on the selection rows, which are neither trained on nor reported, and
    decoded as reported answers are (`decoding`)."""

    documents: Count = 64
    """How many selection rows of each target: rows of its training split, scored to choose the checkpoint."""
    every: Count | None = None
    """Score each time after this number of steps; null: at the end only, so the last checkpoint is the selected one."""
    stop_at_score: Annotated[float, Field(gt=0, le=100)] | None = None
    """Stop training as soon as the selection score (0 to 100) reaches this: a comparison at equal target score."""


class Budget(Block):
    """What every method gets alike."""

    batch_size: Count
    """Examples per optimiser step."""
    max_length: Count
    """Tokens of one input, exemplars and soft prompt included; a longer one loses its beginning, which is counted."""
    micro_batch: Count | None = None
    """Examples per forward pass, the rest by gradient accumulation; null: the whole batch. Does not change results."""


class Probes(Block):
    """Looks at a model while it is trained. They change nothing about what training gives."""

    every: Count
    """Probe before the first step, each time after this number of steps, and after the last."""
    roles: tuple[Role, ...] = ()
    """Held-out tasks to answer at each look, besides the targets: their scores, and how many answers take a format of
    the targets."""
    shots: tuple[Annotated[int, Field(ge=0)], ...] = (1,)
    """Exemplars before each document of these."""
    documents: Count = 32
    """Answer only the first documents of each task, this number of them."""
    gradients: Count | None = None
    """The cosine between gradients on this many examples of each target and with their answers shuffled, by part
    of the model; null: not at all."""


class Decoding(Block):
    """How answers are generated."""

    beams: Count = 1
    """Beam width; 1 is greedy."""
    length_penalty: Annotated[float, Field(ge=0)] | None = None
    """With beams: the α of T5X, which ranks answers by log-likelihood / ((5 + length) / 6)^α; null: by the mean
    log-likelihood of a token, as `generate` does. (`generate`'s own length penalty is another formula.)"""
    batch_tokens: Count = 16384
    """Tokens in one batch of answers. Changes speed and memory, never an answer."""

    @property
    def search(self) -> dict[str, Any]:
        """What of it can change an answer: a part of a step's name."""
        penalised = self.beams > 1 and self.length_penalty is not None
        return {"beams": self.beams, **({"length_penalty": self.length_penalty} if penalised else {})}

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A penalty that is not there is part of no name, nor of what is shown."""
        return {key: value for key, value in handler(self).items() if key != "length_penalty" or value is not None}


class Track(Block):
    """Equal terms: model, data, tasks, shot counts, budget, seeds. A leaderboard table belongs to one track."""

    name: Name
    """The name of its file, or of its own where it extends another track."""
    title: str = ""
    """What the leaderboard calls it."""
    about: str = ""
    """What a reader of the leaderboard should know about it, its limits included."""
    deviations: tuple[str, ...] = ()
    """Where it differs from the paper whose setting it has, a sentence or two each."""
    model: ModelSource
    """The base model of every row."""
    roles: dict[Role, TaskName]
    """Which task plays which part (`rte: micro_rte`): one of a file, or of lm-eval's. `lm_eval:arc_easy` is lm-eval's
    where a file has the name, too."""
    held_out: HeldOut
    """The tasks that show what a method keeps."""
    target: Target = Target()
    """How the target is tested."""
    selection: Selection = Selection()
    """How checkpoints and tries are chosen."""
    budget: Budget
    """Batch size and lengths."""
    decoding: Decoding = Decoding()
    """Beams and batches of answers."""
    probes: Probes | None = None
    """What is looked at while training; null: nothing."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = (0,)
    """The seeds of the board. `suite run` takes the first; `--seeds all` all of them."""
    methods: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Each method's hyper-parameters on this track."""

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Probes and deviations that are not there are part of no name, nor of what is shown."""
        return {key: value for key, value in handler(self).items() if value or key not in ("probes", "deviations")}


class Spec(Block):
    """One row of a leaderboard: a method, its targets, and what differs from the track."""

    name: Name
    """The row's name on the board. One name on one track is one spec."""
    source: str = ""
    """Where the method or the row comes from (paper, table)."""
    about: str = ""
    """One sentence for the reader of the board."""
    track: str = "micro"
    """The track it runs on unless `--track` says otherwise: a shipped name, or a path to a YAML file."""
    method: dict[str, Any]
    """`{name: promot}` and whatever differs from the track's settings of that method."""
    targets: tuple[Role, ...] = ()
    """The roles to train for; none for a model that is not trained."""
    sweep: Sweep | None = None
    """Lists of values for fields of the method block (`{learning_rate: [1e-4, 1e-3]}`, `prompt.length: [4, 8]`): each
    combination is a try, and the row is the try that scores best on the selection rows."""


OVERRIDABLE = ("model", "roles", "held_out", "target", "selection", "budget", "decoding", "probes", "seeds")
"""The track's blocks a spec (or `--set`) may change. But for probes, the row says then that its terms differ from the
track's."""
