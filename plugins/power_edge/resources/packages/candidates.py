"""Reads what the package lists on a node offer, for `state: latest`."""

import re
from collections.abc import Mapping
from functools import cmp_to_key

from power_edge.resources.packages import versions
from power_edge.resources.packages.apt import apt, policy_failure
from power_edge.resources.packages.offers import (
    Candidate,
    Tagged,
    Version,
    age,
    blocks,
    clock_doubt,
    lists,
    status_of,
)


def candidates(manager: str, tagged: Tagged) -> Mapping[str, Candidate]:
    """Return what the package manager would install, by name as the manager spells it."""
    read = {"dpkg": apt, "apk": _apk, "pacman": _pacman}.get(manager)
    return read(tagged) if read is not None else {}


def unread(manager: str, tagged: Tagged) -> str | None:
    """Return why it is unknown what the package lists offer; None if it was read, or not asked."""
    return policy_failure(tagged) if manager == "dpkg" and tagged.get("policy") else None


def _pacman(tagged: Tagged) -> dict[str, Candidate]:
    times = dict(lists(tagged))
    repositories = [
        line for line in tagged.get("repo", ()) if line and not line.startswith("status ")
    ]
    doubt = clock_doubt(tagged) if repositories else "pacman has no repositories"
    # pacman -Si ends with 1 where one of several names is in no list.
    for tag, tool, ok_statuses in (("repo", "pacman-conf", "0"), ("sync", "pacman -Si", "01")):
        if (status := status_of(tagged, tag)) not in {*ok_statuses}:
            doubt = doubt or f"{tool} ended with status {status}"
    for repository in repositories:
        time = times.get(f"{repository}.db")
        stale = "is missing" if time is None else age(time, tagged)
        doubt = doubt or (f"pacman's package list of {repository} {stale}" if stale else None)
    offered: dict[str, list[Version]] = {}
    name = ""
    for line in tagged.get("sync", ()):
        key, _, value = line.partition(" : ")
        if key.rstrip() == "Name":
            name = value
        elif key.rstrip() == "Version" and name:
            offered.setdefault(name, []).append(Version(value))
    return {
        name: Candidate(listed[0].version, tuple(listed), doubt) for name, listed in offered.items()
    }


def _apk(tagged: Tagged) -> dict[str, Candidate]:
    candidates = {}
    for name, lines in blocks(tagged.get("policy", ()), re.compile(r"(\S+) policy:")):
        offered, version = [], ""
        for line in lines:
            if entry := re.fullmatch(r"  (\S+):", line):
                version = entry[1]
            elif re.match(r"    \S*://|    /", line):
                offered.append(version)
        newest = max(offered, key=cmp_to_key(_apk_order), default=None)
        versions = tuple(Version(version) for version in dict.fromkeys(offered))
        candidates[name] = Candidate(newest, versions, "the age of apk's index is unknown")
    return candidates


def _apk_order(one: str, two: str) -> int:
    try:
        return versions.apk(one, two)
    except ValueError:
        return 0
