"""Sysctl: the kernel's parameters in force, read as files below /proc/sys.

What a boot will set is not looked at.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from power_edge.model import (
    Entry,
    Finding,
    NotObserved,
    ResourceType,
    Triggers,
    agrees,
    drifts,
    undecided,
)
from power_edge.resources.sysctl.key import Setting, Value, canonical, module_of
from power_edge.resources.sysctl.kinds import NUMBER, another_count, never
from power_edge.resources.sysctl.remedy import remedy

_OTHERWISE_SPELLED = re.compile(r"[+-]?(0[0-9]+|0[xX][0-9a-fA-F]+)|\+[0-9]+")
_NO_NUMBER = re.compile(r"(name|mask|bitmap|key|secret|release|version|pattern)$")
"""Last parts of keys whose values are texts, or numbers that the kernel itself shows in hexadecimal
or with zeros before them.
"""

_RANGE = r"(0|[1-9][0-9]{0,17})(-(0|[1-9][0-9]{0,17}))?"
_RANGE_LIST = re.compile(f"{_RANGE}(,{_RANGE})*")
_LONGEST_LIST = 64 * 1024
"""The kernel's own buffer for a list is smaller (proc_do_large_bitmap)."""
_LONGEST_PATH = 4096
_RANGE_KEYS = frozenset(("net/ipv4/ip_local_reserved_ports", "kernel/watchdog_cpumask"))

_DOTTED_INTERFACE = re.compile(r"net/(ipv4|ipv6)/(conf|neigh)/([^/]+)/([0-9]+)/([^/]+)")

_CUT = (1023, 1024, 4095, 4096)
"""busybox's grep reads a buffer of 1,024 bytes (musl's of 4,096 on some builds), and the kernel
does not continue a value.
"""


def ask(declarations: Sequence[Setting]) -> Iterator[str]:
    """The paths to read; one that would leave /proc/sys is not asked for."""
    for path in (canonical(declared.key) for declared in declarations):
        if not {"", ".", ".."} & {*path.split("/")}:
            yield path


def parse(section: bytes) -> dict[str, Value | NotObserved | None]:
    """What the probe printed -> the value by path, without its final newline; None: the kernel has
    no such key.

    Reasons not to know are grep's words for errno. Where the probe runs in namespaces of its own, a
    key that is not there may only be hidden.
    """
    asked: dict[str, None] = {}
    values: dict[str, list[str]] = {}
    complaints: dict[str, str] = {}
    contained: list[str] = []
    owners: dict[str, tuple[str, str]] = {}
    mounts: dict[str, str] = {}
    part, longest = "", 0
    for line in section.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith("== "):
            part = line[3:]
            longest = max(map(len, asked), default=0)
        elif part == "asked":
            asked |= {line: None} if line else {}
        elif part == "values":
            for path in _heads(line, longest):
                if path in asked:
                    values.setdefault(path, []).append(line[len(path) + 1 :])
        elif part == "complaints":
            program, path, reason = ["", "", *line.rsplit(": ", 2)][-3:]
            if program.rpartition("/")[2] == "grep":  # and no library that warns, nor a wrapper
                complaints[path] = reason
        elif part == "contained":
            contained += [line] if line else []
        elif part == "owners" and line.count(" ") >= 2:
            mode, owner, path = line.split(" ", 2)
            owners[path] = mode, owner
        elif part == "mounts" and " " in line:
            options, _, mount = line.partition(" ")
            mounts[mount] = options  # the last one of a place is on top
        elif part in ("owners", "mounts"):
            pass
        elif line:
            raise ValueError(f"not an answer about kernel parameters: {line[:80]!r}")
    if part != "end":
        raise ValueError("the answer about kernel parameters was cut short")
    ambiguous = {head for path in asked for head in _heads(path, longest) if head in asked}
    observed = {
        path: _observed(path, values.get(path), complaints.get(path), contained, path in ambiguous)
        for path in asked
    }
    return {
        path: Value(value, _obstacle(path, owners.get(path), mounts))
        if isinstance(value, str)
        else value
        for path, value in observed.items()
    }


_NOBODY = "65534"
"""The owner that a user namespace shows for users outside of it (user_namespaces(7))."""


def _obstacle(path: str, owner: tuple[str, str] | None, mounts: Mapping[str, str]) -> str | None:
    """Why nobody on the node can write a key: its mode and owner, and the mount that it is below."""
    place = f"/proc/sys/{path}" if len(path) <= _LONGEST_PATH else ""
    while place and place not in mounts:
        place = place.rpartition("/")[0]
    if "ro" in mounts.get(place, "").split(","):
        return "/proc/sys is read-only here (a container): set it where the kernel is the machine's own"
    if owner is None:
        return None
    mode, uid = owner
    if uid == _NOBODY:
        return "it belongs to the machine that this container runs on: set it there"
    return (
        "the kernel lets nobody write it" if mode.isdecimal() and not int(mode, 8) & 0o222 else None
    )


def _heads(line: str, longest: int) -> Iterator[str]:
    """What stands before each colon, as long as a path can be.

    A line is `path:value`, and a path may hold colons as well.
    """
    return (line[: colon.start()] for colon in re.finditer(":", line[: longest + 1]))


def _observed(
    path: str,
    lines: Sequence[str] | None,
    complaint: str | None,
    contained: Sequence[str],
    ambiguous: bool,
) -> str | NotObserved | None:
    if ambiguous:
        return NotObserved("its value cannot be told from that of a key whose name begins the same")
    if lines is not None:
        value = "\n".join(lines)
        return (
            NotObserved("its value was cut by the node's grep (busybox)")
            if len(value.encode("utf-8", "surrogateescape")) in _CUT
            else value
        )
    match complaint:
        case "No such file or directory":
            if contained:
                return NotObserved(
                    f"{_missing(path)}, but the node is a container ({', '.join(contained)} namespace of its own): it may be hidden here"
                )
            return None
        case "Permission denied":
            return NotObserved(
                "permission denied: it takes root to read it, or it can only be written"
            )
        case "Is a directory":
            return NotObserved("a directory, not a key")
        case None:
            return NotObserved("nothing could be read")
    return NotObserved(complaint)


def _missing(path: str) -> str:
    dotted = _DOTTED_INTERFACE.fullmatch(path)
    if dotted is not None:
        family, table, interface, vlan, name = dotted.groups()
        return f"no such key (for an interface {interface}.{vlan} write net.{family}.{table}.{interface}/{vlan}.{name})"
    module = module_of(path)
    return f"no such key (it comes with the kernel module {module})" if module else "no such key"


def judge(declared: Setting, observed: str | None) -> Iterator[Finding]:
    """One finding, `value`."""
    if observed is None:
        yield drifts("value", declared.value, None, _missing(canonical(declared.key)))
        return
    actual = str(observed)
    if _equal(declared.value, actual):
        yield agrees("value", declared.value, actual)
    elif (ranges := _ranges(declared.value)) is not None and ranges == _ranges(actual):
        if canonical(declared.key) in _RANGE_KEYS:
            yield agrees(
                "value", declared.value, actual, "the same ranges, as the kernel writes them"
            )
        else:
            yield undecided(
                "value",
                declared.value,
                "as lists of ranges they are equal; write it as the kernel does",
                actual,
            )
    else:
        yield drifts("value", declared.value, actual, another_count(declared.value, actual))


def _equal(declared: str, observed: str) -> bool:
    """Equal texts, but for outer blanks of the declaration; blanks within count as one only between
    numbers, which the kernel sets apart by tabs.
    """
    if observed in (declared, declared.strip()):
        return True
    numbers = declared.split()
    return numbers == observed.split() and all(map(NUMBER.fullmatch, numbers)) and bool(numbers)


def _ranges(value: str) -> list[tuple[int, int]] | None:
    """`8080,8081,8090-8092` -> [(8080, 8081), (8090, 8092)]; None: no list of ranges."""
    if len(value) > _LONGEST_LIST or _RANGE_LIST.fullmatch(value.strip()) is None:
        return None
    merged: list[tuple[int, int]] = []
    for low, high in sorted(_range(part) for part in value.strip().split(",")):
        if low > high:
            return None
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _range(part: str) -> tuple[int, int]:
    low, _, high = part.partition("-")
    return int(low), int(high or low)


def problems(declared: Setting) -> Iterator[tuple[str, str]]:
    """Numbers that the kernel would read but never show (octal, hexadecimal, with a plus), and
    values that it can never hold.
    """
    tokens = declared.value.split()
    odd = next((token for token in tokens if _OTHERWISE_SPELLED.fullmatch(token)), None)
    numbers = all(
        NUMBER.fullmatch(token) or _OTHERWISE_SPELLED.fullmatch(token) for token in tokens
    )
    if odd is not None and numbers and not _NO_NUMBER.search(declared.key):
        yield (
            "",
            f"{declared.key}: the kernel never shows a number as {odd[:40]}: write it in decimal, as it is shown",
        )
    elif (why := never(canonical(declared.key), declared.value)) is not None:
        yield "", f"{declared.key}: {why}"


def _entries(section: Mapping[str, str]) -> Iterator[Entry[Setting]]:
    for key, value in section.items():
        yield Entry(key, Setting(key, value), (key,))


def triggers(_: Setting, __: str) -> Triggers:
    """Return the files that set parameters at boot, and the command that sets them now."""
    return Triggers(paths=("/etc/sysctl.conf", "/etc/sysctl.d"), commands=("sysctl",))


RESOURCE: ResourceType[Setting, Value | None] = ResourceType(
    name="sysctl",
    declares=dict[str, str],
    entries=_entries,
    canonical=canonical,
    expected=lambda declared: {"value": declared.value},
    problems=problems,
    ask=ask,
    parse=parse,
    judge=judge,
    remedy=remedy,
    fact=lambda observed: None if observed is None else str(observed),
    triggers=triggers,
)
