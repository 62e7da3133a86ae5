"""A seccomp filter for generated programs: no namespaces, mounts, access to other processes, or unlimited memory.

Classic BPF, as the kernel (seccomp(2)) and `bwrap --seccomp` read it: a list of instructions, 8 bytes each. A denied
call returns an error that programs expect. A call of another architecture ends the process, because its numbers would
be read as other calls.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NAMESPACES: Final = 0x7E020000
"""The bits CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET of clone's flags."""

# offsets in struct seccomp_data; both machines are little-endian, so an argument's low half comes first
_NUMBER: Final = 0
_ARCHITECTURE: Final = 4
_FIRST_ARGUMENT: Final = 16

# BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ, JGE and JSET with a constant, BPF_RET
_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06

# return values of a filter
_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_ERROR: Final = 0x00050000


@dataclass(frozen=True)
class Machine:
    """System call numbers of a machine."""

    architecture: int
    """AUDIT_ARCH_… of linux/audit.h."""
    clone: int
    clone3: int
    denied: Mapping[str, int] = field(hash=False)
    """Calls that fail with EPERM, by name."""
    foreign: int | None = None
    """Calls from this number on belong to another calling convention (x32) and end the process."""


_COMMON: Final = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438, "process_madvise": 440,
    "mount_setattr": 442, "memfd_secret": 447, "open_tree_attr": 467,
}  # fmt: skip
"""Newer calls, which have the same number on all machines."""

MACHINES: Final[Mapping[str, Machine]] = {
    "x86_64": Machine(
        architecture=0xC000003E, clone=56, clone3=435, foreign=0x40000000,
        denied={
            **_COMMON, "unshare": 272, "setns": 308, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
            "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "add_key": 248,
            "request_key": 249, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
            "kexec_load": 246, "kexec_file_load": 320, "init_module": 175, "finit_module": 313, "delete_module": 176,
            "open_by_handle_at": 304, "name_to_handle_at": 303, "quotactl": 179, "acct": 163, "swapon": 167,
            "swapoff": 168, "reboot": 169, "syslog": 103, "personality": 135, "modify_ldt": 154,
            "memfd_create": 319, "shmget": 29, "msgget": 68, "semget": 64, "mq_open": 240,
        },
    ),
    "aarch64": Machine(
        architecture=0xC00000B7, clone=220, clone3=435,
        denied={
            **_COMMON, "unshare": 97, "setns": 268, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51,
            "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "add_key": 217,
            "request_key": 218, "keyctl": 219, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
            "kexec_load": 104, "kexec_file_load": 294, "init_module": 105, "finit_module": 273, "delete_module": 106,
            "open_by_handle_at": 265, "name_to_handle_at": 264, "quotactl": 60, "acct": 89, "swapon": 224,
            "swapoff": 225, "reboot": 142, "syslog": 116, "personality": 92,
            "memfd_create": 279, "shmget": 194, "msgget": 186, "semget": 190, "mq_open": 180,
        },
    ),
}  # fmt: skip
"""Anonymous files, System V memory, semaphores and message queues are denied, because no process limit counts them."""


def compiled(machine: str = platform.machine()) -> bytes:
    """The filter for this machine; empty if its numbers are not listed."""
    if machine not in MACHINES:
        return b""
    numbers = MACHINES[machine]
    program = [
        _load(_ARCHITECTURE),
        *_unless(_EQUAL, numbers.architecture, _KILL),
        _load(_NUMBER),
        *(_when(_AT_LEAST, numbers.foreign, _KILL) if numbers.foreign else ()),
        *_when(_EQUAL, numbers.clone3, _ERROR | errno.ENOSYS),  # its flags are in memory; libc falls back to clone
    ]
    for number in sorted(numbers.denied.values()):
        program += _when(_EQUAL, number, _ERROR | errno.EPERM)
    program += [
        *_unless(_EQUAL, numbers.clone, _ALLOW),
        _load(_FIRST_ARGUMENT),
        *_when(_ANY_BIT, NAMESPACES, _ERROR | errno.EPERM),
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def _load(offset: int) -> bytes:
    return _instruction(_LOAD, offset)


def _when(test: int, value: int, result: int) -> tuple[bytes, bytes]:
    """Return `result` if the test holds, otherwise continue."""
    return _instruction(test, value, if_not=1), _instruction(_RETURN, result)


def _unless(test: int, value: int, result: int) -> tuple[bytes, bytes]:
    """Continue if the test holds, otherwise return `result`."""
    return _instruction(test, value, if_so=1), _instruction(_RETURN, result)


def _instruction(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    """A struct sock_filter: the code, the jump lengths, and the constant."""
    return struct.pack("=HBBI", code, if_so, if_not, value)
