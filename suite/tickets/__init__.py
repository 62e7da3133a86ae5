"""Tickets to a shop of household appliances, each for one of six teams: a classification set written for this project.

The task is `specs/tasks/appliance_tickets.yaml`; what the rows are and where they come from is in docs/tickets.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).parent / "data"
"""The rows, as `<task>/<split>.jsonl`."""
