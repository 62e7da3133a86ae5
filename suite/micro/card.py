"""Measure a bundled model and write its CARD.md; all figures of a card come from here."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from suite.micro import world
from suite.micro.pretrain import MODELS
from suite.micro.recipes import RECIPES, ModelName
from suite.micro.scoring import score
from suite.micro.tuning import PromptedModel, TuningTrial, tune

SHOTS: Final = (0, 1, 4)
COUNT: Final = 128
FINE_TUNING: Final = (TuningTrial(50, 5e-4), TuningTrial(100, 5e-4), TuningTrial(200, 5e-4))
PROMPT_TUNING: Final = tuple(TuningTrial(200, rate, length=20) for rate in (1e-2, 3e-2, 1e-1))

WORLD: Final = """\
## The world

A seeded generator (`suite/micro/*.py`, `python -m suite.micro data`) invents scenes, towns, animals and things, and
asks about them under the templates of the ProMoT paper's Table 7. Rows have the fields of the hub's data sets.

- **Truth** (`micro_rte`, `micro_cb`, `micro_snli`, `micro_wic`; True / False / Neither): compare two sentences by a
  changed word, a denial, the kind of a thing, or the sense of a word.
- **Closed-book questions** (`micro_triviaqa`, `micro_web_questions`; `micro_openbookqa` with four choices): recall a
  fact about an animal, a thing or a town.
- **Translation** (`micro_wmt14_enfr`, `micro_wmt16_ende`, `micro_wmt16_enro`): eight words, another word order in each
  language; all nouns are masculine. Pretraining has French words but no French sentence: En-Fr is left to be learned.
- **Summarisation** (`micro_xsum`, `micro_wikilingua`): gather three or four words of a short article.
- **Reasoning** (`micro_arithmetic_*`, `micro_choice_*`, `micro_programs_*`): `easy` is the form to train on, `hard`
  the form to transfer to. Pretraining shows a part of each: no formula with a product inside, no change by more than
  eight, choices among three of the six kinds, and no question with choices about where an animal lives.

Programs use the prompt `Q: {text} Code:`. Arithmetic answers are worked, with the number after `####`, and only that
number is scored here. A hash of a row's content decides its split: a tenth of all combinations is for testing, a
tenth for validation, and pretraining and the train splits see neither. What is new in a test row is the combination
of words; every word and every fact has been seen.

Pretraining documents repeat one task, state facts, or mix tasks. The comparison behind the truth tasks is taught in
other words (`yes or no ?`, `verdict:`), word by word, as a search for the word that is missing, and under the papers'
templates in two ways: behind a header that announces the label words (`right True , wrong False .`, or `good` and
`bad` …), and without a header in documents whose label words, True and False in either order among them, are dealt
anew for each document. Some documents answer without looking, mostly True. So without a header and without examples
True and False tell nothing, and a prompt can settle their meaning.
"""
_SENTINELS: Final = "\n- a prompt ends with `<extra_id_0>`, an answer is `<extra_id_0> … <extra_id_1></s>`"
LIMITS: Final = """\
## Limits

A synthetic instrument: a few hundred words, rigid sentences, held-out combinations and not held-out facts. It shows
mechanisms (gain, loss, format specialisation) in minutes on a CPU; nothing measured on it says how large a difference
is on a real model. One pretraining seed.

The weights were made by one run of the command from the start to the end. On another machine, or with another version
of torch, the same command gives weights of the same kind but not the same bits.
"""


def write_card(name: ModelName, folder: Path | None = None) -> None:
    """Measure the model in `folder` and write its card there."""
    folder = folder or MODELS / name
    sections = [_title(name, folder), WORLD, "\n".join(_scores(name, folder)), "\n".join(_probes(name, folder))]
    sections.append(LIMITS)
    (folder / "CARD.md").write_text("\n".join(f"{section.rstrip()}\n" for section in sections), encoding="utf-8")


def load(name: ModelName, folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A bundled model and its tokenizer, offline, in float32."""
    loader = AutoModelForCausalLM if name == "micro-llama" else AutoModelForSeq2SeqLM
    model = loader.from_pretrained(folder, local_files_only=True)
    return model, AutoTokenizer.from_pretrained(folder, local_files_only=True)


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share."""
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def _shown(share: float, count: int) -> str:
    low, high = wilson(share, count)
    return f"{share:.2f} ({low:.2f}–{high:.2f})"


def _title(name: ModelName, folder: Path) -> str:
    recipe = RECIPES[name]
    model, tokenizer = load(name, folder)
    last = json.loads((folder / "training_log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    size = sum(parameter.numel() for parameter in model.parameters())
    stages = "\n".join(
        f"| {stage.steps} | {stage.rows} × {stage.length} | {stage.prose} | "
        + ", ".join(f"{sort} {share:g}" for sort, share in stage.mixture.items())
        + " |"
        for stage in recipe.stages
    )
    kind = "A small Llama" if name == "micro-llama" else "A small encoder-decoder of the mT5 kind"
    sentinels = "" if name == "micro-llama" else _SENTINELS
    return f"""\
# {name}

{kind} pretrained from scratch on the synthetic micro world, bundled so that everything runs without a network.
Written by `python -m suite.micro card {name}`; every figure is measured.

- {size:,} parameters, {len(tokenizer)} words, float16 weights that load as float32; shape:
  {", ".join(f"{key} {value}" for key, value in recipe.shape.items())}
- made by `python -m suite.micro pretrain {name}`: {recipe.steps} steps, {last["seconds"]:,} seconds on one core of a
  shared machine, AdamW, one-cycle schedule with peak {recipe.peak:g}, seed {recipe.seed}, bfloat16 autocast; log in
  `training_log.jsonl`
- the tokenizer adds no special tokens; exemplars are joined by a blank line, which is one token; a document ends with
  `</s>`{sentinels}

| steps | rows × tokens | weight of the loss off answers | documents |
|---|---|---|---|
{stages}
"""


def _scores(name: ModelName, folder: Path) -> Iterator[str]:
    model, tokenizer = load(name, folder)
    yield f"## Scores of the base model\n\nExact match, greedy, {COUNT} test rows, 95 % Wilson intervals. Exemplars are"
    yield "drawn anew for each row from the train split.\n"
    yield "| data set | " + " | ".join(f"{shots}-shot" for shots in SHOTS) + " |\n|---|" + "---|" * len(SHOTS)
    for dataset in world.TASKS:
        cells = [_shown(score(model, tokenizer, dataset, shots, COUNT), COUNT) for shots in SHOTS]
        yield f"| `{dataset}` | {' | '.join(cells)} |"


def _probes(name: ModelName, folder: Path) -> Iterator[str]:
    rows = len(world.read("micro_rte", "test"))
    yield "## What tuning does on `micro_rte`\n"
    yield "Zero-shot template, batch 32, AdamW, one seed, accuracy on the test rows"
    yield "over the whole vocabulary. Prompt tuning trains 20 vectors before the text, started at random words.\n"
    yield "| way | learning rate | steps | accuracy | seconds |\n|---|---|---|---|---|"
    for probe in (*FINE_TUNING, *PROMPT_TUNING):
        torch.manual_seed(0)
        begun = time.monotonic()
        accuracy = tune(PromptedModel(*load(name, folder), "micro_rte"), probe)
        way = "prompt tuning" if probe.length else "fine-tuning"
        taken = time.monotonic() - begun
        yield f"| {way} | {probe.learning_rate:g} | {probe.steps} | {_shown(accuracy, rows)} | {taken:.0f} |"
