"""Ways out of the sandbox's limits fail, for root and for an ordinary user, and what right programs do still works."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from suite.sandbox import bubblewrap, cgroup
from suite.sandbox.bubblewrap import Limits
from suite.sandbox.judging import Program, run_program
from suite.sandbox.seccomp import MACHINES

pytestmark = pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")

ROOT = Path(__file__).parents[2]
NOBODY = 65534
LISTED = MACHINES.get(platform.machine())
CALL = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
NAMESPACE = 0x10020000  # CLONE_NEWUSER | CLONE_NEWNS
MAPPED = """
open('/proc/self/setgroups', 'w').write('deny')
open('/proc/self/uid_map', 'w').write(f'0 {user} 1')
"""
CLONED = "child = libc.syscall({number}, {flags}, 0, 0, 0, 0)\nif child == 0: os._exit(0)\n"
UNSHARED = f"assert libc.unshare({NAMESPACE}) == 0\n"
CLONE = LISTED.clone if LISTED else 0

ESCAPES = {
    "a tmpfs of 2 GB in namespaces of its own": CALL + "user = os.getuid()\n" + UNSHARED + MAPPED
    + "assert libc.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, b'size=2g') == 0",
    "a child in a user namespace": CALL + CLONED.format(number=CLONE, flags=NAMESPACE | 17) + "assert child > 0",
    "a user namespace by the command": "import subprocess\nassert subprocess.call(['unshare', '-Ur', 'true']) == 0",
    "a file in a folder without limit": (
        "import os\nfor path in ('/', '/dev', '/dev/shm', '/run', '/root', '/var', '/usr', '/proc'):\n"
        "  try: open(os.path.join(path, 'x'), 'wb').write(b'x')\n  except OSError: continue\n  break\n"
        "else: assert False, 'none'"
    ),
    "a mount that can be written to": (
        "lines = [line.split() for line in open('/proc/self/mountinfo')]\n"
        "rw = {each[4] for each in lines if 'rw' in each[5].split(',')}\n"
        "rw = {each for each in rw if not each.startswith(('/dev/', '/proc'))}\n"
        "assert rw != {'/tmp'}, rw"
    ),
}  # fmt: skip
RIGHT = {
    "threads": "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()",
    "a child": "import os\npid = os.fork()\nif pid == 0: os._exit(0)\nassert os.waitpid(pid, 0)[1] == 0",
    "a command": "import subprocess\nsubprocess.run(['/bin/true'], check=True)",
    "a loop of events": "import asyncio\nasync def f(): await asyncio.sleep(0)\nasyncio.run(f())",
    "files": "import tempfile\nwith tempfile.TemporaryFile() as f: f.write(bytes(1 << 20))",
    "a database": "import sqlite3\nassert sqlite3.connect(':memory:').execute('select 1').fetchone() == (1,)",
    "a folder of 4 MB": "import os\ns = os.statvfs('/tmp')\nassert s.f_blocks * s.f_frsize == 4 << 20",
    "no descriptor but the pipes that it is asked through": (
        "import os\nassert sorted(os.listdir('/proc/self/fd')) == ['0', '1', '2', '3', '4', '5']"
    ),
}
if LISTED:
    RIGHT["denied calls return EPERM"] = CALL + (
        "def error(number):\n  libc.syscall(number, 0, 0, 0, 0, 0, 0)\n  return ctypes.get_errno()\n"
        f"other = {{name for name, number in {dict(LISTED.denied)}.items() if error(number) != {errno.EPERM}}}\n"
        f"assert not other, other\nassert error({LISTED.clone3}) == {errno.ENOSYS}"
    )
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from suite.sandbox import bubblewrap as sandbox
from suite.sandbox.judging import Program, run_program
sources = json.load(sys.stdin)
ran = [run_program(Program("", *each)) for each in sources] if sandbox.available() else []
print(json.dumps([[each.passed, each.reason] for each in ran]))
"""

Runs = Callable[[Sequence[tuple[str, ...]]], list[tuple[bool, str]]]
"""Of answers, with or without tests."""


def as_ourselves(sources: Sequence[tuple[str, ...]]) -> list[tuple[bool, str]]:
    outcomes = [run_program(Program("", *each)) for each in sources]
    return [(outcome.passed, outcome.reason) for outcome in outcomes]


def as_nobody(sources: Sequence[tuple[str, ...]]) -> list[tuple[bool, str]]:
    """Run them by an interpreter that an ordinary user may start."""
    if os.getuid() != 0:
        pytest.skip("the tests run as an ordinary user already")
    rights = ("--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", *rights, "--"]
    for python in filter(None, (os.path.realpath(sys.executable), shutil.which("python3", path="/usr/bin"))):
        command = [*drop, python, "-c", PROGRAM, str(ROOT)]
        done = subprocess.run(command, input=json.dumps(sources), capture_output=True, text=True, cwd="/")
        if done.returncode == 0 and (outcomes := json.loads(done.stdout)):
            return [(passed, reason) for passed, reason in outcomes]
    pytest.skip("an ordinary user can make no sandbox here, or read no Python or no source")


USERS = pytest.mark.parametrize("run", [as_ourselves, as_nobody])


@USERS
def test_every_way_out_is_closed(run: Runs) -> None:
    outcomes = dict(zip(ESCAPES, run([(each,) for each in ESCAPES.values()]), strict=True))
    assert {name: why for name, (passed, why) in outcomes.items() if passed or "Assertion" not in why} == {}


@USERS
def test_what_right_programs_do_is_allowed(run: Runs) -> None:
    outcomes = dict(zip(RIGHT, run([(each,) for each in RIGHT.values()]), strict=True))
    assert {name: why for name, (passed, why) in outcomes.items() if not passed} == {}


@USERS
def test_programs_are_judged_by_tests_in_a_sandbox_of_their_own(run: Runs) -> None:
    liar = "class A:\n    def __eq__(self, other): return True\ndef f(x): return A()"
    outcomes = run([("def f(x): return x + 1", "\nassert f(1) == 2"), (liar, "\nassert f(1) == 2")])
    assert [passed for passed, _ in outcomes] == [True, False]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="32-bit calls are those of x86")
@USERS
def test_a_call_by_another_architectures_numbers_ends_the_program(run: Runs) -> None:
    code = bytes.fromhex("b814000000cd80c3")  # mov eax, 20; int 0x80; ret: getpid of i386
    source = f"import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write({code!r})\n"
    source += "f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\nf()"
    [(passed, reason)] = run([(source,)])
    assert not passed
    assert "ended early" in reason


def test_the_memory_of_all_processes_is_bounded_together() -> None:
    if cgroup.hierarchy() is None:
        pytest.skip("no memory cgroup can be made here")
    child = "  if os.fork() == 0:\n    x = b'x' * (60 << 20)\n    time.sleep(2)\n    os._exit(0)\n"
    children = f"import os, time\nfor _ in range(3):\n{child}"
    limits = Limits(seconds=4, memory=100 << 20)
    outcome = run_program(children + "for _ in range(3): os.wait()", limits)
    assert outcome.reason == "used more than 100 MiB in all"
    assert run_program("x = b'x' * (60 << 20)", limits).passed


def test_doctors_line_says_what_bounds_a_program() -> None:
    said = "a cgroup bounds" if cgroup.hierarchy() else "only each process's limit bounds"
    assert said in bubblewrap.bounds()
    assert "seccomp" in bubblewrap.bounds() or "user namespaces disabled" in bubblewrap.bounds()


def test_no_cgroup_is_left_behind() -> None:
    where = cgroup.hierarchy()
    if where is None:
        pytest.skip("no memory cgroup can be made here")
    with cgroup.memory_limit(64 << 20) as group:
        assert group is not None
        left = subprocess.Popen(group.entering(["sleep", "60"]))
        assert group.folder.is_dir()
    assert left.wait(10) != 0
    assert not group.folder.exists()


def test_the_sandbox_is_not_used_where_namespaces_cannot_be_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap.seccomp, "compiled", lambda: b"")
    bubblewrap._working.cache_clear()
    try:
        assert bubblewrap.available() == (os.getuid() != 0 and "disabled" in bubblewrap.bounds())
    finally:
        bubblewrap._working.cache_clear()
