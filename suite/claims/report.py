"""Verdicts as text for a terminal, as Markdown for a job summary, and as JUnit XML for what reads test results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree

from suite import escape, stats
from suite.claims.verdict import Verdict, tally

HEAD = ("| verdict | claim | comparison | found | seen | why |", "|---|---|---|---|---|---|")
FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML may contain."""


def text(files: Mapping[str, Sequence[Verdict]]) -> Iterator[str]:
    """A line for each claim, and one of numbers."""
    for file, verdicts in files.items():
        yield f"{file} on {verdicts[0].track}" if verdicts else file
        for each in verdicts:
            yield f"{each.status:<14}  {each.id}: {each.says}"
            yield f"{'':<16}{each.expects}: {_numbers(each)}"
        yield ""
    yield tally([each for verdicts in files.values() for each in verdicts])


def _numbers(verdict: Verdict) -> str:
    told = [verdict.found] if verdict.value is not None else []
    told += [f"p {stats.p_text(verdict.p)}"] if verdict.p is not None else []
    return "; ".join([*told, *(each for each in (verdict.seen, verdict.reason) if each)])


def markdown(files: Mapping[str, Sequence[Verdict]]) -> str:
    """A table for each file."""
    lines: list[str] = []
    for file, verdicts in files.items():
        lines += [
            f"### {escape.markdown(file)}",
            "",
            "| verdict | claim | comparison | found | seen | why |",
            "|---|---|---|---|---|---|",
        ]
        for each in verdicts:
            status = f"**{each.status}**" if each.wrong else each.status
            says, why = escape.markdown(each.says), escape.markdown(each.reason)
            cells = (status, says, f"`{each.expects}`", each.found, each.seen, why)
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join([*lines, tally([each for verdicts in files.values() for each in verdicts]), ""])


def junit(files: Mapping[str, Sequence[Verdict]]) -> bytes:
    """One suite a file: *fails* is a failure, *not comparable* an error, *undecided* skipped."""
    root = ElementTree.Element("testsuites", name="suite check")
    for file, verdicts in files.items():
        counts = {status: sum(each.status == status for each in verdicts) for status in
                  ("fails", "not comparable", "undecided")}  # fmt: skip
        suite = ElementTree.SubElement(
            root, "testsuite", name=_clean(file), tests=str(len(verdicts)), failures=str(counts["fails"]),
            errors=str(counts["not comparable"]), skipped=str(counts["undecided"]), time="0",
        )  # fmt: skip
        for each in verdicts:
            case = ElementTree.SubElement(suite, "testcase", classname=_clean(each.track), name=each.id, time="0")
            tag = {"fails": "failure", "not comparable": "error", "undecided": "skipped"}.get(each.status)
            if tag:
                told = _clean(f"{each.says}: {each.expects}: {_numbers(each)}")
                ElementTree.SubElement(case, tag, message=told, type=each.status).text = told
            else:
                ElementTree.SubElement(case, "system-out").text = _clean(f"{each.expects}: {_numbers(each)}")
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _clean(value: str) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)
