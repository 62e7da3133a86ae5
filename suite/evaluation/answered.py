"""How many documents of an evaluation are answered, and with how many tokens. It changes no answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from lm_eval.api.instance import Instance

Report = Callable[[int, int, int, float], None]
"""Receives the answered documents, all documents, and the tokens and seconds so far."""
Ended = Callable[[int, int], None]
"""Called when some requests are answered: their number, and their tokens."""


def unwatched(requests: int, tokens: int) -> None:
    """Do nothing."""


class Answered:
    """Counts the documents of one evaluation, which several LMs may answer."""

    def __init__(self, documents: int, report: Report) -> None:
        self._documents, self._report = documents, report
        self._before, self._tokens, self._began = 0, 0, time.perf_counter()

    def group(self, requests: Sequence[Instance], items: int | None = None) -> Ended:
        """Begin to count requests that are answered together, in `items` parts (default: one for each request).

        A document may have several requests. If there are more documents than were left, another pass over all begins.
        """
        documents, parts = len({request.doc_id for request in requests}), items or len(requests)
        before = 0 if self._before + documents > self._documents else self._before
        self._before = before + documents
        done = 0

        def ended(count: int, tokens: int) -> None:
            nonlocal done
            done = min(done + count, parts)  # what did not fit into memory is answered twice
            self._tokens += tokens
            seconds: Final = time.perf_counter() - self._began
            self._report(before + documents * done // parts, self._documents, self._tokens, seconds)

        return ended
