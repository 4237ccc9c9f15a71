"""Reads the probe's answer about kernel parameters."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from power_edge.model import NotObserved
from power_edge.resources.sysctl.key import Value, missing

_LONGEST_PATH = 4096
"""PATH_MAX of Linux; each folder of a path is looked up."""
_NOBODY = "65534"
"""The owner that a user namespace shows for users outside of it (user_namespaces(7))."""
_CUT = (1023, 1024, 4095, 4096)
"""Lengths of values that may have been cut: busybox's grep reads a buffer of 1,024 bytes (4,096 in
some builds with musl), and the kernel does not continue a value.
"""


class _Answer(NamedTuple):
    """The parts of the probe's answer.

    `paths`: what was asked about. `values`: path -> lines of its value. `complaints`: path ->
    grep's reason why it could not be read. `namespaces`: those in which the probe ran apart from
    the machine. `elsewhere`: folders that show another namespace than that of process 1. `owners`:
    path -> mode (octal) and user id. `mounts`: mount point -> options.
    """

    paths: tuple[str, ...]
    values: Mapping[str, Sequence[str]]
    complaints: Mapping[str, str]
    namespaces: Sequence[str]
    elsewhere: frozenset[str]
    owners: Mapping[str, tuple[str, str]]
    mounts: Mapping[str, str]


def parse(section: bytes) -> dict[str, Value | NotObserved | None]:
    """Return the value by path, without its final newline. None: the kernel has no such key.

    Reasons why a value is unknown are grep's words for errno. If the probe ran in namespaces of its
    own, a key that is not there may only be hidden.

    ValueError: this is not an answer of the probe, or it was cut short.
    """
    answer = _answer(section)
    longest = max(map(len, answer.paths), default=0)
    requested = frozenset(answer.paths)
    ambiguous = {head for path in requested for head in _heads(path, longest) if head in requested}
    observed: dict[str, Value | NotObserved | None] = {}
    for path in answer.paths:
        value = _value(path, answer, path in ambiguous)
        if isinstance(value, str):
            observed[path] = Value(value, _obstacle(path, answer.owners.get(path), answer.mounts))
        else:
            observed[path] = value
    return observed


def _answer(section: bytes) -> _Answer:
    paths: dict[str, None] = {}
    values: dict[str, list[str]] = {}
    complaints: dict[str, str] = {}
    namespaces: list[str] = []
    elsewhere = set[str]()
    owners: dict[str, tuple[str, str]] = {}
    mounts: dict[str, str] = {}
    part, longest = "", 0
    for line in section.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith("== "):
            part = line[3:]
            longest = max(map(len, paths), default=0)
        elif part == "asked":
            paths |= {line: None} if line else {}
        elif part == "values":
            for path in _heads(line, longest):
                if path in paths:
                    values.setdefault(path, []).append(line[len(path) + 1 :])
        elif part == "complaints":
            program, path, reason = ["", "", *line.rsplit(": ", 2)][-3:]
            if program.rpartition("/")[2] == "grep":  # neither a library's warning nor a wrapper's
                complaints[path] = reason
        elif part == "contained":
            namespaces += [line] if line else []
        elif part == "elsewhere":
            elsewhere |= {line} if line else set()
        elif part == "owners" and line.count(" ") >= 2:
            mode, owner, path = line.split(" ", 2)
            owners[path] = mode, owner
        elif part == "mounts" and " " in line:
            options, _, mount = line.partition(" ")
            mounts[mount] = options  # the last mount at a point hides the others
        elif part in ("owners", "mounts"):
            pass
        elif line:
            raise ValueError(f"not an answer about kernel parameters: {line[:80]!r}")
    if part != "end":
        raise ValueError("the answer about kernel parameters was cut short")
    return _Answer(
        tuple(paths), values, complaints, namespaces, frozenset(elsewhere), owners, mounts
    )


def _heads(line: str, longest: int) -> Iterator[str]:
    """Yield the text before each colon, up to the length of the longest path.

    A line is `path:value`, and a path may hold colons, too.
    """
    return (line[: colon.start()] for colon in re.finditer(":", line[: longest + 1]))


def _value(path: str, answer: _Answer, ambiguous: bool) -> str | NotObserved | None:
    """Return the value of a key. `ambiguous`: another path begins with this one and a colon."""
    if ambiguous:
        return NotObserved(
            "its value cannot be distinguished from that of a key whose name begins with the same"
            " text"
        )
    if path.partition("/")[0] in answer.elsewhere:
        return NotObserved(
            "the check runs in another network namespace than process 1, which has other values:"
            " run it in the namespace of process 1"
        )
    lines = answer.values.get(path)
    if lines is not None:
        value = "\n".join(lines)
        if len(value.encode("utf-8", "surrogateescape")) in _CUT:
            return NotObserved("its value may have been cut by the node's grep (busybox)")
        return value
    complaint = answer.complaints.get(path)
    match complaint:
        case "No such file or directory":
            if answer.namespaces:
                namespaces = ", ".join(answer.namespaces)
                return NotObserved(
                    f"{missing(path)}, but the node is a container ({namespaces} namespace of its"
                    " own), which may hide the key"
                )
            return None
        case "Permission denied":
            return NotObserved("permission denied: only root may read it, or it is write-only")
        case "Is a directory":
            return NotObserved("it is a directory, not a key")
        case None:
            return NotObserved("nothing could be read")
    return NotObserved(complaint)


def _obstacle(path: str, owner: tuple[str, str] | None, mounts: Mapping[str, str]) -> str | None:
    """Return why nobody on the node can write a key, by its mode and owner and the mount that it is
    on; None if no reason is known.
    """
    folder = f"/proc/sys/{path}" if len(path) <= _LONGEST_PATH else ""
    while folder and folder not in mounts:
        folder = folder.rpartition("/")[0]
    if "ro" in mounts.get(folder, "").split(","):
        return "/proc/sys is read-only in this container: set it on the machine that runs it"
    if owner is None:
        return None
    mode, uid = owner
    if uid == _NOBODY:
        return "it belongs to the machine that runs this container: set it there"
    if mode.isdecimal() and not int(mode, 8) & 0o222:
        return "the kernel lets nobody write it"
    return None
