"""`suite save`: what was written, and how it is loaded."""

from __future__ import annotations

from pathlib import Path

from suite.api.saving import Dtype, SavedModel, SavedPart, save
from suite.core.console import visible
from suite.core.quantities import size
from suite.core.run_dir import RunDir


def save_experiment(
    home: RunDir, experiment: str, folder: Path, *, track: str | None, seed: int | None, role: str | None,
    merge: bool, dtype: Dtype | None, push: str | None, models: Path | None,
) -> None:  # fmt: skip
    """Write a model's folder and say what is in it."""
    saved = save(
        experiment, folder, home=home.folder, db=home.db, track=track, seed=seed, role=role, merge=merge, dtype=dtype,
        push=push, models=models,
    )  # fmt: skip
    for line in lines(saved):
        print(visible(line))


def lines(saved: SavedModel) -> list[str]:
    """What was written, a line each."""
    record = saved.experiment
    said = [f"{record.name} · {record.track}: {size(saved.bytes)} in {saved.folder}", saved.seed_note]
    said += [f"{', '.join(part.names)}: {_part(saved.folder, part)}" for part in saved.parts]
    said.append("Loaded again with transformers and PEFT alone: its logits are the evaluated model's.")
    said.append(f"{saved.folder / 'README.md'} has the code that loads and asks it.")
    return [*said, *([f"uploaded to {saved.url}"] if saved.url else [])]


def _part(folder: Path, part: SavedPart) -> str:
    weights = "the base model" if part.weights is None else f"weights in {folder / part.weights}"
    return weights if part.adapter is None else f"{part.kinds[-1]} in {folder / part.adapter}, on {weights}"
