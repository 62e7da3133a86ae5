"""Specs to experiments: layers, precedence, and every problem at once with its line."""

import copy
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.core.hashing import experiment_id, variant_id
from suite.specs import Options, Workspace, load, shipped
from suite.specs.load import load_track
from suite.specs.shared_names import shared_names
from suite.specs.workspace import shown

SPEC = "name: mine\nmethod: {name: promot}\ntargets: [rte]\n"


def spec(folder: Path, text: str = SPEC, name: str = "mine.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(text)
    return file


def problems(folder: Path, text: str, **options: object) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        load([spec(folder, text)], Options(**options))  # type: ignore[arg-type]
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("track", sorted(Workspace.around().tracks()))
def test_every_shipped_track_is_sound(track: str) -> None:
    loaded = load_track(Workspace.around(), track)
    assert loaded.name == track
    assert loaded.title
    assert loaded.about


SHIPPED = sorted(Workspace.around().specs())
EVERYWHERE = [file for file in SHIPPED if file.parent == shipped()]
"""Specs in a folder of their own belong to the tracks of their paper or data."""
OF_OWN_SPECS = {"smol-tickets"}
"""Tracks with other roles than those of the papers."""


@pytest.mark.parametrize(
    ("file", "track"),
    [
        *((file, track) for file in EVERYWHERE for track in sorted(Workspace.around().tracks().keys() - OF_OWN_SPECS)),
        *((file, None) for file in SHIPPED if file not in EVERYWHERE),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else str(value),
)
def test_every_shipped_spec_loads_on_its_tracks(file: Path, track: str | None) -> None:
    (experiment, *_) = load([file], Options(track=track))
    assert experiment.name == file.stem
    assert experiment.about
    assert experiment.source
    assert set(experiment.changes) == ({"target.shots"} if file.stem.endswith("_1shot") else set())
    assert set(experiment.targets) | set(experiment.held_out) <= set(experiment.tasks)


def test_later_layers_win_and_mappings_merge_deeply(tmp_path: Path) -> None:
    (tmp_path / "tracks").mkdir()
    track = (
        "extends: micro\nname: own\nmethods: {prompt_tuning: {length: 7, learning_rate: 0.5}, promot: {steps: 11}}\n"
    )
    spec(tmp_path / "tracks", track, "own.yaml")
    file = spec(
        tmp_path, "name: mine\ntrack: own\nmethod: {name: promot, stage_one: {learning_rate: 0.25}}\ntargets: [rte]\n"
    )
    (experiment,) = load([file], Options(sets=("method.stage_one.steps=5", "budget.batch_size=4")))
    config = experiment.config.model_dump()
    assert config["steps"] == 11  # the spec's track, over micro's
    assert config["learning_rate"] == 5e-4  # micro's, through `extends`
    prompt = config["stage_one"]
    assert (prompt["length"], prompt["learning_rate"], prompt["steps"]) == (7, 0.25, 5)  # track < spec < --set
    assert experiment.track.budget.batch_size == 4
    assert experiment.track.budget.max_length == 512
    assert experiment.changes == ("budget.batch_size",)


def test_another_model_source_takes_the_place_of_the_tracks(tmp_path: Path) -> None:
    (experiment,) = load([spec(tmp_path)], Options(track="micro-t5", sets=("model.path=/models/x",)))
    assert experiment.track.model.path == "/models/x"
    assert experiment.track.model.bundled is None
    assert experiment.track.model.sentinels


def test_seeds_are_the_first_all_or_named(tmp_path: Path) -> None:
    file = spec(tmp_path)
    seeds = [[each.seed for each in load([file], Options(seeds=choice))] for choice in ("first", "all", (7, 3))]
    assert seeds == [[0], [0, 1, 2], [7, 3]]
    untrained = load([shipped() / "pretrained.yaml"], Options("micro", seeds="all"))
    assert len(untrained) == 1


def test_an_experiments_id_depends_on_its_settings_and_its_variant_not_on_the_seed(tmp_path: Path) -> None:
    file = spec(tmp_path)
    first, second = load([file], Options(seeds=(0, 1)))
    (other,) = load([file], Options(sets=("method.steps=7",)))
    assert len({first.id, second.id, other.id}) == 3
    assert first.variant == second.variant != other.variant


# fmt: off
BAD = {
    "unknown key": (SPEC + "targts: [rte]\n", ":4: targts: unknown key; did you mean 'targets'?"),
    "method key outside": (SPEC + "steps: 4\n", ":4: steps: unknown key; write it under `method:`"),
    "wrong expert": ("name: a\nmethod: {name: transformer2, expert: {name: boft}}\ntargets: [rte]\n", ":2: method.expert.name: is 'boft'; one of svf, lora, ia3, svf_transfer"),
    "wrong expert key": ("name: a\nmethod: {name: transformer2, expert: {name: lora, rnk: 4}}\ntargets: [rte]\n", ":2: method.expert.rnk: unknown key; did you mean 'rank'?"),
    "no such first pass": ("name: a\nmethod: {name: transformer2, adaptation: prompt, dispatch: rte}\ntargets: [rte]\n", ":2: method.dispatch: 'rte' is task 'micro_rte', which asks for no skill; name a role whose task has `metadata.made_of`"),
    "no such skill": ("name: a\ntrack: micro-t2\nmethod: {name: transformer2, adaptation: prompt}\ntargets: [math_hard]\n", ":4: targets: 'math_hard' is no skill of task 'micro_skills'"),
    "no method": ("name: a\ntargets: [rte]\n", ":1: method: is missing"),
    "no name of a method": ("name: a\nmethod: {}\ntargets: [rte]\n", ":2: method.name: is missing"),
    "unknown method": ("name: a\nmethod: {name: promt}\ntargets: [rte]\n", ":2: method.name: there is no method 'promt'; known: boft, dora,"),
    "unknown method key": ("name: a\nmethod:\n  name: promot\n  stepz: 4\ntargets: [rte]\n", ":4: method.stepz: unknown key; did you mean 'steps'?"),
    "nested unknown key": ("name: a\nmethod: {name: promot, stage_one: {lenght: 4}}\ntargets: [rte]\n", ":2: method.stage_one.lenght: unknown key; did you mean 'length'?"),
    "unknown role": ("name: a\nmethod: {name: finetune}\ntargets: [rtee]\n", ":3: targets: there is no role 'rtee' in track 'micro'; did you mean 'rte'?"),
    "unknown track": (SPEC + "track: mikro\n", ":4: there is no track 'mikro'; did you mean 'micro'?"),
    "no targets": ("name: a\nmethod: {name: finetune}\n", ":1: targets: is missing"),
    "a role twice": ("name: a\nmethod: {name: finetune}\ntargets: [rte, rte]\n", ":3: targets: names a role twice"),
    "wrong type": ("name: a\nmethod: {name: finetune, steps: many}\ntargets: [rte]\n", ":2: method.steps: is 'many'; should be a valid integer"),
    "text for a list": ("name: a\nmethod: {name: finetune}\ntargets: rte\n", ":3: targets: is 'rte'; should be a list"),
    "yes for a text": ("name: yes\nmethod: {name: finetune}\ntargets: [rte]\n", ":1: name: is True; should be a valid string"),
    "negative": ("name: a\nmethod: {name: finetune, steps: -4}\ntargets: [rte]\n", ":2: method.steps: is -4; should be greater than"),
    "not a number": ("name: a\nmethod: {name: finetune, learning_rate: .nan}\ntargets: [rte]\n", ":2: method.learning_rate: is nan; should be a finite number"),
    "infinite": ("name: a\nmethod: {name: finetune, learning_rate: .inf}\ntargets: [rte]\n", ":2: method.learning_rate: is inf"),
    "negative batch": (SPEC + "budget: {batch_size: -1}\n", ":4: budget.batch_size: is -1; should be greater than or equal to 1"),
    "unknown task": (SPEC + "roles: {rte: micro_rtee}\n", ":4: roles.rte: there is no task 'micro_rtee'; did you mean 'micro_rte'?"),
    "no training split": (SPEC.replace("rte", "xsum") + "track: smol\n", ":3: targets: 'xsum' is task 'xsum_recut', which has no training split"),
    "two model sources": (SPEC + "model: {bundled: micro-llama, path: x}\n", ": model: a model needs exactly one of bundled, hub, path, gguf"),
    "held-out role": (SPEC + "held_out: {roles: [cbb]}\n", ":4: held_out.roles: there is no role 'cbb' in track 'micro'; did you mean 'cb'?"),
    "reward of a corpus": ("name: a\nmethod: {name: lora, objective: reinforce}\ntargets: [rte, wmt14_enfr]\n", ":3: targets: 'wmt14_enfr' is task 'micro_wmt14_enfr', which scores all answers together (bleu): no answer has a reward for 'lora'; choose a role whose answers are written and scored one by one, or `objective: next_token`"),
    "search on a corpus": ("name: a\nmethod: {name: transformer2}\ntargets: [rte]\nheld_out:\n  roles: [cb, wmt16_ende]\n", ":5: held_out.roles: 'wmt16_ende' is task 'micro_wmt16_ende', which scores all answers together (bleu): no answer has a reward for 'mixture'; leave the role out, or take another `adaptation`"),
    "expert of a corpus": ("name: a\nmethod: {name: transformer2, adaptation: oracle}\ntargets: [wmt14_enfr]\n", ":3: targets: 'wmt14_enfr' is task 'micro_wmt14_enfr', which scores all answers together (bleu): no answer has a reward for 'svf'; choose a role whose answers are written and scored one by one"),
}
# fmt: on


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_spec_gets_one_clear_line(tmp_path: Path, name: str) -> None:
    text, wanted = BAD[name]
    found = problems(tmp_path, text)
    assert len(found) == 1, found
    assert wanted in found[0]


@pytest.mark.parametrize(
    "method",
    ["{name: transformer2, adaptation: uniform}", "{name: svf, objective: next_token}", "{name: lora}"],
)
def test_what_needs_no_reward_may_meet_tasks_that_are_scored_as_a_whole(tmp_path: Path, method: str) -> None:
    text = f"name: a\nmethod: {method}\ntargets: [rte]\nheld_out: {{roles: [wmt16_ende]}}\n"
    assert load([spec(tmp_path, text)])


def test_all_problems_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = (
        "name: a\nsauce: x\nmethod:\n  name: finetune\n  steps: -1\n  learning_rate: a lot\nbudget: {batch_size: 0}\n"
    )
    found = problems(tmp_path, text)
    assert sorted(int(line.split(":")[1]) for line in found) == [2, 5, 6, 7]


@pytest.mark.parametrize("text", ["steps", "=3", "a..b=1", "method.steps=[1"])
def test_a_wrong_set_gets_one_clear_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(SuiteError, match="--set"):
        load([spec(tmp_path)], Options(sets=(text,)))


def test_a_track_that_extends_itself_is_refused(tmp_path: Path) -> None:
    spec(tmp_path / "tracks", "extends: b\nname: a\n", "a.yaml")
    spec(tmp_path / "tracks", "extends: a\nname: b\n", "b.yaml")
    (found,) = problems(tmp_path, SPEC + "track: a\n")
    assert "extends: is 'a'" in found


def test_a_ratio_names_every_target_once(tmp_path: Path) -> None:
    text = "name: mine\nmethod: {name: finetune, mix: {rte: 1, snl: 2}}\ntargets: [rte, snli]\n"
    where = tmp_path / "mine.yaml"
    assert problems(tmp_path, text) == [
        f"{where}:2: method.mix: 'snl' is no target; did you mean 'snli'?",
        f"{where}:2: method.mix: 'snli' is a target and has no share; name every target once",
    ]
    good = text.replace("snl:", "snli:")
    assert load([spec(tmp_path, good)])[0].config.mix == {"rte": 1, "snli": 2}  # type: ignore[attr-defined]
    assert "cannot hold examples of 2 targets" in problems(tmp_path, f"{good}budget: {{batch_size: 1}}\n")[0]


def test_a_lora_before_two_targets_is_refused(tmp_path: Path) -> None:
    text = "name: mine\nmethod: {name: promot, stage_one: {name: lora}}\ntargets: [rte, snli]\n"
    assert "a LoRA is for one target" in problems(tmp_path, text)[0]


def test_keys_that_may_stand_beside_a_specs_own_are_suggested(tmp_path: Path) -> None:
    assert "sedes: unknown key; did you mean 'seeds'?" in problems(tmp_path, SPEC + "sedes: 4\n")[0]
    assert "should be a block of `key: value`" in problems(tmp_path, SPEC + "target: [rte]\n")[0]


def test_what_the_format_ratio_alone_reads_of_a_task_is_told_and_changes_no_id() -> None:
    file = next(Path(str(shipped())).glob("finetune_wmt14_enfr.yaml"))
    (experiment,) = load([file])
    resolved = experiment.resolved()
    assert {role: about["language"] for role, about in resolved["roles"].items() if about["language"] != "en"} == {
        "wmt14_enfr": "fr", "wmt16_ende": "de", "wmt16_enro": "ro",
    }  # fmt: skip
    before = copy.deepcopy(resolved)
    for about in before["roles"].values():
        del about["language"], about["output_type"]
    assert (experiment_id(before), variant_id(before)) == (experiment.id, experiment.variant)
    before["roles"]["wmt14_enfr"]["kind"] = "qa"
    assert experiment_id(before) != experiment.id


THEIRS = (
    "name: a\nmethod: {name: finetune}\ntargets: ['lm_eval:arc_easy']\nheld_out: {roles: [cb, 'lm_eval:winogrande']}\n"
)


def test_a_task_of_lm_evals_own_needs_no_role_and_may_have_one(tmp_path: Path) -> None:
    (experiment,) = load([spec(tmp_path, THEIRS + "roles: {cb: 'lm_eval:cb'}\n")])
    names = {role: (task.name, task.builtin) for role, task in experiment.tasks.items()}
    assert names == {
        "lm_eval:arc_easy": ("lm_eval:arc_easy", True),
        "cb": ("lm_eval:cb", True),
        "lm_eval:winogrande": ("lm_eval:winogrande", True),
    }
    found = problems(tmp_path, THEIRS.replace("arc_easy", "arc_easyy"))
    assert "targets: lm-eval has no task 'arc_easyy'; did you mean 'arc_easy'?" in found[0]


def test_a_plan_says_which_task_is_meant_where_lm_eval_has_the_name_too(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    base = "training_split: train\ntest_split: test\ndoc_to_text: a\ndoc_to_target: b\n"
    (tmp_path / "tasks" / "piqa.yaml").write_text(
        f'{base}generation_kwargs: {{until: ["\\n"], max_gen_toks: 4}}\n', encoding="utf-8"
    )
    text = "name: a\nmethod: {name: finetune}\ntargets: [mine]\nroles: {mine: piqa, cb: arc_easy}\n"
    file = spec(tmp_path, text + "held_out: {roles: [cb, wic, 'lm_eval:winogrande']}\n")
    ours = f"arc_easy ({shown(shipped() / 'tasks' / 'arc_easy.yaml')}), piqa ({tmp_path}/tasks/piqa.yaml)"
    assert list(shared_names(load([file]))) == [
        f"tasks of files that lm-eval has, too: {ours}; lm-eval's own is lm_eval:arc_easy",
        "lm-eval's own tasks: lm_eval:winogrande",
    ]
    assert shared_names(load([shipped() / "promot_rte.yaml"])) == ()
