"""Uploading a saved folder to the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from suite.core.errors import SuiteError
from suite.core.hub import unreachable

NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
"""An owner and a name."""
EMPTY: Final = frozenset({".gitattributes", "README.md"})
"""Files that a new repository has."""


def check_upload(repository: str) -> None:
    """Raises SuiteError, in one line, where an upload cannot succeed: the name, the network, the token, its files."""
    where = f"--push {repository}"
    if NAME.fullmatch(repository) is None:
        raise SuiteError("is no name of a repository", where=where, fix="write it as ORG/NAME")
    reason = unreachable()
    if reason is not None:
        raise SuiteError(f"the hub cannot be reached ({reason}); nothing was written", where=where)
    if get_token() is None:
        raise SuiteError("there is no token", where=where, fix="run `hf auth login`, or set HF_TOKEN")
    try:
        files = set(HfApi().list_repo_files(repository))
    except RepositoryNotFoundError:
        return
    except (HfHubHTTPError, OSError) as error:
        raise SuiteError(f"the hub refuses ({_line(error)})", where=where) from error
    if files - EMPTY:
        raise SuiteError("has files already", where=where, fix="name a new repository; nothing was overwritten")


def upload(folder: Path, repository: str) -> str:
    """Upload a whole folder to a repository, private if it is new; returns its address."""
    api = HfApi()
    try:
        api.create_repo(repository, private=True, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message=f"suite save: {folder.name}")
    except (HfHubHTTPError, OSError) as error:
        fix = f"the folder {folder} is whole: `hf upload {repository} {folder}` sends it"
        raise SuiteError(f"the upload failed ({_line(error)})", where=f"--push {repository}", fix=fix) from error
    return f"https://huggingface.co/{repository}"


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
