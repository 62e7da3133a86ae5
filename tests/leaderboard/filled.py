"""A store filled through its public methods with what a small leaderboard would hold."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from suite.analysis.board.contrasts import TERMS
from suite.core.diagnostics import UnwritableAnswers
from suite.core.metrics.bleu import RESAMPLING, bleu_counts
from suite.results.store import (
    AnswerRecord,
    ArtifactRecord,
    Costs,
    CurvePointRecord,
    ExperimentRecord,
    FindingRecord,
    Provenance,
    ScoreRecord,
    StepLink,
    StepOutcome,
    StepRecord,
    Store,
)
from suite.stats.sample import Sample, sample_of_counts, sample_of_values

KINDS = {
    "rte": ("true_false", ["True", "False"], 50.0, "accuracy"),
    "cb": ("true_false_neither", ["True", "False", "Neither"], 33.3, "accuracy"),
    "wic": ("true_false", ["True", "False"], 50.0, "accuracy"),
    "triviaqa": ("qa", [], 0.0, "exact_match"),
    "web_questions": ("qa", [], 0.0, "exact_match"),
    "wmt16_ende": ("translation", [], None, "bleu"),
    "wmt16_enro": ("translation", [], None, "bleu"),
    "xsum": ("summary", [], None, "rouge2"),
    "wikilingua": ("summary", [], None, "rouge2"),
}
HELD_OUT = tuple(role for role in KINDS if role != "rte")
SHOTS = (1, 4)
PROVENANCE = Provenance("box-1", "cpu", {"python": "3.11.7", "torch": "2.9.0"}, "5f6f39d" * 5)


@dataclass(frozen=True)
class Rendered:
    """A store and its site."""

    store: Store
    folder: Path


@dataclass(frozen=True)
class Method:
    """How a made-up method does."""

    target: float
    kept: float
    format_share: float
    seconds: float
    parameters: int
    before: str | None = None
    """The method whose artifact it starts from."""


METHODS = {
    "finetune": Method(91.0, 22.0, 0.9, 7.4, 1_843_200),
    "promot": Method(88.0, 54.0, 0.05, 46.0, 1_843_200, before="prompt_tuning"),
    "prompt_tuning": Method(58.0, 61.0, 0.0, 39.0, 3_840),
    "lora": Method(87.0, 41.0, 0.3, 12.0, 49_152),
}
FAMILIES = {
    "pretrained": "none",
    "finetune": "full",
    "lora": "adapter",
    "prompt_tuning": "prompt",
    "promot": "two-stage",
}
LEARNABLE = 96
"""Documents of a target on which a good gain is shown to be one."""
BASE = Method(50.5, 61.0, 0.0, 0.0, 0)


@dataclass
class Filling:
    """Puts experiments into a store; `track` is the name, `documents` the size of each task."""

    store: Store
    track: str = "micro"
    documents: int = 12
    target_documents: int | None = None
    """Of the target; None: as many as of the others."""
    title: str = "micro (synthetic)"
    deviations: tuple[str, ...] = ()
    """Of the track from its paper."""
    imported: bool = False
    reword: Callable[[AnswerRecord], AnswerRecord] = lambda answer: answer
    failing: frozenset[tuple[str, int]] = frozenset()
    """(name, seed) whose train step fails."""
    lacking: frozenset[tuple[str, str]] = frozenset()
    """(name, role) whose evaluation never ran."""
    unwritable: Mapping[str, int] = field(default_factory=dict)
    """Role -> the number of its documents whose right answers the model cannot write."""
    reason: str = "the loss is not finite at step 12: try a lower learning rate"
    _done: set[str] = field(default_factory=set)

    def fill(self, seeds: tuple[int, ...] = (0, 1, 2)) -> Filling:
        """The pretrained model and four methods."""
        self.add("pretrained", "pretrained", BASE, (0,))
        for name, method in METHODS.items():
            self.add(f"{name}_rte", name, method, seeds)
        return self

    def add(
        self, name: str, method: str, how: Method, seeds: tuple[int, ...], *, changes: Mapping[str, Any] | None = None,
        source: str = "ProMoT (ICLR 2024), Table 3", about: str = "One sentence for the reader.", variant: str = "",
    ) -> None:  # fmt: skip
        """One row's experiments, with all their steps tried."""
        for seed in seeds:
            spec = self._spec(name, method, seed, source, about, changes or {}, variant)
            links = self._train(name, method, how, seed) + self._evaluations(name, how, seed, changes or {})
            record = ExperimentRecord(
                id=identity(self.track, name, seed, spec["variant"]), name=name, track=self.track, seed=seed,
                method=method,
                family=FAMILIES.get(method, "weights"), targets=("rte",), source=source, spec=spec,
                imported=self.imported,
            )  # fmt: skip
            self.store.add_experiment(
                record, [StepLink(step, part, role, shots, at) for at, (step, part, role, shots) in enumerate(links)]
            )

    def _spec(
        self, name: str, method: str, seed: int, source: str, about: str, changes: Mapping[str, Any], variant: str
    ) -> dict[str, Any]:
        budget = {"batch_size": 32, "max_length": 512, "micro_batch": None, **changes}
        track = {
            "name": self.track, "title": self.title, "about": "A tiny model. Its readings do not carry over.",
            "model": {"bundled": "micro-llama"}, "held_out": {"roles": list(HELD_OUT), "shots": list(SHOTS)},
            "budget": budget, **({"deviations": list(self.deviations)} if self.deviations else {}),
        }  # fmt: skip
        roles = {
            role: {"task": f"micro_{role}", "kind": kind, "labels": labels, "chance": chance, "primary": metric}
            for role, (kind, labels, chance, metric) in sorted(KINDS.items())
        }
        return {
            "name": name, "source": source, "about": about, "method": {"name": method, "steps": 100},
            "targets": ["rte"], "seed": seed, "track": track, "roles": roles,
            "variant": variant or identity(name, sorted(changes.items())),
            "changes": [f"budget.{key}" for key in changes], "file": f"specs/{name}.yaml",
            "sets": [f"budget.{key}={value}" for key, value in changes.items()],
        }  # fmt: skip

    def _train(self, name: str, method: str, how: Method, seed: int) -> list[tuple[str, str, None, None]]:
        stages = [stage for stage in (how.before, method) if stage and stage != "pretrained"]
        links: list[tuple[str, str, None, None]] = []
        for stage in stages:
            step = identity(self.track, "train", stage, name if stage == method else "", seed)
            links.append((step, "train", None, None))
            title = f"train {stage} on rte · {self.track} · seed {seed}"
            failed = (name, seed) in self.failing and stage == method
            outcome = StepOutcome(
                curve=_curve(stage, seed),
                artifact=ArtifactRecord("weights", step * 4, "micro-llama", how.parameters, 7_372_800, step),
                costs=Costs(how.seconds + seed, 412_000_000 + seed, 320_000, how.parameters, 7_372_800),
                provenance=PROVENANCE,
            )
            self._step(step, "train", title, {"method": {"name": stage}}, None if failed else outcome)
        return links

    def _evaluations(
        self, name: str, how: Method, seed: int, changes: Mapping[str, Any]
    ) -> list[tuple[str, str, str, int]]:
        asked = {term: value for term, value in changes.items() if term in TERMS}
        links: list[tuple[str, str, str, int]] = []
        for role, shots in [("rte", 0), *((role, shots) for role in HELD_OUT for shots in SHOTS)]:
            step = identity(self.track, "evaluate", name, role, shots, seed)
            links.append((step, "evaluate", role, shots))
            undone = (name, seed) in self.failing or (name, role) in self.lacking
            outcome = None if undone else self._outcome(role, shots, how, seed, step)
            self._step(
                step,
                "evaluate",
                f"micro_{role} {shots}-shot · {name}",
                {"stack": [], "task": f"file of {role}", **asked},
                outcome,
                tried=not undone,
            )
        return links

    def _outcome(self, role: str, shots: int, how: Method, seed: int, step: str) -> StepOutcome:
        draw = random.Random(step)
        _, labels, _, metric = KINDS[role]
        level = how.target if role == "rte" else min(99.0, how.kept + 3 * shots + 7 * (hash_int(role) % 5 - 2))
        count = (self.target_documents if role == "rte" else None) or self.documents
        value = max(0.0, level + draw.uniform(-3, 3) + seed)
        answers = tuple(self._answer(role, number, labels, value, how, draw) for number in range(count))
        unread = sum(answer.unparsable for answer in answers)
        score = _score(answers)
        primary = ScoreRecord(metric, score.value, score.stderr, count, True, unread, 1)
        other = ScoreRecord(f"{metric}_norm", score.value / 2, None, count, False, unread, 1)
        lost = UnwritableAnswers(documents=tuple(range(self.unwritable.get(role, 0))), tried=count)
        findings = (FindingRecord(lost.NAME, lost.model_dump(mode="json")),) if lost.documents else ()
        costs = Costs(3.2, 390_000_000, 20_000)
        return StepOutcome((primary, other), answers, costs=costs, provenance=PROVENANCE, findings=findings)

    def _answer(
        self, role: str, number: int, labels: list[str], value: float, how: Method, draw: random.Random
    ) -> AnswerRecord:
        target = labels[number % len(labels)] if labels else f"the answer {number}"
        right = draw.random() * 100 < value
        wrong = "True" if draw.random() < how.format_share else "something else"
        output = target if right else wrong
        corpus = KINDS[role][3] == "bleu"
        return self.reword(
            AnswerRecord(
                number, identity(role, number), identity(role, number, "p"), f"{role} question {number}?", target,
                output + " \n", output, None if corpus else 100.0 * right,
                bool(labels) and output not in labels, number == 0,
            )
        )  # fmt: skip

    def _step(
        self,
        step: str,
        kind: str,
        title: str,
        config: Mapping[str, Any],
        outcome: StepOutcome | None,
        *,
        tried: bool = True,
    ) -> None:
        if step in self._done:
            return
        self._done.add(step)
        self.store.add_steps([StepRecord(step, kind, title, config)])
        if not tried:
            return
        if self.imported and outcome is not None:
            made = {"attempts": 1, "provenance": outcome.provenance, "costs": outcome.costs}
            assert self.store.add_imported(StepRecord(step, kind, title, config, **made), outcome)
            return
        assert self.store.claim(step, "someone", 60)
        if outcome is None:
            assert self.store.fail(step, "someone", self.reason, PROVENANCE)
        else:
            assert self.store.finish(step, "someone", outcome)


def _score(answers: Sequence[AnswerRecord]) -> Sample:
    """The mean of the answers' scores; where they have none, their BLEU."""
    values = [answer.value for answer in answers if answer.value is not None]
    if values:
        return sample_of_values(np.array(values))
    return sample_of_counts(bleu_counts([(answer.target, answer.parsed) for answer in answers]), RESAMPLING)


def _curve(stage: str, seed: int) -> tuple[CurvePointRecord, ...]:
    loss = [CurvePointRecord(step, "loss", 2.5 / (1 + step / 20) + 0.05 * seed) for step in range(5, 101, 5)]
    chosen = [CurvePointRecord(step, "selection", 50.0 + step * 0.4 - seed) for step in range(25, 101, 25)]
    return (*loss, *chosen)


def identity(*parts: object) -> str:
    """A made-up fingerprint."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def hash_int(text: str) -> int:
    """A number that a text always gives."""
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def realistic(store: Store, documents: int = 12) -> Store:
    """The rows a real table has: whole ones, a failed step, a row that lacks scores, one on other terms."""
    filling = Filling(
        store,
        documents=documents,
        target_documents=LEARNABLE,
        failing=frozenset({("lora_broken", 1)}),
        lacking=frozenset({("lora_half", "xsum")}),
    )
    filling.fill()
    filling.add("lora_broken", "lora", METHODS["lora"], (0, 1))
    filling.add("lora_half", "lora", METHODS["lora"], (0,))
    filling.add("lora_small_batch", "lora", Method(85.0, 47.0, 0.2, 9.0, 49_152), (0, 1, 2), changes={"batch_size": 8})
    return store
