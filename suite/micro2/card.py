"""Write a base model's CARD.md: how it was made, and which facts it knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from suite.micro2.known import FactKnowledge, Grade, admitted, knowledge
from suite.micro2.pretrain import MODELS, age_name
from suite.micro2.recipes import RECIPES, ModelName, Recipe, Stage

GRADES: Final[tuple[Grade, ...]] = ("known", "unsure", "unknown")


def write_cards(name: ModelName) -> None:
    """Measure a bundled model and its ages, and write their cards."""
    recipe = RECIPES[name]
    for age in (*recipe.ages, None):
        folder = MODELS / (name if age is None else age_name(name, age))
        loader: Any = AutoModelForSeq2SeqLM if "t5" in name else AutoModelForCausalLM
        model = loader.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        facts, strangers = knowledge(model, tokenizer), admitted(model, tokenizer)
        parameters = sum(parameter.numel() for parameter in model.parameters())
        text = _card(name, age, recipe, parameters, len(tokenizer), facts, strangers)
        (folder / "CARD.md").write_text(text, encoding="utf-8")


def _card(
    name: ModelName, age: int | None, recipe: Recipe, parameters: int, words: int, facts: Sequence[FactKnowledge],
    strangers: float,
) -> str:  # fmt: skip
    stages = "\n".join(_stage(stage) for stage in (*recipe.stages, recipe.closing) if stage)
    rate = f"{recipe.closing_rate(recipe.cycle):g}" if recipe.closing else ""
    closing = f", then {recipe.closing.steps} steps from {rate} to 0" if recipe.closing else ""
    when = "" if age is None else f"\n\nAn age of {name}: its weights after step {age:,} of {recipe.steps:,}."
    return f"""\
# {name if age is None else age_name(name, age)}{when}

A small model pretrained from scratch on the micro world, second edition (docs/micro2.md). Written by
`python -m suite.micro2 card {name}`; what it scores is in docs/micro2.md.

- {parameters:,} parameters, {words:,} words, float16 weights that load as float32; shape:
  {", ".join(f"{key} {value}" for key, value in recipe.shape.items())}
- made by `python -m suite.micro2 pretrain {name}`: {recipe.steps:,} steps, AdamW, {recipe.cycle:,} of them in a
  one-cycle schedule with peak {recipe.peak:g}{closing}; seed {recipe.seed}, float32; log in `training_log.jsonl`

| steps | rows × tokens | words of a document | weight of the loss off answers | documents |
|---|---|---|---|---|
{stages}

## What it knows

Every fact is asked four times with four exemplars and other bystanders. It is known if all answers have the right
concept, unknown if none has (`suite/micro2/known.py`).

| attribute | in pretraining | known | unsure | unknown |
|---|---|---|---|---|
{_knowledge(facts)}

Of questions about animals that nothing is known of, it answers {100 * strangers:.0f}% with `unknown`.

## Limits

A synthetic instrument: a thousand words, rigid sentences, held-out combinations. It shows mechanisms in minutes on a
CPU; nothing measured on it says how large a difference is on a real model. One pretraining seed. On another machine, or
with another version of torch, the same command gives weights of the same kind but not the same bits.
"""


def _stage(stage: Stage) -> str:
    mixture = ", ".join(f"{sort} {share:g}" for sort, share in stage.mixture.items())
    return f"| {stage.steps} | {stage.rows} × {stage.length} | {stage.document} | {stage.prose:g} | {mixture} |"


def _knowledge(facts: Sequence[FactKnowledge]) -> str:
    counts = Counter((fact.attribute, fact.stated, fact.grade) for fact in facts)
    lines = []
    for attribute, stated in dict.fromkeys((fact.attribute, fact.stated) for fact in facts):
        found = " | ".join(str(counts[attribute, stated, grade]) for grade in GRADES)
        lines.append(f"| {attribute} | {'yes' if stated else 'no'} | {found} |")
    return "\n".join(sorted(lines))
