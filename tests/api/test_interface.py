"""The Python interface does what the commands do, and returns it as values."""

from __future__ import annotations

import json
import pkgutil
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import suite
from suite.analysis.board import BASELINE
from suite.api.planning import override
from suite.core.yamlfile import parse_value
from suite.results.records import read_records_into_memory
from suite.specs import Options, load
from suite.specs.workspace import published
from tests.api.small import FINETUNE, PROMPT, SMALL, one_line
from tests.cli.calls import start
from tests.cli.calls import suite as command
from tests.execution.test_ending import training
from tests.execution.test_run import until


def test_every_public_name_is_there() -> None:
    assert all(getattr(suite, name) is not None for name in suite.__all__)
    assert set(suite.__all__) <= set(dir(suite))
    with pytest.raises(AttributeError, match="no attribute 'plans'"):
        getattr(suite, "plans")  # noqa: B009


def test_no_module_takes_the_place_of_a_public_name() -> None:
    """To import `suite.x` sets the attribute `x` of the package, whatever stood there."""
    assert {module.name for module in pkgutil.iter_modules(suite.__path__)}.isdisjoint(suite.__all__)


def test_importing_suite_imports_none_of_what_it_needs() -> None:
    code = (
        "import sys, suite; print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'suite'" in told
    assert not [name for name in ("numpy", "pydantic", "sqlalchemy", "torch", "typer", "yaml") if f"'{name}'" in told]


def test_reading_results_needs_no_torch(home: Path) -> None:
    code = (
        "import sys, suite\n"
        "with suite.open_store(sys.argv[1]) as store:\n"
        "    suite.board(store), suite.compare(store, 'finetune_rte', 'pretrained')\n"
        "print({'torch', 'transformers', 'peft', 'lm_eval', 'datasets'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code, home], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "set()"


def test_the_package_says_that_it_is_typed() -> None:
    assert all(Path(str(suite.__file__)).parents[1].joinpath(name, "py.typed").is_file() for name in
               ("suite", "leaderboard"))  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"), [(5e-05, "5e-5"), ((1, 4), "[1, 4]"), (True, "true"), (None, "null"), ("1e-4", "'1e-4'")]
)
def test_an_override_is_what_the_command_line_sets(value: object, text: str) -> None:
    assert parse_value(override("key", value).removeprefix("key=")) == parse_value(text) == value


def test_a_loaded_spec_is_the_experiment_of_the_command_line(spec: suite.LoadedSpec) -> None:
    sets = tuple(f"{key}={json.dumps(value)}" for key, value in SMALL.items())
    assert [each.id for each in spec] == [each.id for each in load([FINETUNE, PROMPT], Options("micro", sets=sets))]
    assert len(spec) == 2


def test_seeds_are_all_or_some() -> None:
    assert [each.seed for each in suite.load_spec(FINETUNE, seeds=[2, 1])] == [2, 1]
    assert len(suite.load_spec(FINETUNE, seeds="all")) > 1


def test_an_override_that_no_spec_could_have_is_refused() -> None:
    with pytest.raises(suite.SuiteError) as error:
        suite.load_spec(FINETUNE, overrides={"method.steps": {1, 2}})
    assert one_line(error).startswith("overrides: method.steps: {1, 2} is no setting")


@pytest.mark.parametrize("seeds", [[], [0, 0], [-1], "some", [True]])
def test_seeds_that_are_none_are_refused(seeds: list[int]) -> None:
    with pytest.raises(suite.SuiteError) as error:
        suite.load_spec(FINETUNE, seeds=seeds)
    assert one_line(error).startswith(f"seeds: {seeds!r} names no seeds")


def test_a_spec_has_all_its_problems_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("name: bad\nsource: nobody\nmethod: {name: finetun}\ntargets: [rtee]\n")
    with pytest.raises(suite.SuiteError) as error:
        suite.load_spec(file)
    assert [problem.what.partition(":")[0] for problem in error.value.problems] == ["method.name", "targets"]


def test_no_spec_at_all_is_told() -> None:
    with pytest.raises(suite.SuiteError) as error:
        suite.load_spec()
    assert "no spec file is named" in one_line(error)


def test_a_plan_has_steps_to_do_before_a_run_and_none_after(home: Path, spec: suite.LoadedSpec, tmp_path: Path) -> None:
    before, after = suite.plan(spec, home=tmp_path).steps(), suite.plan(spec, home=home).steps()
    assert [step.id for step in before] == [step.id for step in after]
    assert {step.status for step in before} == {"pending"}
    assert {step.status for step in after} == {"done"}
    assert all(step.seconds > 0 for step in before)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_says_who_shares_a_step(home: Path, spec: suite.LoadedSpec) -> None:
    shared = [step for step in suite.plan(spec, home=home).steps() if len(step.experiments) > 1]
    assert {step.title for step in shared} == {
        f"micro_{task} 1-shot · pretrained · micro" for task in ("triviaqa", "cb")
    }
    assert shared[0].experiments == ("pretrained (seed 0)", "prompt_tuning_rte (seed 0)")


def test_the_environment_names_the_home_as_it_does_for_the_commands(
    home: Path, spec: suite.LoadedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUITE_HOME", str(home))
    assert suite.plan(spec).home.folder == home


def test_a_data_folder_that_is_not_there_is_told(spec: suite.LoadedSpec, tmp_path: Path) -> None:
    with pytest.raises(suite.SuiteError) as error:
        suite.plan(spec, data=tmp_path / "none")
    assert "there is no such folder" in one_line(error)


def test_what_is_done_is_not_run_again(home: Path, spec: suite.LoadedSpec) -> None:
    planned = suite.plan(spec, home=home)
    outcome = suite.run(planned)
    assert (outcome.done, outcome.reused) == (0, len(planned.steps()))


def test_a_run_on_a_device_that_is_not_there_writes_nothing(spec: suite.LoadedSpec, tmp_path: Path) -> None:
    with pytest.raises(suite.SuiteError) as error:
        suite.run(suite.plan(spec, home=tmp_path / "new"), device="cuda:77")
    assert "'cuda:77' cannot be used" in one_line(error)
    assert not (tmp_path / "new").exists()


INTERRUPTED = """
import json, sys, suite
planned = suite.plan(suite.load_spec(sys.argv[1], overrides=json.loads(sys.argv[3])), home=sys.argv[2])
try:
    suite.run(planned)
except KeyboardInterrupt:
    print({step.status for step in planned.steps() if step.kind == "train"})
"""


def test_ctrl_c_keeps_what_is_finished_and_is_raised(tmp_path: Path) -> None:
    process = start(FINETUNE, tmp_path, json.dumps({**SMALL, "method.steps": 100_000}), code=INTERRUPTED)
    until(lambda: training(tmp_path))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert (out.strip(), "Traceback" in err) == ("{'cancelled'}", False)


def test_a_board_has_the_numbers_of_the_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (told,) = json.loads(command(capsys, "board", "--json", "--home", home)[1])
    with suite.open_store(home) as store:
        found = suite.board(store)
    assert [row.name for row in found.rows] == [row["name"] for row in told["rows"]]
    for row, plain in zip(found.rows, told["rows"], strict=True):
        average = row.norm_avg[1]
        assert average is not None
        assert (average.value, average.low, average.high) == tuple(plain["norm_avg"]["1"][key] for key in
                                                                   ("value", "low", "high"))  # fmt: skip
        assert vars(row.costs) == plain["costs"]


def test_a_comparison_has_the_numbers_of_the_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (told,) = json.loads(command(capsys, "compare", "finetune_rte", BASELINE, "--json", "--home", home)[1])
    with suite.open_store(home) as store:
        found = suite.compare(store, "finetune_rte", BASELINE)
    assert [found.first, found.second] == ["finetune_rte", BASELINE]
    assert found.averages[1].value == told["averages"]["1"]["value"]
    assert [task.role for task in found.tasks] == [task["role"] for task in told["tasks"]]


def test_claims_are_judged_as_the_command_does(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text(
        "track: micro\nclaims:\n- {id: few, says: A fine-tuned model trains weights, source: us, "
        'expect: "parameters(finetune_rte) > 1000"}\n'
        '- {id: none, says: It trains none, source: us, expect: "parameters(finetune_rte) < 1000"}\n'
    )
    (told,) = json.loads(command(capsys, "check", file, "--json", "--home", home)[1]).values()
    with suite.open_store(home) as store:
        (judged,) = suite.check(store, file)
    assert [(each.id, each.status) for each in judged.verdicts] == [("few", "holds"), ("none", "fails")]
    assert [each.value for each in judged.verdicts] == [each["value"] for each in told]


def test_pages_are_written(home: Path, tmp_path: Path) -> None:
    page = suite.render(home, out=tmp_path / "site")
    assert page == tmp_path / "site" / "index.html"
    assert "micro" in page.read_text(encoding="utf-8")


def test_of_several_tracks_one_must_be_named() -> None:
    folder = published()
    assert folder is not None
    with read_records_into_memory(folder, trusted=True) as store, pytest.raises(suite.SuiteError) as error:
        suite.board(store)
    assert "name one of micro2, micro2-t5, smol-cpu, smol-t2-cpu, smol-tickets" in one_line(error)


def test_names_that_are_not_there_are_told(home: Path) -> None:
    with suite.open_store(home) as store:
        with pytest.raises(suite.SuiteError) as error:
            suite.board(store, "mikro")
        assert "did you mean 'micro'?" in one_line(error)
        with pytest.raises(suite.SuiteError) as error:
            suite.compare(store, "finetune", BASELINE)
        assert "did you mean 'finetune_rte'?" in one_line(error)


def test_a_store_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(suite.SuiteError) as error, suite.open_store(tmp_path):
        pass
    assert str(tmp_path) in one_line(error)


def test_a_changed_store_is_warned_of(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy" / "suite.db") as connection:
        connection.execute("UPDATE score SET value = 99.9 WHERE value IS NOT NULL")
    with pytest.warns(UserWarning, match="suite doctor --deep"), suite.open_store(tmp_path / "copy") as store:
        suite.board(store)
