"""The text of training, made by the functions of lm-eval that make evaluation's: a prompt, and what follows it."""

from __future__ import annotations

from lm_eval.api.utils import ends_with_whitespace, maybe_delimit

from suite.core.chat import ChatFormat
from suite.core.errors import SuiteError
from suite.core.targets import WrittenTarget
from suite.tasks.data import Row
from suite.tasks.loaded import LoadedTask
from suite.tasks.reading import new_tokens as new_tokens


def prompt_text(task: LoadedTask, doc: Row, shots: int) -> str:
    """What evaluation puts before a document's answer: description, exemplars, question and `gen_prefix`.

    Where choices stand in the prompt (as in WinoGrande), it is the prompt with the right one.
    """
    if task.OUTPUT_TYPE == "loglikelihood_rolling":
        return ""
    asked = task.fewshot_context(doc, num_fewshot=shots, gen_prefix=task.doc_to_prefix(doc))
    return str(asked[task.doc_to_text(doc)] if isinstance(asked, list) else asked)


def following_text(task: LoadedTask, doc: Row, answer: str) -> WrittenTarget:
    """A document's answer as it follows its prompt: as evaluation scores it, or as an exemplar would show it."""
    kind, delimiter = task.OUTPUT_TYPE, str(task.config.target_delimiter)
    if kind == "multiple_choice":
        return WrittenTarget(answer, before=delimiter if _delimited(task) else "", scored=True)
    if kind != "generate_until":
        return WrittenTarget(answer, before="", scored=True)
    limit = new_tokens(task.config.generation_kwargs or {})
    if task.chat is not None:
        return WrittenTarget(answer, before=_before_in_chat(task, task.chat, doc, answer), limit=limit)
    turn = {
        "q": str(task.doc_to_text(doc)), "gen_prefix": task.doc_to_prefix(doc), "tgt_delim": delimiter, "few_delim": "",
    }  # fmt: skip
    asked, shown = ("".join(part.to_text() for part in task.build_qa_turn(**turn, a=each)) for each in (None, answer))
    before = shown.removeprefix(asked).removesuffix(answer)
    return WrittenTarget(answer, before=before, limit=limit)


def _delimited(task: LoadedTask) -> bool:
    """Whether choices are set off by the target delimiter: in a chat, as in lm-eval, behind a `gen_prefix` only."""
    prefix = task.config.gen_prefix
    return task.chat is None or (bool(prefix) and not ends_with_whitespace(prefix))


def _before_in_chat(task: LoadedTask, chat: ChatFormat, doc: Row, answer: str) -> str:
    """What stands between a chat's prompt and an answer: what the template puts there, or a space behind a prefix."""
    prefix = task.doc_to_prefix(doc)
    if not prefix:
        return "" if chat.before.strip() else chat.before
    kept = prefix if prompt_text(task, doc, 0).endswith(prefix) else prefix.rstrip()  # templates may trim
    return str(maybe_delimit(prefix, answer)).removeprefix(kept).removesuffix(answer)


def refuse_text_before_answers(task: LoadedTask) -> None:
    """Raises SuiteError for a chat template with a text before each answer that its generation prompt lacks: what is
    trained would be another text than what is asked."""
    chat = task.chat
    if chat is None or task.OUTPUT_TYPE != "generate_until" or task.config.gen_prefix or not chat.before.strip():
        return
    what = f"chat: the template puts {chat.before.strip()[:40]!r} before an answer, and its generation prompt does not"
    fix = "set the template's variable for it, as in `chat: {template_args: {enable_thinking: false}}`"
    raise SuiteError(what, fix=fix)
