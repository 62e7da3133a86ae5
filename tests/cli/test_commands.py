"""The commands that run nothing: listings, schemas, a new workspace, the doctor."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import yaml

from tests.cli.calls import SMALL, suite


def test_list_has_a_line_for_every_spec_method_track_and_role(capsys: pytest.CaptureFixture[str], specs: Path) -> None:
    code, out, _ = suite(capsys, "list")
    assert code == 0
    for file in (*specs.glob("*.yaml"), *specs.glob("tracks/*.yaml")):
        assert f"  {file.stem} " in out
    for name in ("promot", "lora", "finetune", "prompt_tuning", "pretrained", "triviaqa"):
        assert f"  {name} " in out
    assert suite(capsys, "list", "spex")[0] == 2


def test_the_list_says_which_method_is_no_row_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    lines = suite(capsys, "list", "methods")[1].splitlines()
    (mixture,) = (line for line in lines if line.startswith("  mixture "))
    assert "A part of `transformer2`, not a row by itself" in mixture


def test_schema_knows_every_key_with_its_description(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = suite(capsys, "schema", "track")
    schema = json.loads(out)
    assert {"model", "roles", "held_out", "budget", "seeds", "methods"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    _, out, _ = suite(capsys, "schema", "promot")
    assert json.loads(out)["properties"]["steps"]["description"]
    _, out, _ = suite(capsys, "schema", "spec")
    assert "each\ncombination is a try" in json.loads(out)["properties"]["sweep"]["description"]
    code, _, err = suite(capsys, "schema", "tracks")
    assert code == 2
    assert "did you mean 'track'?" in err


def test_new_without_data_makes_a_workspace_whose_specs_load(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "mine"
    assert suite(capsys, "new", place)[0] == 0
    monkeypatch.chdir(place)
    track = place / "specs" / "tracks" / "micro.yaml"
    track.write_text(track.read_text().replace("batch_size: 32", "batch_size: 5"))  # one's own track is the one used
    code, out, _ = suite(capsys, "plan", "specs/promot_rte.yaml", "--track=micro", "--resolved")
    assert code == 0
    assert yaml.safe_load(out.split("---")[1])["track"]["budget"]["batch_size"] == 5
    code, _, err = suite(capsys, "new", place)
    assert code == 2
    assert "is there already" in err


def test_resolved_prints_what_will_run(capsys: pytest.CaptureFixture[str], specs: Path) -> None:
    _, out, _ = suite(
        capsys, "plan", specs / "promot_rte.yaml", "--track=micro", "--resolved", "--set", "method.stage_one.length=9"
    )
    (document,) = list(yaml.safe_load_all(out))
    assert document["method"]["stage_one"]["length"] == 9
    assert document["roles"]["rte"]["task"] == "micro_rte"


def test_doctor_is_well_here_and_says_what_is_not(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = suite(capsys, "doctor", "--home", tmp_path / "home")
    assert code == 0, out
    assert "FAIL" not in out
    (tmp_path / "empty").mkdir()
    code, out, _ = suite(capsys, "doctor", "--data", tmp_path / "empty", "--home", tmp_path / "home")
    assert code == 2
    assert "FAIL  data folder:" in out
    assert not (tmp_path / "home").exists()


def test_there_is_nothing_to_show_before_a_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = suite(capsys, "show", "--home", tmp_path)
    assert code == 2
    assert "`suite run` makes one" in err
    assert "Traceback" not in err


def test_unknown_commands_and_options_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["rum"], ["compare"], ["plan", "--nonsense", "x"]):
        code, _, err = suite(capsys, *arguments)
        assert code == 2
        assert "Traceback" not in err


def test_records_are_verified_without_a_store(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    published = sorted((Path(__file__).parents[2] / "leaderboard" / "records" / "smol-cpu").iterdir())
    code, out, _ = suite(capsys, "import", "--verify", published[0])
    unread = "bleu cannot be computed again from what is stored"  # published without the data sets' texts
    assert (code, out.strip()) == (0, f"finetune_rte (track smol-cpu, seed 0): is what it says; {unread}")
    forged = tmp_path / "forged.json.gz"
    record = json.loads(gzip.decompress(published[0].read_bytes()))
    record["steps"][-1]["scores"][0]["value"] = 99.0
    forged.write_bytes(gzip.compress(json.dumps(record).encode()))
    code, _, err = suite(capsys, "import", "--verify", forged)
    assert code == 2
    assert "is refused: its content does not have the hash it states" in err
    assert [file.name for file in tmp_path.iterdir()] == ["forged.json.gz"]


def test_everything_shipped_is_planned_in_one_call(
    capsys: pytest.CaptureFixture[str], specs: Path, tmp_path: Path
) -> None:
    files = [*sorted(specs.glob("*.yaml")), *sorted(specs.glob("*/*.yaml"))]
    code, out, err = suite(capsys, "plan", *files, "--home", tmp_path)
    assert (code, err) == (0, "")
    assert "note: left out, as they are no specs: " in out


def test_a_database_that_is_not_there_yet_is_made_by_the_run(
    capsys: pytest.CaptureFixture[str], specs: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    arguments = (specs / "pretrained.yaml", "--home", tmp_path, "--db", url, "--set", "targets=[rte]", *SMALL)
    assert suite(capsys, "plan", *arguments)[0] == 0
    assert not (tmp_path / "new.db").exists()
    code, out, _ = suite(capsys, "run", *arguments)  # --no-pages
    assert (code, "\nopen " in out, (tmp_path / "site").exists()) == (0, False, False)
    assert "pretrained" in suite(capsys, "show", "--home", tmp_path, "--db", url)[1]


def test_specs_that_say_the_same_are_listed_once(capsys: pytest.CaptureFixture[str]) -> None:
    names = [line.split()[0] for line in suite(capsys, "list", "specs")[1].splitlines()]
    assert names.count("promot_rte") == 1
    assert names.count("pretrained") == 2  # on tracks of different roles


def test_a_plan_of_a_model_that_is_not_here_estimates_no_time(
    capsys: pytest.CaptureFixture[str], specs: Path, tmp_path: Path
) -> None:
    code, out, _ = suite(capsys, "plan", specs / "finetune_rte.yaml", "--track=micro", "--set", "model={hub: org/none}",
                         "--home", tmp_path)  # fmt: skip
    assert code == 0
    assert "train finetune on rte · micro · seed 0 · time unknown\n" in out
    assert " M tokens; time, memory and disk are known once the model is here\n" in out
    assert "~" not in out
    assert "disk:" not in out
