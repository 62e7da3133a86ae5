"""Check a task file's metrics, and find which one ranks and which classes there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from suite.core.errors import Problem, did_you_mean
from suite.core.labels import as_label
from suite.core.metrics import IGNORING, WRITTEN, MetricDefinition, metrics
from suite.tasks import lm_eval_names

LABEL_FILTERS: Final = frozenset({"first_label", "named_label"})
Where = Callable[[tuple[str | int, ...]], str]


@dataclass(frozen=True)
class KnownMetrics:
    """The metrics that a task may name: those of the table, and those from packages and workspaces."""

    added: frozenset[str] = frozenset()
    """Names of the metrics from outside: they range from 0 to 100, and more is better."""
    loaded: Mapping[str, MetricDefinition] = field(default_factory=dict)
    """The loaded metrics from outside."""

    def get(self, name: str) -> MetricDefinition | None:
        """The definition of a metric; None if it does not exist or is not loaded."""
        return self.loaded.get(name) or metrics().get(name)

    def names(self) -> frozenset[str]:
        """All names."""
        return self.added | metrics().keys()

    def of_kind(self, kind: str) -> frozenset[str]:
        """The metrics that are available for an output type."""
        written = self.added - self.loaded.keys() if kind == WRITTEN else frozenset[str]()
        known = {**metrics(), **self.loaded}
        return written | {name for name, metric in known.items() if kind in metric.output_types}


def metric_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics that a task reports, in order."""
    entries = config.get("metric_list")
    if entries is None:
        return lm_eval_names.DEFAULT_METRICS.get(config.get("output_type", "generate_until"), ())
    listed = entries if isinstance(entries, (tuple, list)) else ()
    return tuple(str(entry["metric"]) for entry in listed if isinstance(entry, Mapping) and "metric" in entry)


def rankable(names: Iterable[str], known: KnownMetrics = KnownMetrics()) -> tuple[str, ...]:
    """The metrics that range up to 100 and for which more is better."""
    return tuple(name for name in names if _ranks(name, known))


def _ranks(name: str, known: KnownMetrics) -> bool:
    metric = known.get(name)
    return metric.rankable if metric is not None else name in known.added or lm_eval_names.is_python(name)


def runs_programs(names: Iterable[str]) -> bool:
    """Whether one of the metrics runs the answers as programs."""
    return any(metric.runs_programs for name in names if (metric := metrics().get(name)))


def filter_steps(config: Mapping[str, Any]) -> Iterator[Any]:
    """The filters of all pipelines; pipelines that are malformed, which other checks report, have none."""
    pipelines = config.get("filter_list")
    for pipeline in pipelines if isinstance(pipelines, (list, tuple)) else ():
        steps = pipeline.get("filter") if isinstance(pipeline, Mapping) else None
        yield from steps if isinstance(steps, (list, tuple)) else ()


def filter_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of all filters."""
    return tuple(str(step.get("function") if isinstance(step, Mapping) else step) for step in filter_steps(config))


def label_words(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels that the first filter of labels reads; where no filter does, those of `metadata`."""
    steps = [step for step in filter_steps(config) if isinstance(step, Mapping)]
    listed = [step.get("labels") for step in steps if str(step.get("function")) in LABEL_FILTERS]
    named = (tuple(map(str, labels)) for labels in listed if isinstance(labels, (list, tuple)))
    return next(named, None) or tuple(map(str, (config.get("metadata") or {}).get("labels") or ()))


def labels_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels of a classification: `metadata.labels`, or choices that are the same for all rows.

    Choices that only name a position (`[A, B, C, D]`, `["1", "2"]`) are not classes.
    """
    metadata = config.get("metadata")
    given = metadata.get("labels") if isinstance(metadata, Mapping) else ()
    given = given if isinstance(given, (tuple, list)) else ()
    if given or config.get("output_type") != "multiple_choice":
        return tuple(map(str, given))
    choices = config.get("doc_to_choice")
    if not isinstance(choices, (tuple, list)) or not all(isinstance(choice, str) for choice in choices):
        return ()
    return () if all(len(choice.strip()) < 2 for choice in choices) else tuple(choices)


def problems(config: Mapping[str, Any], where: Where, known: KnownMetrics = KnownMetrics()) -> Iterator[Problem]:
    """All problems of `metric_list`; `where` gives the ``file:line`` of a key."""
    entries = config.get("metric_list", ())
    if not isinstance(entries, tuple) or not all(isinstance(entry, Mapping) and "metric" in entry for entry in entries):
        yield Problem(where(("metric_list",)), "metric_list: is not a list of metrics", "write `- metric: accuracy`")
        return
    names = [str(entry["metric"]) for entry in entries]
    for position, (name, entry) in enumerate(zip(names, entries, strict=True)):
        line = where(("metric_list", position))
        if name in names[:position]:
            what = f"metric_list.{position}: '{name}' is listed twice; one result would hide the other"
            yield Problem(line, what, "list each metric once")
        if not lm_eval_names.is_python(name):  # `python_metric.find` checks it
            for what, fix in _entry(name, entry, config, known):
                yield Problem(line, f"metric_list.{position}: {what}", fix)
    if not rankable(metric_names(config), known):
        what = "metric_list: has no metric that lies between 0 and 100 and is better when higher"
        kind = str(config.get("output_type", WRITTEN))
        others = sorted(name for name, metric in metrics().items() if metric.rankable and kind in metric.output_types)
        yield Problem(where(("metric_list",)), what, f"add one of {', '.join(others)}")


def _entry(
    name: str, entry: Mapping[str, Any], config: Mapping[str, Any], known: KnownMetrics
) -> Iterator[tuple[str, str]]:
    """Problems of one entry of `metric_list`."""
    kind = str(config.get("output_type", WRITTEN))
    metric, of_kind = known.get(name), known.of_kind(kind)
    if metric is None:
        if name not in known.added:  # a metric from outside is not loaded, or its problems are reported elsewhere
            yield f"there is no metric '{name}'", did_you_mean(name, known.names())
    elif of_kind and name not in of_kind:
        yield f"{name} is not a metric of `output_type: {kind}`", did_you_mean(name, of_kind)
    else:
        yield from _summary(entry, metric)
        if metric.over != "classes":
            yield from _options(entry, metric, kind)
    if metric is not None and metric.over == "classes":
        yield from _of_classes(entry, metric, config)


def _summary(given: Mapping[str, Any], metric: MetricDefinition) -> Iterator[tuple[str, str]]:
    """Problems of a metric's aggregation and direction; each metric allows only one of each."""
    name, usual, high = metric.name, metric.aggregation, metric.higher_is_better
    if given.get("aggregation", usual) != usual:
        what = f"{name} {'is averaged over' if usual == 'mean' else 'scores all'} answers"
        yield f"{what}, and has no aggregation '{given['aggregation']}'", f"write `{usual}`, or leave `aggregation` out"
    if given.get("higher_is_better", high) is not high:
        what = f"{name}: {'higher' if high else 'lower'} is better"
        yield f"{what}, not {given['higher_is_better']!r}", f"write `higher_is_better: {str(high).lower()}`"
    if given.get("hf_evaluate", False) not in (False, name == "exact_match"):
        yield f"{name} is computed here, not by `evaluate`", "leave `hf_evaluate` out"


def _options(given: Mapping[str, Any], metric: MetricDefinition, kind: str) -> Iterator[tuple[str, str]]:
    """Problems of the options that say what a metric ignores; only written answers have them."""
    name, allowed = metric.name, metric.options if kind == WRITTEN else frozenset[str]()
    for key, value in given.items():
        if key in lm_eval_names.NO_OPTIONS:
            continue
        if key not in allowed:
            yield f"{name} has no option '{key}'", did_you_mean(key, allowed | lm_eval_names.NO_OPTIONS - {"metric"})
        elif key not in IGNORING:
            continue  # an option of a metric from outside, which checks its values itself
        elif key != "regexes_to_ignore":
            if not isinstance(value, bool):
                yield f"{name}'s {key} is {value!r}", "write `true` or `false`"
        elif not isinstance(value, tuple) or not all(isinstance(pattern, str) for pattern in value):
            yield f"{name}'s {key} is {value!r}", 'write a list of regular expressions, as in `[","]`'
        else:
            for pattern in value:
                try:
                    re.compile(pattern)
                except re.error as error:
                    yield f"{name}'s {key} has '{pattern}', which is no regular expression ({error})", ""


def _of_classes(
    given: Mapping[str, Any], metric: MetricDefinition, config: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Problems of a metric that scores all answers together by class."""
    name, labels = metric.name, labels_of(config)
    written = config.get("output_type", "generate_until") == "generate_until"
    if written and not labels:
        yield f"{name} is for classification, and the task has no labels", "list them: `metadata: {labels: […]}`"
    allowed = {"metric", "aggregation", "higher_is_better", *metric.options}
    for key in given:
        if key not in allowed:
            yield f"{name} has no option '{key}'", did_you_mean(key, allowed)
    if "pos_label" in given and as_label(given["pos_label"], labels) is None:
        what = f"pos_label: '{given['pos_label']}' is none of the task's labels"
        yield what, did_you_mean(str(given["pos_label"]), labels)
