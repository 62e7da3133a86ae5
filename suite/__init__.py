"""A declarative benchmark and leaderboard for fine-tuning methods: what they gain, what they keep, what they cost."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it: `typing` itself takes ten times as long as all else here
if TYPE_CHECKING:
    from typing import Any, Final

    from suite.analysis.advice import Advice, Candidate, Constraints
    from suite.analysis.board import Board, Row
    from suite.analysis.board.compare import Comparison
    from suite.analysis.claims import Judged, Verdict
    from suite.api.advice import recommend
    from suite.api.answers import DocumentAnswer, TaskEvaluation, answers
    from suite.api.claims import check
    from suite.api.models import LoadedModel, load_model
    from suite.api.planning import LoadedSpec, PlannedRun, PlannedStep, load_spec, plan
    from suite.api.results import board, compare, open_store
    from suite.api.running import run
    from suite.api.saving import SavedModel, save
    from suite.api.site import render
    from suite.core.errors import SuiteError
    from suite.execution.outcome import Outcome
    from suite.results.store import Store
    from suite.specs import Experiment

__version__ = "0.1.0"

__all__ = [
    "Advice",
    "Board",
    "Candidate",
    "Comparison",
    "Constraints",
    "DocumentAnswer",
    "Experiment",
    "Judged",
    "LoadedModel",
    "LoadedSpec",
    "Outcome",
    "PlannedRun",
    "PlannedStep",
    "Row",
    "SavedModel",
    "Store",
    "SuiteError",
    "TaskEvaluation",
    "Verdict",
    "answers",
    "board",
    "check",
    "compare",
    "load_model",
    "load_spec",
    "open_store",
    "plan",
    "recommend",
    "render",
    "run",
    "save",
]

_MODULES: Final = {
    name: module
    for module, names in {
        "analysis.advice": ("Advice", "Candidate", "Constraints"),
        "analysis.board": ("Board", "Row"),
        "analysis.board.compare": ("Comparison",),
        "api.advice": ("recommend",),
        "api.answers": ("DocumentAnswer", "TaskEvaluation", "answers"),
        "api.claims": ("check",),
        "api.models": ("LoadedModel", "load_model"),
        "api.planning": ("LoadedSpec", "PlannedRun", "PlannedStep", "load_spec", "plan"),
        "api.results": ("board", "compare", "open_store"),
        "api.running": ("run",),
        "api.saving": ("SavedModel", "save"),
        "api.site": ("render",),
        "analysis.claims": ("Judged", "Verdict"),
        "core.errors": ("SuiteError",),
        "execution.outcome": ("Outcome",),
        "specs": ("Experiment",),
        "results.store": ("Store",),
    }.items()
    for name in names
}
"""Where each public name is, imported when it is first asked for: `import suite` takes a millisecond. No module of
`suite` may have one of these names, since importing it would put the module in the name's place."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'suite' has no attribute {name!r}")
    value = getattr(import_module(f"suite.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
