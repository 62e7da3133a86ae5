"""Files of claims: read, with every problem and its line; and found, where none is named."""

from __future__ import annotations

from pathlib import Path

from suite.claims.form import Claims
from suite.errors import Problem, SuiteError
from suite.specs.merge import layer_of
from suite.specs.validate import validate
from suite.specs.workspace import files_of, shown
from suite.yamlfile import read_yaml


def read_claims(file: Path) -> Claims:
    """A file of claims. Raises SuiteError with every problem and its line."""
    layer = layer_of(read_yaml(file, shown(file)))
    claims, problems = validate(Claims, layer)
    if claims is None:
        raise SuiteError.of(problems or [Problem(shown(file), "is no file of claims")])
    return claims


def claim_files() -> tuple[Path, ...]:
    """The files of `specs/claims/` or `claims/` here, and the shipped ones; of one name the nearest."""
    found = files_of("claims")
    return tuple(found[name] for name in sorted(found))
