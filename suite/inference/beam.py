"""Beam search in batches, as transformers or as T5X searches, token for token; each prompt is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from suite.inference.decode import end_tokens
from suite.inference.prefix_support import supports_shared_prefix
from suite.inference.shared_prefix import SharedPrefixCache, SharedPrefixState, read_shared_prefix
from suite.inference.state import Ids, Steps, read
from suite.models.adapted import AdaptedModel

NEVER: Final = -1e9
"""What transformers adds to the score of a hypothesis that must not be chosen."""


@dataclass(frozen=True)
class Hypotheses:
    """Some answers to each of B prompts, likeliest first."""

    tokens: Tensor
    """long [B, W, limit]; what was not written yet is anything."""
    scores: Tensor
    """float32 [B, W]: log-likelihoods; of finished answers, divided as the search ranks them."""

    def pick(self, indices: Tensor) -> Hypotheses:
        """Those at some indices [B, W'] of each prompt."""
        return Hypotheses(_at(self.tokens, indices), self.scores.gather(1, indices))

    def of(self, prompts: Tensor) -> Hypotheses:
        """Those of some prompts [B'] only."""
        return Hypotheses(self.tokens[prompts], self.scores[prompts])


@dataclass(frozen=True)
class Ranking:
    """How a search ranks answers of different lengths, and when a prompt is done."""

    length_penalty: float | None
    """None: transformers' `generate` with its defaults. α: T5X's beam search."""
    limit: int
    """New tokens at most."""

    def divisor(self, length: int) -> float:
        """The divisor of an answer's log-likelihood, by its number of tokens with the end token."""
        if self.length_penalty is None:
            return float(length)
        return float(((5 + length) / 6) ** self.length_penalty)

    @property
    def cut_answers_count(self) -> bool:
        """Whether what reaches the limit without an end token is an answer like others, or only where no other is."""
        return self.length_penalty is None

    def finished(self, finished: Hypotheses, candidates: Hypotheses, ended: Tensor, length: int) -> Hypotheses:
        """The best of what was finished and what is `ended` now.

        For transformers only what is among the best `beams` candidates may count.
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
        """bool [B]: whether a prompt keeps fewer finished answers than beams, or an open one may become better.

        T5X asks what the open one would be worth if the rest of it were certain; transformers what it is worth now.
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
    """The best answer to each prompt, without its end token: a search `beams` (two or more) hypotheses wide.

    Without a `length_penalty` the search is that of `generate` with its defaults (its own `length_penalty` of 1,
    `early_stopping` False): the score is the mean log-likelihood of a token. With α it is T5X's: the log-likelihood is
    divided by ((5 + length) / 6)^α, where `generate`'s penalty divides by length^α. A prompt that is done leaves the
    batch. Stop strings end nothing here. `cache` is what these and other prompts begin with.
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
    # all beams are the same prompt at first, so only the first of them may go on
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
    """Each prompt read once, behind what all share if the model can go on from a shared prefix."""
    if cache is None and supports_shared_prefix(adapted):
        cache = read_shared_prefix([adapted], [prompts])
    return (
        read(adapted, prompts) if cache is None else SharedPrefixState(cache, prompts, [adapted] * len(prompts), limit)
    )


def _candidates(running: Hypotheses, logits: Tensor, position: int, count: int) -> tuple[Hypotheses, Tensor]:
    """The `count` likeliest continuations of each prompt by one token, and which hypothesis each goes on from.

    With `beams` for each end token and `beams` more, so many remain that do not end.
    """
    prompts, beams = running.scores.shape
    likely = logits.log_softmax(-1).view(prompts, beams, -1) + running.scores[:, :, None]
    scores, flat_indices = likely.flatten(1).topk(count)
    parents = flat_indices // logits.shape[-1]
    tokens = _at(running.tokens, parents)
    tokens[:, :, position] = flat_indices % logits.shape[-1]
    return Hypotheses(tokens, scores), parents


def _at(tokens: Tensor, indices: Tensor) -> Tensor:
    """Rows [B, W', limit] at some indices [B, W'] of each prompt."""
    return tokens.gather(1, indices[:, :, None].expand(-1, -1, tokens.shape[2]))


def _until(tokens: Sequence[int], ends: frozenset[int]) -> list[int]:
    return list(next((tokens[:length] for length, token in enumerate(tokens) if token in ends), tokens))
