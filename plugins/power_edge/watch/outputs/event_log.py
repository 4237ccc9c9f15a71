"""The event log: a file of JSON lines, one for each change of an outcome.

A thread writes it: a file system that hangs, or a disk that is full, holds up the log alone.
"""

import errno
import json
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Any, NamedTuple

import msgspec

from power_edge.model import Item, Outcome
from power_edge.text import printable, readable
from power_edge.watch.locks import lock
from power_edge.watch.outputs.lines import as_event, as_gone, json_line
from power_edge.watch.transition import Transition

_MOST = 10_000
"""Lines that wait to be written. With more, the oldest are left out."""
_PAUSE = 1.0
"""Seconds before a write that failed is tried again."""
_READ = 8 * 1024 * 1024
"""Bytes at the end of the file that are read at the start."""
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


class Written(OSError):
    """Another process writes to the file."""

    def __init__(self, pid: int) -> None:
        """`pid`: its number, 0 if that is not known."""
        who = f"process {pid}" if pid else "another process"
        super().__init__(errno.EBUSY, f"{who} writes to it")


class Logged(NamedTuple):
    """What a line is about: an item as the lines name it."""

    node: str
    type: str
    name: str


def logged_as(item: Item) -> Logged:
    """Return how the lines name an item."""
    return Logged(item.node, item.type, readable(item.name))


class EventLog:
    """A file of JSON lines. Each line is written whole, or not at all; what a watch that was killed
    left of one is removed.

    `from` of a line is `to` of the last line about its item, so that lines which were left out
    break no chain; where both would be equal, and it is not a drift, there is no line. So a watch
    that was killed and started again writes what has changed meanwhile, and nothing twice.

    The file is opened again for a line if another one has taken its place (logrotate's `create`); a
    file that was cut (`copytruncate`) is appended to, as it is open for appending.

    Only one process may write to it, and holds a lock on it. A second one would remove a line that
    the first is still writing, and would not know the states that the first has written.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, and read what it says of each item. Raises OSError; Written if another
        process writes to it.
        """
        self._path = path
        self._file = self._open()
        self._last = dict(_last_lines(self._file))
        self._waiting: deque[Transition | _Gone] = deque()
        self._left_out = 0
        self._to_reopen = self._closing = False
        self.error: str | None = None
        """Why it cannot be written, printable; None if it can."""
        self._news = Condition()
        self._say: Callable[[str], None] = lambda _: None
        self._thread = Thread(target=self._work, name="event log", daemon=True)

    def start(self, say: Callable[[str], None]) -> None:
        """Begin to write. `say` is called in another thread, with lines for people."""
        self._say = say
        self._thread.start()

    def __call__(self, transition: Transition) -> None:
        """Let a transition be appended. Never waits."""
        self._append(transition)

    def declared(self, node: str, items: Iterable[Item]) -> None:
        """Let a line be appended for each item of a node that the log knows, and that is not among
        these: it has gone. Never waits.
        """
        known = set(map(logged_as, items))
        now = time.time()
        with self._news:
            gone = [each for each in self._last if each.node == node and each not in known]
        for each in gone:
            self._append(_Gone(now, each))

    def _append(self, line: "Transition | _Gone") -> None:
        with self._news:
            if len(self._waiting) >= _MOST:
                self._waiting.popleft()
                self._left_out += 1
            self._waiting.append(line)
            self._news.notify()

    def reopen(self) -> None:
        """Let the file be opened again, by its name. Never waits."""
        with self._news:
            self._to_reopen = True
            self._news.notify()

    def close(self, seconds: float) -> int:
        """Write what waits, and end. Takes at most so many seconds. Return how many lines could not
        be written.
        """
        with self._news:
            self._closing = True
            self._news.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)
        return len(self._waiting) + self._left_out

    def _work(self) -> None:
        while True:
            with self._news:
                while not (self._waiting or self._to_reopen or self._closing):
                    self._news.wait()
                reopen, self._to_reopen = self._to_reopen, False
                line = self._waiting[0] if self._waiting else None
                if line is None and not reopen:
                    os.close(self._file)
                    return  # it is closed
            try:
                if reopen or not self._is_current():
                    self._reopen()
                if line is not None:
                    self._write(line)
            except OSError as error:
                reason = printable(error.strerror or str(error))
                if self.error is None:
                    self._say(f"the event log could not be written: {reason}; trying again")
                self.error = reason
                with self._news:
                    if self._closing:
                        return
                    self._news.wait(_PAUSE)
                continue
            with self._news:
                # It may have been left out meanwhile, as the oldest.
                if self._waiting and self._waiting[0] is line:
                    self._waiting.popleft()
                left_out, self._left_out = self._left_out, 0
            if self.error is not None or left_out:
                missing = f"; {left_out} lines were left out" if left_out else ""
                self._say(f"the event log is written again{missing}")
            self.error = None

    def _write(self, waiting: "Transition | _Gone") -> None:
        now: _Last | None
        if isinstance(waiting, _Gone):
            logged, now = waiting.logged, None
            if (last := self._last.get(logged)) is None:
                return
            event = as_gone(waiting.time, *logged, last.outcome)
        else:
            logged, outcome = logged_as(waiting.result.item), waiting.result.outcome
            last = self._last.get(logged)
            before = last.outcome if last is not None else None
            event = as_event(waiting._replace(before=before))
            now = _Last(outcome, _actual(event["actual"]))
            if now == last or before is outcome is not Outcome.DRIFT:
                return
        line = f"{json_line(event)}\n".encode()
        _end_last_line(self._file)
        size = os.fstat(self._file).st_size
        if os.write(self._file, line) < len(line):  # the disk is full
            os.ftruncate(self._file, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with self._news:
            if now is None:
                del self._last[logged]
            else:
                self._last[logged] = now

    def _reopen(self) -> None:
        """Open the file again, by its name. Raises OSError; the old one stays open then."""
        if self._is_current():
            return  # closing a second descriptor of the file would release the lock
        old, self._file = self._file, self._open()
        os.close(old)

    def _open(self) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            if stat.S_ISREG(os.fstat(file).st_mode) and (pid := lock(file)) is not None:
                raise Written(pid)
        except OSError:
            os.close(file)
            raise
        with suppress(OSError):  # it is tried again before a line is written
            _end_last_line(file)
        return file

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file), self._path.stat())
        except OSError:
            return False


class _Gone(NamedTuple):
    """An item that is no longer declared, and when that was found."""

    time: float
    logged: Logged


class _Last(NamedTuple):
    """The last line about an item: the outcome, and what was observed, as JSON."""

    outcome: Outcome
    actual: str


def _actual(actual: object) -> str:
    return json.dumps(actual, sort_keys=True)


class _Line(msgspec.Struct):
    """What is read of a line."""

    node: str
    type: str
    name: str
    to: str | None
    actual: Any = None


_BEGIN = b'{"time":"'
"""How a line of ours begins."""


def _end_last_line(file: int) -> None:
    """Make a log end with a whole line, so that the next one begins a line of its own.

    The beginning of a line of ours is removed: a watch was killed, or the machine lost its power,
    while it was written. What others wrote stays. Raises OSError.
    """
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode) or not about.st_size:
        return  # a pipe has no end to look at
    if os.pread(file, 1, about.st_size - 1) == b"\n":
        return
    begin = max(0, about.st_size - _READ)
    end = os.pread(file, _READ, begin)
    last = end.rpartition(b"\n")[2]
    if _is_torn(last) and (len(last) < len(end) or not begin):
        os.ftruncate(file, about.st_size - len(last))
    else:
        os.write(file, b"\n")


def _is_torn(text: bytes) -> bool:
    """Whether a text is a line of ours that was not written to its end.

    After a power cut a file may have zeros where nothing reached the disk.
    """
    if not text.strip(b"\0"):
        return True
    if text[: len(_BEGIN)] != _BEGIN[: len(text)]:
        return False
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return True
    return False


def _last_lines(file: int) -> Iterator[tuple[Logged, _Last]]:
    """Yield the items of a log with the last line about each, without those that have gone.

    What is not a line of ours is passed over. Raises OSError.
    """
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode):
        return  # a pipe would let us wait
    begin = max(0, about.st_size - _READ)
    lines = os.pread(file, _READ, begin).split(b"\n")
    found: dict[Logged, _Line] = {}
    decoder = msgspec.json.Decoder(_Line)
    for text in lines[1:] if begin else lines:
        try:
            line = decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        found[Logged(line.node, line.type, line.name)] = line
    for logged, line in found.items():
        if line.to in _OUTCOMES:
            yield logged, _Last(_OUTCOMES[line.to], _actual(line.actual))
