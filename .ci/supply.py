"""What the project is built on: pins and hashes of the tested set, licences of this environment, known vulnerabilities.

`python .ci/supply.py` prints a line for each thing looked at and exits with 1 if one is wrong. It needs no network:
where no advisory service answers, it says so and goes on.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement

ROOT: Final = Path(__file__).resolve().parents[1]
CONSTRAINTS: Final = "constraints.txt"
LOCK: Final = "requirements.lock"
PROJECT: Final = "finetune-suite"
EXTRAS: Final = ("dev", "docs", "gguf", "postgres", "ray", "s3", "tensorboard")
SHOWN: Final = 5
"""Names that a line lists."""
_NO_ANSWER: Final = ("requests.exceptions.", "urllib3.exceptions.", "ConnectionError", "ServiceError", "TimeoutError")
"""How the last line of pip-audit begins, after its module, where no service answers."""

Told = tuple[bool, str]
"""Whether all is well, and what to print."""


def normal(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    """Versions by package, of a file of constraints or hashed requirements."""
    found = re.findall(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", text, re.MULTILINE)
    return {normal(name): version for name, version in found}


def hashed(constraints: str, lock: str) -> Iterator[Told]:
    """Whether both files name the same versions, and the second has a hash for each."""
    ours, locked = pins(constraints), pins(lock)
    differ = sorted(name for name in ours.keys() | locked.keys() if ours.get(name) != locked.get(name))
    bare = [name for name, hashes in _hashes(lock).items() if not hashes]
    for names, what in (
        (differ, f"differs from {CONSTRAINTS}; make it again as its first lines say"),
        (bare, "no hash"),
    ):
        if names:
            yield False, f"{LOCK}: {_few(names)}: {what}"
    if not differ and not bare:
        yield True, f"{LOCK}: the {len(locked)} versions of {CONSTRAINTS}, each with hashes"


def _hashes(lock: str) -> dict[str, int]:
    """How many hashes each package has."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return {name: block.count("--hash=sha256:") for block in blocks for name in pins(block)}


def pinned(needed: Iterable[str], constraints: str, others: Iterable[str]) -> Iterator[Told]:
    """Whether the file pins each package that is needed; `others` are patterns of names that it leaves open."""
    found = sorted(set(needed) - pins(constraints).keys())
    bare = [name for name in found if not any(fnmatch(name, pattern) for pattern in others)]
    if bare:
        yield False, f"{CONSTRAINTS}: {_few(bare)}: needed and not pinned"
    else:
        yield True, f"{CONSTRAINTS}: pins all that the project and its tools need"


def needed(name: str, extras: Iterable[str], seen: dict[str, set[str]] | None = None) -> set[str]:
    """The packages that one needs on this machine, and that those need, as far as they are installed."""
    seen = {} if seen is None else seen
    wanted = {"", *extras}
    if wanted <= seen.get(name, set()):
        return set(seen)
    seen[name] = seen.get(name, set()) | wanted
    for text in _requirements(name):
        requirement = Requirement(text)
        if any(requirement.marker is None or requirement.marker.evaluate({"extra": extra}) for extra in wanted):
            needed(normal(requirement.name), requirement.extras, seen)
    return set(seen)


def _requirements(name: str) -> list[str]:
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def licensed(packages: Sequence[Mapping[str, str]], table: Mapping[str, Any]) -> Iterator[Told]:
    """Whether every licence is allowed by the project's table; `packages` is what `pip-licenses --from=all` lists."""
    wrong = 0
    for package in packages:
        known = any(fnmatch(normal(package["Name"]), normal(pattern)) for pattern in table["packages"])
        licences = _licences(package)
        strange = [each for each in licences if each not in table["licenses"]]
        if (strange or not licences) and not known:
            wrong += 1
            what = " and ".join(strange)[:100] or "no licence"
            fix = "allow it in [tool.supply] of pyproject.toml, or do without the package"
            yield False, f"licences: {package['Name']} {package['Version']} names {what}; {fix}"
    if not wrong:
        yield True, f"licences: all {len(packages)} packages have an allowed one"


def _licences(package: Mapping[str, str]) -> list[str]:
    """The parts of what a package says: its SPDX expression, else its classifiers, else its free text."""
    for field, between in (
        ("License-Expression", r"\s+(?:AND|OR)\s+|[()]"),
        ("License-Classifier", ";"),
        ("License-Metadata", r"\s+(?:AND|OR)\s+"),
    ):
        if (text := package[field]) != "UNKNOWN":
            return [part.strip() for part in re.split(between, text) if part.strip()]
    return []


def audited(report: Mapping[str, Any], ignored: Mapping[str, str]) -> Iterator[Told]:
    """Whether a version has a known vulnerability that the project does not explain; `report` is pip-audit's."""
    found = report["dependencies"]
    for package in found:
        for each in package.get("vulns", ()):
            if not {each["id"], *each["aliases"]} & ignored.keys():
                fixed = f"fixed in {', '.join(each['fix_versions'])}" if each["fix_versions"] else "no version fixes it"
                yield False, f"vulnerabilities: {package['name']} {package['version']}: {each['id']}, {fixed}"
    skipped = [package["name"] for package in found if "skip_reason" in package]
    if found and len(skipped) == len(found):
        yield True, "vulnerabilities: NOT CHECKED: the index here has no advisories"
    else:
        rest = f"; not checked, since the index does not have them: {_few(skipped)}" if skipped else ""
        yield True, f"vulnerabilities: {len(found) - len(skipped)} of {len(found)} packages looked up{rest}"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _pins_of_ours() -> Iterator[Told]:
    names = needed(PROJECT, EXTRAS) - {PROJECT}
    return pinned(names, (ROOT / CONSTRAINTS).read_text(), _table()["unpinned"])


def _hashes_of_ours() -> Iterator[Told]:
    return hashed((ROOT / CONSTRAINTS).read_text(), (ROOT / LOCK).read_text())


def _licences_of_ours() -> Iterator[Told]:
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--with-system", "--from=all"]
    done = subprocess.run([*command, f"--python={sys.executable}"], capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        return iter([(False, f"licences: pip-licenses failed: {_last(done.stderr)}")])
    return licensed(json.loads(done.stdout), _table())


def _vulnerabilities_of_ours() -> Iterator[Told]:
    options = ["--disable-pip", "--require-hashes", "--progress-spinner=off", "--timeout=10", "--format=json"]
    command = [sys.executable, "-m", "pip_audit", "-r", str(ROOT / LOCK), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.stdout.startswith("{"):
        return audited(json.loads(done.stdout), _table()["advisories"])
    return iter([unanswered(_last(done.stderr))])


def unanswered(last: str) -> Told:
    """What to say where pip-audit gave no report: a missing service is no fault of the project, another end is one."""
    kind = last.split(":")[0]
    if any(each in kind for each in _NO_ANSWER):
        return True, f"vulnerabilities: NOT CHECKED: no advisory service answers here ({kind})"
    return False, f"vulnerabilities: pip-audit failed: {last[:300]}"


def _last(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def _table() -> Mapping[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    table: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["supply"]
    return table


def main() -> int:
    """Print every line; the exit code is 1 if something is wrong."""
    checks = (_pins_of_ours, _hashes_of_ours, _licences_of_ours, _vulnerabilities_of_ours)
    fine = True
    for check in checks:
        for well, line in check():
            fine &= well
            print(f"{'ok   ' if well else 'FAIL '} {line}", flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
