"""Standard output and standard error that never make their writer wait.

Whoever reads them may have stopped: a pipe that is full, `less`, Ctrl-S. A write would wait then,
and with it the whole watch. So each gets a pipe that is always read, and a thread that hands on
what came.
"""

import errno
import os
from collections import deque
from threading import Condition, Thread
from time import monotonic

_MOST = 1024 * 1024
"""Bytes that wait for a reader. What comes then is left out, until there is room again."""
_CHUNK = 65536
_STILL = 0.3
"""Seconds without progress after which the end does not wait for a reader any longer."""
_LONGEST = 5.0
"""Seconds that the end waits for a reader at most, however slow it is."""


class Relay:
    """One descriptor, which is written to by anybody, and whose output is handed on."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._target = os.dup(descriptor)
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._left_out = 0
        """Lines that were left out since there was room the last time."""
        self._ended = self._handed_on = False
        self._progress = monotonic()
        self._news = Condition()
        reading, writing = os.pipe()
        os.dup2(writing, descriptor)
        os.close(writing)
        for work, argument in ((self._take, reading), (self._hand_on, self._target)):
            Thread(target=work, args=(argument,), name="relay", daemon=True).start()

    def close(self) -> None:
        """End it: what waits is handed on first, as long as somebody reads it."""
        # All that was written is in the pipe. It ends when the last descriptor of it is closed.
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, self._descriptor)
        os.close(nowhere)
        end = monotonic() + _LONGEST
        with self._news:
            self._progress = monotonic()
            while not self._handed_on:
                now = monotonic()
                patience = min(self._progress + _STILL, end) - now
                if patience <= 0:
                    return
                self._news.wait(patience)
        os.dup2(self._target, self._descriptor)
        os.close(self._target)

    def _take(self, reading: int) -> None:
        """Take all that is written, at once."""
        while piece := os.read(reading, _CHUNK):
            with self._news:
                if self._left_out or self._size + len(piece) > _MOST:
                    self._left_out += piece.count(b"\n")
                else:
                    self._add(piece)
                self._news.notify_all()
        os.close(reading)
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)

    def _hand_on(self, target: int) -> None:
        """Hand on what was taken. This may wait for as long as nobody reads."""
        while True:
            with self._news:
                while not self._pieces and not self._ended:
                    self._news.wait()
                if not self._pieces:
                    self._handed_on = True
                    self._news.notify_all()
                    return
                piece = self._pieces.popleft()
                self._size -= len(piece)
            self._write(target, piece)
            with self._news:
                self._progress = monotonic()
                if self._left_out and self._size < _MOST // 2:
                    text = f"\n({self._left_out} lines were left out: nobody read them)\n"
                    self._left_out = 0
                    self._add(text.encode())
                self._news.notify_all()

    def _write(self, target: int, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            try:
                rest = rest[os.write(target, rest[:4096]) :]
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    return  # the reader has gone, for good or until it is started again
                _wait_for_room(target)
            with self._news:
                self._progress = monotonic()


def _wait_for_room(target: int) -> None:
    """Wait until a descriptor that does not block takes more."""
    import select

    poll = select.poll()
    poll.register(target, select.POLLOUT)
    poll.poll()
