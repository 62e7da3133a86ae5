"""Claims about stored results, and their verdicts."""

from suite.analysis.claims.judge import judge, judge_further
from suite.analysis.claims.schema import Claim, Claims, Recording
from suite.analysis.claims.verdict import Judged, Status, Verdict

__all__ = ["Claim", "Claims", "Judged", "Recording", "Status", "Verdict", "judge", "judge_further"]
