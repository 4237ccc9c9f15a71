"""Reads the probe's answer about units."""

import re
from collections.abc import Iterable, Mapping, Sequence

from power_edge.resources.services.answer import (
    Answer,
    Jobs,
    Link,
    LinkKind,
    Names,
    plainest,
    unit_names,
)
from power_edge.resources.services.assembly import unit
from power_edge.resources.services.unit import Boot, Unit

_USUAL = frozenset(
    (
        "multi-user.target",
        "graphical.target",
        *(f"runlevel{level}.target" for level in (2, 3, 4, 5)),
    )
)
"""What default.target leads to on a machine that boots to one of the usual targets."""

_NEEDED = frozenset(("Id", "LoadState", "ActiveState", "SubState"))
"""Without these a block of `systemctl show` was cut short, and does not count."""

_SETTING = re.compile(r"(.*):[ \t]*(?:Alias|Service|Unit)[ \t]*=(.*)")
"""A line of grep: a file, and one of its settings. The name of a unit may have a colon."""


def parse(section: bytes) -> dict[str, Unit]:
    """Return the units by the names that were asked about, from the lines that the probe printed. A
    name that systemd gave no answer for is left out.

    ValueError: this is not an answer of the probe, or it was cut short.
    """
    parts: dict[str, list[str]] = {}
    for line in section.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith("== "):
            part = parts.setdefault(line[3:], [])
        elif parts:
            part.append(line)
        elif line:
            raise ValueError(f"not an answer about units: {line[:80]!r}")
    if "end" not in parts:
        raise ValueError("the answer about units was cut short")
    unsure = _reasons(parts.get("boot", ()), "unsure")
    jobs = _jobs(parts.get("boot", ()), unsure)
    units = {}
    for line in filter(None, parts.get("up", ())):
        name, sub = line.split(" ")
        boots = jobs is not None and name in jobs.jobs
        units[name] = Unit(
            name,
            "loaded",
            "active",
            sub,
            "enabled" if boots else "",
            boot=Boot(True) if boots else None,
        )
    clock = " ".join(parts.get("clock", ("0 0",))).split()
    links: dict[str, list[Link]] = {}
    for line in parts.get("links", ()):
        if (link := _link(line)) is not None:
            links.setdefault(link.pulled, []).append(link)
    answer = Answer(
        _properties(parts.get("show", ())),
        dict(line.split(" ", 1) for line in filter(None, parts.get("jobs", ()))),
        {
            name: state
            for name, _, state in (line.partition(" ") for line in parts.get("files", ()))
            if state
        },
        links,
        frozenset(
            (link.pulled, link.puller)
            for entries in links.values()
            for link in entries
            if link.by == "mask"
        ),
        _names(parts.get("names", ())),
        frozenset(filter(None, parts.get("left", ()))),
        {
            name: how
            for name, _, how in (line.partition(" ") for line in parts.get("halted", ()))
            if how
        },
        {
            called: name
            for name, _, called in (line.partition(" ") for line in parts.get("bus", ()))
            if called
        },
        _activating(parts.get("activating", ())),
        _goal(parts.get("default")),
        jobs,
        next(
            (
                line.removeprefix("why ")
                for line in parts.get("boot", ())
                if line.startswith("why ")
            ),
            "",
        ),
        unsure,
        frozenset(parts.get("active", ())),
        frozenset(parts.get("way", ())),
        _by_unit(parts.get("install", ())),
        _by_unit(parts.get("vain", ())),
        _by_unit(parts.get("again", ())),
        float(clock[0]),
        float(clock[1]),
    )
    units |= {
        name: unit(name, answer) for name in parts.get("asked", ()) if name in answer.properties
    }
    now = frozenset(parts.get("now", ()))
    return {
        name: each._replace(boot_asked=False) if name in now else each
        for name, each in units.items()
    }


def _properties(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the blocks of `systemctl show` by each name of their unit. The order does not count: a
    name that fails leaves no block.
    """
    properties: dict[str, dict[str, str]] = {}
    block: dict[str, str] = {}
    for line in (*lines, ""):
        if line:
            key, _, value = line.partition("=")
            block[key] = value
        elif block:
            if block.keys() >= _NEEDED:
                properties |= dict.fromkeys(
                    (*unit_names(block.get("Names", "")), block["Id"]), block
                )
            block = {}
    return properties


def _reasons(lines: Sequence[str], kind: str) -> dict[str, str]:
    """Return one reason by unit, from the lines `KIND UNIT REASON` of the part `boot`."""
    rows = (line.removeprefix(f"{kind} ") for line in lines if line.startswith(f"{kind} "))
    return {name: plainest(reasons) for name, reasons in _by_unit(rows).items()}


def _jobs(lines: Sequence[str], unsure: Mapping[str, str]) -> Jobs | None:
    """Read the part `boot`; None if the probe could not get the job list."""
    rows: dict[str, list[str]] = {}
    for line in lines:
        kind, _, rest = line.partition(" ")
        rows.setdefault(kind, []).append(rest)
    if "complete" not in rows and "trap" not in rows:
        return None
    wakers: dict[str, list[str]] = {}
    for row in rows.get("wakes", ()):
        by, _, name = row.partition(" ")
        wakers.setdefault(name, []).append(by)
    return Jobs(
        frozenset([*rows.get("job", ()), *rows.get("called", ())]),
        frozenset(rows.get("job", ())),
        _reasons(lines, "unmet"),
        wakers,
        rows.get("trap", ()),
        frozenset(rows.get("early", ())),
        unsure,
        frozenset(rows.get("unloaded", ())),
    )


def _link(line: str) -> Link | None:
    """Read `etc/systemd/system/a.target.wants/b.service`: `- ` before it marks a mask, `? ` a file
    that is not a link. None for any other line.
    """
    match = re.fullmatch(r"([-?] )?(.*)/([^/]+)\.(?:wants|requires|upholds)/([^/*]+)", line)
    if match is None:
        return None
    mark, parent, puller, pulled = match.groups()
    if mark == "- ":
        return Link(pulled, puller, "mask")
    by: LinkKind = "disk" if parent.startswith("etc/") else "vendor"
    if parent.startswith("run/"):
        by = "generator" if "/generator" in parent else "runtime"
    return Link(pulled, puller, by, not mark)


def _goal(lines: Sequence[str] | None) -> str | None:
    """Return what default.target leads to; None for one of the usual targets."""
    name = next(filter(None, lines or ()), "a target that could not be read")
    return None if lines is None or name in _USUAL else name


def _activating(lines: Iterable[str]) -> dict[str, list[str]]:
    """Return the triggers by the unit that their files name.

    A line is `etc/systemd/system/a.socket:Service=b.service`, or the same for a drop-in
    (a.socket.d/any.conf).
    """
    found: dict[str, list[str]] = {}
    for line in lines:
        if (match := _SETTING.fullmatch(line)) is None:
            continue
        path, unit_name = match.groups()
        folder, _, file = path.rpartition("/")
        trigger = folder.rpartition("/")[2].removesuffix(".d") if file.endswith(".conf") else file
        found.setdefault(unit_name.strip(), []).append(trigger)
    return found


def _by_unit(lines: Iterable[str]) -> dict[str, list[str]]:
    """Return the rest of each line by the unit that it begins with."""
    found: dict[str, list[str]] = {}
    for name, _, rest in (line.partition(" ") for line in lines):
        found.setdefault(name, []).append(rest)
    return found


def _names(lines: Iterable[str]) -> Names:
    """Read the unit files: `usr/lib/systemd/system/a.service`, the same with `:Alias=b.service`, or
    with `? ` before it for a file that may not be read.
    """
    files: dict[str, str] = {}
    known: dict[str, list[str]] = {}
    claims: dict[str, list[str]] = {}
    unread: list[str] = []
    for line in lines:
        match = _SETTING.fullmatch(line)
        path = match[1] if match else line.removeprefix("? ")
        unit_file = path.rpartition("/")[2]
        if not match:
            files.setdefault(unit_file, f"/{path}")
        if line.startswith("? "):
            unread.append(unit_file)
            continue
        for name in match[2].split() if match else [unit_file]:
            claims.setdefault(name, []).append(unit_file)
        if not match and "*" not in unit_file:
            known.setdefault(unit_file.rpartition(".")[0], []).append(unit_file)
    return Names(files, known, claims, unread)
