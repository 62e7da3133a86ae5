"""Results as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from suite.board import BASELINE, Board, Cell, Row, board, boards
from suite.errors import SuiteError, did_you_mean
from suite.home import Home
from suite.plan import Plan
from suite.runner.progress import clock
from suite.stats import Estimate
from suite.store import Store

if TYPE_CHECKING:
    from suite.runner.run import Outcome

DASH = "–"


def report(plan: Plan, home: Home, outcome: Outcome) -> None:
    """After a run: what failed, the rows it was about, and the page to open."""
    from suite.commands.sharing import render_site

    print()
    if outcome.interrupted:
        print("Interrupted. What was finished is kept; the same command goes on from there.")
    for title, reason in outcome.failed.items():
        print(f"failed: {title}: {reason}")
    if outcome.blocked:
        print(f"not run, as they need a failed step: {outcome.blocked}")
    wanted = {(each.experiment.track.name, each.experiment.name) for each in plan.experiments}
    with reading(home) as store:
        for each in boards(store):
            rows = [row for row in each.rows if (each.track, row.name) in wanted]
            if rows:
                print("\n".join(table(each, rows)))
    undone = f", {len(outcome.failed)} failed, {outcome.blocked} not run" if outcome.failed else ""
    print(f"{outcome.done} steps done, {outcome.reused} reused{undone}, in {clock(outcome.seconds)}")
    if not outcome.interrupted:
        print(f"open {render_site(home, None, None)}")


def show_results(home: Home, name: str | None, track: str | None, *, as_json: bool = False) -> None:
    """Print the boards, or one experiment's rows with every score."""
    from suite.commands.boards import as_text, plain

    with reading(home) as store:
        found = stored_boards(store, home, track)
    names = {row.name for each in found for row in each.rows}
    if name is not None and name not in names:
        raise SuiteError(f"there is no experiment '{name}' in the store", fix=did_you_mean(name, names))
    chosen = [(each, [row for row in each.rows if name in (None, row.name)]) for each in found]
    if as_json:
        print(as_text([{"track": each.track, "rows": plain(rows)} for each, rows in chosen if rows]))
        return
    for each, rows in chosen:
        if rows:
            print("\n".join(table(each, rows)))
        for row in rows if name else ():
            print("\n".join(details(row)))


def stored_boards(store: Store, home: Home, track: str | None) -> list[Board]:
    """The boards of a store, or of one track. Raises SuiteError if there are none."""
    known = store.tracks()
    if known and track not in (None, *known):
        raise SuiteError(
            f"nothing was run on the track '{track}'", where="--track", fix=did_you_mean(str(track), known)
        )
    if not known:
        raise SuiteError("there is nothing to show yet", where=str(home.folder), fix="`suite run SPEC` first")
    return [board(store, each) for each in known if track in (None, each)]


@contextmanager
def reading(home: Home) -> Iterator[Store]:
    """The store of a home that must be there."""
    with Store.open(home.url, create=False) as store:
        yield store


def table(board: Board, rows: Sequence[Row]) -> Iterator[str]:
    """A board's main columns."""
    shots = board.shots
    head = ["experiment", "seeds", "target"]
    head += [f"Norm. Avg. {count}-shot" for count in shots] + [f"change {count}-shot" for count in shots]
    head += ["format ratio", "trained", "time"]
    lines = [head]
    for row in rows:
        lines.append(
            [
                row.name + ("*" if row.changes else ""),
                str(len(row.seeds)),
                " ".join(f"{cell.role} {shown(cell.score)}" for cell in row.target_scores) or DASH,
                *(shown(row.norm_avg.get(count)) for count in shots),
                *(DASH if row.method == BASELINE else shown(row.change.get(count), sign=True) for count in shots),
                _ratio(row),
                f"{row.costs.trained_parameters:,}" if row.costs.trained_parameters else DASH,
                clock(row.costs.seconds) if row.costs.seconds else DASH,
            ]
        )
    yield f"{board.title}"
    yield from aligned(lines)
    for row in rows:
        if row.changes:
            yield f"* {row.name} is not on the track's terms: {', '.join(row.changes)}"
        if row.tries:
            yield f"{row.name} is the best of {row.tries} tries on rows held out of training; its time is that of all"
        if row.missing:
            yield f"! {row.name} misses {', '.join(row.missing[:3])}" + (" …" if len(row.missing) > 3 else "")
    yield f"± is half of a 95% interval, over {' or '.join(_over(rows)) or 'documents'}; {DASH} is not measured"
    yield ""


def details(row: Row) -> Iterator[str]:
    """Every score of a row."""
    lines = [["task", "shots", "metric", "score", "documents", "unparsable", "chance"]]
    for cell in (*row.target_scores, *row.held_out):
        lines.append(
            [
                cell.role,
                str(cell.shots),
                cell.metric,
                shown(cell.score),
                str(cell.documents),
                str(cell.unparsable),
                DASH if cell.chance is None else f"{cell.chance:g}" + (" (at chance)" if cell.at_chance else ""),
            ]
        )
    yield from aligned(lines)
    yield f"run with --seeds {','.join(map(str, row.seeds))}"
    yield ""


def shown(estimate: Estimate | None, sign: bool = False) -> str:
    """``81.3 ± 2.1``, or a dash."""
    if estimate is None:
        return DASH
    value = f"{estimate.value:+.1f}" if sign else f"{estimate.value:.1f}"
    return value if estimate.half_width is None else f"{value} ± {estimate.half_width:.1f}"


def _ratio(row: Row) -> str:
    if row.format_ratio is None:
        return DASH
    control = "" if row.base_format_ratio is None else f" (base {row.base_format_ratio.value:.1f})"
    return f"{shown(row.format_ratio)}{control}"


def _over(rows: Iterable[Row]) -> list[str]:
    cells: list[Cell] = [cell for row in rows for cell in (*row.target_scores, *row.held_out)]
    return sorted({cell.score.over for cell in cells if cell.score and cell.score.half_width is not None})


def aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, its columns in line, with a rule below the first."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for number, line in enumerate(lines):
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)
