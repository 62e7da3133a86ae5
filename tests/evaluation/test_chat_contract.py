"""A contract over chat templates: what is trained is what is asked, and what is asked is what lm-eval asks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lm_eval.evaluator
import pytest
from lm_eval.models.huggingface import HFLM

from suite.core.errors import SuiteError
from suite.evaluation.evaluate import evaluate
from suite.evaluation.lm import StackLM
from suite.evaluation.writable import unwritable
from suite.inference.decode import Stops, decode, end_tokens
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.models.chat import Chat, Template, asked_as
from suite.models.tokens import encode_choices, encode_prompts
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile, read_task
from suite.tasks.load import LoadedTask, Prompts, load_task, quiet, training_examples
from suite.training.data.batches import IGNORE, Collator
from suite.training.data.examples import encode
from suite.training.data.exemplars import PromptedExample
from tests.models.chat_models import STYLES, ChatStyle, chat_backbone

WRITTEN = """\
doc_to_text: "what colour is the {{thing}} ?"
doc_to_target: "it is {{colour}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 8}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""
TASKS = {
    "written": WRITTEN,
    "with a prefix": WRITTEN.replace("it is ", "") + 'gen_prefix: "Answer: it is"\n',
    "with a prefix that ends with a space": WRITTEN.replace("it is ", "") + 'gen_prefix: "it is "\n',
    "without delimiter": WRITTEN + 'target_delimiter: ""\n',
    "with delimiters": WRITTEN + 'target_delimiter: "\\n"\nfewshot_delimiter: "###"\n',
    "choices": """\
output_type: multiple_choice
doc_to_text: "what colour is the {{thing}} ?"
doc_to_choice: ["red", "blue"]
doc_to_target: "{{colour}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
""",
    "choices in the prompt": """\
output_type: multiple_choice
doc_to_text: "{{ ['red', 'blue'].index(colour) }}"
doc_to_choice: "{{ [thing ~ ' is red', thing ~ ' is blue'] }}"
doc_to_target: "and not brief"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
""",
}
ROWS = [{"thing": f"thing {number}", "colour": ("red", "blue")[number % 2]} for number in range(9)]
CHATS = {
    "turns": Chat(),
    "turns, with a system message": Chat(system="be brief."),
    "text": Chat(exemplars="text"),
    "text, with a system message": Chat(system="be brief.", exemplars="text"),
}


@cache
def backbone_of(style: str) -> Backbone:
    return chat_backbone(STYLES[style])


@dataclass(frozen=True)
class Asked:
    """A model that is asked as a chat, and the same without."""

    style: ChatStyle
    plain: Backbone
    backbone: Backbone
    chat: Chat


FITTING = [
    (name, style)
    for style in STYLES
    for name, chat in CHATS.items()
    if STYLES[style].takes_system or chat.system is None
]


@pytest.fixture(params=FITTING, ids=lambda pair: f"{pair[1]} {pair[0]}")
def asked(request: pytest.FixtureRequest) -> Asked:
    name, style = request.param
    chat, plain = CHATS[name], backbone_of(style)
    return Asked(STYLES[style], plain, asked_as(plain, chat, "tiny"), chat)


def made(folder: Path, text: str, more: str = "") -> tuple[TaskFile, DataLocations]:
    (folder / "tiny.yaml").write_text(f"task: tiny\ntest_split: test\ntraining_split: train\n{text}{more}")
    (folder / "tiny").mkdir()
    for split, rows in (("train", ROWS[:6]), ("test", ROWS[6:])):
        (folder / "tiny" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_task("tiny", [folder]), DataLocations.of(folder)


def requests_of(task: LoadedTask) -> list[tuple[Any, ...]]:
    with quiet():
        task.build_all_requests()
    return [request.args for request in task.instances]


def by_lm_eval(asked: Asked, task: LoadedTask) -> tuple[HFLM, list[tuple[Any, ...]]]:
    """What lm-eval's own model is asked by its own evaluator, with its own arguments for chats."""
    lm = HFLM(pretrained=asked.plain.model, tokenizer=asked.plain.tokenizer, backend="causal", batch_size=2)
    with quiet():
        found = lm_eval.evaluator.evaluate(
            lm, {"tasks": {"tiny": task}}, bootstrap_iters=0, log_samples=True, apply_chat_template=True,
            fewshot_as_multiturn=asked.chat.exemplars == "turns", system_instruction=asked.chat.system,
        )  # fmt: skip
    return lm, [arguments for sample in found["samples"]["tiny"] for arguments in sample["arguments"]]


@pytest.mark.parametrize("shots", [0, 2])
@pytest.mark.parametrize("name", TASKS)
def test_what_is_asked_is_what_lm_eval_asks(asked: Asked, tmp_path: Path, name: str, shots: int) -> None:
    task, data = made(tmp_path, TASKS[name], 'description: "Question:"\n')
    ours = requests_of(load_task(task, data, shots=shots, chat=asked.backbone.chat))
    lm, theirs = by_lm_eval(asked, load_task(task, data, shots=shots))
    assert [arguments[0] for arguments in ours] == [arguments[0] for arguments in theirs]
    for context, rest in ours:
        if isinstance(rest, str):
            ids, (continuation,) = encode_choices(asked.backbone, context, [rest])
            assert (ids, continuation) == tuple(map(list, lm._encode_pair(context, rest)))
        else:
            assert list(encode_prompts(asked.backbone, [context])[0]) == lm.tok_batch_encode([context])[0][0].tolist()
    assert [rest for _, rest in ours] == [rest for _, rest in theirs]


@pytest.mark.parametrize("shots", [0, 2])
@pytest.mark.parametrize("name", ["written", "without delimiter", "with delimiters"])
def test_what_is_trained_is_the_templates_text(asked: Asked, tmp_path: Path, name: str, shots: int) -> None:
    """Prompt, answer and end are the tokens of the whole conversation, and those of the prompt are evaluation's."""
    task, data = made(tmp_path, TASKS[name])
    chat, tokenizer = asked.backbone.chat, asked.backbone.tokenizer
    examples, prompts = training_examples(task, data, chat), Prompts(task, data, chat)
    shown = [example.doc for example in examples[1 : 1 + shots]]
    text = prompts(examples[0].doc, shown)
    example = PromptedExample(text, examples[0].target)
    (encoded,) = encode(asked.backbone, [example], max_length=512, soft_length=0).examples

    def turn(row: dict[str, Any]) -> list[dict[str, str]]:
        said = {"user": f"what colour is the {row['thing']} ?", "assistant": f"it is {row['colour']}"}
        return [{"role": role, "content": content} for role, content in said.items()]

    messages = [{"role": "system", "content": asked.chat.system}] if asked.chat.system else []
    if asked.chat.exemplars == "turns":
        messages += [message for row in shown for message in turn(row)] + turn(examples[0].doc)
        whole = tokenizer.apply_chat_template(messages, tokenize=False)
    else:
        end = tokenizer.decode([asked.backbone.end_of_answer[-1]])
        whole = f"{text}{chat.before if chat else ''}it is red{end}"
    ids = tokenizer(whole, add_special_tokens=False)["input_ids"]
    trained = [*encoded.prompt, *encoded.target]
    assert trained == ids[: len(trained)]
    assert tokenizer.decode(ids[len(trained) :]).strip() == ""
    assert encoded.prompt == encode_prompts(asked.backbone, [text])[0]


def test_the_prompt_of_a_training_row_is_that_of_its_evaluation(asked: Asked, tmp_path: Path) -> None:
    task, data = made(tmp_path, WRITTEN)
    chat = asked.backbone.chat
    loaded = load_task(task, data, shots=2, chat=chat)
    prompts = Prompts(task, data, chat)
    exemplars = loaded.sampler.sample(2)
    assert [arguments[0] for arguments in requests_of(loaded)] == [prompts(row, exemplars) for row in ROWS[6:]]


def test_the_loss_is_on_the_answer_and_its_end(asked: Asked, tmp_path: Path) -> None:
    task, data = made(tmp_path, WRITTEN)
    backbone = asked.backbone
    encoded = encode(backbone, training_examples(task, data, backbone.chat), max_length=512, soft_length=0).examples
    batch = Collator(backbone)(encoded[:3])
    for row, labels in zip(ROWS, batch.labels.tolist(), strict=False):
        learned = [label for label in labels if label != IGNORE]
        text = backbone.tokenizer.decode(learned)
        assert text.strip() == f"it is {row['colour']}{asked.style.special[0]}"
        assert learned[-1] == backbone.tokenizer.convert_tokens_to_ids(asked.style.special[0])


@pytest.mark.parametrize("name", ["choices", "choices in the prompt"])
def test_a_scored_choice_is_trained_as_it_is_scored(asked: Asked, tmp_path: Path, name: str) -> None:
    task, data = made(tmp_path, TASKS[name])
    chat = asked.backbone.chat
    example = training_examples(task, data, chat)[0]
    (encoded,) = encode(asked.backbone, [example], max_length=512, soft_length=0).examples
    lm = StackLM(AdaptedModel(asked.backbone, asked.backbone.model), batch_tokens=64)
    choice = "red" if name == "choices" else "and not brief"
    context, continuation = lm._encode_pair(example.prompt, choice)
    assert (list(encoded.prompt), list(encoded.target)) == (context, [*continuation, *asked.backbone.end_of_answer])


@pytest.mark.parametrize("style", STYLES)
def test_the_end_of_a_turn_ends_an_answer(style: str) -> None:
    backbone = asked_as(backbone_of(style), Chat(), "tiny")
    end = backbone.tokenizer.convert_tokens_to_ids(STYLES[style].special[0])
    stack = AdaptedModel(backbone, backbone.model)
    assert (backbone.end_of_answer, end in end_tokens(stack)) == ((end,), True)
    prompt = encode_prompts(backbone, ["it is"])[0]
    (answer,) = decode(
        stack, [prompt], max_new_tokens=4, stops=Stops(backbone.tokenizer, []),
        sampler=lambda logits: logits.argmax(-1) * 0 + end,
    )  # fmt: skip
    assert (answer.tokens, answer.end) == ([], end)


@pytest.mark.parametrize("name", ["written", "without delimiter", "with delimiters", "with a prefix"])
def test_a_right_answer_can_be_written_and_is_read(asked: Asked, tmp_path: Path, name: str) -> None:
    task, data = made(tmp_path, TASKS[name])
    assert unwritable(asked.backbone, load_task(task, data, chat=asked.backbone.chat)) is None


def test_a_chat_is_evaluated(asked: Asked, tmp_path: Path) -> None:
    task, data = made(tmp_path, WRITTEN)
    loaded = load_task(task, data, shots=1, chat=asked.backbone.chat)
    result = evaluate(AdaptedModel(asked.backbone, asked.backbone.model), loaded, batch_tokens=512)
    assert (len(result.answers), result.truncated) == (3, 0)


def test_a_system_message_that_the_template_refuses_is_one_line() -> None:
    with pytest.raises(SuiteError, match=r"chat\.system: the chat template of tiny takes no system message; leave it"):
        asked_as(backbone_of("gemma"), Chat(system="be brief."), "tiny")


def test_a_description_that_the_template_refuses_is_left_out_and_said(tmp_path: Path) -> None:
    task, data = made(tmp_path, WRITTEN, 'description: "be brief."\n')
    backbone = asked_as(backbone_of("gemma"), Chat(), "tiny")
    loaded = load_task(task, data, chat=backbone.chat)
    assert all("brief" not in prompt for prompt, _ in requests_of(loaded))
    result = evaluate(AdaptedModel(backbone, backbone.model), loaded, batch_tokens=512)
    assert result.notices == ("tiny: the chat template takes no system message, so the task's description is left out",)


def with_template(template: str) -> Backbone:
    backbone = chat_backbone(STYLES["qwen2.5"])
    backbone.tokenizer.chat_template = template
    return backbone


def test_a_model_without_a_template_is_one_line() -> None:
    backbone = chat_backbone(STYLES["qwen2.5"])
    backbone.tokenizer.chat_template = None
    with pytest.raises(SuiteError, match=r"chat: the tokenizer of tiny has no chat template; leave out `chat`, or add"):
        asked_as(backbone, Chat(), "tiny")


def test_a_template_that_asks_for_the_date_sees_the_same_day() -> None:
    template = "{{ strftime_now('%d %b %Y') }} {{ strftime_now('%Y-%m-%d') }} {{ messages[0].content }}"
    asked = Template(with_template(template).tokenizer, Chat())
    assert asked([{"role": "user", "content": "red"}]) == "26 Jul 2024 2024-07-26 red"


THINKING = (
    STYLES["qwen2.5"]
    .template.replace(
        "<|im_start|>assistant\n", "<|im_start|>assistant\n' + ('' if thinking else '<think>\n\n</think>\n\n') + '"
    )
    .replace(
        "message.content +", "('<think>\n\n</think>\n\n' if message.role == 'assistant' else '') + message.content +"
    )
)


def test_variables_of_a_template_are_given_to_it(tmp_path: Path) -> None:
    """A template with thoughts before answers, and a variable for a prompt that has an empty one."""
    task, data = made(tmp_path, WRITTEN)
    thinking = asked_as(with_template(THINKING), Chat(template_args={"thinking": True}), "tiny")
    with pytest.raises(SuiteError, match=r"the template puts '<think>.*' before an answer.*enable_thinking: false"):
        training_examples(task, data, thinking.chat)
    backbone = asked_as(thinking, Chat(template_args={"thinking": False}), "tiny")
    example = training_examples(task, data, backbone.chat)[0]
    assert example.prompt.endswith("assistant\n<think>\n\n</think>\n\n")


def test_a_template_without_an_end_of_its_own_ends_with_the_end_token() -> None:
    backbone = with_template("{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}")
    assert asked_as(backbone, Chat(), "tiny").end_of_answer == (backbone.eos_id,)


def test_a_template_that_fails_is_one_line() -> None:
    with pytest.raises(
        SuiteError, match="the chat template of this model's tokenizer refuses the messages: "
    ) as raised:
        asked_as(with_template("{{ messages[0].content + 1 }}"), Chat(), "tiny")
    assert "\n" not in str(raised.value)


def test_what_is_not_a_templates_variable_is_refused() -> None:
    with pytest.raises(ValueError, match="'tokenize' is no variable of a template"):
        Chat(template_args={"tokenize": True})
