"""Verdicts as text for a terminal, Markdown for a job summary, JUnit XML for tools that read test results, a badge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from suite import stats
from suite.analysis.claims.verdict import OPEN, Judged, Verdict, decided_first, tally
from suite.core import escape

HEAD = ("| verdict | claim | comparison | value | judged on | why |", "|---|---|---|---|---|---|")
FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML must not contain."""


def text(files: Sequence[Judged]) -> Iterator[str]:
    """Yield lines: two for each claim (verdict, numbers), decided ones first, and the tally at the end."""
    for judged in files:
        yield f"{judged.file} on {judged.track}"
        for verdict in decided_first(judged.verdicts):
            yield f"{verdict.status:<14}  {verdict.id}: {verdict.says}"
            yield f"{'':<16}{verdict.expects}: {_numbers(verdict)}"
        if judged.left_out:
            yield f"({judged.left_out} more are about rows that were not run on {judged.track})"
        yield ""
    yield _tally(files)


def plain(files: Sequence[Judged], *, strict: bool = False) -> dict[str, list[dict[str, Any]]]:
    """The verdicts of each file, with whether each passes a check, as data for JSON."""
    return {
        judged.name: [{**verdict.plain(), "passes": verdict.passes(strict=strict)} for verdict in judged.verdicts]
        for judged in files
    }


def _tally(files: Sequence[Judged]) -> str:
    return tally([verdict for judged in files for verdict in judged.verdicts])


def _numbers(verdict: Verdict) -> str:
    parts = [verdict.value_text] if verdict.value is not None else []
    parts += [f"p {stats.p_text(verdict.p)}"] if verdict.p is not None else []
    return "; ".join([*parts, *(part for part in (verdict.evidence, verdict.reason) if part)])


def markdown(files: Sequence[Judged], *, strict: bool = False) -> str:
    """A table for each file; verdicts that make a check fail are bold."""
    lines: list[str] = []
    for judged in files:
        lines += [f"### {escape.markdown(judged.name)}", "", *HEAD]
        for verdict in decided_first(judged.verdicts):
            status = verdict.status if verdict.passes(strict=strict) else f"**{verdict.status}**"
            says, why = escape.markdown(verdict.says), escape.markdown(verdict.reason)
            cells = (status, says, f"`{verdict.expects}`", verdict.value_text, verdict.evidence, why)
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join([*lines, _tally(files), ""])


def badge(files: Sequence[Judged]) -> bytes:
    """The tally as the JSON that an endpoint badge of shields.io reads."""
    verdicts = [verdict for judged in files for verdict in judged.verdicts]
    wrong, unsettled = any(verdict.wrong for verdict in verdicts), any(verdict.status in OPEN for verdict in verdicts)
    color = "red" if wrong else "yellow" if unsettled else "brightgreen" if verdicts else "lightgrey"
    endpoint = {"schemaVersion": 1, "label": "claims", "message": _tally(files), "color": color}
    return json.dumps(endpoint).encode() + b"\n"


def junit(files: Sequence[Judged], *, strict: bool = False) -> bytes:
    """One test suite for each file: *fails* is a failure, *not comparable* an error, an open claim skipped.

    Open claims are undecided or not run. If `strict`, they are failures.
    """
    tags = {"fails": "failure", "not comparable": "error"} | dict.fromkeys(OPEN, "failure" if strict else "skipped")
    root = ElementTree.Element("testsuites", name="suite check")
    for judged in files:
        outcomes = [tags.get(verdict.status, "") for verdict in judged.verdicts]
        suite = ElementTree.SubElement(
            root, "testsuite", name=_clean(judged.name), tests=str(len(outcomes)),
            failures=str(outcomes.count("failure")), errors=str(outcomes.count("error")),
            skipped=str(outcomes.count("skipped")), time="0",
        )  # fmt: skip
        for verdict, tag in zip(judged.verdicts, outcomes, strict=True):
            case = ElementTree.SubElement(suite, "testcase", classname=_clean(verdict.track), name=verdict.id, time="0")
            if tag:
                message = _clean(f"{verdict.says}: {verdict.expects}: {_numbers(verdict)}")
                ElementTree.SubElement(case, tag, message=message, type=verdict.status).text = message
            else:
                ElementTree.SubElement(case, "system-out").text = _clean(f"{verdict.expects}: {_numbers(verdict)}")
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _clean(value: str) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)
