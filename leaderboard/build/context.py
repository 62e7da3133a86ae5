"""Facts that pages show besides the stored results. The caller supplies methods, task files and judged claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from suite.analysis.claims import Verdict


@dataclass(frozen=True)
class SiteContext:
    """The inputs of a render besides the store. All fields are optional; missing ones are not shown."""

    methods: Mapping[str, str] = field(default_factory=dict)
    """Method -> its description: the docstring of its module."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """A task's fingerprint, as steps have it -> the text of its file."""
    claims: Sequence[Verdict] = ()
    """Verdicts on the results that are shown."""
    unread: Sequence[str] = ()
    """Files of claims that could not be read, each with the reason."""
    database: str = ""
    """The path of the store's SQLite file relative to the site's folder, or its file name alone; never absolute."""
    shipped: frozenset[str] = frozenset()
    """Experiments that did not run in this store but come with suite as records."""

    @property
    def on_every_page(self) -> Mapping[str, bool]:
        """Variables of the templates of all pages, by name."""
        return {"has_claims": bool(self.claims or self.unread)}
