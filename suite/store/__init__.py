"""The store: SQLAlchemy tables, queries, migrations; the only code that opens a connection."""

from suite.store.holders import Holder
from suite.store.owners import Owner
from suite.store.records import (
    AnswerColumns,
    AnswerRecord,
    ArtifactRecord,
    Costs,
    CurvePointRecord,
    ExperimentRecord,
    FindingRecord,
    Provenance,
    ScoreRecord,
    StepLink,
    StepOutcome,
    StepRecord,
)
from suite.store.removing import Removal
from suite.store.store import Store

__all__ = [
    "AnswerColumns",
    "AnswerRecord",
    "ArtifactRecord",
    "Costs",
    "CurvePointRecord",
    "ExperimentRecord",
    "FindingRecord",
    "Holder",
    "Owner",
    "Provenance",
    "Removal",
    "ScoreRecord",
    "StepLink",
    "StepOutcome",
    "StepRecord",
    "Store",
]
