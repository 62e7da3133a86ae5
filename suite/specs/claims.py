"""Read claims files, or find them if none is named. Reports every problem with its line, and names that do not
exist."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

from suite.analysis.claims.schema import Claim, Claims
from suite.core.errors import Problem, SuiteError, did_you_mean
from suite.core.yamlfile import Key, read_yaml
from suite.specs.merge import Layered, layer_of
from suite.specs.tracks import track_layer
from suite.specs.validate import validate
from suite.specs.workspace import Workspace, files_of, shown

T = TypeVar("T")


def read_claims(file: Path) -> Claims:
    """Read a claims file. Raises SuiteError with every problem and its line."""
    claims, problems = validate(Claims, _layer(file))
    if claims is None:
        raise SuiteError.of(problems or [Problem(shown(file), "is no file of claims")])
    return claims


def _layer(file: Path) -> Layered:
    return layer_of(read_yaml(file, shown(file)))


def claim_files() -> tuple[Path, ...]:
    """Claims files in `specs/claims/` or `claims/` of the working directory, then shipped ones; the nearest of one
    name."""
    files = files_of("claims")
    return tuple(files[name] for name in sorted(files))


def unknown_track(file: Path, claims: Claims, tracks: Collection[str]) -> Iterator[Problem]:
    """Problems for the tracks of a claims file that are neither in `tracks` (those with rows) nor in a file."""
    layer = _layer(file)
    named: list[tuple[Key, str]] = [(("track",), claims.track)]
    named += [(("also", index), name) for index, name in enumerate(claims.also)]
    for key, name in named:
        available = {*tracks, *(_workspace(file).tracks() if name not in tracks else ())}
        if name not in available:
            what = f"{key[0]}: there is no track '{name}', and no row of one"
            yield Problem(layer.where(key), what, did_you_mean(name, available))


def unknown_names(file: Path, claims: Claims, rows: Collection[str], roles: Collection[str]) -> Iterator[Problem]:
    """Problems for names of experiments and roles in claims that no row (`rows`, `roles`), spec or track has."""
    layer = _layer(file)
    specs, declared = cache(lambda: _spec_names(file)), cache(lambda: _declared_roles(file))
    for at, claim in enumerate(claims.claims):
        for field, name, kind in _names(claim):
            here, more = (rows, specs) if kind == "row" else (roles, declared)
            if name in here or name in more():
                continue
            where = layer.where(("claims", at, *field.split(".")))
            none = "no spec and no row is called" if kind == "row" else "no track and no row has the role"
            yield Problem(where, f"claims.{at}.{field}: {none} '{name}'", _near(name, {*here, *more()}, kind))


def _near(name: str, names: Collection[str], kind: str) -> str:
    lists = "`suite list specs` and `suite show`" if kind == "row" else "`suite list roles`"
    close = difflib.get_close_matches(name, sorted(names), n=1)
    return f"did you mean '{close[0]}'?" if close else f"{lists} list all names"


def _names(claim: Claim) -> Iterator[tuple[str, str, str]]:
    """The names that a claim uses, as (field, name, `row` or `role`)."""
    if claim.reproduces:
        yield "reproduces.experiment", claim.reproduces.experiment, "row"
    for _, quantity in claim.expectation.terms if claim.expectation else ():
        yield "expect", quantity.experiment, "row"
        if quantity.role is not None:
            yield "expect", quantity.role, "role"


def _workspace(file: Path) -> Workspace:
    return Workspace.here(file)


def _spec_names(file: Path) -> frozenset[str]:
    """Names of the specs beside a claims file, in its workspace and in the working directory, and of shipped specs."""
    near = [path for folder in (file.resolve().parent.parent, Path("specs"), Path()) for path in folder.glob("*.yaml")]
    return frozenset(_sound((*near, *_workspace(file).specs()), lambda path: str(read_yaml(path).value["name"])))


def _declared_roles(file: Path) -> frozenset[str]:
    """The roles of all tracks that can be found."""
    workspace = _workspace(file)
    tracks = _sound(workspace.tracks().values(), lambda path: track_layer(workspace, path).block("roles").value)
    return frozenset(role for roles in tracks for role in roles)


def _sound(files: Iterable[Path], read: Callable[[Path], T]) -> Iterator[T]:
    """Read each file; skip broken files and files of another kind."""
    for file in files:
        try:
            yield read(file)
        except (SuiteError, KeyError):
            continue
