"""The store: SQLAlchemy tables, queries and migrations. Only this package opens database connections."""

from suite.results.store.leases import Lease
from suite.results.store.owners import Owner
from suite.results.store.reader import ResultsReader
from suite.results.store.records import (
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
from suite.results.store.references import StepReferences
from suite.results.store.removing import Removal
from suite.results.store.store import Store, caution_about

__all__ = [
    "AnswerColumns",
    "AnswerRecord",
    "ArtifactRecord",
    "Costs",
    "CurvePointRecord",
    "ExperimentRecord",
    "FindingRecord",
    "Lease",
    "Owner",
    "Provenance",
    "Removal",
    "ResultsReader",
    "ScoreRecord",
    "StepLink",
    "StepOutcome",
    "StepRecord",
    "StepReferences",
    "Store",
    "caution_about",
]
