"""Write files and folders for the user atomically: beside the old ones first, then moved into their place."""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from suite.core.errors import SuiteError, machine_problem


def write_output(file: Path, content: bytes, fix: str) -> None:
    """Write a file. Raises SuiteError with the `fix` if it cannot be written; the old file is then unchanged."""
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and not file.is_file():  # a pipe or a terminal
            file.write_bytes(content)
            return
        target = file.resolve() if file.is_symlink() else file
        fresh.write_bytes(content)
        shutil.move(fresh, target) if target != file else fresh.replace(file)
    except OSError as error:
        raise not_written(error, file, fix) from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def copy_folder(source: Path, folder: Path, fix: str) -> None:
    """Copy a folder to a new path. Raises SuiteError with the `fix` if this fails; nothing is left then."""
    fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.new")
    made = [each for each in (folder.parent, *folder.parent.parents) if not each.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, fresh)
        fresh.rename(folder)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        for each in made:
            with suppress(OSError):
                each.rmdir()
        raise not_written(error, folder, fix) from error


def not_written(error: Exception, where: Path, fix: str) -> SuiteError:
    """The error for a file or folder that cannot be written, with the machine's remedy or else `fix`."""
    problem = machine_problem(error)
    reason = getattr(error, "strerror", None) or (problem.what if problem else str(error))
    told = problem.fix if problem and problem.fix else fix
    return SuiteError(f"cannot be written ({reason})", where=str(where), fix=told)
