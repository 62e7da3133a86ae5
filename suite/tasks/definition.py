"""Read task files: lm-eval's YAML with its includes, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from suite.core.errors import Problem, SuiteError, did_you_mean
from suite.core.hashing import fingerprint
from suite.core.languages import DEFAULT
from suite.core.metrics import MetricDefinition, metric_named
from suite.core.words import DEFAULT_BLEU, DEFAULT_ROUGE
from suite.core.yamlfile import Key
from suite.plugins.pinned import PinnedPlugin
from suite.tasks import checks, metric_checks, outside_metrics, python_metric
from suite.tasks.builtin import builtin_config, builtin_names, release
from suite.tasks.merging import MergedFile, where
from suite.tasks.metadata import Metadata
from suite.tasks.python_metric import PythonMetric

SCORING: Final = 2
"""Raise it when a change to our filters, metrics or prompts changes a task's results."""


OF_LM_EVAL: Final = "lm_eval:"
"""Prefix for a task of lm-eval that a file of the same name hides."""


@dataclass(frozen=True)
class TaskFile:
    """A task file with its includes merged in."""

    name: str
    path: Path
    config: Mapping[str, Any]
    """lm-eval's TaskConfig as plain data: only keys that are set; lists are tuples."""
    fingerprint: str
    """Hash of everything in the file that can change a prompt, an answer or a score."""
    builtin: bool = False
    """Whether it is lm-eval's own task. Its file may name Python functions, which are resolved on loading."""
    python: Mapping[str, PythonMetric] = field(default_factory=dict)
    """Metrics that are the user's Python functions, by name."""
    plugins: Mapping[str, PinnedPlugin] = field(default_factory=dict)
    """Metrics from packages and workspaces, by name."""
    sources: Mapping[str, Mapping[str, tuple[TaskFile, ...]]] = field(default_factory=dict)
    """Split -> skill -> the tasks whose prompts are the rows (`metadata.made_of`)."""
    data_file: Path | None = None
    """The file that names the data files, if `path` includes it."""
    lines: Mapping[Key, str] = field(default_factory=dict, compare=False, repr=False)
    """The ``file:line`` of each key."""

    def where(self, *key: str | int) -> str:
        """The ``file:line`` of a key, or of what is nearest above it; for lm-eval's own tasks the file."""
        return where(self.lines, key) or str(self.path)

    @property
    def base(self) -> Path:
        """The folder for relative paths of data files."""
        return (self.data_file or self.path).parent

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Our own keys from `metadata:`, with `primary` filled in."""
        given: Mapping[str, Any] = self.config.get("metadata") or {}
        return {"primary": self._primary, **given}

    @property
    def _primary(self) -> str | None:
        """The first metric from 0 to 100 for which more is better; None if there is none. Metrics from outside
        qualify."""
        names = metric_checks.metric_names(self.config)
        return next(iter(metric_checks.rankable(names, metric_checks.KnownMetrics(frozenset(self.plugins)))), None)

    def metric(self, name: str) -> MetricDefinition | None:
        """The definition of one of its metrics; None for the user's functions and for metrics that only lm-eval knows.

        Raises SuiteError, in one line, for a broken metric from outside.
        """
        plugin = self.plugins.get(name)
        return metric_named(name) if plugin is None else outside_metrics.definition(name, plugin)

    @property
    def folder(self) -> str:
        """The name of its folder in a data folder."""
        return str(self.metadata.get("folder") or self.name.removeprefix(OF_LM_EVAL))

    @property
    def reported_split(self) -> str:
        """The split that is scored: the test split if there is one, otherwise the validation split, as in lm-eval."""
        return str(self.config.get("test_split") or self.config["validation_split"])

    @property
    def training_split(self) -> str | None:
        """The split to train on; None if there is none."""
        return self.config.get("training_split")

    @property
    def exemplar_split(self) -> str | None:
        """The split of exemplars: `metadata.splits.exemplars`, or lm-eval's choice; None if there is none."""
        if "exemplars" in self.metadata.get("splits", {}):
            return "exemplars"
        candidates = (self.config.get(key) for key in ("fewshot_split", "training_split", "validation_split"))
        return next((split for split in candidates if split and split != self.reported_split), None)

    @property
    def further_splits(self) -> tuple[str, ...]:
        """Splits that Python functions of lm-eval's tasks may read; empty for task files."""
        names = (self.config.get(key) for key in ("training_split", "validation_split", "test_split"))
        return tuple(name for name in names if name and name != self.reported_split) if self.builtin else ()

    @property
    def no_reward(self) -> str | None:
        """Why a single answer has no score to use as a reward; None if it has one."""
        if self.config.get("output_type", "generate_until") != "generate_until":
            return "has the model choose, not write"
        primary = self.metadata["primary"]
        entries = {str(entry["metric"]): entry for entry in self.config.get("metric_list") or ()}
        metric, aggregation = self.metric(primary), entries.get(primary, {}).get("aggregation", "mean")
        if (metric is not None and metric.together) or aggregation not in ("", "mean"):
            return f"scores all answers together ({primary})"
        return None

    @property
    def words(self) -> Mapping[str, str]:
        """Metric -> tokenizer that splits texts of the task's language into words; default tokenizers are left out."""
        return {} if self.builtin else _tokenizers(self.config)

    @property
    def gold_misses(self) -> float:
        """Maximum share of rows whose right answers may miss full marks in the primary metric."""
        return float(self.metadata.get("gold_misses", Metadata.model_fields["gold_misses"].default))

    @property
    def lenient(self) -> Mapping[str, str] | None:
        """How its answers are read leniently (`Lenient`), as plain data; None if they are not."""
        given = None if self.builtin else self.metadata.get("lenient")
        return given and Metadata(lenient=given).model_dump(include={"lenient"}, exclude_defaults=True)["lenient"]

    @property
    def language(self) -> str:
        """The language of the right answers, as an ISO 639 code."""
        return str(self.metadata.get("language") or DEFAULT) if not self.builtin else DEFAULT

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of a classification; empty for other tasks."""
        return metric_checks.labels_of(self.config)


def read_task(name: str, folders: Sequence[Path], *, load_plugins: bool = True) -> TaskFile:
    """The task of a name: the first `<folder>/<name>.yaml`, or else lm-eval's; `lm_eval:<name>` is always lm-eval's.

    Raises SuiteError with all problems of its file, or with similar names. Metrics from packages and workspaces are
    loaded, unless `load_plugins` is False, for pages that only show the file.
    """
    if name.startswith(OF_LM_EVAL):
        return _of_lm_eval(name)
    path = next((folder / f"{name}.yaml" for folder in folders if (folder / f"{name}.yaml").is_file()), None)
    if path is not None:
        return _read(name, path, folders, load_plugins=load_plugins)
    task = _builtin(name, name)
    if task is not None:
        return task
    raise SuiteError(f"there is no task '{name}'", fix=did_you_mean(name, task_names(folders) or builtin_names()))


def _of_lm_eval(name: str) -> TaskFile:
    """lm-eval's own task. It keeps the prefix in its name, so that it is not confused with a file's task."""
    plain = name.removeprefix(OF_LM_EVAL)
    task = _builtin(plain, name)
    if task is None:
        raise SuiteError(f"lm-eval has no task '{plain}'", fix=did_you_mean(plain, builtin_names()))
    return task


def _builtin(name: str, asked: str) -> TaskFile | None:
    """lm-eval's task of this name, named as requested. lm-eval's release is part of its fingerprint."""
    file_and_config = builtin_config(name)
    return file_and_config and make_task(asked, *file_and_config, builtin=True, salt=release())


def task_names(folders: Sequence[Path]) -> tuple[str, ...]:
    """Names of the task files in these folders, sorted."""
    return tuple(sorted({file.stem for folder in folders for file in folder.glob("*.yaml")}))


def make_task(
    name: str, path: Path, config: Mapping[str, Any], *, builtin: bool = False, salt: Any = None,
    python: Mapping[str, PythonMetric] | None = None, plugins: Mapping[str, PinnedPlugin] | None = None, **more: Any,
) -> TaskFile:  # fmt: skip
    """A task with its fingerprint; `salt` is anything else that can change its scores."""
    scored = {key: value for key, value in config.items() if key not in ("task_alias", "tag")}
    if not builtin and "lenient" in (config.get("metadata") or {}):  # stored answers are read anew for it
        scored = _without(scored, "lenient")
    words: dict[str, str] = {}
    if not builtin and not plugins and "language" in (config.get("metadata") or {}):
        words = _tokenizers(config)  # scores of suite's own metrics depend on the language only through these
        scored = _without(scored, "language")
    key = {"scoring": SCORING, "salt": salt, "name": name, "config": scored, **({"words": words} if words else {})}
    key |= {"python": {metric: function.hash for metric, function in python.items()}} if python else {}
    key |= {"metrics": {metric: plugin.source for metric, plugin in plugins.items()}} if plugins else {}
    return TaskFile(name, path, config, fingerprint(key), builtin, python or {}, plugins or {}, **more)


def _without(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A task file without one of the fields of `metadata`."""
    rest = {key: value for key, value in config["metadata"].items() if key != name}
    return {key: value for key, value in {**config, "metadata": rest}.items() if value or key != "metadata"}


def _read(name: str, path: Path, folders: Sequence[Path], *, load_plugins: bool) -> TaskFile:
    merged = MergedFile.read(path)
    merged.value.setdefault("task", name)
    added = outside_metrics.named(metric_checks.metric_names(merged.value), folders, load=load_plugins)
    known = metric_checks.KnownMetrics(added.names, added.definitions)
    problems = [*added.problems, *checks.problems(merged.value, merged.where, known)]
    if merged.value["task"] != name:
        what = f"task: is '{merged.value['task']}' in a file called {path.name}"
        problems.append(Problem(merged.where(("task",)), what, f"write `task: {name}` or rename the file"))
    python: dict[str, PythonMetric] = {}
    for position, result in python_metric.find(merged.value, path):
        if isinstance(result, Problem):
            where = result.where or merged.where(("metric_list", position))
            problems.append(Problem(where, f"metric_list.{position}: {result.what}", result.fix))
        else:
            python[result.name] = result
    if problems:
        raise SuiteError.of(problems)
    if not (merged.value.get("metadata") or {}).get("made_of"):
        return make_task(
            name,
            path,
            merged.value,
            python=python,
            plugins=added.plugins,
            data_file=merged.data_file,
            lines=merged.lines,
        )
    sources = _sources(merged, folders, load_plugins=load_plugins)
    names = {
        split: {skill: [task.fingerprint for task in tasks] for skill, tasks in skills.items()}
        for split, skills in sources.items()
    }
    return make_task(
        name, path, merged.value, salt=names, python=python, plugins=added.plugins, sources=sources, lines=merged.lines
    )


def _sources(
    merged: MergedFile, folders: Sequence[Path], *, load_plugins: bool
) -> dict[str, dict[str, tuple[TaskFile, ...]]]:
    """The tasks of `metadata.made_of`. Raises SuiteError for tasks that do not exist or are composed themselves."""
    problems: list[Problem] = []
    sources: dict[str, dict[str, tuple[TaskFile, ...]]] = {}
    for split, skills in merged.value["metadata"]["made_of"].items():
        for skill, names in skills.items():
            where = merged.where(("metadata", "made_of", split, skill))
            tasks: list[TaskFile] = []
            for name in names:
                if not any((folder / f"{name}.yaml").is_file() for folder in folders):
                    fix = did_you_mean(name, task_names(folders))
                    problems.append(Problem(where, f"metadata.made_of: there is no task file '{name}'", fix))
                    continue
                task = read_task(name, folders, load_plugins=load_plugins)
                if task.sources:
                    what = f"metadata.made_of: '{name}' is made of other tasks itself"
                    problems.append(Problem(where, what, "name those"))
                tasks.append(task)
            sources.setdefault(split, {})[skill] = tuple(tasks)
    if problems:
        raise SuiteError.of(problems)
    return sources


def _tokenizers(config: Mapping[str, Any]) -> dict[str, str]:
    """Metric -> tokenizer that splits texts of the task's language into words; default tokenizers are left out."""
    language = str((config.get("metadata") or {}).get("language") or DEFAULT)
    metrics = metric_checks.metric_names(config)
    known = {name: metric_named(name) for name in metrics}
    used = {name: metric.tokenizer(language) for name, metric in known.items() if metric and metric.tokenizer}
    return {name: tokenizer for name, tokenizer in used.items() if tokenizer not in (DEFAULT_BLEU, DEFAULT_ROUGE)}
