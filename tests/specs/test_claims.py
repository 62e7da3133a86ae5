"""Claims: comparisons of quantities, parsed without running anything, every problem with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.analysis.claims.expectation import Quantity, parse_expectation
from suite.core.errors import SuiteError
from suite.specs import shipped
from suite.specs.claims import read_claims
from suite.specs.load import load_track
from suite.specs.workspace import Workspace

SHIPPED = sorted((shipped() / "claims").glob("*.yaml"))
FILE = """track: micro
claims:
  - {id: one, says: a, source: b, expect: "norm_avg(promot_rte, 4) - norm_avg(finetune_rte, 4) > 0"}
"""


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_shipped_claim_names_what_there_is(file: Path) -> None:
    claims = read_claims(file)
    specs = {spec.stem for spec in Workspace.around().specs()}
    track = load_track(Workspace.around(), claims.track)
    assert len(claims.claims) >= 7
    for claim in claims.claims:
        for _, quantity in claim.expectation.terms if claim.expectation else ():
            assert quantity.experiment in specs, claim.id
            assert quantity.role is None or quantity.role in track.roles, claim.id
            assert quantity.shots is None or quantity.shots in track.held_out.shots, claim.id


def test_a_comparison_is_a_sum_of_quantities_and_a_bound() -> None:
    parsed = parse_expectation("score(a, cb, 4) - norm_avg(b) + target(c) <= -1.5")
    assert parsed.terms == (
        (1, Quantity("score", "a", "cb", 4)), (-1, Quantity("norm_avg", "b")), (1, Quantity("target", "c")),
    )  # fmt: skip
    assert (parsed.relation, parsed.bound) == ("<=", -1.5)
    assert parsed.holds(-1.5)
    assert not parsed.holds(-1.4)


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("target(a) - target(b)", "is no comparison by one of"),
        ("target(a) == 0", "is no comparison by one of"),
        ("0 < target(a) < 1", "is no comparison by one of"),
        ("target(a) >", "is no comparison (invalid syntax)"),
        ("targt(a) > 0", "there is no quantity 'targt'; did you mean 'target'?"),
        ("norm_avg(a, cb) > 0", "'cb' is no shots of norm_avg"),
        ("norm_avg() > 0", "norm_avg is asked of an experiment: norm_avg(NAME[, shots])"),
        ("norm_avg(a, 1, 2) > 0", "norm_avg is asked of an experiment"),
        ("target(a) > target(b)", "'target(b)' is no number to compare with"),
        ("target(a) - seconds(b) > 0", "points and seconds do not add up"),
        ("curve(a) > 0", "curve is asked of an experiment's training"),
        ("curve(a, cb) > 0", "'cb' is no curve of curve"),
        ("3 > 0", "'3' is no quantity"),
        ("__import__('os').system('true') > 0", "is no quantity"),
        ("target(a) * 2 > 0", "is no quantity"),
    ],
)
def test_what_is_no_comparison_is_told_by_line(expect: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    old = "norm_avg(promot_rte, 4) - norm_avg(finetune_rte, 4) > 0"
    file.write_text(FILE.replace(old, expect), encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        read_claims(file)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{file}:3: ")
    assert said in line


def test_all_problems_come_at_once_and_ids_differ(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(FILE.replace("says: a", "sez: a").replace("track: micro", "trak: micro"), encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        read_claims(file)
    assert "unknown key; did you mean 'track'?" in str(caught.value)
    assert f"{file}:3: claims.0.sez: unknown key" in str(caught.value)
    assert f"{file}:3: claims.0.says: is missing" in str(caught.value)
    line = FILE.splitlines()[2]
    file.write_text(f"{FILE}{line}\n", encoding="utf-8")
    with pytest.raises(SuiteError, match="the id 'one' is there twice"):
        read_claims(file)
