"""Timetables of made-up steps."""

from __future__ import annotations

import itertools
from random import Random

from suite.planning.makespan import TimedStep, longest_paths, makespan, timetable


def test_a_path_is_a_step_and_the_longest_of_what_needs_it() -> None:
    steps = [TimedStep("a", 5.0), TimedStep("b", 1.0, ("a",)), TimedStep("c", 3.0, ("a",)), TimedStep("d", 2.0, ("b",))]
    assert longest_paths(steps) == {"a": 8.0, "b": 3.0, "c": 3.0, "d": 2.0}


def test_the_longest_path_is_first_and_devices_are_shared() -> None:
    steps = [TimedStep("short", 1.0), TimedStep("long", 4.0), TimedStep("after", 2.0, ("long",)), TimedStep("s", 3.0)]
    entries = {entry.step: (entry.begin, entry.end, entry.devices) for entry in timetable(steps, 2)}
    assert entries == {
        "long": (0.0, 4.0, (0,)), "s": (0.0, 3.0, (1,)), "short": (3.0, 4.0, (1,)), "after": (4.0, 6.0, (0,)),
    }  # fmt: skip


def test_a_step_on_several_devices_waits_until_they_are_free() -> None:
    steps = [TimedStep("one", 3.0), TimedStep("wide", 2.0, devices=2), TimedStep("late", 1.0)]
    entries = {entry.step: (entry.begin, entry.devices) for entry in timetable(steps, 2)}
    assert entries == {"one": (0.0, (0,)), "wide": (3.0, (0, 1)), "late": (5.0, (0,))}
    assert makespan(timetable([TimedStep("wide", 2.0, devices=8)], 2)) == 2.0


def test_what_was_done_before_is_not_waited_for() -> None:
    assert makespan(timetable([TimedStep("b", 1.0, ("done",))], 1)) == 1.0
    assert makespan(timetable([], 3)) == 0.0


def test_no_step_begins_before_its_parents_and_no_device_does_two_things() -> None:
    random = Random(7)
    steps: list[TimedStep] = []
    for number in range(200):
        parents = tuple({each.id for each in random.sample(steps, min(len(steps), random.randint(0, 2)))})
        steps.append(TimedStep(str(number), random.uniform(0.1, 9.0), parents, random.choice((1, 1, 1, 2, 4))))
    entries = timetable(steps, 4)
    ends = {entry.step: entry.end for entry in entries}
    assert len(ends) == len(steps)
    for entry in entries:
        assert all(ends[parent] <= entry.begin for step in steps if step.id == entry.step for parent in step.parents)
    for device in range(4):
        times = [(entry.begin, entry.end) for entry in entries if device in entry.devices]
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(times))
    work = sum(each.seconds * each.devices for each in steps) / 4
    assert max(work, *longest_paths(steps).values()) <= makespan(entries) <= 1.5 * work
