"""Reads what apt's package lists on a node offer, from apt-cache and the times of the lists."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime

from power_edge.resources.packages.offers import (
    Candidate,
    Tagged,
    Version,
    age,
    blocks,
    clock_doubt,
    lists,
    now_of,
    status_of,
)

_ENTRY = re.compile(r" (\*\*\*|   ) (\S+)(?: (-?[0-9]+))?(?: \(phased ([0-9]+)%)?")
_LIST = re.compile(r" {6,}(-?[0-9]+) (?!/var/lib/dpkg/status$)")


def apt(tagged: Tagged) -> dict[str, Candidate]:
    """Return what apt would install, by name."""
    doubt = _apt_doubt(tagged)
    candidates = {}
    for name, lines in blocks(tagged.get("policy", ()), re.compile(r"(\S+):")):
        candidate = next(
            (line.split(None, 1)[1] for line in lines if line.startswith("  Candidate: ")), "(none)"
        )
        versions, installed = _table(lines)
        candidates[name] = Candidate(
            None if candidate == "(none)" else candidate, versions, doubt, installed
        )
    return candidates


def _table(lines: Iterable[str]) -> tuple[tuple[Version, ...], Version | None]:
    """Read a version table of apt-cache: the versions that a list offers, and the installed one."""
    offered: dict[str, Version] = {}
    installed: Version | None = None
    current: Version | None = None
    for line in lines:
        if entry := _ENTRY.match(line):
            mark, version, priority, phased = entry.groups()
            current = Version(
                version, int(priority or 0), phased=None if phased is None else int(phased)
            )
            installed = current if mark == "***" else installed
        elif current is not None and (source := _LIST.match(line)):
            highest = (
                max(int(source[1]), offered[current.version].source)
                if current.version in offered
                else int(source[1])
            )
            offered[current.version] = current._replace(source=highest)
    if installed is not None:
        installed = offered.get(installed.version, installed)
    return tuple(offered.values()), installed


def _apt_doubt(tagged: Tagged) -> str | None:
    """Return why the lists prove nothing; None: they are complete and fresh."""
    failed = _failure(tagged, "uri", "apt-get update --print-uris") or policy_failure(tagged)
    if failed is not None:
        return failed
    index_names = [
        match[1] for line in tagged.get("uri", ()) if (match := re.match(r"'[^']*' (\S+) ", line))
    ]
    times = {re.sub(r"\.(lz4|gz|xz|zst|bz2|lzma)$", "", name): time for name, time in lists(tagged)}
    sources = _indices(index_names)
    if not sources:
        return "apt has no sources"
    if doubt := clock_doubt(tagged):
        return doubt
    if missing := next(iter(sorted(tagged.get("missing", ()))), None):
        title = missing.removesuffix("_Packages").replace("_", "/")
        return f"apt has no package list of {title}, which its source offers: run apt-get update"
    if damaged := next(iter(sorted(tagged.get("cut", ()))), None):
        return (
            f"apt's package list {damaged} is damaged or may not be read, or the Release file of"
            " its source does not have it with this size: run apt-get update"
        )
    for source, indices in sources.items():
        title = source.rstrip("_").replace("_", "/")
        # A dangling link, or a list that may not be read.
        if broken := next(
            (line for line in tagged.get("stderr list", ()) if f"/{source}" in line), None
        ):
            return f"apt's package list of {title} cannot be examined: {broken}"
        # One index of several is enough: apt updates a release as a whole or not at all, and not
        # every architecture has an index.
        index_times = [times[name] for name in indices if name in times]
        if not index_times:
            return f"apt has no package list of {title}"
        # Without a Release file (a plain directory of packages) the time of the index counts.
        release = next(
            (name for name in (f"{source}InRelease", f"{source}Release") if name in times), None
        )
        doubt = (
            age(max(index_times), tagged)
            if release is None
            else _release_doubt(release, times[release], max(index_times), tagged)
        )
        if doubt:
            return f"apt's package list of {title} {doubt}"
    return None


def policy_failure(tagged: Tagged) -> str | None:
    """Return why the answer of apt-cache proves nothing; None: it is usable."""
    return _failure(tagged, "policy", "apt-cache policy")


def _failure(tagged: Tagged, tag: str, tool: str) -> str | None:
    """Return why the output of a command proves nothing; None: it is usable.

    Lines on stderr that are not apt's, such as those of a preloaded library, do not count.
    """
    output = [*tagged.get(f"stderr {tag}", ()), *tagged.get(tag, ())]
    if worst := next((line for line in output if line.startswith(("E:", "W:"))), None):
        return f"apt says {worst}"
    status = status_of(tagged, tag)
    if status == "0":
        return None
    if status in ("124", "143"):
        return f"{tool} took too long"
    last = next(reversed(tagged.get(f"stderr {tag}", ())), "")
    return f"{tool} ended with status {status}" + (f": {last}" if last else "")


_DATED = re.compile(r"(?P<path>.*):(?P<field>Date|Valid-Until):[ \t]*(?P<value>.*)", re.IGNORECASE)


def _release_doubt(release: str, time: int, index: int, tagged: Tagged) -> str | None:
    """Return why a Release file is not fresh; None: it is. `time` is the time of the file, `index`
    that of its newest index.
    """
    if error_line := next(
        (line for line in tagged.get("stderr release", ()) if f"{release}: " in line), None
    ):
        return f"cannot be dated: {error_line}"
    times = {"date": [time], "valid-until": list[int]()}
    has_date = False
    for line in tagged.get("release", ()):
        entry = _DATED.fullmatch(line)
        if entry is None or entry["path"].rpartition("/")[2] != release:
            continue
        try:
            moment = parsedate_to_datetime(entry["value"])
        except ValueError:
            return f"has a {entry['field']} that cannot be read: {entry['value']}"
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        times[entry["field"].lower()].append(int(aware.timestamp()))
        has_date |= entry["field"].lower() == "date"
    if any(until < now_of(tagged) for until in times["valid-until"]):
        return "has expired, by the Valid-Until in its Release file"
    if not has_date:
        times["date"].append(index)
    return next(filter(None, (age(one, tagged) for one in times["date"])), None)


def _indices(index_names: Sequence[str]) -> dict[str, list[str]]:
    """Return the package indices of each source, among the names that an update would write."""
    sources = {name.removesuffix("InRelease") for name in index_names if name.endswith("InRelease")}
    lengths = sorted({*map(len, sources)}, reverse=True)
    indices: dict[str, list[str]] = {}
    for name in index_names:
        if (
            name.endswith("Packages")
            and (
                source := next(
                    (name[:length] for length in lengths if name[:length] in sources), None
                )
            )
            is not None
        ):
            indices.setdefault(source, []).append(name)
    return indices
