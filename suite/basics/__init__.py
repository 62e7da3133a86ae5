"""The basics: what an instruct model should still be able to do after it was trained for something else.

Five tasks (`specs/tasks/basics_*.yaml`) whose rows were written for this project: facts, arithmetic, instructions,
reasoning and reading. Their card is docs/basics.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).parent / "data"
"""The rows, as `<task>/<split>.jsonl`."""
