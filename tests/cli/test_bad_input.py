"""Bad input at the command line: one clear line each, exit code 2, no traceback, and nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calls import SMALL, suite

GOOD = "name: mine\nmethod: {name: promot}\ntargets: [rte]\n"


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(GOOD)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], workplace: Path, *arguments: str) -> str:
    """The one line that a refused `suite run` prints."""
    before = sorted(workplace.rglob("*"))
    code, out, err = suite(capsys, "run", *arguments)
    assert code == 2
    assert "Traceback" not in err + out
    lines = err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert sorted(workplace.rglob("*")) == before  # nothing was written, not even an empty folder
    return lines[0]


FILES = {
    "missing file": (None, "there is no such file"),
    "empty": (b"", "is empty"),
    "binary": (bytes(range(256)) * 8, "is not UTF-8 text"),
    "unknown key": (GOOD.encode() + b"tragets: [rte]\n", "mine.yaml:4: tragets: unknown key; did you mean 'targets'?"),
    "key twice": (GOOD.encode() + b"name: other\n", "mine.yaml:4: name: is set twice"),
    "wrong type": (GOOD.replace("mine", "[1]").encode(), "mine.yaml:1: name: is [1]; should be a valid string"),
    "unknown method": (GOOD.replace("promot", "promott").encode(), "mine.yaml:2: method.name: there is no method"),
    "unknown role": (GOOD.replace("rte", "rta").encode(), "mine.yaml:3: targets: there is no role 'rta'"),
    "unknown track": (GOOD.encode() + b"track: nano\n", "mine.yaml:4: there is no track 'nano'"),
    "unknown task": (GOOD.encode() + b"roles: {rte: rtx}\n", "mine.yaml:4: roles.rte: there is no task 'rtx'"),
    "not trainable": (
        GOOD.encode() + b"roles: {rte: xsum_recut}\n",
        "mine.yaml:3: targets: 'rte' is task 'xsum_recut', which has no training split",
    ),
    "negative": (GOOD.encode() + b"budget: {max_length: -3}\n", "mine.yaml:4: budget.max_length: is -3"),
    "nan": (GOOD.encode() + b"selection: {stop_at_score: .nan}\n", "mine.yaml:4: selection.stop_at_score: is nan"),
    "bomb": (
        b"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        b"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
        "unfolds to more than",
    ),
    "object": (b"name: !!python/object/apply:os.system ['touch hacked']\n", "the tag `!!python/object"),
    "mixture of nothing": (
        GOOD.replace("promot", "mixture").encode(),
        "mine.yaml:2: method.experts: is missing, and mixture only puts experts together",
    ),
    "no room": (
        GOOD.replace("promot", "promot, stage_one: {length: 600}").encode(),
        "a soft prompt of 600 leaves no room in inputs of 512 tokens",
    ),
    "no room at all": (
        GOOD.encode() + b"budget: {max_length: 8}\n",
        "budget.max_length: 8 leaves no room for a prompt and an answer; raise it to 10 or more",
    ),
    "no such model": (GOOD.encode() + b"model: {path: nowhere}\n", "there is no model folder nowhere"),
    "no such bundled model": (GOOD.encode() + b"model: {bundled: micro-lama}\n", "did you mean 'micro-llama'?"),
    "no such gguf": (GOOD.encode() + b"model: {gguf: x.gguf}\n", "there is no GGUF file x.gguf"),
    "not on the hub": (GOOD.encode() + b"model: {hub: no/such-model}\n", "the model 'no/such-model' is neither in"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_spec_is_refused_in_one_line(capsys: pytest.CaptureFixture[str], workplace: Path, name: str) -> None:
    content, wanted = FILES[name]
    file = workplace / "mine.yaml"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    assert wanted in refused(capsys, workplace, "mine.yaml")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["."], "is a directory"),
        (["mine.yaml", "--track", "nano"], "--track: there is no track 'nano'"),
        (["mine.yaml", "--track", "nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["mine.yaml", "--set", "budget"], "'budget' is not key=value"),
        (["mine.yaml", "--set", "budget.batch_size=0"], "--set budget.batch_size=0: budget.batch_size: is 0"),
        (["mine.yaml", "--set", "method.learning_rate=-1"], "method.learning_rate: is -1"),
        (["mine.yaml", "--seeds", "some"], "'some' names no seeds"),
        (["mine.yaml", "--seeds", "0,0"], "'0,0' names no seeds"),
        (["mine.yaml", "--data", "nowhere"], "there is no such folder"),
        (["mine.yaml", "--models", "nowhere"], "there is no such folder"),
        (["mine.yaml", "--device", "tpu9"], "--device: 'tpu9' cannot be used"),
        (["mine.yaml", "--db", "nonsense"], "'nonsense' is not a database URL"),
    ],
)
def test_a_bad_argument_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], workplace: Path, arguments: list[str], wanted: str
) -> None:
    assert wanted in refused(capsys, workplace, *arguments)


def rows(folder: Path, name: str, lines: list[str]) -> None:
    (folder / "rte").mkdir(parents=True, exist_ok=True)
    (folder / "rte" / f"{name}.jsonl").write_text("\n".join(lines) + "\n")


ROW = {"premise": "a dog .", "hypothesis": "a cat .", "label": 1}
ON_REAL_RTE = ["mine.yaml", "--data", "data", "--set", "roles.rte=rte", *SMALL]


def test_a_data_folder_that_lacks_a_split_is_refused(capsys: pytest.CaptureFixture[str], workplace: Path) -> None:
    rows(workplace / "data", "train", [json.dumps(ROW | {"hypothesis": f"{i}"}) for i in range(40)])
    line = refused(capsys, workplace, *ON_REAL_RTE)
    assert "needs the split 'validation' of 'rte'" in line
    assert "there are train.jsonl" in line


def test_a_malformed_line_of_data_is_named(capsys: pytest.CaptureFixture[str], workplace: Path) -> None:
    good = [json.dumps(ROW | {"hypothesis": f"{i}"}) for i in range(40)]
    rows(workplace / "data", "train", [*good[:6], '{"premise": "broken', *good[6:]])
    rows(workplace / "data", "validation", [json.dumps(ROW | {"hypothesis": f"v{i}"}) for i in range(4)])
    assert "train.jsonl:7: not a JSON object" in refused(capsys, workplace, *ON_REAL_RTE)


def test_training_on_reported_rows_is_refused(capsys: pytest.CaptureFixture[str], workplace: Path) -> None:
    good = [json.dumps(ROW | {"hypothesis": f"{i}"}) for i in range(40)]
    rows(workplace / "data", "train", good)
    rows(workplace / "data", "validation", good[:3])
    line = refused(capsys, workplace, *ON_REAL_RTE)
    assert "'rte' reports 3 rows of rte/validation.jsonl that 'rte' trains on" in line


def test_fewer_training_rows_than_select_a_checkpoint_are_refused(
    capsys: pytest.CaptureFixture[str], workplace: Path
) -> None:
    rows(workplace / "data", "train", [json.dumps(ROW | {"hypothesis": f"{i}"}) for i in range(3)])
    rows(workplace / "data", "validation", [json.dumps(ROW | {"hypothesis": f"v{i}"}) for i in range(4)])
    line = refused(capsys, workplace, *ON_REAL_RTE)
    assert "task 'rte' has 3 training rows in rte/train.jsonl, fewer than 4" in line
