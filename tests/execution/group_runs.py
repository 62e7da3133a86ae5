"""Trains steps of several methods in one group of processes: `python -m tests.execution.group_runs RANK COUNT FOLDER`.

The folder has the home `one`, in which a single process has trained the steps; their parents are read from it.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, distributed

from suite.core.run_dir import RunDir
from suite.execution.jobs import job_of, trained
from suite.execution.session import Session
from suite.planning import Inputs, Step, Train, make_plan
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from suite.training.data.source import UNCOUNTED
from suite.training.ranks import RankDone, Ranks, training_as
from tests.models.tiny_budget import Memory

SPECS = Path(__file__).parents[2] / "specs"
SMALL = (
    "budget.batch_size=7", "selection.documents=8", "selection.every=10", "method.steps=20", "method.select_every=10",
)  # fmt: skip
CASES: dict[str, tuple[str, str | None, tuple[str, ...]]] = {
    "full": ("finetune_rte", None, ("budget.gradient_checkpointing=true",)),
    "full, encoder-decoder, Adafactor": (
        "finetune_rte", "micro-t5", ("method.optimizer=adafactor", "method.clip=null", "method.learning_rate=2e-5"),
    ),
    "full, parts of 2, bf16": (
        "finetune_rte", None, ("budget.micro_batch=2", "budget.precision=bf16", "method.steps=3"),
    ),
    "LoRA": ("lora_rte", None, ("method.optimizer=adafactor",)),
    "prompt": ("prompt_tuning_rte", None, ()),
    "prompt, encoder-decoder": ("prompt_tuning_rte", "micro-t5", ("method.learning_rate=1e-4",)),
    "joint": ("promot/promot_rte_joint", None, ("method.steps=4",)),
    "several targets": ("promot/promot_mix", None, ("method.steps=4", "method.stage_one.steps=2")),
    "full, shrunk by Adafactor": (
        "finetune_rte", None,
        ("method.steps=5", "method.optimizer=adafactor", "method.scale_parameter=true", "method.weight_decay=0.01",
         "method.decay_by_rate=false"),
    ),
    "prefix": ("transformer2/prefix_math", None, ("method.steps=5",)),
    "ProMoT": ("promot_rte", None, ("method.stage_one.steps=2", "method.stage_one.select_every=2")),
    "ProMoT with LoRA": ("promot_rte", None, ("method.stage_one={name: lora, steps: 2}", "method.steps=5")),
    "SVF": ("transformer2/svf_ntp_math", None, ("method.steps=5",)),
    "SVF by reward": (
        "transformer2/svf_math", None,
        ("method.steps=3", "method.reinforce.kl=0.1", "method.reinforce.sampling=greedy"),
    ),
    "LoRA by reward": ("lora_rte", None, ("method.objective=reinforce", "method.steps=3", "method.reinforce.kl=0.1")),
    "PiSSA by reward": (
        "transformer2/pissa_math", None, ("method.objective=reinforce", "method.steps=3", "method.reinforce.kl=0.1"),
    ),
    "full by reward": (
        "finetune_rte", None, ("method.objective=reinforce", "method.steps=3", "method.reinforce.kl=0.1"),
    ),
}  # fmt: skip
"""Name -> spec, track, and settings besides SMALL."""


@dataclass
class Result:
    """The losses of the steps, and the tensors of the artifact."""

    losses: list[float] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)


def steps_of(name: str) -> list[Step]:
    """The train steps of a case, parents first."""
    spec, track, settings = CASES[name]
    sets = (*SMALL, *settings)
    experiments = load([SPECS / f"{spec}.yaml"], Options(track, sets=sets))
    return [step for step in make_plan(experiments, Inputs(DataLocations())).steps if isinstance(step.work, Train)]


def train_step(session: Session, step: Step, hashes: dict[str, str], checkpoint: Path) -> Result:
    """Train a step as a part of the current group. Only the first process returns."""
    assert isinstance(step.work, Train)
    backbone, log = session.backbone(step.work.track), Memory()
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module")
    parents = session.parents(step.work, backbone, hashes)
    job = job_of(step.work, backbone, DataLocations(), parents, checkpoint, disk=None, log=log, spending=UNCOUNTED)
    result = trained(step, step.work, replace(job, checkpoint_seconds=float("inf")))
    scores = [point.value for point in result.fit.curve if point.name == "selection"]
    return Result(log.losses, dict(result.artifact.tensors), scores)


def main() -> None:
    """Train the last step of each case."""
    rank, count, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    meeting = (folder / "meeting").as_uri()
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=count)
    hashes = torch.load(folder / "hashes.pt")
    with training_as(Ranks(rank, count, torch.device("cpu"))):
        for name in CASES:
            session = Session(RunDir(folder / "one"), Inputs(DataLocations()), "cpu")
            try:
                result = train_step(session, steps_of(name)[-1], hashes, folder / f"work-{rank}")
            except RankDone:
                continue
            torch.save(vars(result), folder / f"{name}.pt")
    distributed.barrier()


if __name__ == "__main__":
    main()
