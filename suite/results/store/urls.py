"""URLs of databases."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from suite.core.errors import SuiteError
from suite.results.store.servers import Server, server_at


def database_url(url: str | Path) -> URL:
    """A SQLAlchemy URL, or that of a SQLite file. Raises SuiteError for a URL that cannot be used."""
    if isinstance(url, Path):
        return URL.create("sqlite", database=str(url.absolute()))  # absolute, since a file may be called `:memory:`
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise unknown_url(url) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise unknown_url(shown(parsed))
    return parsed


def server_of(url: URL) -> Server | None:
    """The server of a database; None for SQLite."""
    return None if url.get_backend_name() == "sqlite" else server_at(url, shown(url))


def shown(url: URL) -> str:
    """The database's name in messages: the file, or the URL without its password."""
    return str(url.database) if url.get_backend_name() == "sqlite" and url.database else url.render_as_string()


def unknown_url(url: str) -> SuiteError:
    """The error for a URL that cannot be used."""
    fix = "write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
    return SuiteError(f"'{url}' is not a database URL that suite can use", where="--db", fix=fix)
