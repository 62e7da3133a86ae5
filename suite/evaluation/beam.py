"""Beam search in batches: the answers of transformers' `generate`, token for token, each prompt read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from suite.evaluation.decode import end_tokens
from suite.evaluation.fitting import fits
from suite.evaluation.state import Ids, Steps, read
from suite.evaluation.trunk import Trunk, TrunkState, read_trunk
from suite.models.stack import Stacked

NEVER: Final = -1e9
"""What transformers adds to the score of a hypothesis that must not be chosen."""


@dataclass(frozen=True)
class Hypotheses:
    """Some answers to each of B prompts, likeliest first."""

    tokens: Tensor
    """long [B, W, limit]; what was not written yet is anything."""
    scores: Tensor
    """float32 [B, W]: log-likelihoods; of finished answers, divided by their length."""

    def pick(self, at: Tensor) -> Hypotheses:
        """Those at some places [B, W'] of each prompt."""
        return Hypotheses(_at(self.tokens, at), self.scores.gather(1, at))

    def of(self, prompts: Tensor) -> Hypotheses:
        """Those of some prompts [B'] only."""
        return Hypotheses(self.tokens[prompts], self.scores[prompts])


@torch.no_grad()
def beam(
    stacked: Stacked, prompts: Sequence[Ids], *, max_new_tokens: int, beams: int, trunk: Trunk | None = None
) -> list[list[int]]:
    """The best answer to each prompt, without its end token: a search `beams` (two or more) hypotheses wide.

    As in `generate` with its defaults (`length_penalty` 1, `early_stopping` False), the score is the mean
    log-likelihood of a token, and a prompt is done when its best open hypothesis is worse than all that it keeps. It
    then leaves the batch. Stop strings end nothing here. `trunk` is what these and other prompts begin with.
    """
    if not prompts:
        return []
    state = _read(stacked, prompts, max_new_tokens, trunk)
    device = stacked.backbone.device
    ends = torch.tensor(sorted(end_tokens(stacked)), dtype=torch.long, device=device)
    alive = torch.arange(len(prompts), device=device)
    state.keep(alive.repeat_interleave(beams))
    tokens = torch.zeros(len(prompts), beams, max_new_tokens, dtype=torch.long, device=device)
    finished = Hypotheses(tokens, torch.full(tokens.shape[:2], NEVER, device=device))
    # all beams are the same prompt at first, so only the first of them may go on
    running = Hypotheses(tokens, finished.scores.index_fill(1, alive.new_zeros(1), 0.0))
    best = tokens[:, 0].clone()
    for place in range(max_new_tokens):
        candidates, parents = _candidates(running, state.logits, place, max(2, 1 + len(ends)) * beams)
        over = torch.isin(candidates.tokens[:, :, place], ends)
        if place == max_new_tokens - 1:
            over = torch.ones_like(over)
        finished = _finished(finished, candidates, over, place + 1)
        best[alive] = finished.tokens[:, 0]
        chosen = (candidates.scores + over * NEVER).topk(beams).indices
        running = candidates.pick(chosen)
        going = _may_improve(running, finished, place + 1).nonzero()[:, 0]
        if not len(going) or place == max_new_tokens - 1:
            break
        rows = parents.gather(1, chosen) + beams * torch.arange(len(alive), device=device)[:, None]
        alive, running, finished = alive[going], running.of(going), finished.of(going)
        keep = rows[going].flatten()
        if len(keep) < rows.numel() or not torch.equal(keep, torch.arange(len(keep), device=device)):
            state.keep(keep)
        state.step(running.tokens[:, :, place].flatten())
    return [_until(answer, end_tokens(stacked)) for answer in best.tolist()]


def _read(stacked: Stacked, prompts: Sequence[Ids], limit: int, trunk: Trunk | None) -> Steps:
    """Each prompt read once, behind what all share if the model can go on from a trunk."""
    if trunk is None and fits(stacked):
        trunk = read_trunk([stacked], [prompts])
    return read(stacked, prompts) if trunk is None else TrunkState(trunk, prompts, [stacked] * len(prompts), limit)


def _candidates(running: Hypotheses, logits: Tensor, place: int, count: int) -> tuple[Hypotheses, Tensor]:
    """The `count` likeliest continuations of each prompt by one token, and which hypothesis each goes on from.

    With `beams` for each end token and `beams` more, so many remain that do not end.
    """
    prompts, beams = running.scores.shape
    likely = logits.log_softmax(-1).view(prompts, beams, -1) + running.scores[:, :, None]
    scores, at = likely.flatten(1).topk(count)
    parents = at // logits.shape[-1]
    tokens = _at(running.tokens, parents)
    tokens[:, :, place] = at % logits.shape[-1]
    return Hypotheses(tokens, scores), parents


def _finished(finished: Hypotheses, candidates: Hypotheses, over: Tensor, length: int) -> Hypotheses:
    """The best of what was finished and what is `over` now; of that, only what is among the best candidates counts."""
    beams = finished.scores.shape[1]
    late = torch.arange(over.shape[1], device=over.device) >= beams
    scores = candidates.scores / length + (~over | late) * NEVER
    tokens = torch.cat([finished.tokens, candidates.tokens], 1)
    both = Hypotheses(tokens, torch.cat([finished.scores, scores], 1))
    return both.pick(both.scores.topk(beams).indices)


def _may_improve(running: Hypotheses, finished: Hypotheses, length: int) -> Tensor:
    """bool [B]: whether a prompt keeps fewer finished answers than beams, or has an open one better than the worst."""
    return running.scores[:, 0] / length > finished.scores[:, -1]


def _at(tokens: Tensor, at: Tensor) -> Tensor:
    """Rows [B, W', limit] at some places [B, W'] of each prompt."""
    return tokens.gather(1, at[:, :, None].expand(-1, -1, tokens.shape[2]))


def _until(tokens: Sequence[int], ends: frozenset[int]) -> list[int]:
    return list(next((tokens[:place] for place, token in enumerate(tokens) if token in ends), tokens))
