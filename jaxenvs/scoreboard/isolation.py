"""isolate: takes from a process, for good, what a program of a stranger could misuse.

This file is run by its path, before anything else is imported, since some of it must happen while the process has one
thread. It uses the standard library alone.
"""

import contextlib
import ctypes
import errno
import os
import platform
import resource
import struct
import sys

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""The architecture as seccomp numbers it, and the number of the system call `socket`."""
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_X32 = 0x40000000


def isolate(cpu_seconds: int) -> list[str]:
    """Takes away the network, and sets limits of processor time, open files, file sizes and core dumps.

    Args:
        cpu_seconds: the processor time of the process, s.

    Returns:
        What protects against the network: `namespace`, `seccomp`, both, or nothing on a system that has neither.
    """
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, 1024)
    _limit(resource.RLIMIT_FSIZE, 512 * 2**20)
    if not sys.platform.startswith("linux"):
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    done = []
    with contextlib.suppress(OSError, AttributeError):
        user, group = os.getuid(), os.getgid()
        if libc.unshare(_NEW_USER | _NEW_NETWORK) == 0:
            done.append("namespace")
            _keep_identity(user, group)
    if _refuse_sockets(libc):
        done.append("seccomp")
    return done


def limit_memory(more: int) -> None:
    """Lets the process take so many bytes of addresses more than it has now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[0])
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + more)


def _limit(which: int, value: int) -> None:
    _, most = resource.getrlimit(which)
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(which, (value, value))


def _keep_identity(user: int, group: int) -> None:
    """Maps the user to itself in the new namespace, so that files stay its own."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError), open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _refuse_sockets(libc: ctypes.CDLL) -> bool:
    """Has the kernel refuse new sockets, in this process and all that it starts."""
    if platform.machine() not in _SOCKET:
        return False
    architecture, call = _SOCKET[platform.machine()]
    instructions = [
        (_LOAD, 0, 0, 4),  # the architecture
        (_EQUAL, 0, 4, architecture),
        (_LOAD, 0, 0, 0),  # the number of the call
        (_EQUAL, 2, 0, call),
        (_EQUAL, 1, 0, call | _X32),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    code = ctypes.create_string_buffer(program, len(program))
    described = ctypes.create_string_buffer(struct.pack("HL", len(instructions), ctypes.addressof(code)))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return libc.prctl(_SET_SECCOMP, _FILTER, described, 0, 0) == 0


if __name__ == "__main__":
    protections = isolate(int(sys.argv[1]))
    from jaxenvs.scoreboard.policy_process import main

    main(protections, int(sys.argv[2]))
