"""Where the code is: packages, no loose modules, and a document that names them all."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import suite

ROOMS = Path(__file__).parents[1] / "docs" / "rooms.md"


def test_no_module_but_those_that_are_commands_is_outside_of_a_package() -> None:
    assert {module.name for module in pkgutil.iter_modules(suite.__path__) if not module.ispkg} == {
        "__main__",
        "lm_eval",
    }


def test_the_document_names_every_package_and_no_other() -> None:
    named = re.findall(r"^\| `(\w+)/`", ROOMS.read_text("utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(module.name for module in pkgutil.iter_modules(suite.__path__) if module.ispkg)


def test_what_the_document_names_in_a_package_is_there() -> None:
    rows = re.findall(r"^\| `(\w+)/` \|(.*)\|$", ROOMS.read_text("utf-8"), re.MULTILINE)
    named = [Path(package, name) for package, text in rows for name in re.findall(r"`(\w+(?:\.py|/))`", text)]
    assert len(named) > 10
    assert [str(path) for path in named if not Path(suite.__path__[0], path).exists()] == []
