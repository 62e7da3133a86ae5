"""What makes a task file's metrics right, and what follows from them: which one ranks, and which classes there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from suite.core.errors import Problem, did_you_mean
from suite.core.labels import as_label
from suite.core.metrics import WRITTEN, MetricDefinition
from suite.core.metrics import metrics as known_metrics
from suite.tasks import lm_eval_names

Where = Callable[[tuple[str | int, ...]], str]


def metric_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics that a task reports, in order."""
    given = config.get("metric_list")
    if given is None:
        return lm_eval_names.DEFAULT_METRICS.get(config.get("output_type", "generate_until"), ())
    listed = given if isinstance(given, (tuple, list)) else ()
    return tuple(str(each["metric"]) for each in listed if isinstance(each, Mapping) and "metric" in each)


def rankable(metrics: Iterable[str]) -> tuple[str, ...]:
    """Those metrics that lie on 0 to 100 with more being better."""
    return tuple(name for name in metrics if _ranks(name) or lm_eval_names.is_python(name))


def _ranks(name: str) -> bool:
    metric = known_metrics().get(name)
    return metric is not None and metric.rankable


def labels_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """What an answer may be, for classification: `metadata.labels`, or the choices that a task has for all its rows.

    Choices that only name a place (`[A, B, C, D]`, `["1", "2"]`) are no classes.
    """
    metadata = config.get("metadata")
    given = metadata.get("labels") if isinstance(metadata, Mapping) else ()
    given = given if isinstance(given, (tuple, list)) else ()
    if given or config.get("output_type") != "multiple_choice":
        return tuple(map(str, given))
    choices = config.get("doc_to_choice")
    if not isinstance(choices, (tuple, list)) or not all(isinstance(each, str) for each in choices):
        return ()
    return () if all(len(each.strip()) < 2 for each in choices) else tuple(choices)


def problems(config: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    """All that is wrong with `metric_list`; `where` tells ``file:line`` of a key."""
    given = config.get("metric_list", ())
    if not isinstance(given, tuple) or not all(isinstance(each, Mapping) and "metric" in each for each in given):
        yield Problem(where(("metric_list",)), "metric_list: is not a list of metrics", "write `- metric: accuracy`")
        return
    kind = str(config.get("output_type", "generate_until"))
    names = [str(each["metric"]) for each in given]
    for position, (name, each) in enumerate(zip(names, given, strict=True)):
        at = where(("metric_list", position))
        if name in names[:position]:
            what = f"metric_list.{position}: '{name}' is listed twice; one result would hide the other"
            yield Problem(at, what, "list each metric once")
        if lm_eval_names.is_python(name):
            continue  # `python_metric.find` looks for it
        metric, of_kind = known_metrics().get(name), _of_kind(kind)
        of_classes = metric is not None and metric.over == "classes"
        if metric is None:
            what = f"metric_list.{position}: there is no metric '{name}'"
            yield Problem(at, what, did_you_mean(name, known_metrics()))
        elif of_kind and name not in of_kind:
            what = f"metric_list.{position}: {name} is not a metric of `output_type: {kind}`"
            yield Problem(at, what, did_you_mean(name, of_kind))
        else:
            for what, fix in (*_summary(each, metric), *(() if of_classes else _options(each, metric, kind))):
                yield Problem(at, f"metric_list.{position}: {what}", fix)
        for what, fix in _of_classes(each, config) if of_classes else ():
            yield Problem(at, f"metric_list.{position}: {what}", fix)
    if not rankable(metric_names(config)):
        what = "metric_list: has no metric that lies between 0 and 100 and is better when higher"
        yield Problem(
            where(("metric_list",)),
            what,
            f"add one of {', '.join(sorted(name for name, each in known_metrics().items() if each.own))}, acc, bleu …",
        )


def _of_kind(kind: str) -> frozenset[str]:
    """The metrics that answers of a kind have."""
    return frozenset(name for name, each in known_metrics().items() if kind in each.output_types)


def _summary(given: Mapping[str, Any], metric: MetricDefinition) -> Iterator[tuple[str, str]]:
    """What is wrong with how a metric's values are to be put together and ranked: each metric has one way."""
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
    """Problems of the options that say what a metric ignores, which written answers alone can be."""
    name, allowed = metric.name, metric.options if kind == WRITTEN else frozenset[str]()
    for key, value in given.items():
        if key in lm_eval_names.NO_OPTIONS:
            continue
        if key not in allowed:
            yield f"{name} has no option '{key}'", did_you_mean(key, allowed | lm_eval_names.NO_OPTIONS - {"metric"})
        elif key != "regexes_to_ignore":
            if not isinstance(value, bool):
                yield f"{name}'s {key} is {value!r}", "write `true` or `false`"
        elif not isinstance(value, tuple) or not all(isinstance(each, str) for each in value):
            yield f"{name}'s {key} is {value!r}", 'write a list of regular expressions, as in `[","]`'
        else:
            for each in value:
                try:
                    re.compile(each)
                except re.error as error:
                    yield f"{name}'s {key} has '{each}', which is no regular expression ({error})", ""


def _of_classes(given: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with `f1` or `mcc`, which score all answers together by class."""
    name, labels = given["metric"], labels_of(config)
    written = config.get("output_type", "generate_until") == "generate_until"
    if written and not labels:
        yield f"{name} is for classification, and the task has no labels", "list them: `metadata: {labels: […]}`"
    allowed = {"metric", "aggregation", "higher_is_better", *known_metrics()[name].options}
    for key in given:
        if key not in allowed:
            yield f"{name} has no option '{key}'", did_you_mean(key, allowed)
    if "pos_label" in given and as_label(given["pos_label"], labels) is None:
        what = f"pos_label: '{given['pos_label']}' is none of the task's labels"
        yield what, did_you_mean(str(given["pos_label"]), labels)
