"""The lm-eval LM that answers for a stack: batched by length within a token budget, including soft prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from suite.core.errors import StepFailed, SuiteError
from suite.evaluation.answered import Answered, Ended, unwatched
from suite.inference.batching import as_fill_a_batch, in_batches, in_stream
from suite.inference.beam import beam
from suite.inference.decode import SENTINELS, Completion, Sampler, Stops, decode, greedy
from suite.inference.division import Division
from suite.inference.likelihood import score_continuations
from suite.inference.prefix_support import supports_shared_prefix
from suite.inference.shared_prefix import SharedPrefixCache, read_shared_prefix
from suite.inference.state import Ids
from suite.models.adapted import AdaptedModel
from suite.models.embedded import reading_texts
from suite.models.fused import fused
from suite.models.tokens import encode_choices, encode_prompts, encode_text, no_token
from suite.tasks.training_text import new_tokens

Pair = tuple[Any, list[int], list[int]]
"""lm-eval's input for scoring: its key, the tokens of the context, and those of the continuation."""


class StackLM(TemplateLM):  # type: ignore[misc]
    """Answers for a model with a stack of artifacts in effect.

    Decoding is greedy or by beams, as in the track; a model's own generation defaults are not used. As in lm-eval, an
    input that leaves no room for its answer is cut at its beginning; its prompt is recorded in `truncated`.
    """

    def __init__(
        self,
        adapted: AdaptedModel,
        *,
        batch_tokens: int,
        max_new_tokens: int | None = None,
        max_length: int | None = None,
        beams: int = 1,
        length_penalty: float | None = None,
        sampler: Sampler = greedy,
        answered: Answered | None = None,
    ) -> None:
        super().__init__()
        self._answered = answered
        self._ended: Ended = unwatched
        self.adapted, self.beams, self.length_penalty, self.sampler = adapted, beams, length_penalty, sampler
        self.batch_tokens, self.max_new_tokens = batch_tokens, max_new_tokens
        backbone = adapted.backbone
        self.tokenizer, self._device = backbone.tokenizer, backbone.device
        self.two_sided = backbone.shape == "encoder-decoder"
        self.backend = "seq2seq" if self.two_sided else "causal"
        self.max_length = min(backbone.max_length, max_length or backbone.max_length) - adapted.reserved
        """Positions for text: the model's minus those of the soft prompt and the prefix."""
        self.truncated: set[str] = set()
        self.tokens = 0
        """Tokens read and written so far, without soft prompts, prefixes and padding."""
        self.division: Division | None = None
        """This process's part of the batches, if several processes answer together."""
        self.completions: list[tuple[Ids, Completion]] = []
        """Prompt and answer, as tokens, of each request of the last `generate_until`."""

    @property
    def eot_token_id(self) -> int:
        """The id that ends a text."""
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        """The token that replaces an empty context, as in lm-eval's HFLM."""
        start = self.tokenizer.bos_token_id
        return self.eot_token_id if start is None else int(start)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """Token ids, by default with the special tokens before a text (`suite.models.tokens`)."""
        if add_special_tokens is None:
            return encode_text(self.adapted.backbone, string)
        with reading_texts():
            return list(self.tokenizer.encode(string, add_special_tokens=add_special_tokens))

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = True) -> list[str]:
        """The answer to each prompt, up to its stop string, its limit or the end token."""
        self._watch(requests)
        return generate_together([self], requests)[0]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """Log-likelihood of each continuation, and whether greedy decoding would give it.

        Raises SuiteError for a continuation without tokens: its likelihood would be 1.
        """
        groups: dict[tuple[str, int | None], list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault((request.args[0], request.doc_id), []).append(index)
        pairs: dict[int, Pair] = {}
        for (context, document), indices in groups.items():
            texts = [str(requests[index].args[1]) for index in indices]
            ids, continuations = encode_choices(self.adapted.backbone, context, texts)
            for index, text, continuation in zip(indices, texts, continuations, strict=True):
                if not continuation:
                    raise no_token(text, f"document {document}" if document is not None else "")
                pairs[index] = ((context, text), ids, continuation)
        self._watch(requests)
        return self._loglikelihood_tokens([pairs[index] for index in range(len(requests))])

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = True) -> list[float]:
        """Log-likelihood of whole texts, in windows if they are longer than the model's limit."""
        windows: list[Pair] = []
        owners: list[int] = []
        for owner, request in enumerate(requests):
            parts = get_rolling_token_windows(
                token_list=self.tok_encode(request.args[0]), prefix_token=self.prefix_token_id,
                max_seq_len=self.max_length, context_len=1,
            )  # fmt: skip
            for part in parts:
                windows.append((None, *make_disjoint_window(part)))
                owners.append(owner)
        self._watch(requests, len(windows))
        totals = [0.0] * len(requests)
        for owner, (value, _) in zip(owners, self._loglikelihood_tokens(windows), strict=True):
            totals[owner] += value
        return totals

    def _watch(self, requests: Sequence[Instance], items: int | None = None) -> None:
        """Count these requests from now on, if somebody watches."""
        self._ended = unwatched if self._answered is None else self._answered.group(requests, items)

    def _settings(self, options: dict[str, Any]) -> tuple[int, tuple[str, ...]]:
        """The limit and the stop strings of a request. Raises SuiteError if it asks for sampling."""
        if options.get("do_sample") or float(options.get("temperature") or 0.0) > 0:
            raise SuiteError("the task asks for sampling", fix="decoding here is greedy: choose another task")
        limit, until = new_tokens(options), options.get("until") or []
        return min(limit, self.max_new_tokens or limit), (until,) if isinstance(until, str) else tuple(until)

    def _room(self, limit: int) -> int:
        """Number of positions for a prompt. Raises SuiteError if there are none."""
        room = self.max_length - (0 if self.two_sided else limit)
        if room < 1:
            taken = f"a {self.adapted.reserved_by} of {self.adapted.reserved}"
            raise SuiteError(
                f"{limit} new tokens and {taken} leave no room for a prompt",
                fix="shorten the prompt or the answers, or raise `budget.max_length`",
            )
        return room

    def _answer(self, batch: Sequence[tuple[AdaptedModel, Ids]], **options: Any) -> list[Completion]:
        """Answers to some prompts, each with its stack."""
        stacks, prompts = [stack for stack, _ in batch], [prompt for _, prompt in batch]
        if self.beams > 1:
            options = {name: options[name] for name in ("max_new_tokens", "cache")}
            options |= {"beams": self.beams, "length_penalty": self.length_penalty}
            found = beam(self.adapted, prompts, **options)
            self._ended(len(found), sum(map(len, prompts)) + sum(map(len, found)))
            return [Completion(tokens) for tokens in found]
        several = None if all(stack is self.adapted for stack in stacks) else stacks
        return decode(self.adapted, prompts, sampler=self.sampler, stacks=several, ended=self._ended, **options)

    def _count(self, items: Sequence[tuple[AdaptedModel, Ids]], results: dict[int, Completion]) -> None:
        """Count the answers of other processes."""
        self._ended(len(results), sum(len(items[index][1]) + len(each.tokens) for index, each in results.items()))

    def _prompts(self, texts: Sequence[str], room: int) -> list[Ids]:
        """Token ids of prompts; the beginnings of prompts that are too long are cut."""
        prompts: list[Ids] = []
        for text, ids in zip(texts, encode_prompts(self.adapted.backbone, texts), strict=True):
            if len(ids) > room:
                self.truncated.add(text)
            prompts.append(ids[-room:])
        return prompts

    def _text(self, tokens: Sequence[int], stops: Stops) -> str:
        """The text of an answer; after the opening sentinel if the model has sentinels and wrote it."""
        if self.adapted.backbone.sentinels:
            opening = self.tokenizer.convert_tokens_to_ids(SENTINELS[0])
            tokens = tokens[tokens.index(opening) + 1 :] if opening in tokens else tokens
        return stops.before(tokens)

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """The ids of a context and of one continuation."""
        ids, (continuation_ids,) = encode_choices(self.adapted.backbone, context, [continuation])
        return ids, continuation_ids

    def _loglikelihood_tokens(self, requests: Sequence[Pair], **_: Any) -> list[tuple[float, bool]]:
        """Score all continuations of a context in one batch; each context is read once."""
        results: list[tuple[float, bool]] = [(0.0, False)] * len(requests)
        contexts: dict[Ids, list[int]] = {}
        for index, (key, context, continuation) in enumerate(requests):
            if len(continuation) > self.max_length:
                raise SuiteError(f"a text of {len(continuation)} tokens is to be scored in {self.max_length} positions")
            # as in lm-eval: a decoder reads all but the last token; an encoder's positions are for the context alone
            room = self.max_length if self.two_sided else self.max_length + 1 - len(continuation)
            if len(context) > room and key is not None:
                self.truncated.add(key[0])
            contexts.setdefault(tuple(context[-room:]), []).append(index)
        texts = list(contexts)
        cache = _cache([self], [texts]) if texts and supports_shared_prefix(self.adapted) else None
        sizes = [sum(len(text) + len(requests[index][2]) for index in contexts[text]) for text in texts]

        def count(batch: Sequence[Ids]) -> None:
            lengths = [len(text) + len(requests[index][2]) for text in batch for index in contexts[text]]
            self._ended(len(lengths), sum(lengths))

        def work(batch: Sequence[Ids]) -> list[list[tuple[float, bool]]]:
            continuations = [[requests[index][2] for index in contexts[text]] for text in batch]
            scores = score_continuations(self.adapted, batch, continuations, cache)
            count(batch)
            return scores

        with fused(self.adapted.model):
            found = in_batches(
                texts, sizes, self.batch_tokens, work, self.division,
                lambda results: count([texts[number] for number in results]),
            )  # fmt: skip
        for number, scores in found.items():
            for index, score in zip(contexts[texts[number]], scores, strict=True):
                results[index] = score
        self.tokens += sum(sizes)
        return results


def generate_together(lms: Sequence[StackLM], requests: Sequence[Instance]) -> list[list[str]]:
    """Each LM's answers to the same prompts, with all LMs in the same batches.

    Several LMs must decode greedily with the same settings, on one base model with stacks that `may_stand_together`.
    """
    answers = [[""] * len(requests) for _ in lms]
    groups: dict[tuple[int, tuple[str, ...]], list[int]] = {}
    for index, request in enumerate(requests):
        groups.setdefault(lms[0]._settings(request.args[1]), []).append(index)
    for lm in lms:
        lm.completions = [((), Completion())] * len(requests)
    for (limit, stops), indices in groups.items():
        with fused(lms[0].adapted.model):
            generated = _generate(lms, [str(requests[index].args[0]) for index in indices], limit, stops)
        for lm, of_lm, texts in zip(lms, generated, answers, strict=True):
            for index, (answer, prompt, completion) in zip(indices, of_lm, strict=True):
                texts[index], lm.completions[index] = answer, (prompt, completion)
    return answers


def _generate(
    lms: Sequence[StackLM], texts: Sequence[str], limit: int, until: Sequence[str]
) -> list[list[tuple[str, Ids, Completion]]]:
    """For each LM and text: the answer, and the tokens of prompt and answer."""
    first = lms[0]
    one_best = first.beams == 1 and first.sampler is greedy
    assert len(lms) == 1 or one_best, "beams and samples are of one stack"
    sentinels = first.adapted.backbone.sentinels
    limit += sentinels  # the opening sentinel is not part of the answer
    stops = Stops(first.tokenizer, until)
    prompts = [lm._prompts(texts, lm._room(limit)) for lm in lms]
    parts = as_fill_a_batch(lms, prompts[0], limit, first.batch_tokens, first.device.type)
    if len(parts) > 1:
        return [of_lm for part in parts for of_lm in _generate(part, texts, limit - sentinels, until)]
    shares = first.sampler is greedy and supports_shared_prefix(first.adapted)
    cache = _cache(lms, prompts) if shares else None
    items = [(lm.adapted, prompt) for lm, own in zip(lms, prompts, strict=True) for prompt in own]
    sizes = [first.beams * (len(prompt) + limit - (cache.text if cache else 0)) for _, prompt in items]
    options: dict[str, Any] = {"max_new_tokens": limit, "stops": stops, "cache": cache}
    apart = (first.division, lambda results: first._count(items, results))
    if cache is None or first.beams > 1:
        found = in_batches(
            items, sizes, first.batch_tokens, lambda batch: first._answer(batch, **options), *apart
        )  # fmt: skip
    else:
        found = in_stream(
            items, sizes, first.batch_tokens, lambda some, room: first._answer(some, room=room, **options), *apart
        )  # fmt: skip
    # what other processes answer is empty in those that do not get it
    completions = iter([found.get(index) or Completion() for index in range(len(items))])
    answers = []
    for lm, own in zip(lms, prompts, strict=True):
        of_lm = [(prompt, next(completions)) for prompt in own]
        lm.tokens += sum(len(prompt) + len(answer.tokens) for prompt, answer in of_lm)
        answers.append([(first._text(answer.tokens, stops), prompt, answer) for prompt, answer in of_lm])
    return answers


def _cache(lms: Sequence[StackLM], prompts: Sequence[Sequence[Ids]]) -> SharedPrefixCache:
    """Read the prompts' shared prefix once. Raises StepFailed if memory is too small for it."""
    try:
        return read_shared_prefix([lm.adapted for lm in lms], prompts)
    except torch.OutOfMemoryError as error:
        raise StepFailed("the accelerator's memory does not hold what all prompts begin with") from error
