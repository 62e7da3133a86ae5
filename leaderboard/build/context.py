"""What pages may say besides what is stored: whoever renders knows methods, task files and judged claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from suite.analysis.claims import Verdict


@dataclass(frozen=True)
class SiteContext:
    """What a render is given besides the store. All fields are optional; missing ones are not shown."""

    methods: Mapping[str, str] = field(default_factory=dict)
    """Method -> what it is, as its module says."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """A task's fingerprint, as steps have it -> its file."""
    claims: Sequence[Verdict] = ()
    """Judged on what is shown."""
    unread: Sequence[str] = ()
    """Files of claims that could not be read, and why."""
    database: str = ""
    """The store's SQLite file as seen from the site's folder, or its name alone; never a path of the machine."""
    shipped: frozenset[str] = frozenset()
    """Experiments that are no runs of this store, but records that come with suite."""

    @property
    def on_every_page(self) -> Mapping[str, bool]:
        """What the templates of all pages know, by name."""
        return {"has_claims": bool(self.claims or self.unread)}
