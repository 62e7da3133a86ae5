"""Verdicts as text for a terminal, as Markdown for a job summary, and as JUnit XML for what reads test results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from suite import stats
from suite.analysis.claims.verdict import Judged, Verdict, tally
from suite.core import escape

HEAD = ("| verdict | claim | comparison | found | seen | why |", "|---|---|---|---|---|---|")
FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML may contain."""


def text(found: Sequence[Judged]) -> Iterator[str]:
    """A line for each claim, and one of numbers."""
    for judged in found:
        yield f"{judged.file} on {judged.track}"
        for each in judged.verdicts:
            yield f"{each.status:<14}  {each.id}: {each.says}"
            yield f"{'':<16}{each.expects}: {_numbers(each)}"
        if judged.left_out:
            yield f"({judged.left_out} more are about rows that were not run on {judged.track})"
        yield ""
    yield _tally(found)


def plain(found: Sequence[Judged], *, strict: bool = False) -> dict[str, list[dict[str, Any]]]:
    """For JSON: the verdicts of each file, and whether a check passes with them."""
    return {
        judged.name: [{**each.plain(), "passes": each.passes(strict=strict)} for each in judged.verdicts]
        for judged in found
    }


def _tally(found: Sequence[Judged]) -> str:
    return tally([each for judged in found for each in judged.verdicts])


def _numbers(verdict: Verdict) -> str:
    told = [verdict.found] if verdict.value is not None else []
    told += [f"p {stats.p_text(verdict.p)}"] if verdict.p is not None else []
    return "; ".join([*told, *(each for each in (verdict.seen, verdict.reason) if each)])


def markdown(found: Sequence[Judged], *, strict: bool = False) -> str:
    """A table for each file; what makes a check fail is bold."""
    lines: list[str] = []
    for judged in found:
        lines += [f"### {escape.markdown(judged.name)}", "", *HEAD]
        for each in judged.verdicts:
            status = each.status if each.passes(strict=strict) else f"**{each.status}**"
            says, why = escape.markdown(each.says), escape.markdown(each.reason)
            cells = (status, says, f"`{each.expects}`", each.found, each.seen, why)
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join([*lines, _tally(found), ""])


def junit(found: Sequence[Judged], *, strict: bool = False) -> bytes:
    """One suite a file: *fails* is a failure, *not comparable* an error; *undecided* skipped, a failure if strict."""
    tags = {"fails": "failure", "not comparable": "error", "undecided": "failure" if strict else "skipped"}
    root = ElementTree.Element("testsuites", name="suite check")
    for judged in found:
        given = [tags.get(each.status, "") for each in judged.verdicts]
        suite = ElementTree.SubElement(
            root, "testsuite", name=_clean(judged.name), tests=str(len(given)), failures=str(given.count("failure")),
            errors=str(given.count("error")), skipped=str(given.count("skipped")), time="0",
        )  # fmt: skip
        for each, tag in zip(judged.verdicts, given, strict=True):
            case = ElementTree.SubElement(suite, "testcase", classname=_clean(each.track), name=each.id, time="0")
            if tag:
                told = _clean(f"{each.says}: {each.expects}: {_numbers(each)}")
                ElementTree.SubElement(case, tag, message=told, type=each.status).text = told
            else:
                ElementTree.SubElement(case, "system-out").text = _clean(f"{each.expects}: {_numbers(each)}")
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _clean(value: str) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)
