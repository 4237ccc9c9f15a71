"""A path as the kernel walks it: each folder, each symbolic link, and what is at its end.

An inotify event is only a hint, and can be lost. A fingerprint of the whole chain decides whether a
path has changed.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

_LINKS = 40
"""Symbolic links on the way to a file; the kernel follows as many (path_resolution(7))."""
_DEPTH = 2
"""Levels below a folder that count: /etc/systemd/system/a.service.d/b.conf."""
_ENTRIES = 4096
"""Entries of a folder that are looked at. A change beyond them shows in the folder's own times
only.
"""

_MOST_CONTENT = 1024 * 1024
_UNWRITTEN = 120.0
"""Seconds for which a page that was written may wait for the disk, with some to spare."""

Stat = tuple[object, ...]
Fingerprint = Mapping[str, Stat]
"""Path -> what lstat(2) says, for each link on the way, the end, and what is in a folder."""


class Step(NamedTuple):
    """One step on the way: a name in a folder."""

    folder: str
    name: str


class Chain(NamedTuple):
    """The way to a path. `end` is the real path that it leads to, or the first step that is missing
    (`exists` is false then).
    """

    steps: tuple[Step, ...]
    links: tuple[str, ...]
    end: str
    exists: bool


def chain(path: str) -> Chain:
    """Follow an absolute path through all symbolic links. Never raises."""
    rest = [step for step in path.split("/") if step]
    at = "/"
    steps: list[Step] = []
    links: list[str] = []
    while rest:
        name = rest.pop(0)
        if name == ".":
            continue
        if name == "..":
            at = os.path.dirname(at)  # noqa: PTH120 strings are walked, thousands of times
            continue
        steps.append(Step(at, name))
        here = at.rstrip("/") + "/" + name
        try:
            mode = os.lstat(here).st_mode
            target = os.readlink(here) if stat.S_ISLNK(mode) else None  # noqa: PTH115
        except OSError:
            return Chain(tuple(steps), tuple(links), here, exists=False)
        if target is None:
            at = here
            continue
        links.append(here)
        if len(links) > _LINKS:
            return Chain(tuple(steps), tuple(links), here, exists=False)
        if target.startswith("/"):
            at = "/"
        rest = [step for step in target.split("/") if step] + rest
    return Chain(tuple(steps), tuple(links), at, exists=True)


def fingerprint(way: Chain, ends: dict[str, Fingerprint] | None = None) -> Fingerprint:
    """Return the fingerprint of a chain.

    `ends`: those of ends that were looked at in the same moment; this one is added. Many paths can
    lead to one folder.
    """
    known = {} if ends is None else ends
    if (at_end := known.get(way.end)) is None:
        at_end = {way.end: _stat(way.end)}
        if way.exists:
            at_end |= {entry: _stat(entry) for entry in entries(way.end)}
        known[way.end] = at_end
    return {link: _stat(link) for link in way.links} | dict(at_end) if way.links else at_end


def differing(before: Fingerprint, now: Fingerprint) -> frozenset[str]:
    """Return the paths of what has changed between two fingerprints of one chain."""
    return frozenset(path for path in {*before, *now} if before.get(path) != now.get(path))


def recent_content(way: Chain) -> bytes | None:
    """Return a digest of the content of a file that was written lately; None for any other, for
    what is not a file, and for a file of more than 1 MiB.

    Who writes through mapped memory sends no event, and of several writes to one page Linux notes
    the time of the first alone, until the page has gone to the disk (after 35 s by default).
    """
    with suppress(OSError):
        at = os.lstat(way.end)
        if not stat.S_ISREG(at.st_mode) or at.st_size > _MOST_CONTENT:
            return None
        if abs(time.time() - at.st_mtime) > _UNWRITTEN:
            return None
        file = _open(way.end)
        try:
            return hashlib.blake2b(os.pread(file, _MOST_CONTENT, 0), digest_size=16).digest()
        finally:
            os.close(file)
    return None


def _open(path: str) -> int:
    """Open a file without leaving a trace in its times, as far as that is allowed."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:
        return os.open(path, flags)


def folders(way: Chain) -> Iterator[str]:
    """Yield the folder at the end of a chain, and those in it that count; none for a file."""
    if way.exists and _is_folder(way.end):
        yield way.end
        yield from (entry for entry in entries(way.end, _DEPTH - 1) if _is_folder(entry))


def entries(folder: str, depth: int = _DEPTH) -> Iterator[str]:
    """Yield the paths of what is in a folder, so many levels deep; nothing if it is not a
    folder."""
    pending = [(folder, depth)]
    count = 0
    while pending:
        at, left = pending.pop()
        try:
            with os.scandir(at) as found:
                for entry in found:
                    count += 1
                    if count > _ENTRIES:
                        return
                    yield entry.path
                    if left > 1 and entry.is_dir(follow_symlinks=False):
                        pending.append((entry.path, left - 1))
        except OSError:
            continue


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _stat(path: str) -> Stat:
    """Return what identifies a file and its content. A folder's times do not count: they change
    with each of its entries, and these are looked at themselves.
    """
    try:
        at = os.lstat(path)
        target = os.readlink(path) if stat.S_ISLNK(at.st_mode) else ""  # noqa: PTH115
    except OSError as error:
        return (error.errno,)
    identity = (at.st_dev, at.st_ino, at.st_mode, at.st_uid, at.st_gid)
    if stat.S_ISDIR(at.st_mode):
        return identity
    return (*identity, at.st_size, at.st_mtime_ns, at.st_ctime_ns, target)
