"""A track's table as CSV and JSON: exact numbers; missing ones are empty."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from leaderboard.view import numbers
from suite.analysis.board import Board, Cell, LenientScore, Row
from suite.analysis.board.classification import Classification
from suite.core.escape import spreadsheet
from suite.stats import Contrast, Estimate

LONGEST = 32_000
"""The most characters that a spreadsheet's cell holds."""


def as_csv(board: Board) -> str:
    """One line for each row. Column names are `quantity.shots.field`."""
    return "".join(_written([_csv_row(board, row) for row in board.rows]))


def as_json(board: Board) -> str:
    """The board, with the interval of every estimate and what the interval is over."""
    value = {**_head(board), "rows": [_json_row(row) for row in board.rows]}
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def as_lines(board: Board) -> dict[str, Any]:
    """CSV and JSON row by row, for a script that exports some of the rows."""
    head, *lines = _written([_csv_row(board, row) for row in board.rows])
    rows = [_json_row(row) for row in board.rows]
    return {"csv": {"head": head, "lines": lines}, "json": {"head": _head(board), "rows": rows}}


def _head(board: Board) -> dict[str, Any]:
    head: dict[str, Any] = {"track": board.track, "title": board.title, "about": board.about}
    head |= {"deviations": list(board.deviations)} if board.deviations else {}
    return {**head, "shots": list(board.shots), "roles": list(board.roles)}


def _written(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """A heading and a line for each row, each with its line end: a cell may itself contain line breaks."""
    names = list(rows[0]) if rows else ["track"]
    lines = []
    for values in ({name: _text(name) for name in names}, *rows):  # a record may give a role any name
        stream = io.StringIO()
        csv.DictWriter(stream, names, lineterminator="\n").writerow(values)
        lines.append(stream.getvalue())
    return lines


def _csv_row(board: Board, row: Row) -> dict[str, str]:
    held_out = {(cell.role, cell.shots): cell for cell in row.held_out}
    kinds = _kinds(board)
    target = {cell.role: cell for cell in row.target_scores}
    listed: dict[str, str] = {
        "track": _text(board.track),
        "name": _text(row.name),
        "variant": _text(row.variant),
        "method": _text(row.method),
        "family": _text(row.family),
        "source": _text(row.source),
        "targets": _text(" ".join(row.targets)),
        "seeds": " ".join(map(str, row.seeds)),
        "rank": str(row.rank.place) if row.rank else "",
        "rank.low": str(row.rank.low) if row.rank else "",
        "rank.high": str(row.rank.high) if row.rank else "",
        "standing": row.learning.standing if row.learning else "",
        "gain_share": numbers.raw(row.learning.share if row.learning else None),
        "imported": str(row.imported).lower(),
        "tries": str(row.tries),
        "changes": _text("; ".join(row.changes)),
        "missing": _text("; ".join(row.missing)),
    }
    for role in board.targets:
        listed |= _csv_cell(f"target.{role}", target.get(role), kinds.get(role, frozenset()))
        gained = row.gained.get(role)
        listed |= _csv_estimate(f"gained.{role}", gained.estimate if gained else None)
        listed |= _csv_test(f"gained.{role}", gained, row.corrected_gains.get(role))
    for count in board.shots:
        listed |= _csv_estimate(f"norm_avg.{count}", row.norm_avg.get(count))
    for count in board.shots:
        listed |= _csv_estimate(f"change.{count}", row.change.get(count))
        against = row.against.get(count) if row.change.get(count) else None
        listed |= _csv_test(f"change.{count}", against, row.corrected.get(count))
    listed |= _csv_estimate("format_ratio", row.format_ratio)
    listed |= _csv_estimate("pretrained_format_ratio", row.base_format_ratio)
    listed |= {name: "" if value is None else repr(value) for name, value in vars(row.costs).items()}
    for role in board.roles:
        for count in board.shots:
            listed |= _csv_cell(f"{role}.{count}", held_out.get((role, count)), kinds.get(role, frozenset()))
    return listed


def _csv_estimate(name: str, value: Estimate | None) -> dict[str, str]:
    return {
        name: numbers.raw(value.value if value else None),
        f"{name}.low": numbers.raw(value.low if value else None),
        f"{name}.high": numbers.raw(value.high if value else None),
        f"{name}.over": value.over if value else "",
    }


def _csv_test(name: str, change: Contrast | None, p: float | None) -> dict[str, str]:
    effect = change.resolvable if change else None
    return {f"{name}.p_corrected": numbers.raw(p), f"{name}.resolvable": numbers.raw(effect)}


def _kinds(board: Board) -> dict[str, frozenset[str]]:
    """Role -> the further results that any row has of it: `classes`, `lenient`."""
    kinds: dict[str, frozenset[str]] = {}
    for cell in (cell for row in board.rows for cell in (*row.target_scores, *row.held_out)):
        of_cell = frozenset(name for name in ("classes", "lenient") if getattr(cell, name))
        kinds[cell.role] = kinds.get(cell.role, frozenset()) | of_cell
    return kinds


def _csv_cell(name: str, cell: Cell | None, kinds: frozenset[str]) -> dict[str, str]:
    counts = {
        f"{name}.metric": _text(cell.metric) if cell else "",
        f"{name}.documents": str(cell.documents) if cell else "",
        f"{name}.distinct": str(cell.distinct) if cell else "",
        f"{name}.unparsable": str(cell.unparsable) if cell else "",
        f"{name}.unwritable": str(cell.unwritable) if cell else "",
    }
    by_document = cell.classes if cell else None
    classes = {
        f"{name}.macro_f1": numbers.raw(by_document.macro_f1.value if by_document else None),
        f"{name}.majority": numbers.raw(by_document.majority_share if by_document else None),
    }
    lenient = cell.lenient if cell else None
    read = _csv_estimate(f"{name}.lenient", lenient.score if lenient else None)
    read |= _csv_estimate(f"{name}.format_gain", lenient.format_gain if lenient else None)
    more = {**(classes if "classes" in kinds else {}), **(read if "lenient" in kinds else {})}
    return {**_csv_estimate(name, cell.score if cell else None), **counts, **more}


def _text(text: str) -> str:
    text = text.replace("\0", "").encode("utf-8", "replace").decode()
    text = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return spreadsheet(text)


def _json_row(row: Row) -> dict[str, Any]:
    plain = ("name", "variant", "method", "family", "source", "about", "imported", "tries")
    return {
        **{name: getattr(row, name) for name in plain},
        "rank": {**vars(row.rank), "of": row.contenders} if row.rank else None,
        "learning": {**vars(row.learning), "unlearned": list(row.learning.unlearned)} if row.learning else None,
        "targets": list(row.targets),
        "seeds": list(row.seeds),
        "experiments": list(row.experiments),
        "changes": list(row.changes),
        "missing": list(row.missing),
        "target_scores": [_json_cell(cell) for cell in row.target_scores],
        "gained": {role: _json_change(gain, row.corrected_gains.get(role)) for role, gain in row.gained.items()},
        "norm_avg": _json_estimates(row.norm_avg),
        "change": {
            str(shots): _json_change(row.against.get(shots) if change else None, row.corrected.get(shots))
            for shots, change in row.change.items()
        },
        "format_ratio": _json_estimate(row.format_ratio),
        "pretrained_format_ratio": _json_estimate(row.base_format_ratio),
        "costs": dict(vars(row.costs)),
        "held_out": [_json_cell(cell) for cell in row.held_out],
    }


def _json_estimates(values: Mapping[int, Estimate | None]) -> dict[str, Any]:
    return {str(shots): _json_estimate(value) for shots, value in values.items()}


def _json_change(change: Contrast | None, p: float | None) -> dict[str, Any] | None:
    estimate = _json_estimate(change.estimate if change else None)
    return {**estimate, "p_corrected": p, "resolvable": change.resolvable} if estimate and change else None


def _json_estimate(value: Estimate | None) -> dict[str, Any] | None:
    if value is None:
        return None
    ends = {"value": value.value, "low": value.low, "high": value.high}
    return {
        **{name: end if end is not None and math.isfinite(end) else None for name, end in ends.items()},
        "over": value.over,
    }


def _json_cell(cell: Cell) -> dict[str, Any]:
    names = ("role", "shots", "metric", "chance", "documents", "distinct", "unparsable", "unwritable")
    values = {**{name: getattr(cell, name) for name in names}, "score": _json_estimate(cell.score)}
    values |= {"classes": _json_classes(cell.classes)} if cell.classes else {}
    return {**values, "lenient": _json_lenient(cell.lenient)} if cell.lenient else values


def _json_lenient(lenient: LenientScore) -> dict[str, Any]:
    estimates = {"score": lenient.score, "format_gain": lenient.format_gain}
    return {"reading": lenient.reading, **{name: _json_estimate(value) for name, value in estimates.items()}}


def _json_classes(classes: Classification) -> dict[str, Any]:
    """A summary. The confusion matrices are separate downloads (`classes/`)."""
    majority = {"class": classes.majority, "share": classes.majority_share}
    return {"macro_f1": _json_estimate(classes.macro_f1), "accuracy": classes.accuracy, "majority": majority}
