"""A contract over tasks and tokenizers: the ids that are trained are those that evaluation asks and scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from suite.evaluation.lm import StackLM
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.specs import shipped
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile, read_task, task_names
from suite.tasks.load import LoadedTask, Prompts, selection_task, training_examples
from suite.training.data.batches import Batches
from suite.training.data.examples import Encoded, encode
from suite.training.data.exemplars import PromptedExample
from tests.evaluation.tiny import MakeTask, with_soft
from tests.models.tiny_models import tiny_backbone, tiny_examples
from tests.models.tiny_tokenizers import NAMES, SENTINELS, backbone_of

FOLDER = shipped() / "tasks"
MICRO = [name for name in task_names([FOLDER]) if name.startswith("micro_")]
WRITTEN = """\
doc_to_text: "{{text}} answer:"
doc_to_target: "{{label}}"
generation_kwargs: {until: ["###"], max_gen_toks: 8}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""
CHOICES = """\
output_type: multiple_choice
doc_to_text: "{{text}} answer:"
doc_to_choice: ["True", "False", "no, never"]
doc_to_target: "{{label}}"
"""
LIKELIHOOD = """\
output_type: loglikelihood
doc_to_text: "{{text}}"
doc_to_target: " {{label}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""
ODD = {
    "line end as delimiter": WRITTEN + 'target_delimiter: "\\n"\n',
    "no delimiter": WRITTEN + 'target_delimiter: ""\n',
    "delimiter without a space": WRITTEN + 'target_delimiter: "=>"\n',
    "delimiter with spaces": WRITTEN + 'target_delimiter: " => "\n',
    "gen_prefix": WRITTEN + 'gen_prefix: "label:"\n',
    "gen_prefix that ends with a space": WRITTEN + 'gen_prefix: "{{word}} is "\ntarget_delimiter: "\\n"\n',
    "description and few-shot delimiter": WRITTEN + 'description: "be brief.\\n"\nfewshot_delimiter: "\\n###\\n"\n',
    "BOS in the description": WRITTEN + 'description: "<s>"\n',
    "BOS in the prompt": WRITTEN.replace("{{text}}", "<s>{{text}}"),
    "prompt that ends with a space": WRITTEN.replace("answer:", "answer: "),
    "prompt that ends with spaces, no delimiter": WRITTEN.replace("answer:", "answer:  ") + 'target_delimiter: ""\n',
    "prompt that begins with a space": WRITTEN.replace('"{{text}}', '" {{text}}'),
    "empty prompt": WRITTEN.replace("{{text}} answer:", ""),
    "answer that begins with a space": WRITTEN.replace('"{{label}}"', '"  {{label}}"'),
    "choices": CHOICES,
    "choices behind a line end": CHOICES + 'target_delimiter: "\\n"\n',
    "choices without a delimiter": CHOICES + 'target_delimiter: ""\n',
    "choices behind a prompt that ends with spaces": CHOICES.replace("answer:", "answer:  "),
    "choices behind a gen_prefix": CHOICES + 'gen_prefix: "label:"\n',
    "choices behind nothing": CHOICES.replace("{{text}} answer:", ""),
    "likelihood of one answer": LIKELIHOOD,
}
ROWS = [
    {"text": "the red dog\nin Seville", "label": "True", "word": "so it"},
    {"text": "naïve Äpfel, 東京", "label": "False", "word": "verdict"},
    {"text": "12 + 30", "label": "no, never", "word": ""},
    {"text": "who wrote", "label": "True", "word": "x"},
]


@dataclass(frozen=True)
class Asks:
    """What evaluation has of one document."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...] | None
    """Of an answer that is scored, the right one."""


def asks(backbone: Backbone, task: LoadedTask) -> list[Asks]:
    """What is given to the model for each document of a task, by the LM that evaluates."""
    lm = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=1 << 30)
    task.build_all_requests()
    requests: Any = task.instances
    if task.OUTPUT_TYPE == "generate_until":
        return [Asks(prompt, None) for prompt in lm._prompts([each.args[0] for each in requests], lm._room(8))]
    seen: list[Asks] = []

    def scored(pairs: Sequence[Any]) -> list[tuple[float, bool]]:
        seen.extend(Asks(tuple(context), tuple(answer)) for _, context, answer in pairs)
        return []

    lm._loglikelihood_tokens = scored  # type: ignore[method-assign,assignment]
    lm.loglikelihood(requests)
    several = len(requests) // len(list(task.eval_docs))
    right = [_right(task, doc) if several > 1 else 0 for doc in task.eval_docs]
    return [seen[several * at + place] for at, place in enumerate(right)]


def _right(task: LoadedTask, doc: Any) -> int:
    return int(task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc))


def trained(backbone: Backbone, examples: Sequence[Any]) -> list[Encoded]:
    return list(encode(backbone, examples, max_length=1 << 20, soft_length=0).examples)


def agree(backbone: Backbone, wanted: Sequence[Asks], found: Sequence[Encoded], written: Sequence[str]) -> None:
    """`written` is what evaluation would have before an answer's end, as text: an exemplar shows it."""
    for ask, own, text in zip(wanted, found, written, strict=True):
        *answer, end = own.target
        assert end == backbone.eos_id
        if ask.answer is None:
            assert own.prompt == ask.prompt
            _reads(backbone, own.prompt, answer, text)
        elif backbone.shape == "decoder":  # where the tokenizer merges, another choice may move the seam
            assert (*own.prompt, *answer) == (*ask.prompt, *ask.answer)
            assert len(ask.answer) >= len(answer) > 0
        else:
            assert (own.prompt, tuple(_bare(backbone, answer))) == (ask.prompt, ask.answer)


def _bare(backbone: Backbone, answer: list[int]) -> list[int]:
    """Without the sentinels, which evaluation adds by itself."""
    if not backbone.sentinels:
        return answer
    assert (answer[0], answer[-1]) == tuple(backbone.tokenizer.convert_tokens_to_ids(SENTINELS[:2]))
    return answer[1:-1]


def _reads(backbone: Backbone, prompt: Sequence[int], answer: Sequence[int], text: str) -> None:
    """Prompt and answer read as the text does, where the tokenizer keeps it."""
    tokenizer, decode = backbone.tokenizer, backbone.tokenizer.decode
    wanted = decode(tokenizer.encode(text, add_special_tokens=False))
    kept = _squeezed(wanted) == _squeezed(text)
    assert kept or type(tokenizer.backend_tokenizer.model).__name__ != "BPE"  # ours of bytes keep all texts
    if kept and backbone.shape == "decoder":
        own = decode([*prompt, *answer])
        if not text.startswith("<s>"):
            own = own.removeprefix(tokenizer.bos_token or "</s>")
        assert own.strip(" ") == wanted.strip(" ")
    elif kept:
        end = _squeezed(decode(_bare(backbone, list(answer))))
        assert end
        assert _squeezed(text).endswith(end)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def shown(task: LoadedTask, docs: Sequence[Any], exemplars: Sequence[Any] = ()) -> list[str]:
    """Each document's prompt and answer, behind exemplars, as lm-eval shows exemplars."""
    before, found = task.sampler, []
    for doc in docs:
        several, alone = (_context(task, doc, each) for each in ((*exemplars, doc), ()))
        text = several[: len(several) - len(alone) + len(task.config.description or "")]
        found.append(text.removesuffix(task.config.fewshot_delimiter))
    task.sampler = before
    return found


def _context(task: LoadedTask, doc: Any, exemplars: Sequence[Any]) -> str:
    task.sampler = type("Given", (), {"sample": lambda self, n, eval_doc=None: list(exemplars)})()
    found = task.fewshot_context(doc, num_fewshot=len(exemplars), gen_prefix=task.doc_to_prefix(doc))
    return found if isinstance(found, str) else found[0]


def contract(task: TaskFile, locations: DataLocations, count: int = 4) -> None:
    """All tokenizers, without exemplars and (as "+1-shot" trains) with one."""
    examples = training_examples(task, locations)[:count]
    docs = [example.doc for example in examples]
    asked = selection_task(task, locations, docs)
    texts = shown(asked, docs)
    same = len({example.prompt for example in examples}) == 1  # rows that ask the same are no exemplars of each other
    few, prompts = selection_task(task, locations, docs[:2], shots=int(not same)), Prompts(task, locations)
    exemplars = tuple(few.sampler.sample(int(not same)))
    behind = [PromptedExample(prompts(each.doc, exemplars), each.target) for each in examples[:2]]
    more = shown(few, docs[:2], exemplars)
    for name in NAMES:
        backbone = backbone_of(name)
        agree(backbone, asks(backbone, asked), trained(backbone, examples), texts)
        agree(backbone, asks(backbone, few), trained(backbone, behind), more)


@pytest.mark.parametrize("name", MICRO)
def test_shipped_micro_tasks_are_trained_as_they_are_asked(name: str) -> None:
    contract(read_task(name, [FOLDER]), DataLocations())


@pytest.mark.parametrize("odd", ODD)
def test_odd_tasks_are_trained_as_they_are_asked(odd: str, make_task: MakeTask) -> None:
    contract(*make_task(ODD[odd], ROWS[3:], ROWS[:3]))


@pytest.mark.parametrize("name", ["Llama 2", "byte-level", "T5", "T5 with sentinels"])
@pytest.mark.parametrize("length", [40, 90])
def test_a_prompt_that_is_too_long_is_cut_as_evaluation_cuts_it(name: str, length: int, make_task: MakeTask) -> None:
    rows = [{**row, "text": f"{row['text']} " * 20} for row in ROWS]
    task, locations = make_task(WRITTEN, rows[3:], rows[:3])
    examples, backbone = training_examples(task, locations), backbone_of(name)
    lm = StackLM(with_soft(backbone, 5), batch_tokens=1 << 30, max_length=length)
    asked = lm._prompts([example.prompt for example in examples], lm._room(8))
    found = encode(backbone, examples, max_length=length, soft_length=5)
    assert [each.prompt for each in found.examples] == asked
    assert found.cut_prompts == len(lm.truncated) > 1


@pytest.mark.parametrize(("config", "generation", "start"), [(5, 6, 5), (None, 6, 6), (None, None, 3)])
def test_an_answer_begins_behind_the_same_token_in_training_and_evaluation(
    config: int | None, generation: int | None, start: int
) -> None:
    backbone = tiny_backbone("encoder-decoder")
    backbone.model.config.decoder_start_token_id = config
    backbone.model.generation_config.decoder_start_token_id = generation
    read: list[int] = []
    backbone.model.decoder.embed_tokens.register_forward_pre_hook(lambda _, given: read.append(int(given[0][0, 0])))
    (batch,) = Batches(backbone, trained(backbone, tiny_examples(1)), batch_size=1, seed=0).parts(0, 1)
    StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=999).generate_until(
        [Instance("generate_until", {}, ("red answer:", {"until": [], "max_gen_toks": 1}), 0)]
    )
    decoder_inputs = batch.decoder_input_ids
    assert decoder_inputs is not None
    assert (int(decoder_inputs[0, 0]), start in read) == (start, True)


def test_a_task_with_choices_in_the_prompt_is_trained_on_the_right_one(tmp_path: Path) -> None:
    rows = [
        {"sentence": f"{name} saw the dog because _ was there.", "option1": name, "option2": "Ann", "answer": answer}
        for name, answer in (("Bob", "1"), ("Eve", "2"), ("Tom", "1"))
    ]
    (tmp_path / "winogrande").mkdir()
    for split in ("train", "validation"):
        lines = [json.dumps(row) + "\n" for row in rows[: 3 if split == "train" else 1]]
        (tmp_path / "winogrande" / f"{split}.jsonl").write_text("".join(lines))
    contract(read_task("winogrande", []), DataLocations.of(tmp_path), count=2)
