"""Files and folders for the user, written beside what is there and then put in its place: whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from suite.core.errors import SuiteError, machine_problem


def write_output(file: Path, content: bytes, fix: str) -> None:
    """Write a file. Raises SuiteError with the `fix` where it cannot be written: what was there is as it was."""
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
    """Copy a folder to where none is. Raises SuiteError with the `fix` where that cannot be: nothing is left then."""
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
    """What the machine could not do to a file or folder, with the remedy: that of the machine, or else `fix`."""
    problem = machine_problem(error)
    reason = getattr(error, "strerror", None) or (problem.what if problem else str(error))
    told = problem.fix if problem and problem.fix else fix
    return SuiteError(f"cannot be written ({reason})", where=str(where), fix=told)
