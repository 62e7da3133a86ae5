"""Python code in documents, run as a reader would: the cells of a notebook, the blocks of a page."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def cells(notebook: Path) -> list[str]:
    """The code of a notebook (nbformat 4), cell by cell."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    assert content["nbformat"] == 4
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]


def blocks(page: Path) -> list[str]:
    """The Python blocks of a Markdown page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def run(code: Sequence[str], name: str) -> dict[str, Any]:
    """Run pieces of code one after another in one namespace, and return that."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, piece in enumerate(code, 1):
        exec(compile(piece, f"{name}, piece {number}", "exec"), namespace)
    return namespace
