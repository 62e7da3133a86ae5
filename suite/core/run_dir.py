"""Folders of runs: the database, artifacts, work in progress and the rendered site."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from suite.core.errors import SuiteError
from suite.core.hashing import fingerprint

RUNS = Path("runs")
"""The default home."""


@dataclass(frozen=True)
class RunDir:
    """A folder of runs. Several processes may share it."""

    folder: Path
    db: str | None = None
    """A SQLAlchemy URL if the database is not the SQLite file in the folder."""

    def __post_init__(self) -> None:
        try:
            str(self.folder).encode()
        except UnicodeEncodeError:  # neither SQLite nor a page could name a path that is not text
            where = repr(str(self.folder))
            raise SuiteError("is no name in UTF-8", where=where, fix="choose another with --home") from None

    @property
    def url(self) -> str | Path:
        """The database: its URL, or the path of the SQLite file, which may contain characters special in a URL."""
        return self.db or self.folder / "suite.db"

    @property
    def exists(self) -> bool:
        """Whether there is a database to read."""
        if self.db is None:
            return (self.folder / "suite.db").exists()
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(self.db)
        except (ArgumentError, ValueError):
            return True  # opening it says what is wrong
        in_a_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        return not in_a_file or Path(str(url.database)).exists()

    @property
    def site(self) -> Path:
        """The rendered pages."""
        return self.folder / "site"

    @property
    def logs(self) -> Path:
        """Logs of past runs, one file each."""
        return self.folder / "logs"

    @property
    def trackers(self) -> Path:
        """Files of trackers, a folder for each (`suite run --track-with`)."""
        return self.folder / "trackers"

    @property
    def artifacts(self) -> Path:
        """The artifacts of train steps, a folder for each."""
        return self.folder / "artifacts"

    def artifact(self, step: str) -> Path:
        """The folder of a finished train step's artifact."""
        return self.artifacts / step

    @property
    def factors(self) -> Path:
        """Cached singular value decompositions, a folder for each base model."""
        return self.folder / "factors"

    def factors_of(self, model: str) -> Path:
        """Those of a base model (its identity), by the content of the matrix."""
        return self.factors / fingerprint(model)

    @property
    def answers(self) -> Path:
        """Answers that are not scored yet."""
        return self.folder / "answers"

    @property
    def work_folder(self) -> Path:
        """The steps in progress, a folder for each."""
        return self.folder / "work"

    def work(self, step: str) -> Path:
        """The folder of a step in progress, with its checkpoints."""
        return self.work_folder / step

    def create(self) -> RunDir:
        """Create the folder. Raises SuiteError if this fails."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fix = "choose another with --home"
            raise SuiteError(f"cannot be made ({error.strerror})", where=str(self.folder), fix=fix) from None
        return self
