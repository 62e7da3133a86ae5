"""Batched beam search, token for token as in transformers or in T5X; each prompt is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from suite.inference.decode import end_tokens
from suite.inference.prefix_support import supports_shared_prefix
from suite.inference.reading import read
from suite.inference.shared_prefix import SharedPrefixCache, SharedPrefixState, read_shared_prefix
from suite.inference.state import Ids, Steps
from suite.models.adapted import AdaptedModel

NEVER: Final = -1e9
"""Added to the score of a hypothesis that must not be selected, as in transformers."""


@dataclass(frozen=True)
class Hypotheses:
    """Several answers to each of B prompts, likeliest first."""

    tokens: Tensor
    """long [B, W, limit]; positions that are not written yet hold arbitrary ids."""
    scores: Tensor
    """float32 [B, W]: log-likelihoods; those of finished answers are divided by the ranking's divisor."""

    def pick(self, indices: Tensor) -> Hypotheses:
        """The hypotheses at `indices` [B, W'] of each prompt."""
        return Hypotheses(_at(self.tokens, indices), self.scores.gather(1, indices))

    def of(self, prompts: Tensor) -> Hypotheses:
        """The hypotheses of some prompts [B']."""
        return Hypotheses(self.tokens[prompts], self.scores[prompts])


@dataclass(frozen=True)
class Ranking:
    """How a search ranks answers of different lengths, and when a prompt is done."""

    length_penalty: float | None
    """None: transformers' `generate` with its defaults. α: T5X's beam search."""
    limit: int
    """Maximum number of new tokens."""

    def divisor(self, length: int) -> float:
        """The divisor of an answer's log-likelihood, by its number of tokens with the end token."""
        if self.length_penalty is None:
            return float(length)
        return float(((5 + length) / 6) ** self.length_penalty)

    @property
    def cut_answers_count(self) -> bool:
        """Whether an answer cut at the limit ranks like others; otherwise it is used only if there is no finished
        answer."""
        return self.length_penalty is None

    def finished(self, finished: Hypotheses, candidates: Hypotheses, ended: Tensor, length: int) -> Hypotheses:
        """The best of the finished answers and of the candidates that have `ended` now.

        As in transformers, without a length penalty only the best `beams` candidates count.
        """
        beams = finished.scores.shape[1]
        counts = ended
        if self.length_penalty is None:
            counts = ended & (torch.arange(ended.shape[1], device=ended.device) < beams)
        scores = candidates.scores / self.divisor(length) + ~counts * NEVER
        tokens = torch.cat([finished.tokens, candidates.tokens], 1)
        both = Hypotheses(tokens, torch.cat([finished.scores, scores], 1))
        return both.pick(both.scores.topk(beams).indices)

    def may_improve(self, running: Hypotheses, finished: Hypotheses, length: int) -> Tensor:
        """bool [B]: whether a prompt has fewer finished answers than beams, or an open one may still become better.

        T5X compares the bound of an open answer (all further tokens certain); transformers compares its current score.
        """
        best, worst = running.scores[:, 0], finished.scores[:, -1]
        if self.length_penalty is None:
            return best / self.divisor(length) > worst
        return best / self.divisor(self.limit) >= worst


@torch.no_grad()
def beam(
    adapted: AdaptedModel, prompts: Sequence[Ids], *, max_new_tokens: int, beams: int,
    length_penalty: float | None = None, cache: SharedPrefixCache | None = None,
) -> list[list[int]]:  # fmt: skip
    """The best answer to each prompt, without its end token, by a search with `beams` (two or more) hypotheses.

    Without a `length_penalty` the search is that of `generate` with its defaults (its own `length_penalty` of 1,
    `early_stopping` False): the score is the mean log-likelihood of a token. With α it is T5X's: the log-likelihood is
    divided by ((5 + length) / 6)^α, while `generate`'s penalty divides by length^α. A prompt that is done leaves the
    batch. Stop strings do not end an answer here. `cache` holds the shared prefix of these and other prompts.
    """
    if not prompts:
        return []
    ranking = Ranking(length_penalty, max_new_tokens)
    state = _read(adapted, prompts, max_new_tokens, cache)
    device = adapted.backbone.device
    ends = torch.tensor(sorted(end_tokens(adapted)), dtype=torch.long, device=device)
    alive = torch.arange(len(prompts), device=device)
    state.keep(alive.repeat_interleave(beams))
    tokens = torch.zeros(len(prompts), beams, max_new_tokens, dtype=torch.long, device=device)
    finished = Hypotheses(tokens, torch.full(tokens.shape[:2], NEVER, device=device))
    # all beams start with the same prompt, so only the first of them may continue
    running = Hypotheses(tokens, finished.scores.index_fill(1, alive.new_zeros(1), 0.0))
    best = tokens[:, 0].clone()
    for position in range(max_new_tokens):
        candidates, parents = _candidates(running, state.logits, position, max(2, 1 + len(ends)) * beams)
        ended, last = torch.isin(candidates.tokens[:, :, position], ends), position == max_new_tokens - 1
        if last and ranking.cut_answers_count:
            ended = torch.ones_like(ended)
        finished = ranking.finished(finished, candidates, ended, position + 1)
        chosen = (candidates.scores + ended * NEVER).topk(beams).indices
        running = candidates.pick(chosen)
        is_finished = finished.scores[:, :1] > NEVER / 2
        best[alive] = torch.where(is_finished, finished.tokens[:, 0], running.tokens[:, 0])
        continuing = ranking.may_improve(running, finished, position + 1).nonzero()[:, 0]
        if not len(continuing) or last:
            break
        rows = parents.gather(1, chosen) + beams * torch.arange(len(alive), device=device)[:, None]
        alive, running, finished = alive[continuing], running.of(continuing), finished.of(continuing)
        keep = rows[continuing].flatten()
        if len(keep) < rows.numel() or not torch.equal(keep, torch.arange(len(keep), device=device)):
            state.keep(keep)
        state.step(running.tokens[:, :, position].flatten())
    return [_until(answer, end_tokens(adapted)) for answer in best.tolist()]


def _read(adapted: AdaptedModel, prompts: Sequence[Ids], limit: int, cache: SharedPrefixCache | None) -> Steps:
    """Read each prompt once, after the shared prefix if the model supports it."""
    if cache is None and supports_shared_prefix(adapted):
        cache = read_shared_prefix([adapted], [prompts])
    return (
        read(adapted, prompts) if cache is None else SharedPrefixState(cache, prompts, [adapted] * len(prompts), limit)
    )


def _candidates(running: Hypotheses, logits: Tensor, position: int, count: int) -> tuple[Hypotheses, Tensor]:
    """The `count` likeliest continuations of each prompt by one token, and the index of each one's hypothesis.

    `count` includes `beams` more for each end token, so that `beams` candidates without an end token remain.
    """
    prompts, beams = running.scores.shape
    likely = logits.log_softmax(-1).view(prompts, beams, -1) + running.scores[:, :, None]
    scores, flat_indices = likely.flatten(1).topk(count)
    parents = flat_indices // logits.shape[-1]
    tokens = _at(running.tokens, parents)
    tokens[:, :, position] = flat_indices % logits.shape[-1]
    return Hypotheses(tokens, scores), parents


def _at(tokens: Tensor, indices: Tensor) -> Tensor:
    """Rows [B, W', limit] at `indices` [B, W'] of each prompt."""
    return tokens.gather(1, indices[:, :, None].expand(-1, -1, tokens.shape[2]))


def _until(tokens: Sequence[int], ends: frozenset[int]) -> list[int]:
    return list(next((tokens[:length] for length, token in enumerate(tokens) if token in ends), tokens))
