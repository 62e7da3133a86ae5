"""Checks whether the store is intact, by its checksums and by the database's own checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from suite.results.store.checked import Checked
from suite.results.store.database import connected
from suite.results.store.mapping import chunks
from suite.results.store.tables import ChecksumRow, ExperimentRow, StepRow

PARTS: Final = {
    "step": "costs and provenance", "scores": "scores", "curve": "curve", "findings": "findings",
    "artifact": "artifact", "experiment": "settings", "track": "track", "links": "links to steps",
}  # fmt: skip
"""Part of a checksum -> its name in messages; all other parts belong to answers."""
LISTED: Final = 3


class Integrity(Checked):
    """Reports changed data, and problems that the database finds in itself."""

    def alterations(self) -> tuple[tuple[str, str], ...]:
        """(step or experiment, part) of all data read so far that was changed after it was written."""
        names = self._names(list(dict.fromkeys(key for key, _ in self.changed)))
        changes = ((names.get(key, key), PARTS.get(part, "answers")) for key, part in self.changed)
        return tuple(dict.fromkeys(changes))

    def alteration(self) -> str | None:
        """The alterations in one line; None if nothing read so far was changed."""
        parts: dict[str, list[str]] = {}
        for name, part in self.alterations():
            parts.setdefault(name, []).append(part)
        if not parts:
            return None
        listed = [f"'{name}' ({', '.join(of_name)})" for name, of_name in list(parts.items())[:LISTED]]
        more = f" and {len(parts) - LISTED} more" if len(parts) > LISTED else ""
        return f"what is stored of {', '.join(listed)}{more} was changed after it was written"

    def unsealed(self) -> int:
        """The number of finished steps without checksums, which an older version stored."""
        query = select(StepRow.id).where(StepRow.status == "done", StepRow.id.not_in(select(ChecksumRow.step_id)))
        with self._reading() as connection:
            return len(connection.execute(query).all())

    def database_faults(self, *, quick: bool = False) -> tuple[str, ...]:
        """The faults that SQLite finds in its file; empty for other databases, which check themselves."""
        if self.engine.dialect.name != "sqlite":
            return ()
        check = "quick_check" if quick else "integrity_check"
        try:
            with self._turn, connected(self.engine) as connection:
                faults = [str(line) for (line,) in connection.execute(text(f"PRAGMA {check}")) if line != "ok"]
                lost = connection.execute(text("PRAGMA foreign_key_check")).all()
        except DatabaseError as error:
            return (str(error.orig),)
        return (
            *faults,
            *(f"a row of '{table}' is of a row of '{parent}' that is not there" for table, _, parent, _ in lost),
        )

    def damage(self) -> str | None:
        """The store's damage in one line; None if neither the data read so far nor a quick check shows any."""
        changed = self.alteration()
        if changed is not None:
            return changed
        faults = self.database_faults(quick=True)
        return f"is damaged ({' '.join(faults[0].split())[:160]})" if faults else None

    def _names(self, ids: Sequence[str]) -> dict[str, str]:
        """Id of a step or experiment -> its title or name."""
        titles: dict[str, str] = {}
        with self._reading() as connection:
            for some in chunks(ids):
                steps = select(StepRow.id, StepRow.title).where(StepRow.id.in_(some))
                titles |= {step: str(title) for step, title in connection.execute(steps)}
                columns = (ExperimentRow.id, ExperimentRow.name, ExperimentRow.seed)
                rows = connection.execute(select(*columns).where(ExperimentRow.id.in_(some)))
                titles |= {experiment: f"{name}, seed {seed}" for experiment, name, seed in rows}
        return titles
