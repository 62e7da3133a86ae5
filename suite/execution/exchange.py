"""Artifacts that go between machines: a folder or bucket of fsspec, which has each under its step and its hash."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final

from suite.core.errors import ArtifactLost, SuiteError
from suite.models.artifact_files import stored_hash

MANIFEST: Final = "files.json"
"""Written last: file name -> its SHA-256. An artifact without one is not whole."""
EXTRAS: Final = {"s3": "s3", "s3a": "s3"}
"""Protocol -> the extra of the package that installs what it needs."""


class ArtifactExchange:
    """Sends artifacts to a folder or bucket, and fetches them from there into the home of another machine."""

    def __init__(self, url: str) -> None:
        """Raises SuiteError for a URL that cannot be used."""
        import fsspec

        self.url = url
        protocol = url.partition("://")[0] if "://" in url else "file"
        try:
            self._files, root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            extra = EXTRAS.get(protocol)
            fix = f'pip install "finetune-suite[{extra}]"' if extra else " ".join(str(error).split())
            raise SuiteError(f"'{protocol}' needs a package that is not here", where="--artifacts", fix=fix) from None
        except ValueError as error:
            fix = "name a folder that all machines see, or a bucket: s3://BUCKET/FOLDER"
            raise SuiteError(f"'{url}' cannot be used ({error})", where="--artifacts", fix=fix) from None
        self._root = PurePosixPath(root)

    def check(self) -> None:
        """Write and delete a small file. Raises SuiteError if that fails."""
        path = str(self._root / f"check-{secrets.token_hex(8)}")
        with self._one_line("cannot be written"):
            self._files.makedirs(str(self._root), exist_ok=True)
            self._files.pipe_file(path, b"suite")
            self._files.rm_file(path)

    def send(self, folder: Path, wanted: str) -> None:
        """Send the artifact in its step's folder, which has the hash `wanted`. Raises SuiteError if that fails."""
        there = self._root / f"{folder.name}-{wanted}"
        if self.has(folder.name, wanted):
            return
        sums: dict[str, str] = {}
        with self._one_line("cannot be written"):
            self._files.makedirs(str(there), exist_ok=True)
            for file in sorted(folder.iterdir()):
                sums[file.name] = _sum(file)
                self._files.put_file(str(file), str(there / file.name))
            self._files.pipe_file(str(there / MANIFEST), json.dumps(sums, sort_keys=True).encode())

    def has(self, step: str, wanted: str) -> bool:
        """Whether the whole artifact is there."""
        with self._one_line("cannot be read"):
            self._files.invalidate_cache()
            return bool(self._files.exists(str(self._root / f"{step}-{wanted}" / MANIFEST)))

    def fetch(self, folder: Path, wanted: str) -> None:
        """Fetch a step's artifact with this hash into its folder, unless one is there that was fetched before.

        Each file is compared with its SHA-256. Raises ArtifactLost if the artifact is not there or is damaged.
        """
        if stored_hash(folder) == wanted:
            return
        there = self._root / f"{folder.name}-{wanted}"
        if not self.has(folder.name, wanted):
            raise ArtifactLost(folder.name, f"is not in {self.url}")
        fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.new")
        try:
            fresh.mkdir(parents=True)
            with self._one_line("cannot be read"):
                sums: dict[str, str] = json.loads(self._files.cat_file(str(there / MANIFEST)))
                for name, checksum in sums.items():
                    target = fresh / PurePosixPath(name).name
                    self._files.get_file(str(there / name), str(target))
                    if _sum(target) != checksum:
                        raise ArtifactLost(folder.name, f"in {self.url} is damaged ({name})")
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
            fresh.rename(folder)
        except OSError as error:
            if stored_hash(folder) != wanted:  # otherwise another process of this machine was first
                raise SuiteError(f"cannot be written ({error})", where=str(folder)) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    @contextmanager
    def _one_line(self, what: str) -> Iterator[None]:
        """Context manager that turns the errors of a file system or a service into one line."""
        try:
            yield
        except (SuiteError, ArtifactLost, MemoryError):
            raise
        except Exception as error:  # each service has exceptions of its own
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise SuiteError(f"{what} ({reason})", where=self.url, fix="check --artifacts and its access") from error


def _sum(file: Path) -> str:
    digest: Any = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return str(digest.hexdigest())
