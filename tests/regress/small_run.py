"""A small run from specs to verdicts; `python -m tests.regress.small_run` prints the loss curve, to record it anew."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from tests.cli.calls import start

SPECS = ("specs/finetune_rte.yaml", "specs/promot_rte.yaml")
CLAIMS = Path("specs/claims/regress.yaml")


def small_run(home: Path, *specs: str, sets: tuple[str, ...] = ()) -> None:
    """`suite run specs/finetune_rte.yaml specs/promot_rte.yaml --track micro-regress`."""
    settings = [part for text in sets for part in ("--set", text)]
    command(0, "run", *(specs or SPECS), "--track", "micro-regress", "--home", home, *settings)


def checked(home: Path, code: int) -> dict[str, dict[str, Any]]:
    """`suite check specs/claims/regress.yaml`: each verdict by its claim."""
    verdicts = json.loads(command(code, "check", CLAIMS, "--json", "--home", home))
    return {each["id"]: each for each in verdicts[str(CLAIMS)]}


def losses(home: Path) -> list[float]:
    """The loss of each step of fine-tuning."""
    query = "SELECT value FROM curve_point c JOIN step s ON s.id = c.step_id WHERE name = 'loss' AND title LIKE ?"
    with sqlite3.connect(home / "suite.db") as connection:
        return [value for (value,) in connection.execute(f"{query} ORDER BY c.step", ("train finetune%",))]


def command(code: int, *arguments: str | Path) -> str:
    """A command's output. Raises RuntimeError if it ends with another code."""
    process = start(*arguments)
    out, err = process.communicate(timeout=900)
    if process.returncode != code:
        raise RuntimeError(f"exit code {process.returncode}, not {code}: {err or out}")
    return out


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        small_run(Path(folder), SPECS[0])
        print(", ".join(map(repr, losses(Path(folder)))))
