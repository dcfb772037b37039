"""Gives up what a process of ours does not need that works on hostile input: files, the network, other processes.

What was opened stays open. On Linux the kernel refuses every system call that is not in a short list (seccomp), in all
threads and for good; elsewhere the limits on memory, time and files are all there is.
"""

from __future__ import annotations

import ctypes
import errno
import math
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["limit", "seal"]


@dataclass(frozen=True, slots=True)
class _Machine:
    """How a kind of processor numbers things (`linux/audit.h`, `asm/unistd.h`).

    Attributes:
        number: its own.
        seccomp: of the call that takes the filter.
        allowed: of the calls that stay: memory, what is open already, waiting, time, and the end.
    """

    number: int
    seccomp: int
    allowed: tuple[int, ...]


_MACHINES: Mapping[str, _Machine] = MappingProxyType(
    {
        # read write close poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn sched_yield
        # mremap madvise getpid sendto recvfrom exit sigaltstack gettid futex sched_getaffinity restart_syscall
        # clock_gettime clock_nanosleep exit_group ppoll set_robust_list getrandom rseq
        "x86_64": _Machine(
            0xC000003E,
            317,
            (
                *(0, 1, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 28, 39, 44, 45, 60, 131, 186, 202, 204, 219),
                *(228, 230, 231, 271, 273, 318, 334),
            ),
        ),
        # the same, without poll
        "aarch64": _Machine(
            0xC00000B7,
            277,
            (
                *(63, 64, 57, 62, 222, 226, 215, 214, 134, 135, 139, 124, 216, 233, 172, 206, 207, 93, 132, 178, 98),
                *(123, 128, 113, 115, 94, 73, 99, 278, 293),
            ),
        ),
    }
)
_NO_NEW_PRIVILEGES = 38  # of prctl
_SET_FILTER, _ALL_THREADS = 1, 1  # of seccomp
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF: load a word, jump if equal, return
_CALL, _MACHINE = 0, 4  # where they stand in what a filter sees
_REFUSE = 0x00050000 | errno.EPERM
_ALLOW = 0x7FFF0000


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


def limit(memory: int, seconds: float) -> None:
    """Limits this process.

    Args:
        memory: octets of address space.
        seconds: of the processor's time, from its start.
    """
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, math.ceil(seconds)),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hardest = resource.getrlimit(what)[1]
        if hardest != resource.RLIM_INFINITY:
            most = min(most, hardest)  # noqa: PLW2901
        try:
            resource.setrlimit(what, (most, most))
        except (OSError, ValueError):  # a system that does not have it
            continue


def seal() -> bool:
    """Gives up all system calls but a few.

    Returns:
        Whether the system does that.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or sys.maxsize < 1 << 32:
        return False
    steps = [_Instruction(*step) for step in _filter(machine)]
    instructions = (_Instruction * len(steps))(*steps)
    program = _Program(len(steps), instructions)
    system = ctypes.CDLL(None, use_errno=True)
    if system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    number = ctypes.c_long(machine.seccomp)
    return bool(system.syscall(number, _SET_FILTER, _ALL_THREADS, ctypes.byref(program)) == 0)


def _filter(machine: _Machine) -> Sequence[tuple[int, int, int, int]]:
    """The filter: each allowed call jumps over what is left of the list to the end, where it is let through."""
    count = len(machine.allowed)
    return [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 0, count + 1, machine.number),
        (_LOAD, 0, 0, _CALL),
        *((_EQUAL, count - at, 0, call) for at, call in enumerate(machine.allowed)),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
