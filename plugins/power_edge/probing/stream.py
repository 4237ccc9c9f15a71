"""Recognize the answer to one script in the output of a connection that runs many.

The loop on the node (`script.loop`) prints the script's token before the answer and after it. The
token is random, and no other script has it, so what lies between is the answer to this script: not
one that was sent before it, and not a part of an earlier one that came late.
"""

import re

from power_edge.probing.process import TooLong

_FRAME = re.compile(rb"\nPE2 ([0-9a-f]{32}) .*\n\1 Z\n", re.DOTALL)
"""What a script prints from its first byte to its last."""


class Stream:
    """What came after a script was sent, up to the end of its answer."""

    def __init__(self, token: str, longest: int, *, first: bool) -> None:
        """`first`: the connection is new, so that what a startup file prints comes before.

        `longest`: bytes that may come.
        """
        self._begin = f"\n{token} begin\n".encode()
        self._end = f"\n{token} end\n".encode()
        self._longest = longest
        self._first = first
        self._read = bytearray()
        self._at = -1
        """Where the end begins; -1 before it has come."""

    def feed(self, piece: bytes) -> bool:
        """Take the next bytes; return whether the end of the answer has come.

        Raises TooLong.
        """
        if len(self._read) + len(piece) > self._longest:
            raise TooLong(f"the answer is longer than {self._longest // (1024 * 1024)} MiB")
        # The end may have been cut in two.
        start = max(0, len(self._read) - len(self._end))
        self._read += piece
        if self._at < 0:
            self._at = self._read.find(self._end, start)
        return self._at >= 0

    def received(self) -> bytes:
        """Return all that came."""
        return bytes(self._read)

    def answer(self) -> bytes:
        """Return what the script printed; nothing if one of its tokens is missing."""
        begin = self._read.find(self._begin)
        return bytes(self._read[begin + len(self._begin) : self._at]) if begin >= 0 else b""

    def is_clean(self) -> bool:
        """Return whether nothing came that does not belong, so that another script may be sent."""
        begin = self._read.find(self._begin)
        return (
            (begin == 0 or (self._first and begin > 0))
            and self._at + len(self._end) == len(self._read)
            and _FRAME.fullmatch(self._read, begin + len(self._begin), self._at) is not None
        )
