"""What the package lists on a node offer, and whether they are to be trusted: for `state: latest`.

Nothing is refreshed for a check. A list counts as fresh when its time, which is the server's and so never later than its download, lies within the
last seven days of the node's clock. apt leaves no other trace: an update that finds nothing new, and one that fails, touch no file (seen with 2.6).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cmp_to_key
from typing import NamedTuple

from power_edge.resources.packages import versions

FRESH = 7 * 24 * 3600
"""Seconds."""
_SLACK = 3600
"""Seconds by which a server's clock may be ahead of the node's."""


class Candidate(NamedTuple):
    """The version that would be installed (None: none), all versions that a list offers, and why the lists prove nothing (None: they do)."""

    version: str | None
    offered: tuple[str, ...]
    doubt: str | None = None


Tagged = Mapping[str, Sequence[str]]
"""The probe's raw lines by tag."""


def candidates(manager: str, tagged: Tagged) -> Mapping[str, Candidate]:
    """By name, as the manager spells it."""
    read = {"dpkg": _apt, "apk": _apk, "pacman": _pacman}.get(manager)
    return read(tagged) if read is not None else {}


def _apt(tagged: Tagged) -> dict[str, Candidate]:
    doubt = _apt_doubt(tagged)
    found = {}
    for name, lines in _blocks(tagged.get("policy", ()), re.compile(r"(\S+):")):
        candidate = next((line.split(None, 1)[1] for line in lines if line.startswith("  Candidate: ")), "(none)")
        offered, version = [], ""
        for line in lines:
            if entry := re.match(r" (?:\*\*\*|   ) (\S+)", line):
                version = entry[1]
            elif version and line.startswith("      ") and not line.endswith(" /var/lib/dpkg/status"):
                offered.append(version)
        found[name] = Candidate(None if candidate == "(none)" else candidate, tuple(dict.fromkeys(offered)), doubt)
    return found


def _blocks(lines: Iterable[str], header: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    name, block = "", list[str]()
    for line in lines:
        if match := header.fullmatch(line):
            if name:
                yield name, block
            name, block = match[1], []
        else:
            block.append(line)
    if name:
        yield name, block


def _apt_doubt(tagged: Tagged) -> str | None:
    for line in (*tagged.get("uri", ()), *tagged.get("policy", ())):
        if line.startswith(("E:", "W:")):
            return f"apt says {line}"
    wanted = [match[1] for line in tagged.get("uri", ()) if (match := re.match(r"'[^']*' (\S+) ", line))]
    lists = {re.sub(r"\.(lz4|gz|xz|zst|bz2|lzma)$", "", name): time for name, time in _lists(tagged)}
    sources = _indices(wanted)
    if not sources:
        return "apt has no sources"
    for source, indices in sources.items():
        title = source.rstrip("_").replace("_", "/")
        # One index of several is enough: apt takes a release whole or not at all, and not every architecture has one.
        there = [lists[name] for name in indices if name in lists]
        if not there:
            return f"apt has no list of {title}"
        # Without a release file (a bare directory of packages) the index speaks for itself.
        release = [lists[name] for name in (f"{source}InRelease", f"{source}Release") if name in lists]
        if doubt := _age(max(release or there), tagged):
            return f"apt's list of {title} {doubt}"
    return None


def _indices(wanted: Sequence[str]) -> dict[str, list[str]]:
    """The package indices of each source, of the names that an update would write."""
    sources = sorted((name.removesuffix("InRelease") for name in wanted if name.endswith("InRelease")), key=len, reverse=True)
    indices: dict[str, list[str]] = {}
    for name in wanted:
        if name.endswith("Packages") and (source := next((source for source in sources if name.startswith(source)), None)) is not None:
            indices.setdefault(source, []).append(name)
    return indices


def _lists(tagged: Tagged) -> Iterator[tuple[str, int]]:
    """File name and time of each package list."""
    for line in tagged.get("list", ()):
        time, _, path = line.partition(" ")
        if time.isdecimal():
            yield path.rpartition("/")[2], int(time)


def _age(time: int, tagged: Tagged) -> str | None:
    now = int(next(iter(tagged.get("now", ())), "0"))
    if time > now + _SLACK:
        return "is from the future, by the node's clock"
    return f"may be {(now - time) // 86400} days old; up to 7 are fresh" if now - time > FRESH else None


def _pacman(tagged: Tagged) -> dict[str, Candidate]:
    lists = dict(_lists(tagged))
    doubt = None if tagged.get("repo") else "pacman has no repositories"
    for repository in tagged.get("repo", ()):
        time = lists.get(f"{repository}.db")
        age = "is missing" if time is None else _age(time, tagged)
        doubt = doubt or (f"pacman's list of {repository} {age}" if age else None)
    offered: dict[str, list[str]] = {}
    name = ""
    for line in tagged.get("sync", ()):
        key, _, value = line.partition(" : ")
        if key.rstrip() == "Name":
            name = value
        elif key.rstrip() == "Version" and name:
            offered.setdefault(name, []).append(value)
    return {name: Candidate(found[0], tuple(found), doubt) for name, found in offered.items()}


def _apk(tagged: Tagged) -> dict[str, Candidate]:
    found = {}
    for name, lines in _blocks(tagged.get("policy", ()), re.compile(r"(\S+) policy:")):
        offered, version = [], ""
        for line in lines:
            if entry := re.fullmatch(r"  (\S+):", line):
                version = entry[1]
            elif re.match(r"    \S*://|    /", line):
                offered.append(version)
        newest = max(offered, key=cmp_to_key(_apk_order), default=None)
        found[name] = Candidate(newest, tuple(dict.fromkeys(offered)), "the age of apk's index cannot be told")
    return found


def _apk_order(one: str, two: str) -> int:
    try:
        return versions.apk(one, two)
    except ValueError:
        return 0
