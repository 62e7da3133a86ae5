"""A small world of experiments, written to a store as a run would have written them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from suite.core.hashing import experiment_id, fingerprint, variant_id
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
from suite.stats.sample import sample_of_counts

OWNER = "elsewhere:1:1"
ROLES: Mapping[str, Mapping[str, Any]] = {
    "rte": {"task": "t_rte", "kind": "entailment", "labels": ["True", "False"], "chance": 50.0, "primary": "accuracy"},
    "cb": {"task": "t_cb", "kind": "entailment", "labels": ["True", "False"], "chance": 50.0, "primary": "accuracy"},
    "qa": {"task": "t_qa", "kind": "qa", "labels": [], "chance": 0.0, "primary": "match"},
    "mt": {"task": "t_mt", "kind": "translation", "labels": [], "chance": 0.0, "primary": "bleu"},
}


@dataclass(frozen=True)
class Answers:
    """What an evaluation gave: a score for each document, or (of a corpus) one for all; and what was said."""

    values: tuple[float, ...] = ()
    corpus: tuple[float, float] | None = None
    said: tuple[str, ...] = ()
    right: str = "paris"
    """The right answer to every document; empty where it is not stored."""
    rights: tuple[str, ...] = ()
    """The right answer to each document, where they differ."""
    names: tuple[str, ...] = ()
    """What documents are told apart by, where some are equal."""

    def outcome(self, metric: str, prefix: str = "h", texts: bool = True) -> StepOutcome:
        said = self.said or tuple("paris" for _ in self.values)
        values: Sequence[float | None] = self.values or [None] * len(said)
        spread = statistics.stdev(self.values) / len(self.values) ** 0.5 if len(self.values) > 1 else None
        value, stderr = self.corpus or (statistics.fmean(self.values), spread)
        rights = self.rights or (self.right,) * len(said)
        names = self.names or tuple(map(str, range(len(said))))
        answers = [
            AnswerRecord(
                number, f"{prefix}{names[number]}", f"p{number}", f"Q{number}" * texts, right * texts, text, text, score
            )
            for number, (text, right, score) in enumerate(zip(said, rights, values, strict=True))
        ]
        score = ScoreRecord(metric, value, stderr, len(answers), True)
        return StepOutcome((score,), tuple(answers), costs=Costs(1.0, 10, 20), provenance=PROVENANCE)


PROVENANCE = Provenance("my-laptop", "cpu", {"torch": "2.13"}, "c0ffee")


@dataclass
class World:
    """Adds experiments to a store."""

    store: Store
    held_out: tuple[str, ...] = ("cb", "qa", "mt")
    roles: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: ROLES)
    shots: tuple[int, ...] = (1,)
    documents: int | None = None
    changes: tuple[str, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What else is in the key of evaluations."""
    draw: int = 0
    family: str = "full"
    texts: bool = True
    """Whether questions and right answers are stored."""
    prefix: str = "h"
    """Of the hashes of documents: others are other documents."""
    trained: dict[tuple[str, int], str] = field(default_factory=dict)

    def train(
        self, method: str, seed: int, costs: Costs | None, parents: Sequence[str] = (),
        findings: tuple[FindingRecord, ...] = (),
    ) -> str:  # fmt: skip
        """A train step, done if its costs are given."""
        key = {"kind": "train", "method": {"name": method}, "seed": seed, "parents": list(parents)}
        size = 80 if costs is None else costs.artifact_bytes or 80
        artifact = ArtifactRecord("weights", "abc", "m", 7, size, "/home/me/artifacts/x")
        outcome = StepOutcome(
            curve=(CurvePointRecord(1, "loss", 0.5),), artifact=artifact, costs=costs or Costs(),
            provenance=PROVENANCE, findings=findings,
        )  # fmt: skip
        return self._step(key, f"train {method} · seed {seed}", outcome if costs else None)

    def experiment(
        self,
        name: str,
        answers: Mapping[tuple[str, int], Answers | None],
        *,
        targets: tuple[str, ...] = ("rte",),
        seed: int = 0,
        train: Sequence[str] = (),
        stack: Sequence[str] | None = None,
        file: str = "specs/a.yaml",
        dispatch: Mapping[str, Any] | None = None,
        findings: tuple[FindingRecord, ...] = (),
    ) -> str:
        """An experiment with its evaluations, each with the `findings`; those of None are not done. Gives its id."""
        method = name.partition("_")[0]
        resolved: dict[str, Any] = {
            "name": name, "source": "a paper", "about": "A row.", "method": {"name": method}, "targets": list(targets),
            "seed": seed,
            "track": {
                "name": "tiny", "title": "Tiny", "about": "Small.",
                "held_out": {
                    "roles": list(self.held_out), "shots": list(self.shots), "documents": self.documents,
                    "draw": self.draw,
                },
            },
            "roles": {role: dict(about) for role, about in self.roles.items()}, "changes": list(self.changes),
        }  # fmt: skip
        spec = {**resolved, "variant": variant_id(resolved), "file": file}
        parts = [(step, "train", None, None) for step in train]
        for (role, shots), given in answers.items():
            key = {
                "kind": "evaluate", "task": role, "shots": shots, "documents": self.documents,
                "stack": list(train[-1:] if stack is None else stack),
            }  # fmt: skip
            key |= {"dispatch": dict(dispatch)} if dispatch else {}
            key |= {"draw": self.draw} if self.draw else {}
            key |= self.asked
            outcome = given.outcome(str(self.roles[role]["primary"]), self.prefix, self.texts) if given else None
            outcome = replace(outcome, findings=findings) if outcome else None
            title = f"{self.roles[role]['task']} {shots}-shot · {name}"
            parts.append((self._step(key, title, outcome), "evaluate", role, shots))
        links = [StepLink(step, part, role, shots, at) for at, (step, part, role, shots) in enumerate(parts)]
        record = ExperimentRecord(
            experiment_id(resolved), name, "tiny", seed, method, self.family, targets, "a paper", spec
        )
        self.store.add_experiment(record, links)
        return record.id

    def _step(self, key: Mapping[str, Any], title: str, outcome: StepOutcome | None) -> str:
        step = fingerprint(key)
        self.store.add_steps([StepRecord(step, str(key["kind"]), title, key)])
        if outcome and self.store.claim(step, OWNER):
            assert self.store.finish(step, OWNER, outcome)
        return step


def per_document(*values: float, said: Sequence[str] = ()) -> Answers:
    """Scores of documents."""
    return Answers(values, said=tuple(said))


def classified(*pairs: tuple[str, str]) -> Answers:
    """Right answers and what was answered, scored by accuracy."""
    rights, said = zip(*pairs, strict=True)
    return Answers(tuple(100.0 * (right == text) for right, text in pairs), said=said, rights=rights)


def of_corpus(value: float, stderr: float, documents: int = 2) -> Answers:
    """One score of all documents, whose right answers are not stored."""
    return Answers(said=("le chat",) * documents, corpus=(value, stderr), right="")


def translated(*said: str, right: str = "le vieux chat noir dort") -> Answers:
    """Translations with the BLEU that they have."""
    sample = sample_of_counts(bleu_counts([(right, text) for text in said]), RESAMPLING)
    return Answers(said=said, corpus=(sample.value, sample.stderr), right=right)
