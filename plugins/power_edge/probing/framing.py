"""The frame of an answer, as probes/prelude.sh writes it: head, blocks, checksums."""

import re
import zlib
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import islice
from typing import NamedTuple

from power_edge.identity.identifiers import Reading
from power_edge.stderr import reason

_HEADER = re.compile(rb"^PE2 ([0-9a-f]{32}) (\d{1,10}) (\d{1,12}) (.{0,1000})\n", re.MULTILINE)
_OLDER = re.compile(rb"^PE1 [0-9a-f]{32} \d", re.MULTILINE)
_ANY_FRAME = re.compile(rb"^[0-9a-f]{32} [SIGCBEZ]\b", re.MULTILINE)
NOT_STARTED = "the probe did not start"
MANY_FRAMES = 10_000
_LONG_FRAME = 64 * 1024
_LONG_ERRORS = 64 * 1024
"""Limits: lines of the frame in an answer, characters of such a line, bytes of a section's errors.

Beyond the first two the answer is refused; what is beyond the third is dropped. A script of
100,000 items makes an answer of 250 such lines.
"""
INCOMPLETE = "the answer is incomplete"
DAMAGED = "the answer was damaged on the way"
_TIMED_OUT = frozenset({124, 137, 143})  # timeout(1), its KILL, and busybox's own number


class Output(NamedTuple):
    """What one section printed.

    `status` is None if the section is not whole; `lost` says why.
    """

    status: int | None
    stdout: bytes
    stderr: str
    milliseconds: int | None = None
    """How long it ran; None if the node has no clock for it."""
    lost: str | None = None

    @property
    def timed_out(self) -> bool:
        """Whether the deadline of the section, or of the node, ended it."""
        return self.status in _TIMED_OUT

    def failure(self) -> str | None:
        """Return why this section is not usable, or None if it is."""
        if self.status == 0:
            return None
        if self.status is None:
            return self.lost or INCOMPLETE
        if self.timed_out:
            return "timed out"
        return reason(self.stderr) or f"the probe ended with status {self.status}"


class Answer(NamedTuple):
    """An answer: the node that it names, its time, its identifiers, and its sections.

    `time` is in seconds since 1970, by the node's clock. `readings` are the identifiers by kind.
    `outputs` has each section that the head promises, also those that were lost.
    """

    node: str
    uid: int
    time: int
    readings: dict[str, Reading]
    gate: str | None
    outputs: dict[str, Output]
    complete: bool


class Kind(Enum):
    """What an answer is for. The value is its name in messages."""

    CHECK = "a check"
    DISCOVERY = "a discovery"
    ABOUT = "`power-edge about`"


def kind(answer: Answer) -> Kind:
    """Return what an answer is for, by the sections that its head promises."""
    names = answer.outputs.keys()
    if any(name.startswith("find.") for name in names) or "identity" in names:
        return Kind.DISCOVERY
    return Kind.ABOUT if any(name.startswith("about.") for name in names) else Kind.CHECK


class NoAnswer(Exception):
    """The bytes hold no answer; the text says why."""


class _Frame(NamedTuple):
    """A line of the frame: its place in the answer, its letter, and its words."""

    start: int
    end: int
    letter: str
    words: list[str]


class _Head(NamedTuple):
    sections: list[str]
    readings: dict[str, Reading]
    gate: str | None


def read(answer: bytes) -> Answer:
    """Return the answer in these bytes; what a login shell printed before it is ignored.

    Raises NoAnswer if there is none, or its head does not match its checksum. A section that does
    not match its checksum is lost.
    """
    header = _HEADER.search(answer)
    if header is None:
        raise NoAnswer(_no_header(answer))
    nonce, uid, time, node = header.groups()
    if node.endswith(b"\r"):
        # Nobody can tell which of these line ends are the node's.
        raise NoAnswer("its line ends were changed on the way (to CR LF): copy it without changes")
    frames = list(islice(_frames(answer, nonce, header.end()), MANY_FRAMES + 1))
    if len(frames) > MANY_FRAMES:
        raise NoAnswer(f"its frame has more than {MANY_FRAMES:,} lines")
    _refuse_a_second(answer, frames[-1].end if frames else header.end(), nonce)
    closing = next((index for index, frame in enumerate(frames) if frame.letter in "CBEZ"), None)
    if closing is None:
        head, later = _Head([], {}, None), []
    elif frames[closing].letter == "C" and _fits(answer, header.start(), frames[closing], nonce):
        head, later = _head(frames[:closing]), frames[closing + 1 :]
    else:
        raise NoAnswer(f"{DAMAGED}: its head does not match its checksum")
    complete = any(frame.letter == "Z" for frame in later)
    outputs = dict(_blocks(answer, nonce, later, complete))
    expected = head.sections if head.gate == "open" else []
    missing = Output(
        None, b"", "", lost=f"{DAMAGED}: the section is missing" if complete else INCOMPLETE
    )
    return Answer(
        node.decode("utf-8", "replace"),
        int(uid),
        int(time),
        head.readings,
        head.gate,
        {name: outputs.get(name, missing) for name in dict.fromkeys(expected)},
        complete,
    )


def _no_header(answer: bytes) -> str:
    if _OLDER.search(answer):
        return (
            "it was made by the script of an older version (PE1):"
            " make it again with the script of this version"
        )
    if _ANY_FRAME.search(answer):
        return f"{DAMAGED}: its first line is missing"
    return NOT_STARTED


def _frames(answer: bytes, nonce: bytes, start: int) -> Iterator[_Frame]:
    for found in re.compile(
        rb"^" + nonce + b" ([SIGCBEZ])(?: (.{0,%d}))?$" % _LONG_FRAME, re.MULTILINE
    ).finditer(answer, start):
        yield _Frame(
            found.start(),
            found.end(),
            found[1].decode(),
            (found[2] or b"").decode("ascii", "replace").split(),
        )


def _refuse_a_second(answer: bytes, last: int, nonce: bytes) -> None:
    """Raise NoAnswer for two answers in one file, or one twice: nobody knows which one is right.

    A line of a section that looks like a header is not one.
    """
    again = re.compile(rb"^PE2 " + nonce, re.MULTILINE).finditer(answer)
    if _HEADER.search(answer, last) is not None or len(list(islice(again, 2))) > 1:
        raise NoAnswer("more than one answer: keep each in a file of its own")


def _head(frames: Iterable[_Frame]) -> _Head:
    head = _Head([], {}, None)
    for frame in frames:
        match frame.letter, frame.words:
            case "S", names:
                head.sections.extend(names)
            case "I", [kind, state, digest]:
                head.readings[kind] = Reading(state, digest if state == "ok" else None)
            case "G", ["open" | "hidden" | "wrong" as verdict]:
                head = head._replace(gate=verdict)
    return head


def _blocks(
    answer: bytes, nonce: bytes, frames: Iterable[_Frame], complete: bool
) -> Iterator[tuple[str, Output]]:
    """Yield the sections by name.

    A block reaches from its B line to the next C line. If two have one name, both are lost.
    """
    duplicate = Output(None, b"", "", lost=f"{DAMAGED}: the section is in it twice")
    names = set()
    begin: _Frame | None = None
    end: _Frame | None = None
    for frame in frames:
        match frame.letter:
            case "B":
                yield from _endless(begin)
                begin, end = frame, None
            case "E":
                end = frame
            case "C" if begin is not None:
                name = begin.words[0] if begin.words else ""
                yield (
                    name,
                    duplicate if name in names else _output(answer, nonce, begin, end, frame),
                )
                names.add(name)
                begin = None
    if complete:
        yield from _endless(begin)


def _endless(begin: _Frame | None) -> Iterator[tuple[str, Output]]:
    if begin is not None and begin.words:
        yield begin.words[0], Output(None, b"", "", lost=f"{DAMAGED}: the section has no end")


def _output(
    answer: bytes, nonce: bytes, begin: _Frame, end: _Frame | None, closing: _Frame
) -> Output:
    if not _fits(answer, begin.start, closing, nonce):
        return Output(None, b"", "", lost=f"{DAMAGED}: the section does not match its checksum")
    if end is None or len(end.words) != 3 or end.words[:1] != begin.words[:1]:
        return Output(None, b"", "", lost="the section was not understood")
    _, status, duration = end.words
    errors = (
        answer[end.end : min(closing.start, end.end + _LONG_ERRORS)]
        .decode("utf-8", "replace")
        .strip()
    )
    # Before the E line the prelude puts a newline: what is printed need not end with one.
    return Output(
        _number(status), answer[begin.end + 1 : end.start - 1], errors, _milliseconds(duration)
    )


def _fits(answer: bytes, start: int, closing: _Frame, nonce: bytes) -> bool:
    """Return whether the bytes from `start` up to the numbers of a C line fit those numbers."""
    covered = memoryview(answer)[start : closing.start + len(nonce) + len(" C ")]
    return closing.words == [str(cksum(covered)), str(len(covered))]


_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


_PIECE = 1 << 20


def cksum(data: bytes | memoryview) -> int:
    """Return the checksum of cksum(1), as POSIX defines it.

    It is CRC-32 from the highest bit on, begun with 0, over the data and its length. zlib's begins
    with the lowest bit, so the bits are reversed before and after: by a table, since an answer can
    be megabytes.
    """
    length = len(data).to_bytes((len(data).bit_length() + 7) // 8, "little")
    crc = 0xFFFFFFFF
    for at in range(0, len(data), _PIECE):
        crc = zlib.crc32(bytes(data[at : at + _PIECE]).translate(_REVERSED), crc)
    crc = zlib.crc32(length.translate(_REVERSED), crc)
    return int(f"{crc:032b}"[::-1], 2)


def merge(answers: Iterable[Answer]) -> Answer:
    """Return one answer made of those to a long script that was split.

    Raises NoAnswer if they do not come from one machine.
    """
    first, *others = answers
    for other in others:
        if (other.readings, other.node) != (first.readings, first.node):
            raise NoAnswer("another machine answered during the run")
        first = first._replace(
            outputs={**first.outputs, **other.outputs}, complete=first.complete and other.complete
        )
    return first


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 3 else 1


def _milliseconds(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 9 else None
