"""Whether the owner of a step has died: its number alone does not tell."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from suite.results.store import Owner, StepRecord, Store
from suite.results.store.owners import _uptime

WAIT = [sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()"]
"""A process that waits."""


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], Owner]]:
    """Another process of this machine, and its name as it would give it."""
    code = "from suite.results.store import Owner; import sys; print(Owner.here(), flush=True); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    owner = Owner.parse(process.stdout.readline().strip())
    assert owner
    yield process, owner
    process.kill()
    process.wait()


def test_an_owner_is_alive_until_it_ends(other: tuple[subprocess.Popen[str], Owner]) -> None:
    process, owner = other
    assert owner.near
    assert not owner.is_dead(0.0)
    process.communicate()
    assert owner.is_dead(0.0)


def test_a_process_that_was_killed_and_not_asked_about_is_dead(other: tuple[subprocess.Popen[str], Owner]) -> None:
    process, owner = other
    process.kill()
    until = time.monotonic() + 10
    while not owner.is_dead(0.0) and time.monotonic() < until:  # a zombie: nobody has waited for it
        time.sleep(0.01)
    assert owner.is_dead(0.0)
    os.kill(process.pid, 0)  # its number is still taken


@pytest.mark.skipif(not Owner.here().start, reason="this system does not say when a process started")
def test_a_number_that_another_process_has_by_now_is_no_sign_of_life(
    other: tuple[subprocess.Popen[str], Owner],
) -> None:
    _, owner = other
    assert replace(owner, start=str(float(owner.start) - 1)).is_dead(0.0)


@pytest.mark.parametrize("field", ["boot", "space", "host"])
def test_a_dead_number_of_another_place_tells_nothing(field: str) -> None:
    gone = replace(Owner.here(), pid=4_194_999, machine="")
    assert gone.is_dead(0.0)
    assert not replace(gone, **{field: "another"}).is_dead(0.0)
    assert not replace(gone, **{field: "another"}).is_dead(None)


@pytest.mark.skipif(not Owner.here().boot, reason="this system does not name its boots")
def test_what_ran_before_this_machine_was_booted_is_dead_and_a_clone_of_the_machine_is_not() -> None:
    earlier = replace(Owner.here(), boot="another", machine="m")
    this = replace(earlier, machine=Owner.here().machine)
    if this.machine:
        assert this.is_dead(_uptime() + 60)
        assert this.is_dead(None)
        assert not this.is_dead(0.0)  # it beats: a machine with the same id
    assert not earlier.is_dead(_uptime() + 60)


def test_names_of_earlier_versions_are_read() -> None:
    ended = subprocess.Popen(WAIT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    alive = Owner.parse(f"{platform.node()}:{ended.pid}:1")
    assert alive == Owner(platform.node(), ended.pid, "1")
    assert not alive.is_dead(None)
    ended.communicate()
    assert alive.is_dead(None)
    assert [Owner.parse(text) for text in (None, "", "host", "host:x:1", "h:1")] == [None] * 5
    huge = Owner.parse(f"{platform.node()}:{10**30}:1")
    assert huge
    assert not huge.is_dead(None)


def test_a_name_fits_its_column_whatever_the_host_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "a:b" * 100)
    here = Owner.here()
    assert Owner.parse(str(here)) == here
    assert len(str(here)) <= 200


def test_a_reused_number_frees_a_step_at_once_and_another_containers_does_not() -> None:
    here = Owner.here()
    reused, elsewhere = replace(here, start="1"), replace(here, space="1", start="1")
    with Store.open("sqlite://") as store:
        store.add_steps([StepRecord(step, "train", step, {}) for step in "ab"])
        assert store.claim("a", str(reused))
        assert store.claim("b", str(elsewhere))
        assert store.claim("a", str(here))
        assert not store.claim("b", str(here))
        assert store.claim("b", str(here), lease_seconds=0.0)
        held = store.leases(["a", "b", "c"])
    assert {step: (each.status, each.owner) for step, each in held.items()} == {
        "a": ("running", here), "b": ("running", here),
    }  # fmt: skip
    assert all(each.since and abs(each.since.timestamp() - time.time()) < 60 for each in held.values())
