"""The text of training, made by the functions of lm-eval that make evaluation's: a prompt, and what follows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lm_eval.api.task import ConfigurableTask

from suite.core.targets import WrittenTarget
from suite.tasks.data import Row


def prompt_text(task: ConfigurableTask, doc: Row, shots: int) -> str:
    """What evaluation puts before a document's answer: description, exemplars, question and `gen_prefix`.

    Where choices stand in the prompt (as in WinoGrande), it is the prompt with the right one.
    """
    if task.OUTPUT_TYPE == "loglikelihood_rolling":
        return ""
    asked = task.fewshot_context(doc, num_fewshot=shots, gen_prefix=task.doc_to_prefix(doc))
    return str(asked[task.doc_to_text(doc)] if isinstance(asked, list) else asked)


def following_text(task: ConfigurableTask, doc: Row, answer: str) -> WrittenTarget:
    """A document's answer as it follows its prompt: as evaluation scores it, or as an exemplar would show it."""
    kind, delimiter = task.OUTPUT_TYPE, str(task.config.target_delimiter)
    if kind == "multiple_choice":
        return WrittenTarget(answer, before=delimiter, scored=True)
    if kind != "generate_until":
        return WrittenTarget(answer, before="", scored=True)
    turn = {
        "q": str(task.doc_to_text(doc)), "gen_prefix": task.doc_to_prefix(doc), "tgt_delim": delimiter, "few_delim": "",
    }  # fmt: skip
    asked, shown = ("".join(part.to_text() for part in task.build_qa_turn(**turn, a=each)) for each in (None, answer))
    before = shown.removeprefix(asked).removesuffix(answer)
    return WrittenTarget(answer, before=before, limit=new_tokens(task.config.generation_kwargs or {}))


def new_tokens(settings: Mapping[str, Any]) -> int:
    """The tokens that an answer may have, by any of the names that lm-eval has for it."""
    names = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
    return int(next((settings[name] for name in names if settings.get(name) is not None), 256))
