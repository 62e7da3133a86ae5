"""Check a task file: every key, split, template, filter and metric; all problems at once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from suite.core.block import Block
from suite.core.errors import Problem, did_you_mean
from suite.core.labels import alike, as_label
from suite.core.languages import CODES
from suite.tasks import lm_eval_names, metric_checks
from suite.tasks.metadata import KnownOverlap, Lenient, Metadata
from suite.tasks.metric_checks import (
    KnownMetrics,
    Where,
    filter_names,
    label_words,
    labels_of,
    metric_names,
    rankable,
    runs_programs,
)

SLICE: Final = re.compile(r"([\w.-]+)(?:\[(\d*):(\d*)\])?")
"""A stored split, or some of its rows: `test`, `test[:32]`, `test[32:]`."""

_SPLITS: Final = ("training_split", "validation_split", "test_split", "fewshot_split")


def problems(config: Mapping[str, Any], where: Where, known: KnownMetrics) -> Iterator[Problem]:
    """All problems of a merged task file; `where` gives the ``file:line`` of a key."""
    misshapen = [*_shapes(config, where, ())]
    if misshapen:  # the other checks rely on these
        yield from misshapen
        return
    yield from _keys(config, where)
    yield from _data(config, where)
    yield from _splits(config, where)
    yield from _templates(config, where)
    yield from _generation(config, where)
    yield from _filters(config, where)
    yield from metric_checks.problems(config, where, known)
    yield from _metadata(config, where, known)


def _shapes(value: Any, where: Where, key: tuple[str | int, ...]) -> Iterator[Problem]:
    """Problems of output types and metrics that are not names, and of floats that are not finite."""
    path = ".".join(map(str, key))
    if isinstance(value, float) and not math.isfinite(value):
        yield Problem(where(key), f"{path}: is {value}, which is no number", "write a number, or quote it")
    named = key == ("output_type",) or (len(key) == 3 and key[0] == "metric_list" and key[2] == "metric")
    if named and not isinstance(value, str):
        yield Problem(where(key), f"{path}: is not a name", "write one word, such as `exact_match`")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _shapes(inner, where, (*key, name))
    elif isinstance(value, tuple):
        for position, inner in enumerate(value):
            yield from _shapes(inner, where, (*key, position))


def _keys(config: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    for key in config:
        if key in lm_eval_names.OURS_MAY_NOT_SET:
            yield Problem(where((key,)), f"{key}: is not for task files here", lm_eval_names.OURS_MAY_NOT_SET[key])
        elif key not in lm_eval_names.FIELDS:
            fix = did_you_mean(key, lm_eval_names.FIELDS - lm_eval_names.OURS_MAY_NOT_SET.keys() | {"include"})
            yield Problem(where((key,)), f"{key}: unknown key", fix)
    if config.get("output_type", "generate_until") not in lm_eval_names.OUTPUT_TYPES:
        what = f"output_type: there is no '{config['output_type']}'"
        yield Problem(
            where(("output_type",)), what, did_you_mean(str(config["output_type"]), lm_eval_names.OUTPUT_TYPES)
        )


def _data(config: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    for key in ("dataset_path", "dataset_name"):
        if key in config and not isinstance(config[key], str):
            yield Problem(where((key,)), f"{key}: is not a name", "quote it")
    options = config.get("dataset_kwargs", {})
    if not isinstance(options, Mapping):
        fix = "write `dataset_kwargs: {data_files: {train: train.jsonl}}`"
        yield Problem(where(("dataset_kwargs",)), "dataset_kwargs: is not a mapping", fix)
        return
    files = options.get("data_files", ())
    named = files.values() if isinstance(files, Mapping) else [files]
    names = [name for each in named for name in (each if isinstance(each, tuple) else (each,))]
    if not all(isinstance(name, str) and name for name in names):
        fix = "write `data_files: {train: train.jsonl, test: [a.jsonl, b.jsonl]}`"
        yield Problem(where(("dataset_kwargs", "data_files")), "dataset_kwargs.data_files: names no files", fix)


def _splits(config: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    for key in _SPLITS:
        if key in config and not isinstance(config[key], str):
            yield Problem(where((key,)), f"{key}: is not a split's name", "write a name, such as `train`")
    if not config.get("test_split") and not config.get("validation_split"):
        what = "has neither test_split nor validation_split, so there is nothing to report"
        yield Problem(where(()), what, "add `test_split: test`")


def _templates(config: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    from suite.tasks.templates import fault

    rolling = config.get("output_type") == "loglikelihood_rolling"
    for key in ("doc_to_target",) if rolling else ("doc_to_text", "doc_to_target"):
        if key not in config:
            yield Problem(where(()), f"{key}: is missing", f'add it: a template, `{key}: "{{{{question}}}}"`')
    if config.get("output_type") == "multiple_choice" and "doc_to_choice" not in config:
        what = "doc_to_choice: is missing, and the task has the model choose"
        yield Problem(where(()), what, 'add `doc_to_choice: ["True", "False"]`, or a field of the rows')
    for key in ("description", "gen_prefix", "target_delimiter", "fewshot_delimiter"):
        if not isinstance(config.get(key, ""), str):
            yield Problem(where((key,)), f"{key}: is not a text", "quote it")
    if not isinstance(config.get("doc_to_choice", ""), (str, tuple, Mapping)):
        what = "doc_to_choice: is neither a list of choices nor a template"
        yield Problem(where(("doc_to_choice",)), what, 'write `["True", "False"]`, or a field of the rows')
    yield from _choices(config.get("doc_to_choice"), where(("doc_to_choice",)))
    for key in ("doc_to_text", "doc_to_target", "doc_to_choice", "description", "gen_prefix"):
        template = config.get(key)
        wrong = fault(template) if isinstance(template, str) else None
        if wrong is not None:
            yield Problem(where((key,)), f"{key}: is no template ({wrong})", "check its {{ }}")


def _choices(given: Any, at: str) -> Iterator[Problem]:
    """Problems of listed choices that are not texts, because choices are shown unchanged."""
    listed = tuple(given.values()) if isinstance(given, Mapping) else given if isinstance(given, tuple) else ()
    for each in listed:
        if each is None or isinstance(each, (bool, tuple, Mapping)):
            yield Problem(at, f"doc_to_choice: {each!r} is no text", 'put choices in quotes, as in `["yes", "no"]`')
        elif isinstance(each, str) and ("{{" in each or "{%" in each):
            inner = ", ".join(str(one).replace("{{", "").replace("}}", "").strip() for one in listed)
            fix = f'write one template that gives the list: `doc_to_choice: "{{{{[{inner}]}}}}"`'
            yield Problem(at, f"doc_to_choice: '{each}' is a template within a list, and would be shown as it is", fix)
            return
        elif not str(each).strip():
            yield Problem(at, "doc_to_choice: has an empty choice", "write a text for each choice")


def _generation(config: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    if config.get("output_type", "generate_until") != "generate_until":
        return
    given = config.get("generation_kwargs")
    if not isinstance(given, Mapping):
        fix = 'add `generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 16}`'
        yield Problem(where(("generation_kwargs",)), "generation_kwargs: is missing", fix)
        return
    for key in given:
        if key not in lm_eval_names.GENERATION:
            fix = did_you_mean(key, lm_eval_names.GENERATION)
            yield Problem(where(("generation_kwargs", key)), f"generation_kwargs.{key}: unknown key", fix)
    if given.get("do_sample") or given.get("temperature"):
        yield Problem(where(("generation_kwargs",)), "generation_kwargs: asks for sampling", "decoding here is greedy")
    until = given.get("until")
    if not isinstance(until, tuple) or not all(isinstance(stop, str) and stop for stop in until):
        what = "generation_kwargs.until: is not a list of texts"
        fix = 'write `until: ["\\n\\n"]`, or `until: []` where only an end token ends an answer'
        yield Problem(where(("generation_kwargs", "until")), what, fix)
    limit = given.get("max_gen_toks")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        what = "generation_kwargs.max_gen_toks: is not a number of tokens"
        yield Problem(where(("generation_kwargs", "max_gen_toks")), what, "write `max_gen_toks: 16`")


def _filters(config: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    pipelines = config.get("filter_list", ())
    if not isinstance(pipelines, tuple):
        yield Problem(where(("filter_list",)), "filter_list: is not a list", "write `- name: …` and `filter: […]`")
        return
    for position, pipeline in enumerate(pipelines):
        at = where(("filter_list", position))
        steps = pipeline.get("filter") if isinstance(pipeline, Mapping) else None
        if not isinstance(steps, tuple) or "name" not in pipeline:
            yield Problem(at, f"filter_list.{position}: has no `name` and `filter`", "write both; `filter` is a list")
            continue
        names = [str(step.get("function")) if isinstance(step, Mapping) else str(step) for step in steps]
        for name in names:
            if name == "custom":
                what = f"filter_list.{position}: custom is a function of Python, which no task file can write"
                yield Problem(at, what, "score with a metric of your own: `metric: module:function`")
            elif name not in lm_eval_names.FILTERS | lm_eval_names.OUR_FILTERS.keys():
                what = f"filter_list.{position}: there is no filter '{name}'"
                yield Problem(at, what, did_you_mean(name, lm_eval_names.FILTERS | lm_eval_names.OUR_FILTERS.keys()))
        for step in steps:
            options = step if isinstance(step, Mapping) else {"function": step}
            yield from _filter_options(f"filter_list.{position}", options, at)
        if not lm_eval_names.CHOOSERS & set(names):
            what = f"filter_list.{position}: leaves a list of answers, which no metric reads"
            yield Problem(at, what, "end it with `{function: take_first}`")


def _filter_options(path: str, step: Mapping[str, Any], at: str) -> Iterator[Problem]:
    """Problems of our own filters' options: unknown options, or values of a wrong type."""
    name = str(step.get("function"))
    options = lm_eval_names.OUR_FILTERS.get(name, {})
    if "labels" in options and "labels" not in step:
        yield Problem(at, f"{path}: {name} has no labels", 'add them: `labels: ["True", "False"]`')
    if name == "json_field" and not step.get("field"):
        yield Problem(at, f"{path}: json_field has no field", "name it: `{function: json_field, field: label}`")
    for option, value in step.items():
        if option == "function" or not options:
            continue
        if option not in options:
            yield Problem(at, f"{path}: {name} has no option '{option}'", did_you_mean(option, options))
        elif not _is_of(value, options[option]):
            yield Problem(at, f"{path}: {name}'s {option} is {value!r}", f"write {_OPTION_KINDS[options[option]]}")


def _is_of(value: Any, kind: type) -> bool:
    if kind is int:
        return type(value) is int and int(value) >= 1
    if kind is tuple:
        return isinstance(value, tuple) and bool(value) and all(isinstance(one, str) and one.strip() for one in value)
    return isinstance(value, kind)


_OPTION_KINDS: Final = {
    str: "a text", int: "a whole number from 1", bool: "`true` or `false`", 
    tuple: 'a list of texts in quotes, as in `["yes", "1"]`',
}  # fmt: skip


def _metadata(config: Mapping[str, Any], where: Where, known: KnownMetrics) -> Iterator[Problem]:
    given = config.get("metadata", {})
    try:
        metadata = Metadata.model_validate(given)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            place = ("metadata", *item["loc"])
            path = ".".join(str(part) for part in place)
            if item["type"] == "extra_forbidden":
                blocks: dict[str, type[Block]] = {"lenient": Lenient, "known_overlap": KnownOverlap}
                block = blocks.get(str(place[1]), Metadata)
                yield Problem(where(place), f"{path}: unknown key", did_you_mean(str(place[-1]), block.model_fields))
            else:
                fix = "put it in quotes" if item["type"] == "string_type" else ""
                yield Problem(where(place), f"{path}: {item['msg'].removeprefix('Input ')}", fix)
        return
    used = {str(config[key]) for key in _SPLITS if config.get(key)}
    for name, cut in metadata.splits.items():
        at, there = where(("metadata", "splits", name)), used | {"exemplars"}
        inherited = at.rpartition(":")[0] != where(()).rpartition(":")[0]  # this task may not need the split
        if name not in there and not inherited:
            yield Problem(at, f"metadata.splits.{name}: the task uses no such split", did_you_mean(name, there))
        if not SLICE.fullmatch(cut):
            what = f"metadata.splits.{name}: '{cut}' is no cut of a split"
            yield Problem(at, what, "write `test[32:]` or `test[:32]`")
    if metadata.language not in CODES:
        what = f"metadata.language: '{metadata.language}' is no language that can be told"
        yield Problem(where(("metadata", "language")), what, "write its ISO 639 code, as in `language: fr`")
    names = metric_names(config)
    if metadata.primary is not None and metadata.primary not in (ranked := rankable(names, known)):
        what = f"metadata.primary: '{metadata.primary}' is not among its metrics on 0 to 100"
        yield Problem(where(("metadata", "primary")), what, did_you_mean(metadata.primary, ranked))
    if (metadata.program is None) == runs_programs(names):
        what = "metadata.program: a program to run and the metric pass@1 belong together"
        yield Problem(where(("metadata",)), what, "give both, or neither")
    for split in metadata.made_of:
        if split not in used:
            what = f"metadata.made_of.{split}: the task has no such split"
            yield Problem(where(("metadata", "made_of", split)), what, did_you_mean(split, used))
    if metadata.kind in ("entailment", "classification") and not labels_of(config):
        yield Problem(where(("metadata",)), "metadata.labels: is missing", 'list them: `labels: ["True", "False"]`')
    unread = [label for label in metadata.labels if as_label(label, label_words(config)) is None]
    if unread and "map" not in filter_names(config):
        what = f"metadata.labels: no filter reads '{unread[0]}' from an answer, so it would never be right"
        yield Problem(where(("metadata", "labels")), what, "add it to the `labels` of the filter, too")
    if same := alike(metadata.labels):
        what = f"metadata.labels: '{same[0]}' and '{same[1]}' are not distinct"
        yield Problem(where(("metadata", "labels")), what, "list each label once, and no blank one")
    if metadata.lenient is not None:
        at = where(("metadata", "lenient"))
        yield from (Problem(at, f"metadata.lenient: {what}", fix) for what, fix in _lenient(config, metadata, known))


def _lenient(config: Mapping[str, Any], metadata: Metadata, known: KnownMetrics) -> Iterator[tuple[str, str]]:
    """What is wrong with a lenient reading, each with its correction."""
    assert metadata.lenient is not None
    function, remove = metadata.lenient.function, "leave it out"
    if config.get("output_type", "generate_until") != "generate_until":
        yield "the model chooses, so there is no answer to read", remove
    elif metadata.program is not None:
        yield "programs are run, not read", remove
    primary = metadata.primary or next(iter(rankable(metric_names(config), known)), None)
    definition = None if primary is None else known.get(primary)
    if definition is not None and definition.together:
        yield f"{primary} scores all answers together, not one by one", remove
    if function == "named_label" and not labels_of(config):
        yield "the task has no labels", 'list them: `labels: ["yes", "no"]`'
    for name, of in (("field", "json_field"), ("marker", "stated")):
        if getattr(metadata.lenient, name) and function != of:
            yield f"{function} has no {name}", f"it belongs to {of}"
    if function == "json_field" and not metadata.lenient.field:
        yield "json_field has no field", "name it: `{function: json_field, field: label}`"
