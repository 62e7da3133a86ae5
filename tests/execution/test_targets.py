"""What selects is decoded as what is reported, and a score that is missing selects nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from suite.core.errors import SuiteError
from suite.evaluation.evaluate import EvaluationResult, Score, evaluate, measured
from suite.evaluation.rollout import roll_out
from suite.execution.targets import roll_outs, scorers, training_sets
from suite.models.adapted import AdaptedModel
from suite.models.backbone import load_backbone
from suite.models.source import locate
from suite.planning import Inputs, make_plan
from suite.planning.steps import Train
from suite.specs import Options, load, shipped
from suite.tasks.data import DataLocations
from suite.tasks.load import load_task, selection_task
from suite.training.job import Sampling
from tests.evaluation.tiny import with_soft

SPEC = shipped() / "finetune_wmt14_enfr.yaml"


def work(*sets: str) -> Train:
    options = Options(sets=("selection.documents=6", "roles.wmt14_enfr=micro_xsum", *sets))
    steps = make_plan(load([SPEC], options), Inputs(DataLocations())).steps
    (found,) = [step.work for step in steps if isinstance(step.work, Train)]
    return found


@pytest.mark.parametrize("beams", [1, 3])
def test_rows_held_out_for_selection_are_decoded_as_the_track_says(beams: int) -> None:
    asked, data = work(f"decoding.beams={beams}"), DataLocations()
    backbone = load_backbone(locate(asked.track.model, None), "cpu")
    stacks = [AdaptedModel(backbone, backbone.model), with_soft(backbone)]
    sets, selection_rows = training_sets(asked, data)
    (target,), ((role, rows),) = sets, selection_rows.items()
    task = selection_task(target.task, data, [row.doc for row in rows], shots=asked.track.target.shots)
    wanted = [
        evaluate(stack, task, batch_tokens=4000, beams=beams, max_length=asked.track.budget.max_length)
        for stack in stacks
    ]
    assert scorers(asked, selection_rows, data)[role](stacks) == [each.primary.value for each in wanted]
    # the search of a mixture selects, too; rewards are what the model answers itself
    selecting = roll_outs(asked, data)(stacks[1], target, rows, Sampling(None, None, 0, as_reported=True))
    assert selecting == roll_out(stacks[1], task, batch_tokens=4000, beams=beams)
    rewarded = roll_outs(asked, data)(stacks[1], target, rows, Sampling(None, None, 0))
    assert rewarded == roll_out(stacks[1], task, batch_tokens=4000)
    assert (rewarded == selecting) == (beams == 1)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_missing_score_is_an_error_and_not_zero(value: float | None) -> None:
    task = load_task(next(iter(work().targets.values())), DataLocations(), limit=1)
    result = EvaluationResult((Score("rouge2", value, None, 6, True),), (), 0, 0.0, 0, 0)
    with pytest.raises(SuiteError, match=rf"gives no score to select by: rouge2 of 6 rows is {value}; name another"):
        measured(result, task)
    found = replace(result, scores=(Score("rouge2", 0.0, None, 6, True),))
    assert measured(found, task) == 0.0
