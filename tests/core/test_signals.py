"""Signals end a command in order, once; whatever it is doing then is whole or not begun."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

IN_ORDER = """
import os, signal, sys, threading, time
from suite.core import signals

def send(number):
    os.kill(os.getpid(), number)

try:
    with signals.ending():
{body}
except signals.EndedBySignal as end:
    print("ended:", end, flush=True)
    sys.exit(end.exit_code)
print("went on", flush=True)
"""


def started(body: str, *before: str) -> subprocess.Popen[str]:
    indented = "\n".join(f"        {line}" for line in body.strip().splitlines())
    command = [*before, sys.executable, "-c", IN_ORDER.format(body=indented)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(body: str, *before: str) -> tuple[int, str, str]:
    process = started(body, *before)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("SIGINT", 130, "interrupted by the user (Ctrl-C)"),
        ("SIGTERM", 143, "ended by a signal (SIGTERM)"),
        ("SIGHUP", 129, "ended by a signal (SIGHUP)"),
    ],
)
def test_a_signal_ends_with_the_shells_code(name: str, code: int, told: str) -> None:
    assert ended(f"send(signal.{name}); time.sleep(20)") == (code, f"ended: {told}\n", "")


def test_what_must_be_whole_is_finished_first() -> None:
    body = """
with signals.held():
    with signals.held():
        send(signal.SIGTERM)
        time.sleep(0.1)
    print("whole", flush=True)
print("never")
"""
    assert ended(body) == (143, "whole\nended: ended by a signal (SIGTERM)\n", "")


def test_the_same_signal_from_launcher_and_group_counts_once() -> None:
    body = """
try:
    send(signal.SIGTERM); time.sleep(20)
finally:
    send(signal.SIGTERM); send(signal.SIGHUP); time.sleep(0.2)
    print("kept", flush=True)
"""
    assert ended(body) == (143, "kept\nended: ended by a signal (SIGTERM)\n", "")


def test_a_second_signal_ends_at_once_though_the_main_thread_is_in_no_python_code() -> None:
    body = """
try:
    send(signal.SIGTERM); time.sleep(20)
finally:
    print("slow", flush=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # the main thread hears nothing
    time.sleep(20)
"""
    process = started(body)
    assert process.stdout
    assert process.stdout.readline() == "slow\n"
    time.sleep(0.8)
    sent = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert time.monotonic() - sent < 5


def test_a_signal_to_a_helper_thread_wakes_the_main_one() -> None:
    body = """
helper = threading.Thread(target=time.sleep, args=(20,), daemon=True)
helper.start()
threading.Timer(0.3, lambda: signal.pthread_kill(helper.ident, signal.SIGTERM)).start()
helper.join()
"""
    assert ended(body) == (143, "ended: ended by a signal (SIGTERM)\n", "")


def test_a_signal_that_somebodys_code_swallowed_is_found_at_the_next_check() -> None:
    body = """
class Last:
    def __del__(self):
        send(signal.SIGTERM)
        time.sleep(0.1)
last = Last()
del last  # an exception of a destructor is forgotten
{then}
print("never")
"""
    for then in ("signals.check()", "with signals.held(): pass"):
        assert ended(body.format(then=then)) == (143, "ended: ended by a signal (SIGTERM)\n", "")


def test_what_other_destructors_raise_is_told_as_usual() -> None:
    body = """
class Last:
    def __del__(self):
        raise ValueError("mine")
last = Last()
del last
"""
    code, out, err = ended(body)
    assert (code, out) == (0, "went on\n")
    assert "ValueError: mine" in err


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    body = "send(signal.SIGHUP); time.sleep(0.2); print('here', flush=True)"
    assert ended(body, "nohup")[:2] == (0, "here\nwent on\n")


def test_a_forked_child_that_lives_on_does_not_keep_the_command() -> None:
    body = """
if not os.fork():
    os.close(1), os.close(2)
    time.sleep(20)
    os._exit(0)
"""
    begun = time.monotonic()
    assert ended(body) == (0, "went on\n", "")
    assert time.monotonic() - begun < 10


def test_handlers_of_others_and_a_forked_child_are_left_alone() -> None:
    body = """
child = os.fork()
if not child:
    time.sleep(20)
    os._exit(7)
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
    assert ended(body) == (0, "-15\nwent on\n", "")
    usual = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, lambda *_: None)
        from suite.core import signals

        mine = signal.getsignal(signal.SIGTERM)
        with signals.ending():
            assert signal.getsignal(signal.SIGTERM) is mine
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, usual)
