"""A page for each method of suite: what it is, its settings, and what tracks change of them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator

from docsite import fields
from docsite.markdown import table
from suite import methods
from suite.methods import Method
from suite.specs import Workspace
from suite.specs.load import load_track


def pages() -> Iterator[tuple[str, str]]:
    """(Path below `reference/methods/`, Markdown)."""
    yield "index.md", _overview()
    for name in methods.names():
        yield f"{name}.md", _page(name, methods.get(name))


def _overview() -> str:
    rows = []
    for name in methods.names():
        method = methods.get(name)
        rows.append((f"[`{name}`]({name}.md)", method.FAMILY, _about(method).split("\n\n")[0]))
    return "\n\n".join(
        [
            "# Methods",
            "A spec names a method and its settings: `method: {name: lora, rank: 8}`. "
            "The track gives settings of its own, and a spec may change them. "
            "[Add a method](../../methods.md) shows how to write one.",
            table(("method", "family", "what it is"), rows),
        ]
    )


def _about(method: Method) -> str:
    return inspect.getdoc(method) or ""


def _page(name: str, method: Method) -> str:
    first, _, rest = _about(method).partition("\n\n")
    source = f"[`suite/methods/{name}.py`](../../../suite/methods/{name}.py)"
    trains = "" if method.TRAINS else " It trains nothing."
    parts = [f"# {name}", first, rest, f"Family: {method.FAMILY}.{trains} Source: {source}."]
    parts += ["## Settings", f"{inspect.getdoc(method.Config)}", fields.page(method.Config, name, "method")]
    parts += ["## Settings on tracks", _on_tracks(name)]
    return "\n\n".join(part for part in parts if part)


def _on_tracks(name: str) -> str:
    """What each shipped track says of the method, as it says it."""
    workspace = Workspace.around()
    rows = [(f"`{track}`", load_track(workspace, track).methods.get(name)) for track in workspace.tracks()]
    rows_with_settings = [(track, f"`{json.dumps(settings)}`") for track, settings in rows if settings]
    if not rows_with_settings:
        return "No shipped track changes a setting."
    return "In place of the defaults above:\n\n" + table(("track", "settings"), rows_with_settings)
