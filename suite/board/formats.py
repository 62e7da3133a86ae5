"""The format ratio: how many held-out answers begin as the target's answers do."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from suite import stats
from suite.stats import Estimate
from suite.stats.sample import Numbers
from suite.store import ExperimentRecord, Store
from suite.store.seen import Seen

WORD = re.compile(r"\w+")


def labels_of(row: ExperimentRecord) -> frozenset[str]:
    """The words that the target's answers begin with; none where there are several targets, or other answers."""
    if len(row.targets) > 1:
        return frozenset()
    return frozenset(_word(label) for role in row.targets for label in row.spec["roles"][role]["labels"])


def format_ratio(store: Store, members: Sequence[Seen], labels: frozenset[str]) -> Estimate | None:
    """Share of held-out answers that begin with one of the target's labels, on tasks that have other answers."""
    found = format_hits(store, members, labels)
    if found is None:
        return None
    shares = [float(hits.mean()) for _, hits in found]
    if len({steps for steps, _ in found}) > 1:
        return stats.over_seeds([100 * share for share in shares])
    count = len(found[0][1])
    stderr = stats.share_stderr(shares[0], count)
    return stats.over_documents(100 * shares[0], None if stderr is None else 100 * stderr, count)


def format_hits(
    store: Store, members: Sequence[Seen], labels: frozenset[str]
) -> list[tuple[tuple[str, ...], Numbers]] | None:
    """For each member its steps, and for each of their answers 1 where it begins with a label; None: undefined."""
    if not labels:
        return None
    asked: list[tuple[str, ...]] = []
    for member in members:
        spec = member.record.spec["roles"]
        own = {role: {_word(label) for label in spec[role]["labels"]} for role in member.held_out_roles}
        steps = tuple(link.step_id for link in member.links if link.role in own and not own[str(link.role)] & labels)
        if not steps or any(member.steps[step].status != "done" for step in steps):
            return None
        asked.append(steps)
    said = store.outputs([step for steps in asked for step in steps])
    hits = [
        np.array([_word(output) in labels for step in steps for output in said.get(step, ())], dtype=np.float64)
        for steps in asked
    ]
    return list(zip(asked, hits, strict=True)) if all(len(each) for each in hits) else None


def _word(text: str) -> str:
    """The first word, without case and punctuation."""
    found = WORD.search(text)
    return found.group().casefold() if found else ""
