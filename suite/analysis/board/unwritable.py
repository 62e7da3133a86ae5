"""Right answers that a model cannot write, as its evaluations found them: those documents can get no full marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from suite.core import diagnostics
from suite.core.diagnostics import UnwritableAnswers
from suite.results.store import ResultsReader, StepLink

Unwritable = Mapping[tuple[str, int], UnwritableAnswers]
"""(role, shots) -> the documents, of those evaluations alone that have some."""


def unwritable_answers(store: ResultsReader, links: Iterable[StepLink]) -> Unwritable:
    """What the evaluations among some links found; of several of one task, the one with the most documents."""
    steps = {link.step_id: (str(link.role), int(link.shots or 0)) for link in links if link.part == "evaluate"}
    findings: dict[tuple[str, int], UnwritableAnswers] = {}
    for step, contents in store.findings(list(steps)).items():
        content = contents.get(UnwritableAnswers.NAME)
        if content is None:
            continue
        finding, key = diagnostics.read(UnwritableAnswers.NAME, content), steps[step]
        assert isinstance(finding, UnwritableAnswers)
        if key not in findings or len(findings[key].documents) < len(finding.documents):
            findings[key] = finding
    return findings


def unwritable_lines(findings: Iterable[tuple[str, int, int]]) -> Iterator[str]:
    """A line for each (role, documents whose right answers cannot be written, documents), each once."""
    for role, lost, tried in dict.fromkeys(findings):
        if lost:
            share = "all" if lost == tried else f"{lost} of"
            yield (
                f"! {role}: the model cannot write the right answers of {share} {tried} documents (its tokenizer lacks "
                "them, or `max_gen_toks` is too small); training does not change that"
            )
