"""`suite answers`: print questions, outputs, parsed answers and scores as text or JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from suite.api.answers import DocumentAnswer, TaskEvaluation, answers
from suite.api.shipped import shipped_files
from suite.cli.commands.as_json import as_text, plain
from suite.cli.commands.stored import reading
from suite.cli.commands.tables import room, wrapped
from suite.core.console import visible
from suite.core.run_dir import RunDir
from suite.results.store import ResultsReader

LISTED = 5
"""Default number of documents in a list."""
LONG = 400
"""Maximum number of characters of a text in a list; a single document is printed in full."""
SEVERAL = 5
"""Maximum number of right answers of a document in a list."""
LABEL = 12


@dataclass(frozen=True)
class Choice:
    """Which answers to print."""

    track: str | None = None
    seed: int | None = None
    role: str | None = None
    shots: int | None = None
    document: int | None = None
    wrong: bool = False
    prompts: bool = False
    limit: int | None = None


def print_answers(
    home: RunDir, experiment: str, choice: Choice, data: Path | None, models: Path | None, *, as_json: bool = False
) -> None:
    """Print an evaluation's answers: a shortened list, one document in full, or all as JSON."""
    limit = choice.limit or (None if as_json else LISTED)
    with _holding(home, experiment, choice.track) as (store, source):
        evaluation = answers(
            store, experiment, track=choice.track, seed=choice.seed, role=choice.role, shots=choice.shots,
            document=choice.document, wrong=choice.wrong, prompts=choice.prompts, limit=limit, data=data,
            models=models,
        )  # fmt: skip
    if as_json:
        print(as_text(plain(evaluation)))
        return
    print("\n".join([*wrapped(source, room()), *lines(evaluation, choice, room())]))


@contextmanager
def _holding(home: RunDir, experiment: str, track: str | None) -> Iterator[tuple[ResultsReader, list[str]]]:
    """The store, or shipped records if it does not have the experiment, and a line that says so."""
    if home.exists:
        with reading(home) as store:
            shipped = [] if _has(store, experiment) else shipped_files(experiment, track)
            if not shipped:
                yield store, []
                return
    elif not (shipped := shipped_files(experiment, track)):
        with reading(home) as store:
            yield store, []
        return
    from suite.results.records import read_records_into_memory

    with read_records_into_memory(*shipped, trusted=True) as store:
        yield store, [f"'{experiment}' is not in {home.folder}: shown from the records that come with suite", ""]


def _has(store: ResultsReader, experiment: str) -> bool:
    return any(record.name == experiment or record.id.startswith(experiment) for record in store.experiments())


def lines(evaluation: TaskEvaluation, choice: Choice, width: int | None) -> Iterator[str]:
    """The answers as lines of text."""
    yield from wrapped(_head(evaluation, choice), width)
    for answer in evaluation.answers:
        yield ""
        yield from _document(answer, evaluation, choice, width)
    yield ""
    yield from wrapped(_end(evaluation, choice), width)


def _head(evaluation: TaskEvaluation, choice: Choice) -> Iterator[str]:
    yield f"{evaluation.name} · {evaluation.track} · seed {evaluation.seed} · {evaluation.experiment[:8]}"
    if choice.seed is None and len(evaluation.seeds) > 1:
        yield f"of the seeds {', '.join(map(str, evaluation.seeds))} (--seed)"
    yield f"{evaluation.title} · step {evaluation.step[:8]}"
    yield from (f"with: {each}" for each in evaluation.artifacts)
    score = evaluation.score
    if score is not None:
        value = "not measured" if score.value is None else f"{score.value:.1f}"
        marks = [f"{score.unparsable} unparsable"] * (score.unparsable > 0)
        marks += [f"{score.truncated} with a prompt that lost its beginning"] * (score.truncated > 0)
        yield " · ".join([f"{score.metric} {value} over {score.n} documents", *marks])
    if not evaluation.has_texts:
        yield "questions and right answers are not stored: the record was exported without texts"
    yield from (f"no prompt is shown: {why}" for why in evaluation.no_prompts)
    if choice.role is None and len(evaluation.evaluations) > 1:
        yield f"also asked: {_further_evaluations(evaluation)} (--role, --shots)"


def _further_evaluations(evaluation: TaskEvaluation) -> str:
    """The other evaluations, each task once with its shot counts."""
    shots: dict[str, list[str]] = {}
    for each in evaluation.evaluations:
        if (each.role, each.shots) != (evaluation.role, evaluation.shots):
            undone = "" if each.status == "done" else f" ({each.status})"
            shots.setdefault(each.role, []).append(f"{each.shots}-shot{undone}")
    return "; ".join(f"{role} {', '.join(counts)}" for role, counts in shots.items())


def _document(answer: DocumentAnswer, evaluation: TaskEvaluation, choice: Choice, width: int | None) -> Iterator[str]:
    whole = choice.document is not None
    marks = [_judged(answer), *(["unparsable"] if answer.unparsable else [])]
    marks += ["the model read the prompt without its beginning"] if answer.truncated else []
    yield " · ".join([f"document {answer.document}", *filter(None, marks)])
    if answer.skill is not None:
        yield from _labelled("routed to", answer.skill or "no expert: no skill was read", width)
    if answer.prompt is not None:
        yield from _labelled("prompt", answer.prompt, width)
    elif evaluation.has_texts:
        yield from _labelled("question", _cut(answer.question, whole), width)
    if answer.choices:
        yield from _scored(answer, width)
    else:
        yield from _labelled("output", _cut(answer.output, whole), width)
    yield from _labelled("parsed", _cut(answer.parsed, whole), width)
    right = answer.right_answers if whole else answer.right_answers[:SEVERAL]
    for place, each in enumerate(right):
        yield from _labelled("or" if place else "right", _cut(each, whole), width)
    if len(right) < len(answer.right_answers):
        yield f"{'':{LABEL}}… and {len(answer.right_answers) - len(right)} more right answers"


def _judged(answer: DocumentAnswer) -> str:
    if answer.score is not None:
        return f"score {answer.score:.1f}"
    if answer.is_right is None:
        return ""
    return "a right answer" if answer.is_right else "no right answer as it stands"


def _scored(answer: DocumentAnswer, width: int | None) -> Iterator[str]:
    """The choices of a document with their log-likelihoods."""
    likelihoods = json.loads(answer.output)
    for place, (choice, value) in enumerate(zip(answer.choices, likelihoods, strict=False)):
        yield from _labelled("" if place else "choices", f"{value:>9.3f}  {_quoted(choice)}", width, quoted=False)


def _cut(text: str, whole: bool) -> str:
    return text if whole or len(text) <= LONG else f"{text[:LONG]}… ({len(text) - LONG:,} more characters)"


def _labelled(label: str, text: str, width: int | None, *, quoted: bool = True) -> Iterator[str]:
    """A text beside its label; its lines are kept and wrapped to the width."""
    text = _quoted(text) if quoted else text
    first = True
    for line in text.split("\n"):
        for part in _folded(visible(line), None if width is None else max(width - LABEL, LABEL)):
            head = f"  {label}" if first else ""
            yield f"{head:{LABEL}}{part}".rstrip()
            first = False


def _folded(line: str, width: int | None) -> list[str]:
    if width is None or len(line) <= width:
        return [line]
    return textwrap.wrap(line, width, replace_whitespace=False, drop_whitespace=False)


def _quoted(text: str) -> str:
    """The text, in quotes if it begins or ends with blanks, to make them visible."""
    inner = text.strip()
    if text and inner == text:
        return text
    before, after = (text, "") if not inner else (text[: text.index(inner)], text[text.index(inner) + len(inner) :])
    return f'"{json.dumps(before)[1:-1]}{inner}{json.dumps(after)[1:-1]}"'


def _end(evaluation: TaskEvaluation, choice: Choice) -> Iterator[str]:
    if choice.document is not None:
        if not evaluation.matching:
            yield f"document {choice.document} has full marks"
        return
    kind = "documents without full marks" if choice.wrong else "documents"
    count = len(evaluation.answers)
    if not evaluation.matching:
        yield f"there are no {kind} among {evaluation.documents}"
    elif count < evaluation.matching:
        yield f"{count} of {evaluation.matching} {kind}; --limit N shows more, --doc K one of them whole"
