"""Names that lm-eval knows, listed so that task files are checked without importing lm-eval (a test compares them)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PYTHON: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""A metric that is the user's Python function: `module:function`."""

FIELD_MEANINGS: Final[Mapping[str, str]] = {
    "task": "The task's name: that of its file.",
    "task_alias": "A name for display in lm-eval. Changes no score.",
    "tag": "Groups of lm-eval that the task belongs to. Changes no score.",
    "dataset_path": "A data set of the hub, a kind of file (`json`, `csv`, `parquet`, `text`) or a local folder.",
    "dataset_name": "The configuration of the data set.",
    "dataset_kwargs": "Options for reading the data, such as `data_files`.",
    "training_split": "The split that methods train on and that exemplars are drawn from.",
    "validation_split": "The split that is reported where there is no `test_split`.",
    "test_split": "The split that is reported.",
    "fewshot_split": "The split that exemplars are drawn from, in place of the training split.",
    "output_type": "How answers are given: written (`generate_until`), or chosen by likelihood (`multiple_choice`).",
    "doc_to_text": "The question: a Jinja template over the row's fields, or the name of a field.",
    "doc_to_target": "The right answer, or a list of right answers; with choices, the right one or its place from 0.",
    "doc_to_choice": "The choices: a list, the name of a field, or a template that gives a list.",
    "description": "Text before the exemplars and the question.",
    "gen_prefix": "Text with which each answer begins; it belongs to the prompt.",
    "target_delimiter": "What stands between a question and its answer; one space if left out.",
    "fewshot_delimiter": "What stands between exemplars; an empty line if left out.",
    "generation_kwargs": "When a written answer ends: `until` (stop strings) and `max_gen_toks` (tokens).",
    "filter_list": "Pipelines of filters that read an answer out of what the model wrote.",
    "metric_list": "The metrics; the first is the primary one unless `metadata.primary` names another.",
    "metadata": "What suite adds to lm-eval's format.",
}
"""The fields of lm-eval's TaskConfig that a task file may have, and their meanings."""

OURS_MAY_NOT_SET: Final = {
    "custom_dataset": "rows come from the data folder or from `dataset_path`",
    "process_docs": "it needs Python; use `metadata.drop` or `metadata.splits`",
    "process_results": "it needs Python; use `filter_list` and `metric_list`",
    "num_fewshot": "the track says how many shots are given",
    "fewshot_config": "exemplars are drawn once for all documents; name their rows in `metadata.splits.exemplars`",
    "unsafe_code": "answers run as code in the sandbox only: give `metadata.program` and the metric `pass@1`",
    "use_prompt": "write the template in `doc_to_text`",
    "repeats": "decoding is greedy, so an answer repeats itself",
    "doc_to_image": "tasks are text",
    "doc_to_audio": "tasks are text",
    "should_decontaminate": "leaks are checked when a run is planned",
    "doc_to_decontamination_query": "leaks are checked when a run is planned",
}
"""Fields of lm-eval that a task file must not have, and what to do instead."""

FIELDS: Final = frozenset({*FIELD_MEANINGS, *OURS_MAY_NOT_SET})
"""The fields of lm-eval's TaskConfig."""

OUTPUT_TYPES: Final = frozenset({"generate_until", "multiple_choice", "loglikelihood", "loglikelihood_rolling"})

GENERATION: Final = frozenset({"until", "max_gen_toks", "do_sample", "temperature"})

FILTERS: Final = frozenset({
    "custom", "format_span", "lowercase", "majority_vote", "map", "multi_choice_regex", "regex", "regex_pos",
    "remove_whitespace", "take_first", "take_first_k", "uppercase",
})  # fmt: skip
"""The filters of lm-eval."""

OUR_FILTERS: Final[Mapping[str, Mapping[str, type]]] = {
    "cut_answer": {"prefix": str, "occurrence": int, "blank_line": bool},
    "first_label": {"labels": tuple, "ignore_case": bool},
    "named_label": {"labels": tuple, "ignore_case": bool},
    "stated": {"marker": str},
    "last_number": {},
    "json_field": {"field": str},
}
"""Our filters, and the options of each."""

CHOOSERS: Final = frozenset({"take_first", "take_first_k", "majority_vote"})
"""Filters that select one answer of a document's list; a pipeline has to contain one of them."""

NO_OPTIONS: Final = frozenset({"metric", "aggregation", "higher_is_better", "hf_evaluate"})
"""Keys of a `metric_list` entry that are for lm-eval, not options of the metric."""

DEFAULT_METRICS: Final = {
    "generate_until": ("exact_match",),
    "multiple_choice": ("acc", "acc_norm"),
    "loglikelihood": ("perplexity", "acc"),
    "loglikelihood_rolling": ("word_perplexity", "byte_perplexity", "bits_per_byte"),
}
"""The metrics that lm-eval reports if a task names none."""


ALSO_OF_LM_EVAL: Final = frozenset({
    "arc_challenge", "arc_easy", "cb", "gsm8k", "humaneval", "mbpp", "openbookqa", "rte", "triviaqa", "wic", "xsum",
})  # fmt: skip
"""Shipped tasks that share a name with a task of lm-eval (a test compares the lists)."""


def is_python(metric: str) -> bool:
    """Whether a metric is the name of a Python function: `module:function`."""
    return PYTHON.fullmatch(metric) is not None
