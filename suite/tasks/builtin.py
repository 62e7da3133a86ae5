"""lm-eval's own tasks by name, found in its folder without importing it."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from suite.core.errors import SuiteError
from suite.tasks import lm_eval_names, metric_checks

_NAMED: Final = re.compile(r"^(task|group|tag):[ \t]*['\"]?([\w.+-]+)['\"]?[ \t]*$", re.MULTILINE)


class _TaskLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader; `!function utils.f` stays text."""


_TaskLoader.add_constructor("!function", lambda loader, node: f"!function {loader.construct_scalar(node)}")


def builtin_names() -> tuple[str, ...]:
    """The names of lm-eval's own tasks, sorted."""
    return tuple(sorted(name for name, (kind, _) in _index().items() if kind == "task"))


def builtin_config(name: str) -> tuple[Path, dict[str, Any]] | None:
    """File and configuration of lm-eval's task of this name; None if there is none.

    Raises SuiteError for anything other than a single YAML task of text.
    """
    kind, path = _index().get(name, (None, None))
    if path is None:
        return None
    if kind != "task":
        raise SuiteError(f"lm-eval's '{name}' is a {kind} of tasks", fix="name one of its tasks")
    config = _config(path)
    if "class" in config:
        raise SuiteError(f"lm-eval's task '{name}' is written in Python", fix="write a task file with its template")
    if config.get("output_type", "generate_until") not in lm_eval_names.OUTPUT_TYPES or config.get("unsafe_code"):
        raise SuiteError(f"lm-eval's task '{name}' runs answers as code", fix="choose another task")
    if not config.get("test_split") and not config.get("validation_split"):
        raise SuiteError(f"lm-eval's task '{name}' has no split to report", fix="choose another task")
    if any(map(lm_eval_names.is_python, metric_checks.metric_names(config))):
        raise SuiteError(f"lm-eval's task '{name}' names a Python metric", fix="only a task file of your own may")
    if not metric_checks.rankable(metric_checks.metric_names(config)):
        metrics = ", ".join(metric_checks.metric_names(config)) or "none"
        raise SuiteError(
            f"lm-eval's task '{name}' has no metric that is known to lie on 0 to 100 ({metrics})",
            fix="write a task file that includes its template and names one",
        )
    metadata = config.get("metadata")
    config["metadata"] = dict(metadata) if isinstance(metadata, Mapping) else {}
    return path, config


def runnable_config(path: Path, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The config of one of lm-eval's tasks as its task object wants it, with templates as compiled functions."""
    from lm_eval.tasks._yaml_loader import load_yaml

    config = {key: value for key, value in load_yaml(path).items() if key not in ("tag", "group", "task_list")}
    config = deepcopy({**config, "metadata": dict(metadata)})
    choices = config.get("doc_to_choice") is not None
    for key in ("doc_to_text", "doc_to_target"):
        if isinstance(config.get(key), str):
            config[key] = _renderer(config[key], choices=choices, lists=key == "doc_to_target")
    return config


def _renderer(template: str, *, choices: bool, lists: bool) -> Callable[[Mapping[str, Any]], Any]:
    """What lm-eval does with a template of its own tasks, compiled once instead of for each row.

    lm-eval's way takes 0.4 ms a text, which is most of the time of a small evaluation.
    """
    import lm_eval.utils

    compiled = lm_eval.utils.env.from_string(template)

    def render(doc: Mapping[str, Any]) -> Any:
        if template in doc:
            return doc[template]
        text = compiled.render(**doc)
        if choices and text.isascii() and text.isdigit():
            return int(text)
        if lists and len(text) >= 2 and text[0] == "[" and text[-1] == "]":
            try:
                return ast.literal_eval(text)
            except (SyntaxError, ValueError):
                return text
        return text

    return render


def release() -> str:
    """The version of lm-eval, which includes the Python functions of its tasks."""
    return importlib.metadata.version("lm_eval")


@cache
def _index() -> dict[str, tuple[str, Path]]:
    """Name -> (kind, file). Reads some ten thousand files once (about a second)."""
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted(_folder().rglob("*.yaml")):
        for kind, name in _NAMED.findall(path.read_text(encoding="utf-8", errors="replace")):
            if kind == "task" or name not in found:
                found[name] = (kind, path)
    return found


def _folder() -> Path:
    spec = importlib.util.find_spec("lm_eval")
    assert spec is not None, "lm-eval is a dependency"
    assert spec.origin is not None
    return Path(spec.origin).parent / "tasks"


def _config(path: Path) -> dict[str, Any]:
    """A task file of lm-eval, with its includes merged as lm-eval does: key by key, not deeply."""
    given = yaml.load(path.read_text(encoding="utf-8"), Loader=_TaskLoader)
    include = given.pop("include", ())
    merged: dict[str, Any] = {}
    for each in [include] if isinstance(include, str) else include:
        merged |= _config(path.parent / each)
    return {key: value for key, value in {**merged, **given}.items() if value is not None}
