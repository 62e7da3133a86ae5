"""What starts trials and tests may ignore signals, as a shell's `&` does; what they start does not."""

from __future__ import annotations

import subprocess
import sys

CHILD = "import signal; print(*(signal.getsignal(n).name if signal.getsignal(n) == 1 else '-' for n in (1, 2, 15)))"
PARENT = f"""
import signal, subprocess, sys
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
from benchmarks.faults.trial import usual_signals
if sys.argv[1:]:
    usual_signals()
    print(signal.pthread_sigmask(signal.SIG_BLOCK, []), flush=True)
subprocess.run([sys.executable, "-c", {CHILD!r}])
"""


def told(*arguments: str) -> list[str]:
    command = [sys.executable, "-c", PARENT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_what_is_started_is_ended_by_signals_as_usual() -> None:
    assert told() == ["SIG_IGN SIG_IGN SIG_IGN"]
    assert told("usual") == ["set()", "- - -"]
