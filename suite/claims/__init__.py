"""Claims about stored results, and their verdicts."""

from suite.claims.form import Claim, Claims, Recording
from suite.claims.judge import judge
from suite.claims.verdict import Status, Verdict

__all__ = ["Claim", "Claims", "Recording", "Status", "Verdict", "judge"]
