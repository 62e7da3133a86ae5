"""`suite check`, `suite board`, `suite compare`: what they print and write, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from suite.results.store import Costs, Store
from suite.specs import shipped
from tests.analysis.board.tiny_board import World
from tests.analysis.claims.test_judge import right
from tests.cli.calls import suite

COSTS = Costs(10.0, 100, 1000, 7, 80)
CLAIMS = """track: tiny
claims:
  - {id: better, says: "a | b is <better>", source: us, expect: target(lora_a) - target(lora_b) > 0}
  - {id: gone, says: not run, source: us, expect: target(promot_rte) > 0}
"""
WRONG = '  - {id: worse, says: worse, source: us, expect: "target(lora_a) - target(lora_b) < 0"}\n'
OTHER = '  - {id: other, says: other, source: us, expect: "target(lora_a) - target(lora_c) > 0"}\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "suite.db") as store:
        world = World(store, held_out=("qa",))
        world.experiment("pretrained", {("rte", 0): right(0.5), ("qa", 1): right(0.5)})
        for name, share in (("lora_a", 0.9), ("lora_b", 0.5), ("lora_c", 0.5)):
            world.asked = {"task": "another"} if name == "lora_c" else {}
            train = [world.train(name, 0, COSTS)]
            world.experiment(name, {("rte", 0): right(share), ("qa", 1): right(share)}, train=train)
    return tmp_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(CLAIMS, encoding="utf-8")
    return file


def test_what_holds_or_was_not_run_passes(capsys: pytest.CaptureFixture[str], home: Path, file: Path) -> None:
    code, out, _ = suite(capsys, "check", file, "--home", home)
    assert code == 0
    assert "holds           better: a | b is <better>" in out
    assert "+40.00 [" in out
    assert "100 documents, 1 seed, minimum detectable effect" in out
    assert "'promot_rte' was not run on tiny" in out
    assert out.endswith("1 holds, 1 not run\n")


@pytest.mark.parametrize(("more", "said"), [(WRONG, "1 holds, 1 fails, 1 not run"), (OTHER, "1 not comparable")])
def test_what_fails_or_cannot_be_compared_ends_with_1(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path, more: str, said: str
) -> None:
    file.write_text(CLAIMS + more, encoding="utf-8")
    code, out, _ = suite(capsys, "check", file, "--home", home)
    assert code == 1
    assert said in out


def test_junit_markdown_and_json_say_the_same(capsys: pytest.CaptureFixture[str], home: Path, file: Path) -> None:
    file.write_text(CLAIMS.replace("not run", 'bell \\a and "quotes" &') + WRONG + OTHER, encoding="utf-8")
    junit, markdown = home / "out" / "junit.xml", home / "out" / "summary.md"
    code, out, _ = suite(capsys, "check", file, "--junit", junit, "--markdown", markdown, "--json", "--home", home)
    assert code == 1
    (verdicts,) = json.loads(out).values()
    assert [each["status"] for each in verdicts] == ["holds", "not run", "fails", "not comparable"]
    (tests,) = ElementTree.parse(junit).getroot()
    assert {name: tests.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    assert [[part.tag for part in case] for case in tests] == [["system-out"], ["skipped"], ["failure"], ["error"]]
    text = markdown.read_text(encoding="utf-8")
    assert "| holds | a \\| b is \\<better\\> | `target(lora_a) - target(lora_b) > 0` | +40.00 [" in text
    assert "| **fails** |" in text


@pytest.mark.parametrize(
    ("more", "tally", "color"),
    [
        ("", "1 holds, 1 not run", "yellow"),
        (WRONG, "1 holds, 1 fails, 1 not run", "red"),
        (None, "1 holds", "brightgreen"),
    ],
)
def test_a_badge_has_the_tally_and_its_color(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path, more: str | None, tally: str, color: str
) -> None:
    gone = next(line for line in CLAIMS.splitlines(keepends=True) if "gone" in line)
    file.write_text(CLAIMS.replace(gone, "") if more is None else CLAIMS + more, encoding="utf-8")
    suite(capsys, "check", file, "--badge", home / "badge.json", "--home", home)
    badge = {"schemaVersion": 1, "label": "claims", "message": tally, "color": color}
    assert json.loads((home / "badge.json").read_text("utf-8")) == badge


def test_a_users_mistakes_are_one_line_each(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path, tmp_path: Path
) -> None:
    for arguments, said in (
        (["check", tmp_path / "none.yaml"], "none.yaml"),
        (["check", file, "--track", "tinny"], "did you mean 'tiny'?"),
        (["check", file, "--junit", tmp_path], "cannot be written"),
        (["check"], "there are no claims about what is in the store; name a file"),
        (["compare", "lora_a", "lora_bb"], "did you mean 'lora_b'?"),
        (["board", "--track", "tinny"], "did you mean 'tiny'?"),
    ):
        code, _, err = suite(capsys, *arguments, "--home", home)
        assert code == 2, err
        assert said in err
        assert len(err.splitlines()) == 1
    assert suite(capsys, "check", file, "--home", tmp_path / "nowhere")[0] == 2


def test_a_strict_check_fails_what_is_not_decided_and_every_report_says_so(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path
) -> None:
    junit, markdown = home / "junit.xml", home / "summary.md"
    arguments = ("check", file, "--strict", "--junit", junit, "--markdown", markdown, "--json", "--home", home)
    code, out, _ = suite(capsys, *arguments)
    assert code == 1
    assert [(each["status"], each["passes"]) for each in json.loads(out)[str(file)]] == [
        ("holds", True), ("not run", False),
    ]  # fmt: skip
    (tests,) = ElementTree.parse(junit).getroot()
    assert [[part.tag for part in case] for case in tests] == [["system-out"], ["failure"]]
    assert (tests.get("failures"), tests.get("skipped")) == ("1", "0")
    assert "| **not run** |" in markdown.read_text(encoding="utf-8")
    file.write_text("".join(CLAIMS.splitlines(keepends=True)[:-1]), encoding="utf-8")
    assert suite(capsys, "check", file, "--strict", "--home", home)[0] == 0


def test_names_that_nothing_has_are_told_by_line_and_nothing_is_judged(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path
) -> None:
    more = """  - {id: typo, says: a, source: us, expect: "target(lora_aa, rtee) - target(lora_b) > 0"}
  - {id: far, says: a, source: us, reproduces: {experiment: qqqqqq, values: [1.0]}}
"""
    file.write_text(CLAIMS + more, encoding="utf-8")
    code, out, err = suite(capsys, "check", file, "--junit", home / "junit.xml", "--home", home)
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"error: {file}:5: claims.2.expect: no spec and no row is called 'lora_aa'; did you mean 'lora_a'?",
        f"error: {file}:5: claims.2.expect: no track and no row has the role 'rtee'; did you mean 'rte'?",
        f"error: {file}:6: claims.3.reproduces.experiment: no spec and no row is called 'qqqqqq'; `suite list specs` "
        "and `suite show` list all names",
    ]
    assert not (home / "junit.xml").exists()


def test_a_track_that_nothing_has_is_told_by_line(capsys: pytest.CaptureFixture[str], home: Path, file: Path) -> None:
    file.write_text(CLAIMS.replace("track: tiny", "track: tinny"), encoding="utf-8")
    code, _, err = suite(capsys, "check", file, "--home", home)
    assert (code, err) == (
        2, f"error: {file}:1: track: there is no track 'tinny', and no row of one; did you mean 'tiny'?\n",
    )  # fmt: skip


def test_a_name_of_a_users_own_spec_is_known_before_it_is_run(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    own = tmp_path / "bench" / "claims" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(CLAIMS.replace("promot_rte", "my_method"), encoding="utf-8")
    assert suite(capsys, "check", own, "--home", home)[0] == 2
    (own.parents[1] / "any.yaml").write_text("name: my_method\nmethod: {name: lora}\ntargets: [rte]\n")
    code, out, _ = suite(capsys, "check", own, "--home", home)
    assert code == 0
    assert "'my_method' was not run on tiny" in out


def test_claims_are_judged_on_further_tracks_that_have_rows(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path
) -> None:
    file.write_text(CLAIMS.replace("track: tiny", "track: micro\nalso: [tiny, smol]"), encoding="utf-8")
    assert list(json.loads(suite(capsys, "check", file, "--json", "--home", home)[1])) == [str(file)]
    out = suite(capsys, "check", file, "--home", home)[1]
    assert f"{file} on tiny" in out
    assert out.endswith("(1 more are about rows that were not run on tiny)\n\n1 holds\n")
    assert "1 not run" in suite(capsys, "check", file, "--track", "tiny", "--home", home)[1]


def test_without_a_store_the_records_that_come_with_suite_are_judged(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = suite(capsys, "check")
    assert code == 1  # what we guessed of the tickets before they were run
    assert "fails           svf-on-tickets-reaches-less: " in out
    assert "holds           svf-learns-reasoning" in out
    assert "holds           promot-on-translation-keeps-more: " in out
    of_micro2 = out.partition("promot.yaml on micro2")[2].partition("\n\n")[0].splitlines()
    decided = [line for line in of_micro2 if line.startswith(("holds", "fails"))]
    open_ones = [line for line in of_micro2 if line.startswith("undecided")]
    assert len(decided) >= 0.7 * len([*decided, *open_ones]) > 0
    assert "promot.yaml on smol-cpu\n" in out
    assert out.endswith("there is no store in runs: judged from the records that come with suite\n")
    assert list(tmp_path.iterdir()) == []
    code, _, err = suite(capsys, "check", shipped() / "claims" / "regress.yaml")
    said = "runs: there is no store yet, and the records that come with suite have nothing about micro-regress"
    assert (code, err) == (2, f"error: {said}; `suite run` makes one\n")


def test_claims_are_judged_on_another_track_if_asked(
    capsys: pytest.CaptureFixture[str], home: Path, file: Path
) -> None:
    file.write_text(CLAIMS.replace("track: tiny", "track: micro"), encoding="utf-8")
    assert "2 not run" in suite(capsys, "check", file, "--home", home)[1]
    assert "1 holds" in suite(capsys, "check", file, "--track", "tiny", "--home", home)[1]


def test_a_site_shows_the_claims_about_its_tracks_and_which_files_cannot_be_read(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "specs" / "claims"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(CLAIMS)
    (folder / "elsewhere.yaml").write_text(CLAIMS.replace("track: tiny", "track: nowhere").replace("better", "absent"))
    (folder / "broken.yaml").write_text("track: tiny\nclaims: []\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("suite.api.site.published", lambda: None)
    assert suite(capsys, "render", "--home", home)[0] == 0
    page = (home / "site" / "claims.html").read_text(encoding="utf-8")
    assert "a | b is &lt;better&gt;" in page
    assert "absent" not in page
    assert "broken.yaml" in page


def test_compare_shows_the_difference_the_test_and_the_documents(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    code, out, _ = suite(capsys, "compare", "lora_a", "lora_b", "--home", home)
    assert code == 0
    (line,) = [line.split() for line in out.splitlines() if line.startswith("rte")]
    assert line[2:5] == ["+40.0", "±", "9.8"]
    assert line[-4:] == ["40", "0", "100", "1"]
    (found,) = json.loads(suite(capsys, "compare", "lora_a", "lora_b", "--json", "--home", home)[1])
    assert [(task["role"], task["won"], task["lost"]) for task in found["tasks"]] == [("rte", 40, 0), ("qa", 40, 0)]
    assert found["averages"]["1"]["value"] == pytest.approx(40.0)
    assert (
        "! rte 0-shot: another version of the task" in suite(capsys, "compare", "lora_a", "lora_c", "--home", home)[1]
    )


def test_the_board_prints_ranks_and_what_could_be_seen(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    code, out, _ = suite(capsys, "board", "--home", home)
    assert code == 0
    assert "1 " in next(line for line in out.splitlines() if " lora_a " in line)
    assert "did not learn" in next(line for line in out.splitlines() if " lora_b " in line)
    assert "! lora_b did not learn: rte 50.0" in out
    assert "=: tied with the best" in " ".join(out.split())
    (found,) = json.loads(suite(capsys, "board", "--json", "--home", home)[1])
    by_name = {row["name"]: row for row in found["rows"]}
    assert by_name["lora_a"]["rank"] == {"place": 1, "low": 1, "high": 1}
    assert by_name["lora_a"]["against"]["1"]["p"] < 0.001
    (shown,) = json.loads(suite(capsys, "show", "lora_a", "--json", "--home", home)[1])
    assert shown["rows"] == [by_name["lora_a"]]
