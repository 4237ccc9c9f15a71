"""Rules of the kernel's audit subsystem: their binary form, and the way to set them.

`struct audit_rule_data` of linux/audit.h. auditctl(8) need not be installed.
"""

import ctypes
import errno
import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Self

KEY = "power-edge"
"""Every rule of ours has it, and no other has it: by it they are found and removed."""
_NETLINK_AUDIT = 9
_GET, _SET, _ADD_RULE, _DELETE_RULE, _LIST_RULES = 1000, 1001, 1011, 1012, 1013
_ERROR, _DONE = 2, 3
_REQUEST, _ACKNOWLEDGE = 1, 4
_HEADER = struct.Struct("=IHHII")
_STATUS = struct.Struct("=9I")
"""mask, enabled, failure, pid, rate_limit, backlog_limit, lost, backlog, features."""
_ENABLED = 1
"""AUDIT_STATUS_ENABLED, and the value that is set."""
LOCKED = 2
"""`auditctl -e 2`: no rule can be changed until the next boot."""
_WORDS = 64
_FIXED = struct.Struct(f"={3 + 4 * _WORDS + 1}I")
"""flags, action, number of fields, mask, fields, values, operators, length of the texts."""
_ON_EXIT, _ALWAYS, _EQUAL = 4, 2, 0x40000000
_WATCH, _PERM, _DIR, _KEY = 105, 106, 107, 210
_EXECUTE, _WRITE, _ATTRIBUTE = 1, 2, 8
_TEXTS = frozenset({13, 14, 15, 16, 17, 19, 20, 21, 22, 23, _WATCH, _DIR, 112, _KEY})
"""Fields whose value is the length of a text: those of a security module, a file, a folder, an
executable, and the key.
"""
_SECONDS = 5.0


class Rule(NamedTuple):
    """A rule: `kind` is a field of the kernel's, with `path` for its value; `syscalls` empty means
    all.
    """

    kind: int | None
    path: str
    permissions: int
    syscalls: tuple[int, ...] = ()


def file_rule(path: str) -> Rule:
    """Report who writes, replaces or removes a file, or changes its mode or owner: `-w PATH -p wa`.

    The file may be missing, its folder not.
    """
    return Rule(_WATCH, path, _WRITE | _ATTRIBUTE)


def folder_rule(path: str, syscalls: Iterable[int] = (), *, attributes: bool = True) -> Rule:
    """Report the same for all below a folder: `-F dir=PATH -F perm=wa`.

    Such a rule is looked at after each of its system calls, whatever the file is: the fewer, the
    better.
    """
    return Rule(_DIR, path, _WRITE | (_ATTRIBUTE if attributes else 0), tuple(syscalls))


def command_rule(path: str) -> Rule:
    """Report who runs a program: `-w PATH -p x`."""
    return Rule(_WATCH, path, _EXECUTE)


def syscall_rule(number: int) -> Rule:
    """Report who makes a system call: `-a always,exit -S NAME`."""
    return Rule(None, "", 0, (number,))


def encode(rule: Rule) -> bytes:
    """Return the binary form of a rule, with our key."""
    fields: list[tuple[int, int]] = []
    texts = b""
    if rule.permissions:
        fields.append((_PERM, rule.permissions))
    for kind, text in ((rule.kind, os.fsencode(rule.path)), (_KEY, KEY.encode())):
        if kind is not None:
            fields.append((kind, len(text)))
            texts += text
    mask = [0 if rule.syscalls else 0xFFFFFFFF] * _WORDS
    for number in rule.syscalls:
        mask[number // 32] |= 1 << number % 32
    padding = [0] * (_WORDS - len(fields))
    return (
        _FIXED.pack(
            *(_ON_EXIT, _ALWAYS, len(fields)),
            *mask,
            *([kind for kind, _ in fields] + padding),
            *([value for _, value in fields] + padding),
            *([_EQUAL] * len(fields) + padding),
            len(texts),
        )
        + texts
    )


def key_of(data: bytes) -> str | None:
    """Return the key of a rule as the kernel lists it, None if it has none or is cut."""
    if len(data) < _FIXED.size:
        return None
    words = _FIXED.unpack_from(data)
    count = min(words[2], _WORDS)
    kinds, values = words[3 + _WORDS :][:count], words[3 + 2 * _WORDS :][:count]
    at = _FIXED.size
    for kind, value in zip(kinds, values, strict=True):
        if kind == _KEY:
            return data[at : at + value].decode("utf-8", "surrogateescape")
        if kind in _TEXTS:
            at += value
    return None


class Status(NamedTuple):
    """What the kernel says of its audit subsystem. `lost` counts the records that it dropped."""

    enabled: int
    daemon: int
    lost: int


class Control:
    """A connection to the kernel's audit subsystem. All methods raise OSError."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_AUDIT
        )
        self._socket.settimeout(_SECONDS)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def status(self) -> Status:
        """Return what the kernel says of its audit subsystem."""
        for kind, data in self._request(_GET):
            if kind == _GET and len(data) >= _STATUS.size:
                words = _STATUS.unpack_from(data)
                return Status(enabled=words[1], daemon=words[3], lost=words[6])
        raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))

    def enable(self, enabled: int) -> None:
        """Let the kernel write records (1), or not (0)."""
        list(self._request(_SET, _STATUS.pack(_ENABLED, enabled, *[0] * 7)))

    def add(self, rule: Rule) -> None:
        """Add a rule, with our key."""
        list(self._request(_ADD_RULE, encode(rule)))

    def remove_ours(self) -> int:
        """Remove each rule that has our key, whoever set it. Return how many."""
        ours = [
            data
            for kind, data in self._request(_LIST_RULES)
            if kind == _LIST_RULES and key_of(data) == KEY
        ]
        for data in ours:
            list(self._request(_DELETE_RULE, data))
        return len(ours)

    def _request(self, kind: int, data: bytes = b"") -> Iterator[tuple[int, bytes]]:
        """Send a request. Yield the messages of the answer to its end."""
        self._sequence += 1
        header = _HEADER.pack(
            _HEADER.size + len(data), kind, _REQUEST | _ACKNOWLEDGE, self._sequence, 0
        )
        self._socket.send(header + data)
        until = time.monotonic() + _SECONDS
        acknowledged = False
        while time.monotonic() < until:
            answer = self._socket.recv(65536)
            length, answered, _, sequence, _ = _HEADER.unpack_from(answer)
            body = answer[_HEADER.size : max(length, _HEADER.size)]
            if sequence != self._sequence:
                continue
            if answered == _ERROR:
                (code,) = struct.unpack_from("=i", body)
                if code:
                    raise OSError(-code, os.strerror(-code))
                acknowledged = True
                # What is listed or read follows its acknowledgement.
                if kind not in (_GET, _LIST_RULES):
                    return
            elif answered == _DONE:
                return
            else:
                yield answered, body
                if kind == _GET:
                    return
        raise TimeoutError(errno.ETIMEDOUT, "no answer" if not acknowledged else "no end")


class Syscalls(NamedTuple):
    """System calls of this machine's architecture, by name, as libaudit knows them."""

    architecture: int
    numbers: Mapping[str, int]


def syscalls(names: Iterable[str]) -> Syscalls:
    """Return the numbers of system calls; unknown ones are left out. Raises OSError if libaudit is
    not installed.
    """
    library = ctypes.CDLL("libaudit.so.1")
    library.audit_name_to_syscall.argtypes = (ctypes.c_char_p, ctypes.c_int)
    library.audit_machine_to_elf.restype = ctypes.c_uint
    machine = library.audit_detect_machine()
    found = {name: library.audit_name_to_syscall(name.encode(), machine) for name in names}
    return Syscalls(
        library.audit_machine_to_elf(machine),
        {name: number for name, number in found.items() if 0 <= number < 32 * _WORDS},
    )
