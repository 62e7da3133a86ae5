"""A process that opens a store twice does not lose its locks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from suite.results.store import StepRecord, Store
from suite.results.store.open_files import is_open

LAST_ONE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("UPDATE step SET title = 'other'")
connection.commit()
connection.close()
"""


def test_another_process_does_not_take_itself_for_the_last_one(tmp_path: Path) -> None:
    file = tmp_path / "suite.db"
    with Store.open(file) as store:
        store.add_steps([StepRecord("a", "train", "mine", {})])
        with Store.open(f"sqlite:///{file}") as second:
            assert second.step_ids() == store.step_ids()
            assert is_open(file)
        subprocess.run([sys.executable, "-c", LAST_ONE, str(file)], check=True)
        assert file.with_name("suite.db-wal").exists()  # the last connection to close would have removed it
        assert is_open(file)
    assert not is_open(file)
