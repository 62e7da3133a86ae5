"""The check of the supply chain: an unknown licence, a missing hash or a known vulnerability fails it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
TABLE = {"licenses": ["MIT", "Apache-2.0", "BSD License"], "packages": {"nvidia-*": "CUDA"}, "advisories": {}}


@pytest.fixture(scope="module")
def supply() -> ModuleType:
    spec = importlib.util.spec_from_file_location("supply", ROOT / ".ci" / "supply.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(
    name: str, expression: str = "UNKNOWN", classifier: str = "UNKNOWN", text: str = "UNKNOWN"
) -> dict[str, str]:
    said = {"License-Expression": expression, "License-Classifier": classifier, "License-Metadata": text}
    return {"Name": name, "Version": "1.0", **said}


def test_the_tested_set_has_hashes(supply: ModuleType) -> None:
    texts = [(ROOT / name).read_text() for name in ("constraints.txt", "requirements.lock")]
    [(well, line)] = supply.hashed(*texts)
    assert well, line


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ("a==1 \\\n    --hash=sha256:00\n", "requirements.lock: b-c: differs from constraints.txt"),
        ("a==2 \\\n    --hash=sha256:00\nb-c==2 \\\n    --hash=sha256:00\n", "a: differs"),
        ("a==1 \\\n    --hash=sha256:00\nb-c==2\n", "requirements.lock: b-c: no hash"),
    ],
)
def test_a_lock_that_differs_or_lacks_a_hash_fails(supply: ModuleType, lock: str, said: str) -> None:
    [(well, line)] = supply.hashed('a==1\nB_c==2; python_version >= "3.11"\n', lock)
    assert not well
    assert said in line


@pytest.mark.parametrize(
    ("listed", "well"),
    [
        (package("a", "MIT AND (Apache-2.0 OR MIT)"), True),
        (package("a", "MIT AND GPL-3.0-only"), False),
        (package("a", "UNKNOWN", "BSD License", "a long text"), True),
        (package("a", "UNKNOWN", "BSD License; GNU General Public License v3 (GPLv3)"), False),
        (package("a", text="MIT"), True),
        (package("a"), False),
        (package("NVIDIA_cublas", text="NVIDIA Proprietary Software"), True),
    ],
)
def test_a_licence_must_be_allowed(supply: ModuleType, listed: dict[str, str], well: bool) -> None:
    assert [each for each, _ in supply.licensed([listed], TABLE)] == [well]


def test_a_known_vulnerability_fails_unless_it_is_explained(supply: ModuleType) -> None:
    vulnerability = {"id": "PYSEC-1", "aliases": ["GHSA-1"], "fix_versions": ["2"], "description": ""}
    report = {"dependencies": [{"name": "a", "version": "1", "vulns": [vulnerability]}]}
    told = list(supply.audited(report, {}))
    assert told[0] == (False, "vulnerabilities: a 1: PYSEC-1, fixed in 2")
    assert all(well for well, _ in supply.audited(report, {"GHSA-1": "not used"}))


def test_what_could_not_be_looked_up_is_said(supply: ModuleType) -> None:
    skipped = {"name": "b", "skip_reason": "not found"}
    fine = {"name": "a", "version": "1", "vulns": []}
    [(_, line)] = supply.audited({"dependencies": [fine, skipped]}, {})
    assert line.endswith("1 of 2 packages looked up; not checked, since the index does not have them: b")
    assert "NOT CHECKED" in next(iter(supply.audited({"dependencies": [skipped]}, {})))[1]
    assert supply.unanswered("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='pypi.org')")[0]
    assert not supply.unanswered("pip-audit: error: unrecognized arguments")[0]
