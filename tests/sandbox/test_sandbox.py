"""Hostile programs do no harm and are failures; with the sandbox taken away these tests fail."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.sandbox import bubblewrap
from suite.sandbox.bubblewrap import Limits
from suite.sandbox.judging import run_program

LIMITS = Limits(seconds=1.5)
NEEDED = pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")


@NEEDED
def test_a_program_that_reaches_its_end_passes() -> None:
    assert run_program("f = lambda x: x + 1\nassert f(1) == 2\nprint('fine')").passed
    assert run_program("import json, math, re, collections, itertools").passed
    assert run_program("open('note', 'w').write('a'); assert open('note').read() == 'a'").passed


@NEEDED
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("assert 1 == 2", "AssertionError"),
        ("raise SystemExit(0)", "ended early (0)"),
        ("import os; os._exit(0)", "ended early (0)"),
        ("f = lambda x:", "SyntaxError"),
        ("while True: pass", "ran longer than"),
        ("import time; time.sleep(60)", "ran longer than"),
        ("while True: print('x' * 1000)", "said more than"),
        ("x = bytearray(1 << 34)", "MemoryError"),
        ("x = []\nwhile True: x.append(bytearray(1 << 22))", "MemoryError"),
        ("f = open('x', 'wb')\nwhile True: f.write(bytes(1 << 20)); f.flush()", "File too large"),
        ("for i in range(99): open(str(i), 'wb').write(bytes(1 << 20))", "No space left"),
        ("open('/usr/x', 'w')", "Read-only file system"),
        ("import socket; socket.create_connection(('127.0.0.1', {port}), 1)", "refused"),
        ("assert open('{secret}').read() == 'secret'", "No such file"),
        ("import os; assert 'SUITE_SECRET' in os.environ", "AssertionError"),
        ("import os; assert 'SUITE_SECRET' in open(f'/proc/{{os.getppid()}}/environ').read()", "ermission|Assertion"),
        ("import os; os.kill({pid}, 9)", "No such process"),
        ("import ctypes; assert ctypes.CDLL(None).kill({pid}, 9) == 0", "AssertionError"),
        ("import ctypes; assert ctypes.CDLL(None).mount(b'/', b'/tmp', b'none', 4096, 0) == 0", "AssertionError"),
        ("import os; assert os.write({open}, b'harm')", "Bad file descriptor"),
        ("import pickle; pickle.loads(b\"cposix\\nsystem\\n(S'kill -9 {pid}'\\ntR.\"); assert False", "AssertionError"),
    ],
)
def test_a_hostile_program_fails_and_does_no_harm(
    source: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUITE_SECRET", "told")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with socket.socket() as listening, (tmp_path / "kept").open("wb") as kept:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        os.set_inheritable(kept.fileno(), True)
        places = {"port": listening.getsockname()[1], "secret": secret, "pid": os.getpid(), "open": kept.fileno()}
        begun = time.monotonic()
        outcome = run_program(source.format(**places), LIMITS)
    assert not outcome.passed
    assert any(part in outcome.reason for part in reason.split("|"))
    assert time.monotonic() - begun < 10
    assert secret.read_text() == "secret"
    assert (tmp_path / "kept").read_bytes() == b""


@NEEDED
def test_a_fork_bomb_is_held_and_leaves_nothing() -> None:
    count = "import os, time\nn = 0\ntry:\n  while n < 500:\n    if os.fork() == 0: time.sleep(77.25)\n    n += 1\n"
    outcome = run_program(count + "except OSError: pass\nassert n > 7, n", LIMITS)
    assert outcome.reason.startswith("AssertionError")
    bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    assert "ran longer" in run_program(bomb, LIMITS).reason
    for _ in range(50):  # a busy machine takes its time to end so many
        time.sleep(0.2)
        running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
        left = [command for command in running if b"/tmp/program.py" in command]
        if not left:
            break
    assert not left


@NEEDED
def test_programs_of_several_threads_do_not_meet() -> None:
    found: list[bool] = []

    def one(number: int) -> None:
        source = f"import os; open('x', 'w').write('{number}'); assert sorted(os.listdir()) == ['program.py', 'x']"
        found.append(run_program(source).passed)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4


def test_without_a_sandbox_programs_are_refused_unless_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "_working", lambda: None)
    with pytest.raises(SuiteError, match="no sandbox works here; install bubblewrap"):
        run_program("pass")
    with bubblewrap.unsafe(True):
        assert run_program("assert 1 + 1 == 2").passed
        assert run_program("assert 1 + 1 == 3").reason == "AssertionError"
