"""The model card: front matter as the hub reads it, and a page for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from suite.core.quantities import clock, size
from suite.execution.provenance import versions
from suite.results.commands import run_command
from suite.saving.base_model import BaseModel
from suite.saving.facts import Facts, ScoreLine
from suite.saving.layout import BASE, AnsweringModel, FolderLayout
from suite.saving.usage import Usage
from suite.stats import Estimate, estimate_text

DASH: Final = "–"
TITLES: Final = {
    "adapter": "PEFT adapter", "prompt": "soft prompt", "prefix": "prefix", "weights": "weights",
    "singular": "singular values, in dense weights",
}  # fmt: skip
"""Kinds of artifacts as a card calls them."""


@dataclass(frozen=True)
class Card:
    """All that a card is made of."""

    facts: Facts
    layout: FolderLayout
    base: BaseModel
    usages: tuple[Usage, ...]
    """One for each part of the folder that answers."""
    seed_note: str
    """Why this seed."""
    held_out_note: str
    """What answered the held-out tasks."""
    removable: bool
    """Whether these were answered without the adapter."""
    dtype: str
    """The type of the numbers in its files."""
    merged: bool
    """Whether adapters are in the weights."""
    rounded: bool
    """Whether the numbers are others than those that were evaluated."""

    @property
    def text(self) -> str:
        """The whole file."""
        matter = yaml.safe_dump(_front_matter(self), sort_keys=False, allow_unicode=True, width=100)
        return f"---\n{matter}---\n\n" + "\n".join(_body(self)).strip() + "\n"


def _front_matter(card: Card) -> dict[str, Any]:
    record, base = card.facts.record, card.base
    only_adapter = all(weights.path == BASE for weights in card.layout.weights)
    matter: dict[str, Any] = {
        "base_model": base.hub or base.title,
        "base_model_relation": "adapter" if only_adapter else "finetune",
        "library_name": "peft" if only_adapter else "transformers",
    }
    if base.licence:
        matter["license"] = base.licence
    matter["pipeline_tag"] = "text-generation"
    matter["tags"] = list(dict.fromkeys(["finetune-suite", record.method, *record.targets]))
    if card.facts.hub_data_sets:
        matter["datasets"] = list(card.facts.hub_data_sets)
    results = [_result(line, card.facts) for line in card.facts.scores if line.cell.score is not None]
    if results:
        matter["model-index"] = [{"name": record.name, "results": results}]
    return matter


def _result(line: ScoreLine, facts: Facts) -> dict[str, Any]:
    cell = line.cell
    assert cell.score is not None
    data_set = next((each.data_set for each in facts.data if each.role == cell.role), cell.role)
    interval = estimate_text(cell.score).partition(" ")[2]
    metric: dict[str, Any] = {"type": cell.metric, "value": round(cell.score.value, 2)}
    metric["name"] = f"{cell.metric} of {cell.documents} documents" + (f", 95% interval {interval}" if interval else "")
    return {
        "task": {"type": "text-generation", "name": "target" if line.is_target else "held-out task"},
        "dataset": {"name": f"{cell.role}, {_shots(cell.shots)}", "type": data_set.partition(" ")[0]},
        "metrics": [metric],
    }


def _body(card: Card) -> Iterator[str]:
    record = card.facts.record
    yield f"# {record.name}"
    yield ""
    yield from _summary(card)
    yield ""
    yield "## Use it"
    yield ""
    yield from _use(card)
    yield "## Scores"
    yield ""
    yield from _scores(card)
    yield ""
    yield "## Method"
    yield ""
    yield from _method(card)
    yield ""
    yield "## Data"
    yield ""
    yield from _data(card)
    yield ""
    yield "## Limits"
    yield ""
    yield from _limits(card)
    yield ""
    yield "## Make it again"
    yield ""
    yield from _again(card)


def _summary(card: Card) -> Iterator[str]:
    record = card.facts.record
    targets = ", ".join(f"`{target}`" for target in record.targets)
    hub = card.base.hub
    base = f"`{card.base.title}`" + (f" ([on the hub](https://huggingface.co/{hub}))" if hub else "")
    yield f"`{record.method}` trained on {targets}; base model {base}. {card.seed_note}"
    if record.spec.get("about"):
        yield ""
        yield str(record.spec["about"])
    yield ""
    yield "| what | where | answers |"
    yield "|---|---|---|"
    for answering in card.layout.answering:
        yield f"| {_what(answering)} | {_where(answering)} | {', '.join(answering.names)} |"
    if card.held_out_note:
        yield ""
        yield card.held_out_note


def _what(answering: AnsweringModel) -> str:
    kinds = [TITLES.get(artifact.kind, artifact.kind) for artifact in answering.artifacts]
    return " and ".join(kinds) or "the base model as it is"


def _where(answering: AnsweringModel) -> str:
    weights, adapter = answering.weights, answering.adapter
    if adapter is None:
        return _folder(weights.path) if weights else DASH
    beside = f", on the weights in {_folder(weights.path)}" if weights else ""
    return f"{_folder(adapter.path)}{beside}"


def _folder(path: str) -> str:
    return f"`{path}/`" if path else "this folder"


def _use(card: Card) -> Iterator[str]:
    packages = "transformers, PEFT and PyTorch" if card.layout.adapters else "transformers and PyTorch"
    installed = versions()
    yield f"With plain {packages}; suite is not needed. The answers are those of the evaluation below."
    yield f"Tested with transformers {installed['transformers']} and PEFT {installed['peft']} when it was saved."
    yield ""
    for usage in card.usages:
        if len(card.usages) > 1:
            yield f"### {', '.join(usage.answering.names)}"
            yield ""
        yield "```python"
        yield usage.code.rstrip("\n")
        yield "```"
        yield ""
        if usage.asking.filters:
            filters = ", ".join(f"`{name}`" for name in usage.asking.filters)
            yield f"The evaluation read what it scored from this text with {filters}."
            yield ""
    if card.removable:
        yield "For all other tasks, leave out the line with `PeftModel`: the held-out tasks were answered so."
        yield ""


def _scores(card: Card) -> Iterator[str]:
    facts = card.facts
    yield f"Scores are 0 to 100, with 95% intervals over documents, of this seed ({facts.record.seed})."
    yield "A change is against the pretrained model, on the same documents and prompts."
    yield ""
    yield "| task | shots | metric | documents | this model | pretrained | change |"
    yield "|---|---|---|---|---|---|---|"
    for line in facts.scores:
        cell = line.cell
        role = f"**{cell.role}** (target)" if line.is_target else cell.role
        values = [_shown(cell.score), _shown(line.pretrained), _shown(line.change, signed=True)]
        yield f"| {role} | {cell.shots} | {cell.metric} | {cell.documents} | {' | '.join(values)} |"
    for average in facts.averages:
        values = [_shown(average.average), _shown(average.pretrained), _shown(average.change, signed=True)]
        yield f"| **held-out average** | {average.shots} | | | {' | '.join(values)} |"
    if facts.siblings is not None:
        yield ""
        own = ", ".join(f"{cell.role} {_shown(cell.score)}" for cell in facts.siblings.target_scores)
        kept = ", ".join(
            f"{_shown(change, signed=True)} at {_shots(shots)}" for shots, change in facts.siblings.change.items()
        )
        seeds = ", ".join(map(str, facts.siblings.seeds))
        yield f"Over all seeds ({seeds}): {own}; change of the held-out average {kept or DASH}."
    if facts.row.missing:
        yield ""
        yield f"Not measured: {'; '.join(facts.row.missing)}."


def _method(card: Card) -> Iterator[str]:
    facts = card.facts
    record, costs = facts.record, facts.row.costs
    settings = {key: value for key, value in record.spec["method"].items() if key != "name"}
    yield f"`{record.method}` on the track `{record.track}`." + (f" Source: {record.source}." if record.source else "")
    yield ""
    for step in facts.trained:
        yield f"- {step.title}"
    yield ""
    if costs.trained_parameters:
        yield f"- trained parameters: {costs.trained_parameters:,}"
    if costs.seconds:
        where = [step.provenance for step in facts.trained if step.provenance.device]
        devices = sorted({each.device_name or str(each.device) for each in where})
        yield f"- training time: {clock(costs.seconds)}" + (f" on {', '.join(devices)}" if devices else "")
        if precisions := sorted({each.precision for each in where if each.precision}):
            yield f"- computed in {', '.join(precisions)}"
    if costs.peak_memory:
        yield f"- peak memory: {size(costs.peak_memory)}"
    yield f"- numbers in these files: {card.dtype}" + (", the adapter merged into the weights" if card.merged else "")
    if settings:
        yield ""
        yield "```yaml"
        yield yaml.safe_dump(json.loads(json.dumps(settings)), sort_keys=False, allow_unicode=True, width=100).rstrip()
        yield "```"


def _data(card: Card) -> Iterator[str]:
    yield "| task | use | data set | hash of the rows |"
    yield "|---|---|---|---|"
    for line in card.facts.data:
        yield f"| {line.role} (`{line.task}`) | {line.use} | {line.data_set} | `{line.hash}` |"


def _limits(card: Card) -> Iterator[str]:
    facts, asking = card.facts, card.usages[0].asking
    track = facts.record.spec["track"]
    documents = sorted({cell.documents for cell in facts.row.target_scores if cell.documents})
    if documents:
        yield f"- Tested on {' and '.join(map(str, documents))} documents of the target, asked as above."
        yield "  Other prompts were not tested."
    yield "- What is kept was measured on the held-out tasks of the table alone."
    if any(artifact.only_before_text for each in card.layout.answering for artifact in each.artifacts):
        yield "- Ask one prompt at a time. PEFT puts the padding of a batch between the prompt's vectors and the text;"
        yield "  answers then depend on the other prompts."
    kinds = {artifact.kind for each in card.layout.answering for artifact in each.artifacts}
    if "prefix" in kinds and card.base.two_sided:
        yield f"- Load it with PEFT {versions()['peft']}. Another version may give the prefix to other layers."
    yield f"- Inputs were cut to {track['budget']['max_length']} tokens at their beginning. This code does not cut."
    if asking.shots:
        yield f"- The evaluation showed exemplars before each question ({_shots(asking.shots)}). This code shows none."
    if track["decoding"]["beams"] > 1 and track["decoding"].get("length_penalty") is not None:
        yield "- The evaluation's beam search ranked answers by a length penalty that `generate` does not have."
    if card.usages[0].texts.dated:
        yield "- The chat template names today's date. The evaluation's was 26 July 2024, so answers may differ."
    if card.rounded:
        yield "- The numbers in these files are rounded. The scores are of the numbers before that."


def _again(card: Card) -> Iterator[str]:
    facts = card.facts
    record = facts.record
    yield "```sh"
    yield run_command(record.name, record.spec, [record.seed])
    yield "```"
    yield ""
    used = next((step.provenance.versions for step in reversed(facts.trained) if step.provenance.versions), None) or {}
    listed = ", ".join(f"{name} {version}" for name, version in sorted(used.items()))
    yield f"Experiment `{record.id}`, saved by suite {versions()['finetune-suite']}." + (
        f" Trained with {listed}." if listed else ""
    )


def _shown(estimate: Estimate | None, *, signed: bool = False) -> str:
    return DASH if estimate is None else estimate_text(estimate, sign=signed)


def _shots(count: int) -> str:
    return "1 shot" if count == 1 else f"{count} shots"
