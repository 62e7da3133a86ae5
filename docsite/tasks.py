"""The page of task files: lm-eval's fields, what suite adds, filters and metrics."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from docsite import fields
from docsite.markdown import first_sentence, table, target
from suite.core.metrics import MetricDefinition, metrics
from suite.tasks import lm_eval_names
from suite.tasks.metadata import Metadata


def page() -> str:
    """All that a task file may say, as Markdown."""
    names, forbidden = lm_eval_names.FIELD_MEANINGS, lm_eval_names.OURS_MAY_NOT_SET
    parts = [
        "# Task",
        "A task file is an [lm-eval](https://github.com/EleutherAI/lm-evaluation-harness) YAML of plain data: "
        "[Tasks](../../specs/README.md#tasks) explains it. A file may `include:` another and change its keys.",
        table(("field", "meaning"), [(target(f"task.{name}") + f"`{name}`", about) for name, about in names.items()]),
        "## Fields that are refused",
        "lm-eval has these fields, too. A task file here must leave them out.",
        table(("field", "instead"), [(target(f"task.{name}") + f"`{name}`", fix) for name, fix in forbidden.items()]),
        "## `metadata`",
        "What suite adds to lm-eval's format.",
        fields.page(Metadata, "task", "metadata"),
        "## Filters",
        "A pipeline of `filter_list` ends with one of "
        + ", ".join(f"`{name}`" for name in sorted(lm_eval_names.CHOOSERS)) + ".",
        table(("filter", "options", "what it does"), _filters()),
        "## Metrics",
        "`output_type` decides which metrics a task may have. A function of your own is named `module:function`.",
        table(("metric", "of", "over", "options", "range"), map(_metric, sorted(metrics().values(), key=_name))),
    ]  # fmt: skip
    return "\n\n".join(parts)


def _name(metric: MetricDefinition) -> str:
    return metric.name


def _filters() -> Iterator[tuple[str, str, str]]:
    """Ours with their options and docstrings, then lm-eval's."""
    from lm_eval.api.registry import get_filter

    import suite.tasks.filters  # noqa: F401  registers ours

    for name, options in lm_eval_names.OUR_FILTERS.items():
        about = first_sentence(inspect.getdoc(get_filter(name)) or "")
        yield target(f"task.filter.{name}") + f"`{name}`", ", ".join(f"`{each}`" for each in options), about
    for name in sorted(lm_eval_names.FILTERS - {"custom"}):
        yield target(f"task.filter.{name}") + f"`{name}`", "", "lm-eval's own."


def _metric(metric: MetricDefinition) -> tuple[str, str, str, str, str]:
    kinds = ", ".join(f"`{kind}`" for kind in sorted(metric.output_types)) or "all"
    options = ", ".join(f"`{name}`" for name in sorted(metric.options))
    better = "" if metric.higher_is_better else ", lower is better"
    low, high = metric.range
    return (
        target(f"task.metric.{metric.name}") + f"`{metric.name}`",
        kinds,
        metric.over,
        options,
        f"{low:g} to {high:g}{better}",
    )
