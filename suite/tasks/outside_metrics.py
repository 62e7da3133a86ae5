"""Metrics from packages and workspaces: entry points of `suite.metrics`, and `metrics/*.py` beside `tasks/`.

Each is one module with a `METRIC`, like the modules of `suite.core.metrics`. Each error is one line that names its
file.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from suite.core.corpus import Pair
from suite.core.errors import Problem, SuiteError, machine_problem
from suite.core.metrics import PERCENT, WRITTEN, MetricDefinition, MetricSettings, Resampling, metrics
from suite.plugins.loading import broken
from suite.plugins.pinned import PinnedPlugin, Plugins

if TYPE_CHECKING:
    from suite.core.confusion import Counts, Measured
    from suite.core.metrics._definition import Numbers

TOLERANCE: Final = 1e-9
"""Tolerance for values outside of the range by rounding."""
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def plugins_in(task_folders: Sequence[Path]) -> Plugins:
    """The metrics from packages, and from the workspaces of some folders of task files."""
    folders = [folder.parent if folder.name == "tasks" else folder for folder in task_folders]
    return Plugins.of("metric", metrics(), folders)


@dataclass(frozen=True)
class NamedMetrics:
    """The metrics from outside that a task names."""

    names: frozenset[str]
    """Names of all metrics from outside, whether the task names them or not."""
    plugins: Mapping[str, PinnedPlugin]
    definitions: Mapping[str, MetricDefinition]
    """The loaded metrics."""
    problems: tuple[Problem, ...]
    """Problems of the metrics that the task names."""


def named(metric_names: Iterable[str], task_folders: Sequence[Path], *, load: bool) -> NamedMetrics:
    """Find the metrics from packages and workspaces among some names, and load them if `load` is set."""
    added = plugins_in(task_folders)
    plugins: dict[str, PinnedPlugin] = {}
    definitions: dict[str, MetricDefinition] = {}
    problems: list[Problem] = []
    for name in metric_names:
        try:
            plugin = added.plugin(name)
            if plugin is not None:
                plugins[name] = plugin
                if load:
                    definitions[name] = definition(name, plugin)
        except SuiteError as error:
            problems += error.problems
    return NamedMetrics(frozenset(added.origins), plugins, definitions, tuple(problems))


@lru_cache(maxsize=256)
def definition(name: str, plugin: PinnedPlugin) -> MetricDefinition:
    """Load a metric; errors of its functions become SuiteErrors. Raises SuiteError, in one line, if it is not a
    metric."""
    with redirect_stdout(sys.stderr):  # its output is not part of a command's output
        loaded = plugin.load()
    metric = loaded if isinstance(loaded, MetricDefinition) else getattr(loaded, "METRIC", None)
    for wrong, fix in _wrong(name, metric):
        raise SuiteError(f"is no metric: {wrong}", where=str(plugin.origin), fix=fix)
    assert isinstance(metric, MetricDefinition)
    return _MetricGuard(name, plugin).guarded(metric)


def _wrong(name: str, metric: object) -> Iterator[tuple[str, str]]:
    """Faults of a metric from outside. Some kinds are not allowed, because results are read where its code is
    missing."""
    if not isinstance(metric, MetricDefinition):
        yield "it has no METRIC", f'write `METRIC = MetricDefinition("{name}", document_score=…)`'
        return
    if metric.name != name:
        yield f"its METRIC is called '{metric.name}'", f"call it '{name}', as its file or entry point is called"
    if metric.over == "likelihoods" or metric.output_types != {WRITTEN}:
        yield "it is not of written answers", "leave `output_types` out; `over` is documents, corpus or classes"
    if metric.over == "documents" and metric.document_score is None:
        yield "it has no `document_score`", "give a function of reference, answer and settings"
    if metric.range != PERCENT or not metric.higher_is_better:
        yield "it does not go from 0 to 100 with more being better", "give 1 minus the value, or its share of the most"
    if metric.tokenizer is not None:
        yield "it has a `tokenizer`", "split texts in its function; `settings.language` is theirs"
    if metric.runs_programs:
        yield "it runs programs", "name the metric pass@1, which runs them in the sandbox"


class _MetricGuard:
    """Wraps code from outside: its errors become one line, and values outside of the range are rejected."""

    def __init__(self, name: str, plugin: PinnedPlugin) -> None:
        self._name, self._origin = name, plugin.origin

    def guarded(self, metric: MetricDefinition) -> MetricDefinition:
        """The metric with its functions wrapped."""
        resampling = metric.resampling
        return replace(
            metric,
            aggregation=self._name if metric.together else "mean",
            document_score=metric.document_score and self._document_score(metric.document_score),
            class_score=metric.class_score and self._class_score(metric.class_score),
            score=metric.score and self._score(metric.score),
            resampling=resampling and Resampling(self._counts(resampling.counts), self._caught(resampling.score)),
        )

    def _document_score(
        self, function: Callable[[str, str, MetricSettings], float]
    ) -> Callable[[str, str, MetricSettings], float]:
        caught = self._caught(function)
        return lambda reference, answer, settings: self._number(caught(reference, answer, settings), 1.0)

    def _score(self, function: Callable[[Sequence[Pair], str], float]) -> Callable[[Sequence[Pair], str], float]:
        caught = self._caught(function)
        return lambda pairs, tokenizer: self._number(caught(pairs, tokenizer), PERCENT[1])

    def _class_score(
        self, function: Callable[[Counts, int | None], Measured]
    ) -> Callable[[Counts, int | None], Measured]:
        caught = self._caught(function)

        def measured(counts: Counts, positive: int | None) -> Measured:
            from suite.core.confusion import Measured

            result = caught(counts, positive)
            if not isinstance(result, Measured):
                raise self._error(result, "a Measured (suite.core.confusion)")
            return Measured(self._number(result.value, 1.0), result.stderr)

        return measured

    def _counts(self, function: Callable[[Sequence[Pair], str], Numbers]) -> Callable[[Sequence[Pair], str], Numbers]:
        caught = self._caught(function)

        def rows(pairs: Sequence[Pair], tokenizer: str) -> Numbers:
            import numpy as np

            result = caught(pairs, tokenizer)
            if not isinstance(result, np.ndarray) or result.ndim != 2 or len(result) != len(pairs):
                raise self._error(result, "an array with a row of numbers for each document")
            return result

        return rows

    def _caught(self, function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
        def call(*given: _Given.args, **named: _Given.kwargs) -> _Result:
            try:
                with redirect_stdout(sys.stderr):
                    return function(*given, **named)
            except (Exception, SystemExit) as error:
                if machine_problem(error) is not None:
                    raise
                raise broken(self._origin, error, f"metric '{self._name}' fails") from error

        return call

    def _number(self, value: Any, most: float) -> float:
        try:
            number = math.nan if isinstance(value, str) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not -TOLERANCE <= number <= most + TOLERANCE:  # nan fails both comparisons
            raise self._error(value, f"a number from 0 to {most:g}, {most:g} being best")
        return min(max(number, 0.0), most)

    def _error(self, value: object, wanted: str) -> SuiteError:
        what = f"metric '{self._name}' gives {' '.join(repr(value).split())[:40]}"
        return SuiteError(what, where=str(self._origin), fix=f"return {wanted}")
