"""The filter, run by a small reader of its instructions: so it is checked for machines that are not this one, too."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from suite.sandbox.seccomp import MACHINES, NAMESPACES, compiled

ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x50000
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
BOTH = pytest.mark.parametrize("machine", sorted(MACHINES))


def answer(machine: str, number: int, first: int = 0, architecture: int | None = None) -> int:
    """What the filter returns for a call."""
    known = MACHINES[machine].architecture
    data = struct.pack("<IIQ6Q", number, known if architecture is None else architecture, 0, first, 0, 0, 0, 0, 0)
    program = list(struct.iter_unpack("<HBBI", compiled(machine)))
    at = value = 0
    while True:
        code, if_so, if_not, constant = program[at]
        at += 1
        if code == 0x06:
            return constant
        if code == 0x20:
            value = struct.unpack_from("<I", data, constant)[0]
        else:
            holds = {0x15: value == constant, 0x35: value >= constant, 0x45: value & constant != 0}[code]
            at += if_so if holds else if_not


@BOTH
def test_what_programs_need_is_allowed(machine: str) -> None:
    read, openat, execve = {"x86_64": (0, 257, 59), "aarch64": (63, 56, 221)}[machine]
    threads = 0x3D0F00  # as pthread_create asks
    assert [answer(machine, number) for number in (read, openat, execve)] == [ALLOW] * 3
    assert answer(machine, MACHINES[machine].clone, threads) == ALLOW
    assert answer(machine, MACHINES[machine].clone, 17) == ALLOW  # a fork: SIGCHLD


@BOTH
def test_no_kind_of_namespace_can_be_made(machine: str) -> None:
    for bit in (bit for bit in range(32) if NAMESPACES >> bit & 1):
        assert answer(machine, MACHINES[machine].clone, 1 << bit | 17) == ERROR | errno.EPERM
    assert answer(machine, MACHINES[machine].clone3) == ERROR | errno.ENOSYS
    assert answer(machine, MACHINES[machine].denied["unshare"]) == ERROR | errno.EPERM


@BOTH
def test_denied_calls_fail_and_calls_of_another_architecture_kill(machine: str) -> None:
    assert {answer(machine, number) for number in MACHINES[machine].denied.values()} == {ERROR | errno.EPERM}
    assert answer(machine, 0, architecture=0x40000003) == KILL  # i386
    if (foreign := MACHINES[machine].foreign) is not None:
        assert answer(machine, foreign) == answer(machine, foreign + 272) == KILL


@BOTH
def test_numbers_are_those_of_the_kernel(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("no kernel headers here")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    kernel = {name: int(number) for name, number in found}
    numbers = MACHINES[machine]
    ours = {**numbers.denied, "clone": numbers.clone, "clone3": numbers.clone3}
    assert {name: number for name, number in ours.items() if kernel.get(name, number) != number} == {}


def test_another_machine_has_no_filter() -> None:
    assert compiled("riscv64") == b""
