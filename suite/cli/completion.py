"""Shell completion of names in the store. A store that cannot be read has no names and causes no message."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suite.core.errors import SuiteError
from suite.core.run_dir import RUNS, RunDir

if TYPE_CHECKING:
    from suite.results.store import ExperimentRecord


def experiment_names(context: typer.Context, incomplete: str) -> list[str]:
    """Stored experiments whose names begin with the text."""
    return sorted({record.name for record in _stored(context) if record.name.startswith(incomplete)})


def track_names(context: typer.Context, incomplete: str) -> list[str]:
    """Tracks of stored experiments whose names begin with the text."""
    return sorted({record.track for record in _stored(context) if record.track.startswith(incomplete)})


def _stored(context: typer.Context) -> tuple[ExperimentRecord, ...]:
    from suite.results.store import Store

    with suppress(SuiteError, OSError):
        home = RunDir(Path(context.params.get("home") or RUNS), context.params.get("db"))
        if home.exists:
            with Store.open(home.url, create=False, patient=False) as store:
                return store.experiments()
    return ()
