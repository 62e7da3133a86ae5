"""Print the first row of each track in a folder of runs: ``python examples/best_rows.py runs``."""

from __future__ import annotations

import sys

import suite


def first_row(board: suite.Board) -> suite.Row | None:
    """The row of rank 1 of a board, whatever its target; None if no row has a rank."""
    ranked = [row for row in board.rows if row.rank is not None and row.rank.place == 1]
    return ranked[0] if ranked else None


def main(home: str) -> None:
    """Print a line for each track."""
    with suite.open_store(home) as store:
        for track in store.tracks():
            row = first_row(suite.board(store, track))
            average = row.norm_avg[max(row.norm_avg)] if row else None
            if row is None or average is None:
                print(f"{track}: no row has a rank")
            else:
                print(f"{track}: {row.name} keeps {average.value:.1f} of 100 for {row.costs.seconds or 0:.1f} s")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "runs")
    except suite.SuiteError as error:
        sys.exit(str(error))
