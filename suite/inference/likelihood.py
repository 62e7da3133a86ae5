"""Log-likelihoods of continuations: each context is read once, however many continuations it has."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from suite.inference.decode import SENTINELS
from suite.inference.reading import read
from suite.inference.shared_prefix import SharedPrefixCache, SharedPrefixState
from suite.inference.state import Ids, State
from suite.models.adapted import AdaptedModel


@torch.no_grad()
def score_continuations(
    adapted: AdaptedModel, contexts: Sequence[Ids], continuations: Sequence[Sequence[Sequence[int]]],
    cache: SharedPrefixCache | None = None,
) -> list[list[tuple[float, bool]]]:  # fmt: skip
    """(log-likelihood, whether greedy) of some continuations of each context, in the given order."""
    backbone = adapted.backbone
    flat = [continuation for of_context in continuations for continuation in of_context]
    longest = max(len(continuation) for continuation in flat)
    state: State
    if cache is None:
        state = read(adapted, contexts)
    else:
        state = SharedPrefixState(cache, contexts, [adapted] * len(contexts), longest)
    if backbone.sentinels:
        opening = backbone.tokenizer.convert_tokens_to_ids(SENTINELS[0])
        state.step(torch.full((len(contexts),), opening, device=backbone.device))
    owner = [row for row, of_context in enumerate(continuations) for _ in of_context]
    state.keep(torch.tensor(owner, device=backbone.device))
    logits = state.logits[:, None]  # logits of each continuation's first token
    targets = torch.tensor([[*tokens, *[0] * (longest - len(tokens))] for tokens in flat], device=backbone.device)
    if longest > 1:
        logits = torch.cat([logits, state.score(targets[:, :-1])], 1)
    likely = logits.log_softmax(-1)
    scores = likely.gather(2, targets[..., None])[..., 0]
    matches = logits.argmax(-1) == targets
    score_of_row = iter(
        (float(scores[row, : len(ids)].sum()), bool(matches[row, : len(ids)].all())) for row, ids in enumerate(flat)
    )
    return [[next(score_of_row) for _ in of_context] for of_context in continuations]
