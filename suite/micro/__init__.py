"""The micro world, first edition: its rows and its base models, as files.

Its generator is gone since the second edition (`suite.micro2`); the last commit with it is 1a503b5.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODELS: Final = Path(__file__).parent / "models"
