"""Claims about stored results, and their verdicts."""

from suite.claims.form import Claim, Claims, Recording
from suite.claims.judge import judge, judge_further
from suite.claims.verdict import Judged, Status, Verdict

__all__ = ["Claim", "Claims", "Judged", "Recording", "Status", "Verdict", "judge", "judge_further"]
