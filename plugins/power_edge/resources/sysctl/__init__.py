"""Sysctl: the kernel's parameters in force, read as files below /proc/sys.

What a boot will set is not checked.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from power_edge.model import Entry, ResourceType, Triggers
from power_edge.resources.sysctl.judge import judge
from power_edge.resources.sysctl.key import Setting, Value, canonical
from power_edge.resources.sysctl.kinds import NUMBER, never
from power_edge.resources.sysctl.observation import parse
from power_edge.resources.sysctl.remedy import remedy

_OTHERWISE_SPELLED = re.compile(r"[+-]?(0[0-9]+|0[xX][0-9a-fA-F]+)|\+[0-9]+")
_NO_NUMBER = re.compile(r"(name|mask|bitmap|key|secret|release|version|pattern)$")
"""Endings of keys whose values are texts, or numbers that the kernel itself shows in hexadecimal or
with leading zeros.
"""


def ask(declarations: Sequence[Setting]) -> Iterator[str]:
    """Yield the paths to read. A path that would leave /proc/sys is left out."""
    for path in (canonical(declared.key) for declared in declarations):
        if not {"", ".", ".."} & {*path.split("/")}:
            yield path


def problems(declared: Setting) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a declaration: a number that the kernel would read but never show
    (octal, hexadecimal, with a plus), or a value that the key can never hold.
    """
    tokens = declared.value.split()
    respelled = next((token for token in tokens if _OTHERWISE_SPELLED.fullmatch(token)), None)
    numbers = all(
        NUMBER.fullmatch(token) or _OTHERWISE_SPELLED.fullmatch(token) for token in tokens
    )
    if respelled is not None and numbers and not _NO_NUMBER.search(declared.key):
        yield (
            "",
            f"{declared.key}: the kernel never shows a number as {respelled[:40]}: write it in"
            " decimal, without leading zeros or a plus",
        )
    elif (why := never(canonical(declared.key), declared.value)) is not None:
        yield "", f"{declared.key}: {why}"


def _entries(section: Mapping[str, str]) -> Iterator[Entry[Setting]]:
    for key, value in section.items():
        yield Entry(key, Setting(key, value), (key,))


def triggers(declared: Setting, _: str) -> Triggers:
    """Return the file in /proc/sys, the files that set parameters at boot, and the command that
    sets them now.
    """
    return Triggers(
        paths=("/etc/sysctl.conf", "/etc/sysctl.d"),
        commands=("sysctl",),
        values=tuple(f"/proc/sys/{path}" for path in ask([declared])),
    )


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
    turn=30,
    fact=lambda observed: None if observed is None else str(observed),
    triggers=triggers,
)
