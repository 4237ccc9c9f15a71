"""What package lists offer, and whether they are fresh enough to decide `state: latest`.

A check refreshes no list. A list is fresh if its time lies within the last seven days of the node's
clock. Its time is the server's: the modification time of the file that a link leads to, or the
`Date` in its Release file if that is older, since a copy or `touch` does not change the content.
apt leaves no other trace: an update that finds nothing new, or that fails, touches no file (checked
with apt 2.6).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

FRESH = 7 * 24 * 3600
"""Seconds up to which a list is fresh."""
_SLACK = 3600
"""Seconds by which a server's clock may be ahead of the node's."""


class Version(NamedTuple):
    """A version that a list offers.

    `priority` is apt's priority of this version, `source` the highest priority of the lists that
    offer it. `phased` is the percentage of machines that get it so far; None: it is not phased.
    """

    version: str
    priority: int = 500
    source: int = 500
    phased: int | None = None


class Candidate(NamedTuple):
    """What the package manager would install of a package.

    `version`: None if it would install none. `offered`: all versions that a list offers. `doubt`:
    why the lists prove nothing; None: they do. `installed`: the installed version in apt's version
    table.
    """

    version: str | None
    offered: tuple[Version, ...]
    doubt: str | None = None
    installed: Version | None = None


Tagged = Mapping[str, Sequence[str]]
"""The probe's raw lines by tag.

The last line of a command is `status N`; `stderr TAG` are the lines that it wrote to stderr.
"""


def status_of(tagged: Tagged, tag: str) -> str:
    """Return the exit status of the command with this tag; `none` if the answer has none."""
    last = next(reversed(tagged.get(tag, ())), "")
    return last.removeprefix("status ") if last.startswith("status ") else "none"


def lists(tagged: Tagged) -> Iterator[tuple[str, int]]:
    """Yield file name and time (seconds since 1970) of each package list."""
    for line in tagged.get("list", ()):
        time, _, path = line.partition(" ")
        if time.isdecimal():
            yield path.rpartition("/")[2], int(time)


def now_of(tagged: Tagged) -> int:
    """Return the node's clock, in seconds since 1970."""
    return int(next(iter(tagged.get("now", ())), "0"))


def age(time: int, tagged: Tagged) -> str | None:
    """Return why a list of this time (seconds since 1970) is not fresh; None: it is."""
    now = now_of(tagged)
    if time > now + _SLACK:
        return "is from the future, by the node's clock"
    return (
        f"may be {(now - time) // 86400} days old; up to 7 are fresh"
        if now - time > FRESH
        else None
    )


def clock_doubt(tagged: Tagged) -> str | None:
    """Return that a file is newer than now, so that the clock was set back and ages are unknown;
    None if no file is.
    """
    now = now_of(tagged)
    for line in tagged.get("clock", ()):
        time, _, path = line.partition(" ")
        if time.isdecimal() and int(time) > now + _SLACK:
            return (
                f"the age of the lists is unknown: the node's clock was set back since {path} was"
                " written"
            )
    return None


def blocks(lines: Iterable[str], header: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield name and lines of each block. A block begins with a line that matches `header`, whose
    first group is the name.
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
