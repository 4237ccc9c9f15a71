"""What the package lists on a node offer, and whether they are to be trusted: for `state: latest`.

Nothing is refreshed for a check. A list counts as fresh when its time lies within the last seven
days of the node's clock. That time is the server's (the modification time of the file that a link
leads to), and where the list has a Release file also the `Date` in it, whichever is older: a copy
or `touch` does not change what stands in the file. apt leaves no other trace: an update that finds
nothing new, and one that fails, touch no file (seen with 2.6).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

FRESH = 7 * 24 * 3600
"""Seconds."""
_SLACK = 3600
"""Seconds by which a server's clock may be ahead of the node's."""


class Version(NamedTuple):
    """A version that a list offers.

    `priority` is apt's for this version, `source` the highest priority of the lists that have it;
    `phased` is the percentage of machines that are to get it by now, None where it is not phased.
    """

    version: str
    priority: int = 500
    source: int = 500
    phased: int | None = None


class Candidate(NamedTuple):
    """The version that would be installed (None: none), all versions that a list offers, and why
    the lists prove nothing (None: they do).

    `installed` is what the version table says of the installed version.
    """

    version: str | None
    offered: tuple[Version, ...]
    doubt: str | None = None
    installed: Version | None = None


Tagged = Mapping[str, Sequence[str]]
"""The probe's raw lines by tag; `stderr TAG` are those that a command wrote to stderr, and its last
line is `status N`.
"""


def status_of(tagged: Tagged, tag: str) -> str:
    """The exit status of the command behind a tag; `none` where the answer ends before it."""
    last = next(reversed(tagged.get(tag, ())), "")
    return last.removeprefix("status ") if last.startswith("status ") else "none"


def lists(tagged: Tagged) -> Iterator[tuple[str, int]]:
    """File name and time of each package list."""
    for line in tagged.get("list", ()):
        time, _, path = line.partition(" ")
        if time.isdecimal():
            yield path.rpartition("/")[2], int(time)


def now_of(tagged: Tagged) -> int:
    """The node's clock, in seconds since 1970."""
    return int(next(iter(tagged.get("now", ())), "0"))


def age(time: int, tagged: Tagged) -> str | None:
    """Why a list of this time (seconds since 1970) is not fresh; None: it is."""
    now = now_of(tagged)
    if time > now + _SLACK:
        return "is from the future, by the node's clock"
    return (
        f"may be {(now - time) // 86400} days old; up to 7 are fresh"
        if now - time > FRESH
        else None
    )


def clock_doubt(tagged: Tagged) -> str | None:
    """A file that was written later than now: the clock was set back, and no age by it is true."""
    now = now_of(tagged)
    for line in tagged.get("clock", ()):
        time, _, path = line.partition(" ")
        if time.isdecimal() and int(time) > now + _SLACK:
            return f"no age can be told: the node's clock was set back since {path} was written"
    return None


def blocks(lines: Iterable[str], header: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    """Name and lines of each block; a block begins with a line that is its header, whose first
    group is the name.
    """
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
