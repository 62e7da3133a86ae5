"""Who may run a step: one process at a time, and another when the first is dead or silent."""

from __future__ import annotations

import multiprocessing
import os
import platform
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from suite.results.store import (
    Costs,
    ExperimentRecord,
    Provenance,
    ScoreRecord,
    StepLink,
    StepOutcome,
    StepRecord,
    Store,
)

LEASE = 60.0
STEPS = tuple(f"s{number}" for number in range(200))


def owner(pid: int, mark: str = "1") -> str:
    return f"{platform.node()}:{pid}:{mark}"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'suite.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as opened:
        opened.add_steps([StepRecord("a", "train", "train it", {"seed": 0})])
        yield opened


def _take(url: str, start: Any, taken: Any) -> None:
    """What a run does first: all steps and experiments, then one claim after another."""
    record = ExperimentRecord("e", "lora_rte", "micro", 0, "lora", "adapter", ("rte",), "a paper", {"name": "lora_rte"})
    links = [StepLink(step, "train", None, None, position) for position, step in enumerate(STEPS)]
    start.wait()
    try:
        with Store.open(url) as store:
            store.add_steps([StepRecord(step, "train", step, {}) for step in STEPS])
            store.add_experiment(record, links)
            claimed: list[str] = []
            for number, step in enumerate(STEPS):
                if number % 10 == 0:
                    start.wait()  # side by side again, or one would run ahead and leave nothing to quarrel about
                claimed += [step] if store.claim(step, owner(os.getpid()), LEASE) else []
            taken.put(claimed)
    except BaseException as error:
        taken.put([repr(error)])
        raise


def test_processes_that_start_at_once_on_a_new_store_share_its_steps_and_run_none_twice(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    start, taken = context.Barrier(2, timeout=30), context.Queue()
    workers = [context.Process(target=_take, args=(url, start, taken)) for _ in range(2)]
    for worker in workers:
        worker.start()
    claims = [taken.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(30)
    assert sorted(claims[0] + claims[1]) == sorted(STEPS)
    with Store.open(url) as store:
        assert {step.attempts for step in store.steps(STEPS).values()} == {1}
        assert [link.step_id for link in store.links("e")] == list(STEPS)


def test_a_heartbeat_thread_beside_the_work_disturbs_nothing() -> None:
    with Store.open("sqlite://") as store:  # one connection for all threads
        store.add_steps([StepRecord(step, "train", step, {}) for step in STEPS])
        store.claim(STEPS[0], "me:1:1")
        with ThreadPoolExecutor(4) as pool:
            beats = list(
                pool.map(lambda step: store.heartbeat(STEPS[0], "me:1:1") and store.claim(step, "me:1:1"), STEPS)
            )
        assert beats == [False, *[True] * (len(STEPS) - 1)]


def test_a_live_owner_keeps_its_step(store: Store) -> None:
    assert store.claim("a", owner(os.getpid()), LEASE)
    assert not store.claim("a", owner(os.getpid(), "2"), LEASE)


def test_the_step_of_a_dead_process_of_this_machine_is_free_at_once(store: Store) -> None:
    process = multiprocessing.get_context("spawn").Process(target=print)
    process.start()
    process.join()
    assert store.claim("a", owner(process.pid or 0), LEASE)
    assert store.claim("a", owner(os.getpid()), LEASE)
    assert store.steps(["a"])["a"].attempts == 2


def test_a_silent_owner_elsewhere_loses_its_step_after_the_lease_and_can_no_longer_finish_it(store: Store) -> None:
    assert store.claim("a", "elsewhere:1:1", LEASE)
    assert not store.claim("a", "here:1:1", 0.2)
    time.sleep(0.25)
    assert store.claim("a", "here:1:1", 0.2)
    assert not store.heartbeat("a", "elsewhere:1:1")
    assert not store.finish("a", "elsewhere:1:1", StepOutcome(scores=(ScoreRecord("acc", 1.0, None, 1, True),)))
    assert not store.fail("a", "elsewhere:1:1", "too late")
    assert store.scores(["a"]) == {}
    assert store.statuses(["a"]) == {"a": "running"}


def test_a_heartbeat_keeps_a_step(store: Store) -> None:
    assert store.claim("a", "elsewhere:1:1", LEASE)
    time.sleep(0.15)
    assert store.heartbeat("a", "elsewhere:1:1")
    assert not store.claim("a", "here:1:1", 0.1)


def test_a_finished_step_is_never_claimed_again_and_a_failed_one_only_when_queued_again(store: Store) -> None:
    assert store.claim("a", "here:1:1", LEASE)
    assert store.fail("a", "here:1:1", "loss is NaN at step 3")
    assert not store.claim("a", "here:1:2", LEASE)
    assert store.steps(["a"])["a"].reason == "loss is NaN at step 3"
    store.requeue(["a"])
    assert store.claim("a", "here:1:2", LEASE)
    assert store.finish("a", "here:1:2", StepOutcome())
    store.requeue(["a"])
    assert not store.claim("a", "here:1:3", LEASE)
    store.requeue(["a"], include_done=True)
    assert store.claim("a", "here:1:3", LEASE)


def test_only_the_owner_can_end_a_step_and_only_once(store: Store) -> None:
    assert store.claim("a", "me:1:1", LEASE)
    outcome = StepOutcome(scores=(ScoreRecord("acc", 1.0, None, 1, True),))
    assert not store.finish("a", "you:1:1", outcome)
    assert not store.fail("a", "you:1:1", "no")
    assert not store.cancel("a", "you:1:1", "no")
    assert store.statuses(["a"]) == {"a": "running"}
    assert store.cancel("a", "me:1:1", "interrupted")
    assert not store.finish("a", "me:1:1", outcome)
    assert (store.statuses(["a"]), store.scores(["a"])) == ({"a": "cancelled"}, {})


def test_a_step_that_is_queued_again_keeps_nothing_of_its_last_try(store: Store) -> None:
    assert store.claim("a", "me:1:1", LEASE)
    assert store.finish(
        "a", "me:1:1", StepOutcome(costs=Costs(5.0, 6, 7, 8, 9), provenance=Provenance("h", "cpu", {}, "c"))
    )
    store.requeue(["a"], include_done=True)
    again = store.steps(["a"])["a"]
    assert again == StepRecord("a", "train", "train it", {"seed": 0}, attempts=1)


def test_a_step_that_is_not_there_cannot_be_claimed(store: Store) -> None:
    assert not store.claim("b", "here:1:1", LEASE)


def test_costs_of_earlier_attempts_stay_until_a_step_begins_anew(store: Store) -> None:
    def costs() -> Costs:
        return store.steps(["a"])["a"].costs

    assert store.claim("a", "dead:1:1", LEASE)
    assert store.heartbeat("a", "dead:1:1", Costs(seconds=3.0, peak_memory=7))
    time.sleep(0.2)
    assert store.claim("a", "here:1:1", 0.1)  # the owner is silent, and its seconds are spent
    assert costs() == Costs(seconds=3.0, peak_memory=7)
    assert store.cancel("a", "here:1:1", "interrupted", Costs(seconds=4.0, peak_memory=7))
    store.requeue(["a"])
    assert costs() == Costs(seconds=4.0, peak_memory=7)
    assert store.claim("a", "here:1:1", LEASE)
    assert store.fail("a", "here:1:1", "no room", spent=Costs(seconds=5.0, peak_memory=8))
    store.requeue(["a"])
    assert costs() == Costs(seconds=5.0, peak_memory=8)
    assert store.claim("a", "here:1:1", LEASE)
    assert store.finish("a", "here:1:1", StepOutcome(costs=Costs(seconds=6.0)))
    store.requeue(["a"], include_done=True)
    assert costs() == Costs()


def test_what_was_built_on_an_earlier_artifact_is_renewed_with_the_end_of_its_step_or_not_at_all(store: Store) -> None:
    store.add_steps([StepRecord("b", "evaluate", "answer with it", {"stack": ["a"]})])
    assert store.claim("b", "me:1:1", LEASE)
    assert store.finish("b", "me:1:1", StepOutcome())
    assert store.claim("a", "me:1:1", LEASE)
    stale = store.dependents("a")
    assert [each.id for each in stale] == ["b"]
    assert not store.finish("a", "you:1:1", StepOutcome(), stale)
    assert store.statuses(["a", "b"]) == {"a": "running", "b": "done"}
    assert store.finish("a", "me:1:1", StepOutcome(), stale)
    assert store.statuses(["a", "b"]) == {"a": "done", "b": "pending"}
