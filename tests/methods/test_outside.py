"""Methods of packages and workspaces: found, run, named by their source, and one line where they are broken."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from suite.core.run_dir import RunDir
from suite.execution.context import StepContext
from suite.execution.run import run_plan
from suite.methods import MethodRegistry
from suite.planning import Inputs, Train, make_plan
from suite.plugins.source import package_sources
from suite.specs import load
from suite.tasks.data import DataLocations
from tests.cli.calls import SMALL, suite
from tests.execution.test_run import rows
from tests.methods.outside import CHOSEN, EXAMPLE, METHOD, installed, workspace


def train_step(spec: Path) -> str:
    """The id of a spec's train step."""
    (step,) = [
        step.id for step in make_plan(load([spec]), Inputs(DataLocations())).steps if isinstance(step.work, Train)
    ]
    return step


def home_in(folder: Path) -> RunDir:
    (folder / "home").mkdir()
    return RunDir(folder / "home")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line of a command that ends with exit code 2."""
    code, _, err = suite(capsys, *arguments)
    (line,) = err.splitlines()
    assert code == 2
    return line


def test_a_method_of_a_workspace_runs_and_its_record_says_where_it_comes_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, home, other = workspace(tmp_path / "work"), tmp_path / "home", tmp_path / "other"
    code, _, err = suite(capsys, "run", spec, "--home", home, *SMALL)
    assert code == 0, err
    assert suite(capsys, "export", tmp_path / "records", "--home", home)[0] == 0
    file = next((tmp_path / "records").rglob("mine-*.json*"))
    record = json.loads(file.read_text())
    source = MethodRegistry.of((spec.parent,)).source("mine")
    assert record["experiment"]["spec"]["origin"] == {"from": "workspace", "file": "methods/mine.py", "source": source}
    (trained,) = [step for step in record["steps"] if step["kind"] == "train"]
    assert trained["config"]["source"] == source
    (spec.parent / "methods" / "mine.py").write_text("raise SystemExit('loaded')\n")
    monkeypatch.chdir(spec.parent)
    for more in (["--verify"], []):
        assert suite(capsys, "import", tmp_path / "records", "--home", other, *more)[0] == 0
    commands = [["show", "mine"], ["show"], ["board"], ["compare", "mine", "pretrained"], ["check"]]
    for command in (*commands, ["render", "--out", tmp_path / "site"]):
        code, _, err = suite(capsys, *command, "--home", other)
        assert code == 0, err
    pages = [page.read_text() for page in (tmp_path / "site").rglob("mine*.html")]
    origin = f"file methods/mine.py, from workspace, source {source}."
    assert any(f"The method comes from outside suite: {origin}" in page for page in pages)


def test_a_package_brings_a_method_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed(tmp_path / "site-packages")))
    spec, place = EXAMPLE / "norm_tuning_rte.yaml", "package suite-norm-tuning 0.1.0 (suite_norm_tuning)"
    code, _, err = suite(capsys, "run", spec, "--home", tmp_path / "home", *SMALL, "--set", "method.steps=2")
    assert code == 0, err
    (spec_text,) = rows(tmp_path / "home", "SELECT spec FROM experiment WHERE name = 'norm_tuning_rte'")[0]
    assert json.loads(spec_text)["origin"]["package"] == "suite-norm-tuning 0.1.0"
    listed = next(line for line in suite(capsys, "list", "methods")[1].splitlines() if "norm_tuning" in line)
    assert listed.split(None, 1)[1].endswith(f"(after Zhao et al., ICLR 2024). [{place}]")
    schema = json.loads(suite(capsys, "schema", "norm_tuning")[1])
    assert schema["$comment"] == f"the method 'norm_tuning' of {place}"
    assert schema["properties"]["steps"]["default"] == 200
    assert f"norm_tuning ({place}, source " in suite(capsys, "doctor", "--home", tmp_path / "home")[1]


def test_a_step_is_named_by_the_source_of_its_method_and_of_what_that_imports(tmp_path: Path) -> None:
    first = train_step(workspace(tmp_path / "a"))
    assert train_step(workspace(tmp_path / "b", _unused="x = 1\n")) == first
    assert train_step(workspace(tmp_path / "c", mine=METHOD.replace("\n", "\r\n"))) == first
    others = [
        workspace(tmp_path / "d", mine=METHOD + "# changed\n"),
        workspace(tmp_path / "e", _chosen=CHOSEN.replace("norm", "mlp")),
        workspace(tmp_path / "f", _chosen="from ._more import chosen\n", _more=CHOSEN),
        workspace(tmp_path / "g", _chosen="from ._more import chosen\n", _more=CHOSEN + "\n"),
    ]
    assert len({first, *map(train_step, others)}) == 5


def test_the_source_of_a_package_is_what_a_method_imports_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    texts = {
        "__init__": "", "method": "import json\ndef f():\n    from pack.deep import inner\n", "unused": "y = 1\n",
        "deep/__init__": "", "deep/inner": "from ..other import x\n", "other": "x = 1\n",
    }  # fmt: skip
    (tmp_path / "pack" / "deep").mkdir(parents=True)

    def source(changed: str = "") -> tuple[set[str], str]:
        for name, text in texts.items():
            (tmp_path / "pack" / f"{name}.py").write_text(text + ("z = 2\n" if name == changed else ""))
        found = package_sources("pack.method", "pack")
        return set(found.files), found.hash

    first = source()
    assert first[0] == {"pack", "pack.method", "pack.deep", "pack.deep.inner", "pack.other"}
    assert source("unused") == first
    assert len({first[1], *(source(name)[1] for name in texts)}) == 6
    assert "pack" not in sys.modules


BROKEN = {
    "no Python": ("def f(:\n", "/mine.py:1: cannot be loaded: it is no Python (invalid syntax)"),
    "import": (f"{METHOD}\nimport no_such_module\n", "/mine.py:31: cannot be loaded: ModuleNotFoundError: No module"),
    "exit": ("raise SystemExit(0)\n", "/mine.py:1: cannot be loaded: SystemExit: 0"),
    "nothing": ("", "/mine.py: is no method: FAMILY is 'missing'; one of none, full, adapter, prompt"),
    "version": (METHOD.replace("1, True", "'1', True"), "VERSION is '1'; a whole number from 1"),
    "config": (METHOD.replace("(Optimisation)", ""), "Config is no class of settings; derive it from"),
    "field": (METHOD.replace("steps: int = 2", "version: int = 2"), "Config has a field 'version', which is taken"),
    "no train": (METHOD.replace("def train", "def trains"), "it has no function 'train'; write `train = None`"),
    "stack": (METHOD.replace("return (SELF,)", "return SELF"), "/mine.py: `stack` gives SELF; it should give a tuple"),
    "index": (METHOD.replace("return (SELF,)", "return (0,)"), "`stack` gives (0,); it should give an index below 0"),
    "raises": (METHOD.replace("return ()", "return 1 / 0"), "/mine.py:14: `prerequisites` fails: ZeroDivisionError"),
    "needs": (METHOD.replace("requirements = o", "requirements = lambda c: 3  # "), "`requirements` gives 3; it"),
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_method_is_one_line_and_stops_no_other_run(
    how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text, wrong = BROKEN[how]
    spec = workspace(tmp_path, mine=text)
    assert wrong in refused(capsys, "plan", spec, "--home", tmp_path / "home")
    sound = tmp_path / "sound.yaml"
    sound.write_text("name: sound\ntargets: [rte]\nmethod: {name: lora}\n")
    assert suite(capsys, "plan", sound, "--home", tmp_path / "home")[0] == 0
    monkeypatch.chdir(tmp_path)
    spec.rename(tmp_path / "methods" / "mine.yaml")
    assert suite(capsys, "list", "methods")[0] == 0


def test_a_broken_package_is_told_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "norm_tuning = no_such_module\nother = suite_norm_tuning:nothing"
    monkeypatch.syspath_prepend(str(installed(tmp_path / "site-packages", points=points)))
    spec = EXAMPLE / "norm_tuning_rte.yaml"
    line = refused(capsys, "plan", spec, "--home", tmp_path)
    place = "package suite-norm-tuning 0.1.0"
    assert f"{place} (no_such_module): cannot be loaded: there is no module 'no_such_module'" in line
    code, out, _ = suite(capsys, "doctor", "--home", tmp_path)
    assert code == 2
    assert f"FAIL  methods: {place} (suite_norm_tuning:nothing): cannot be loaded: AttributeError" in out


def test_names_that_are_taken_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = workspace(tmp_path / "work", lora=METHOD, norm_tuning=METHOD)
    spec.write_text("name: mine\ntargets: [rte]\nmethod: {name: lora}\n")
    line = refused(capsys, "plan", spec, "--home", tmp_path)
    assert line.endswith("methods/lora.py: adds a method 'lora', which suite has itself; give it another name")
    monkeypatch.syspath_prepend(str(installed(tmp_path / "site-packages")))
    spec.write_text("name: mine\ntargets: [rte]\nmethod: {name: norm_tuning}\n")
    line = refused(capsys, "plan", spec, "--home", tmp_path)
    assert "(suite_norm_tuning): adds a method 'norm_tuning', and so does " in line


def test_a_method_that_nobody_has_is_answered_with_those_of_the_workspace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = workspace(tmp_path)
    spec.write_text("name: mine\ntargets: [rte]\nmethod: {name: mien}\n")
    line = refused(capsys, "plan", spec, "--home", tmp_path)
    assert "there is no" in line
    assert " mine, " in line


def test_a_folder_that_is_a_package_is_nobodys_workspace(tmp_path: Path) -> None:
    workspace(tmp_path, __init__="")
    assert MethodRegistry.of((tmp_path,)).outside == {}


def test_what_changed_after_the_plan_fails_its_step_and_is_loaded_anew_by_the_next(tmp_path: Path) -> None:
    spec, home = workspace(tmp_path), home_in(tmp_path)
    inputs = Inputs(DataLocations())
    plan = make_plan(load([spec]), inputs)
    workspace(tmp_path, _chosen="def chosen(name):\n    return 1 / 0\n")
    outcome = run_plan(plan, StepContext(home, inputs))
    (reason,) = outcome.failed.values()
    assert reason.endswith("methods/mine.py changed after the step was planned: run again")
    (reason,) = run_plan(make_plan(load([spec]), inputs), StepContext(home, inputs)).failed.values()
    assert reason.endswith("_chosen.py:2: `train` fails: ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [("return 3", "`train` gives 3; it should give a Trained"), ("job.nothing", "`train` fails: AttributeError")],
)
def test_a_step_that_gives_no_artifact_fails_in_one_line(tmp_path: Path, body: str, wrong: str) -> None:
    text = f"{METHOD.partition('def train')[0]}def train(config, job):\n    {body}\n"
    plan = make_plan(load([workspace(tmp_path, mine=text)]), Inputs(DataLocations()))
    outcome = run_plan(plan, StepContext(home_in(tmp_path), Inputs(DataLocations())))
    (reason,) = outcome.failed.values()
    assert f"methods/mine.py{':25' if 'fails' in wrong else ''}: {wrong}" in reason
    assert outcome.exit_code == 1
