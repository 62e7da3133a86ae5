"""The lines of code that load a saved model with plain libraries and ask it as it was evaluated."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from suite.inference.decode import SENTINELS, end_tokens
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.models.tokens import closing_ids
from suite.saving.asking import EXAMPLE, Asking
from suite.saving.base_model import BaseModel
from suite.saving.layout import AnsweringModel

GREEDY: Final[dict[str, Any]] = {
    "num_beams": 1, "repetition_penalty": 1.0, "encoder_repetition_penalty": 1.0, "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0, "min_length": 0, "min_new_tokens": None, "forced_bos_token_id": None,
    "forced_eos_token_id": None, "suppress_tokens": None, "begin_suppress_tokens": None, "bad_words_ids": None,
    "sequence_bias": None, "exponential_decay_length_penalty": None, "guidance_scale": None,
}  # fmt: skip
"""Settings of `generate` that would make it another search than evaluation's, and their neutral values."""


@dataclass(frozen=True)
class TextConventions:
    """How the model reads and ends texts."""

    two_sided: bool
    sentinels: bool
    closing: int
    """Tokens that the tokenizer appends to each text, and that a decoder does not go on from."""
    start: int
    """The token that an encoder-decoder's answer begins behind."""
    ends: tuple[int, ...]
    """The tokens that end an answer."""
    own_ends: tuple[int, ...]
    """Those of them that the model's own settings have."""
    unusual: tuple[tuple[str, Any], ...]
    """The model's own settings that evaluation does not apply, with neutral values."""
    special_stops: tuple[tuple[str, int], ...]
    """Special tokens that a task's answers may end at."""
    begun: bool
    """Whether a chat's prompt begins with the special tokens that a text would get."""
    takes_system: bool
    """Whether the chat template has a place for a system message."""
    dated: bool
    """Whether the chat template asks for today's date."""

    @classmethod
    def of(cls, backbone: Backbone, askings: Sequence[Asking]) -> TextConventions:
        """What the code of a card has to know of a base model."""
        own = backbone.model.generation_config
        given = getattr(own, "eos_token_id", None)
        configured = given if isinstance(given, (list, tuple)) else [given]
        unusual = [(name, usual) for name, usual in GREEDY.items() if getattr(own, name, None) not in (None, usual)]
        decoder, chat, bos = backbone.shape == "decoder", backbone.chat, backbone.tokenizer.bos_token
        stops = [stop for asking in askings for stop in asking.stops]
        return cls(
            two_sided=not decoder,
            sentinels=backbone.sentinels,
            closing=len(closing_ids(backbone)) if decoder else 0,
            start=backbone.start_id,
            ends=tuple(sorted(end_tokens(AdaptedModel(backbone, backbone.model)))),
            own_ends=tuple(sorted(int(each) for each in configured if each is not None)),
            unusual=tuple(unusual),
            special_stops=tuple(_special_stops(backbone, stops)),
            begun=bool(chat and bos and chat.asked("a").startswith(str(bos))),
            takes_system=chat is None or chat.takes_system,
            dated=chat is not None and "strftime_now" in str(backbone.tokenizer.chat_template),
        )


def _special_stops(backbone: Backbone, stops: Sequence[str]) -> Iterator[tuple[str, int]]:
    tokenizer = backbone.tokenizer
    vocabulary = tokenizer.get_vocab()
    for stop in dict.fromkeys(stops):
        token = vocabulary.get(stop)
        if token is not None and tokenizer.decode([token], skip_special_tokens=True) == "":
            yield stop, token


@dataclass(frozen=True)
class Usage:
    """What the code of one model depends on."""

    answering: AnsweringModel
    asking: Asking
    base: BaseModel
    texts: TextConventions
    folder: str
    """Where the folder is: a path, or an id on the hub."""
    on_hub: bool
    beams: int = 1

    @property
    def code(self) -> str:
        """Python that loads the model, and defines and calls `answer`."""
        parts = ["\n".join(self._imports()), "\n".join(self._loading()), "", *self._functions(), "", *self._call()]
        return "\n".join(parts) + "\n"

    @property
    def _class(self) -> str:
        return "AutoModelForSeq2SeqLM" if self.texts.two_sided else "AutoModelForCausalLM"

    def _imports(self) -> Iterator[str]:
        yield "import torch"
        if self._templated:
            yield "from jinja2 import Template"
        if self.answering.adapter is not None:
            yield "from peft import PeftModel"
        few_bits = ", BitsAndBytesConfig" if self.base.quantization else ""
        yield f"from transformers import {self._class}, AutoTokenizer{few_bits}"
        yield ""

    def _loading(self) -> Iterator[str]:
        weights, adapter = self.answering.weights, self.answering.adapter
        yield f"folder = {_quoted(self.folder)}"
        if weights is None:
            yield f"base = {_quoted(self.base.name)}"
            revision = f", revision={_quoted(self.base.revision)}" if self.base.revision else ""
            yield f"tokenizer = AutoTokenizer.from_pretrained(base{revision})"
            yield from self._few_bits()
            bits = ", quantization_config=few_bits" if self.base.quantization else ""
            yield f"model = {self._class}.from_pretrained(base{revision}, dtype=torch.{self.base.dtype}{bits})"
        else:
            inside = self._inside(weights.path)
            yield f"tokenizer = AutoTokenizer.from_pretrained({inside})"
            yield f"model = {self._class}.from_pretrained({inside})"
        if adapter is not None:
            yield f"model = PeftModel.from_pretrained(model, {self._inside(adapter.path)})"
        yield "model.eval()"

    def _few_bits(self) -> Iterator[str]:
        """The settings of a base in 4 or 8 bits; see `suite.models.quantized.quantized_loading`."""
        if self.base.quantization == "8bit":
            yield "few_bits = BitsAndBytesConfig(load_in_8bit=True)"
        elif self.base.quantization == "4bit":
            yield 'few_bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4",'
            yield f"    bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.{self.base.dtype})"

    def _inside(self, path: str) -> str:
        """The folder, or one below it."""
        if not path:
            return "folder"
        return f"folder, subfolder={_quoted(path)}" if self.on_hub else f'f"{{folder}}/{path}"'

    @property
    def _templated(self) -> bool:
        asking = self.asking
        return any("{" in (text or "") for text in (asking.description, asking.question, asking.prefix))

    def _functions(self) -> Iterator[str]:
        yield ""
        yield from self._choosing() if self.asking.choices else self._writing()
        yield ""

    def _ids(self, text: str, *, tensor: bool = False) -> str:
        """An expression for the ids of a text as evaluation has them."""
        begun, closing = self.asking.chat is not None and self.texts.begun, self.texts.closing
        options = (["add_special_tokens=False"] if begun else []) + (['return_tensors="pt"'] if tensor else [])
        cut = "" if begun or not closing else f"[:, : -{closing}]" if tensor else f"[: -{closing}]"
        return f"tokenizer({', '.join([text, *options])}).input_ids{cut}"

    @property
    def _prompt_ids(self) -> str:
        text = f'prompt + " {SENTINELS[0]}"' if self.texts.sentinels else "prompt"
        return f"ids = {self._ids(text, tensor=True)}"

    def _writing(self) -> Iterator[str]:
        texts, asking = self.texts, self.asking
        yield "def answer(prompt: str) -> str:"
        yield f"    {self._prompt_ids}"
        yield "    with torch.no_grad():"
        yield "        output = model.generate("
        yield "            input_ids=ids, attention_mask=torch.ones_like(ids),"
        yield f"            {', '.join(self._options())},"
        yield "        )[0]"
        if texts.two_sided:
            yield "    tokens = output[1:].tolist()"
        else:
            yield "    tokens = output[ids.shape[1] :].tolist()"
        if texts.sentinels:
            yield f'    begin = tokenizer.convert_tokens_to_ids("{SENTINELS[0]}")'
            yield "    tokens = tokens[tokens.index(begin) + 1 :] if begin in tokens else tokens"
        yield "    text = tokenizer.decode(tokens, skip_special_tokens=True)"
        special = dict(texts.special_stops)
        for stop in asking.stops:
            if stop not in special:
                yield f"    text = text.split({_quoted(stop)})[0]"
        yield "    return text"

    def _options(self) -> Iterator[str]:
        texts, asking = self.texts, self.asking
        yield f"max_new_tokens={asking.max_new_tokens + texts.sentinels}"
        yield "do_sample=False"
        stops = [token for stop, token in texts.special_stops if stop in asking.stops]
        ends = tuple(sorted({*texts.ends, *stops}))
        own = self.answering.weights is not None  # its generation_config.json is ours
        if ends != (texts.ends if own else texts.own_ends):
            yield f"eos_token_id={list(ends)}"
        if self.beams > 1:
            yield f"num_beams={self.beams}"
        if not own:
            yield from (f"{name}={value}" for name, value in texts.unusual if name != "num_beams" or self.beams == 1)

    def _choosing(self) -> Iterator[str]:
        texts, delimiter = self.texts, self.asking.delimiter
        choice = f"{_quoted(delimiter)} + choice" if delimiter else "choice"
        yield "def score(prompt: str, choice: str) -> float:"
        if texts.two_sided:
            yield f"    {self._prompt_ids}"
            yield f"    tokens = tokenizer({choice}, add_special_tokens=False).input_ids"
            opening = f', tokenizer.convert_tokens_to_ids("{SENTINELS[0]}")' if texts.sentinels else ""
            yield f"    before = [{texts.start}{opening}]"
            yield "    asked = {"
            yield '        "input_ids": ids, "attention_mask": torch.ones_like(ids),'
            yield '        "decoder_input_ids": torch.tensor([before + tokens[:-1]]),'
            yield "    }"
        else:
            yield f"    context = {self._ids('prompt.rstrip()')}"
            yield f"    whole = {self._ids(f'prompt + {choice}')}"
            yield "    tokens, ids = whole[len(context) :], torch.tensor([whole[:-1]])"
            yield '    asked = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}'
        yield "    with torch.no_grad():"
        yield "        likely = model(**asked).logits[0, -len(tokens) :].log_softmax(-1)"
        yield "    return sum(float(likely[at, token]) for at, token in enumerate(tokens))"
        yield ""
        yield ""
        yield "def answer(prompt: str, choices: list[str]) -> str:"
        yield "    return max(choices, key=lambda choice: score(prompt, choice))"

    def _call(self) -> Iterator[str]:
        asking = self.asking
        if asking.question is None:
            yield 'prompt = "…"  # as the task makes it'
        else:
            row = ", ".join(f"{_quoted(field)}: {_quoted(EXAMPLE)}" for field in asking.fields)
            lines = [f"row = {{{row}}}", *(self._chat() if asking.chat is not None else self._plain())]
            if asking.takes_texts:
                yield from lines
            else:  # the template wants a real row
                yield from (f"# {line}" for line in lines)
                yield f"prompt = {_quoted(EXAMPLE)}  # as above, with a row of the data"
        yield 'print(answer(prompt, ["…", "…"]))' if asking.choices else "print(answer(prompt))"

    def _plain(self) -> Iterator[str]:
        asking = self.asking
        template = f"{asking.description}{asking.question}{asking.gap}{asking.prefix}"
        if "{" not in template:
            yield f"prompt = {_quoted(template)}"
            return
        yield f"template = {_quoted(template)}"
        yield "prompt = Template(template, keep_trailing_newline=True).render(row)"

    def _chat(self) -> Iterator[str]:
        """The prompt as messages that the tokenizer's template writes out."""
        asking, chat = self.asking, self.asking.chat
        assert chat is not None
        system = "\n\n".join(text for text in (chat.system or "", asking.description) if text)
        if "{" in (asking.question or ""):
            yield f"template = Template({_quoted(asking.question or '')}, keep_trailing_newline=True)"
        yield "messages = ["
        if system and self.texts.takes_system:
            yield f'    {{"role": "system", "content": {_rendered(system)}}},'
        user = "template.render(row)" if "{" in (asking.question or "") else _quoted(asking.question or "")
        yield f'    {{"role": "user", "content": {user}}},'
        if asking.prefix:
            yield f'    {{"role": "assistant", "content": {_rendered(asking.prefix)}}},'
        yield "]"
        open_end = "continue_final_message=True" if asking.prefix else "add_generation_prompt=True"
        more = "".join(f", {name}={value!r}" for name, value in chat.template_args.items())
        yield f"prompt = tokenizer.apply_chat_template(messages, tokenize=False, {open_end}{more})"


def _rendered(text: str) -> str:
    """An expression for a text, which may be a template of a row."""
    return f"Template({_quoted(text)}, keep_trailing_newline=True).render(row)" if "{" in text else _quoted(text)


def _quoted(text: str) -> str:
    """A text as Python has it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)
