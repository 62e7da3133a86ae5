"""The folders that sites are written in: a killed render's goes with the next render, a living one's stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leaderboard.build import drafts

HOLDING = """
import sys
from pathlib import Path
from leaderboard.build.drafts import Draft
draft = Draft(Path(sys.argv[1]))
(draft.folder / "index.html").write_text("half of it")
print(draft.folder, flush=True)
sys.stdin.read()
"""


def holding(out: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process that is at work on a draft, and the draft."""
    command = [sys.executable, "-c", HOLDING, str(out)]
    process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@pytest.mark.skipif(os.name != "posix", reason="no locks of folders here")
def test_a_killed_process_s_draft_goes_at_once_and_a_living_one_s_stays(tmp_path: Path) -> None:
    out = tmp_path / "site"
    process, folder = holding(out)
    taken = folder.with_name(folder.name + drafts.OLD)  # the site that it had moved away when it was killed
    taken.mkdir()
    drafts.clear(out)
    assert sorted(tmp_path.iterdir()) == sorted([folder, taken])
    process.kill()
    process.communicate()
    drafts.clear(out)
    assert list(tmp_path.iterdir()) == []


def test_a_closed_draft_leaves_nothing_and_others_folders_stay(tmp_path: Path) -> None:
    other = tmp_path / ".sites"
    other.mkdir()
    draft = drafts.Draft(tmp_path / "site")
    assert draft.folder.is_dir()
    draft.close()
    drafts.clear(tmp_path / "site")
    assert list(tmp_path.iterdir()) == [other]
